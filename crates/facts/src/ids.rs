//! Typed names for AWS things.
//!
//! Every id AWS hands out carries its own kind as a prefix, so parsing one is also checking it: a
//! subnet id can never be passed where a VPC id is meant, in our code or in a snapshot file.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
};
use core::fmt;

/// A string type whose every value passed `$valid`, in code and in JSON.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }

            /// An id that is valid as it stands.
            #[allow(dead_code, reason = "few kinds need one")]
            pub(crate) fn placeholder(id: &'static str) -> Self { Self(id.into()) }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(raw: String) -> Result<Self, String> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&raw) { Ok(Self(raw)) } else { Err(format!("{raw:?} is not {}", $what)) }
            }
        }

        impl core::str::FromStr for $name {
            type Err = String;
            fn from_str(raw: &str) -> Result<Self, String> { raw.to_owned().try_into() }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String { id.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )*};
}

fn id(raw: &str, prefix: &str) -> bool {
    raw.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

/// Printable and without spaces: what can stand in an ARN or an IAM name.
fn word(raw: &str) -> bool {
    !raw.is_empty() && raw.bytes().all(|b| b.is_ascii_graphic())
}

names! {
    InstanceId: "an EC2 instance id (`i-…`)", |raw| id(raw, "i-");
    /// A node registered by activation: on premises, in another cloud, at the edge.
    NodeId: "a managed node id (`mi-…`)", |raw| id(raw, "mi-");
    VpcId: "a VPC id (`vpc-…`)", |raw| id(raw, "vpc-");
    SubnetId: "a subnet id (`subnet-…`)", |raw| id(raw, "subnet-");
    SecurityGroupId: "a security group id (`sg-…`)", |raw| id(raw, "sg-");
    PrefixListId: "a prefix list id (`pl-…`)", |raw| id(raw, "pl-");
    EndpointId: "a VPC endpoint id (`vpce-…`)", |raw| id(raw, "vpce-");
    RouteTableId: "a route table id (`rtb-…`)", |raw| id(raw, "rtb-");
    NetworkAclId: "a network ACL id (`acl-…`)", |raw| id(raw, "acl-");
    NetworkInterfaceId: "a network interface id (`eni-…`)", |raw| id(raw, "eni-");
    FlowLogId: "a flow log id (`fl-…`)", |raw| id(raw, "fl-");
    InternetGatewayId: "an internet gateway id (`igw-…`)", |raw| id(raw, "igw-");
    NatGatewayId: "a NAT gateway id (`nat-…`)", |raw| id(raw, "nat-");
    ImageId: "an image id (`ami-…`)", |raw| id(raw, "ami-");
    EgressOnlyGatewayId: "an egress-only internet gateway id (`eigw-…`)", |raw| id(raw, "eigw-");
    PeeringId: "a VPC peering connection id (`pcx-…`)", |raw| id(raw, "pcx-");
    TransitGatewayId: "a transit gateway id (`tgw-…`)", |raw| id(raw, "tgw-");
    /// Where VPN connections end on the side of AWS: their target gateway.
    TargetGatewayId: "a virtual private gateway id (`vgw-…`) or transit gateway id (`tgw-…`)", |raw| id(raw, "vgw-") || id(raw, "tgw-");
    DhcpOptionsId: "a DHCP option set id (`dopt-…`, or `default`)", |raw| id(raw, "dopt-") || raw == "default";
    ZoneId: "a hosted zone id (`Z…`)", |raw| id(raw, "");
    ResolverRuleId: "a Resolver rule id (`rslvr-…`)", |raw| id(raw, "rslvr-");
    FirewallGroupId: "a DNS Firewall rule group id (`rslvr-frg-…`)", |raw| id(raw, "rslvr-frg-");
    FirewallListId: "a DNS Firewall domain list id (`rslvr-fdl-…`)", |raw| id(raw, "rslvr-fdl-");
    ProfileId: "a Route 53 Profile id (`rp-…`)", |raw| id(raw, "rp-");
    AccountId: "an account id (12 digits)", |raw| raw.len() == 12 && raw.bytes().all(|b| b.is_ascii_digit());
    Region: "a Region (`eu-west-1`)", |raw| raw.contains('-') && id(raw, "");
    Arn: "an ARN", |raw| raw.starts_with("arn:") && raw.splitn(6, ':').count() == 6 && !raw.contains(char::is_control);
    RoleName: "a role name", word;
    UserName: "a user name", word;
    GroupName: "a group name", word;
    ProfileName: "an instance profile name", word;
    BucketName: "a bucket name", word;
    /// Key id, key ARN, alias name or alias ARN, as the preferences spell it.
    KeyName: "a KMS key id, alias or ARN", word;
    DocumentName: "an SSM document name or ARN", word;
    /// What Systems Manager keeps tags for: `document/<name>` or `managed-instance/<mi-…>`.
    TaggedName: "a tagged resource of Systems Manager", |raw| raw.split_once('/').is_some_and(|it| matches!(it.0, "document" | "managed-instance") && word(it.1));
    /// What `CloudTrail`'s event history is searched for, `<attribute>/<value>`: a `Username`, `EventName` or
    /// `ResourceName` in the target's Region, or a `GlobalResourceName` where IAM's events are.
    EventSearch: "a search of CloudTrail's event history", |raw| raw.split_once('/').is_some_and(|it| {
        matches!(it.0, "Username" | "EventName" | "ResourceName" | "GlobalResourceName") && word(it.1)
    });
    /// `com.amazonaws.eu-west-1.ssm`, and other spellings in other partitions.
    ServiceName: "an endpoint service's name", word;
    /// As `logs:CreateLogGroup` takes it.
    LogGroupName: "a log group name", |raw| {
        (1..=512).contains(&raw.len()) && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/#".contains(&b))
    };
    ActivationId: "an activation id", word;
}

impl Arn {
    /// Colon-separated fields: 1 partition, 2 service, 3 Region, 4 account, 5 resource.
    fn field(&self, at: usize) -> &str {
        self.0.splitn(6, ':').nth(at).unwrap_or("")
    }

    #[must_use]
    pub fn partition(&self) -> &str {
        self.field(1)
    }

    #[must_use]
    pub fn service(&self) -> &str {
        self.field(2)
    }

    #[must_use]
    pub fn region(&self) -> &str {
        self.field(3)
    }

    #[must_use]
    pub fn account(&self) -> &str {
        self.field(4)
    }

    /// Everything after the account: `role/path/Name`, `instance-profile/Web`.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.field(5)
    }

    /// The last part of a resource path: the role's or profile's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.resource().rsplit('/').next().unwrap_or("")
    }
}

