//! The operator may resume and end sessions of their own.
//!
//! A session does not need it to start. Without `ssm:ResumeSession` a broken connection ends it, and
//! without `ssm:TerminateSession` it lives on until it times out, and a missing plugin looks like a
//! denial of this action. Session ids begin with a user's name or a role session's. Older samples name
//! `session/${aws:username}-*`, and no role has that variable; newer ones `session/${aws:userid}-*`.

use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    access::{Access, Grant},
    judge::{Question, may},
    operator::{self, Sessions},
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

use crate::operator::{may_open_data_channel::unnamed, may_start_session_on_target::root};

const BOTH: [&str; 2] = ["ssm:ResumeSession", "ssm:TerminateSession"];

fn run(case: &Case) -> Answer {
    let who = operator::who(case)?;
    if who.is_root() {
        return root(access(&who, &BOTH, "*", "*"), case);
    }
    let sessions = operator::sessions(&who, case)?;
    all_of(BOTH, "nothing to do", |action| judge(&who, action, &sessions, case))
}

fn judge(who: &Who, action: &str, sessions: &Sessions, case: &Case) -> Answer {
    let allowed = any_of(&sessions.examples, |resource| {
        Ok(may(Question { who, action, resource }, case)?.then_some(resource))
    })?;
    if let Some(resource) = allowed {
        return Ok(Verdict::Pass(observed(who.name(), format!("may {action} on {resource}"))));
    }
    if sessions.nameless {
        return Err(unnamed(who, action));
    }
    let resource = sessions.examples.first().map_or("*", String::as_str);
    let actions = [action];
    let answer = access(who, &actions, resource, &sessions.pattern).judge(case)?;
    Ok(match answer {
        Verdict::Fail(evidence, fix) if who.is_role() => Verdict::Fail(
            evidence.and(observed(
                who.name(),
                "is a role, and policies that name session/${aws:username}-* fit users only",
            )),
            fix,
        ),
        answer => answer,
    })
}

fn access<'a>(
    who: &'a Who,
    actions: &'a [&'a str],
    resource: &'a str,
    pattern: &'a str,
) -> Access<'a> {
    Access {
        who,
        actions,
        resource,
        grant: Grant::Inline { purpose: "session-end", actions: &BOTH, resource: pattern },
        recovery: Recovery::NextSession,
    }
}
