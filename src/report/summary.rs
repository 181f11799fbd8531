//! A report as people read it: the parts that every format for people shows, in order.
//!
//! A check's name claims health, so a failure is told by what was observed, with the name beside it. A
//! fault that two services share is one statement and one drawing.

use std::{collections::BTreeMap, fmt::Display};

use ssm_doctor_analysis::answer::{Answer, Verdict};
use ssm_doctor_checks::engine::{
    check::{Check, Impact},
    diagnosis::{Finding, Overall, Standing},
    words,
};
use ssm_doctor_facts::{
    limit::Limit,
    lookup::{Gap, Why},
    scope::Session,
};

use super::mark::Mark;
use super::{
    Repair, Report,
    drawing::{Drawing, alike},
    look_at,
    merge::merged,
    missing,
};

/// Longer lists are for machines.
pub const MOST: usize = 5;

/// The place of a failure in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The one to fix first.
    Root,
    AlsoBlocking,
    AlsoWrong,
    Advice,
}

/// How much a failure matters, in the words of formats for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It certainly blocks the session.
    Error,
    Warning,
    /// Advice.
    Note,
}

/// A failure that does not follow from another one.
pub struct Problem<'a> {
    pub check: &'static Check,
    pub role: Role,
    /// What was observed, the failing statement first. Never empty.
    pub statements: Vec<String>,
    /// What a reader of the statements may not know.
    pub explanation: Option<String>,
    /// Why the failure is not certain to be a cause.
    pub doubt: Option<String>,
    /// Why it does not count for the exit code, or since when it does again.
    pub excuse: Option<String>,
    pub drawings: Vec<Drawing>,
    /// The ways to repair it, the best first.
    pub repairs: &'a [Repair],
    pub runbook: String,
}

impl Problem<'_> {
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self.role {
            Role::Root if self.is_suspect() => "Suspect",
            Role::Root => "Cause",
            Role::AlsoBlocking => "Also blocking",
            Role::AlsoWrong => "Also wrong",
            Role::Advice => "Advice",
        }
    }

    #[must_use]
    pub fn severity(&self) -> Severity {
        match (self.role, self.check.impact) {
            (Role::Advice, _) | (_, Impact::Advises) => Severity::Note,
            (_, Impact::Blocks) if !self.is_suspect() => Severity::Error,
            _ => Severity::Warning,
        }
    }

    #[must_use]
    pub fn statement(&self) -> &str {
        self.statements.first().map_or("", String::as_str)
    }

    /// What else there is to say of it.
    pub fn notes(&self) -> impl Iterator<Item = &String> {
        self.doubt.iter().chain(&self.explanation).chain(&self.excuse)
    }

    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.doubt.is_some()
    }
}

/// Something that was not seen, and what to do about it.
pub struct Unseen {
    /// The verdict depends on it.
    pub decisive: bool,
    /// What was not seen: an IAM action, or words.
    pub what: String,
    /// Why; empty if `what` says it all.
    pub why: String,
    pub checks: Vec<String>,
    pub next: String,
    /// The address of the first check's runbook.
    pub runbook: String,
}

/// The check of the operator's error message.
const MESSAGE: &str = "operator/error-message-explained";

impl Report {
    /// The root cause, or else the first thing that was not seen and decides, with the check.
    #[must_use]
    pub fn why_in_a_line(&self) -> Option<String> {
        let root = self.problems().into_iter().find(|problem| problem.role == Role::Root);
        if let Some(root) = root {
            return Some(format!("{} [{}]", root.statement(), root.check.name()));
        }
        let unseen = self.unseen().into_iter().find(|unseen| unseen.decisive)?;
        let what = format!("not seen: {} {}", unseen.what, unseen.why);
        let check = unseen.checks.first().map(|check| format!(" [{check}]"));
        Some(what.trim_end().to_owned() + &check.unwrap_or_default())
    }

