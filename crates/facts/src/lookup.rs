//! The world, as far as we have looked.
//!
//! [`Facts`] is a value: it can be printed, saved, sent to a colleague, and asked again next year.
//! Nothing here does I/O. A row is in one of four states, and a check reaches its contents only
//! through a [`Lookup`], which names the other three:
//!
//! * present: AWS described it;
//! * absent: AWS said there is no such thing;
//! * unknown: we asked and could not find out, and say [why](Why);
//! * unasked: no row at all; collection answers it, so a finished report never holds one.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use crate::{
    agent_log::AgentLog, cloudwatch_logs::*, ec2::*, iam::*, ids::*, limit::Limit,
    network_firewall::*, route53::*, s3::*, ssm::*, text::Text, workstation::*,
};

/// One place for each kind of fact: where it is kept, what it is keyed by, how a check reads it,
/// and the API calls that answer it. The collector matches on [`Need`] without a wildcard, so a
/// line added here does not compile until something can answer it.
macro_rules! tables {
    ($($(#[$doc:meta])* $accessor:ident in $table:ident: $key:ident => $row:ty, asked with $actions:expr;)*) => {
        /// Everything observed. See the [module](self) for the four states of a row.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct Facts {
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "BTreeMap::is_empty")]
                pub $table: BTreeMap<$key, Row<$row>>,
            )*
        }

        /// A question about the world, precise enough to be answered by one API call.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(non_camel_case_types, reason = "each variant is spelled like its accessor")]
        pub enum Need { $($accessor($key),)* }

        impl Need {
            /// The IAM actions that answering takes, the one most likely refused first. None for what is
            /// seen from the machine at hand.
            #[must_use]
            pub fn actions(&self) -> &'static [&'static str] {
                match self { $(Self::$accessor(_) => &$actions,)* }
            }

            /// What is asked about: an id, a name, or a whole question to the simulator.
            #[must_use]
            pub fn subject(&self) -> String {
                match self { $(Self::$accessor(key) => key.to_string(),)* }
            }
        }

        /// Every action that some fact takes: what `ssm-doctor policy` prints.
        pub const ACTIONS: &[&[&str]] = &[$(&$actions,)*];

        impl Facts {
            $(
                $(#[$doc])*
                pub fn $accessor<'f, 'k>(&'f self, key: &'k $key) -> Lookup<'f, 'k, $key, $row> {
                    Lookup { key, row: self.$table.get(key), need: Need::$accessor }
                }
            )*

            /// Every question this snapshot has an answer to.
            #[must_use]
            pub fn answered(&self) -> Vec<Need> {
                let mut needs = Vec::new();
                $(needs.extend(self.$table.keys().cloned().map(Need::$accessor));)*
                needs
            }

            /// The questions that got no answer.
            #[must_use]
            pub fn unseen(&self) -> Vec<Need> {
                let mut needs = Vec::new();
                $(needs.extend(self.$table.iter().filter(|(_, row)| matches!(row, Row::Unknown { .. }))
                    .map(|(key, _)| Need::$accessor(key.clone())));)*
                needs
            }

            /// Is there a row of any kind for `need`?
            #[must_use]
            pub fn has(&self, need: &Need) -> bool {
                match need { $(Need::$accessor(key) => self.$table.contains_key(key),)* }
            }

            /// Copies the answer to `need` from `other`, or forgets it if `other` has none.
            pub fn copy_from(&mut self, other: &Facts, need: &Need) {
                match need {
                    $(Need::$accessor(key) => {
                        match other.$table.get(key) {
                            Some(row) => self.$table.insert(key.clone(), row.clone()),
                            None => self.$table.remove(key),
                        };
                    })*
                }
            }

            /// Adds the rows of `more`. A row that is there stays as it arrived, unless it is unknown.
            pub fn absorb(&mut self, more: Facts) {
                $(for (key, row) in more.$table {
                    if self.$table.get(&key).is_none_or(|known| matches!(known, Row::Unknown { .. })) {
                        self.$table.insert(key, row);
                    }
                })*
            }

            /// Records that `need` could not be answered.
            pub fn give_up(&mut self, need: &Need, why: Why, detail: &str) {
                match need {
                    $(Need::$accessor(key) => {
                        self.$table.insert(key.clone(), Row::Unknown { unknown: why, detail: detail.into() });
                    })*
                }
            }
        }
    };
}

