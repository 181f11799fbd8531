//! The agent's role may open the channel that sessions are called for over.
//!
//! A role with `ssm:*` and `ec2messages:*` from an old sample runs commands, is Online, and takes no
//! session. A channel that is open nonetheless speaks against this check: an open one outlasts the
//! right to open it by up to an hour (Systems Manager user guide, "ssmmessages, ec2messages, and ssm
//! endpoint API operations", on `OpenControlChannel`), and rights may come in ways that are not seen.

use crate::agent_permissions::may_open_channel;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    actions::{CONTROL, channels_of},
    decision::allowed_by_policies,
    identity::{Identity, PermissionQuestion},
};
use ssm_doctor_facts::ssm::Connection;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::profile_attached::CHECK,
        &super::profile_contains_role::CHECK,
        &super::host_management_not_shadowed::CHECK,
        &super::role_trusts_ec2::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let role = role(case)?;
    let identity = role.identity(case.scope);
    let channels = channels_of(&role.arn, case.scope);
    Ok(match may_open_channel(&role, Recovery::Channel, case)? {
        Verdict::Pass(evidence) => {
            Verdict::Pass(on_the_arn_alone(&identity, &CONTROL, &channels, evidence, case))
        }
        Verdict::Fail(evidence, fix) => {
            let connection = case.facts.connection(&case.scope.target).optional();
            let evidence = if connection == Ok(Some(&Connection::Connected)) {
                evidence.and(observed(
                    &case.scope.target,
                    "holds its channel open all the same: a channel outlasts the right to open it by up to an hour, so the right may just have been taken away, or it comes in a way that is not seen from here",
                ))
            } else {
                evidence
            };
            Verdict::Fail(evidence, fix)
        }
        other @ Verdict::NotApplicable(_) => other,
    })
}

/// Where the policies are at hand: is the grant one that AWS's documentation does not provide for?
pub(super) fn on_the_arn_alone(
    identity: &Identity,
    actions: &[&str],
    channels: &str,
    evidence: Evidence,
    case: &Case,
) -> Evidence {
    let on_all = |action: &&str| {
        let question = PermissionQuestion { identity, action, resource: "*" };
        !matches!(allowed_by_policies(question, case), Ok(false))
    };
    if actions.iter().all(on_all) {
        return evidence;
    }
    evidence.and(observed(
        identity.name(),
        format!("has it on {channels} only, which works although AWS documents no resource but *"),
    ))
}
