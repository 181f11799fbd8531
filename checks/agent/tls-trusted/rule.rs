//! The connections of the agent are not intercepted.
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
        "exempt the names of the services from TLS inspection and web filters; if the certificate is one of AWS for another name, correct DNS",
        Recovery::Agent,
    );
    judged(case, "agent/tls-trusted", fix)
}
