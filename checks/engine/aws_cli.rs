//! Changes as commands of the AWS CLI.

mod call;
mod permission;

use alloc::{format, string::String, vec, vec::Vec};
use core::{fmt::Display, net::IpAddr};

use ipnet::IpNet;
use ssm_doctor_facts::{
    change::{
        Change, ENDPOINT_NAME, Ec2Change, LogsChange, NetworkFirewallChange, Protocol,
        Route53Change, Route53ResolverChange, RouteTarget, Source, SsmChange,
    },
    ec2::Destination,
    ids::{Arn, EndpointId, Region, ZoneId},
};

use super::command::Command;
use call::{aws, one};

/// What carries out a change, in order. A value that is not known is a `<placeholder>`.
#[must_use]
pub fn commands(change: &Change, region: &Region) -> Vec<Command> {
    let commands = match change {
        Change::Ec2(change) => ec2(change),
        Change::NetworkFirewall(change) => network_firewall(change),
        Change::EndpointPolicy(change) => permission::endpoint_policy(change),
        Change::Iam(change) => permission::iam(change),
        Change::InstanceProfile(change) => permission::instance_profile(change),
        Change::Kms(change) => permission::kms(change),
        Change::Logs(change) => logs(change),
        Change::Route53(change) => route53(change),
        Change::Route53Resolver(change) => route53resolver(change),
        Change::S3(change) => permission::s3(change, region),
        Change::ServiceSetting(change) => permission::service_setting(change),
        Change::Ssm(change) => ssm(change),
        Change::Sts(change) => permission::sts(change),
        Change::Tag(change) => permission::tag(change),
    };
    let region = match change {
        Change::Ec2(Ec2Change::AcceptPeering { region: Some(region), .. }) => region,
        _ => region,
    };
    commands.into_iter().map(|command| command.in_region(region)).collect()
}

impl Command {
    /// With the program's name first and the Region last. IAM has no Region, but the Region says which
    /// partition's IAM is meant: without it the command line takes that of `aws`.
    fn in_region(self, region: &Region) -> Self {
        self.prefixed("aws").and("--region {}", &[region])
    }
}

