//! The agent supports the session document.
//!
//! Only the agent's log shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Session,
    "correct the session document: schemaVersion is 1.0, and each input has the type of the AWS schema",
    Recovery::NextSession
);
