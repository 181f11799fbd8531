//! Which route a packet takes: the longest prefix wins, even if its target does not work.
//!
//! Among routes of one length AWS prefers the VPC's own, then static ones, then those of prefix lists,
//! then those that a gateway propagated. Source: VPC guide, "How route priority works". A blackhole that
//! is the longest match drops; AWS does not fall back to a shorter prefix.

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use ipnet::IpNet;
use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Facts, Unknown},
};

use crate::{
    answer::*,
    network::{
        address_set::Addresses,
        flow::{Flow, PathTrace, Remote, SubnetOfVpc},
        hop::{Hop, HopKind, all_agree},
        remedy::{NetworkRemedy, RouteFault},
        statement::NetworkStatement,
    },
};

/// Part of the addresses that packets are for, and the route that they take; None where there is none.
pub(super) struct RouteMatch<'a> {
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

/// Each address goes by the longest prefix that has it; of routes of one length by the better rank. Takes
/// prefix lengths, ranks, routes and what of the addresses they are for.
pub(super) fn sorted<'a, R>(
    mut candidates: Vec<(u8, u8, &'a R, Addresses)>,
    destination: &Remote,
) -> Vec<(Option<&'a R>, Addresses)> {
    candidates.sort_by_key(|it| (u8::MAX - it.0, it.1));
    let mut open = destination.addresses.clone();
    let mut route_matches: Vec<(Option<&R>, Addresses)> = Vec::new();
    for (_, _, route, hit) in candidates {
        let taken = open.and(&hit);
        if taken.is_empty() {
            continue;
        }
        open = open.without(&taken);
        match route_matches.iter_mut().find(|it| it.0.is_some_and(|it| core::ptr::eq(it, route))) {
            Some(route_match) => route_match.1 = route_match.1.or(&taken),
            None => route_matches.push((Some(route), taken)),
        }
    }
    if !open.is_empty() {
        route_matches.push((None, open));
    }
    route_matches
}

/// A fix that changes where a route leads.
pub(super) fn reroute(table: &RouteTable, route: &Route, because: RouteFault) -> Fix {
    let (table, to) = (table.id.clone(), route.to.clone());
    Fix::of(NetworkRemedy::ReplaceRoute { table, to, because }, Recovery::Agent)
}

pub(super) fn route_label(table: &RouteTable, route: &Route) -> String {
    format!("{} → {}", table.id, route.via)
}

pub(super) fn active(table: &RouteTable, route: &Route) -> Verdict {
    Verdict::Pass(observed(
        &route_label(table, route),
        NetworkStatement::RouteActive(route.to.clone()),
    ))
}

pub(super) fn not_visible(table: &RouteTable, route: &Route) -> Unknown {
    Unknown::limit(format!(
        "{} sends {} to {}, and what lies beyond is not visible",
        table.id, route.to, route.via
    ))
}

/// Different routes for different addresses, some of which work.
pub(super) fn mixed(route_matches: &[RouteMatch], destination: &Remote) -> Unknown {
    let ways = route_matches.iter().map(|route_match| match route_match.route {
        Some(route) => format!("{} by {}", route.to, route.via),
        None => format!("no route for {}", route_match.addresses.shown()),
    });
    Unknown::limit(format!(
        "it depends on which of {} the connection is for: {}",
        destination.phrase,
        ways.collect::<Vec<_>>().join(", ")
    ))
}

