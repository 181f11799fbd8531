//! The configuration file of the agent is valid.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "correct amazon-ssm-agent.json on the node, or remove it",
    Recovery::Agent
);
