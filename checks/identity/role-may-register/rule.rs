//! The agent's role may report to Systems Manager.
//!
//! `ssm:UpdateInstanceInformation` is the agent's test of its credentials: until it succeeds with
//! some, nothing else starts.

use crate::agent_permissions::managed_policy;
use crate::engine::permission::Permission;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    actions::{REGISTER, target_arn},
    decision::is_allowed,
    identity::{CredentialSource, PermissionQuestion},
    instance_profile::profile_role,
};
use ssm_doctor_facts::ssm::Ping;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::profile_attached::CHECK,
        &super::profile_contains_role::CHECK,
        &super::role_trusts_ec2::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let role = role(case)?;
    let target = target_arn(case)?;
    let identity = role.identity(case.scope);
    let permission = Permission {
        identity: &identity,
        actions: &[REGISTER],
        resource: &target,
        grant: managed_policy(role.source),
        recovery: Recovery::Agent,
    };
    let mut answer = permission.judge(case)?;
    if let Verdict::Fail(evidence, fix) = answer {
        let node = case.facts.node(&case.scope.target).optional().ok().flatten();
        let online = node.is_some_and(|node| node.ping == Ping::Online);
        let still = "counts as Online all the same: its last report may be older than the change, or it has the right in a way that is not seen from here";
        let evidence =
            if online { evidence.and(observed(&case.scope.target, still)) } else { evidence };
        answer = Verdict::Fail(evidence, fix);
    }
    if role.source != CredentialSource::HostManagement {
        return Ok(answer);
    }
    let mut note = observed(&role.name, "is the role of Default Host Management");
    // Only to explain: the verdict does not rest on the role that is passed over.
    if let Ok(Some(passed_over)) = profile_role(case)
        && let other = passed_over.identity(case.scope)
        && let question =
            (PermissionQuestion { identity: &other, action: REGISTER, resource: &target })
        && matches!(is_allowed(question, case), Ok(false))
    {
        note = note.and(observed(
            &passed_over.name,
            "is in the instance's profile and cannot register, so the agent passes it over",
        ));
    }
    Ok(match answer {
        Verdict::Pass(evidence) => Verdict::Pass(evidence.and(note)),
        Verdict::Fail(evidence, fix) => Verdict::Fail(evidence.and(note), fix),
        other @ Verdict::NotApplicable(_) => other,
    })
}
