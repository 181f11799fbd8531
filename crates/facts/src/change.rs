//! Changes to an account or a node, as values.
//!
//! A check that fails names the changes that would help. The checks' engine renders them as AWS CLI
//! commands, as Terraform and as a path through the console, and analysis applies them to facts.
//! `None` stands for a value that is not known.

mod created;
mod permission;
mod risk;

use alloc::{string::String, vec::Vec};
use core::{fmt, net::IpAddr};

use ipnet::IpNet;
use serde::Serialize;

use crate::{
    ec2::{Destination, ExclusionMode},
    ids::*,
};

pub use created::{CREATED, CREATED_ROLE, ENDPOINT_NAME};
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
        /// The old route's target is gone, so nothing uses the route.
        #[serde(skip)]
        is_blackhole: bool,
    },
    DeleteRoute {
        table: RouteTableId,
        to: Destination,
    },
    // Gateways.
    AttachInternetGateway {
        gateway: InternetGatewayId,
        vpc: VpcId,
    },
    /// The gateway that is attached next.
    CreateInternetGateway,
    CreateEgressOnlyInternetGateway {
        vpc: VpcId,
    },
    /// A public one, with an Elastic IP address that is allocated for it.
    CreateNatGateway {
        subnet: SubnetId,
    },
    /// An Elastic IP address that is allocated for it.
    AssociateNatGatewayAddress {
        gateway: NatGatewayId,
        zone: String,
    },
    /// In the accepter's Region; None: the Region of the other changes.
    AcceptPeering {
        peering: PeeringId,
        region: Option<Region>,
    },
    ExcludeFromPublicAccessBlock {
        subnet: SubnetId,
        mode: ExclusionMode,
    },
    // Transit gateways.
    CreateTransitGatewayAttachment {
        gateway: TransitGatewayId,
        vpc: VpcId,
        subnet: SubnetId,
    },
    AcceptTransitGatewayAttachment {
        attachment: String,
    },
    AddTransitGatewayAttachmentSubnet {
        attachment: String,
        subnet: SubnetId,
    },
    AssociateTransitGatewayRouteTable {
        table: String,
        attachment: String,
    },
    EnableTransitGatewayPropagation {
        table: String,
        attachment: String,
    },
    CreateTransitGatewayRoute {
        table: String,
        to: Destination,
        attachment: String,
    },
    ReplaceTransitGatewayRoute {
        table: String,
        to: Destination,
        attachment: String,
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
    /// It moves to another host.
    StopAndStartInstance {
        instance: InstanceId,
    },
    RebootInstance {
        instance: InstanceId,
    },
    EnableMetadataService {
        instance: InstanceId,
    },
    // Filters.
    CreateSecurityGroup {
        vpc: VpcId,
    },
    AuthorizeEgress {
        group: SecurityGroupId,
        protocol: Protocol,
        port: u16,
        to: Source,
    },
    AuthorizeIngress {
        group: SecurityGroupId,
        protocol: Protocol,
        port: u16,
        from: Source,
    },
    CreateNetworkAclEntry {
        acl: NetworkAclId,
        egress: bool,
        number: i32,
        protocol: Protocol,
        ports: (u16, u16),
        peer: IpNet,
    },
    // Endpoints and their names.
    DeleteEndpoint {
        endpoint: EndpointId,
    },
    CreateGatewayEndpoint {
        vpc: VpcId,
        service: ServiceName,
        tables: Vec<RouteTableId>,
    },
    /// With private DNS.
    CreateInterfaceEndpoint {
        vpc: VpcId,
        service: ServiceName,
        subnets: Vec<SubnetId>,
        groups: Vec<SecurityGroupId>,
    },
    AddEndpointSubnet {
        endpoint: EndpointId,
        subnet: SubnetId,
    },
    AddEndpointSecurityGroup {
        endpoint: EndpointId,
        group: SecurityGroupId,
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
    /// New options, which hand out `AmazonProvidedDNS`.
    AssociateDhcpOptions {
        vpc: VpcId,
    },
}

/// What a new route leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteTarget {
    NatGateway(NatGatewayId),
    InternetGateway(InternetGatewayId),
    EgressOnlyInternetGateway(EgressOnlyGatewayId),
    TransitGateway(TransitGatewayId),
    Peering(PeeringId),
}

impl RouteTarget {
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::NatGateway(id) => id.as_str(),
            Self::InternetGateway(id) => id.as_str(),
            Self::EgressOnlyInternetGateway(id) => id.as_str(),
            Self::TransitGateway(id) => id.as_str(),
            Self::Peering(id) => id.as_str(),
        }
    }
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
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

/// The other side of a rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Group(SecurityGroupId),
    Range(IpNet),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum NetworkFirewallChange {
    /// Adds names to a group's list of names.
    AddDomains { group: Arn, domains: Vec<String> },
    /// Sets `HOME_NET` of a group of rules.
    SetHomeNet { group: Arn, ranges: Vec<String> },
    /// Sets `HOME_NET` of a firewall policy.
    SetPolicyHomeNet { policy: Arn, ranges: Vec<String> },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Route53Change {
    /// Addresses for a name, in place of those that it has.
    UpsertAddresses { zone: ZoneId, name: String, addresses: Vec<IpAddr> },
    /// An alias record for an endpoint. Allowed at the apex of a zone, where a CNAME is not. `dns_name`: the
    /// endpoint's own name; None: looked up by a command.
    UpsertAlias { zone: ZoneId, name: String, endpoint: EndpointId, dns_name: Option<String> },
    /// A CNAME record for an endpoint.
    UpsertCname { zone: ZoneId, name: String, endpoint: EndpointId, dns_name: Option<String> },
    /// The VPC then asks elsewhere for the zone's names. Route 53 refuses it for the last VPC of a private zone.
    DisassociateZone { zone: ZoneId, vpc: VpcId, region: Region },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Route53ResolverChange {
    /// Lets names through by a new list and a rule for it.
    CreateFirewallAllowRule {
        group: FirewallGroupId,
        domains: Vec<String>,
        priority: i32,
    },
    TrustRedirection {
        group: FirewallGroupId,
        list: FirewallListId,
        query_type: Option<String>,
    },
    /// A new Resolver rule, which keeps a domain in the VPC.
    AssociateSystemRule {
        domain: String,
        vpc: VpcId,
    },
    DisassociateResolverRule {
        rule: ResolverRuleId,
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
