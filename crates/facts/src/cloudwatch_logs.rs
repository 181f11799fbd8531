//! What `CloudWatch` Logs says about the group that session logs go to.

use alloc::string::String;

use serde::{Deserialize, Serialize};

/// A row of `logs:DescribeLogGroups`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogGroup {
    /// The KMS key's ARN. None for what `CloudWatch` encrypts by itself, which the agent does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