tables! {
    /// Who we are: account, ARN and unique id of the credentials in use.
    caller in caller: Ourselves => Caller, asked with ["sts:GetCallerIdentity"];
    instance in instances: InstanceId => Instance, asked with ["ec2:DescribeInstances"];
    instance_status in instance_statuses: InstanceId => InstanceStatus, asked with ["ec2:DescribeInstanceStatus"];
    /// The other Regions in which this instance id exists; asked only when it is not in ours.
    elsewhere in elsewhere: InstanceId => Vec<Region>, asked with ["ec2:DescribeInstances", "ec2:DescribeRegions"];
    vpc in vpcs: VpcId => Vpc, asked with ["ec2:DescribeVpcs"];
    vpc_dns in vpc_dns: VpcId => VpcDns, asked with ["ec2:DescribeVpcAttribute"];
    dhcp_options in dhcp_options: DhcpOptionsId => DhcpOptions, asked with ["ec2:DescribeDhcpOptions"];
    subnet in subnets: SubnetId => Subnet, asked with ["ec2:DescribeSubnets"];
    route_tables in route_tables: VpcId => Vec<RouteTable>, asked with ["ec2:DescribeRouteTables"];
    network_acls in network_acls: VpcId => Vec<NetworkAcl>, asked with ["ec2:DescribeNetworkAcls"];
    endpoints in endpoints: VpcId => Vec<Endpoint>, asked with ["ec2:DescribeVpcEndpoints"];
    /// The internet gateways attached to a VPC.
    internet_gateways in internet_gateways: VpcId => Vec<InternetGateway>, asked with ["ec2:DescribeInternetGateways"];
    nat_gateway in nat_gateways: NatGatewayId => NatGateway, asked with ["ec2:DescribeNatGateways"];
    security_group in security_groups: SecurityGroupId => SecurityGroup, asked with ["ec2:DescribeSecurityGroups"];
    network_interface in network_interfaces: NetworkInterfaceId => NetworkInterface, asked with ["ec2:DescribeNetworkInterfaces"];
    /// The CIDRs of a managed prefix list, AWS's own lists included.
    prefix_list in prefix_lists: PrefixListId => PrefixList, asked with ["ec2:GetManagedPrefixListEntries"];
    /// The egress-only internet gateways attached to a VPC.
    egress_only_gateways in egress_only_gateways: VpcId => Vec<EgressOnlyGateway>, asked with ["ec2:DescribeEgressOnlyInternetGateways"];
    peering in peerings: PeeringId => Peering, asked with ["ec2:DescribeVpcPeeringConnections"];
    transit_gateway_attachments in transit_gateway_attachments: VpcId => Vec<TransitGatewayAttachment>, asked with ["ec2:DescribeTransitGatewayVpcAttachments"];
    transit_gateway in transit_gateways: TransitGatewayId => TransitGateway, asked with
        ["ec2:DescribeTransitGatewayAttachments", "ec2:DescribeTransitGatewayRouteTables", "ec2:SearchTransitGatewayRoutes"];
    /// The Network Firewalls that stand in a VPC.
    network_firewalls in network_firewalls: VpcId => Vec<NetworkFirewall>, asked with ["network-firewall:ListFirewalls", "network-firewall:DescribeFirewall"];
    network_firewall_policy in network_firewall_policies: Arn => NetworkFirewallPolicy, asked with ["network-firewall:DescribeFirewallPolicy"];
    /// A group of rules of Network Firewall.
    rule_group in rule_groups: Arn => RuleGroup, asked with ["network-firewall:DescribeRuleGroup"];
    public_access_block in public_access_blocks: Region => PublicAccessBlock, asked with ["ec2:DescribeVpcBlockPublicAccessOptions", "ec2:DescribeVpcBlockPublicAccessExclusions"];
    /// The endpoints of a service in all VPCs of the account: shared ones stand in a hub.
    service_endpoints in service_endpoints: ServiceName => Vec<Endpoint>, asked with ["ec2:DescribeVpcEndpoints"];
    instance_profile in instance_profiles: ProfileName => InstanceProfile, asked with ["iam:GetInstanceProfile"];
    role in roles: RoleName => Role, asked with ["iam:GetRole"];
    /// A role's tags. They come with the role itself, not with the profile that holds it.
    role_tags in role_tags: RoleName => BTreeMap<String, String>, asked with ["iam:GetRole"];
    user in users: UserName => User, asked with ["iam:GetUser"];
    /// What IAM's own simulator says of one principal, action and resource.
    simulation in simulations: Question => Simulation, asked with ["iam:SimulatePrincipalPolicy"];
    /// The target as Systems Manager sees it; absent when it is not a managed node.
    node in nodes: Target => ManagedNode, asked with ["ssm:DescribeInstanceInformation"];
    connection in connections: Target => Connection, asked with ["ssm:GetConnectionStatus"];
    service_setting in service_settings: SettingId => ServiceSetting, asked with ["ssm:GetServiceSetting"];
    document in documents: DocumentName => Document, asked with ["ssm:GetDocument"];
    /// A bucket's policy; absent when it has none.
    bucket_policy in bucket_policies: BucketName => Text, asked with ["s3:GetBucketPolicy"];
    key in keys: KeyName => Key, asked with ["kms:DescribeKey", "kms:GetKeyPolicy"];
    /// The grants of a key; they add to what its policy allows.
    key_grants in key_grants: Arn => Vec<Grant>, asked with ["kms:ListGrants"];
    role_policies in role_policies: RoleName => AttachedPolicies, asked with
        ["iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:GetRole"];
    user_policies in user_policies: UserName => AttachedPolicies, asked with
        ["iam:ListAttachedUserPolicies", "iam:ListUserPolicies", "iam:GetUserPolicy", "iam:ListGroupsForUser", "iam:GetUser"];
    group_policies in group_policies: GroupName => AttachedPolicies, asked with
        ["iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies", "iam:GetGroupPolicy"];
    /// A managed policy in the version that is in force.
    managed_policy in managed_policies: Arn => ManagedPolicy, asked with ["iam:GetPolicyVersion", "iam:GetPolicy"];
    /// The organization of our account; absent when it is in none.
    organization in organization: Ourselves => Organization, asked with ["organizations:DescribeOrganization"];
    /// Service and resource control policies over an account. AWS shows them to the organization's
    /// management account and its delegates only.
    organization_policies in organization_policies: AccountId => OrganizationPolicies, asked with
        ["organizations:ListParents", "organizations:ListPoliciesForTarget", "organizations:DescribePolicy"];
    /// Tags of a document or hybrid node.
    resource_tags in resource_tags: TaggedName => BTreeMap<String, String>, asked with ["ssm:ListTagsForResource"];
    /// An endpoint in another VPC that a name resolves to here; absent if it belongs to another account.
    distant_endpoint in distant_endpoints: EndpointId => Endpoint, asked with ["ec2:DescribeVpcEndpoints"];
    /// The network interface at an address of a VPC; absent if there is none.
    interface_at in interfaces_at: Place => NetworkInterface, asked with ["ec2:DescribeNetworkInterfaces"];
    /// The private hosted zones associated with a VPC, whoever owns them.
    hosted_zones in hosted_zones: VpcId => Vec<HostedZone>, asked with ["route53:ListHostedZonesByVPC"];
    /// A zone that a Route 53 Profile brings along, which names it by id only.
    hosted_zone in profile_zones: ZoneId => HostedZone, asked with ["route53:GetHostedZone"];
    zone_records in zone_records: ZoneId => Vec<ZoneRecord>, asked with ["route53:ListResourceRecordSets"];
    /// The Resolver rules associated with a VPC.
    resolver_rules in resolver_rules: VpcId => Vec<ResolverRuleId>, asked with ["route53resolver:ListResolverRuleAssociations"];
    resolver_rule in rules: ResolverRuleId => ResolverRule, asked with ["route53resolver:GetResolverRule"];
    /// The DNS Firewall rule groups associated with a VPC.
    firewall_groups in firewall_groups: VpcId => Vec<FirewallAssociation>, asked with ["route53resolver:ListFirewallRuleGroupAssociations"];
    firewall_rules in firewall_rules: FirewallGroupId => Vec<FirewallRule>, asked with ["route53resolver:ListFirewallRules"];
    firewall_domains in firewall_domains: FirewallListId => FirewallDomains, asked with ["route53resolver:ListFirewallDomains", "route53resolver:GetFirewallDomainList"];
    /// The Route 53 Profiles associated with a VPC.
    profiles in profiles: VpcId => Vec<ProfileId>, asked with ["route53profiles:ListProfileAssociations"];
    profile_resources in profile_resources: ProfileId => Vec<ProfileResource>, asked with ["route53profiles:ListProfileResourceAssociations"];
    /// The log group of exactly this name.
    log_group in log_groups: LogGroupName => LogGroup, asked with ["logs:DescribeLogGroups"];
    /// Absent where nobody has a bucket of this name.
    bucket in buckets: BucketName => Bucket, asked with ["s3:GetEncryptionConfiguration"];
    /// The log of the agent, which the user gives.
    agent_log in agent_logs: Target => AgentLog, asked with [];
    console in consoles: InstanceId => Console, asked with ["ec2:GetConsoleOutput"];
    profile_association in profile_associations: InstanceId => ProfileAssociation, asked with ["ec2:DescribeIamInstanceProfileAssociations"];
    /// The hybrid nodes that report, or the first few hundred of them.
    hybrid_nodes in hybrid_nodes: Ourselves => Vec<HybridNode>, asked with ["ssm:DescribeInstanceInformation"];
    activation in activations: ActivationId => Activation, asked with ["ssm:DescribeActivations"];
    /// The sessions to the target that are over, the latest first; AWS remembers 30 days.
    past_sessions in past_sessions: Target => Vec<PastSession>, asked with ["ssm:DescribeSessions"];
    /// The image of an instance; absent when it was deregistered.
    image in images: ImageId => Image, asked with ["ec2:DescribeImages"];
    /// The EC2 Instance Connect endpoints of a VPC.
    connect_endpoints in connect_endpoints: VpcId => Vec<ConnectEndpoint>, asked with ["ec2:DescribeInstanceConnectEndpoints"];
    serial_console in serial_consoles: Region => SerialConsole, asked with ["ec2:GetSerialConsoleAccessStatus"];
    // What follows is seen from the machine at hand, and takes no action of IAM.
    here_surroundings in here_surroundings: Machine => Surroundings, asked with [];
    here_program in here_programs: Program => Installed, asked with [];
    here_login in here_logins: Machine => Login, asked with [];
    /// What the SSH configuration says of the target; absent if it says nothing.
    here_ssh in here_ssh: Target => SshEntry, asked with [];
    /// What a name resolves to; absent if there is no such name, or it has no address.
    here_name in here_names: Host => Addresses, asked with [];
    here_contact in here_contacts: Host => Contact, asked with [];
}

