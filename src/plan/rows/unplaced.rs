//! Resources of which a plan does not show where they belong.
//!
//! A route table whose VPC is known only after apply may be any VPC's. Left out, it would be one that does not exist,
//! and a path that it opens would count as closed. So what it may belong to is not known.

use std::collections::BTreeMap;

use ssm_doctor_facts::lookup::{Row, Why};

use super::dns_firewall::GROUP as FIREWALL;
use super::row::{ACLS, GROUPS, Rows, SUBNETS, TABLES, VPCS, unknown};
use crate::plan::world::{Home, Known, World};

/// The rows that are not known if a reference is not.
type Affected = fn(&mut Rows, Why, &str);

/// A kind of resource, an attribute that says where it belongs, what that may be, and the rows that depend on it.
type Reference = (&'static str, &'static str, &'static [&'static str], Affected);

const ROLE: [&str; 1] = ["aws_iam_role"];
const ENDPOINT: [&str; 1] = ["aws_vpc_endpoint"];
const GATEWAY: [&str; 1] = ["aws_internet_gateway"];
const TRANSIT: [&str; 1] = ["aws_ec2_transit_gateway"];
const TRANSIT_TABLE: [&str; 1] = ["aws_ec2_transit_gateway_route_table"];
const ATTACHMENT: [&str; 1] = ["aws_ec2_transit_gateway_vpc_attachment"];
const LIST: [&str; 1] = ["aws_ec2_managed_prefix_list"];
const ZONE: [&str; 1] = ["aws_route53_zone"];
const RULE: [&str; 1] = ["aws_route53_resolver_rule"];
const OPTIONS: [&str; 1] = ["aws_vpc_dhcp_options"];

#[rustfmt::skip]
const REFERENCES: &[Reference] = &[
    ("aws_vpc_dhcp_options_association", "vpc_id", &VPCS, vpcs),
    ("aws_vpc_dhcp_options_association", "dhcp_options_id", &OPTIONS, vpcs),
    ("aws_vpc_ipv4_cidr_block_association", "vpc_id", &VPCS, vpcs),
    ("aws_route_table", "vpc_id", &VPCS, route_tables),
    ("aws_default_route_table", "default_route_table_id", &VPCS, route_tables),
    ("aws_route_table_association", "route_table_id", &TABLES, route_tables),
    ("aws_route_table_association", "subnet_id", &SUBNETS, route_tables),
    ("aws_main_route_table_association", "route_table_id", &TABLES, route_tables),
    ("aws_main_route_table_association", "vpc_id", &VPCS, route_tables),
    ("aws_network_acl", "vpc_id", &VPCS, network_acls),
    ("aws_network_acl", "subnet_ids", &SUBNETS, network_acls),
    ("aws_default_network_acl", "default_network_acl_id", &VPCS, network_acls),
    ("aws_network_acl_rule", "network_acl_id", &ACLS, network_acls),
    ("aws_network_acl_association", "network_acl_id", &ACLS, network_acls),
    ("aws_network_acl_association", "subnet_id", &SUBNETS, network_acls),
    ("aws_default_security_group", "vpc_id", &VPCS, security_groups),
    ("aws_internet_gateway", "vpc_id", &VPCS, internet_gateways),
    ("aws_internet_gateway_attachment", "vpc_id", &VPCS, internet_gateways),
    ("aws_internet_gateway_attachment", "internet_gateway_id", &GATEWAY, internet_gateways),
    ("aws_egress_only_internet_gateway", "vpc_id", &VPCS, egress_only_gateways),
    ("aws_vpc_endpoint", "vpc_id", &VPCS, endpoints),
    ("aws_vpc_endpoint_subnet_association", "vpc_endpoint_id", &ENDPOINT, endpoints),
    ("aws_vpc_endpoint_subnet_association", "subnet_id", &SUBNETS, endpoints),
    ("aws_vpc_endpoint_security_group_association", "vpc_endpoint_id", &ENDPOINT, endpoints),
    ("aws_vpc_endpoint_security_group_association", "security_group_id", &GROUPS, endpoints),
    ("aws_vpc_endpoint_route_table_association", "vpc_endpoint_id", &ENDPOINT, route_tables),
    ("aws_vpc_endpoint_route_table_association", "route_table_id", &TABLES, route_tables),
    ("aws_vpc_endpoint_policy", "vpc_endpoint_id", &ENDPOINT, endpoints),
    ("aws_vpc_endpoint_private_dns", "vpc_endpoint_id", &ENDPOINT, endpoints),
    ("aws_ec2_transit_gateway_vpc_attachment", "vpc_id", &VPCS, attachments),
    ("aws_ec2_transit_gateway_vpc_attachment", "transit_gateway_id", &TRANSIT, attachments),
    ("aws_ec2_transit_gateway_vpc_attachment", "subnet_ids", &SUBNETS, attachments),
    ("aws_ec2_transit_gateway_route_table", "transit_gateway_id", &TRANSIT, transit_gateways),
    ("aws_ec2_transit_gateway_route_table_association", "transit_gateway_attachment_id", &ATTACHMENT, transit_gateways),
    ("aws_ec2_transit_gateway_route_table_association", "transit_gateway_route_table_id", &TRANSIT_TABLE, transit_gateways),
    ("aws_ec2_transit_gateway_route_table_propagation", "transit_gateway_attachment_id", &ATTACHMENT, transit_gateways),
    ("aws_ec2_transit_gateway_route_table_propagation", "transit_gateway_route_table_id", &TRANSIT_TABLE, transit_gateways),
    ("aws_vpc_peering_connection", "vpc_id", &VPCS, peerings),
    ("aws_vpc_peering_connection", "peer_vpc_id", &VPCS, peerings),
    ("aws_ec2_managed_prefix_list_entry", "prefix_list_id", &LIST, prefix_lists),
    ("aws_route53_record", "zone_id", &ZONE, zone_records),
    ("aws_route53_zone_association", "zone_id", &ZONE, hosted_zones),
    ("aws_route53_zone_association", "vpc_id", &VPCS, hosted_zones),
    ("aws_route53_resolver_rule_association", "resolver_rule_id", &RULE, resolver_rules),
    ("aws_route53_resolver_rule_association", "vpc_id", &VPCS, resolver_rules),
    ("aws_route53_resolver_firewall_rule_group_association", "firewall_rule_group_id", &FIREWALL, firewall_groups),
    ("aws_route53_resolver_firewall_rule_group_association", "vpc_id", &VPCS, firewall_groups),
    ("aws_route53_resolver_firewall_rule", "firewall_rule_group_id", &FIREWALL, firewall_rules),
    ("aws_vpc_block_public_access_exclusion", "vpc_id", &VPCS, public_access_blocks),
    ("aws_vpc_block_public_access_exclusion", "subnet_id", &SUBNETS, public_access_blocks),
    ("aws_vpn_gateway_route_propagation", "route_table_id", &TABLES, route_tables),
    ("aws_iam_role_policy_attachment", "role", &ROLE, role_policies),
    ("aws_iam_role_policy_attachments_exclusive", "role_name", &ROLE, role_policies),
    ("aws_iam_policy_attachment", "roles", &ROLE, role_policies),
    ("aws_iam_role_policy", "role", &ROLE, role_policies),
];

