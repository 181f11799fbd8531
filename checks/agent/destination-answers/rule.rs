//! The destination of port forwarding answers the node.
//!
//! Only the agent's log shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Session,
    "start the program that listens on the port, or let the node reach the remote host",
    Recovery::NextSession
);
