//! The agent reaches the instance metadata service.
//!
//! Only the agent's log shows it: see `checks/agent_log.rs`.

use crate::agent_log::judged;
use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let fix = Fix::new(
        "let the node reach 169.254.169.254: its firewall, its routes, `no_proxy` of the agent and the hop limit",
        Recovery::Agent,
    );
    judged(case, "agent/metadata-reachable", fix)
}
