//! Which route a packet takes: the longest prefix wins, whatever its target is worth.
//!
//! Among routes of one length AWS prefers the VPC's own, then static ones, then those of prefix lists,
//! then what a gateway propagated. Source: VPC guide, "How route priority works". A blackhole that is
//! the longest match drops; there is no falling back to a shorter prefix.

use alloc::{format, vec::Vec};

use ipnet::IpNet;

use crate::network::reach::{Toward, Walk};
use crate::{dns::name, network::address_set::Addresses};
use ssm_doctor_facts::{
    ec2::{Destination, Endpoint, EndpointKind, Route, RouteTable, TargetKind},
    ids::*,
    lookup::{Facts, Unknown},
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

impl<'a> Walk<'a> {
    /// The routes of `table` that packets to `toward` take, the longest prefixes first. Routes to gateway
    /// endpoints of other services are left out: no address of this one is on their lists.
    ///
    /// # Errors
    /// [`Unknown`] when a route that might be the longest match names what was not seen.
    pub(super) fn legs<'t>(
        &self,
        vpc: &VpcId,
        table: &'t RouteTable,
        toward: &Toward,
    ) -> Result<Vec<Leg<'t>>, Unknown> {
        let facts = self.facts;
        let mut candidates: Vec<(u8, u8, &Route, Addresses)> = Vec::new();
        // The route by a list that was not seen, and holds the service's addresses.
        let mut unseen: Option<(&Route, Unknown)> = None;
        // What a gateway propagates never takes what is inside the VPC, however long its prefix. Source:
        // VPC guide, "Route tables and VPN route priority".
        let local = table.routes.iter().filter(|it| it.via.is_local());
        let local = local.filter_map(|it| match &it.to {
            Destination::Cidr(net) => Some(net),
            _ => None,
        });
        let inside = || Addresses::of(toward.family(), local.clone());
        for route in &table.routes {
            let rank = if route.via.is_local() {
                0
            } else if route.propagated {
                3
            } else {
                1
            };
            let mut add = |net: &IpNet, rank| {
                let mut hit = Addresses::net(net).and(&toward.addresses);
                if route.propagated {
                    hit = hit.without(&inside());
                }
                if !hit.is_empty() {
                    candidates.push((net.prefix_len(), rank, route, hit));
                }
            };
            match &route.to {
                Destination::Cidr(net) => add(net, rank),
                Destination::List(list) => {
                    let gateway = self.gateway_behind(vpc, route)?;
                    let ours = gateway.map(|it| self.is_ours(it)).transpose()?;
                    match (ours, facts.prefix_list(list).required()) {
                        (Some(false), _) => {}
                        (_, Ok(list)) => list.cidrs.iter().for_each(|it| add(it, 2)),
                        (Some(true), Err(unknown)) if !name::is_open(facts, &unknown) => {
                            unseen = Some((route, unknown));
                        }
                        (_, Err(unknown)) => return Err(unknown),
                    }
                }
                Destination::Unreadable(raw) => {
                    return Err(Unknown::limit(format!("{} has a route to {raw:?}", table.id)));
                }
            }
        }
        if let Some((route, unknown)) = unseen
            && self.is_of_service(toward)
        {
            // However short the prefixes on it are, the default route's is shorter.
            if toward.is_one() || candidates.iter().any(|it| it.0 > 0) {
                return Err(unknown);
            }
            candidates.push((1, 2, route, toward.addresses.clone()));
        }
        let legs = sorted(candidates, toward).into_iter();
        Ok(legs.map(|(route, addresses)| Leg { route, addresses }).collect())
    }

    /// The gateway endpoint that a route leads to.
    pub(super) fn gateway_behind(
        &self,
        vpc: &VpcId,
        route: &Route,
    ) -> Result<Option<&'a Endpoint>, Unknown> {
        let TargetKind::Endpoint(id) = route.via.kind() else { return Ok(None) };
        let endpoints = self.facts.endpoints(vpc).required()?;
        Ok(endpoints.iter().find(|it| it.id == id && it.kind == EndpointKind::Gateway))
    }

    /// Does a gateway endpoint carry what the instance sends to the service?
    fn is_ours(&self, gateway: &Endpoint) -> Result<bool, Unknown> {
        let serves = gateway.serves(&self.scope.region) == Some(self.service);
        Ok(serves && self.abroad()?.is_none())
    }

    fn is_of_service(&self, toward: &Toward) -> bool {
        self.internet(toward.family()).addresses.meets(&toward.addresses)
    }
}

/// Each address goes by the longest prefix that has it; of routes of one length by the better rank. Takes
/// prefix lengths, ranks, routes and what of the addresses they are for.
pub(super) fn sorted<'a, R>(
    mut candidates: Vec<(u8, u8, &'a R, Addresses)>,
    toward: &Toward,
) -> Vec<(Option<&'a R>, Addresses)> {
    candidates.sort_by_key(|it| (u8::MAX - it.0, it.1));
    let mut open = toward.addresses.clone();
    let mut legs: Vec<(Option<&R>, Addresses)> = Vec::new();
    for (_, _, route, hit) in candidates {
        let taken = open.and(&hit);
        if taken.is_empty() {
            continue;
        }
        open = open.without(&taken);
        match legs.iter_mut().find(|it| it.0.is_some_and(|it| core::ptr::eq(it, route))) {
            Some(leg) => leg.1 = leg.1.or(&taken),
            None => legs.push((Some(route), taken)),
        }
    }
    if !open.is_empty() {
        legs.push((None, open));
    }
    legs
}
