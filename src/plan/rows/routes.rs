//! Route tables.
//!
//! A route works as long as what it leads to exists. When that is deleted, the route becomes a blackhole.

use std::collections::BTreeSet;

use serde_json::Value;
use ssm_doctor_facts::{
    ec2::{Destination, NextHop, Route, RouteState, RouteTable},
    ids::{RouteTableId, SubnetId, VpcId},
    lookup::{Row, Why},
};

use super::{
    row::{Rows, SUBNETS, TABLES, VPCS, range, unknown},
    vpc::default_in,
};
use crate::plan::{
    identity::{INTERFACE_OF_INSTANCE, MAIN_ROUTE_TABLE, PREFIX_LIST_OF_ENDPOINT},
    values::{Attribute, attribute},
    world::{Home, Known, Resource, World},
};

/// Where a route may lead, and what that may be.
const HOPS: [(&str, &[&str]); 9] = [
    ("gateway_id", &["aws_internet_gateway", "aws_vpn_gateway"]),
    ("nat_gateway_id", &["aws_nat_gateway"]),
    ("transit_gateway_id", &["aws_ec2_transit_gateway"]),
    ("vpc_peering_connection_id", &["aws_vpc_peering_connection"]),
    ("network_interface_id", &["aws_network_interface", "aws_instance"]),
    ("egress_only_gateway_id", &["aws_egress_only_internet_gateway"]),
    ("vpc_endpoint_id", &["aws_vpc_endpoint"]),
    ("carrier_gateway_id", &["aws_ec2_carrier_gateway"]),
    ("core_network_arn", &["aws_networkmanager_core_network"]),
];

const DESTINATIONS: [&str; 6] = [
    "cidr_block",
    "ipv6_cidr_block",
    "destination_prefix_list_id",
    "destination_cidr_block",
    "destination_ipv6_cidr_block",
    "prefix_list_id",
];

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &VPCS).filter(|vpc| !vpc.data) {
        let (Ok(vpc), Ok(id)) = (resource.id.parse(), default_table(resource).parse()) else {
            continue;
        };
        push(rows, &vpc, RouteTable { id, main: true, subnets: Vec::new(), routes: Vec::new() });
    }
    for resource in world.of(home, &TABLES) {
        let Some((vpc, id)) = place(world, resource) else { continue };
        let blocks = resource.items("route").iter();
        let routes = blocks.filter_map(|block| {
            let refers = |name: &str, kinds: &[&str]| {
                world.refers_in_block(resource, "route", block, name, kinds)
            };
            route(block, &refers, &world.gone)
        });
        let mut routes: Vec<Route> = routes.collect();
        if !resource.sets("route") {
            for former in world.former(home, &["aws_route"]) {
                let refers = |name: &str, kinds: &[&str]| world.refers(former, name, kinds);
                let tables = refers("route_table_id", &TABLES).value().unwrap_or_default();
                if let (Some(deleted), true) =
                    (route(&former.values, &refers, &world.gone), tables.contains(&resource.id))
                {
                    routes.retain(|route| route.to != deleted.to);
                }
            }
        }
        let main = resource.kind == "aws_default_route_table";
        if let Some(Row::Present(tables)) = rows.facts.route_tables.get_mut(&vpc) {
            tables.retain(|table| table.id != id);
        }
        push(rows, &vpc, RouteTable { id, main, subnets: Vec::new(), routes });
    }
    let mut unplaced = Vec::new();
    for resource in world.of(home, &["aws_route"]) {
        if world.is_overruled(resource, "route_table_id", &TABLES, "route") {
            continue;
        }
        let refers = |name: &str, kinds: &[&str]| world.refers(resource, name, kinds);
        let Some(route) = route(&resource.values, &refers, &world.gone) else { continue };
        match world.refers_to_one(resource, "route_table_id", &TABLES) {
            Known::Value(table) => {
                let Some(table) = find(rows, &table) else { continue };
                // The state of a table lists its routes, those of other resources too.
                table.routes.retain(|other| other.to != route.to);
                table.routes.push(route);
            }
            Known::None => {}
            Known::Unknown(_, address) => {
                unplaced.push(Route { via: NextHop(after_apply(&address)), ..route });
            }
        }
    }
    // A table has one route for a destination, so any table without one may get it.
    let tables = rows.facts.route_tables.values_mut().filter_map(Row::present_mut).flatten();
    for table in tables {
        for route in &unplaced {
            if table.routes.iter().all(|other| other.to != route.to) {
                table.routes.push(route.clone());
            }
        }
    }
    propagated(rows, world, home);
    for endpoint in world.of(home, &["aws_vpc_endpoint"]) {
        to_gateway_endpoint(rows, endpoint);
    }
    associate(rows, world, home);
    local(rows);
}