/// The key of facts about ourselves, of which there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Ourselves {
    Us,
}

impl core::fmt::Display for Ourselves {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("our own credentials")
    }
}

/// One answer, in one of its three states; the fourth is that there is no row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Row<T> {
    Unknown {
        unknown: Why,
        /// AWS's own words, if it gave any.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    Absent(Absent),
    Present(T),
}

impl<T> Row<T> {
    /// A part of another row that was seen by a call of its own, which `need` names.
    ///
    /// # Errors
    /// [`Unknown`] if it was not seen.
    pub fn part(&self, need: Need) -> Result<Option<&T>, Unknown> {
        match self {
            Self::Present(row) => Ok(Some(row)),
            Self::Absent(_) => Ok(None),
            Self::Unknown { unknown, detail } => Err(Unknown::fact(need, *unknown, detail)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Absent {
    Absent,
}

/// Why we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Why {
    /// Not asked yet. No row says so, and collection asks.
    #[serde(skip)]
    Unasked,
    /// Not asked when these facts were collected.
    NotCollected,
    /// The caller may not make this API call.
    Denied,
    /// AWS kept asking us to slow down.
    Throttled,
    /// No connection to the API endpoint: DNS, route, proxy or TLS on our side.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// Another row points at this one and AWS says it does not exist: it was deleted between calls.
    Vanished,
    /// An answer came that is not what the API documents.
    Unreadable,
    /// Belongs to the account that shares the subnet, which AWS does not show to participants.
    HiddenByOwner,
    /// The API answered with some other error; the detail has its code.
    Refused,
}

impl Why {
    /// For machines, as in snapshots.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unasked | Self::NotCollected => "unasked",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Vanished => "vanished",
            Self::Unreadable => "unreadable",
            Self::HiddenByOwner => "hidden-by-owner",
            Self::Refused => "refused",
        }
    }

    /// For people: `<action> <phrase>`.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Unasked | Self::NotCollected => "was not asked when these facts were collected",
            Self::Denied => "was denied",
            Self::Throttled => "was throttled",
            Self::Unreachable => "could not reach its endpoint",
            Self::TimedOut => "did not answer in time",
            Self::Vanished => "no longer finds it",
            Self::Unreadable => "gave an answer that cannot be read",
            Self::HiddenByOwner => {
                "does not show it: it belongs to the account that shares the subnet"
            }
            Self::Refused => "answered with an error",
        }
    }
}

