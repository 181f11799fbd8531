//! The services answer the agent.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "let the node reach tcp/443 of the service: security groups, network ACLs, routes and the firewall of the node",
    Recovery::Agent
);