impl Region {
    /// The partition a Region's name belongs to, for use before any ARN has been seen.
    /// Source: botocore `partitions.json`.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        const PREFIXES: [(&str, &str); 8] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("us-iso-", "aws-iso"),
            ("eu-isoe-", "aws-iso-e"),
            ("eusc-", "aws-eusc"),
            ("", "aws"),
        ];
        PREFIXES.iter().find(|(prefix, _)| self.0.starts_with(prefix)).map_or("aws", |it| it.1)
    }

    /// The suffix of service host names: `ssm.<region>.<suffix>`. Source: amazon-ssm-agent
    /// `common/identity/endpoint/endpoint.go`.
    #[must_use]
    pub fn dns_suffix(&self) -> &'static str {
        match self.partition() {
            "aws-cn" => "amazonaws.com.cn",
            "aws-iso" => "c2s.ic.gov",
            "aws-iso-b" => "sc2s.sgov.gov",
            "aws-iso-e" => "cloud.adc-e.uk",
            "aws-iso-f" => "csp.hci.ic.gov",
            "aws-eusc" => "amazonaws.eu",
            _ => "amazonaws.com",
        }
    }

    /// The suffix of host names that have IPv4 and IPv6 addresses: `ssm.<region>.<suffix>`. Source:
    /// botocore `partitions.json`.
    #[must_use]
    pub fn dual_stack_suffix(&self) -> &'static str {
        match self.partition() {
            "aws-cn" => "api.amazonwebservices.com.cn",
            "aws-iso" => "api.aws.ic.gov",
            "aws-iso-b" => "api.aws.scloud",
            "aws-iso-e" => "api.cloud-aws.adc-e.uk",
            "aws-iso-f" => "api.aws.hci.ic.gov",
            "aws-eusc" => "api.amazonwebservices.eu",
            _ => "api.aws",
        }
    }

    /// `ssm.eu-west-1.amazonaws.com`: the name that the agent, the AWS CLI and the plugin ask for unless
    /// their configuration says otherwise. In the Regions of `aws-us-gov` these names are FIPS already.
    #[must_use]
    pub fn service_host(&self, service: &str) -> String {
        format!("{service}.{self}.{}", self.dns_suffix())
    }

    /// `ssm.eu-west-1.api.aws`: the name once dual-stack endpoints are turned on.
    #[must_use]
    pub fn dual_stack_host(&self, service: &str) -> String {
        format!("{service}.{self}.{}", self.dual_stack_suffix())
    }

    /// The names that are asked for instead where the configuration says so: FIPS, dual-stack, or both.
    #[must_use]
    pub fn other_service_hosts(&self, service: &str) -> [String; 3] {
        let fips = format!("{service}-fips");
        [self.service_host(&fips), self.dual_stack_host(service), self.dual_stack_host(&fips)]
    }

    /// `com.amazonaws.eu-west-1.ssm`: the endpoint service to create an endpoint for.
    ///
    /// Partitions beside `aws` spell some services with the reversed suffix (`cn.com.amazonaws…`,
    /// `gov.ic.c2s…`), yet none of those that sessions use: `ssm`, `ssmmessages`, `kms`, `logs`, and the
    /// gateway endpoint of `s3`. (The interface endpoint of `s3` in China is `cn.com.amazonaws…`.) Source:
    /// aws-cdk `aws-ec2/lib/vpc-endpoint.ts`, from `ec2 describe-vpc-endpoint-services` in each partition.
    ///
    /// INVARIANT: `service` is printable and without spaces, as every service's own name is.
    #[must_use]
    pub fn endpoint_service(&self, service: &str) -> ServiceName {
        ServiceName(format!("com.amazonaws.{self}.{service}"))
    }
}

