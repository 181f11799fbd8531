//! The proxy of the agent passes its connections.
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
        "correct the proxy in the environment of the agent, or let the proxy pass the services",
        Recovery::Agent,
    );
    judged(case, "agent/proxy-passes", fix)
}
