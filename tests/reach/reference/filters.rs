//! Security groups, network ACLs and route tables.

use std::net::IpAddr;

use ssm_doctor_facts::{ec2::*, ids::*};

use super::*;

/// The groups of the peer, by which rules may name it.
#[derive(Clone, Copy)]
pub(super) enum Members<'p> {
    Of(&'p [SecurityGroupId]),
    /// In another VPC, beyond a transit gateway.
    Across(&'p [SecurityGroupId]),
    Unseen,
}

impl<'p> From<Option<&'p [SecurityGroupId]>> for Members<'p> {
    fn from(groups: Option<&'p [SecurityGroupId]>) -> Self {
        groups.map_or(Self::Unseen, Self::Of)
    }
}

impl Reference<'_> {
    /// Security groups: one rule of one group is enough, and replies pass by themselves
    /// (vpc-security-groups.html). A group as a peer stands for the private addresses of its members.
    pub(super) fn groups<'p>(
        &self,
        groups: Option<&[SecurityGroupId]>,
        way: Way,
        peer: IpAddr,
        peers: impl Into<Members<'p>>,
        (hop, what): Point,
    ) -> Fate {
        self.groups_for((Protocol::Tcp, HTTPS), groups, way, peer, peers, (hop, what))
    }

    pub(super) fn groups_for<'p>(
        &self,
        (protocol, port): (Protocol, u16),
        groups: Option<&[SecurityGroupId]>,
        way: Way,
        peer: IpAddr,
        peers: impl Into<Members<'p>>,
        (hop, what): Point,
    ) -> Fate {
        let Some(groups) = groups else { return Unclear(what) };
        let peers = peers.into();
        let mut fate = self.stop(hop, what);
        for id in groups {
            let Some(group) = seen(self.facts.security_groups.get(id)) else {
                fate = Unclear(what);
                continue;
            };
            let rules = if way == Way::Out { &group.egress } else { &group.ingress };
            for rule in rules {
                if !protocol.covered_by(&rule.traffic, port) {
                    continue;
                }
                let matches = match &rule.peer {
                    Peer::Cidr(net) => Some(net.contains(&peer)),
                    Peer::Group(id) => match peers {
                        Members::Of(groups) => Some(groups.contains(id)),
                        // Over a transit gateway it is an option of the attachment.
                        Members::Across(groups) if groups.contains(id) => None,
                        Members::Across(_) => Some(false),
                        Members::Unseen => None,
                    },
                    Peer::List(id) => seen(self.facts.prefix_lists.get(id))
                        .map(|it| it.cidrs.iter().any(|net| net.contains(&peer)))
                        .or_else(|| self.is_listed(id, peer)),
                    Peer::Unreadable(_) => None,
                };
                match matches {
                    Some(true) => return Passes,
                    Some(false) => {}
                    None => fate = Unclear(what),
                }
            }
        }
        fate
    }

    /// Is an address of the service on a list that was not seen? It is known of lists for gateway endpoints: they hold
    /// the addresses of their service, and no others (gateway-endpoints.html).
    fn is_listed(&self, list: &PrefixListId, address: IpAddr) -> Option<bool> {
        let gateway = self.gateway_of_list(list)?;
        Some(is_public(address) && self.is_for_service(gateway))
    }

    /// The gateway endpoint to which a route names this list.
    pub(super) fn gateway_of_list(&self, list: &PrefixListId) -> Option<&Endpoint> {
        let tables = seen(self.facts.route_tables.get(self.vpc))?;
        let mut routes = tables.iter().flat_map(|table| &table.routes);
        routes.find_map(|route| {
            let leads = matches!(&route.to, Destination::List(id) if id == list);
            self.gateway(&route.via.0).filter(|_| leads)
        })
    }

    /// A network ACL: the rule of the lowest number that matches decides, and none means deny
    /// (vpc-network-acls.html). Rules see the peer's address and the destination's port.
    pub(super) fn acl(
        &self,
        subnet: &SubnetId,
        way: Way,
        peer: IpAddr,
        port: u16,
        what: &'static str,
    ) -> Fate {
        self.acl_for((Protocol::Tcp, port), subnet, way, peer, what)
    }

    pub(super) fn acl_for(
        &self,
        (protocol, port): (Protocol, u16),
        subnet: &SubnetId,
        way: Way,
        peer: IpAddr,
        what: &'static str,
    ) -> Fate {
        let Some(acls) = seen(self.facts.network_acls.get(self.vpc)) else { return Unclear(what) };
        let of_subnet = acls.iter().find(|it| it.subnets.contains(subnet));
        let Some(acl) = of_subnet.or_else(|| acls.iter().find(|it| it.default)) else {
            return Unclear(what);
        };
        let mut entries: Vec<&AclEntry> =
            acl.entries.iter().filter(|it| it.egress == (way == Way::Out)).collect();
        entries.sort_by_key(|it| it.number);
        let word = |allow| if allow { Passes } else { self.stop(Hop::NetworkAcl, what) };
        let mut perhaps = Vec::new();
        for entry in entries {
            if !protocol.covered_by(&entry.traffic, port) {
                continue;
            }
            match &entry.peer {
                Peer::Cidr(net) if net.contains(&peer) => {
                    perhaps.push(word(entry.allow));
                    return Fate::one_of(perhaps);
                }
                Peer::Cidr(_) => {}
                _ => perhaps.push(word(entry.allow)),
            }
        }
        perhaps.push(self.stop(Hop::NetworkAcl, what));
        Fate::one_of(perhaps)
    }

    /// Where the subnet's route table sends a packet; several answers where it cannot be seen which.
    pub(super) fn next_hops(&self, subnet: &SubnetId, to: IpAddr) -> Vec<Next> {
        let Some(tables) = seen(self.facts.route_tables.get(self.vpc)) else {
            return vec![Next::Unseen];
        };
        let explicit = tables.iter().find(|it| it.subnets.contains(subnet));
        let Some(table) = explicit.or_else(|| tables.iter().find(|it| it.main)) else {
            return vec![Next::Unseen];
        };
        let target = |route: &Route| match &route.state {
            RouteState::Active => Next::Via(route.via.0.clone()),
            RouteState::Blackhole => Next::Blackhole,
            _ => Next::Unseen,
        };
        let local = table.routes.iter().any(|it| {
            it.via.0 == "local" && matches!(&it.to, Destination::Cidr(net) if net.contains(&to))
        });
        // (prefix length, rank among equals, target): route-tables-priority.html. The local route
        // gives way to nothing propagated (vpn-route-priority.html), and a list's entries inside the
        // VPC are not valid for a route table.
        let mut candidates: Vec<(u8, u8, Next)> = Vec::new();
        let mut unseen = Vec::new();
        let mut listed = false;
        for route in &table.routes {
            match &route.to {
                Destination::Cidr(net) if net.contains(&to) => {
                    let rank = if route.propagated { 1 } else { 3 };
                    if !(local && route.propagated) {
                        candidates.push((net.prefix_len(), rank, target(route)));
                    }
                }
                Destination::Cidr(_) => {}
                _ if local => {}
                Destination::List(id) => match seen(self.facts.prefix_lists.get(id)) {
                    Some(list) => candidates.extend(
                        list.cidrs
                            .iter()
                            .filter(|it| it.contains(&to))
                            .map(|it| (it.prefix_len(), 2, target(route))),
                    ),
                    // Of lists for gateway endpoints it is known what they hold: the addresses of their
                    // service, all of them, and no others (gateway-endpoints.html).
                    None => match self.gateway(&route.via.0).map(|it| self.is_for_service(it)) {
                        Some(true) if is_public(to) => {
                            listed = true;
                            unseen.push(target(route));
                        }
                        Some(_) => {}
                        None => unseen.push(target(route)),
                    },
                },
                Destination::Unreadable(_) => unseen.push(target(route)),
            }
        }
        // However short their prefixes are, the default route's is shorter.
        candidates.retain(|it| !listed || it.0 > 0);
        let best = candidates.iter().map(|it| (it.0, it.1)).max();
        let best = candidates.into_iter().filter(|it| Some((it.0, it.1)) == best).map(|it| it.2);
        let mut hops: Vec<Next> = best.chain(unseen.iter().cloned()).collect();
        if hops.len() == unseen.len() && !listed {
            hops.push(Next::Nowhere);
        }
        hops.dedup();
        hops
    }
}