    /// `a shell session cannot start`, and how it is marked.
    #[must_use]
    pub fn conclusion(&self) -> (Mark, String) {
        let session = self.scope.session.phrase();
        match self.diagnosis.overall {
            Overall::Blocked if self.target_is_missing() => {
                (Mark::Bad, "there is no such target in this account and Region".into())
            }
            Overall::Blocked if self.blocked_here_only() => {
                (Mark::Bad, format!("{session} cannot start from this machine"))
            }
            Overall::Blocked => (Mark::Bad, format!("{session} cannot start")),
            Overall::Degraded => {
                (Mark::Warning, format!("{session} can start, but {}", self.loss()))
            }
            Overall::Inconclusive if self.target_is_out_of_reach() => (
                Mark::Doubt,
                format!(
                    "EC2 and Systems Manager cannot be reached in {}: check the Region's name, this machine's network and proxy, and AWS_ENDPOINT_URL",
                    self.scope.region
                ),
            ),
            Overall::Inconclusive => {
                (Mark::Doubt, format!("cannot tell whether {session} can start"))
            }
            Overall::Healthy => (Mark::Good, format!("{session} can start")),
        }
    }

    /// What a session that can start lacks.
    fn loss(&self) -> &'static str {
        let fails = |area: &str, words: &[&str]| {
            self.diagnosis.causes.iter().any(|check| {
                let name = check.name();
                check.area() == area && words.iter().any(|word| name.contains(word))
            })
        };
        if fails("preferences", &["log", "bucket"]) || fails("endpoint", &["logs"]) {
            "it will not be logged as the preferences ask"
        } else {
            "something that belongs to it is missing or unreliable"
        }
    }

    /// `i-0abc… (web-1, eu-west-1)`.
    #[must_use]
    pub fn place(&self) -> String {
        let (target, region) = (&self.scope.target, &self.scope.region);
        match &self.name {
            Some(name) => format!("{target} ({name}, {region})"),
            None => format!("{target} ({region})"),
        }
    }

    /// `2 causes, 3 consequences`; empty if nothing failed, or if there is no target.
    #[must_use]
    pub fn counts(&self) -> String {
        if self.target_is_missing() {
            return String::new();
        }
        let problems = self.problems();
        let count =
            |is: fn(&Problem) -> bool| problems.iter().filter(|problem| is(problem)).count();
        let faults = |problem: &Problem| problem.role != Role::Advice;
        let causes =
            problems.iter().filter(|problem| faults(problem) && !problem.is_suspect()).count();
        let suspects =
            problems.iter().filter(|problem| faults(problem) && problem.is_suspect()).count();
        let numbers = [
            (causes, "cause", "causes"),
            (suspects, "suspect", "suspects"),
            (self.consequences().len(), "consequence", "consequences"),
            (count(|problem| problem.role == Role::Advice), "piece of advice", "pieces of advice"),
        ];
        let words = numbers.into_iter().filter(|(number, ..)| *number > 0);
        words.map(|(number, one, many)| counted(number, one, many)).collect::<Vec<_>>().join(", ")
    }

    /// The failures that do not follow from others, the one to fix first at the top.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem<'_>> {
        let root = self.diagnosis.causes.first().and_then(|check| self.finding(check));
        let is_root = |finding: &Finding| root.is_some_and(|root| std::ptr::eq(root, finding));
        let mut problems: Vec<Problem<'_>> = self
            .diagnosis
            .findings
            .iter()
            .filter(|finding| matches!(finding.standing, Some(Standing::Cause | Standing::Perhaps)))
            .filter_map(|finding| {
                let role = match finding.check.impact {
                    _ if is_root(finding) => Role::Root,
                    Impact::Blocks => Role::AlsoBlocking,
                    Impact::Degrades => Role::AlsoWrong,
                    Impact::Advises => Role::Advice,
                };
                self.problem(finding, role)
            })
            .collect();
        problems.sort_by_key(|problem| problem.role);
        problems
    }

    fn problem(&self, finding: &Finding, role: Role) -> Option<Problem<'_>> {
        let Ok(Verdict::Fail(evidence, _)) = &finding.answer else { return None };
        let repairs = self.repairs(finding.check);
        let statements = merged(evidence.iter().map(words::sentence).collect());
        let drawings = self.paths_blocked_by(evidence).map(|path| self.drawing(path)).collect();
        Some(Problem {
            check: finding.check,
            role,
            explanation: explanation(
                statements.iter().chain(repairs.iter().map(|repair| &repair.title)),
            ),
            statements,
            doubt: self.doubt(finding),
            excuse: self.excuses.note(finding),
            drawings: alike(drawings),
            repairs,
            runbook: self.runbook(finding.check),
        })
    }

    /// Failures that follow from others: the check, and what was observed. Of a target that is not there,
    /// nothing is said.
    #[must_use]
    pub fn consequences(&self) -> Vec<(&'static Check, String)> {
        if self.target_is_missing() {
            return Vec::new();
        }
        let findings = self.diagnosis.findings.iter();
        let follows = |finding: &&Finding| finding.standing == Some(Standing::Consequence);
        findings.filter(follows).map(|finding| (finding.check, statement(finding))).collect()
    }

    /// What was not seen, by call, because a person can grant a call. What the verdict depends on comes
    /// first. Of a target that is not there, nothing is said.
    #[must_use]
    pub fn unseen(&self) -> Vec<Unseen> {
        if self.target_is_missing() {
            return Vec::new();
        }
        let mut found: BTreeMap<(bool, String, &str), Unseen> = BTreeMap::new();
        let inconclusive = self.diagnosis.overall == Overall::Inconclusive;
        for finding in &self.diagnosis.findings {
            let Err(unknown) = &finding.answer else { continue };
            for gap in words::gaps(unknown) {
                let unseen = self.gap(gap, finding.check);
                let key = match gap {
                    Gap::Fact { why, .. } => (false, unseen.what.clone(), why.as_str()),
                    Gap::Limit(_) => (true, unseen.what.clone(), ""),
                };
                let known = found.entry(key).or_insert(unseen);
                known.decisive |= inconclusive && finding.open;
                let name = finding.check.name();
                if !known.checks.contains(&name) {
                    known.checks.push(name);
                }
            }
        }
        let mut found = joined(found.into_values());
        found.sort_by_key(|unseen| !unseen.decisive);
        found
    }

    fn gap(&self, gap: &Gap, check: &Check) -> Unseen {
        let (what, why, next) = match gap {
            Gap::Limit(limit) => {
                let next = match limit {
                    Limit::Likely(fault) => format!("{}, to be sure", fault.title),
                    _ => format!("look at it yourself; {} says how", self.runbook(check)),
                };
                (words::limit(limit), String::new(), next)
            }
            Gap::Fact { need, why, .. } => {
                let missing = missing(gap);
                let what = match missing.action {
                    Some(action) => action.to_owned(),
                    None => look_at(&need.subject()),
                };
                let next = self.next_step(*why, missing.action, check);
                (what, missing.why, next)
            }
        };
        let runbook = self.runbook(check);
        Unseen { decisive: false, what, why, checks: Vec::new(), next, runbook }
    }

    /// What to do to see it next time.
    fn next_step(&self, why: Why, action: Option<&str>, check: &Check) -> String {
        match (why, action) {
            (Why::Denied, Some(action)) => format!(
                "grant {action} to {}; `ssm-doctor policy` prints everything the checks need",
                self.identity()
            ),
            (Why::TimedOut, _) => "run the doctor again, with more time: --timeout 3m".into(),
            (Why::Throttled | Why::Vanished, _) => "run the doctor again".into(),
            (Why::Unreachable, _) => {
                "check this machine's DNS, its proxy and its route to the API endpoints".into()
            }
            (Why::Unasked | Why::NotCollected, _) => {
                "collect the facts again: they were not collected for this question".into()
            }
            (Why::LeftOut, _) => format!("examine the node alone: `ssm-doctor {}`", self.scope.target),
            (Why::HiddenByOwner, _) => {
                "run the doctor in the account that owns the subnet too".into()
            }
            (Why::Unreadable, _) => format!(
                "run the doctor again; if the answer stays unreadable, report it: {}/issues",
                env!("CARGO_PKG_REPOSITORY")
            ),
            (Why::AfterApply | Why::Sensitive, _) => {
                "apply the plan, then run the doctor on the target".into()
            }
            (Why::NotInPlan, _) => {
                "give the facts of a target beside it: `ssm-doctor <target> --save-facts FILE`, then `--facts FILE`".into()
            }
            (Why::Refused | Why::Denied, _) => format!(
                "the message says why; {} says how to look at it yourself",
                self.runbook(check)
            ),
        }
    }

    /// Who made the calls, so that it can be granted more.
    #[must_use]
    pub fn identity(&self) -> String {
        let Some(arn) = &self.caller else {
            return "the identity that `aws sts get-caller-identity` shows".into();
        };
        let mut parts = arn.resource().split('/');
        match (parts.next(), parts.next()) {
            (Some("assumed-role"), Some(role)) => format!("the role {role} ({arn})"),
            _ => arn.to_string(),
        }
    }

    /// How many checks passed, and what else was judged: `41 checks passed`, `2 unknown`…
    #[must_use]
    pub fn closing(&self) -> Vec<String> {
        let count = |wanted: fn(&Answer) -> bool| {
            self.diagnosis.findings.iter().filter(|finding| wanted(&finding.answer)).count()
        };
        let passed = count(|answer| matches!(answer, Ok(Verdict::Pass(_))));
        let unknown = count(Result::is_err);
        let not_applicable = count(|answer| matches!(answer, Ok(Verdict::NotApplicable(_))));
        let mut parts = vec![format!("{} passed", counted(passed, "check", "checks"))];
        if unknown > 0 {
            parts.push(format!("{unknown} unknown"));
        }
        if not_applicable > 0 {
            parts.push(format!("{not_applicable} not applicable"));
        }
        // Of a target that is not there, nothing else can be said.
        if !self.target_is_missing() {
            parts.extend(self.sessions());
            parts.extend(self.client_left_out.clone());
            parts.extend(self.message_left_out());
        }
        parts
    }

    /// Why nothing follows from the operator's error message, if so.
    fn message_left_out(&self) -> Option<String> {
        self.scope.error.as_ref()?;
        let finding = self.diagnosis.findings.iter().find(|it| it.check.name() == MESSAGE)?;
        match &finding.answer {
            Ok(Verdict::NotApplicable(why)) => Some((*why).into()),
            _ => None,
        }
    }

    /// How the kinds of session fare where they fare differently: `shell blocked; SSH and port
    /// forwarding work`.
    fn sessions(&self) -> Option<String> {
        let own = (self.scope.session, self.diagnosis.overall);
        let (_, first) = self.others.first()?;
        if self.others.len() > 1 && self.others.iter().all(|other| other.1 == *first) {
            let says = outcome(*first, true);
            return Some(if *first == own.1 {
                format!("every other kind of session {}", outcome(*first, false))
            } else {
                format!("{} {}; all other kinds {says}", kind(own.0), outcome(own.1, false))
            });
        }
        let mut groups: Vec<(Overall, Vec<&str>)> = Vec::new();
        for (session, overall) in std::iter::once(&own).chain(&self.others) {
            match groups.iter_mut().find(|group| group.0 == *overall) {
                Some((_, kinds)) => kinds.push(kind(*session)),
                None => groups.push((*overall, vec![kind(*session)])),
            }
        }
        let phrases = groups.iter().map(|(overall, kinds)| {
            let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            format!("{} {}", super::merge::listed(&kinds), outcome(*overall, kinds.len() > 1))
        });
        Some(phrases.collect::<Vec<_>>().join("; "))
    }
}

