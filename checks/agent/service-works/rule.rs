//! Systems Manager answers the agent without errors of its own.
//!
//! Only the agent's log shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "wait, or look at the AWS Health Dashboard; the agent tries again",
    Recovery::Agent
);
