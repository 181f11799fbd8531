//! The user and the shell of a session can be used on the node.
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
        "create the user on the node, or name another one in the preferences",
        Recovery::NextSession,
    );
    judged(case, "agent/session-user-usable", fix)
}
