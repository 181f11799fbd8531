//! Nothing breaks the WebSocket of the agent.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "let proxies and firewalls pass WebSockets to ssmmessages",
    Recovery::Agent
);