/// One row, about to be read.
pub struct Lookup<'f, 'k, K, T> {
    key: &'k K,
    row: Option<&'f Row<T>>,
    need: fn(K) -> Need,
}

impl<'f, K: Clone, T> Lookup<'f, '_, K, T> {
    /// The row, where AWS has already said that it exists: absence is a contradiction, hence unknown.
    ///
    /// # Errors
    /// [`Unknown`] if it was not seen, or is gone.
    pub fn required(self) -> Result<&'f T, Unknown> {
        match self.row {
            Some(Row::Absent(_)) => Err(self.unknown(Why::Vanished, "")),
            _ => self.optional()?.ok_or_else(|| Unknown::limit("unreachable state")),
        }
    }

    /// The row, where "there is none" is an answer too.
    ///
    /// # Errors
    /// [`Unknown`] if it was not seen.
    pub fn optional(self) -> Result<Option<&'f T>, Unknown> {
        match self.row {
            // The name of the need is for those that lack it.
            Some(Row::Present(row)) => Ok(Some(row)),
            Some(row) => row.part((self.need)(self.key.clone())),
            None => Err(self.unknown(Why::Unasked, "")),
        }
    }

    /// The row if it can be had, for evidence that the verdict does not rest on.
    ///
    /// # Errors
    /// [`Unknown`] only while nobody has asked, so that the collector does.
    pub fn hint(self) -> Result<Option<&'f T>, Unknown> {
        match self.row {
            Some(Row::Present(row)) => Ok(Some(row)),
            Some(_) => Ok(None),
            None => Err(self.unknown(Why::Unasked, "")),
        }
    }

    fn unknown(&self, why: Why, detail: &str) -> Unknown {
        Unknown::fact((self.need)(self.key.clone()), why, detail)
    }
}

