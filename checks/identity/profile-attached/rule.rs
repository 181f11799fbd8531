//! The instance has something to act as.

use crate::engine::permission::words::denial;
use crate::identity_remedies::{attach_profile, listed, turn_on_host_management};
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    agent_identity::{host_management, host_management_not_seen, host_management_spreads},
    decision::{PermissionDecision, decide},
    identity::PermissionQuestion,
    operator,
};
use ssm_doctor_facts::{ec2::InstanceState, limit::ProfileProblem, ssm::SettingId};
use ssm_doctor_iam_policy::PolicyType;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let id = instance(case, "a hybrid node has the role of its activation")?;
    let instance = case.facts.instance(id).required()?;
    if matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated) {
        return Ok(Verdict::NotApplicable("the instance is gone for good"));
    }
    if let Some(profile) = &instance.profile {
        return Ok(Verdict::Pass(observed(id, format!("has instance profile {}", profile.name()))));
    }
    let evidence = observed(id, "has no instance profile");
    let served = host_management(case.facts)
        .map_err(|unknown| host_management_not_seen(id, ProfileProblem::NoProfile, unknown))?;
    if let Some(unknown) = host_management_spreads(case)? {
        return Err(unknown.into());
    }
    Ok(match served {
        Some(role) => Verdict::Pass(evidence.and(observed(
            role,
            format!(
                "is given to it by Default Host Management, which is on in {}",
                case.scope.region
            ),
        ))),
        None => Verdict::Fail(
            locked(
                evidence.and(observed(
                    &case.scope.region,
                    "has Default Host Management off, so nothing else gives the agent credentials",
                )),
                case,
            ),
            Fix::options(
                listed([attach_profile(id, false, case), turn_on_host_management(case)]),
                Recovery::Agent,
            ),
        ),
    })
}

/// The evidence, and whether the organization denies the operator to turn Default Host Management on.
fn locked(evidence: Evidence, case: &Case) -> Evidence {
    const TURN_ON: &str = "ssm:UpdateServiceSetting";
    let Ok(identity) = operator::identity(case) else { return evidence };
    let setting = format!(
        "arn:{}:ssm:{}:{}:servicesetting{}",
        identity.arn.partition(),
        case.scope.region,
        identity.arn.account(),
        SettingId::DefaultHostManagementRole
    );
    let question = PermissionQuestion { identity: &identity, action: TURN_ON, resource: &setting };
    match decide(question, None, case) {
        Ok(PermissionDecision::Denied(denied)) => {
            let forbids = denied.by.iter().find(|by| by.policy_type == PolicyType::ServiceControl);
            let Some(forbids) = forbids else { return evidence };
            evidence.and(observed(
                identity.name(),
                format!("may not turn it on either: {TURN_ON} is denied ({})", denial(forbids)),
            ))
        }
        Ok(PermissionDecision::Allowed(_)) => evidence,
        Err(unknown) => evidence.wanting(unknown.unasked()),
    }
}
