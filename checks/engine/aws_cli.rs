//! Changes as commands of the AWS CLI.

mod permission;

use alloc::{vec, vec::Vec};
use core::fmt::Display;

use ipnet::IpNet;
use ssm_doctor_facts::{
    change::{
        Change, Ec2Change, LogsChange, NetworkFirewallChange, Protocol, Route53Change,
        Route53ResolverChange, RouteTarget, Source, SsmChange,
    },
    ec2::Destination,
    ids::{Region, SecurityGroupId},
};

use super::command::Command;

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
        Change::Route53(change) => route53(change, region),
        Change::Route53Resolver(change) => route53resolver(change),
        Change::S3(change) => permission::s3(change, region),
        Change::ServiceSetting(change) => permission::service_setting(change),
        Change::Ssm(change) => ssm(change),
        Change::Sts(change) => permission::sts(change),
        Change::Tag(change) => permission::tag(change),
    };
    commands.into_iter().map(|command| command.in_region(region)).collect()
}

/// A call of the AWS CLI, without its first word. See [`Command::new`] for the template.
fn aws(template: &str, values: &[&dyn Display]) -> Command {
    Command::new(template, values)
}

/// One call is the whole change.
fn one(template: &str, values: &[&dyn Display]) -> Vec<Command> {
    vec![aws(template, values)]
}

impl Command {
    /// With the program's name first and the Region last. IAM has no Region.
    fn in_region(self, region: &Region) -> Self {
        let global = self.starts_with("iam");
        let command = self.prefixed("aws");
        if global { command } else { command.and("--region {}", &[region]) }
    }
}

