//! Hybrid nodes take sessions in the advanced tier only.
//!
//! The tier is a setting of the account in the Region of the call. Reverting it takes half an hour
//! and more, during which it is pending.

use crate::identity_remedies::setting;
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
    let Some(found) = case.facts.service_setting(&id).optional()? else {
        return Err(Unknown::limit(
            "the tier of hybrid nodes: Systems Manager has no such setting here",
        )
        .into());
    };
    if found.status == "PendingUpdate" {
        return Err(Unknown::limit(format!(
            "the tier of hybrid nodes is just being changed to or from {}",
            found.value
        ))
        .into());
    }
    let evidence =
        observed(&case.scope.region, format!("has its hybrid nodes in the {} tier", found.value));
    match found.value.as_str() {
        "advanced" => Ok(Verdict::Pass(evidence)),
        "standard" => {
            Ok(Verdict::Fail(
                evidence,
                Fix::new(
                    format!("turn on the advanced-instances tier in {}: AWS charges for each hybrid node and hour", case.scope.region),
                    Recovery::NextSession,
                )
                .with(ServiceSettingChange::Update { setting: setting(id, case), value: "advanced".into() }),
            ))
        }
        other => Err(Unknown::limit(format!("{other:?} is no tier that is known here")).into()),
    }
}