impl<'a> PathTrace<'a> {
    /// The routes of `table` that packets to `toward` take, the longest prefixes first. Routes to gateway
    /// endpoints of other services are left out: no address of this one is on their lists.
    ///
    /// # Errors
    /// [`Unknown`] when a route that might be the longest match names what was not seen.
    pub(super) fn route_matches<'t>(
        &self,
        vpc: &VpcId,
        table: &'t RouteTable,
        destination: &Remote,
    ) -> Result<Vec<RouteMatch<'t>>, Unknown> {
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
        let inside = || Addresses::of(destination.family(), local.clone());
        for route in &table.routes {
            let rank = if route.via.is_local() {
                0
            } else if route.propagated {
                3
            } else {
                1
            };
            let mut add = |net: &IpNet, rank| {
                let mut hit = Addresses::net(net).and(&destination.addresses);
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
                        (Some(true), Err(unknown)) if !unknown.is_unasked() => {
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
            && self.is_of_service(destination)
        {
            // However short the prefixes on it are, the default route's is shorter.
            if destination.is_one() || candidates.iter().any(|it| it.0 > 0) {
                return Err(unknown);
            }
            candidates.push((1, 2, route, destination.addresses.clone()));
        }
        let route_matches = sorted(candidates, destination).into_iter();
        Ok(route_matches.map(|(route, addresses)| RouteMatch { route, addresses }).collect())
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
    pub(super) fn is_ours(&self, gateway: &Endpoint) -> Result<bool, Unknown> {
        let serves = gateway.serves(&self.scope.region) == Some(self.service);
        Ok(serves && self.bucket_in_other_region()?.is_none())
    }

    fn is_of_service(&self, destination: &Remote) -> bool {
        self.internet(destination.family()).addresses.meets(&destination.addresses)
    }

    pub(super) fn is_private(&self, destination: &Remote) -> bool {
        self.internet(destination.family()).addresses.and(&destination.addresses).is_empty()
    }

    /// May a subnet have any route out of its VPC, but to gateway endpoints?
    pub(super) fn has_route_out_of(&self, (vpc, subnet): SubnetOfVpc) -> bool {
        table_of(self.facts, vpc, subnet).is_ok_and(|table| {
            table.routes.iter().any(|it| {
                !it.via.is_local() && !matches!(self.gateway_behind(vpc, it), Ok(Some(_)))
            })
        })
    }

    /// The routes from a subnet of a VPC to a private address, in that VPC or in another.
    pub(super) fn routed(&self, from: SubnetOfVpc, flow: Flow) -> Vec<Hop> {
        let ((vpc, subnet), destination, inside) = (from, flow.destination, flow.within(from.0));
        let looked = table_of(self.facts, vpc, subnet)
            .and_then(|table| Ok((table, self.route_matches(vpc, table, destination)?)));
        let (table, route_matches) = match looked {
            Ok(looked) => looked,
            // Nor can anything be said of what the route leads to.
            Err(unknown) => {
                let local = [HopKind::Route, HopKind::NextHop, HopKind::Appliance];
                let beyond = [
                    HopKind::Peering,
                    HopKind::TransitGateway,
                    HopKind::TransitRoute,
                    HopKind::Acl,
                ];
                let mut kinds = BTreeSet::from(local);
                if !inside {
                    kinds.extend(beyond);
                }
                match table_of(self.facts, vpc, subnet) {
                    Ok(table) => kinds.extend(Self::may_forward_by(table, destination)),
                    // What forwards packets stands behind an ACL.
                    Err(_) => kinds.extend([HopKind::NatInstance, HopKind::Acl]),
                }
                let same = |kind| Hop::new(kind, subnet, Err(unknown.clone()));
                return kinds.into_iter().map(same).collect();
            }
        };
        let ways = route_matches.iter().map(|route_match| match route_match.route {
            None => Vec::from([self.no_route(table, subnet, destination, None)]),
            Some(route) if route.via.is_local() => Vec::from([Hop::new(
                HopKind::Route,
                &table.id,
                Ok(Verdict::Pass(observed(&table.id, NetworkStatement::CarriedByLocalRoute))),
            )]),
            Some(route) => {
                let on = observed(&table.id, NetworkStatement::CarriedBy(route.to.clone()));
                let way = Hop::new(HopKind::Route, &table.id, Ok(Verdict::Pass(on)));
                let beyond = if inside {
                    self.more_specific_route(from, table, route, flow)
                } else {
                    let destination = destination.part(&route_match.addresses);
                    self.to_other_vpc(
                        from,
                        table,
                        route,
                        Flow { destination: &destination, ..flow },
                    )
                };
                core::iter::once(way).chain(beyond).collect()
            }
        });
        all_agree(ways.collect(), || {
            Hop::new(HopKind::NextHop, "", Err(mixed(&route_matches, destination)))
        })
    }

    /// What packets to `destination` may meet by a route for less than everything, where another route does not let
    /// tell which one they take.
    pub(super) fn may_forward_by(table: &RouteTable, destination: &Remote) -> BTreeSet<HopKind> {
        let is_candidate = |route: &&Route| match &route.to {
            Destination::Cidr(net) if net.prefix_len() > 0 => {
                Addresses::net(net).meets(&destination.addresses)
            }
            _ => false,
        };
        let routes = table.routes.iter().filter(is_candidate);
        let kinds = routes.flat_map(|route| match route.via.kind() {
            TargetKind::Interface(_) => &[HopKind::NatInstance, HopKind::Acl][..],
            TargetKind::NatGateway(_) => &[HopKind::NatGateway],
            _ => &[],
        });
        kinds.copied().collect()
    }

    /// No route to a private address, or one that leads to the internet alone.
    pub(super) fn no_route(
        &self,
        table: &RouteTable,
        subnet: &SubnetId,
        destination: &Remote,
        but: Option<&Route>,
    ) -> Hop {
        let but = but.map(|it| (it.to.clone(), it.via.clone()));
        let evidence = observed(
            &format!("{subnet} ({})", table.id),
            NetworkStatement::NoRoute { phrase: destination.phrase.clone(), but }
                .for_service(self.service),
        );
        let fix = Fix::of(
            NetworkRemedy::AddRouteToVpc {
                table: table.id.clone(),
                to: destination.range(),
                phrase: destination.phrase.clone(),
            },
            Recovery::Agent,
        );
        Hop::new(HopKind::Route, &table.id, Ok(Verdict::Fail(evidence, fix)))
    }
}