#[rustfmt::skip]
fn ec2(change: &Ec2Change) -> Vec<Command> {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use Ec2Change::*;
    match change {
        CreateRoute { table, to, via } => route("create-route", table, to, *via),
        ReplaceRoute { table, to, via } => route("replace-route", table, to, *via),
        AttachInternetGateway { gateway, vpc } => one("ec2 attach-internet-gateway --internet-gateway-id {} --vpc-id {}", &[gateway, vpc]),
        CreateEgressOnlyInternetGateway { vpc } => one("ec2 create-egress-only-internet-gateway --vpc-id {}", &[vpc]),
        AssociateNatGatewayAddress { gateway, zone } => one(
            "ec2 associate-nat-gateway-address --nat-gateway-id {} --availability-zone {} --allocation-ids {}",
            &[gateway, zone, &"<AllocationId of an Elastic IP address>"],
        ),
        AcceptPeering { peering } => one("ec2 accept-vpc-peering-connection --vpc-peering-connection-id {}", &[peering]),
        ExcludeFromPublicAccessBlock { vpc } => one(
            "ec2 create-vpc-block-public-access-exclusion --vpc-id {} --internet-gateway-exclusion-mode allow-egress", &[vpc],
        ),
        DescribeTransitGatewayAttachments { vpc } => one(
            "ec2 describe-transit-gateway-vpc-attachments --filters {}", &[&format_args!("Name=vpc-id,Values={vpc}")],
        ),
        AssociateTransitGatewayRouteTable { attachment } => one(
            "ec2 associate-transit-gateway-route-table --transit-gateway-route-table-id <tgw-rtb-…> --transit-gateway-attachment-id {}",
            &[attachment],
        ),
        EnableTransitGatewayPropagation { table, attachment } => one(
            "ec2 enable-transit-gateway-route-table-propagation --transit-gateway-route-table-id {} --transit-gateway-attachment-id {}",
            &[table, attachment],
        ),
        CreateTransitGatewayRoute { table, to, attachment } => transit_route("create-transit-gateway-route", table, to, attachment.as_deref()),
        ReplaceTransitGatewayRoute { table, to, attachment } => transit_route("replace-transit-gateway-route", table, to, attachment.as_deref()),
        AssociateNewAddress { interface } => vec![
            aws("ec2 allocate-address --domain vpc", &[]).setting("allocation", "AllocationId"),
            aws("ec2 associate-address --network-interface-id {} --allocation-id {allocation}", &[interface]),
        ],
        DisableSourceDestCheck { interface } => one(
            "ec2 modify-network-interface-attribute --network-interface-id {} --no-source-dest-check", &[interface],
        ),
        EnableDns64 { subnet } => one("ec2 modify-subnet-attribute --subnet-id {} --enable-dns64", &[subnet]),
        StartInstance { instance } => one("ec2 start-instances --instance-ids {}", &[instance]),
        AuthorizeEgress { group, protocol, port, to } => egress(group.as_ref(), *protocol, *port, to),
        AuthorizeIngress { group, port, from } => {
            let (flag, from): (_, &dyn Display) = match from {
                Source::Group(group) => ("--source-group", group),
                Source::Range(range) => ("--cidr", range),
            };
            one("ec2 authorize-security-group-ingress --group-id {} --protocol tcp --port {} {} {}", &[&named(group.as_ref()), port, &flag, from])
        }
        CreateNetworkAclEntry { acl, egress, protocol, ports: (first, last), peer } => one(
            "ec2 create-network-acl-entry --network-acl-id {} {} --rule-number {} --protocol {} --port-range {} {} {} --rule-action allow",
            &[
                acl,
                &if *egress { "--egress" } else { "--ingress" },
                &"<a free number below the denying rule>",
                &protocol.as_str(),
                &format_args!("From={first},To={last}"),
                &if peer.addr().is_ipv6() { "--ipv6-cidr-block" } else { "--cidr-block" },
                peer,
            ],
        ),
        DescribeEndpoint { endpoint } => one("ec2 describe-vpc-endpoints --vpc-endpoint-ids {}", &[endpoint]),
        CreateGatewayEndpoint { vpc, service, table } => one(
            "ec2 create-vpc-endpoint --vpc-id {} --service-name {} --vpc-endpoint-type Gateway --route-table-ids {}", &[vpc, service, table],
        ),
        CreateInterfaceEndpoint { vpc, service, subnet, group } => one(
            "ec2 create-vpc-endpoint --vpc-id {} --service-name {} --vpc-endpoint-type Interface --subnet-ids {} --security-group-ids {} --private-dns-enabled",
            &[vpc, service, subnet, &group.as_ref().map_or("<a group that admits tcp/443 from the instance>", SecurityGroupId::as_str)],
        ),
        AddEndpointSubnet { endpoint, subnet } => one("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-subnet-ids {}", &[endpoint, subnet]),
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
        DescribeInstanceStatus { instance } => one("ec2 describe-instance-status --instance-ids {}", &[instance]),
        GetConsoleOutput { instance } => one("ec2 get-console-output --instance-id {} --latest", &[instance]),
        AssociateDhcpOptions { vpc } => one(
            "ec2 associate-dhcp-options --vpc-id {} --dhcp-options-id {}", &[vpc, &"<dopt-… with AmazonProvidedDNS>"],
        ),
    }
}

fn named(group: Option<&SecurityGroupId>) -> &str {
    group.map_or("<security group>", SecurityGroupId::as_str)
}

fn route(action: &str, table: &dyn Display, to: &Destination, via: RouteTarget) -> Vec<Command> {
    let block = match to {
        Destination::List(_) => "--destination-prefix-list-id",
        Destination::Cidr(range) if range.addr().is_ipv6() => "--destination-ipv6-cidr-block",
        Destination::Cidr(_) | Destination::Unreadable(_) => "--destination-cidr-block",
    };
    let (flag, target) = match via {
        RouteTarget::NatGateway => ("--nat-gateway-id", "<a NAT gateway in a public subnet>"),
        RouteTarget::EgressOnlyInternetGateway => {
            ("--egress-only-internet-gateway-id", "<an egress-only internet gateway>")
        }
        RouteTarget::OtherVpc => {
            ("--transit-gateway-id", "<tgw-…, or --vpc-peering-connection-id pcx-…>")
        }
    };
    one("ec2 {} --route-table-id {} {} {} {} {}", &[&action, table, &block, to, &flag, &target])
}

fn transit_route(
    action: &str,
    table: &str,
    to: &Destination,
    attachment: Option<&str>,
) -> Vec<Command> {
    one(
        "ec2 {} --transit-gateway-route-table-id {} --destination-cidr-block {} --transit-gateway-attachment-id {}",
        &[&action, &table, to, &attachment.unwrap_or("<the attachment that leads there>")],
    )
}

