//! The agent supports the session document.
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
        "correct the session document: schemaVersion is 1.0, and each input has the type of the AWS schema",
        Recovery::NextSession,
    );
    judged(case, "agent/document-supported", fix)
}
