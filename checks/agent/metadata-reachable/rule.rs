//! The agent reaches the instance metadata service.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "let the node reach 169.254.169.254: its firewall, its routes, `no_proxy` of the agent and the hop limit",
    Recovery::Agent
);