fn egress(
    group: Option<&SecurityGroupId>,
    protocol: Protocol,
    port: u16,
    to: &IpNet,
) -> Vec<Command> {
    let ranges = if to.addr().is_ipv6() { "Ipv6Ranges=[{CidrIpv6=" } else { "IpRanges=[{CidrIp=" };
    let protocol = protocol.as_str();
    one(
        "ec2 authorize-security-group-egress --group-id {} --ip-permissions {}",
        &[
            &named(group),
            &format_args!("IpProtocol={protocol},FromPort={port},ToPort={port},{ranges}{to}}}]"),
        ],
    )
}

#[rustfmt::skip]
fn network_firewall(change: &NetworkFirewallChange) -> Vec<Command> {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use NetworkFirewallChange::*;
    let token = "<UpdateToken from above>";
    match change {
        DescribeRuleGroup { group } => one("network-firewall describe-rule-group --rule-group-arn {}", &[group]),
        UpdateRuleGroup { group } => one(
            "network-firewall update-rule-group --rule-group-arn {} --update-token {} --rule-group {}",
            &[group, &token, &"<RuleGroup from above, changed>"],
        ),
        DescribePolicy { policy } => one("network-firewall describe-firewall-policy --firewall-policy-arn {}", &[policy]),
        UpdatePolicy { policy } => one(
            "network-firewall update-firewall-policy --firewall-policy-arn {} --update-token {} --firewall-policy {}",
            &[policy, &token, &"<FirewallPolicy from above, changed>"],
        ),
    }
}

fn route53(change: &Route53Change, region: &Region) -> Vec<Command> {
    match change {
        Route53Change::RemoveAddress { zone, address } => one(
            "route53 change-resource-record-sets --hosted-zone-id {} --change-batch {}",
            &[zone, &format_args!("file://<the record without {address}>")],
        ),
        Route53Change::UpsertCname { zone, name, target } => one(
            "route53 change-resource-record-sets --hosted-zone-id {} --change-batch {}",
            &[
                zone,
                &format_args!(
                    r#"{{"Changes":[{{"Action":"UPSERT","ResourceRecordSet":{{"Name":"{name}","Type":"CNAME","TTL":60,"ResourceRecords":[{{"Value":"{target}"}}]}}}}]}}"#
                ),
            ],
        ),
        Route53Change::DisassociateHostedZone { zone, vpc } => one(
            "route53 disassociate-vpc-from-hosted-zone --hosted-zone-id {} --vpc {}",
            &[zone, &format_args!("VPCRegion={region},VPCId={vpc}")],
        ),
    }
}

#[rustfmt::skip]
fn route53resolver(change: &Route53ResolverChange) -> Vec<Command> {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use Route53ResolverChange::*;
    match change {
        CreateFirewallAllowRule { group, before } => one(
            "route53resolver create-firewall-rule --firewall-rule-group-id {} --firewall-domain-list-id {} --name allow-aws --action ALLOW --priority {}",
            &[group, &"<a list with the names of AWS services>", &format_args!("<below {before}>")],
        ),
        TrustRedirection { group, list, query_type } => {
            let of_list = aws(
                "route53resolver update-firewall-rule --firewall-rule-group-id {} --firewall-domain-list-id {}", &[group, list],
            );
            let of_type = match query_type {
                Some(kind) => of_list.and("--qtype {}", &[kind]),
                None => of_list,
            };
            vec![of_type.and("--firewall-domain-redirection-action TRUST_REDIRECTION_DOMAIN", &[])]
        }
        CreateSystemRule { domain } => one(
            "route53resolver create-resolver-rule --creator-request-id aws-names --rule-type SYSTEM --domain-name {}", &[domain],
        ),
        AssociateResolverRule { vpc } => one(
            "route53resolver associate-resolver-rule --resolver-rule-id {} --vpc-id {}", &[&"<Id from above>", vpc],
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
        ListPastSessions { target } => one(
            "ssm describe-sessions --state History --filters {}", &[&format_args!("key=Target,value={target}")],
        ),
        GetConnectionStatus { target } => one("ssm get-connection-status --target {}", &[target]),
        UpdateAgent { target } => one(
            "ssm send-command --document-name AWS-UpdateSSMAgent --targets {}", &[&format_args!("Key=InstanceIds,Values={target}")],
        ),
    }
}
