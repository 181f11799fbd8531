//! The agent's log ends without a fault that AWS's side explains.
//!
//! A refusal in the log is certain where policies could not be read: the agent was there. Faults that only the
//! log can show have checks of their own. A check that fails for the same reason is named instead of this one.

use crate::agent_log::judged_by_others;
use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run: |case| judged_by_others(case, OTHERS),
};

/// Those that say why AWS refuses the agent.
const OTHERS: &[&Check] = &[
    &crate::identity::profile_attached::CHECK,
    &crate::identity::role_may_register::CHECK,
    &crate::identity::role_may_open_channels::CHECK,
    &crate::identity::role_may_open_data_channel::CHECK,
    &crate::endpoint::policy_allows_agent::CHECK,
    &crate::endpoint::policy_allows_data_channel::CHECK,
    &crate::hybrid::role_trusts_ssm::CHECK,
];
