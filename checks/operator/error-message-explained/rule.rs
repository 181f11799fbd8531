//! What the checks see explains the operator's error message.
//!
//! The message shows that a session failed. If nothing that was seen explains it, a report that says "healthy"
//! would be wrong: the causes that are left are named instead. A message that decides a cause fails the check of
//! that cause (see `checks/error_message`); this check fails where no check looks at the cause.

use crate::prelude::*;
use crate::{
    agent_log::BY_LOG,
    error_message::{Reading, SUBJECT, Silence, reading},
};
use ssm_doctor_facts::lookup::Unknowns;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

/// The checks that a message can be about: all but this one. They are listed by area, because the modules would form a
/// cycle with [`crate::all`], which lists this check too.
fn others() -> impl Iterator<Item = &'static Check> {
    let areas = [
        crate::target::CHECKS,
        crate::identity::CHECKS,
        crate::dns::CHECKS,
        crate::network::CHECKS,
        crate::endpoint::CHECKS,
        crate::agent::CHECKS,
        crate::preferences::CHECKS,
        crate::hybrid::CHECKS,
        crate::client::CHECKS,
    ];
    areas.into_iter().flatten().copied().chain([
        &super::in_account_and_region::CHECK,
        &super::may_generate_session_key::CHECK,
        &super::may_open_data_channel::CHECK,
        &super::may_resume_and_terminate::CHECK,
        &super::may_start_session_on_target::CHECK,
        &super::may_use_document::CHECK,
    ])
}

/// More causes than these are unlikely.
const MOST: usize = 4;

fn run(case: &Case) -> Answer {
    if case.scope.error.is_none() {
        return Ok(Verdict::NotApplicable("no error message was given (--error)"));
    }
    let message = reading(case);
    if let Some(other) = &message.about {
        return Err(Unknown::limit(format!(
            "the error message is about {other}, and this report is about {} in {}",
            case.scope.target, case.scope.region
        )));
    }
    match message.silent {
        Some(Silence::Unknown) => {
            return Err(Unknown::limit("the error message is not one that the doctor knows"));
        }
        Some(Silence::Benign) => {
            return Ok(Verdict::NotApplicable(
                "the error message is one that healthy sessions print too",
            ));
        }
        Some(Silence::Wrapper) => {
            return Ok(Verdict::NotApplicable(
                "the error message says only that the session ended; the line above it says why",
            ));
        }
        Some(Silence::OtherKind) => {
            return Ok(Verdict::NotApplicable(
                "the error message is of another kind of session; name that kind with --session",
            ));
        }
        None => {}
    }
    if let Some(decided) = message.decided.iter().find(|decided| decided.check.is_none()) {
        return Ok(Verdict::Fail(decided.evidence(), decided.fix()));
    }
    let mut unseen = Unknowns::default();
    let (mut passed, mut idle, mut without_log) = (Vec::new(), Vec::new(), Vec::new());
    let named: Vec<&str> = message.checks().collect();
    if is_of_a_started_session(&message, &named) {
        return Ok(Verdict::NotApplicable(
            "the session of the error message started; the message is about its log or its end",
        ));
    }
    for check in others().filter(|check| named.contains(&check.name().as_str())) {
        match unseen.keep(message.add_to((check.run)(case), check, case)) {
            Some(Verdict::Fail(..)) if explains(check) => {
                return Ok(Verdict::Pass(observed(
                    SUBJECT,
                    format!("fits what fails: {}", check.name()),
                )));
            }
            Some(Verdict::Pass(_)) => passed.push(check.name()),
            // Nobody looked at the operator's machine.
            Some(Verdict::NotApplicable(_)) if check.area() == "client" => {}
            // Nobody looked into the log of the agent.
            Some(Verdict::NotApplicable(_)) if BY_LOG.contains(&check.name().as_str()) => {
                without_log.push(check.name());
            }
            Some(Verdict::NotApplicable(_)) => idle.push(check.name()),
            Some(Verdict::Fail(..)) | None => {}
        }
    }
    unseen.none()?;
    Err(Unknown::limit(contradiction(&message, &passed, &idle, &without_log)))
}

/// Do all causes of the message leave a session that works, but for its log or its time limits?
fn is_of_a_started_session(message: &Reading, named: &[&str]) -> bool {
    let of_started = |check: &Check| {
        check.impact != Impact::Blocks
            && (check.area() == "preferences"
                || *check == crate::endpoint::policy_allows_logs::CHECK)
    };
    let blocks = |name: &&str| !others().any(|check| check.name() == *name && of_started(check));
    !named.is_empty()
        && !named.iter().any(blocks)
        && message.candidates.iter().all(|candidate| !candidate.checks.is_empty())
}

/// Does a failure of this check stop sessions? What the console says of memory and disk does, although a node that
/// reports all the same is no more than degraded by it.
fn explains(check: &Check) -> bool {
    check.impact == Impact::Blocks || *check == crate::target::console_shows_no_fault::CHECK
}

/// The message and what was seen do not fit together.
fn contradiction(
    message: &Reading,
    passed: &[String],
    idle: &[String],
    without_log: &[String],
) -> String {
    let among = |names: &[String], check: &&str| names.iter().any(|name| name == check);
    let excluded = |checks: &[&str]| {
        let silent = |check: &&str| among(idle, check) || among(without_log, check);
        // A cause whose first check is the log's is on the node: what passes on AWS's side says less of it.
        checks.first().is_some_and(|first| !among(without_log, first))
            && checks.iter().any(|check| among(passed, check))
            && checks.iter().all(|check| among(passed, check) || silent(check))
    };
    let left: Vec<&str> = message
        .candidates
        .iter()
        .filter(|candidate| !excluded(candidate.checks))
        .map(|candidate| candidate.what.as_str())
        .take(MOST)
        .collect();
    let says =
        "the error message says that a session failed, and nothing that was seen explains it";
    if left.is_empty() {
        let fits: Vec<&str> =
            message.candidates.iter().map(|candidate| candidate.what.as_str()).take(MOST).collect();
        return format!(
            "{says}: each cause that it fits is excluded by a check that passes ({}); something changed since, or the message is of another machine, account or Region",
            fits.join("; ")
        );
    }
    format!(
        "{says}; of the causes that it fits, no check sees or excludes these: {}; or something changed since",
        left.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_message::messages::MESSAGES;

    #[test]
    fn every_check_of_a_cause_can_be_asked() {
        let causes = MESSAGES.iter().flat_map(|message| message.causes);
        for name in causes.flat_map(|cause| cause.checks) {
            assert!(others().any(|check| check.name() == *name), "{name}");
        }
    }
}
