//! What the agent's log says of a check's subject, and what a probe on the node saw of it.
//!
//! The log is on the node, and the user gives it. Of log and probe the newer one decides. AWS's side is newer where the
//! node has reported after the last line of a fault, or holds its session channel now: then the fault is over.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_analysis::{
    answer::{Answer, Evidence, Fix, Recovery, Verdict, all_of, observed},
    case::Case,
    node::agent_log::{Found, Judgement, Stage, State, judge},
};
use ssm_doctor_facts::{
    agent_log::AgentLog,
    lookup::{Unknown, both},
    time::{Timestamp, span},
};

use crate::agent_log_words::{limits, possibility, title};
use crate::engine::check::{Check, Impact};
use crate::node_probe::{self, Seen, Standing};

const SUBJECT: &str = "the agent's log";
const NOT_GIVEN: &str =
    "neither a log of the agent (--agent-log) nor a probe of the node (--probe) was given";
const NO_LOG: &str = "no log of the agent was given (--agent-log)";
const NOT_SHOWN: &str =
    "the probe of the node shows nothing of it, and no log of the agent was given";

/// The checks that the log or a probe answers.
pub(crate) const BY_LOG: [&str; 18] = [
    "agent/clock-right",
    "agent/configuration-valid",
    "agent/credentials-current",
    "agent/destination-answers",
    "agent/disk-writable",
    "agent/document-supported",
    "agent/installation-complete",
    "agent/limits-suffice",
    "agent/metadata-reachable",
    "agent/names-resolve",
    "agent/proxy-passes",
    "agent/registration-valid",
    "agent/runs",
    "agent/service-works",
    "agent/services-answer",
    "agent/session-user-usable",
    "agent/tls-trusted",
    "agent/websocket-opens",
];

/// Does the log end with a fault of this check, or did a probe see one? `fix` is what to do about it.
pub(crate) fn judged(case: &Case, check: &str, fix: &Fix) -> Answer {
    let (log, probe) = both(log(case), node_probe::seen(case, check, fix))?;
    let Some(log) = log else {
        let without = if case.scope.probe { NOT_SHOWN } else { NOT_GIVEN };
        return probe.map_or(Ok(Verdict::NotApplicable(without)), |seen| seen.answer);
    };
    let judgement = judge(log);
    let found: Vec<&Found> =
        judgement.causes.iter().filter(|found| found.checks.contains(&check)).collect();
    let last = found.iter().map(|fault| fault.last).max().flatten();
    let by_log = answer(case, log, found.into_iter(), |_| Reaction::Counts(fix.clone()));
    let Some(Seen { at, answer: by_probe, refutes }) = probe else { return by_log };
    // Without its time nobody knows whether the probe is the newer one.
    let probe_is_newer = at.is_some() && at > last;
    match (by_log, by_probe) {
        (Ok(Verdict::Fail(log, fix)), Ok(Verdict::Fail(probe, _))) => {
            Ok(Verdict::Fail(probe.and(log).telling(), fix))
        }
        (Ok(Verdict::Fail(..)) | Err(_), Ok(Verdict::Pass(probe))) if probe_is_newer && refutes => {
            Ok(Verdict::Pass(probe.and(observed(SUBJECT, "shows the fault before that only"))))
        }
        (by_log @ (Ok(Verdict::Fail(..)) | Err(_)), Ok(Verdict::Pass(_)) | Err(_)) => by_log,
        // The agent's own success comes after what the probe saw.
        (Ok(Verdict::Pass(log)), Ok(Verdict::Fail(probe, _)))
            if at.is_some() && works_since(&judgement) > at =>
        {
            Ok(Verdict::Pass(log.and(probe).and(observed(SUBJECT, "shows that it works since"))))
        }
        (_, by_probe) => by_probe,
    }
}

/// When the log last shows that the session channel is open, if it ends so.
fn works_since(judgement: &Judgement) -> Option<Timestamp> {
    let channel = judgement.stages.iter().find(|row| row.stage == Stage::ControlChannel)?;
    (channel.state == State::Works).then_some(channel.last).flatten()
}

/// Does the log end with a fault of this impact that a check of AWS's side is about? `others`: those checks. One that
/// fails says more than the log does.
pub(crate) fn judged_by_others(case: &Case, impact: Impact, others: &[&[&Check]]) -> Answer {
    let Some(log) = log(case)? else { return Ok(Verdict::NotApplicable(NO_LOG)) };
    let judgement = judge(log);
    let found = judgement.causes.iter().filter(|found| {
        found.checks.iter().all(|check| !BY_LOG.contains(check))
            && found.cause.only_degrades(found.stage) == (impact == Impact::Degrades)
    });
    let named = |found: &Found| {
        let is_named = |check: &&&Check| found.checks.contains(&check.name().as_str());
        others.iter().copied().flatten().filter(is_named).find(|check| fails(check, case))
    };
    answer(case, log, found, |found| match named(found) {
        Some(check) => Reaction::Explained(format!("{} fails for the same reason", check.name())),
        None if found.cause.is_of_operator() => Reaction::Explained(
            "this is of an operator's machine or permissions, and the log does not show whose"
                .into(),
        ),
        None => {
            let checks = found.checks.join(" or ");
            let fix = format!("see the runbook of {checks}");
            Reaction::Counts(Fix::new(fix, recovery(found.stage)))
        }
    })
}

