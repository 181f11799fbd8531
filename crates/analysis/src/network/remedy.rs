//! What to change in a network, as values.

use alloc::string::String;
use core::net::IpAddr;

use ipnet::IpNet;
use ssm_doctor_facts::{
    change::{Protocol, Source},
    ec2::{Destination, EndpointState, NextHop},
    ids::*,
};

use crate::network::address_set::Ports;

/// What an instance is to be let into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IngressTarget {
    Endpoint,
    /// Of a router.
    Interface(NetworkInterfaceId),
    DnsServer(IpAddr),
}

/// One part of a fix. The checks put it into words and commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkRemedy {
    /// Point a route at something else.
    ReplaceRoute {
        table: RouteTableId,
        to: Destination,
        because: RouteFault,
    },
    /// Add a route to a private address in another VPC.
    AddRouteToVpc {
        table: RouteTableId,
        to: IpNet,
        phrase: String,
    },
    /// Let queries get to a DNS server that DHCP hands out, or hand out Amazon's.
    ReachDnsServer {
        vpc: VpcId,
        table: RouteTableId,
        server: IpAddr,
    },
    AddRouteToNatGateway {
        table: RouteTableId,
        to: IpNet,
    },
    /// Send the addresses that DNS64 makes to a NAT gateway.
    TranslateDns64 {
        table: RouteTableId,
        to: IpNet,
    },
    /// Look at something that AWS does not show the inside of.
    InspectAppliance {
        via: NextHop,
        region: Region,
    },
    AttachInternetGateway {
        gateway: InternetGatewayId,
        vpc: VpcId,
    },
    CreateEgressOnlyGateway {
        vpc: VpcId,
    },
    GiveElasticAddress {
        interface: NetworkInterfaceId,
    },
    /// The subnet that faces the internet gateway.
    ExemptFromPublicAccessBlock {
        subnet: SubnetId,
    },
    AddNatGatewayAddress {
        gateway: NatGatewayId,
        zone: String,
    },
    DisableSourceDestCheck {
        interface: NetworkInterfaceId,
    },
    StartNatInstance {
        instance: InstanceId,
    },
    /// A firewall, or a router to a VPN.
    StartForwardingInstance {
        instance: InstanceId,
    },
    StartDnsServer {
        instance: InstanceId,
    },
    AcceptPeering {
        peering: PeeringId,
    },
    RepairAttachment {
        vpc: VpcId,
        gateway: TransitGatewayId,
        /// From which packets leave: the attachment needs a subnet in its Availability Zone.
        subnet: SubnetId,
        attachment: Option<String>,
        because: AttachmentFault,
    },
    AssociateAttachment {
        gateway: TransitGatewayId,
        attachment: String,
    },
    /// Let a transit gateway's table learn the VPC's range from its attachment.
    PropagateAttachment {
        table: String,
        attachment: String,
    },
    AddTransitRoute {
        table: String,
        to: Destination,
        attachment: Option<String>,
        back: bool,
        phrase: String,
    },
    ReplaceTransitRoute {
        table: String,
        to: Destination,
        attachment: Option<String>,
        back: bool,
        phrase: String,
    },
    AuthorizeEgress {
        group: Option<SecurityGroupId>,
        protocol: Protocol,
        port: u16,
        to: IpNet,
    },
    AuthorizeIngress {
        group: Option<SecurityGroupId>,
        protocol: Protocol,
        port: u16,
        from: Source,
        to: IngressTarget,
    },
    PassInAcl {
        acl: NetworkAclId,
        egress: bool,
        protocol: Protocol,
        ports: Ports,
        peer: IpNet,
    },
    InspectEndpoint {
        endpoint: EndpointId,
        state: EndpointState,
    },
    AddEndpointSubnet {
        endpoint: EndpointId,
        subnet: SubnetId,
    },
    AddEndpointRouteTable {
        endpoint: EndpointId,
        table: RouteTableId,
    },
    MakeEndpointDualStack {
        endpoint: EndpointId,
    },
    EnablePrivateDns {
        endpoint: EndpointId,
    },
    EnableVpcDns {
        vpc: VpcId,
    },
    CreateGatewayEndpoint {
        vpc: VpcId,
        region: Region,
        service: &'static str,
        table: RouteTableId,
    },
    CreateInterfaceEndpoint {
        vpc: VpcId,
        service: &'static str,
        subnet: SubnetId,
    },
    /// Names with IPv4 addresses alone, for an instance with IPv6 addresses alone.
    ProvideIpv6 {
        subnet: SubnetId,
    },
    /// The bucket is in another Region, which endpoints do not serve.
    UseBucketIn {
        region: Region,
    },
    /// A record has an address at which nothing answers.
    RemoveRecordAddress {
        zone: String,
        address: IpAddr,
    },
    OpenFirewall {
        policy: Arn,
        group: Option<Arn>,
        because: FirewallFault,
    },
}

/// What is wrong with a route's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteFault {
    Blackhole,
    NatGatewayGone(NatGatewayId),
    NatGatewayFailed(NatGatewayId),
    NatGatewayIsPrivate,
    NatGatewayHasNoRoute,
    NatGatewayRoutesToItself,
    InternetGatewayDetached(InternetGatewayId),
    NatInstanceHasNoRoute(NextHop),
    Peering,
    FirewallIsBeingDeleted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentFault {
    Missing,
    NotAccepted,
    NotAvailable,
    NotInZone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirewallFault {
    /// No list of allowed names has this one. `suffix` covers all of AWS's.
    NameNotListed {
        host: String,
        suffix: &'static str,
    },
    /// The list that has the name is not for this source.
    SourceOutsideHomeNet(IpAddr),
    Drops {
        host: String,
    },
}
