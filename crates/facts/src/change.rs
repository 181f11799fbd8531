//! Changes to an account or a node, as values.
//!
//! A check that fails names the changes that would help. The checks' engine renders them as AWS CLI
//! commands, as Terraform and as a path through the console, and analysis applies them to facts.
//! `None` stands for a value that is not known.

mod created;
mod permission;
mod risk;

use alloc::string::String;
use core::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use crate::{ec2::Destination, ids::*};

pub use created::{CREATED, CREATED_ROLE, variable};
pub use risk::Risk;

pub use permission::{
    EndpointPolicyChange, IamChange, InstanceProfileChange, KmsChange, PolicyHolder, S3Change,
    ServiceSettingChange, StsChange, TagChange,
};

/// One edit, or one look that a person needs before an edit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Change {
    Ec2(Ec2Change),
    EndpointPolicy(EndpointPolicyChange),
    Iam(IamChange),
    InstanceProfile(InstanceProfileChange),
    Kms(KmsChange),
    Logs(LogsChange),
    NetworkFirewall(NetworkFirewallChange),
    Route53(Route53Change),
    Route53Resolver(Route53ResolverChange),
    S3(S3Change),
    ServiceSetting(ServiceSettingChange),
    Ssm(SsmChange),
    Sts(StsChange),
    Tag(TagChange),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
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
    /// An Elastic IP address that is allocated for it.
    AssociateNewAddress {
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
    EnableMetadataService {
        instance: InstanceId,
    },
    DescribeInstanceStatus {
        instance: InstanceId,
    },
    GetConsoleOutput {
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
        service: ServiceName,
        table: RouteTableId,
    },
    CreateInterfaceEndpoint {
        vpc: VpcId,
        service: ServiceName,
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
    /// With options that hand out `AmazonProvidedDNS`.
    AssociateDhcpOptions {
        vpc: VpcId,
    },
}

/// What a new route leads to. Which one it is, the reader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteTarget {
    NatGateway,
    EgressOnlyInternetGateway,
    /// A transit gateway or a peering connection.
    OtherVpc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Group(SecurityGroupId),
    Range(IpNet),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum NetworkFirewallChange {
    DescribeRuleGroup { group: Arn },
    UpdateRuleGroup { group: Arn },
    DescribePolicy { policy: Arn },
    UpdatePolicy { policy: Arn },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Route53Change {
    RemoveAddress { zone: String, address: IpAddr },
    UpsertCname { zone: ZoneId, name: String, target: String },
    DisassociateHostedZone { zone: ZoneId, vpc: VpcId },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Route53ResolverChange {
    /// `before`: the priority of the rule that it must precede.
    CreateFirewallAllowRule {
        group: FirewallGroupId,
        before: i32,
    },
    TrustRedirection {
        group: FirewallGroupId,
        list: FirewallListId,
        query_type: Option<String>,
    },
    /// A Resolver rule that keeps a domain in its VPCs.
    CreateSystemRule {
        domain: String,
    },
    /// The rule that was created last.
    AssociateResolverRule {
        vpc: VpcId,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum LogsChange {
    /// Encrypted with the key, if there is one.
    CreateLogGroup { group: LogGroupName, key: Option<KeyName> },
    /// By the key's ARN.
    EncryptLogGroup { group: LogGroupName, key: KeyName },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum SsmChange {
    /// A session document that does not exist yet.
    CreateDocument {
        name: DocumentName,
        content: String,
    },
    /// With this content as a new version, which becomes the default.
    UpdateDocument {
        name: DocumentName,
        content: String,
    },
    /// A version that exists.
    SetDefaultDocumentVersion {
        name: DocumentName,
        version: String,
    },
    ListPastSessions {
        target: Target,
    },
    GetConnectionStatus {
        target: Target,
    },
    UpdateAgent {
        target: Target,
    },
}

macro_rules! changes {
    ($($variant:ident: $change:ident,)*) => {$(
        impl From<$change> for Change {
            fn from(change: $change) -> Self {
                Self::$variant(change)
            }
        }
    )*};
}

changes! {
    Ec2: Ec2Change,
    EndpointPolicy: EndpointPolicyChange,
    Iam: IamChange,
    InstanceProfile: InstanceProfileChange,
    Kms: KmsChange,
    Logs: LogsChange,
    NetworkFirewall: NetworkFirewallChange,
    Route53: Route53Change,
    Route53Resolver: Route53ResolverChange,
    S3: S3Change,
    ServiceSetting: ServiceSettingChange,
    Ssm: SsmChange,
    Sts: StsChange,
    Tag: TagChange,
}