fn default_table(vpc: &Resource) -> String {
    let id =
        ["main_route_table_id", "default_route_table_id"].iter().find_map(|name| vpc.known(name));
    id.unwrap_or_else(|| MAIN_ROUTE_TABLE.id(&vpc.id))
}

pub(super) fn place(world: &World, resource: &Resource) -> Option<(VpcId, RouteTableId)> {
    if resource.kind == "aws_default_route_table" {
        return default_in(world, resource, "default_route_table_id", default_table);
    }
    Some((world.id_in(resource, "vpc_id", &VPCS)?, resource.id.parse().ok()?))
}

fn push(rows: &mut Rows, vpc: &VpcId, table: RouteTable) {
    if let Some(tables) = rows.list_of(vpc, |facts| &mut facts.route_tables) {
        tables.push(table);
    }
}

fn find<'r>(rows: &'r mut Rows, id: &str) -> Option<&'r mut RouteTable> {
    let lists = rows.facts.route_tables.values_mut().filter_map(Row::present_mut);
    lists.flatten().find(|table| table.id.as_str() == id)
}

/// A virtual private gateway may propagate any route, a default one too. Static routes come before those.
fn propagated(rows: &mut Rows, world: &World, home: &Home) {
    let gateway = ["aws_vpn_gateway"];
    let mut all: Vec<(String, String)> = Vec::new();
    for resource in world.of(home, &TABLES) {
        let Some((_, table)) = place(world, resource) else { continue };
        let gateways = world.refers(resource, "propagating_vgws", &gateway).value();
        all.extend(gateways.into_iter().flatten().map(|gateway| (table.to_string(), gateway)));
    }
    for resource in world.of(home, &["aws_vpn_gateway_route_propagation"]) {
        let table = world.refers_to_one(resource, "route_table_id", &TABLES).value();
        let gateway = world.refers_to_one(resource, "vpn_gateway_id", &gateway).value();
        all.extend(table.zip(gateway));
    }
    for (table, gateway) in all {
        let everything = Destination::Cidr(ipnet::Ipv4Net::default().into());
        if let Some(table) = find(rows, &table)
            && table.routes.iter().all(|route| route.to != everything)
        {
            let via = NextHop(gateway);
            let route = Route { to: everything, via, state: RouteState::Active, propagated: true };
            table.routes.push(route);
        }
    }
}

/// The ids of the resources of some kinds to which an attribute refers.
type Refers<'r> = dyn Fn(&str, &[&str]) -> Known<Vec<String>> + 'r;

