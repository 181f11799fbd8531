//! The connections of the agent are not intercepted.
//!
//! The agent's log or a probe on the node shows it: see `checks/agent_log.rs`.

crate::log_check::log_check!(
    Layer::Agent,
    "exempt the names of the services from TLS inspection and web filters; if the certificate is one of AWS for another name, correct DNS",
    Recovery::Agent
);
