//! The operator may resume and end sessions of their own.
//!
//! A session does not need it to start. Without `ssm:ResumeSession` a broken connection ends it, and
//! without `ssm:TerminateSession` it lives on until it times out, and a missing plugin looks like a
//! denial of this action. Session ids begin with a user's name or a role session's. Older samples name
//! `session/${aws:username}-*`, and no role has that variable; newer ones `session/${aws:userid}-*`.

use crate::engine::permission::{Grant, InlinePolicy, Permission};
use crate::operator::{
    may_open_data_channel::{least_denied, unnamed},
    may_start_session_on_target::root,
};
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
    let mut denied = Vec::new();
    let allowed = all_of(RESUME_AND_TERMINATE, "nothing is allowed", |action| {
        let allowed = allowed_on(&identity, action, &sessions, case)?;
        if allowed.is_none() {
            denied.push(action);
        }
        Ok(allowed.map_or(Verdict::NotApplicable("it is denied"), Verdict::Pass))
    });
    if denied.is_empty() {
        return Ok(allowed?);
    }
    // One fix for both actions, because a policy is put as a whole.
    let denied = denial(&identity, &denied, &sessions, &grant, case);
    Ok(all_of([allowed, denied], "nothing to do", |answer| answer)?)
}

/// A session of the operator's own on which the action is allowed.
fn allowed_on(
    identity: &Identity,
    action: &str,
    sessions: &Sessions,
    case: &Case,
) -> Result<Option<Evidence>, Unknown> {
    let allowed = any_of(&sessions.examples, |resource| {
        Ok(is_allowed(PermissionQuestion { identity, action, resource }, case)?.then_some(resource))
    })?;
    match allowed {
        Some(resource) => {
            Ok(Some(observed(identity.name(), format!("may {action} on {resource}"))))
        }
        None if sessions.nameless => Err(unnamed(identity, action)),
        None => Ok(None),
    }
}

fn denial(
    identity: &Identity,
    actions: &[&str],
    sessions: &Sessions,
    grant: &InlinePolicy,
    case: &Case,
) -> Answer {
    let forms = sessions.examples.iter().map(String::as_str);
    let action = actions.first().copied().unwrap_or_default();
    let resource = least_denied(forms, identity, action, case);
    Ok(match permission(identity, actions, resource, grant).judge(case)? {
        Verdict::Fail(evidence, fix) if identity.is_role() => Verdict::Fail(
            evidence.and(observed(
                identity.name(),
                "is a role, and policies that name session/${aws:username}-* fit users only",
            )),
            fix,
        ),
        verdict => verdict,
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
