//! VPN connections, by which a virtual private gateway or a transit gateway leads to another network.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{text::words, time::Timestamp};

words! {
    TunnelStatus { Up = "UP", Down = "DOWN" }
}

/// A row of `ec2:DescribeVpnConnections`.
///
/// A Direct Connect gateway on the same gateway is not in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VpnConnection {
    pub id: String,
    /// `available`, `pending`, `deleting` or `deleted`.
    pub state: String,
    /// The destinations of a connection with static routes to a virtual private gateway. Empty with BGP, which tells
    /// them the gateway, and for a transit gateway, whose own tables have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub static_routes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tunnels: Vec<VpnTunnel>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VpnTunnel {
    pub status: TunnelStatus,
    /// Since when it has this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}