/// `1 cause`, `2 causes`.
#[must_use]
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(
    number: N,
    one: &str,
    many: &str,
) -> String {
    let noun = if number == N::from(1) { one } else { many };
    format!("{number} {noun}")
}

/// What no call can tell is told once for several services.
fn joined(unseen: impl Iterator<Item = Unseen>) -> Vec<Unseen> {
    let mut groups: Vec<(Vec<String>, Unseen)> = Vec::new();
    for entry in unseen {
        let like = groups.iter_mut().find_map(|(all, known)| {
            let both: Vec<String> = all.iter().chain([&entry.what]).cloned().collect();
            let same =
                known.why == entry.why && known.decisive == entry.decisive && entry.why.is_empty();
            match merged(both.clone()).as_slice() {
                [one] if same => {
                    *all = both;
                    known.what.clone_from(one);
                    Some(known)
                }
                _ => None,
            }
        });
        match like {
            Some(known) => {
                for name in entry.checks {
                    if !known.checks.contains(&name) {
                        known.checks.push(name);
                    }
                }
            }
            None => groups.push((vec![entry.what.clone()], entry)),
        }
    }
    groups.into_iter().map(|group| group.1).collect()
}

/// What a finding says first.
#[must_use]
pub fn statement(finding: &Finding) -> String {
    match &finding.answer {
        Ok(Verdict::Pass(evidence) | Verdict::Fail(evidence, _)) => {
            let sentences = merged(evidence.iter().map(words::sentence).collect());
            sentences.into_iter().next().unwrap_or_default()
        }
        Ok(Verdict::NotApplicable(why)) => (*why).to_owned(),
        Err(unknown) => super::unknown_in_words(unknown),
    }
}