fn route(block: &Value, refers: &Refers, gone: &BTreeSet<String>) -> Option<Route> {
    let to = DESTINATIONS.iter().find_map(|name| {
        if name.ends_with("list_id") {
            let kinds = ["aws_ec2_managed_prefix_list", "aws_prefix_list"];
            return match refers(name, &kinds) {
                Known::Value(ids) => ids.first()?.parse().ok().map(Destination::List),
                Known::None => None,
                Known::Unknown(_, address) => Some(Destination::Unreadable(after_apply(&address))),
            };
        }
        match attribute(block.get(name)) {
            Attribute::Known(Value::String(text)) if text.is_empty() => None,
            Attribute::Known(Value::String(text)) => Some(
                range(text)
                    .map_or_else(|| Destination::Unreadable(text.clone()), Destination::Cidr),
            ),
            Attribute::None => None,
            _ => Some(Destination::Unreadable("known only after apply".into())),
        }
    })?;
    let mut via = None;
    let mut unknown = None;
    for (name, kinds) in HOPS {
        match refers(name, kinds) {
            Known::Value(ids) => via = via.or_else(|| ids.into_iter().next().map(interface)),
            Known::Unknown(_, address) => unknown = unknown.or(Some(address)),
            Known::None => {}
        }
    }
    let via = via.or_else(|| unknown.map(|address| after_apply(&address)))?;
    let state = if gone.contains(&via) { RouteState::Blackhole } else { RouteState::Active };
    Some(Route { to, via: NextHop(via), state, propagated: false })
}

/// The first interface of an instance, where a route leads to the instance.
fn interface(id: String) -> String {
    if INTERFACE_OF_INSTANCE.comes_with(&id) { INTERFACE_OF_INSTANCE.id(&id) } else { id }
}

/// What stands for a text that is not known.
fn after_apply(address: &str) -> String {
    format!("{address}, known only after apply")
}

/// AWS adds the route to a gateway endpoint, by a list of the service's addresses.
fn to_gateway_endpoint(rows: &mut Rows, endpoint: &Resource) {
    let mut endpoints = rows.facts.endpoints.values().filter_map(Row::present).flatten();
    let found = endpoints.find(|row| row.id.as_str() == endpoint.id).cloned();
    let Some(found) = found.filter(|row| !row.route_tables.is_empty()) else { return };
    let list = endpoint
        .known("prefix_list_id")
        .unwrap_or_else(|| PREFIX_LIST_OF_ENDPOINT.id(&endpoint.id));
    let Ok(list) = list.parse::<ssm_doctor_facts::ids::PrefixListId>() else { return };
    if !rows.facts.prefix_lists.contains_key(&list) {
        let row = unknown(Why::AfterApply, &endpoint.address);
        rows.facts.prefix_lists.insert(list.clone(), row);
    }
    for id in &found.route_tables {
        if let Some(table) = find(rows, id.as_str()) {
            table.routes.push(Route {
                to: Destination::List(list.clone()),
                via: NextHop(endpoint.id.clone()),
                state: RouteState::Active,
                propagated: false,
            });
        }
    }
}

fn associate(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &["aws_route_table_association"]) {
        let table = world.refers_to_one(resource, "route_table_id", &TABLES).value();
        let subnet = world.id_in::<SubnetId>(resource, "subnet_id", &SUBNETS);
        if let (Some(table), Some(subnet)) = (table.and_then(|id| find(rows, &id)), subnet) {
            table.subnets.push(subnet);
        }
    }
    for resource in world.of(home, &["aws_main_route_table_association"]) {
        let table = world.refers_to_one(resource, "route_table_id", &TABLES).value();
        let Some(vpc) = world.id_in::<VpcId>(resource, "vpc_id", &VPCS) else { continue };
        if let Some(Row::Present(tables)) = rows.facts.route_tables.get_mut(&vpc) {
            for other in tables {
                other.main = Some(other.id.as_str()) == table.as_deref();
            }
        }
    }
}

/// Every table has the VPC's own ranges.
fn local(rows: &mut Rows) {
    for (vpc, row) in &mut rows.facts.route_tables {
        let (Row::Present(tables), Some(Row::Present(vpc))) = (row, rows.facts.vpcs.get(vpc))
        else {
            continue;
        };
        for table in tables {
            for cidr in &vpc.cidrs {
                let to = Destination::Cidr(*cidr);
                if !table.routes.iter().any(|route| route.to == to) {
                    let via = NextHop("local".into());
                    table
                        .routes
                        .insert(0, Route { to, via, state: RouteState::Active, propagated: false });
                }
            }
        }
    }
}