#[rustfmt::skip]
fn ec2(change: &Ec2Change) -> Vec<Command> {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use Ec2Change::*;
    match change {
        CreateRoute { table, to, via } => route("create-route", table, to, via),
        ReplaceRoute { table, to, via, .. } => route("replace-route", table, to, via),
        DeleteRoute { table, to } => one("ec2 delete-route --route-table-id {} {} {}", &[table, &destination_flag(to), to]),
        CreateInternetGateway => vec![
            aws("ec2 create-internet-gateway", &[]).setting("internet_gateway", "InternetGateway.InternetGatewayId"),
        ],
        AttachInternetGateway { gateway, vpc } => one("ec2 attach-internet-gateway --internet-gateway-id {} --vpc-id {}", &[gateway, vpc]),
        CreateEgressOnlyInternetGateway { vpc } => vec![
            aws("ec2 create-egress-only-internet-gateway --vpc-id {}", &[vpc])
                .setting("egress_only_gateway", "EgressOnlyInternetGateway.EgressOnlyInternetGatewayId"),
        ],
        CreateNatGateway { subnet } => vec![
            new_address(),
            aws("ec2 create-nat-gateway --subnet-id {} --allocation-id {allocation}", &[subnet]).setting("nat_gateway", "NatGateway.NatGatewayId"),
            aws("ec2 wait nat-gateway-available --nat-gateway-ids {nat_gateway}", &[]),
        ],
        AssociateNatGatewayAddress { gateway, zone } => vec![
            new_address(),
            aws("ec2 associate-nat-gateway-address --nat-gateway-id {} --availability-zone {} --allocation-ids {allocation}", &[gateway, zone]),
        ],
        AcceptPeering { peering, .. } => one("ec2 accept-vpc-peering-connection --vpc-peering-connection-id {}", &[peering]),
        ExcludeFromPublicAccessBlock { subnet, mode } => one(
            "ec2 create-vpc-block-public-access-exclusion --subnet-id {} --internet-gateway-exclusion-mode {}", &[subnet, mode],
        ),
        CreateTransitGatewayAttachment { gateway, vpc, subnet } => one(
            "ec2 create-transit-gateway-vpc-attachment --transit-gateway-id {} --vpc-id {} --subnet-ids {}", &[gateway, vpc, subnet],
        ),
        AcceptTransitGatewayAttachment { attachment } => one(
            "ec2 accept-transit-gateway-vpc-attachment --transit-gateway-attachment-id {}", &[attachment],
        ),
        AddTransitGatewayAttachmentSubnet { attachment, subnet } => one(
            "ec2 modify-transit-gateway-vpc-attachment --transit-gateway-attachment-id {} --add-subnet-ids {}", &[attachment, subnet],
        ),
        AssociateTransitGatewayRouteTable { table, attachment } => one(
            "ec2 associate-transit-gateway-route-table --transit-gateway-route-table-id {} --transit-gateway-attachment-id {}",
            &[table, attachment],
        ),
        EnableTransitGatewayPropagation { table, attachment } => one(
            "ec2 enable-transit-gateway-route-table-propagation --transit-gateway-route-table-id {} --transit-gateway-attachment-id {}",
            &[table, attachment],
        ),
        CreateTransitGatewayRoute { table, to, attachment } => transit_route("create-transit-gateway-route", table, to, attachment),
        ReplaceTransitGatewayRoute { table, to, attachment } => transit_route("replace-transit-gateway-route", table, to, attachment),
        AssociateNewAddress { interface } => vec![
            new_address(),
            aws("ec2 associate-address --network-interface-id {} --allocation-id {allocation}", &[interface]),
        ],
        DisableSourceDestCheck { interface } => one(
            "ec2 modify-network-interface-attribute --network-interface-id {} --no-source-dest-check", &[interface],
        ),
        EnableDns64 { subnet } => one("ec2 modify-subnet-attribute --subnet-id {} --enable-dns64", &[subnet]),
        StartInstance { instance } => one("ec2 start-instances --instance-ids {}", &[instance]),
        StopAndStartInstance { instance } => vec![
            aws("ec2 stop-instances --instance-ids {}", &[instance]),
            aws("ec2 wait instance-stopped --instance-ids {}", &[instance]),
            aws("ec2 start-instances --instance-ids {}", &[instance]),
        ],
        RebootInstance { instance } => one("ec2 reboot-instances --instance-ids {}", &[instance]),
        CreateSecurityGroup { vpc } => vec![
            aws("ec2 create-security-group --group-name {} --description {} --vpc-id {}", &[&"ssm-endpoints", &"HTTPS to the endpoints of Systems Manager", vpc])
                .setting("security_group", "GroupId"),
        ],
        AuthorizeEgress { group, protocol, port, to } => {
            let permission = permission(*protocol, *port, to);
            one("ec2 authorize-security-group-egress --group-id {} --ip-permissions {}", &[group, &permission])
        }
        AuthorizeIngress { group, protocol, port, from } => {
            let (flag, from): (_, &dyn Display) = match from {
                Source::Group(group) => ("--source-group", group),
                Source::Range(IpNet::V4(range)) => ("--cidr", range),
                Source::Range(IpNet::V6(_)) => {
                    let permission = permission(*protocol, *port, from);
                    return one("ec2 authorize-security-group-ingress --group-id {} --ip-permissions {}", &[group, &permission]);
                }
            };
            one("ec2 authorize-security-group-ingress --group-id {} --protocol {} --port {} {} {}", &[group, &protocol.as_str(), port, &flag, from])
        }
        CreateNetworkAclEntry { acl, egress, number, protocol, ports: (first, last), peer } => one(
            "ec2 create-network-acl-entry --network-acl-id {} {} --rule-number {} --protocol {} --port-range {} {} {} --rule-action allow",
            &[
                acl,
                &if *egress { "--egress" } else { "--ingress" },
                number,
                &protocol.as_str(),
                &format_args!("From={first},To={last}"),
                &if peer.addr().is_ipv6() { "--ipv6-cidr-block" } else { "--cidr-block" },
                peer,
            ],
        ),
        DeleteEndpoint { endpoint } => one("ec2 delete-vpc-endpoints --vpc-endpoint-ids {}", &[endpoint]),
        CreateGatewayEndpoint { vpc, service, tables } => vec![
            aws("ec2 create-vpc-endpoint --vpc-id {} --service-name {} --vpc-endpoint-type Gateway", &[vpc, service]).list("--route-table-ids", tables),
        ],
        CreateInterfaceEndpoint { vpc, service, subnets, groups } => vec![
            aws("ec2 create-vpc-endpoint --vpc-id {} --service-name {} --vpc-endpoint-type Interface", &[vpc, service])
                .list("--subnet-ids", subnets)
                .list("--security-group-ids", groups)
                .and("--private-dns-enabled", &[]),
        ],
        AddEndpointSubnet { endpoint, subnet } => one("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-subnet-ids {}", &[endpoint, subnet]),
        AddEndpointSecurityGroup { endpoint, group } => one("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-security-group-ids {}", &[endpoint, group]),
        AddEndpointRouteTable { endpoint, table } => one("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-route-table-ids {}", &[endpoint, table]),
        EnablePrivateDns { endpoint } => one("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --private-dns-enabled", &[endpoint]),
        MakeEndpointDualStack { endpoint } => one(
            "ec2 modify-vpc-endpoint --vpc-endpoint-id {} --ip-address-type dualstack --dns-options DnsRecordIpType=dualstack", &[endpoint],
        ),
        EnableDnsSupport { vpc } => one("ec2 modify-vpc-attribute --vpc-id {} --enable-dns-support", &[vpc]),
        EnableDnsHostnames { vpc } => one("ec2 modify-vpc-attribute --vpc-id {} --enable-dns-hostnames", &[vpc]),
        EnableMetadataService { instance } => one(
            "ec2 modify-instance-metadata-options --instance-id {} --http-endpoint enabled", &[instance],
        ),
        AssociateDhcpOptions { vpc } => vec![
            aws("ec2 create-dhcp-options --dhcp-configurations {}", &[&"Key=domain-name-servers,Values=AmazonProvidedDNS"])
                .setting("dhcp_options", "DhcpOptions.DhcpOptionsId"),
            aws("ec2 associate-dhcp-options --vpc-id {} --dhcp-options-id {dhcp_options}", &[vpc]),
        ],
    }
}