/// Network ACLs are stateless, and not everybody knows what the high ports in their rules are for.
fn explanation<'a>(mut texts: impl Iterator<Item = &'a String>) -> Option<String> {
    let ports = texts.find_map(|text| {
        text.split(['/', ' ', ',', ';', '='])
            .find(|word| {
                let ends = word
                    .split_once('-')
                    .map(|(low, high)| (low.parse::<u16>(), high.parse::<u16>()));
                matches!(ends, Some((Ok(low), Ok(high))) if low >= 1024 && low < high)
            })
            .map(str::to_owned)
    })?;
    Some(format!(
        "{ports} are the ephemeral ports, at which the replies to the instance's own connections arrive; network ACLs are stateless and need a rule for them"
    ))
}

/// The ways to repair a failure as plain text: the best with its commands, of the others the title.
#[must_use]
pub fn in_plain_text(repairs: &[Repair]) -> String {
    let mut lines = Vec::new();
    for (at, repair) in repairs.iter().enumerate() {
        let label = if at == 0 { "Fix" } else { "Or" };
        let risks = repair.risks_in_words().map(|risks| format!(" ({risks})"));
        lines.push(format!("{label}: {}{}", repair.title, risks.unwrap_or_default()));
        if at == 0 {
            lines.extend(repair.manual.iter().map(|step| format!("First: {step}")));
            lines.extend(repair.commands.iter().cloned());
        }
    }
    lines.join("\n")
}

fn kind(session: Session) -> &'static str {
    match session {
        Session::Shell => "shell",
        Session::Ssh => "SSH",
        Session::Port => "port forwarding",
        Session::RemotePort => "remote-host forwarding",
        Session::Command => "commands",
    }
}

fn outcome(overall: Overall, many: bool) -> &'static str {
    match (overall, many) {
        (Overall::Healthy, true) => "work",
        (Overall::Healthy, false) => "works",
        (Overall::Blocked, _) => "blocked",
        (Overall::Degraded, true) => "work, with losses",
        (Overall::Degraded, false) => "works, with losses",
        (Overall::Inconclusive, _) => "unclear",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1_u64, "line", "lines"), "1 line");
        assert_eq!(counted(0_usize, "line", "lines"), "0 lines");
        assert_eq!(counted(2_usize, "line", "lines"), "2 lines");
    }

    #[test]
    fn reply_ports_are_explained() {
        let explained = |text: &str| explanation([&text.to_owned()].into_iter()).is_some();
        assert!(explained("drops tcp/32768-60999 in from 0.0.0.0/0"));
        assert!(!explained("drops tcp/443 out to 10.0.0.0/16"));
        assert!(!explained("at 2026-11-20 it stopped"));
    }
}
