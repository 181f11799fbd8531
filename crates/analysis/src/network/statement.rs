//! What was observed of a network, as values.

use alloc::{string::String, vec::Vec};
use core::net::{IpAddr, Ipv4Addr};

use ssm_doctor_facts::{change::Protocol, ec2::*, ids::*, ssm::AgentVersion, time::Timestamp};

use crate::network::address_set::{Family, Ports};

/// What was observed of a subject. The checks put it into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkStatement {
    // Names.
    VpcDnsOn,
    VpcDnsOff {
        endpoint: EndpointId,
        /// Is the endpoint's private DNS off too, which AWS does not turn on in such a VPC?
        prevents_private_dns: bool,
    },
    PrivateDnsOn,
    PrivateDnsOff,
    /// A private hosted zone has the endpoint's addresses.
    PrivateDnsReplaced,
    ResolvesService(&'static str),
    /// One of a record's addresses, at which nothing is.
    VacantAddress {
        service: &'static str,
        address: IpAddr,
        vpc: VpcId,
    },

    // Routes.
    RouteActive(Destination),
    RouteBlackhole(Destination),
    /// The same, where the route leads to a network interface.
    InterfaceBlackhole(Destination),
    CarriedByLocalRoute,
    CarriedBy(Destination),
    NoRoute {
        phrase: String,
        but: Option<(Destination, NextHop)>,
    },
    NoRouteToDnsServer(IpAddr),
    SubnetHasRouteOut(SubnetId),
    RoutesBack(RouteTableId),
    NoPath {
        service: &'static str,
        vpc: VpcId,
    },
    NoPathToRegion {
        service: &'static str,
        region: Region,
    },

    // Out of sight.
    CarriesAgentTraffic,
    /// The tunnels of a VPN connection of the gateway, and how many of them are up.
    VpnTunnels {
        connection: String,
        up: usize,
        of: usize,
        /// Since when the last one is down, where all are.
        down_since: Option<Timestamp>,
    },
    /// A VPN connection with static routes, none of which leads to the destination.
    NoStaticVpnRoute {
        connection: String,
        to: Destination,
    },
    MustPassTraffic {
        to: Destination,
        what: Opaque,
    },

    // Internet gateways and addresses.
    Attached(VpcId),
    NotAttached(VpcId),
    HasIpv6Address(IpAddr),
    HasPublicAddress(Ipv4Addr),
    NoPublicAddress {
        to: Destination,
        gateway: NextHop,
        has_ipv6: bool,
    },
    DoesNotTranslateDns64,
    ReachesByIpv6(&'static str),
    OnlyIpv6 {
        host: String,
    },
    NoDualStackNames(AgentVersion),
    HasAddresses(Family),
    NoAddresses {
        family: Family,
        interface: NetworkInterfaceId,
    },

    // VPC Block Public Access.
    NoPublicAccessBlock,
    PublicAccessBlockOff,
    PublicAccessBlockIngressOnly,
    PublicAccessExempt {
        exclusion: String,
        mode: ExclusionMode,
    },
    PublicAccessBlocked {
        mode: BlockMode,
        vpc: VpcId,
        subnet: SubnetId,
    },

    // NAT gateways.
    NatGatewayGone,
    NatGatewayState {
        state: NatState,
        failure: Option<String>,
    },
    NatGatewayPrivate,
    NatGatewayHasNoRoute {
        subnet: SubnetId,
        table: RouteTableId,
    },
    NatGatewayRoutesToItself {
        subnet: SubnetId,
    },
    NatGatewayRoutesTo(InternetGatewayId),
    NatGatewayRoutesToDetached(InternetGatewayId),
    RegionalNatGateway,
    /// It grows into the zone by itself.
    RegionalNatGatewayOf {
        zone: String,
        zones: Vec<String>,
    },
    RegionalNatGatewayNotIn {
        zone: String,
        zones: Vec<String>,
    },

    // NAT instances.
    ForwardsOthersPackets,
    ChecksSourceAndDestination,
    InstanceRuns(InstanceId),
    InstanceIs(InstanceId, InstanceState),
    HasRouteOut(RouteTableId),
    NatInstanceHasNoRoute(SubnetId),

    // Peering connections.
    PeeringActive,
    PeeringIs(PeeringState),
    PeeringIsNotTransitive,

    // Transit gateways.
    NoAttachment(VpcId),
    AttachmentIs {
        vpc: VpcId,
        attachment: String,
        state: AttachmentState,
    },
    AttachmentServesZone {
        zone: String,
        attachment: String,
    },
    AttachmentNotInZone {
        zone: String,
        subnet: SubnetId,
        attachment: String,
    },
    AttachmentHasNoTable(String),
    SendsOn {
        to: Destination,
        vpc: VpcId,
        attachment: String,
    },
    TransitBlackhole {
        to: Destination,
        back: bool,
        phrase: String,
    },
    NoTransitRoute {
        back: bool,
        phrase: String,
    },
    /// In another VPC, through which packets leave.
    NoRouteOutOf {
        vpc: VpcId,
        gateway: TransitGatewayId,
        phrase: String,
    },
    /// The same, where the route leads to an internet gateway.
    NoNatIn {
        vpc: VpcId,
        gateway: TransitGatewayId,
        internet_gateway: InternetGatewayId,
    },

    // Security groups and network ACLs.
    LetsOut(Rule),
    LetsNothingOut {
        phrase: String,
        protocol: Protocol,
        port: u16,
    },
    Admits(Rule),
    DoesNotAdmit {
        phrase: String,
        protocol: Protocol,
        port: u16,
        groups: Vec<Admitted>,
    },
    AclPasses(AclPackets),
    /// By the rule of this number; None: the end of the list.
    AclDrops(AclPackets, Option<i32>),

    // Endpoints.
    EndpointAvailable,
    EndpointAvailableIn(Vec<SubnetId>),
    EndpointHasNoSubnet,
    EndpointIs(EndpointState),
    PublicPathServes(&'static str),
    GatewayEndpoint {
        service: &'static str,
        table: RouteTableId,
    },
    GatewayEndpointNotOn {
        service: &'static str,
        table: RouteTableId,
    },

    // Network Firewalls. `route` leads to them.
    FirewallIsBeingDeleted {
        route: String,
    },
    FirewallDecides {
        host: String,
        route: String,
        how: String,
    },
}

/// Something that AWS does not show the inside of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opaque {
    ApplianceBehindLoadBalancer,
    ForwardingInstance,
    TransitGateway,
    VirtualPrivateGateway,
    /// A transit gateway that sends packets into this VPN connection.
    Vpn(String),
    CarrierGateway,
    LocalGateway,
    Other,
    /// What is beyond a Network Firewall. Do its rules pass the traffic, as far as that is known?
    Firewall {
        name: String,
        passes: Option<bool>,
    },
}

/// What a security group admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    pub group: SecurityGroupId,
    pub is_default: bool,
    pub only_own_members: bool,
    pub rules: Vec<Rule>,
}

/// Packets at the border of a subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclPackets {
    pub subnet: SubnetId,
    pub protocol: Protocol,
    pub ports: Ports,
    /// Do they leave the subnet?
    pub egress: bool,
    pub peer: String,
}