/// An Elastic IP address.
fn new_address() -> Command {
    aws("ec2 allocate-address --domain vpc", &[]).setting("allocation", "AllocationId")
}

fn route(action: &str, table: &dyn Display, to: &Destination, via: &RouteTarget) -> Vec<Command> {
    let block = destination_flag(to);
    let flag = match via {
        RouteTarget::NatGateway(_) => "--nat-gateway-id",
        RouteTarget::InternetGateway(_) => "--gateway-id",
        RouteTarget::EgressOnlyInternetGateway(_) => "--egress-only-internet-gateway-id",
        RouteTarget::TransitGateway(_) => "--transit-gateway-id",
        RouteTarget::Peering(_) => "--vpc-peering-connection-id",
    };
    one("ec2 {} --route-table-id {} {} {} {} {}", &[&action, table, &block, to, &flag, via])
}

fn destination_flag(to: &Destination) -> &'static str {
    match to {
        Destination::List(_) => "--destination-prefix-list-id",
        Destination::Cidr(range) if range.addr().is_ipv6() => "--destination-ipv6-cidr-block",
        Destination::Cidr(_) | Destination::Unreadable(_) => "--destination-cidr-block",
    }
}

fn transit_route(action: &str, table: &str, to: &Destination, attachment: &str) -> Vec<Command> {
    one(
        "ec2 {} --transit-gateway-route-table-id {} --destination-cidr-block {} --transit-gateway-attachment-id {}",
        &[&action, &table, to, &attachment],
    )
}

/// A rule of a security group, in the shorthand syntax of the AWS CLI.
fn permission(protocol: Protocol, port: u16, peer: &Source) -> String {
    let protocol = protocol.as_str();
    let peer = match peer {
        Source::Group(group) => format!("UserIdGroupPairs=[{{GroupId={group}}}]"),
        Source::Range(IpNet::V4(range)) => format!("IpRanges=[{{CidrIp={range}}}]"),
        Source::Range(IpNet::V6(range)) => format!("Ipv6Ranges=[{{CidrIpv6={range}}}]"),
    };
    format!("IpProtocol={protocol},FromPort={port},ToPort={port},{peer}")
}

