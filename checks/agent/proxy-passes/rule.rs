//! The proxy of the agent passes its connections.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "correct the proxy in the environment of the agent, or let the proxy pass the services",
    Recovery::Agent
);
