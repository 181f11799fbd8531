//! What Systems Manager says about nodes, settings and documents.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ActivationId, NodeId},
    text::{Text, words},
    time::Timestamp,
};

/// The services that every session needs: `ssm` for registration and heartbeat, `ssmmessages` for the session channel.
/// `ec2messages` is never needed: agents since 3.3.40.0 do without it, and sessions always did.
pub const CORE: [&str; 2] = ["ssm", "ssmmessages"];

words! {
    /// Covers registration and the `ssm` endpoint only, not the session channel.
    Ping { Online = "Online", ConnectionLost = "ConnectionLost", Inactive = "Inactive" }
    /// `ssm:GetConnectionStatus`: is the agent's control channel to `ssmmessages` up?
    Connection { Connected = "connected", NotConnected = "notconnected" }
}

/// A row of `ssm:DescribeInstanceInformation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ManagedNode {
    pub ping: Ping,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ping: Option<Timestamp>,
    /// As the agent spells it; see [`ManagedNode::version`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// `Linux`, `Windows` or `MacOS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computer_name: Option<String>,
    /// The role that Systems Manager gave the node: the activation's for a hybrid node, that of
    /// Default Host Management for an instance that uses it. A name, or a path and a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `AWS::EC2::Instance`, `AWS::SSM::ManagedInstance`, `AWS::IoT::Thing`…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Timestamp>,
    /// Of hybrid nodes: what they were registered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<ActivationId>,
    /// As the agent reports it, so maybe one of several, and maybe of another network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// A hybrid node that reports, for comparison with one that does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HybridNode {
    pub id: NodeId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computer_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Timestamp>,
}

/// A row of `ssm:DescribeSessions`, of a session that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PastSession {
    pub id: String,
    /// `Terminated`, or `Failed`.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The document it went by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// What AWS or the agent says of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A row of `ssm:DescribeActivations`. What has become of it is nothing to a node that is registered
/// already; it counts when one has to be registered anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Activation {
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub expired: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How many nodes may register with it, and how many have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i32>,
}

/// An agent's version. Four numbers: semantic versioning has three and would reject it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AgentVersion(pub [u32; 4]);

impl AgentVersion {
    /// `3.2.582.0`; None for anything else.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let mut parts = raw.split('.').map(str::parse);
        let version =
            [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
        parts.next().is_none().then_some(Self(version))
    }
}

impl fmt::Display for AgentVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, build, revision] = self.0;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

/// A setting of Systems Manager, of one account in one Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SettingId {
    /// The role of Default Host Management Configuration; how "off" is spelled is not documented.
    #[serde(rename = "/ssm/managed-instance/default-ec2-instance-management-role")]
    DefaultHostManagementRole,
    /// `standard` or `advanced`; sessions to hybrid nodes need the latter.
    #[serde(rename = "/ssm/managed-instance/activation-tier")]
    ActivationTier,
}

impl SettingId {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DefaultHostManagementRole => {
                "/ssm/managed-instance/default-ec2-instance-management-role"
            }
            Self::ActivationTier => "/ssm/managed-instance/activation-tier",
        }
    }
}

impl fmt::Display for SettingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceSetting {
    pub value: String,
    /// `Default`, `Customized` or `PendingUpdate`.
    #[serde(default)]
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
}

impl ServiceSetting {
    /// The role that it names, if it is a setting of roles and is on. "Off" has been seen as no
    /// setting, no value, and this word.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        Some(self.value.as_str()).filter(|it| !it.is_empty() && *it != "$None")
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Document {
    /// `Session` for what starts sessions, `Command` for Run Command's…
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<String>,
    pub content: Text,
    /// A version that was saved after this one, which is the default version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<LaterVersion>,
}

/// The latest version of a document whose default version is another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LaterVersion {
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    pub content: Text,
}

impl Document {
    /// The names of the parameters that a content has.
    #[must_use]
    pub fn parameters_of(content: &Text) -> Vec<String> {
        let parameters = content.json().and_then(|content| content.get("parameters"));
        let parameters = parameters.and_then(serde_json::Value::as_object);
        parameters.map(|parameters| parameters.keys().cloned().collect()).unwrap_or_default()
    }

    /// The same document, if its later version were the default; None without one.
    #[must_use]
    pub fn with_later_as_default(&self) -> Option<Self> {
        let later = self.later.as_ref()?;
        Some(Self {
            kind: self.kind.clone(),
            version: Some(later.version.clone()),
            created_at: later.created_at,
            parameters: Self::parameters_of(&later.content),
            content: later.content.clone(),
            later: None,
        })
    }
}
