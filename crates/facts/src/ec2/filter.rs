//! Network ACLs and security groups.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::ids::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkAcl {
    pub id: NetworkAclId,
    #[serde(default)]
    pub default: bool,
    #[serde(default)]
    pub subnets: Vec<SubnetId>,
    pub entries: Vec<AclEntry>,
}

/// Evaluated in order of `number`; the first that matches decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AclEntry {
    pub number: i32,
    #[serde(default)]
    pub egress: bool,
    pub allow: bool,
    pub traffic: Traffic,
    pub peer: Peer,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecurityGroup {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default)]
    pub ingress: Vec<Rule>,
    #[serde(default)]
    pub egress: Vec<Rule>,
}

impl SecurityGroup {
    /// The one that every VPC has, and that is taken where none is named. No other may have its name. Source:
    /// VPC guide, "Default security groups for your VPCs".
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.name.as_deref() == Some("default")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    pub traffic: Traffic,
    pub peer: Peer,
}

/// Protocol and ports of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Traffic {
    All,
    /// First and last port, both included.
    Tcp(u16, u16),
    Udp(u16, u16),
    /// Any other protocol, by AWS's name or number. Never TCP.
    Other(String),
}

/// The other side of a rule: where traffic comes from on the way in, goes to on the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Peer {
    Cidr(#[cfg_attr(feature = "schema", schemars(with = "String"))] IpNet),
    Group(SecurityGroupId),
    List(PrefixListId),
    /// A peer of a kind not known here, as AWS spelled it.
    Unreadable(String),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(net) => net.fmt(f),
            Self::Group(id) => id.fmt(f),
            Self::List(id) => id.fmt(f),
            Self::Unreadable(raw) => raw.fmt(f),
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = |low: &u16, high: &u16| {
            if low == high { low.to_string() } else { alloc::format!("{low}-{high}") }
        };
        match self {
            Self::All => f.write_str("all traffic"),
            Self::Tcp(low, high) => write!(f, "tcp/{}", ports(low, high)),
            Self::Udp(low, high) => write!(f, "udp/{}", ports(low, high)),
            Self::Other(protocol) => write!(f, "protocol {protocol}"),
        }
    }
}