/// The AWS CLI edits the document by its query: everything that is not named stays as it is.
fn network_firewall(change: &NetworkFirewallChange) -> Vec<Command> {
    match change {
        NetworkFirewallChange::AddDomains { group, domains } => edited_group(
            group,
            &format!(
                "merge(RuleGroup, {{RulesSource: {{RulesSourceList: merge(RuleGroup.RulesSource.RulesSourceList, {{Targets: [RuleGroup.RulesSource.RulesSourceList.Targets, {}][]}})}}}})",
                literals(domains)
            ),
        ),
        NetworkFirewallChange::SetHomeNet { group, ranges } => edited_group(
            group,
            &format!(
                "merge(RuleGroup, {{RuleVariables: merge(RuleGroup.RuleVariables || `{{}}`, {{IPSets: merge(RuleGroup.RuleVariables.IPSets || `{{}}`, {{HOME_NET: {{Definition: {}}}}})}})}})",
                literals(ranges)
            ),
        ),
        NetworkFirewallChange::SetPolicyHomeNet { policy, ranges } => {
            // A policy has no other variable. Source: Network Firewall API reference, `PolicyVariables`.
            let query = format!(
                "merge(FirewallPolicy, {{PolicyVariables: {{RuleVariables: {{HOME_NET: {{Definition: {}}}}}}}}})",
                literals(ranges)
            );
            let describe = "network-firewall describe-firewall-policy --firewall-policy-arn {}";
            vec![
                aws(describe, &[policy]).setting("token", "UpdateToken"),
                aws(describe, &[policy]).setting_json("firewall_policy", &query),
                aws(
                    "network-firewall update-firewall-policy --firewall-policy-arn {} --update-token {token} --firewall-policy {firewall_policy}",
                    &[policy],
                ),
            ]
        }
    }
}

fn edited_group(group: &Arn, query: &str) -> Vec<Command> {
    let describe = "network-firewall describe-rule-group --rule-group-arn {}";
    vec![
        aws(describe, &[group]).setting("token", "UpdateToken"),
        aws(describe, &[group]).setting_json("rule_group", query),
        aws(
            "network-firewall update-rule-group --rule-group-arn {} --update-token {token} --rule-group {rule_group}",
            &[group],
        ),
    ]
}

/// A list of strings in a query.
fn literals(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("'{item}'")).collect();
    format!("[{}]", items.join(", "))
}

