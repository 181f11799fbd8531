//! The agent's log ends without a fault that AWS's side explains.
//!
//! A refusal in the log is certain where policies could not be read: the agent was there. Faults that only the
//! log can show have checks of their own. A check that fails for the same reason is named instead of this one. A fault
//! of an operator's machine, which the plugin reported to the agent, may be of any operator.

use crate::agent_log::judged_by_others;
use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run: |case| {
        judged_by_others(
            case,
            Impact::Blocks,
            &[
                crate::target::CHECKS,
                crate::identity::CHECKS,
                crate::endpoint::CHECKS,
                crate::preferences::CHECKS,
                crate::hybrid::CHECKS,
            ],
        )
    },
};