/// What a check returns instead of guessing: what it could not see past.
///
/// INVARIANT: never empty; every constructor puts a gap in, and merging only adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown(BTreeSet<Gap>);

/// One thing that was not seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// A question that went unanswered.
    Fact { need: Need, why: Why, detail: String },
    /// Something that no call of ours can tell.
    Limit(Limit),
}

impl Unknown {
    fn fact(need: Need, why: Why, detail: &str) -> Self {
        Self(BTreeSet::from([Gap::Fact { need, why, detail: detail.into() }]))
    }

    /// Something that no call can tell: what lies beyond a transit gateway of another account.
    #[must_use]
    pub fn limit(reason: impl Into<Limit>) -> Self {
        Self(BTreeSet::from([Gap::Limit(reason.into())]))
    }

    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Has a question in it not been asked yet?
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        self.0.iter().any(|it| matches!(it, Gap::Fact { why: Why::Unasked, .. }))
    }

    /// Has every question in it been asked, whatever came of it?
    #[must_use]
    pub fn was_asked(&self) -> bool {
        !self
            .0
            .iter()
            .any(|gap| matches!(gap, Gap::Fact { why: Why::Unasked | Why::NotCollected, .. }))
    }

    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.0.iter()
    }

    /// The questions nobody has asked yet.
    pub fn unasked(self) -> impl Iterator<Item = Need> {
        self.0.into_iter().filter_map(|gap| match gap {
            Gap::Fact { need, why: Why::Unasked, .. } => Some(need),
            _ => None,
        })
    }
}

/// What was not seen so far, while the search for an answer goes on.
#[derive(Clone, Debug, Default)]
pub struct Unknowns(Option<Unknown>);

impl Unknowns {
    pub fn add(&mut self, unknown: Unknown) {
        self.0 = Some(match self.0.take() {
            Some(so_far) => so_far.and(unknown),
            None => unknown,
        });
    }

    /// The value, if there is one; otherwise what was not seen is kept.
    pub fn keep<T>(&mut self, result: Result<T, Unknown>) -> Option<T> {
        result.map_err(|unknown| self.add(unknown)).ok()
    }

    /// # Errors
    /// [`Unknown`], all of it together, if anything was not seen.
    pub fn none(self) -> Result<(), Unknown> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Both values.
///
/// # Errors
/// [`Unknown`], that of both together, if either was not seen.
pub fn both<A, B>(a: Result<A, Unknown>, b: Result<B, Unknown>) -> Result<(A, B), Unknown> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(a), Err(b)) => Err(a.and(b)),
        (Err(unknown), Ok(_)) | (Ok(_), Err(unknown)) => Err(unknown),
    }
}
