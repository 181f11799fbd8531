//! Systems Manager knows the node.
//!
//! Registration needs an identity, credentials that may call `ssm:UpdateInstanceInformation`, and
//! the `ssm` endpoint; nearly everything below explains its absence. When nothing below is at fault,
//! the cause is inside the machine, where AWS does not look.

use crate::{path, prelude::*};
use ssm_doctor_analysis::node::unresponsive::{GRACE, Silence, explore};
use ssm_doctor_facts::time::span;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Blocks,
    depends_on: path::joined!(
        path::HOPS,
        path::SUSPECTED_HOPS,
        &[
            &crate::target::found_in_region::CHECK,
            &crate::target::instance_running::CHECK,
            &crate::target::instance_self_managed::CHECK,
            &crate::target::status_checks_pass::CHECK,
            &crate::target::metadata_service_enabled::CHECK,
            &crate::identity::profile_attached::CHECK,
            &crate::identity::profile_contains_role::CHECK,
            &crate::identity::role_trusts_ec2::CHECK,
            &crate::identity::role_may_register::CHECK,
            &crate::identity::profile_settled::CHECK,
            &crate::identity::host_management_not_delayed::CHECK,
            &crate::agent::version_supports_host_management::CHECK,
            &crate::dns::query_log_agrees::CHECK,
            &crate::network::flow_logs_show_no_reject::CHECK,
            &crate::endpoint::policy_allows_agent::CHECK,
            &crate::endpoint::policy_allows_role_token::CHECK,
            &super::clock_right::CHECK,
            &super::configuration_valid::CHECK,
            &super::credentials_current::CHECK,
            &super::disk_writable::CHECK,
            &super::installation_complete::CHECK,
            &super::limits_suffice::CHECK,
            &super::log_shows_no_fault::CHECK,
            &super::metadata_reachable::CHECK,
            &super::names_resolve::CHECK,
            &super::node_and_aws_agree::CHECK,
            &super::proxy_passes::CHECK,
            &super::registration_valid::CHECK,
            &super::runs::CHECK,
            &super::service_works::CHECK,
            &super::services_answer::CHECK,
            &super::tls_trusted::CHECK,
            &super::user_data_keeps_agent::CHECK,
        ],
    ),
    proves: &[&crate::target::found_in_region::CHECK],
    run,
};

/// A reason to wait, while the machine is young. A stopped instance that starts is launched anew.
pub(super) fn just_launched(case: &Case) -> Result<Option<Unknown>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let age = case.facts.instance(id).required()?.launched_at.map(|it| it.until(case.scope.at));
    Ok(age.filter(|it| (0..GRACE).contains(it)).map(|age| {
        Unknown::limit(format!(
            "{id} was launched or started {} ago: agents register within minutes, and later if their first try failed; wait, or run again with --wait",
            span(age)
        ))
    }))
}

fn run(case: &Case) -> Answer {
    let target = &case.scope.target;
    if case.facts.node(target).optional()?.is_some() {
        return Ok(Verdict::Pass(observed(target, "is registered with Systems Manager")));
    }
    if target.instance().is_none() {
        return Ok(Verdict::NotApplicable("a hybrid node that is not registered does not exist"));
    }
    if let Some(unknown) = just_launched(case)? {
        return Err(unknown);
    }
    let evidence = observed(
        target,
        "is not known to Systems Manager: the agent has never reported, or not for 30 days",
    );
    let (evidence, fix) = explore(Silence::NeverRegistered, case, evidence)?;
    Ok(Verdict::Fail(evidence, fix))
}