/// Attributes that are lists.
const LISTS: [&str; 2] = ["subnet_ids", "roles"];

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for (kind, attribute, kinds, affected) in REFERENCES {
        let kind = [*kind];
        for resource in world.of(home, &kind).filter(|resource| !resource.data) {
            let unknown = if LISTS.contains(attribute) {
                world.refers(resource, attribute, kinds).why()
            } else {
                world.refers_to_one(resource, attribute, kinds).why()
            };
            if let Some((why, address)) = unknown {
                affected(rows, why, &address);
            }
        }
    }
    for resource in world.of(home, &ZONE).filter(|zone| !zone.data) {
        for block in resource.items("vpc") {
            let vpc = world.refers_in_block(resource, "vpc", block, "vpc_id", &VPCS);
            if let Known::Unknown(why, address) = vpc {
                hosted_zones(rows, why, &address);
            }
        }
    }
    for resource in world.of(home, &ENDPOINT).filter(|endpoint| !endpoint.data) {
        let is_interface = resource.known("vpc_endpoint_type").as_deref() == Some("Interface");
        let lists: &[(&str, &[&str])] = if is_interface {
            &[("subnet_ids", &SUBNETS), ("security_group_ids", &GROUPS)]
        } else {
            &[("route_table_ids", &TABLES)]
        };
        for (attribute, kinds) in lists {
            if let Known::Unknown(why, address) = world.refers(resource, attribute, kinds) {
                let affected = if is_interface { endpoints } else { route_tables };
                affected(rows, why, &address);
            }
        }
    }
}

fn all<K, T>(rows: &mut BTreeMap<K, Row<T>>, why: Why, address: &str) {
    for row in rows.values_mut() {
        *row = unknown(why, address);
    }
}

macro_rules! affected {
    ($($table:ident,)*) => {
        $(fn $table(rows: &mut Rows, why: Why, address: &str) {
            all(&mut rows.facts.$table, why, address);
        })*
    };
}

affected! {
    vpcs,
    route_tables,
    network_acls,
    security_groups,
    internet_gateways,
    egress_only_gateways,
    endpoints,
    transit_gateways,
    peerings,
    prefix_lists,
    hosted_zones,
    zone_records,
    resolver_rules,
    firewall_groups,
    firewall_rules,
    public_access_blocks,
    role_policies,
}

fn attachments(rows: &mut Rows, why: Why, address: &str) {
    all(&mut rows.facts.transit_gateway_attachments, why, address);
    all(&mut rows.facts.transit_gateways, why, address);
}
