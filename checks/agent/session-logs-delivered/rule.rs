//! The agent's log does not end with a session log that could not be delivered.
//!
//! The session starts all the same, and the log that the preferences promise is missing. A check of AWS's side that
//! fails for the same reason is named instead. Source: amazon-ssm-agent `agent/session/shell/shell.go`.

use crate::agent_log::judged_by_others;
use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Degrades,
    depends_on: &[],
    proves: &[],
    run: |case| {
        let others = [crate::endpoint::CHECKS, crate::preferences::CHECKS];
        judged_by_others(case, Impact::Degrades, &others)
    },
};
