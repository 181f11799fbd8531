//! Changes to networks and names as Terraform resources.
//!
//! Written for versions 5 and 6 of the AWS provider.

use alloc::{format, string::String};

use ipnet::IpNet;
use ssm_doctor_facts::{
    change::{
        ENDPOINT_NAME, Ec2Change, Protocol, Route53Change, Route53ResolverChange, RouteTarget,
        Source,
    },
    ec2::Destination,
    ids::{EndpointId, ServiceName, ZoneId},
};

use super::hcl::{Block, named, reference};

/// The name of a resource of which there is one at most.
const ONLY: &str = "ssm_doctor";

#[allow(clippy::too_many_lines, reason = "one arm for each kind of change")]
pub(super) fn ec2(change: &Ec2Change) -> Option<String> {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use Ec2Change::*;
    Some(match change {
        CreateRoute { table, to, via } | ReplaceRoute { table, to, via, .. } => {
            route(table.as_str(), to, via)
        }
        CreateInternetGateway => Block::resource("aws_internet_gateway", ONLY).end(),
        AttachInternetGateway { gateway, vpc } => {
            let attachment = Block::resource("aws_internet_gateway_attachment", ONLY)
                .text("internet_gateway_id", gateway.as_str())
                .text("vpc_id", vpc.as_str());
            attachment.end()
        }
        CreateEgressOnlyInternetGateway { vpc } => {
            Block::resource("aws_egress_only_internet_gateway", ONLY)
                .text("vpc_id", vpc.as_str())
                .end()
        }
        CreateNatGateway { subnet } => joined(&[
            Block::resource("aws_eip", "ssm_doctor_nat").text("domain", "vpc").end(),
            Block::resource("aws_nat_gateway", ONLY)
                .text("subnet_id", subnet.as_str())
                .expression("allocation_id", "aws_eip.ssm_doctor_nat.id")
                .end(),
        ]),
        AcceptPeering { peering, region: None } => {
            Block::resource("aws_vpc_peering_connection_accepter", ONLY)
                .text("vpc_peering_connection_id", peering.as_str())
                .expression("auto_accept", "true")
                .end()
        }
        ExcludeFromPublicAccessBlock { subnet, mode } => {
            Block::resource("aws_vpc_block_public_access_exclusion", ONLY)
                .text("subnet_id", subnet.as_str())
                .text("internet_gateway_exclusion_mode", &format!("{mode}"))
                .end()
        }
        CreateTransitGatewayAttachment { gateway, vpc, subnet } => {
            Block::resource("aws_ec2_transit_gateway_vpc_attachment", ONLY)
                .text("transit_gateway_id", gateway.as_str())
                .text("vpc_id", vpc.as_str())
                .list("subnet_ids", &[subnet])
                .end()
        }
        AcceptTransitGatewayAttachment { attachment } => {
            Block::resource("aws_ec2_transit_gateway_vpc_attachment_accepter", ONLY)
                .text("transit_gateway_attachment_id", attachment)
                .end()
        }
        AssociateTransitGatewayRouteTable { table, attachment } => {
            transit("aws_ec2_transit_gateway_route_table_association", table, attachment).end()
        }
        EnableTransitGatewayPropagation { table, attachment } => {
            transit("aws_ec2_transit_gateway_route_table_propagation", table, attachment).end()
        }
        CreateTransitGatewayRoute { table, to, attachment }
        | ReplaceTransitGatewayRoute { table, to, attachment } => {
            transit("aws_ec2_transit_gateway_route", table, attachment)
                .text("destination_cidr_block", &format!("{to}"))
                .end()
        }
        AssociateNewAddress { interface } => Block::resource("aws_eip", ONLY)
            .text("domain", "vpc")
            .text("network_interface", interface.as_str())
            .end(),
        StartInstance { instance } => Block::resource("aws_ec2_instance_state", ONLY)
            .text("instance_id", instance.as_str())
            .text("state", "running")
            .end(),
        CreateSecurityGroup { vpc } => Block::resource("aws_security_group", ONLY)
            .text("name", "ssm-endpoints")
            .text("description", "HTTPS to the endpoints of Systems Manager")
            .text("vpc_id", vpc.as_str())
            .end(),
        AuthorizeEgress { group, protocol, port, to } => {
            rule("egress", group.as_str(), *protocol, *port, to)
        }
        AuthorizeIngress { group, protocol, port, from } => {
            rule("ingress", group.as_str(), *protocol, *port, from)
        }
        CreateNetworkAclEntry { acl, egress, number, protocol, ports, peer } => {
            let direction = if *egress { "egress" } else { "ingress" };
            let block = if peer.addr().is_ipv6() { "ipv6_cidr_block" } else { "cidr_block" };
            let name = named(&[acl.as_str(), direction, &format!("{number}")]);
            Block::resource("aws_network_acl_rule", &name)
                .text("network_acl_id", acl.as_str())
                .expression("egress", if *egress { "true" } else { "false" })
                .expression("rule_number", &format!("{number}"))
                .text("protocol", protocol.as_str())
                .text("rule_action", "allow")
                .text(block, &format!("{peer}"))
                .expression("from_port", &format!("{}", ports.0))
                .expression("to_port", &format!("{}", ports.1))
                .end()
        }
        CreateGatewayEndpoint { vpc, service, tables } => {
            endpoint(vpc.as_str(), service, "Gateway").list("route_table_ids", tables).end()
        }
        CreateInterfaceEndpoint { vpc, service, subnets, groups } => {
            endpoint(vpc.as_str(), service, "Interface")
                .list("subnet_ids", subnets)
                .list("security_group_ids", groups)
                .expression("private_dns_enabled", "true")
                .end()
        }
        AddEndpointSubnet { endpoint, subnet } => Block::resource(
            "aws_vpc_endpoint_subnet_association",
            &named(&[endpoint.as_str(), subnet.as_str()]),
        )
        .text("vpc_endpoint_id", endpoint.as_str())
        .text("subnet_id", subnet.as_str())
        .end(),
        AddEndpointSecurityGroup { endpoint, group } => Block::resource(
            "aws_vpc_endpoint_security_group_association",
            &named(&[endpoint.as_str(), group.as_str()]),
        )
        .text("vpc_endpoint_id", endpoint.as_str())
        .text("security_group_id", group.as_str())
        .end(),
        AddEndpointRouteTable { endpoint, table } => Block::resource(
            "aws_vpc_endpoint_route_table_association",
            &named(&[endpoint.as_str(), table.as_str()]),
        )
        .text("vpc_endpoint_id", endpoint.as_str())
        .text("route_table_id", table.as_str())
        .end(),
        EnablePrivateDns { endpoint } => {
            Block::resource("aws_vpc_endpoint_private_dns", &named(&[endpoint.as_str()]))
                .text("vpc_endpoint_id", endpoint.as_str())
                .expression("private_dns_enabled", "true")
                .end()
        }
        AssociateDhcpOptions { vpc } => joined(&[
            Block::resource("aws_vpc_dhcp_options", ONLY)
                .list("domain_name_servers", &["AmazonProvidedDNS"])
                .end(),
            Block::resource("aws_vpc_dhcp_options_association", ONLY)
                .text("vpc_id", vpc.as_str())
                .expression("dhcp_options_id", "aws_vpc_dhcp_options.ssm_doctor.id")
                .end(),
        ]),
        // The provider of another Region has a name that is not known.
        AcceptPeering { region: Some(_), .. }
        | DeleteRoute { .. }
        | AssociateNatGatewayAddress { .. }
        | AddTransitGatewayAttachmentSubnet { .. }
        | DisableSourceDestCheck { .. }
        | EnableDns64 { .. }
        | StopAndStartInstance { .. }
        | RebootInstance { .. }
        | EnableMetadataService { .. }
        | DeleteEndpoint { .. }
        | MakeEndpointDualStack { .. }
        | EnableDnsSupport { .. }
        | EnableDnsHostnames { .. } => return None,
    })
}

