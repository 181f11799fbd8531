//! Changes to an account or a node, as values.
//!
//! A check that fails names the changes that would help. One place renders them as AWS CLI commands.
//! `None` stands for a value that is not known.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use ipnet::IpNet;

use crate::{ec2::Destination, ids::*};

/// One edit, or one look that a person needs before an edit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The words of a command as the AWS CLI takes them, without `aws` and without `--region`.
    AwsCli(Vec<String>),
    Ec2(Ec2Change),
    NetworkFirewall(NetworkFirewallChange),
    Route53(Route53Change),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ec2Change {
    // Routes.
    CreateRoute {
        table: RouteTableId,
        to: Destination,
        via: RouteTarget,
    },
    ReplaceRoute {
        table: RouteTableId,
        to: Destination,
        via: RouteTarget,
    },
    // Gateways.
    AttachInternetGateway {
        gateway: InternetGatewayId,
        vpc: VpcId,
    },
    CreateEgressOnlyInternetGateway {
        vpc: VpcId,
    },
    AssociateNatGatewayAddress {
        gateway: NatGatewayId,
        zone: String,
    },
    AcceptPeering {
        peering: PeeringId,
    },
    ExcludeFromPublicAccessBlock {
        vpc: VpcId,
    },
    // Transit gateways.
    DescribeTransitGatewayAttachments {
        vpc: VpcId,
    },
    AssociateTransitGatewayRouteTable {
        attachment: String,
    },
    EnableTransitGatewayPropagation {
        table: String,
        attachment: String,
    },
    CreateTransitGatewayRoute {
        table: String,
        to: Destination,
        attachment: Option<String>,
    },
    ReplaceTransitGatewayRoute {
        table: String,
        to: Destination,
        attachment: Option<String>,
    },
    // Addresses and interfaces.
    AllocateAddress,
    AssociateAddress {
        interface: NetworkInterfaceId,
    },
    DisableSourceDestCheck {
        interface: NetworkInterfaceId,
    },
    EnableDns64 {
        subnet: SubnetId,
    },
    StartInstance {
        instance: InstanceId,
    },
    // Filters.
    AuthorizeEgress {
        group: Option<SecurityGroupId>,
        protocol: Protocol,
        port: u16,
        to: IpNet,
    },
    AuthorizeIngress {
        group: Option<SecurityGroupId>,
        port: u16,
        from: Source,
    },
    CreateNetworkAclEntry {
        acl: NetworkAclId,
        egress: bool,
        protocol: Protocol,
        ports: (u16, u16),
        peer: IpNet,
    },
    // Endpoints and their names.
    DescribeEndpoint {
        endpoint: EndpointId,
    },
    CreateGatewayEndpoint {
        vpc: VpcId,
        service: String,
        table: RouteTableId,
    },
    CreateInterfaceEndpoint {
        vpc: VpcId,
        service: String,
        subnet: SubnetId,
        group: Option<SecurityGroupId>,
    },
    AddEndpointSubnet {
        endpoint: EndpointId,
        subnet: SubnetId,
    },
    AddEndpointRouteTable {
        endpoint: EndpointId,
        table: RouteTableId,
    },
    EnablePrivateDns {
        endpoint: EndpointId,
    },
    MakeEndpointDualStack {
        endpoint: EndpointId,
    },
    EnableDnsSupport {
        vpc: VpcId,
    },
    EnableDnsHostnames {
        vpc: VpcId,
    },
}

/// What a new route leads to. Which one it is, the reader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteTarget {
    NatGateway,
    EgressOnlyInternetGateway,
    /// A transit gateway or a peering connection.
    OtherVpc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    /// As rules and commands spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Where packets that a rule of a security group admits come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Group(SecurityGroupId),
    Range(IpNet),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkFirewallChange {
    DescribeRuleGroup { group: Arn },
    UpdateRuleGroup { group: Arn },
    DescribePolicy { policy: Arn },
    UpdatePolicy { policy: Arn },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route53Change {
    RemoveAddress { zone: String, address: IpAddr },
}

impl From<Ec2Change> for Change {
    fn from(change: Ec2Change) -> Self {
        Self::Ec2(change)
    }
}

impl From<NetworkFirewallChange> for Change {
    fn from(change: NetworkFirewallChange) -> Self {
        Self::NetworkFirewall(change)
    }
}

impl From<Route53Change> for Change {
    fn from(change: Route53Change) -> Self {
        Self::Route53(change)
    }
}
