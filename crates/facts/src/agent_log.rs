//! What SSM Agent wrote to its log, as far as it matters to a session.
//!
//! The log is read on the machine at hand and may be hundreds of megabytes long. Kept of it are the lines that
//! analysis recognizes, each kind once, so that saved facts can be judged again.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What was read of an agent's log files.
///
/// The agent writes the node's local time without its zone. AWS's images use UTC, and the times here are read
/// as UTC, unless the lines of a journal show the offset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentLog {
    /// The version that the agent last printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The operating system that the agent last printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The node that the log last named: `i-…` or `mi-…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Other nodes whose files were among those that were given. Nothing of these files is in here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_nodes: Vec<String>,
    /// A compressed file or an archive ends before its end, so that lines are missing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_cut_off: bool,
    /// The time to which the node's clock was last set back within a file. Lines before that have this time at the
    /// latest, whatever their own time is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_set_back_to: Option<Timestamp>,
    /// When the agent last started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The times of the first and of the last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Each kind of line that means something, the one that was written last at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LogLine>,
}

/// Lines that mean the same, and when they were written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogLine {
    /// The last one of them, without its time. An error that continues on more lines is one line here.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// The first one after the last line that says the opposite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !*value
}

fn one() -> u64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_one(count: &u64) -> bool {
    *count == 1
}
