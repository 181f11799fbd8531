//! The limits of the node suffice for the agent.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "raise fs.inotify.max_user_watches, fs.inotify.max_user_instances and the limit on open files, or free memory",
    Recovery::Agent
);
