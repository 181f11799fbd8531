//! The AWS CLI does not go to dual-stack endpoints.
//!
//! Whether the name exists here is for `service-names-resolve` to say; this is about the setting, which
//! older pairs of CLI and plugin do not bear. Source: session-manager-plugin issue 87.

use crate::client_words::{fails, of_workstation, passes};
use crate::prelude::*;
use ssm_doctor_analysis::workstation;
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
    of_workstation(case, |workstation| match &workstation.surroundings.dual_stack {
        None => passes(&Machine::Here, "leaves dual-stack endpoints off"),
        Some(setting) => fails(
            setting,
            format!(
                "sends the AWS CLI to {} on this machine",
                workstation::api_host(workstation.surroundings, case.scope)
            ),
            "if the session does not start, try AWS_USE_DUALSTACK_ENDPOINT=false; or keep the CLI and the plugin current",
        ),
    })
}
