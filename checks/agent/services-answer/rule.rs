//! The services answer the agent.
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
        "let the node reach tcp/443 of the service: security groups, network ACLs, routes and the firewall of the node",
        Recovery::Agent,
    );
    judged(case, "agent/services-answer", fix)
}
