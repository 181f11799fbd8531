//! The user and the shell of a session can be used on the node.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Session,
    "create the user on the node, or name another one in the preferences",
    Recovery::NextSession
);
