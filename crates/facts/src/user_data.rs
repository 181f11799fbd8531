//! What the user data of an instance does to its agent.
//!
//! User data may hold secrets. So it is read in memory, and only what is here is kept.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// The commands that concern the agent, in the order of the user data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserData {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<AgentCommand>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentCommand {
    /// The line of the user data, from 1.
    pub line: u32,
    pub does: AgentEffect,
    /// It depends on a condition or on another command whether it runs.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub conditional: bool,
}

/// What a command does to the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AgentEffect {
    Installs,
    Removes,
    Starts,
    Stops,
    /// It starts with the machine from now on.
    Enables,
    /// It no longer starts with the machine.
    Disables,
}
