//! Route tables.

use alloc::{string::String, vec::Vec};
use core::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{ids::*, text::words};

words! {
    RouteState { Active = "active", Blackhole = "blackhole", Filtered = "filtered" }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouteTable {
    pub id: RouteTableId,
    /// The table of every subnet that is associated with no other.
    #[serde(default)]
    pub main: bool,
    #[serde(default)]
    pub subnets: Vec<SubnetId>,
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Route {
    pub to: Destination,
    pub via: NextHop,
    pub state: RouteState,
    /// Learnt from a virtual private gateway, so weaker than a static route.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub propagated: bool,
}

impl Route {
    /// Does it lead to a peer, a transit or virtual private gateway, a router or the like, rather than to
    /// the internet?
    #[must_use]
    pub fn leads_to_other_networks(&self) -> bool {
        const CARRIER_GATEWAY: &str = "cagw-";
        match self.via.kind() {
            TargetKind::Peering(_) | TargetKind::TransitGateway(_) => true,
            TargetKind::Other => !self.via.0.starts_with(CARRIER_GATEWAY),
            // By the default route it is as a rule a NAT instance, or the firewall before one.
            TargetKind::Interface(_) | TargetKind::Endpoint(_) => {
                matches!(&self.to, Destination::Cidr(net) if net.prefix_len() > 0)
            }
            // A private NAT gateway, whose subnet routes to them.
            TargetKind::NatGateway(_) => {
                matches!(&self.to, Destination::Cidr(IpNet::V4(net)) if net.addr().is_private())
            }
            _ => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Destination {
    Cidr(#[cfg_attr(feature = "schema", schemars(with = "String"))] IpNet),
    List(PrefixListId),
    /// A destination of a kind not known here, as AWS spelled it.
    Unreadable(String),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(net) => net.fmt(f),
            Self::List(id) => id.fmt(f),
            Self::Unreadable(raw) => raw.fmt(f),
        }
    }
}

/// Where a route sends packets: `local`, or the id of a gateway, interface, peering…
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NextHop(pub String);

/// What kind of thing a [`NextHop`] names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKind {
    Local,
    InternetGateway(InternetGatewayId),
    EgressOnlyGateway(EgressOnlyGatewayId),
    NatGateway(NatGatewayId),
    /// A gateway endpoint, or an appliance behind a gateway load balancer.
    Endpoint(EndpointId),
    /// A NAT instance, a firewall, a router.
    Interface(NetworkInterfaceId),
    Peering(PeeringId),
    TransitGateway(TransitGatewayId),
    /// Virtual private, local and carrier gateways, core networks, and whatever comes next.
    Other,
}

impl NextHop {
    /// The VPC's own route.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0 == "local"
    }

    #[must_use]
    pub fn kind(&self) -> TargetKind {
        let raw = &self.0;
        if self.is_local() {
            return TargetKind::Local;
        }
        let Some((prefix, _)) = raw.split_once('-') else { return TargetKind::Other };
        let kind = match prefix {
            "igw" => raw.parse().map(TargetKind::InternetGateway),
            "eigw" => raw.parse().map(TargetKind::EgressOnlyGateway),
            "nat" => raw.parse().map(TargetKind::NatGateway),
            "vpce" => raw.parse().map(TargetKind::Endpoint),
            "eni" => raw.parse().map(TargetKind::Interface),
            "pcx" => raw.parse().map(TargetKind::Peering),
            "tgw" => raw.parse().map(TargetKind::TransitGateway),
            _ => return TargetKind::Other,
        };
        kind.unwrap_or(TargetKind::Other)
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrefixList {
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub cidrs: Vec<IpNet>,
}