fn joined(blocks: &[String]) -> String {
    blocks.join("\n\n")
}

fn route(table: &str, to: &Destination, via: &RouteTarget) -> String {
    let block = match to {
        Destination::List(_) => "destination_prefix_list_id",
        Destination::Cidr(range) if range.addr().is_ipv6() => "destination_ipv6_cidr_block",
        Destination::Cidr(_) | Destination::Unreadable(_) => "destination_cidr_block",
    };
    let target = match via {
        RouteTarget::NatGateway(_) => "nat_gateway_id",
        RouteTarget::InternetGateway(_) => "gateway_id",
        RouteTarget::EgressOnlyInternetGateway(_) => "egress_only_gateway_id",
        RouteTarget::TransitGateway(_) => "transit_gateway_id",
        RouteTarget::Peering(_) => "vpc_peering_connection_id",
    };
    let to = format!("{to}");
    let name = if to.ends_with("/0") { named(&[table]) } else { named(&[table, &to]) };
    Block::resource("aws_route", &name)
        .text("route_table_id", table)
        .text(block, &to)
        .text(target, via.as_str())
        .end()
}

/// A resource of a transit gateway's route table.
fn transit(kind: &str, table: &str, attachment: &str) -> Block {
    Block::resource(kind, &named(&[table, attachment]))
        .text("transit_gateway_route_table_id", table)
        .text("transit_gateway_attachment_id", attachment)
}

