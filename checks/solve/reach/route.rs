//! Which route a packet takes: the longest prefix wins, whatever its target is worth.
//!
//! Among routes of one length AWS prefers the VPC's own, then static ones, then those of prefix lists,
//! then what a gateway propagated. Source: VPC guide, "How route priority works". A blackhole that is
//! the longest match drops; there is no falling back to a shorter prefix.

use alloc::{format, vec::Vec};

use ipnet::IpNet;

use super::Toward;
use crate::{
    model::{
        ec2::{Destination, EndpointKind, Route, RouteTable, TargetKind},
        facts::{Facts, Unknown},
        ids::*,
    },
    solve::net::Addresses,
};

/// Part of the addresses that packets are for, and the route that they take; None where there is none.
pub(super) struct Leg<'a> {
    pub route: Option<&'a Route>,
    pub addresses: Addresses,
}

/// The route table that a subnet uses: its own, or the VPC's main one.
pub(super) fn table_of<'a>(
    facts: &'a Facts,
    vpc: &VpcId,
    subnet: &SubnetId,
) -> Result<&'a RouteTable, Unknown> {
    let tables = facts.route_tables(vpc).required()?;
    tables
        .iter()
        .find(|it| it.subnets.contains(subnet))
        .or_else(|| tables.iter().find(|it| it.main))
        .ok_or_else(|| Unknown::limit(format!("the route table of {subnet} is not listed")))
}

/// The routes of `table` that packets to `toward` take, the longest prefixes first. Gateway endpoints
/// carry no other service than their own and are left out.
///
/// # Errors
/// [`Unknown`] when a route that might be the longest match names what was not seen.
pub(super) fn legs<'a>(
    facts: &Facts,
    vpc: &VpcId,
    table: &'a RouteTable,
    toward: &Toward,
) -> Result<Vec<Leg<'a>>, Unknown> {
    let mut candidates: Vec<(u8, u8, &Route, Addresses)> = Vec::new();
    // What a gateway propagates never takes what is inside the VPC, however long its prefix. Source: VPC
    // guide, "Route tables and VPN route priority".
    let local = table.routes.iter().filter(|it| it.via.kind() == TargetKind::Local);
    let local = local.filter_map(|it| match &it.to {
        Destination::Cidr(net) => Some(net),
        _ => None,
    });
    let inside = Addresses::of(toward.family(), local);
    for route in &table.routes {
        let rank = if route.via.kind() == TargetKind::Local {
            0
        } else if route.propagated {
            3
        } else {
            1
        };
        let mut add = |net: &IpNet, rank| {
            let mut hit = Addresses::net(net).and(&toward.addresses);
            if route.propagated {
                hit = hit.without(&inside);
            }
            if !hit.is_empty() {
                candidates.push((net.prefix_len(), rank, route, hit));
            }
        };
        match &route.to {
            Destination::Cidr(net) => add(net, rank),
            Destination::List(_) if of_gateway_endpoint(facts, vpc, route)? => {}
            Destination::List(list) => {
                for net in &facts.prefix_list(list).required()?.cidrs {
                    add(net, 2);
                }
            }
            Destination::Unreadable(raw) => {
                return Err(Unknown::limit(format!("{} has a route to {raw:?}", table.id)));
            }
        }
    }
    candidates.sort_by_key(|it| (u8::MAX - it.0, it.1));
    let mut open = toward.addresses.clone();
    let mut legs: Vec<Leg> = Vec::new();
    for (_, _, route, hit) in candidates {
        let taken = open.and(&hit);
        if taken.is_empty() {
            continue;
        }
        open = open.without(&taken);
        match legs.iter_mut().find(|it| it.route.is_some_and(|it| core::ptr::eq(it, route))) {
            Some(leg) => leg.addresses = leg.addresses.or(&taken),
            None => legs.push(Leg { route: Some(route), addresses: taken }),
        }
    }
    if !open.is_empty() {
        legs.push(Leg { route: None, addresses: open });
    }
    Ok(legs)
}

fn of_gateway_endpoint(facts: &Facts, vpc: &VpcId, route: &Route) -> Result<bool, Unknown> {
    let TargetKind::Endpoint(id) = route.via.kind() else { return Ok(false) };
    let endpoints = facts.endpoints(vpc).required()?;
    Ok(endpoints.iter().any(|it| it.id == id && it.kind == EndpointKind::Gateway))
}
