//! `CloudTrail`'s event history: who called what, and what AWS refused.
//!
//! It has the management events of the last 90 days, some minutes after they happened. Data events, such as
//! `CreateControlChannel`, are not in it. So an event that is missing proves nothing. Source: `CloudTrail` user guide,
//! "Working with `CloudTrail` Event history".

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A management event, without addresses and credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TrailEvent {
    pub at: Timestamp,
    /// `StartSession`.
    pub name: String,
    /// `ssm.amazonaws.com`.
    pub source: String,
    /// The ARN of whoever called, or the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// It changed nothing.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub read_only: bool,
    /// `AccessDenied`; None if the call succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// AWS's words to the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The target that a session was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The ARN of the role that was to be assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}
