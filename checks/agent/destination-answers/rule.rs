//! The destination of port forwarding answers the node.
//!
//! Only the agent's log shows it: see `checks/agent_log.rs`.

use crate::agent_log::judged;
use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let fix = Fix::new(
        "start the program that listens on the port, or let the node reach the remote host",
        Recovery::NextSession,
    );
    judged(case, "agent/destination-answers", fix)
}