/// When a repair of this stage takes effect.
pub(crate) fn recovery(stage: Stage) -> Recovery {
    if stage < Stage::DataChannel { Recovery::Agent } else { Recovery::NextSession }
}

fn fails(check: &Check, case: &Case) -> bool {
    matches!((check.run)(case), Ok(Verdict::Fail(..)))
}

/// What a fault in the log means for the check at hand.
enum Reaction {
    /// It fails the check. What to do about it.
    Counts(Fix),
    /// It does not, for this reason.
    Explained(String),
}

fn log<'f>(case: &Case<'f>) -> Result<Option<&'f AgentLog>, Unknown> {
    if !case.scope.agent_log {
        return Ok(None);
    }
    case.facts.agent_log(&case.scope.target).required().map(Some)
}

fn answer<'l>(
    case: &Case,
    log: &AgentLog,
    found: impl Iterator<Item = &'l Found<'l>>,
    reaction: impl Fn(&Found) -> Reaction,
) -> Answer {
    let verdict = all_of(found, "the log ends without such a fault", |fault| {
        let says = format!("says that {}", words(fault));
        let session = case.scope.session;
        if !fault.cause.concerns(session) {
            let says = format!("{says}, which {} does not depend on", session.phrase());
            return Ok(Verdict::Pass(observed(SUBJECT, says)));
        }
        let fix = match reaction(fault) {
            Reaction::Counts(fix) => fix,
            Reaction::Explained(why) => {
                return Ok(Verdict::Pass(observed(SUBJECT, format!("{says}: {why}"))));
            }
        };
        let disputed = match standing(case, fault)? {
            Standing::Over(seen) => {
                let over = format!("{says}, and {seen}: it is over");
                return Ok(Verdict::Pass(observed(SUBJECT, over)));
            }
            Standing::Disputed(seen) => Some(seen),
            Standing::Old(_) | Standing::Holds => None,
        };
        if fault.checks.len() > 1 {
            let all: Vec<String> = fault.checks.iter().map(|check| possibility(check)).collect();
            return Err(Unknown::limit(format!(
                "{SUBJECT} {says}, and does not show which it is: {}",
                all.join("; or ")
            )));
        }
        let evidence = match disputed {
            Some(seen) => observed(SUBJECT, format!("{says}, although {seen}")).disputed(),
            None => observed(SUBJECT, says),
        };
        Ok(Verdict::Fail(evidence, fix))
    })?;
    let age = age(case, log);
    Ok(match verdict {
        Verdict::Pass(evidence) => Verdict::Pass(evidence.and(age)),
        Verdict::Fail(evidence, fix) if evidence.is_disputed() => {
            Verdict::Fail(evidence.and(age), fix)
        }
        Verdict::Fail(evidence, fix) => Verdict::Fail(evidence.and(age).telling(), fix),
        Verdict::NotApplicable(_) => {
            Verdict::Pass(observed(SUBJECT, "ends without such a fault").and(age))
        }
    })
}

/// The fault, when it was written, and the line.
fn words(found: &Found) -> String {
    let at = match (found.since, found.last) {
        (Some(since), Some(last)) if since != last => {
            format!(" ({} lines from {since} to {last})", found.count)
        }
        (_, Some(last)) => format!(" (at {last})"),
        _ => String::new(),
    };
    format!("{}{at}", title(&found.cause, found.stage))
}

/// How old the log is. A change after its last line does not show in it.
fn age(case: &Case, log: &AgentLog) -> Evidence {
    let text = match log.ends_at {
        Some(end) if node_probe::known_time(case, Some(end)).is_none() => format!(
            "ends at {end}, after this report: its times are of another time zone, or of a clock that is wrong"
        ),
        Some(end) => format!(
            "ends {} before this report, at {end}; what was changed since does not show in it",
            span(end.until(case.scope.at).max(0))
        ),
        None => "has no times, so it may be old".into(),
    };
    limits(log)
        .into_iter()
        .fold(observed(SUBJECT, text), |age, limit| age.and(observed(SUBJECT, limit)))
}

/// In seconds. The agent writes local times without their zone, and so far is the farthest zone from UTC.
const ZONES: i64 = 14 * 60 * 60;

/// What AWS shows of a fault, if an agent with the fault would stay away.
fn standing(case: &Case, found: &Found) -> Result<Standing, Unknown> {
    match found.stage {
        Stage::DataChannel | Stage::SessionWorker | Stage::SessionGates => Ok(Standing::Holds),
        stage => {
            let last = node_probe::known_time(case, found.last);
            node_probe::standing_at(case, last, stage == Stage::ControlChannel, ZONES)
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use ssm_doctor_fixtures::{BASELINE, patched};

    use super::*;

    /// Without a log and a probe these checks have nothing to answer from.
    #[test]
    fn the_checks_by_log_are_those_that_ask_for_a_log() {
        let scenario = patched(BASELINE.into(), BASELINE, &[]).unwrap();
        let case = Case::new(&scenario.facts, &scenario.scope);
        let asks = |check: &&Check| (check.run)(&case) == Ok(Verdict::NotApplicable(NOT_GIVEN));
        let asking: BTreeSet<String> = crate::all().filter(asks).map(Check::name).collect();
        let by_log: BTreeSet<String> = BY_LOG.into_iter().map(String::from).collect();
        assert_eq!(asking, by_log);
    }
}
