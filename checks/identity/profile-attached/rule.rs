//! The instance has something to act as.

use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    credentials,
    judge::{Judgement, Question, Stratum, judge},
    operator,
};
use ssm_doctor_facts::{ec2::InstanceState, ssm::SettingId};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some(id) = case.scope.target.instance() else {
        return Ok(Verdict::NotApplicable("a hybrid node has the role of its activation"));
    };
    let instance = case.facts.instance(id).required()?;
    if matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated) {
        return Ok(Verdict::NotApplicable("the instance is gone for good"));
    }
    if let Some(profile) = &instance.profile {
        return Ok(Verdict::Pass(observed(id, format!("has instance profile {}", profile.name()))));
    }
    let evidence = observed(id, "has no instance profile");
    let served = credentials::host_management(case.facts)
        .map_err(|it| credentials::beside(id, credentials::NO_PROFILE, it))?;
    if let Some(unknown) = credentials::host_management_spreads(case)? {
        return Err(unknown);
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
            credentials::attach_profile(
                Fix::new(
                    "attach an instance profile whose role has AmazonSSMManagedInstanceCore",
                    Recovery::Agent,
                ),
                id,
            ),
        ),
    })
}

/// `evidence`, and whether the organization keeps the operator from turning Default Host Management on.
fn locked(evidence: Evidence, case: &Case) -> Evidence {
    const TURN_ON: &str = "ssm:UpdateServiceSetting";
    let Ok(who) = operator::who(case) else { return evidence };
    let setting = format!(
        "arn:{}:ssm:{}:{}:servicesetting{}",
        who.arn.partition(),
        case.scope.region,
        who.arn.account(),
        SettingId::DefaultHostManagementRole
    );
    let question = Question { who: &who, action: TURN_ON, resource: &setting };
    match judge(question, None, case) {
        Ok(Judgement::Refused(refused)) => {
            let forbids = refused.layers.iter().find(|it| it.layer == Stratum::ServiceControl);
            let Some(no) = forbids else { return evidence };
            evidence.and(observed(
                who.name(),
                format!("may not turn it on either: {TURN_ON} is denied ({})", no.phrase()),
            ))
        }
        Ok(Judgement::Allowed(_)) => evidence,
        Err(unknown) => evidence.wanting(unknown.unasked()),
    }
}