fn route53(change: &Route53Change) -> Vec<Command> {
    match change {
        Route53Change::UpsertAddresses { zone, name, addresses } => {
            let kind = if addresses.iter().any(IpAddr::is_ipv6) { "AAAA" } else { "A" };
            let values: Vec<String> =
                addresses.iter().map(|address| format!(r#"{{"Value":"{address}"}}"#)).collect();
            let values = values.join(",");
            upsert(
                zone,
                &format!(
                    r#""Name":"{name}","Type":"{kind}","TTL":60,"ResourceRecords":[{values}]"#
                ),
            )
        }
        Route53Change::UpsertAlias { zone, name, endpoint, dns_name } => {
            let hosted_zone = ZoneId::created();
            let target = dns_name.as_deref().unwrap_or(ENDPOINT_NAME);
            let mut commands = vec![dns_entry(endpoint, "endpoint_zone", "HostedZoneId")];
            if dns_name.is_none() {
                commands.push(dns_entry(endpoint, "endpoint_name", "DnsName"));
            }
            commands.extend(upsert(
                zone,
                &format!(
                    r#""Name":"{name}","Type":"A","AliasTarget":{{"HostedZoneId":"{hosted_zone}","DNSName":"{target}","EvaluateTargetHealth":false}}"#
                ),
            ));
            commands
        }
        Route53Change::UpsertCname { zone, name, endpoint, dns_name } => {
            let target = dns_name.as_deref().unwrap_or(ENDPOINT_NAME);
            let mut commands = Vec::new();
            if dns_name.is_none() {
                commands.push(dns_entry(endpoint, "endpoint_name", "DnsName"));
            }
            commands.extend(upsert(
                zone,
                &format!(
                    r#""Name":"{name}","Type":"CNAME","TTL":60,"ResourceRecords":[{{"Value":"{target}"}}]"#
                ),
            ));
            commands
        }
        Route53Change::DisassociateZone { zone, vpc, region } => one(
            "route53 disassociate-vpc-from-hosted-zone --hosted-zone-id {} --vpc {}",
            &[zone, &format!("VPCRegion={region},VPCId={vpc}")],
        ),
    }
}

/// Looks up one of the names of an endpoint. The first is the one for all of its zones.
fn dns_entry(endpoint: &EndpointId, variable: &'static str, field: &str) -> Command {
    aws("ec2 describe-vpc-endpoints --vpc-endpoint-ids {}", &[endpoint])
        .setting(variable, &format!("VpcEndpoints[0].DnsEntries[0].{field}"))
}

fn upsert(zone: &ZoneId, record: &str) -> Vec<Command> {
    one(
        "route53 change-resource-record-sets --hosted-zone-id {} --change-batch {}",
        &[
            zone,
            &format_args!(
                r#"{{"Changes":[{{"Action":"UPSERT","ResourceRecordSet":{{{record}}}}}]}}"#
            ),
        ],
    )
}

fn route53resolver(change: &Route53ResolverChange) -> Vec<Command> {
    match change {
        Route53ResolverChange::CreateFirewallAllowRule { group, domains, priority } => vec![
            aws(
                "route53resolver create-firewall-domain-list --creator-request-id {} --name ssm-names",
                &[&format_args!("ssm-doctor-list-{group}-{priority}")],
            )
            .setting("domain_list", "FirewallDomainList.Id"),
            aws(
                "route53resolver update-firewall-domains --firewall-domain-list-id {domain_list} --operation ADD",
                &[],
            )
            .list("--domains", domains),
            aws(
                "route53resolver create-firewall-rule --creator-request-id {} --firewall-rule-group-id {} --firewall-domain-list-id {domain_list} --name allow-ssm --action ALLOW --priority {}",
                &[&format_args!("ssm-doctor-rule-{group}-{priority}"), group, priority],
            ),
        ],
        Route53ResolverChange::TrustRedirection { group, list, query_type } => {
            let of_list = aws(
                "route53resolver update-firewall-rule --firewall-rule-group-id {} --firewall-domain-list-id {}",
                &[group, list],
            );
            let of_type = match query_type {
                Some(kind) => of_list.and("--qtype {}", &[kind]),
                None => of_list,
            };
            vec![
                of_type.and("--firewall-domain-redirection-action TRUST_REDIRECTION_DOMAIN", &[]),
            ]
        }
        Route53ResolverChange::AssociateSystemRule { domain, vpc } => vec![
            aws(
                "route53resolver create-resolver-rule --creator-request-id {} --rule-type SYSTEM --domain-name {}",
                &[&format_args!("ssm-doctor-{vpc}-{domain}"), domain],
            )
            .setting("resolver_rule", "ResolverRule.Id"),
            aws(
                "route53resolver associate-resolver-rule --resolver-rule-id {resolver_rule} --vpc-id {}",
                &[vpc],
            ),
        ],
        Route53ResolverChange::DisassociateResolverRule { rule, vpc } => one(
            "route53resolver disassociate-resolver-rule --resolver-rule-id {} --vpc-id {}",
            &[rule, vpc],
        ),
    }
}

#[rustfmt::skip]
fn logs(change: &LogsChange) -> Vec<Command> {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use LogsChange::*;
    match change {
        CreateLogGroup { group, key: None } => one("logs create-log-group --log-group-name {}", &[group]),
        CreateLogGroup { group, key: Some(key) } => one("logs create-log-group --log-group-name {} --kms-key-id {}", &[group, key]),
        EncryptLogGroup { group, key } => one("logs associate-kms-key --log-group-name {} --kms-key-id {}", &[group, key]),
    }
}

#[rustfmt::skip]
fn ssm(change: &SsmChange) -> Vec<Command> {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use SsmChange::*;
    match change {
        CreateDocument { name, content } => one(
            "ssm create-document --name {} --document-type Session --content {}", &[name, content],
        ),
        UpdateDocument { name, content } => vec![
            aws("ssm update-document --name {} --document-version $LATEST --content {}", &[name, content])
                .setting("version", "DocumentDescription.DocumentVersion"),
            aws("ssm update-document-default-version --name {} --document-version {version}", &[name]),
        ],
        SetDefaultDocumentVersion { name, version } => one(
            "ssm update-document-default-version --name {} --document-version {}", &[name, version],
        ),
        UpdateAgent { target } => one(
            "ssm send-command --document-name AWS-UpdateSSMAgent --targets {}", &[&format_args!("Key=InstanceIds,Values={target}")],
        ),
    }
}
