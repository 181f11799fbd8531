//! Collection: asks the checks what they cannot see, and AWS to show it, until nothing is unasked.
//!
//! There is no list of what to fetch. A check that reads a fact which nobody has asked for says so,
//! and that is the plan.

pub mod aws;
mod chain;
mod job;
mod known;
mod once;
mod stop;
mod text;
pub mod workstation;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ssm_doctor_analysis::{answer::Verdict, case::Case};
use ssm_doctor_checks::engine::{
    diagnosis::{diagnose, examine},
    event_history, fix,
};
use ssm_doctor_facts::{
    lookup::{Facts, Need, Why, with_neighbours},
    scope::Scope,
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use self::aws::{Account, Shared};
pub use self::{known::our_account, stop::Stop};

pub struct Gathered {
    pub facts: Facts,
    /// Requests sent.
    pub calls: u32,
    /// The longest chain of calls of which each waited for the one before.
    pub rounds: u32,
    /// Was everything asked? Not if the user wanted the end.
    pub is_complete: bool,
}

/// How often a question is put before its answer is given up: a VPC's list that lacks an id is
/// followed by a question about that id alone.
const MOST_ATTEMPTS: u8 = 2;

/// After so many calls that waited for each other, no further call is made for facts that only explain a cause. One more
/// is made for what shows whether a fix of a cause helps.
const LONG_CHAIN: u32 = 4;

/// How long a round waits for its slowest call before the next round starts.
const PATIENCE: Duration = Duration::from_secs(3);

/// One answer, before the question that the checks ask about is complete. Nothing after `deadline`.
pub async fn ask(need: Need, aws: &Account, asked: &Scope, deadline: Duration) -> Facts {
    let mut facts = Facts::default();
    let until = Instant::now() + deadline;
    let needs = with_neighbours(BTreeSet::from([need]), &facts, asked);
    for job in aws.jobs(needs, &facts, &Shared::default()) {
        facts.absorb(timeout_at(until, job).await.unwrap_or_default().facts);
    }
    facts
}

/// Collects everything that the checks need for any of `scopes` and that `facts` do not have. Of each target the first
/// scope is the session that was asked for; the report summarizes the others. What is still open after `deadline` is
/// unknown. After `stop` nothing more is asked.
pub async fn gather(
    mut facts: Facts,
    scopes: &[Scope],
    aws: &Account,
    deadline: Duration,
    stop: &Stop,
    progress: &mut dyn FnMut(&str),
) -> Gathered {
    let until = Instant::now() + deadline;
    let mut running = JoinSet::new();
    // What the calls under way are to answer.
    let mut awaited: BTreeSet<Need> = BTreeSet::new();
    let mut attempts: BTreeMap<Need, u8> = BTreeMap::new();
    let shared = Shared::default();
    // The longest chain of calls so far.
    let mut chain = 0;
    let mut is_complete = true;
    while let Some(asked) = scopes.first() {
        let mut needs = unasked(&facts, scopes, chain);
        if needs.is_empty() {
            break;
        }
        if stop.is_set() {
            is_complete = false;
            break;
        }
        // Giving one fact up makes some checks ask for another, so this repeats too.
        if Instant::now() >= until {
            for need in &needs {
                facts.give_up(need, Why::TimedOut, "");
            }
            continue;
        }
        if running.is_empty() {
            awaited.clear();
        }
        needs.retain(|need| !awaited.contains(need));
        for need in &needs {
            let attempts = attempts.entry(need.clone()).or_default();
            *attempts += 1;
            if *attempts > MOST_ATTEMPTS {
                facts.give_up(need, Why::Unreadable, "no call answered it");
            }
        }
        needs.retain(|need| !facts.has(need));
        if !needs.is_empty() {
            progress(&calls(&needs));
            let (all, before) = (with_neighbours(needs.clone(), &facts, asked), chain);
            for job in aws.jobs(all, &facts, &shared) {
                running.spawn(async move { (job.await, before) });
            }
            awaited.extend(needs);
        }
        let soon = until.min(Instant::now() + PATIENCE);
        let next = async |running: &mut JoinSet<_>| {
            tokio::select! {
                done = running.join_next() => done,
                () = stop.set() => None,
            }
        };
        while let Ok(Some(done)) = timeout_at(soon, next(&mut running)).await {
            // A job that broke leaves its needs without a row.
            let (answer, before) = done.unwrap_or_default();
            chain = chain.max(before + answer.chain);
            facts.absorb(answer.facts);
        }
    }
    Gathered { facts, calls: aws.calls(), rounds: chain, is_complete }
}

/// What the checks could not see and, while the longest chain of calls is short, what would show the causes of the session
/// asked for more closely.
fn unasked(facts: &Facts, scopes: &[Scope], chain: u32) -> BTreeSet<Need> {
    let explain = chain < LONG_CHAIN;
    let mut needs = BTreeSet::new();
    let mut targets = BTreeSet::new();
    let mut asked_for = None;
    for scope in scopes {
        // Of each target's sessions the first is the one that was asked for.
        let first = targets.insert(&scope.target);
        let case = Case::new(facts, scope);
        let answers = examine(&case);
        let causes = if explain { Vec::new() } else { diagnose(&answers).causes };
        for (check, answer) in &answers {
            let is_of_use = explain || chain == LONG_CHAIN && causes.contains(check);
            match answer {
                Err(unknown) => needs.extend(unknown.clone().unasked()),
                Ok(Verdict::Fail(evidence, failure)) if first && is_of_use => {
                    let wanted = evidence.wanted().iter().cloned();
                    let wanted = wanted.chain(fix::wanted(check, failure, &case));
                    // Several calls for one answer wait for each other.
                    let in_one_call = |need: &Need| explain || need.actions().len() == 1;
                    needs.extend(wanted.filter(|need| !facts.has(need) && in_one_call(need)));
                }
                Ok(_) => {}
            }
        }
        if first {
            asked_for = Some((case, answers));
        }
    }
    // The event history allows too few calls for many targets.
    if let Some((case, answers)) = asked_for.filter(|_| explain && targets.len() == 1) {
        // Who changed the resource of the first cause is asked when the cause is known, and then nothing else is open.
        let complete = needs.is_empty();
        needs.extend(event_history::wanted(&diagnose(&answers), &case, complete));
    }
    needs
}

/// `ec2:DescribeInstances, sts:GetCallerIdentity and 5 more`.
fn calls(needs: &BTreeSet<Need>) -> String {
    const MOST: usize = 3;
    let actions: BTreeSet<&str> =
        needs.iter().filter_map(|it| it.actions().first().copied()).collect();
    if actions.is_empty() {
        return "this machine".into();
    }
    let shown: Vec<&str> = actions.iter().copied().take(MOST).collect();
    match actions.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::workstation::Machine;

    use super::*;

    #[test]
    fn progress_names_a_few_calls() {
        let id = |raw: &str| raw.parse().unwrap();
        let mut needs = BTreeSet::from([Need::instance(id("i-1")), Need::instance(id("i-2"))]);
        assert_eq!(calls(&needs), "ec2:DescribeInstances");
        needs.insert(Need::instance_status(id("i-1")));
        needs.insert(Need::vpc("vpc-1".parse().unwrap()));
        needs.insert(Need::role("App".parse().unwrap()));
        assert_eq!(
            calls(&needs),
            "ec2:DescribeInstanceStatus, ec2:DescribeInstances, ec2:DescribeVpcs and 1 more"
        );
        assert_eq!(calls(&[Need::here_surroundings(Machine::Here)].into()), "this machine");
    }
}
