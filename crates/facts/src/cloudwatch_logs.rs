//! What `CloudWatch` Logs says about the group that session logs go to, and how far back other logs are read.

use alloc::string::String;

use serde::{Deserialize, Serialize};

/// How far back flow logs and query logs are read, in seconds before the doctor reads them.
pub const READ_BACK: i64 = 60 * 60;

/// A row of `logs:DescribeLogGroups`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogGroup {
    /// The KMS key's ARN. None for what `CloudWatch` encrypts by itself, which the agent does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
