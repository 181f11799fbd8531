//! VPC endpoints and their policies.

use std::net::IpAddr;

use serde_json::Value;
use ssm_doctor_facts::{
    ec2::{AddressFamily, Endpoint, EndpointKind, EndpointState, NetworkInterface},
    ids::{EndpointId, NetworkInterfaceId, SecurityGroupId, SubnetId, VpcId},
    lookup::Row,
    text::Text,
};

use super::{
    instance::address_in,
    policy_document,
    row::{GROUPS, Rows, SUBNETS, TABLES, VPCS},
    security_group::default_group,
};
use crate::plan::{
    identity::endpoint_interface,
    world::{Home, Known, Resource, World},
};

/// The address in its subnet that the first planned endpoint has. Instances have lower ones.
const FIRST_ADDRESS: u32 = 20;

const ENDPOINT: [&str; 1] = ["aws_vpc_endpoint"];

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &ENDPOINT) {
        let vpc = world.id_in::<VpcId>(resource, "vpc_id", &VPCS);
        let (Some(vpc), Ok(id)) = (vpc, resource.id.parse()) else {
            rows.ignored.insert((resource.address.clone(), "the plan does not show its VPC"));
            continue;
        };
        let row = endpoint(rows, world, home, resource, id, &vpc);
        if let Some(list) = rows.list_of(&vpc, |facts| &mut facts.endpoints) {
            list.push(row);
        }
    }
}

fn endpoint(
    rows: &mut Rows,
    world: &World,
    home: &Home,
    resource: &Resource,
    id: EndpointId,
    vpc: &VpcId,
) -> Endpoint {
    let ids = |name: &str, kinds: &[&str]| {
        world.refers(resource, name, kinds).value().unwrap_or_default()
    };
    let more = |kind: &'static str, name: &str, kinds: &[&str]| -> Vec<String> {
        let kind = [kind];
        let associations =
            world.of(home, &kind).filter(|association| is_of(world, association, resource));
        associations
            .filter_map(|association| world.refers_to_one(association, name, kinds).value())
            .collect()
    };
    let kind = resource.known("vpc_endpoint_type").unwrap_or_else(|| "Gateway".into());
    let is_interface = kind == "Interface";
    let mut subnets = if is_interface { ids("subnet_ids", &SUBNETS) } else { Vec::new() };
    subnets.extend(more("aws_vpc_endpoint_subnet_association", "subnet_id", &SUBNETS));
    let mut groups = ids("security_group_ids", &GROUPS);
    groups.extend(more(
        "aws_vpc_endpoint_security_group_association",
        "security_group_id",
        &GROUPS,
    ));
    // A module may set them for endpoints of all kinds.
    let mut tables = if is_interface { Vec::new() } else { ids("route_table_ids", &TABLES) };
    tables.extend(more("aws_vpc_endpoint_route_table_association", "route_table_id", &TABLES));
    let mut groups: Vec<SecurityGroupId> = groups.iter().filter_map(|id| id.parse().ok()).collect();
    if is_interface && groups.is_empty() {
        groups.extend(world.with_id(vpc.as_str()).and_then(|vpc| default_group(vpc).parse().ok()));
    }
    let service = resource.known("service_name").unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for entry in resource.items("dns_entry") {
        names.extend(entry.get("dns_name").and_then(|name| name.as_str()).map(str::to_owned));
    }
    if names.is_empty() {
        names.extend(planned_name(&resource.id, &service));
    }
    let dns = world
        .of(home, &["aws_vpc_endpoint_private_dns"])
        .find(|other| is_of(world, other, resource));
    let private_dns = dns.unwrap_or(resource).flag("private_dns_enabled", false);
    let dns_option = |name: &str| resource.items("dns_options").first()?.get(name);
    let family = |name: &str| Some(AddressFamily::from(dns_option(name)?.as_str()?.to_owned()));
    let subnets: Vec<SubnetId> = subnets.iter().filter_map(|id| id.parse().ok()).collect();
    let interfaces =
        if is_interface { interfaces(rows, resource, &subnets, &groups) } else { Vec::new() };
    Endpoint {
        id,
        service,
        kind: EndpointKind::from(kind),
        // What Terraform manages works once it is applied; it waits for that.
        state: EndpointState::Available,
        subnets,
        interfaces,
        security_groups: groups,
        private_dns,
        route_tables: tables.iter().filter_map(|id| id.parse().ok()).collect(),
        policy: policy(world, home, resource),
        service_region: resource
            .known("service_region")
            .filter(|region| region != home.region.as_str())
            .and_then(|region| region.parse().ok()),
        vpc: Some(vpc.clone()),
        ip_address_type: resource.known("ip_address_type").map(AddressFamily::from),
        dns_record_ip_type: family("dns_record_ip_type"),
        private_dns_for_inbound_only: dns_option("private_dns_only_for_inbound_resolver_endpoint")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        names,
    }
}

/// Is a resource, such as an association, about this endpoint?
fn is_of(world: &World, other: &Resource, endpoint: &Resource) -> bool {
    world.refers_to(other, "vpc_endpoint_id", &ENDPOINT, &endpoint.id)
}

/// An interface in each subnet. AWS chooses its address and its id: these are as good as any.
fn interfaces(
    rows: &mut Rows,
    resource: &Resource,
    subnets: &[SubnetId],
    groups: &[SecurityGroupId],
) -> Vec<NetworkInterfaceId> {
    let mut ids = Vec::new();
    for (at, subnet) in subnets.iter().enumerate() {
        let Ok(id) = endpoint_interface(&resource.id, at).parse::<NetworkInterfaceId>() else {
            continue;
        };
        let shown = resource.items("subnet_configuration").iter().find_map(|block| {
            let of = block.get("subnet_id")?.as_str()?;
            (of == subnet.as_str()).then(|| block.get("ipv4")?.as_str()?.parse::<IpAddr>().ok())?
        });
        let taken =
            rows.facts.network_interfaces.values().filter(
                |row| matches!(row, Row::Present(interface) if interface.subnet == *subnet),
            );
        let offset = u32::try_from(taken.count()).unwrap_or_default();
        let planned = || address_in(rows, subnet, FIRST_ADDRESS + offset).map(IpAddr::V4);
        let Some(address) = shown.or_else(planned) else { continue };
        let row = NetworkInterface {
            subnet: subnet.clone(),
            private_ips: vec![address],
            security_groups: groups.to_vec(),
            instance: None,
            public_ip: None,
            source_dest_check: Some(true),
        };
        rows.facts.network_interfaces.insert(id.clone(), Row::Present(row));
        ids.push(id);
    }
    ids
}

/// The name that leads to a planned endpoint: AWS makes it of the endpoint's id and of something random.
pub(super) fn planned_name(id: &str, service: &str) -> Option<String> {
    let mut parts = service.split('.').skip(2);
    let (region, service) = (parts.next()?, parts.next()?);
    Some(format!("{id}-planned.{service}.{region}.vpce.amazonaws.com"))
}

/// None is the policy that allows everything, which AWS gives an endpoint without one.
fn policy(world: &World, home: &Home, resource: &Resource) -> Option<Text> {
    let of_its_own =
        world.of(home, &["aws_vpc_endpoint_policy"]).find(|policy| is_of(world, policy, resource));
    let resource = of_its_own.unwrap_or(resource);
    match resource.text("policy") {
        Known::None => None,
        Known::Value(text) => Some(Text::parse(&text)),
        Known::Unknown(_, address) => {
            let known = policy_document::planned(world, resource, "policy");
            Some(known.unwrap_or_else(|| policy_document::open(&address, true)))
        }
    }
}
