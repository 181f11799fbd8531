//! VPCs, subnets and DHCP options.

use std::str::FromStr;

use serde_json::Value;
use ssm_doctor_facts::{
    ec2::{DhcpOptions, Subnet, Vpc, VpcDns},
    ids::{DhcpOptionsId, SubnetId, VpcId},
    lookup::{Row, Why},
};

use super::row::{Rows, SUBNETS, VPCS, lists, parsed, part_of, range, range4, range6, unknown};
use crate::plan::world::{Home, Known, Resource, World};

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &["aws_vpc_dhcp_options"]) {
        let Ok(id) = resource.id.parse::<DhcpOptionsId>() else { continue };
        let servers = resource.texts("domain_name_servers");
        rows.facts.dhcp_options.insert(id, Row::Present(DhcpOptions { name_servers: servers }));
    }
    for resource in world.of(home, &VPCS) {
        let Ok(id) = resource.id.parse::<VpcId>() else { continue };
        vpc(rows, world, home, resource, &id);
    }
    for resource in world.of(home, &SUBNETS) {
        let Ok(id) = resource.id.parse::<SubnetId>() else { continue };
        let row = subnet(world, home, resource);
        if let Row::Present(subnet) = &row
            && !rows.managed.contains(&subnet.vpc)
        {
            part_of(rows, &subnet.vpc.clone());
        }
        rows.facts.subnets.insert(id, row);
    }
}

fn vpc(rows: &mut Rows, world: &World, home: &Home, resource: &Resource, id: &VpcId) {
    let mut cidrs: Vec<_> = ["cidr_block", "ipv6_cidr_block"]
        .iter()
        .filter_map(|name| range(&resource.known(name)?))
        .collect();
    let more = ["aws_vpc_ipv4_cidr_block_association", "aws_vpc_ipv6_cidr_block_association"];
    for association in world.of(home, &more) {
        if world.refers_to(association, "vpc_id", &VPCS, id.as_str()) {
            let names = ["cidr_block", "ipv6_cidr_block"];
            cidrs.extend(names.iter().filter_map(|name| range(&association.known(name)?)));
        }
    }
    let associated =
        world.of(home, &["aws_vpc_dhcp_options_association"]).find_map(|association| {
            world.refers_to(association, "vpc_id", &VPCS, id.as_str()).then(|| {
                world
                    .refers_to_one(association, "dhcp_options_id", &["aws_vpc_dhcp_options"])
                    .value()
            })?
        });
    let own = resource.known("dhcp_options_id").unwrap_or_else(|| "default".into());
    let options: Option<DhcpOptionsId> =
        associated.clone().unwrap_or_else(|| own.clone()).parse().ok();
    // A VPC that nobody gives other options has the account's default ones, with Amazon's DNS server.
    if let (Some(options), None, false) = (&options, &associated, resource.data && own != "default")
    {
        let amazon = DhcpOptions { name_servers: vec!["AmazonProvidedDNS".into()] };
        rows.facts.dhcp_options.insert(options.clone(), Row::Present(amazon));
    }
    let row = Vpc { owner: Some(home.account.clone()), cidrs, dhcp_options: options };
    let row = match resource.text("cidr_block") {
        Known::Unknown(why, address) => unknown(why, &address),
        _ => Row::Present(row),
    };
    rows.facts.vpcs.insert(id.clone(), row);
    let dns = VpcDns {
        support: resource.flag("enable_dns_support", true),
        // A default VPC has host names, any other one has none unless it asks for them.
        hostnames: resource.flag("enable_dns_hostnames", resource.kind == "aws_default_vpc"),
    };
    rows.facts.vpc_dns.insert(id.clone(), Row::Present(dns));
    if resource.data {
        part_of(rows, id);
    } else {
        rows.managed.insert(id.clone());
        nothing_else(rows, id);
    }
}

/// The lists that a VPC has, all of them empty.
fn nothing_else(rows: &mut Rows, id: &VpcId) {
    let facts = &mut rows.facts;
    facts.network_firewalls.insert(id.clone(), Row::Present(Vec::new()));
    facts.profiles.insert(id.clone(), Row::Present(Vec::new()));
    facts.connect_endpoints.insert(id.clone(), Row::Present(Vec::new()));
    lists(rows, id);
}

fn subnet(world: &World, home: &Home, resource: &Resource) -> Row<Subnet> {
    let vpc = match parsed::<VpcId, _>(world, resource, "vpc_id", &VPCS) {
        Ok(Some(vpc)) => vpc,
        Ok(None) => return unknown(Why::NotInPlan, &resource.attribute_address("vpc_id")),
        Err(row) => return row,
    };
    let cidr = match resource.text("cidr_block") {
        Known::Unknown(why, address) => return unknown(why, &address),
        known => known.value().and_then(|text| range4(&text)),
    };
    let ipv6 = resource.known("ipv6_cidr_block").and_then(|text| range6(&text));
    Row::Present(Subnet {
        vpc,
        owner: Some(home.account.clone()),
        cidr,
        ipv6_cidrs: ipv6.into_iter().collect(),
        availability_zone: Some(zone(resource, home)),
        maps_public_ip: resource
            .flag("map_public_ip_on_launch", resource.kind == "aws_default_subnet"),
        dns64: resource.flag("enable_dns64", false),
    })
}

/// Of a resource that manages the default route table or network ACL of a VPC: the VPC, and the id of what it
/// manages. `attribute` refers to it; `default_of` says which one a VPC has.
pub(super) fn default_in<T: FromStr>(
    world: &World,
    resource: &Resource,
    attribute: &str,
    default_of: fn(&Resource) -> String,
) -> Option<(VpcId, T)> {
    let given = resource.known(attribute);
    let vpc = world.resources.iter().find(|vpc| {
        VPCS.contains(&vpc.kind)
            && match &given {
                Some(given) => default_of(vpc) == *given,
                None => world.refers_to(resource, attribute, &VPCS, &vpc.id),
            }
    })?;
    Some((vpc.id.parse().ok()?, default_of(vpc).parse().ok()?))
}

/// Where nobody says a zone, AWS chooses one. Then each subnet counts as in the first.
fn zone(resource: &Resource, home: &Home) -> String {
    let given = resource.values.get("availability_zone").and_then(Value::as_str);
    given.map_or_else(|| format!("{}a", home.region), str::to_owned)
}
