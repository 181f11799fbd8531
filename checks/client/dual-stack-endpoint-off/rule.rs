//! The AWS CLI does not go to dual-stack endpoints.
//!
//! Whether the name exists here is for `service-names-resolve` to say; this is about the setting, which
//! older pairs of CLI and plugin do not bear. Source: session-manager-plugin issue 87.

use crate::prelude::*;
use ssm_doctor_analysis::workstation::client;
use ssm_doctor_facts::workstation::Machine;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    client::here(case, |here| match &here.surroundings.dual_stack {
        None => client::passes(&Machine::Here, "leaves dual-stack endpoints off"),
        Some(setting) => client::fails(
            setting,
            format!("sends the AWS CLI to {} on this machine", client::api_host(&here, case.scope)),
            "if the session does not start, try AWS_USE_DUALSTACK_ENDPOINT=false; or keep the CLI and the plugin current",
        ),
    })
}
