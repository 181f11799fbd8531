//! The operator may start a session on this target.
//!
//! `StartSession` is allowed on the target and on the document; this is the first half.

use crate::engine::permission::{Grant, Permission};
use crate::operator_remedies::start;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    actions::{START, target_arn},
    decision::{PermissionDecision, decide},
    identity::PermissionQuestion,
    operator,
    simulator::resource_tags_wanted,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::in_account_and_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let identity = operator::identity(case)?;
    let target = target_arn(case)?;
    let grant = start(&identity, &target, case)?;
    let permission = Permission {
        identity: &identity,
        actions: &[START],
        resource: &target,
        grant: Grant::Inline(&grant),
        recovery: Recovery::NextSession,
    };
    if identity.is_root() {
        return Ok(root(permission, case)?);
    }
    let verdict = permission.judge(case)?;
    let question = PermissionQuestion { identity: &identity, action: START, resource: &target };
    let mut tags = resource_tags_wanted(case, question);
    if let PermissionDecision::Denied(denied) = decide(question, None, case)? {
        tags.retain(|key| denied.may_depend_on(key));
    }
    let tags = tags.join(", ");
    Ok(match verdict {
        Verdict::Fail(evidence, fix) if !tags.is_empty() => {
            let note = observed(
                &case.scope.target,
                format!("lacks a tag that a policy asks for ({tags})"),
            );
            Verdict::Fail(evidence.and(note), fix)
        }
        other => other,
    })
}

/// The root user, whom nothing limits but the organization.
pub(super) fn root(permission: Permission, case: &Case) -> Answer {
    Ok(match permission.judge(case)? {
        Verdict::Pass(_) => Verdict::Pass(observed(
            &permission.identity.arn,
            "is the root user, whom no policy of the account limits, and none of an organization stops it",
        )),
        other => other,
    })
}
