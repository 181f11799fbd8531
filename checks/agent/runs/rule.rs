//! The agent runs on the node.
//!
//! A probe on the node shows it, and the agent's log does if somebody stopped the agent. Other checks see why
//! an agent ends at its start.

use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Blocks,
    depends_on: &[
        &super::configuration_valid::CHECK,
        &super::disk_writable::CHECK,
        &super::installation_complete::CHECK,
        &super::limits_suffice::CHECK,
        &super::metadata_reachable::CHECK,
    ],
    proves: &[],
    run: |case| {
        let fix = Fix::new(
            "enable and start the service of the agent on the node (sudo systemctl enable --now, with the name of its unit)",
            Recovery::Agent,
        );
        crate::agent_log::judged(case, &CHECK.name(), &fix)
    },
};
