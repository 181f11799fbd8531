//! The disk of the node has space and can be written.
//!
//! Only the agent's log shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "make room on the disk of the node, or mount the file system read-write",
    Recovery::Agent
);
