//! The instance's profile does not keep the agent from Default Host Management.
//!
//! The agent tries the profile's role first and tests one thing only: may it register? If so it keeps
//! to that role for everything, and Default Host Management is never tried, even where the role cannot
//! open the session channel. A profile with half the rights is worse than none.

use crate::agent_permissions::may_open_channel;
use crate::identity_remedies::take_profile;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    agent_identity::{given_by_host_management, host_management, may_register},
    instance_profile::profile_role,
};

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
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let id = instance(case, "Default Host Management is for EC2 instances")?;
    let served = host_management(case.facts)?
        .or_not_applicable("Default Host Management is off, so nothing is shadowed")?;
    if let Some(role) = given_by_host_management(case)? {
        let how = format!("is what the agent on {id} uses, by Default Host Management");
        return Ok(Verdict::Pass(observed(&role, how)));
    }
    let role = profile_role(case)?
        .or_not_applicable("no profile's role comes before Default Host Management")?;
    if !may_register(case, &role)? {
        let how = format!("cannot register, so the agent passes it over for {served}");
        return Ok(Verdict::Pass(observed(&role.name, how)));
    }
    Ok(match may_open_channel(&role, Recovery::Agent, case)? {
        Verdict::Fail(evidence, fix) => {
            let note = "may register, so the agent uses it for everything and never tries Default Host Management, which is on";
            Verdict::Fail(evidence.and(observed(&role.name, note)), fix.or(take_profile(id)))
        }
        answer => answer,
    })
}
