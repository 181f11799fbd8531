//! The operator may open the session's data channel.
//!
//! The plugin opens the operator's end of the session, and signs that call since 1.2.764.0. Whether the
//! service refuses a caller without the permission is not documented. AWS's end-user policies contain it,
//! so a session without it is not called healthy, and not called blocked either. The Service
//! Authorization Reference knows no resource of this action but `*`, and AWS's sample policies name
//! sessions that begin with `${aws:userid}`: either form counts.

use crate::engine::permission::{Grant, Permission};
use crate::operator::may_start_session_on_target::root;
use crate::operator_remedies::{OPEN, own};
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    decision::{PermissionDecision, decide, is_allowed},
    identity::{Identity, PermissionQuestion},
    operator,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Degrades,
    depends_on: &[&super::in_account_and_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let identity = operator::identity(case)?;
    let grant = own(&identity, case)?;
    let permission = Permission {
        identity: &identity,
        actions: &[OPEN],
        resource: "*",
        grant: Grant::Inline(&grant),
        recovery: Recovery::NextSession,
    };
    if identity.is_root() {
        return Ok(root(permission, case)?);
    }
    let sessions = operator::sessions(&identity, case)?;
    let forms = || sessions.examples.iter().map(String::as_str);
    let allowed = any_of(forms().chain(["*"]), |resource| {
        let question = PermissionQuestion { identity: &identity, action: OPEN, resource };
        Ok(is_allowed(question, case)?.then_some(resource))
    })?;
    if let Some(resource) = allowed {
        return Ok(Verdict::Pass(observed(identity.name(), format!("may {OPEN} on {resource}"))));
    }
    if sessions.nameless {
        return Err(unnamed(&identity, OPEN).into());
    }
    let resource = least_denied(core::iter::once("*").chain(forms()), &identity, OPEN, case);
    Ok(Permission { resource, ..permission }.judge(case)?)
}

/// The resource that the fewest types of policy deny: what denies the others does not matter.
pub(super) fn least_denied<'r>(
    resources: impl Iterator<Item = &'r str>,
    identity: &Identity,
    action: &str,
    case: &Case,
) -> &'r str {
    let denials = |resource: &&str| {
        let question = PermissionQuestion { identity, action, resource };
        match decide(question, None, case) {
            Ok(PermissionDecision::Denied(denied)) => denied.by.len(),
            _ => usize::MAX,
        }
    };
    resources.min_by_key(denials).unwrap_or("*")
}

/// The permission depends on the name of the role session.
pub(super) fn unnamed(identity: &Identity, action: &str) -> Unknown {
    Unknown::limit(format!(
        "whether {} may {action} on its own sessions depends on how its session is named: pass its assumed-role ARN to --operator",
        identity.name()
    ))
}
