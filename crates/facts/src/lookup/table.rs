//! The table of facts.
//!
//! A line for each kind of fact: how a check reads it, where it is kept, what it is keyed by, the row, and the IAM
//! actions that answer it, the one most likely refused first. What AWS does not tell names the [`Vantage`] that it is
//! seen from.
//!
//! Two columns only save time, and change no report. They name functions of the module `neighbours`: `beside` gives
//! questions to ask in the same round as the line's own, and `then` gives those to which a row leads.

/// Hands the table to the macro `$columns`.
macro_rules! table {
    ($columns:ident) => {
        $columns! {
    /// Who we are: account, ARN and unique id of the credentials in use.
    caller in caller: Ourselves => Caller, asked with ["sts:GetCallerIdentity"];
    instance in instances: InstanceId => Instance, asked with ["ec2:DescribeInstances"],
        beside of_instance;
    instance_status in instance_statuses: InstanceId => InstanceStatus, asked with ["ec2:DescribeInstanceStatus"];
    /// The other Regions in which this instance id exists; asked only when it is not in ours.
    elsewhere in elsewhere: InstanceId => Vec<Region>, asked with ["ec2:DescribeInstances", "ec2:DescribeRegions"];
    vpc in vpcs: VpcId => Vpc, asked with ["ec2:DescribeVpcs"];
    vpc_dns in vpc_dns: VpcId => VpcDns, asked with ["ec2:DescribeVpcAttribute"];
    dhcp_options in dhcp_options: DhcpOptionsId => DhcpOptions, asked with ["ec2:DescribeDhcpOptions"];
    subnet in subnets: SubnetId => Subnet, asked with ["ec2:DescribeSubnets"];
    route_tables in route_tables: VpcId => Vec<RouteTable>, asked with ["ec2:DescribeRouteTables"],
        then after_route_tables;
    network_acls in network_acls: VpcId => Vec<NetworkAcl>, asked with ["ec2:DescribeNetworkAcls"];
    endpoints in endpoints: VpcId => Vec<Endpoint>, asked with ["ec2:DescribeVpcEndpoints"];
    /// The internet gateways attached to a VPC.
    internet_gateways in internet_gateways: VpcId => Vec<InternetGateway>, asked with ["ec2:DescribeInternetGateways"];
    nat_gateway in nat_gateways: NatGatewayId => NatGateway, asked with ["ec2:DescribeNatGateways"];
    security_group in security_groups: SecurityGroupId => SecurityGroup, asked with ["ec2:DescribeSecurityGroups"];
    network_interface in network_interfaces: NetworkInterfaceId => NetworkInterface, asked with ["ec2:DescribeNetworkInterfaces"],
        then after_network_interface;
    /// The CIDRs of a managed prefix list, AWS's own lists included.
    prefix_list in prefix_lists: PrefixListId => PrefixList, asked with ["ec2:GetManagedPrefixListEntries"];
    /// The egress-only internet gateways attached to a VPC.
    egress_only_gateways in egress_only_gateways: VpcId => Vec<EgressOnlyGateway>, asked with ["ec2:DescribeEgressOnlyInternetGateways"];
    peering in peerings: PeeringId => Peering, asked with ["ec2:DescribeVpcPeeringConnections"];
    transit_gateway_attachments in transit_gateway_attachments: VpcId => Vec<TransitGatewayAttachment>, asked with ["ec2:DescribeTransitGatewayVpcAttachments"],
        beside of_transit_gateway_attachments;
    transit_gateway in transit_gateways: TransitGatewayId => TransitGateway, asked with
        ["ec2:DescribeTransitGatewayAttachments", "ec2:DescribeTransitGatewayRouteTables", "ec2:SearchTransitGatewayRoutes"],
        beside of_transit_gateway;
    /// The Network Firewalls of a VPC.
    network_firewalls in network_firewalls: VpcId => Vec<NetworkFirewall>, asked with ["network-firewall:ListFirewalls", "network-firewall:DescribeFirewall"];
    network_firewall_policy in network_firewall_policies: Arn => NetworkFirewallPolicy, asked with ["network-firewall:DescribeFirewallPolicy"];
    /// A group of rules of Network Firewall.
    rule_group in rule_groups: Arn => RuleGroup, asked with ["network-firewall:DescribeRuleGroup"];
    public_access_block in public_access_blocks: Region => PublicAccessBlock, asked with ["ec2:DescribeVpcBlockPublicAccessOptions", "ec2:DescribeVpcBlockPublicAccessExclusions"];
    /// The endpoints of a service in all VPCs of the account: shared ones are in a hub VPC.
    service_endpoints in service_endpoints: ServiceName => Vec<Endpoint>, asked with ["ec2:DescribeVpcEndpoints"],
        then after_service_endpoints;
    /// A service that endpoints can lead to.
    endpoint_service in endpoint_services: ServiceName => EndpointService, asked with ["ec2:DescribeVpcEndpointServices"];
    instance_profile in instance_profiles: ProfileName => InstanceProfile, asked with ["iam:GetInstanceProfile"];
    role in roles: RoleName => Role, asked with ["iam:GetRole"];
    /// A role's tags. They come with the role itself, not with the profile that holds it.
    role_tags in role_tags: RoleName => BTreeMap<String, String>, asked with ["iam:GetRole"];
    user in users: UserName => User, asked with ["iam:GetUser"];
    /// What IAM's own simulator says of one principal, action and resource.
    simulation in simulations: Question => Simulation, asked with ["iam:SimulatePrincipalPolicy"],
        beside of_simulation, then after_simulation;
    /// The target as Systems Manager sees it; absent when it is not a managed node.
    node in nodes: Target => ManagedNode, asked with ["ssm:DescribeInstanceInformation"],
        then after_node;
    connection in connections: Target => Connection, asked with ["ssm:GetConnectionStatus"];
    service_setting in service_settings: SettingId => ServiceSetting, asked with ["ssm:GetServiceSetting"],
        then after_service_setting;
    document in documents: DocumentName => Document, asked with ["ssm:GetDocument"],
        then after_document;
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
    /// A zone by its id: one that a Route 53 Profile brings along, or one whose VPCs matter.
    hosted_zone in profile_zones: ZoneId => HostedZone, asked with ["route53:GetHostedZone"];
    zone_records in zone_records: ZoneId => Vec<ZoneRecord>, asked with ["route53:ListResourceRecordSets"],
        beside of_zone_records;
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
    agent_log in agent_logs: Target => AgentLog, asked with [], seen from Node;
    /// What the node itself saw, which the user gives.
    probe in probes: Target => Probe, asked with [], seen from Node;
    console in consoles: InstanceId => Console, asked with ["ec2:GetConsoleOutput"], seen from Node;
    /// Asked only on request; absent when the instance has none.
    user_data in user_data: InstanceId => UserData, asked with ["ec2:DescribeInstanceAttribute"];
    /// The active flow logs of the instance's first interface, its subnet and its VPC, if they write to `CloudWatch` Logs
    /// of this account. Asked only on request.
    flow_logs in flow_logs: InstanceId => Vec<FlowLog>, asked with ["ec2:DescribeFlowLogs"];
    /// What a flow log recorded as rejected in the last hour, the latest first: TCP from or to port 443. The flow log's own
    /// row says group and fields. A search that did not reach the end of the log gives no packets: it is unknown.
    rejected_packets in rejected_packets: FlowSearch => Vec<RejectedFlow>, asked with ["logs:FilterLogEvents"];
    /// The log groups of this account that the queries of a VPC are logged to. Asked only on request.
    query_logs in query_logs: VpcId => Vec<LogGroupName>, asked with
        ["route53resolver:ListResolverQueryLogConfigAssociations", "route53resolver:GetResolverQueryLogConfig"];
    /// The queries of an instance in the last hour for names of the Region's services (`….eu-west-1.amazonaws.com`,
    /// `….eu-west-1.api.aws`), the latest first. A search that did not reach the end of the log gives no queries: it is
    /// unknown.
    queries in queries: QuerySearch => Vec<LoggedQuery>, asked with ["logs:FilterLogEvents"];
    profile_association in profile_associations: InstanceId => ProfileAssociation, asked with ["ec2:DescribeIamInstanceProfileAssociations"];
    /// The hybrid nodes that report, or the first few hundred of them.
    hybrid_nodes in hybrid_nodes: Ourselves => Vec<HybridNode>, asked with ["ssm:DescribeInstanceInformation"];
    activation in activations: ActivationId => Activation, asked with ["ssm:DescribeActivations"];
    /// The sessions to the target that are over, the latest first; AWS remembers 30 days.
    past_sessions in past_sessions: Target => Vec<PastSession>, asked with ["ssm:DescribeSessions"];
    /// The latest management events that a search of the event history finds, the latest first.
    events in events: EventSearch => Vec<TrailEvent>, asked with ["cloudtrail:LookupEvents"];
    metrics in metrics: InstanceId => Metrics, asked with ["cloudwatch:GetMetricData"];
    /// The VPN connections of a virtual private gateway or of a transit gateway.
    vpn_connections in vpn_connections: TargetGatewayId => Vec<VpnConnection>, asked with ["ec2:DescribeVpnConnections"];
    /// The image of an instance; absent when it was deregistered.
    image in images: ImageId => Image, asked with ["ec2:DescribeImages"];
    /// The EC2 Instance Connect endpoints of a VPC.
    connect_endpoints in connect_endpoints: VpcId => Vec<ConnectEndpoint>, asked with ["ec2:DescribeInstanceConnectEndpoints"];
    serial_console in serial_consoles: Region => SerialConsole, asked with ["ec2:GetSerialConsoleAccessStatus"];
    here_surroundings in here_surroundings: Machine => Surroundings, asked with [], seen from Workstation;
    here_program in here_programs: Program => Installed, asked with [], seen from Workstation;
    here_login in here_logins: Machine => Login, asked with [], seen from Workstation;
    /// What the SSH configuration says of the target; absent if it says nothing.
    here_ssh in here_ssh: Target => SshEntry, asked with [], seen from Workstation;
    /// What a name resolves to; absent if there is no such name, or it has no address.
    here_name in here_names: Host => Addresses, asked with [], seen from Workstation;
    here_contact in here_contacts: Host => Contact, asked with [], seen from Workstation;
        }
    };
}
