//! The credentials that the agent uses are accepted.
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
        "restart the agent, so that it gets new credentials; remove credentials that it should not use",
        Recovery::Agent,
    );
    judged(case, "agent/credentials-current", fix)
}
