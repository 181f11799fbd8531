//! What EC2 describes: instances and everything between them and a service.
//!
//! Rows keep what AWS says in AWS's words. Where AWS may add a word one day, the word is kept as
//! text ([`Other`](CheckStatus::Other) and its like), never dropped: an unknown kind of rule or
//! route is a reason not to know, not a reason to ignore it.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::{
    ids::*,
    text::{Text, words},
    time::Timestamp,
};

words! {
    InstanceState {
        Pending = "pending", Running = "running", ShuttingDown = "shutting-down",
        Terminated = "terminated", Stopping = "stopping", Stopped = "stopped",
    }
    CheckStatus {
        Ok = "ok", Impaired = "impaired", Initializing = "initializing",
        InsufficientData = "insufficient-data", NotApplicable = "not-applicable",
    }
    RouteState { Active = "active", Blackhole = "blackhole", Filtered = "filtered" }
    EndpointKind {
        Interface = "Interface", Gateway = "Gateway", GatewayLoadBalancer = "GatewayLoadBalancer",
        Resource = "Resource", ServiceNetwork = "ServiceNetwork", Tunnel = "Tunnel",
    }
    /// The API answers in lower or upper camel case, depending on the call.
    EndpointState {
        Available = "available", Pending = "pending", PendingAcceptance = "pendingAcceptance",
        Deleting = "deleting", Deleted = "deleted", Rejected = "rejected", Failed = "failed",
        Expired = "expired", Partial = "partial",
    }
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
    /// VPC Block Public Access, of one account in one Region. Source: EC2 API reference,
    /// `VpcBlockPublicAccessOptions`.
    BlockMode {
        Off = "off", Bidirectional = "block-bidirectional", Ingress = "block-ingress",
    }
    ExclusionMode { Bidirectional = "allow-bidirectional", Egress = "allow-egress" }
    AddressFamily {
        V4 = "ipv4", V6 = "ipv6", Dual = "dualstack", ServiceDefined = "service-defined",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Instance {
    /// The Name tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub state: InstanceState,
    /// None once terminated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<VpcId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<SubnetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<AttachedInterface>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Arn>,
    /// The unique id of the profile that was attached: one made later under its name has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    pub metadata: MetadataOptions,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageId>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub windows: bool,
    /// The service that manages the instance instead of the account: `eks.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launched_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A network interface as the instance's own description shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttachedInterface {
    pub id: NetworkInterfaceId,
    #[serde(default)]
    pub device_index: i32,
    pub subnet: SubnetId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_ip: Option<Ipv4Addr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<Ipv4Addr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ipv6: Vec<Ipv6Addr>,
    #[serde(default)]
    pub security_groups: Vec<SecurityGroupId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetadataOptions {
    pub enabled: bool,
    #[serde(default)]
    pub tokens_required: bool,
    /// How many network hops an answer survives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop_limit: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InstanceStatus {
    pub instance: CheckStatus,
    pub system: CheckStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebs: Option<CheckStatus>,
    /// What AWS is going to do to the instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ScheduledEvent>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScheduledEvent {
    /// `instance-reboot`, `system-reboot`, `system-maintenance`, `instance-retirement`, `instance-stop`…
    pub code: String,
    /// Begins with `[Completed]` or `[Canceled]` for some days after.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// What of the serial console's output is about the agent or what stops it. Written while booting, so
/// it may describe a fault that was fixed since.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Console {
    /// When the output was last added to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// As `solve::console` picks them; the rest, which may hold secrets, is not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// A row of `ec2:DescribeIamInstanceProfileAssociations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Image {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An EC2 Instance Connect endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectEndpoint {
    pub id: String,
    /// `create-complete` when it works.
    pub state: String,
}

/// Whether the account may use the serial console of EC2, in one Region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SerialConsole {
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProfileAssociation {
    /// `associating`, `associated`, `disassociating` or `disassociated`.
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Vpc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
    /// Every associated CIDR, secondary and IPv6 ones included.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub cidrs: Vec<IpNet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp_options: Option<DhcpOptionsId>,
}

/// Both must be on for an endpoint's private DNS names to work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VpcDns {
    pub support: bool,
    pub hostnames: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DhcpOptions {
    /// Addresses, or the word `AmazonProvidedDNS`.
    pub name_servers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subnet {
    pub vpc: VpcId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
    /// None in an IPv6-only subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cidr: Option<Ipv4Net>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub ipv6_cidrs: Vec<Ipv6Net>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    #[serde(default)]
    pub maps_public_ip: bool,
    /// Names that have no IPv6 address get one that a NAT gateway translates.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub dns64: bool,
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

/// A row of `ec2:DescribeVpcEndpointServices`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndpointService {
    /// Does it enforce the policies of its endpoints? None where AWS does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports_policies: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Endpoint {
    pub id: EndpointId,
    /// The full name: `com.amazonaws.eu-west-1.ssm`.
    pub service: String,
    pub kind: EndpointKind,
    pub state: EndpointState,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<SubnetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<NetworkInterfaceId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<SecurityGroupId>,
    #[serde(default)]
    pub private_dns: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route_tables: Vec<RouteTableId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Text>,
    /// Set when the endpoint serves a service of another Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_region: Option<Region>,
    /// Where it stands, when it was not asked for by VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<VpcId>,
    /// Of its interfaces; none where AWS does not say, which is IPv4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<AddressFamily>,
    /// Which records its names have; none where AWS does not say, which is those of its interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_record_ip_type: Option<AddressFamily>,
    /// Its private DNS is for queries that come in from other networks: inside the VPC the service's
    /// name keeps its public addresses. For S3 beside a gateway endpoint.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub private_dns_for_inbound_only: bool,
    /// The names that lead to it. With private DNS on, the service's own are among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
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

/// VPC Block Public Access.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublicAccessBlock {
    pub mode: BlockMode,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<Exclusion>,
}

/// A VPC or subnet that is exempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exclusion {
    pub id: String,
    pub mode: ExclusionMode,
    /// The id of a VPC or a subnet.
    pub resource: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrefixList {
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub cidrs: Vec<IpNet>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkInterface {
    pub subnet: SubnetId,
    pub private_ips: Vec<IpAddr>,
    #[serde(default)]
    pub security_groups: Vec<SecurityGroupId>,
    /// What it is attached to, if that is an instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<Ipv4Addr>,
    /// Whether it drops packets that are not its own, as all but routers should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_dest_check: Option<bool>,
}

impl Instance {
    /// The interface that carries the default route: the first one, unless the system was told otherwise.
    #[must_use]
    pub fn primary_interface(&self) -> Option<&AttachedInterface> {
        self.interfaces.iter().min_by_key(|it| it.device_index)
    }
}

impl Endpoint {
    /// Does the endpoint's private DNS, where it is on, answer for this host? By the names that AWS
    /// lists, or by the service's standard one.
    #[must_use]
    pub fn answers(&self, region: &Region, host: &str) -> bool {
        self.serves(region).is_some_and(|service| {
            host == region.service_host(service) || self.names.iter().any(|name| name == host)
        })
    }

    /// `ssm` for `com.amazonaws.eu-west-1.ssm`, in any partition's spelling; None if the service is
    /// of another Region.
    #[must_use]
    pub fn serves(&self, region: &Region) -> Option<&str> {
        if self.service_region.as_ref().is_some_and(|it| it != region) {
            return None;
        }
        let (_, mut rest) = self.service.split_once('.')?;
        loop {
            let (label, name) = rest.split_once('.')?;
            if label == region.as_str() {
                return Some(name);
            }
            rest = name;
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
