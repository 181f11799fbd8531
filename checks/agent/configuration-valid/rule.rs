//! The configuration file of the agent is valid.
//!
//! Only the agent's log shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "correct amazon-ssm-agent.json on the node, or remove it",
    Recovery::Agent
);