fn rule(direction: &str, group: &str, protocol: Protocol, port: u16, peer: &Source) -> String {
    let kind = format!("aws_vpc_security_group_{direction}_rule");
    let (attribute, peer) = match peer {
        Source::Group(group) => ("referenced_security_group_id", String::from(group.as_str())),
        Source::Range(IpNet::V4(range)) => ("cidr_ipv4", format!("{range}")),
        Source::Range(IpNet::V6(range)) => ("cidr_ipv6", format!("{range}")),
    };
    Block::resource(&kind, &named(&[group, &peer, protocol.as_str()]))
        .text("security_group_id", group)
        .text(attribute, &peer)
        .text("ip_protocol", protocol.as_str())
        .expression("from_port", &format!("{port}"))
        .expression("to_port", &format!("{port}"))
        .end()
}

fn endpoint(vpc: &str, service: &ServiceName, kind: &str) -> Block {
    let short = service.as_str().rsplit('.').next().unwrap_or_default();
    Block::resource("aws_vpc_endpoint", &named(&[short]))
        .text("vpc_id", vpc)
        .text("service_name", service.as_str())
        .text("vpc_endpoint_type", kind)
}

pub(super) fn route53(change: &Route53Change) -> Option<String> {
    Some(match change {
        Route53Change::UpsertAddresses { zone, name, addresses } => {
            let kind = if addresses.iter().any(core::net::IpAddr::is_ipv6) { "AAAA" } else { "A" };
            record(zone, name, kind).expression("ttl", "60").list("records", addresses).end()
        }
        Route53Change::UpsertAlias { zone, name, endpoint, dns_name } => {
            let (data, label) = looked_up(endpoint);
            let target = dns_name.as_deref().unwrap_or(ENDPOINT_NAME);
            let alias = [
                ("name", of_endpoint(target, &label)),
                ("zone_id", of_endpoint(ZoneId::created().as_str(), &label)),
                ("evaluate_target_health", String::from("false")),
            ];
            joined(&[data, record(zone, name, "A").nested("alias", &alias).end()])
        }
        Route53Change::UpsertCname { zone, name, endpoint, dns_name } => {
            let (data, label) = looked_up(endpoint);
            let target = dns_name.as_deref().unwrap_or(ENDPOINT_NAME);
            let records = format!("[{}]", of_endpoint(target, &label));
            let record = record(zone, name, "CNAME").expression("ttl", "60");
            let record = record.expression("records", &records).end();
            if dns_name.is_none() { joined(&[data, record]) } else { record }
        }
        // An association goes when its block does.
        Route53Change::DisassociateZone { .. } => return None,
    })
}

fn record(zone: &ZoneId, name: &str, kind: &str) -> Block {
    let first = name.split('.').next().unwrap_or_default();
    Block::resource("aws_route53_record", &named(&[first, kind]))
        .text("zone_id", zone.as_str())
        .text("name", name)
        .text("type", kind)
        .expression("allow_overwrite", "true")
}

/// The data of an endpoint, and their name.
fn looked_up(endpoint: &EndpointId) -> (String, String) {
    let label = named(&[endpoint.as_str()]);
    (Block::data("aws_vpc_endpoint", &label).text("id", endpoint.as_str()).end(), label)
}

/// A value, or a reference to the data of the endpoint with this label.
fn of_endpoint(value: &str, label: &str) -> String {
    reference(value).replace("aws_vpc_endpoint.ssm_doctor.", &format!("aws_vpc_endpoint.{label}."))
}

pub(super) fn route53resolver(change: &Route53ResolverChange) -> Option<String> {
    Some(match change {
        Route53ResolverChange::CreateFirewallAllowRule { group, domains, priority } => joined(&[
            Block::resource("aws_route53_resolver_firewall_domain_list", ONLY)
                .text("name", "ssm-names")
                .list("domains", domains)
                .end(),
            Block::resource("aws_route53_resolver_firewall_rule", ONLY)
                .text("name", "allow-ssm")
                .text("action", "ALLOW")
                .expression(
                    "firewall_domain_list_id",
                    "aws_route53_resolver_firewall_domain_list.ssm_doctor.id",
                )
                .text("firewall_rule_group_id", group.as_str())
                .expression("priority", &format!("{priority}"))
                .end(),
        ]),
        Route53ResolverChange::AssociateSystemRule { domain, vpc } => {
            let name = named(&[domain.split('.').next().unwrap_or_default()]);
            joined(&[
                Block::resource("aws_route53_resolver_rule", &name)
                    .text("domain_name", domain)
                    .text("rule_type", "SYSTEM")
                    .end(),
                Block::resource("aws_route53_resolver_rule_association", &name)
                    .expression("resolver_rule_id", &format!("aws_route53_resolver_rule.{name}.id"))
                    .text("vpc_id", vpc.as_str())
                    .end(),
            ])
        }
        Route53ResolverChange::TrustRedirection { .. }
        | Route53ResolverChange::DisassociateResolverRule { .. } => return None,
    })
}
