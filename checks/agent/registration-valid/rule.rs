//! The registration of the node is valid.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "clear the registration on the node; a hybrid node is then registered with a new activation",
    Recovery::Agent
);
