//! The clock of the node is right.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "set the clock of the node, and let it follow a time server",
    Recovery::Agent
);
