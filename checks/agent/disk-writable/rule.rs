//! The disk of the node has space and can be written.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "make room on the disk of the node, or mount the file system read-write",
    Recovery::Agent
);
