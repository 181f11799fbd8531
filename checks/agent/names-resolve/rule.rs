//! The node resolves the names of the services.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "correct the DNS server that the node uses, so that it resolves the names of the services",
    Recovery::Agent
);
