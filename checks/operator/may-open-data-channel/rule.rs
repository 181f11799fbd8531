//! The operator may open the session's data channel.
//!
//! The plugin opens the operator's end of the session, and signs that call since 1.2.764.0. Whether
//! the service refuses whom no policy allows it is not documented, so a lack is advice. The Service
//! Authorization Reference knows no resource of this action but `*`, and AWS's sample policies name
//! sessions that begin with `${aws:userid}`: either form counts.

use crate::operator::may_start_session_on_target::root;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    access::{Access, Grant},
    judge::{Question, may},
    operator,
    who::Who,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Advises,
    depends_on: &[&super::in_account_and_region::CHECK],
    proves: &[],
    run,
};

const OPEN: &str = "ssmmessages:OpenDataChannel";

fn run(case: &Case) -> Answer {
    let who = operator::who(case)?;
    let access = |pattern| Access {
        who: &who,
        actions: &[OPEN],
        resource: "*",
        grant: Grant::Inline { purpose: "session-channel", actions: &[OPEN], resource: pattern },
        recovery: Recovery::NextSession,
    };
    if who.is_root() {
        return root(access("*"), case);
    }
    let sessions = operator::sessions(&who, case)?;
    let forms = sessions.examples.iter().map(String::as_str).chain(["*"]);
    let allowed = any_of(forms, |resource| {
        let question = Question { who: &who, action: OPEN, resource };
        Ok(may(question, case)?.then_some(resource))
    })?;
    if let Some(resource) = allowed {
        return Ok(Verdict::Pass(observed(who.name(), format!("may {OPEN} on {resource}"))));
    }
    if sessions.nameless {
        return Err(unnamed(&who, OPEN));
    }
    access(&sessions.pattern).judge(case)
}

/// What is allowed for sessions of some name.
pub(super) fn unnamed(who: &Who, action: &str) -> Unknown {
    Unknown::limit(format!(
        "whether {} may {action} on its own sessions hangs on how its session is named: pass its assumed-role ARN to --operator",
        who.name()
    ))
}
