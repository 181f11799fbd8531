//! A profile that cannot register does not hold up Default Host Management.
//!
//! The agent tries the profile's role first. Refused, it turns to Default Host Management; and it
//! begins anew with the profile at every look for credentials, 25 to 30 minutes apart. That it works in
//! the end shows only in an agent that is Online. Source: amazon-ssm-agent
//! `common/identity/availableidentities/ec2/ec2roleprovider/ec2_role_provider.go`,
//! `core/app/credentialrefresher/credentialrefresher_deps.go`.

use crate::engine::permission::managed_policy;
use crate::identity_remedies::{listed, take_profile};
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    actions::REGISTER,
    agent_identity::{host_management, may_register},
    instance_profile::profile_role,
    managed_policies::INSTANCE_CORE,
};
use ssm_doctor_facts::{
    change::{IamChange, PolicyHolder},
    ssm::Ping,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Degrades,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &crate::target::instance_running::CHECK,
        &super::profile_attached::CHECK,
        &super::profile_contains_role::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let id = instance(case, "Default Host Management is for EC2 instances")?;
    let served =
        host_management(case.facts)?.or_not_applicable("Default Host Management is off")?;
    let role = profile_role(case)?
        .or_not_applicable("no profile's role comes before Default Host Management")?;
    if may_register(case, &role)? {
        return Ok(Verdict::NotApplicable("the profile's role may register itself"));
    }
    let evidence = observed(
        &role.name,
        format!(
            "is in the instance's profile and cannot register ({REGISTER}), and is tried before {served} of Default Host Management"
        ),
    );
    if case.facts.node(&case.scope.target).optional()?.is_some_and(|it| it.ping == Ping::Online) {
        let note = observed(id, "is Online, so the agent passed it over");
        return Ok(Verdict::Pass(evidence.and(note)));
    }
    let attach = managed_policy(role.arn.partition(), INSTANCE_CORE).map(|policy| {
        FixOption::new(format!("attach {INSTANCE_CORE} to {}", role.name))
            .with(IamChange::AttachPolicy { to: PolicyHolder::Role(role.name.to_string()), policy })
    });
    let options = listed([attach, Some(take_profile(id))]);
    Ok(Verdict::Fail(evidence, Fix::options(options, Recovery::Agent)))
}