/// What a session is to be opened to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
pub enum Target {
    /// An EC2 instance.
    Instance(InstanceId),
    /// A hybrid node.
    Node(NodeId),
}

impl Target {
    /// The EC2 instance, unless the target is a hybrid node.
    #[must_use]
    pub fn instance(&self) -> Option<&InstanceId> {
        match self {
            Self::Instance(id) => Some(id),
            Self::Node(_) => None,
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;
    fn try_from(raw: String) -> Result<Self, String> {
        if raw.starts_with("mi-") {
            return raw.try_into().map(Self::Node);
        }
        let shown = format!("{raw:?}");
        raw.try_into().map(Self::Instance).map_err(|_| {
            format!("{shown} is neither an instance id (`i-…`) nor a managed node id (`mi-…`)")
        })
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(id) => id.fmt(f),
            Self::Node(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_know_their_partition_and_suffix() {
        // Source: botocore 1.44 partitions.json, amazon-ssm-agent common/identity/endpoint.
        let rows = [
            ("eu-west-1", "aws", "amazonaws.com", "api.aws"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com", "api.aws"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"),
        ];
        for (region, partition, suffix, dual_stack) in rows {
            let region: Region = region.parse().unwrap();
            assert_eq!(
                (region.partition(), region.dns_suffix(), region.dual_stack_suffix()),
                (partition, suffix, dual_stack),
                "{region}"
            );
        }
    }

    #[test]
    fn hosts_of_partitions() {
        let rows = [
            ("eu-west-1", "ssm.eu-west-1.amazonaws.com", "ssm.eu-west-1.api.aws"),
            (
                "cn-north-1",
                "ssm.cn-north-1.amazonaws.com.cn",
                "ssm.cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                "eusc-de-east-1",
                "ssm.eusc-de-east-1.amazonaws.eu",
                "ssm.eusc-de-east-1.api.amazonwebservices.eu",
            ),
            ("us-gov-west-1", "ssm.us-gov-west-1.amazonaws.com", "ssm.us-gov-west-1.api.aws"),
        ];
        for (region, plain, dual) in rows {
            let region: Region = region.parse().unwrap();
            assert_eq!(region.service_host("ssm"), plain);
            assert_eq!(region.dual_stack_host("ssm"), dual);
        }
        let region: Region = "eu-west-1".parse().unwrap();
        assert_eq!(
            region.other_service_hosts("ssm"),
            [
                "ssm-fips.eu-west-1.amazonaws.com",
                "ssm.eu-west-1.api.aws",
                "ssm-fips.eu-west-1.api.aws"
            ]
        );
    }

    #[test]
    fn ids_carry_their_kind() {
        assert!("sg-0123".parse::<SecurityGroupId>().is_ok());
        for raw in ["sg-", "sg", "vpc-1", "sg-0\u{1b}[31m", "sg-0 1", ""] {
            assert!(raw.parse::<SecurityGroupId>().is_err(), "{raw:?}");
        }
        for raw in ["12345678901", "1234567890123", "12345678901a"] {
            assert!(raw.parse::<AccountId>().is_err(), "{raw:?}");
        }
        for raw in ["", "euwest1", "eu west-1"] {
            assert!(raw.parse::<Region>().is_err(), "{raw:?}");
        }
        for raw in ["arn:aws:iam", "urn:aws:iam::1:x", "arn:aws:iam::1:\nx"] {
            assert!(raw.parse::<Arn>().is_err(), "{raw:?}");
        }
        assert!("".parse::<RoleName>().is_err() && "a b".parse::<RoleName>().is_err());
    }

    #[test]
    fn arns_come_apart() {
        let arn: Arn = "arn:aws-cn:iam::111122223333:role/path/to/Web".parse().unwrap();
        assert_eq!(arn.partition(), "aws-cn");
        assert_eq!(arn.service(), "iam");
        assert_eq!(arn.account(), "111122223333");
        assert_eq!(arn.resource(), "role/path/to/Web");
        assert_eq!(arn.name(), "Web");
    }

    #[test]
    fn targets_are_instances_or_nodes() {
        let target = |raw: &str| Target::try_from(String::from(raw));
        assert!(matches!(target("i-0abc"), Ok(Target::Instance(_))));
        assert!(matches!(target("mi-0abc"), Ok(Target::Node(_))));
        assert!(target("vpc-0abc").is_err() && target("mi-").is_err() && target("").is_err());
    }
}
