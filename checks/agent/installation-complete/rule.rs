//! The installation of the agent is complete.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(Layer::Agent, "install the agent again on the node", Recovery::Agent);
