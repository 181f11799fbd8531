//! The credentials that the agent uses are accepted.
//!
//! Only the agent's log shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "restart the agent, so that it gets new credentials; remove credentials that it should not use",
    Recovery::Agent
);
