//! The credentials that the agent uses are accepted.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "restart the agent, so that it gets new credentials; remove credentials that it should not use",
    Recovery::Agent
);
