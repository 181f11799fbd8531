//! Gateways of a VPC, and peering connections.

use alloc::{string::String, vec::Vec};
use core::{fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::{ids::*, text::words};

words! {
    NatState {
        Available = "available", Pending = "pending", Failed = "failed", Deleting = "deleting",
        Deleted = "deleted",
    }
    Connectivity { Public = "public", Private = "private" }
    AutoProvisionZones { On = "enabled", Off = "disabled" }
    PeeringState {
        Active = "active", Initiating = "initiating-request", PendingAcceptance = "pending-acceptance",
        Provisioning = "provisioning", Failed = "failed", Expired = "expired", Rejected = "rejected",
        Deleting = "deleting", Deleted = "deleted",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InternetGateway {
    pub id: InternetGatewayId,
    /// The attachment's state; `available` is the working one.
    pub state: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NatGateway {
    pub state: NatState,
    pub connectivity: Connectivity,
    /// None for a regional NAT gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<SubnetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_ips: Vec<Ipv4Addr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The Availability Zones that a regional NAT gateway has addresses in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// Whether AWS sees to it that a regional NAT gateway has addresses in the zones that need them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_provision_zones: Option<AutoProvisionZones>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EgressOnlyGateway {
    pub id: EgressOnlyGatewayId,
    /// The attachment's state; `attached` is the working one.
    pub state: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Peering {
    pub state: PeeringState,
    pub requester: PeeringSide,
    pub accepter: PeeringSide,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PeeringSide {
    pub vpc: VpcId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}
