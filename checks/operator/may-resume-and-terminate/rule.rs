//! The operator may resume and end sessions of their own.
//!
//! A session does not need it to start. Without `ssm:ResumeSession` a broken connection ends it, and
//! without `ssm:TerminateSession` it lives on until it times out, and a missing plugin looks like a
//! denial of this action. Session ids begin with a user's name or a role session's. Older samples name
//! `session/${aws:username}-*`, and no role has that variable; newer ones `session/${aws:userid}-*`.

use crate::engine::permission::{Grant, InlinePolicy, Permission};
use crate::operator::{may_open_data_channel::unnamed, may_start_session_on_target::root};
use crate::operator_remedies::{RESUME_AND_TERMINATE, own};
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    decision::is_allowed,
    identity::{Identity, PermissionQuestion},
    operator::{self, Sessions},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Advises,
    depends_on: &[&super::in_account_and_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let identity = operator::identity(case)?;
    let grant = own(&identity, case)?;
    if identity.is_root() {
        return Ok(root(permission(&identity, &RESUME_AND_TERMINATE, "*", &grant), case)?);
    }
    let sessions = operator::sessions(&identity, case)?;
    Ok(all_of(RESUME_AND_TERMINATE, "nothing to do", |action| {
        judge(&identity, action, &sessions, &grant, case)
    })?)
}

fn judge(
    identity: &Identity,
    action: &str,
    sessions: &Sessions,
    grant: &InlinePolicy,
    case: &Case,
) -> Answer {
    let allowed = any_of(&sessions.examples, |resource| {
        Ok(is_allowed(PermissionQuestion { identity, action, resource }, case)?.then_some(resource))
    })?;
    if let Some(resource) = allowed {
        return Ok(Verdict::Pass(observed(identity.name(), format!("may {action} on {resource}"))));
    }
    if sessions.nameless {
        return Err(unnamed(identity, action));
    }
    let resource = sessions.examples.first().map_or("*", String::as_str);
    let actions = [action];
    let answer = permission(identity, &actions, resource, grant).judge(case)?;
    Ok(match answer {
        Verdict::Fail(evidence, fix) if identity.is_role() => Verdict::Fail(
            evidence.and(observed(
                identity.name(),
                "is a role, and policies that name session/${aws:username}-* fit users only",
            )),
            fix,
        ),
        answer => answer,
    })
}

fn permission<'a>(
    identity: &'a Identity,
    actions: &'a [&'a str],
    resource: &'a str,
    grant: &'a InlinePolicy,
) -> Permission<'a> {
    Permission {
        identity,
        actions,
        resource,
        grant: Grant::Inline(grant),
        recovery: Recovery::NextSession,
    }
}
