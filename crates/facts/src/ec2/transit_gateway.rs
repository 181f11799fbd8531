//! Transit gateways.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use super::route_table::{Destination, RouteState};
use crate::{ids::*, text::words};

words! {
    AssociationState {
        Associated = "associated", Associating = "associating", Disassociating = "disassociating",
        Disassociated = "disassociated",
    }
    AttachmentState {
        Available = "available", Initiating = "initiating", Pending = "pending", Modifying = "modifying",
        PendingAcceptance = "pendingAcceptance", RollingBack = "rollingBack", Deleting = "deleting",
        Deleted = "deleted", Failed = "failed", Failing = "failing", Rejected = "rejected",
        Rejecting = "rejecting",
    }
}

/// A VPC's attachment to a transit gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransitGatewayAttachment {
    pub id: String,
    pub transit_gateway: TransitGatewayId,
    pub state: AttachmentState,
    /// One for each Availability Zone that it serves: instances in others do not get through.
    pub subnets: Vec<SubnetId>,
    /// Packets enter the VPC in any Availability Zone of the attachment, not in the zone that they come from.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub appliance_mode: bool,
}

/// A transit gateway's attachments and route tables, as its owner sees them. Other accounts see only the
/// attachments of their own VPCs, and no route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransitGateway {
    #[serde(default)]
    pub attachments: Vec<TransitAttachment>,
    #[serde(default)]
    pub tables: Vec<TransitTable>,
}

/// Something that is attached to a transit gateway: a VPC, a VPN connection, another transit gateway…
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransitAttachment {
    pub id: String,
    /// The VPC behind it; None for what is no VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<VpcId>,
    /// The VPN connection behind it; None for what is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
    /// What decides where packets from it go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association: Option<TransitAssociation>,
}

/// The table that an attachment's packets are routed by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransitAssociation {
    /// None where it is a policy table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    pub state: AssociationState,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransitTable {
    pub id: String,
    /// Do attachments propagate their routes to it by themselves?
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub default_propagation: bool,
    pub routes: Vec<TransitRoute>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransitRoute {
    pub to: Destination,
    pub state: RouteState,
    /// The ids of the attachments that packets leave by, one of several as it may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
    /// Announced by an attachment, so weaker than a static route.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub propagated: bool,
}
