//! Hybrid nodes take sessions in the advanced tier only.
//!
//! The tier is a setting of the account in the Region of the call. Reverting it takes half an hour
//! and more, during which it is pending.

use crate::prelude::*;
use ssm_doctor_facts::{change::ServiceSettingChange, ssm::SettingId};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    if case.scope.target.instance().is_some() {
        return Ok(Verdict::NotApplicable("EC2 instances need no tier"));
    }
    let id = SettingId::ActivationTier;
    let Some(setting) = case.facts.service_setting(&id).optional()? else {
        return Err(Unknown::limit(
            "the tier of hybrid nodes: Systems Manager has no such setting here",
        )
        .into());
    };
    if setting.status == "PendingUpdate" {
        return Err(Unknown::limit(format!(
            "the tier of hybrid nodes is just being changed to or from {}",
            setting.value
        ))
        .into());
    }
    let evidence =
        observed(&case.scope.region, format!("has its hybrid nodes in the {} tier", setting.value));
    match setting.value.as_str() {
        "advanced" => Ok(Verdict::Pass(evidence)),
        "standard" => {
            let caller = case.facts.caller(&Ourselves::Us).hint()?;
            let (partition, account) = caller
                .map_or((case.scope.region.partition(), "<account>"), |caller| {
                    (caller.arn.partition(), caller.account.as_str())
                });
            let arn = format!(
                "arn:{partition}:ssm:{}:{account}:servicesetting{}",
                case.scope.region,
                id.as_str()
            );
            Ok(Verdict::Fail(
                evidence,
                Fix::new(
                    "turn on the advanced-instances tier, which is charged for each hybrid node and hour",
                    Recovery::NextSession,
                )
                .with(ServiceSettingChange::Update { setting: arn, value: "advanced".into() }),
            ))
        }
        other => Err(Unknown::limit(format!("{other:?} is no tier that is known here")).into()),
    }
}
