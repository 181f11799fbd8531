//! To an endpoint: of the VPC, of a hub VPC elsewhere, or of the gateway kind; and to one that stands
//! there in vain.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::net::IpAddr;

use ipnet::IpNet;

use crate::case::Case;
use crate::network::hop::HopKind;
use crate::network::reach::{
    Edge, HTTPS, Hop, Path, Place, Reachable, Toward, UNSEEN_HUB, Walk, agreed, combined,
    filter::{Crossing, Filtered, Members, Near},
    gateway::{invisible, mixed},
    gateway_endpoint, join, once_led_to,
    route::table_of,
    transit::{Bound, Flight, unless_the_same_ports},
};
use crate::network::remedy::NetworkRemedy;
use crate::network::statement::NetworkStatement;
use crate::{
    answer::*,
    dns::name::{self, Defect, Elsewhere, Families},
    network::address_set::{Addresses, Family, ports},
};
use ssm_doctor_facts::{change::Protocol, ec2::*, ids::*, lookup::Unknown};

impl<'a> Walk<'a> {
    /// Whether the endpoint's name has addresses of the instance's family. IPv4 goes without saying.
    fn address_type(&self, endpoint: &Endpoint, families: Option<Families>) -> Option<Hop> {
        let has = families.map(|it| if self.family() == Family::V4 { it.v4 } else { it.v6 });
        if self.family() == Family::V4 && has == Some(true) {
            return None;
        }
        let (subject, ours) = (self.subject(endpoint), self.family());
        let answer = match has {
            Some(true) => {
                Ok(Verdict::Pass(observed(&subject, NetworkStatement::HasAddresses(ours))))
            }
            None => Err(Unknown::limit(format!(
                "{} has addresses of a kind not known here",
                endpoint.id
            ))),
            Some(false) => Ok(Verdict::Fail(
                observed(
                    &subject,
                    NetworkStatement::NoAddresses {
                        family: ours,
                        interface: self.from.interface.id.clone(),
                    },
                ),
                Fix::of(
                    NetworkRemedy::MakeEndpointDualStack { endpoint: endpoint.id.clone() },
                    Recovery::Agent,
                ),
            )),
        };
        Some(Hop::new(HopKind::AddressType, &endpoint.id, answer))
    }

    pub(super) fn subject(&self, endpoint: &Endpoint) -> String {
        format!("{} ({})", endpoint.id, self.service)
    }

    /// An endpoint stands there and does not get the traffic: a fault only where the public path does
    /// not serve instead.
    pub(super) fn despite(
        &self,
        endpoint: &Endpoint,
        defect: Defect,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        // A server of one's own may lead the name to the endpoint all the same, or elsewhere.
        let untold = hops.iter().find(|it| it.kind == HopKind::NameServer);
        let untold = untold.and_then(|it| it.answer.as_ref().err().cloned());
        let mut way = Vec::new();
        // The gateway kind needs no name of its own.
        let lost = match self.gateway_endpoint()?.filter(|_| self.service == "s3") {
            Some(gateway) => self.to_gateway_endpoint(gateway, &mut way),
            None => self.to_public(&mut way),
        };
        let public = Path { service: "", hops: way, lost: lost.err() };
        let (kind, id, defective) = self.defective(endpoint, defect);
        let defective = match (untold, defective) {
            (Some(unknown), Ok(Verdict::Fail(..))) => Err(unknown),
            (_, defective) => defective,
        };
        // A zone may stand before its endpoint works, and for a while after.
        let in_between = matches!(
            endpoint.state,
            EndpointState::Pending | EndpointState::Deleting | EndpointState::Partial
        ) && endpoint.private_dns;
        let answer = match (public.reachable(), defective) {
            (_, Err(unknown)) => Err(unknown),
            (Reachable::Yes, _) if in_between => Err(Unknown::limit(format!(
                "{id} is {}, and whether its private DNS already leads to it, or still, does not show",
                endpoint.state
            ))),
            (Reachable::Yes, Ok(Verdict::Fail(evidence, _))) => Ok(Verdict::Pass(evidence.and(
                observed(&id, NetworkStatement::PublicPathServes(self.service)),
            ))),
            (Reachable::No, Ok(Verdict::Fail(evidence, fix))) => {
                let (evidence, fix) = self.and_beyond(endpoint, defect, evidence, fix);
                Ok(Verdict::Fail(evidence, fix))
            }
            (Reachable::Yes | Reachable::No, defective) => defective,
            (Reachable::Unknown, Ok(_)) => Err(Unknown::limit(format!(
                "{} has to take the public path, since {id} does not serve it, and that path cannot be followed to its end",
                self.service
            ))
            .and(public.unknown())),
        };
        let unclear = answer.as_ref().err().cloned();
        hops.push(Hop { kind, id, answer });
        if public.reachable() == Reachable::Yes {
            hops.extend(public.hops);
        }
        unclear.map_or(Ok(()), Err)
    }

    /// What keeps an endpoint from serving: a failure, or a state that nobody knows.
    fn defective(&self, endpoint: &Endpoint, defect: Defect) -> (HopKind, String, Answer) {
        let vpc = self.from.vpc;
        let (id, subject) = (endpoint.id.to_string(), self.subject(endpoint));
        match defect {
            Defect::NotAvailable => (HopKind::Endpoint, id, self.available(endpoint)),
            Defect::PrivateDnsOff => {
                let fix = Fix::of(
                    NetworkRemedy::EnablePrivateDns { endpoint: endpoint.id.clone() },
                    Recovery::Agent,
                );
                (
                    HopKind::PrivateDns,
                    id,
                    Ok(Verdict::Fail(observed(&subject, NetworkStatement::PrivateDnsOff), fix)),
                )
            }
            Defect::VpcDnsOff => {
                let (evidence, fix) = self.vpc_dns_off(endpoint, false);
                (HopKind::VpcDns, vpc.to_string(), Ok(Verdict::Fail(evidence, fix)))
            }
        }
    }

    fn vpc_dns_off(&self, endpoint: &Endpoint, prevents_private_dns: bool) -> (Evidence, Fix) {
        let (endpoint, vpc) = (endpoint.id.clone(), self.from.vpc);
        let off = NetworkStatement::VpcDnsOff { endpoint, prevents_private_dns };
        let fix = Fix::of(NetworkRemedy::EnableVpcDns { vpc: vpc.clone() }, Recovery::Agent);
        (observed(vpc, off), fix)
    }

    /// Why the name does not lead to an endpoint, and what then stops packets for certain on the way there,
    /// as if it did: it would show only after the first fix. What was not seen of that way adds nothing.
    fn and_beyond(
        &self,
        endpoint: &Endpoint,
        defect: Defect,
        evidence: Evidence,
        fix: Fix,
    ) -> (Evidence, Fix) {
        if defect == Defect::NotAvailable {
            return (evidence, fix);
        }
        let (mut evidence, mut fix) = (evidence, fix);
        let dns = self.facts.vpc_dns(self.from.vpc).required();
        if defect == Defect::PrivateDnsOff && dns.is_ok_and(|it| !it.support || !it.hostnames) {
            let (off, remedy) = self.vpc_dns_off(endpoint, true);
            (evidence, fix) = (evidence.and(off), remedy.and(fix));
        }
        let mut hops = Vec::new();
        let families = Families::of_endpoint(endpoint);
        let lost = self.by_endpoint(endpoint, families, &mut hops).err();
        let unseen = hops.iter().filter_map(|it| it.answer.as_ref().err()).chain(&lost);
        let evidence = evidence.wanting(unseen.cloned().flat_map(Unknown::unasked));
        let stops = hops.into_iter().filter(Hop::stops);
        stops.fold((evidence, fix), |(evidence, fix), hop| match hop.answer {
            // Names of the whole VPC change at once: what they lead to is to be in order before.
            Ok(Verdict::Fail(more, remedy)) => {
                (evidence.and(once_led_to(endpoint, more)), remedy.and(fix))
            }
            _ => (evidence, fix),
        })
    }

    // ------------------------------------------------------------ to an interface endpoint

    /// From the answer of its name on: an address of the right family, and the way of the packets there.
    pub(super) fn by_endpoint(
        &self,
        endpoint: &Endpoint,
        families: Option<Families>,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        if let Some(mut hop) = self.address_type(endpoint, families) {
            let fits = hop.passes();
            // By other names the agent may find the way that this one has not.
            if hop.stops() && self.from.host.has_dns64(self.facts)? {
                hop.answer = Err(Unknown::limit(format!(
                    "{} gives IPv4 names IPv6 addresses (DNS64), and whether a NAT gateway translates them for {} is not followed here",
                    self.from.interface.subnet, endpoint.id
                )));
            } else if hop.stops() {
                let public = self.internet_path();
                match public.reachable() {
                    Reachable::No => {}
                    Reachable::Yes => hop.answer = self.dual_stack_names(),
                    Reachable::Unknown => hop.answer = Err(public.unknown()),
                }
            }
            hops.push(hop);
            if !fits {
                return Ok(());
            }
        }
        let before = hops.len();
        self.to_endpoint(endpoint, hops);
        let way = hops.get_mut(before..).unwrap_or_default();
        if !self.from.host.has_v4() && way.iter().any(Hop::stops) {
            let public = self.internet_path();
            match public.reachable() {
                Reachable::No => {}
                Reachable::Unknown if name::is_open(self.facts, &public.unknown()) => {
                    let unknown = public.unknown();
                    for hop in way.iter_mut().filter(|it| it.stops()) {
                        hop.answer = Err(unknown.clone());
                    }
                }
                Reachable::Yes | Reachable::Unknown => self.by_other_names(way),
            }
        }
        Ok(())
    }

    pub(super) fn to_endpoint(&self, endpoint: &Endpoint, hops: &mut Vec<Hop>) {
        let (id, subject) = (endpoint.id.to_string(), self.subject(endpoint));
        if endpoint.subnets.is_empty() && endpoint.interfaces.is_empty() {
            let fix = Fix::of(
                NetworkRemedy::AddEndpointSubnet {
                    endpoint: endpoint.id.clone(),
                    subnet: self.from.interface.subnet.clone(),
                },
                Recovery::Agent,
            );
            let evidence = observed(&subject, NetworkStatement::EndpointHasNoSubnet);
            hops.push(Hop::new(HopKind::Endpoint, &id, Ok(Verdict::Fail(evidence, fix))));
            return;
        }
        hops.push(Hop::new(
            HopKind::Endpoint,
            &id,
            Ok(Verdict::Pass(observed(
                &subject,
                NetworkStatement::EndpointAvailableIn(endpoint.subnets.clone()),
            ))),
        ));
        let groups = &endpoint.security_groups;
        match self.places(self.from.vpc, endpoint) {
            Ok(places) => {
                let ways =
                    places.iter().map(|it| self.to_place(it, Members::Of(groups)).0).collect();
                hops.extend(combined(ways));
            }
            // Without their places no hop can be judged, but each says why.
            Err(unknown) => hops.extend(
                [HopKind::InstanceGroup, HopKind::Route, HopKind::Acl]
                    .map(|kind| Hop::new(kind, &self.from.interface.subnet, Err(unknown.clone()))),
            ),
        }
        hops.push(Hop::new(
            HopKind::EndpointGroup,
            &join(groups),
            self.admits(&subject, groups, Near::Inside, None),
        ));
    }

    /// Where an endpoint's interfaces are: subnet and address, or the subnet's whole CIDR while the
    /// interface itself was not seen (or was described with an address that is not of its subnet).
    fn places<'p>(&self, vpc: &'p VpcId, endpoint: &Endpoint) -> Result<Vec<Place<'p>>, Unknown> {
        let mut places = Vec::new();
        for subnet in &endpoint.subnets {
            let row = self.facts.subnet(subnet).required()?;
            let v4 = row.cidr.map(IpNet::V4).into_iter();
            let mut nets = v4.chain(row.ipv6_cidrs.iter().copied().map(IpNet::V6));
            let of_ours = |it: &IpNet| Family::of(&it.addr()) == self.family();
            let Some(net) = nets.rfind(of_ours) else {
                return Err(Unknown::limit(format!(
                    "{subnet} has no {} CIDR",
                    self.family().as_str()
                )));
            };
            let mut address = None;
            for id in &endpoint.interfaces {
                if let Some(row) = self.facts.network_interface(id).hint()?
                    && row.subnet == *subnet
                {
                    address =
                        address.or(row.private_ips.iter().find(|it| net.contains(*it)).copied());
                }
            }
            places.push(Place {
                toward: address.map_or_else(|| Toward::somewhere(&net), Toward::one),
                home: Ok(Some((vpc, subnet.clone()))),
            });
        }
        if places.is_empty() {
            return Err(Unknown::limit(format!("the subnets of {} are not listed", endpoint.id)));
        }
        Ok(places)
    }

    /// Out of the instance, through the subnets, and back; not yet through the door at the other end. With it
    /// comes why packets may have another source by then, if they may: something on the way there that is out
    /// of sight may translate, as private NAT gateways do between networks with ranges in common, and then the
    /// other side need not know the instance's address. Source: "Building a Scalable and Secure Multi-VPC AWS
    /// Network Infrastructure", "Private NAT Gateway".
    fn to_place(&self, place: &Place, members: Members) -> (Vec<Hop>, Option<Unknown>) {
        let own = &self.from.interface.subnet;
        let groups = &self.from.interface.security_groups;
        let mut hops = Vec::from([Hop::new(
            HopKind::InstanceGroup,
            &join(groups),
            self.sends(groups, &place.toward, members),
        )]);
        let home = place.edge();
        let instance = Toward::one(self.from.address);
        let bound = match &place.home {
            Ok(Some((vpc, subnet))) => Bound::Subnet((vpc, subnet)),
            Ok(None) => Bound::Somewhere,
            Err(unknown) => Bound::Unseen(unknown),
        };
        let there = Flight { source: &instance, toward: &place.toward, bound, replies: false };
        let way = self.routed(self.from.edge(), there);
        let mut hidden = way.iter().filter(|it| it.kind == HopKind::NextHop);
        let translated = hidden.find_map(|it| it.answer.as_ref().err().cloned());
        hops.extend(way);
        if let Some((vpc, subnet)) = home.filter(|it| it.1 != own) {
            // The way there was judged already: what matters is a detour or a gap on the way back.
            let bound = Bound::Subnet(self.from.edge());
            let back = Flight { source: &place.toward, toward: &instance, bound, replies: true };
            // Whatever their source is by now, it is none of the other VPC's own, so they need some route.
            let translated = translated.as_ref().filter(|_| self.leads_out_of((vpc, subnet)));
            let returns = self.routed((vpc, subnet), back).into_iter();
            let returns = returns.map(|it| Hop { answer: unless(translated, it.answer), ..it });
            hops.extend(returns.filter(|it| !it.passes()));
        }
        let mut acls = self.acls_between(place);
        if translated.is_some() && matches!(acls.answer, Ok(Verdict::Fail(..))) {
            let of_own = self.acls_of_own(&place.toward);
            if !matches!(of_own.answer, Ok(Verdict::Fail(..))) {
                acls.answer = unless(translated.as_ref(), acls.answer);
            }
        }
        hops.extend(Hop::filtered(own, acls));
        hops.extend(unless_the_same_ports(&hops));
        (hops, translated)
    }

    /// May a subnet have any route out of its VPC, but to gateway endpoints?
    fn leads_out_of(&self, (vpc, subnet): Edge) -> bool {
        table_of(self.facts, vpc, subnet).is_ok_and(|table| {
            table.routes.iter().any(|it| {
                !it.via.is_local() && !matches!(self.gateway_behind(vpc, it), Ok(Some(_)))
            })
        })
    }

    /// The routes from a subnet of a VPC to a private address, in that VPC or in another.
    pub(super) fn routed(&self, from: Edge, flight: Flight) -> Vec<Hop> {
        let ((vpc, subnet), toward, inside) = (from, flight.toward, flight.within(from.0));
        let looked = table_of(self.facts, vpc, subnet)
            .and_then(|table| Ok((table, self.legs(vpc, table, toward)?)));
        let (table, legs) = match looked {
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
                let beyond = beyond.into_iter().filter(|_| !inside);
                let same = |kind| Hop::new(kind, subnet, Err(unknown.clone()));
                return local.into_iter().chain(beyond).map(same).collect();
            }
        };
        let ways = legs.iter().map(|leg| match leg.route {
            None => Vec::from([self.no_route(table, subnet, toward, None)]),
            Some(route) if route.via.is_local() => Vec::from([Hop::new(
                HopKind::Route,
                &table.id,
                Ok(Verdict::Pass(observed(&table.id, NetworkStatement::CarriedByLocalRoute))),
            )]),
            Some(route) => {
                let on = observed(&table.id, NetworkStatement::CarriedBy(route.to.clone()));
                let way = Hop::new(HopKind::Route, &table.id, Ok(Verdict::Pass(on)));
                let beyond = if inside {
                    self.detour(table, route)
                } else {
                    let toward = toward.part(&leg.addresses);
                    self.to_other_vpc(from, table, route, Flight { toward: &toward, ..flight })
                };
                core::iter::once(way).chain(beyond).collect()
            }
        });
        agreed(ways.collect(), || Hop::new(HopKind::NextHop, "", Err(mixed(&legs, toward))))
    }

    /// A longer prefix than the VPC's own sends what is for a neighbour elsewhere.
    fn detour(&self, table: &RouteTable, route: &Route) -> Vec<Hop> {
        match self.dead(table, route) {
            Some(dead) => Vec::from([Hop::new(HopKind::NextHop, &route.via, dead)]),
            None => self.out_of_sight(table, route, invisible(table, route)),
        }
    }

    /// No route to a private address, or one that leads to the internet alone.
    pub(super) fn no_route(
        &self,
        table: &RouteTable,
        subnet: &SubnetId,
        toward: &Toward,
        but: Option<&Route>,
    ) -> Hop {
        let but = but.map(|it| (it.to.clone(), it.via.clone()));
        let evidence = observed(
            &format!("{subnet} ({})", table.id),
            NetworkStatement::NoRoute { phrase: toward.phrase.clone(), but }
                .for_service(self.service),
        );
        let fix = Fix::of(
            NetworkRemedy::AddRouteToVpc {
                table: table.id.clone(),
                to: toward.range(),
                phrase: toward.phrase.clone(),
            },
            Recovery::Agent,
        );
        Hop::new(HopKind::Route, &table.id, Ok(Verdict::Fail(evidence, fix)))
    }

    /// Both subnets' ACLs, out and back. Within one subnet there is none.
    fn acls_between(&self, place: &Place) -> Filtered {
        let own = &self.from.interface.subnet;
        let (there, ports) = (ports(HTTPS..=HTTPS), self.from.ports());
        let instance = Toward::one(self.from.address);
        let edge = (self.from.vpc, own);
        let home = place.edge();
        if home.is_some_and(|it| it.1 == own) {
            return Filtered::within_subnet();
        }
        let pair = |edge, outward, peer| {
            Crossing::there_and_back(edge, Protocol::Tcp, outward, peer, &there, &ports)
        };
        let [leaves, returns] = pair(edge, true, &place.toward);
        let mut crossings = Vec::from([leaves]);
        crossings.extend(home.into_iter().flat_map(|it| pair(it, false, &instance)));
        let shares = self.shares_a_foot(&place.toward);
        let some = !matches!(shares, Ok(false));
        let certain = some.then(|| self.acls(&place.toward, &ports, &crossings));
        crossings.push(returns);
        if some {
            let [inward, _] = pair(edge, false, &instance);
            crossings.push(inward);
        }
        let all = self.acls(&place.toward, &ports, &crossings);
        match certain {
            None => all,
            Some(certain) if matches!(certain.answer, Ok(Verdict::Fail(..))) => certain,
            Some(_) if matches!(all.answer, Ok(Verdict::Pass(_))) => all,
            Some(_) => {
                let unclear = || {
                    Unknown::limit(format!(
                        "which rules of the ACL of {own} hold, in which a transit gateway has its foot too, is not documented clearly"
                    ))
                };
                let unknown = shares.err().into_iter().chain(all.answer.err());
                let unknown = unknown.reduce(Unknown::and).unwrap_or_else(unclear);
                Filtered { answer: Err(unknown), partly: None }
            }
        }
    }

    /// Do packets leave the instance's subnet by a foot that a transit gateway has in that very subnet? Then
    /// replies are not held against its ACL as elsewhere. Source: Transit Gateway guide, "Network ACLs".
    fn shares_a_foot(&self, toward: &Toward) -> Result<bool, Unknown> {
        let (vpc, own) = self.from.edge();
        let table = table_of(self.facts, vpc, own)?;
        let some = |it: &Route| matches!(it.via.kind(), TargetKind::TransitGateway(_));
        if !table.routes.iter().any(some) {
            return Ok(false);
        }
        let legs = self.legs(vpc, table, toward)?;
        any_of(legs, |leg| {
            let Some(TargetKind::TransitGateway(id)) = leg.route.map(|it| it.via.kind()) else {
                return Ok(None);
            };
            let foot = self.foot(vpc, &id)?;
            Ok(foot.is_some_and(|it| it.subnets.contains(own)).then_some(()))
        })
        .map(|it| it.is_some())
    }

    // ------------------------------------------------------------ to another VPC's endpoint

    /// To what a private hosted zone or a Profile says: as a rule an endpoint that a hub VPC shares,
    /// behind a peering connection or a transit gateway.
    pub(super) fn to_elsewhere(
        &self,
        there: &Elsewhere,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        let of_ours = |it: &&IpAddr| Family::of(it) == self.family();
        let addresses: Vec<IpAddr> = there.addresses.iter().filter(of_ours).copied().collect();
        if addresses.is_empty() {
            let target = there.target.as_deref().unwrap_or("addresses of another kind");
            return Err(Unknown::limit(format!(
                "{} leads {} to {target}, and where that stands does not show",
                there.by, self.service
            )));
        }
        let stands: Result<Vec<_>, Unknown> =
            addresses.iter().map(|it| self.stands_at(there, *it)).collect();
        let stands = stands?;
        let vacant = |it: &Result<bool, Unknown>| matches!(it, Ok(false));
        // Of addresses that are all vacant the zone itself is judged.
        let some = !stands.iter().all(vacant);
        let (mut ways, mut partly) = (Vec::new(), Vec::new());
        for (address, stands) in addresses.into_iter().zip(stands) {
            if some && vacant(&stands) {
                partly.push(self.stale(there, address));
                continue;
            }
            ways.push(self.to_distant(address, &there.by)?);
            if let Err(unknown) = stands {
                partly.push(Hop::new(HopKind::SomeReplies, &address, Err(unknown)));
            }
        }
        hops.extend(combined(ways));
        hops.extend(partly);
        Ok(())
    }

    /// Is there anything at an address that a zone's record has? In other networks that does not show,
    /// and is taken for granted here.
    ///
    /// # Errors
    /// Outside while nobody has asked, inside when it was not seen.
    fn stands_at(
        &self,
        there: &Elsewhere,
        address: IpAddr,
    ) -> Result<Result<bool, Unknown>, Unknown> {
        if !there.is_by_address() {
            return Ok(Ok(true));
        }
        let stands = name::stands_at(self.facts, self.from.vpc, self.from.host.own, address);
        name::seen(self.facts, stands)
    }

    /// One of several addresses of a record, at which nothing stands: each connection that tries it fails.
    fn stale(&self, there: &Elsewhere, address: IpAddr) -> Hop {
        let (zone, vpc) = (&there.by, self.from.vpc);
        let evidence = observed(
            zone,
            NetworkStatement::VacantAddress { service: self.service, address, vpc: vpc.clone() },
        );
        let fix = Fix::of(
            NetworkRemedy::RemoveRecordAddress { zone: zone.clone(), address },
            Recovery::NextSession,
        );
        Hop::new(HopKind::SomeReplies, &address, Ok(Verdict::Fail(evidence, fix)))
    }

    fn to_distant(&self, address: IpAddr, by: &str) -> Result<Vec<Hop>, Unknown> {
        let toward = Toward::one(address);
        if self.internet(self.family()).addresses.meets(&toward.addresses) {
            let mut hops = Vec::new();
            self.to_internet(&toward, &mut hops)?;
            return Ok(hops);
        }
        let hub = hub(self.case, self.service, address);
        let Some((endpoint, interface)) = hub.as_ref().ok().copied().flatten() else {
            let whose = format!("what {by} leads to");
            let home = hub.as_ref().map(|_| None).map_err(Unknown::clone);
            let (mut hops, _) = self.to_place(&Place { toward, home }, Members::Unseen(&whose));
            let (kinds, unknown): (&[HopKind], _) = match hub {
                // Nothing of the other side was seen: neither the door nor the way back.
                Err(unknown) => (&UNSEEN_HUB, unknown),
                Ok(_) => (
                    &UNSEEN_HUB[..2],
                    Unknown::limit(format!(
                        "{address}, where {by} leads {}, is no endpoint of this account: whether it answers does not show",
                        self.service
                    )),
                ),
            };
            hops.extend(kinds.iter().map(|kind| Hop::new(*kind, &address, Err(unknown.clone()))));
            return Ok(hops);
        };
        let subject = self.subject(endpoint);
        let groups = match endpoint.security_groups.as_slice() {
            [] => &interface.security_groups,
            _ => &endpoint.security_groups,
        };
        let vpc = endpoint.vpc.as_ref().unwrap_or(self.from.vpc);
        let place = Place { toward, home: Ok(Some((vpc, interface.subnet.clone()))) };
        let near = self.near_to(vpc, &place.toward);
        let (mut hops, translated) = self.to_place(&place, near.members(groups));
        hops.push(Hop::new(HopKind::Endpoint, &endpoint.id, self.available(endpoint)));
        let admits = self.admits(&subject, groups, near, None);
        let admits = unless(translated.as_ref(), admits);
        hops.push(Hop::new(HopKind::EndpointGroup, &join(groups), admits));
        Ok(hops)
    }

    /// How the instance is connected to an address in a VPC.
    fn near_to(&self, vpc: &VpcId, toward: &Toward) -> Near {
        if vpc == self.from.vpc {
            return Near::Inside;
        }
        let table = table_of(self.facts, self.from.vpc, &self.from.interface.subnet);
        let legs = table.and_then(|table| self.legs(self.from.vpc, table, toward));
        let peered = legs.is_ok_and(|legs| {
            legs.iter().all(|leg| {
                leg.route.is_some_and(|it| matches!(it.via.kind(), TargetKind::Peering(_)))
            })
        });
        if peered { Near::Peered } else { Near::Across }
    }

    fn available(&self, endpoint: &Endpoint) -> Answer {
        let (id, subject) = (endpoint.id.as_str(), self.subject(endpoint));
        Ok(match &endpoint.state {
            EndpointState::Available => {
                Verdict::Pass(observed(&subject, NetworkStatement::EndpointAvailable))
            }
            EndpointState::Partial => {
                return Err(Unknown::limit(format!(
                    "{id} is available in part, and in which does not show"
                )));
            }
            EndpointState::Other(word) => {
                return Err(Unknown::limit(format!("{id} is in a state not known here: {word}")));
            }
            state => Verdict::Fail(
                observed(&subject, NetworkStatement::EndpointIs(state.clone())),
                Fix::of(
                    NetworkRemedy::InspectEndpoint {
                        endpoint: endpoint.id.clone(),
                        state: state.clone(),
                    },
                    Recovery::Agent,
                ),
            ),
        })
    }

    // ------------------------------------------------------------ to a gateway endpoint

    /// A gateway endpoint for the service on the route table of the instance's subnet.
    pub(super) fn gateway_endpoint(&self) -> Result<Option<&'a Endpoint>, Unknown> {
        let Walk { case, service, from, .. } = *self;
        gateway_endpoint(case, from.vpc, &from.interface.subnet, service)
    }

    /// Its route names the service's addresses by a prefix list of AWS's.
    pub(super) fn to_gateway_endpoint(
        &self,
        endpoint: &Endpoint,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        let own = &self.from.interface.subnet;
        let table = table_of(self.facts, self.from.vpc, own)?;
        let route = table
            .routes
            .iter()
            .find(|it| it.via.kind() == TargetKind::Endpoint(endpoint.id.clone()));
        let list = route
            .and_then(|it| if let Destination::List(list) = &it.to { Some(list) } else { None });
        let entries = match list {
            Some(list) => self.facts.prefix_list(list).hint()?,
            None => None,
        };
        let mut toward = self.internet(self.family());
        if let Some(entries) = entries {
            let known = Addresses::of(self.family(), &entries.cidrs);
            if known.is_empty() {
                return Err(Unknown::limit(format!(
                    "{} has no {} addresses on its list, and whether the agent has another way does not show",
                    endpoint.id,
                    self.family().as_str()
                )));
            }
            toward.addresses = known;
        }
        // A list need not have IPv6 addresses.
        if let (Some(list), None, Family::V6) = (list, entries, self.family()) {
            self.facts.prefix_list(list).required()?;
        }
        toward.phrase = list.map_or(toward.phrase, ToString::to_string);
        toward.list = list.cloned();
        let groups = &self.from.interface.security_groups;
        hops.push(Hop::new(
            HopKind::InstanceGroup,
            &join(groups),
            self.sends(groups, &toward, Members::Outside),
        ));
        hops.extend(Hop::filtered(own, self.acls_of_own(&toward)));
        if list.is_none() {
            hops.push(self.by_gateway_endpoint(table, endpoint));
            return Ok(());
        }
        // A longer prefix takes its part of the list elsewhere.
        let legs = self.ways_out(self.from.vpc, table, &toward)?;
        hops.extend(self.by(&legs, table, &toward));
        Ok(())
    }

    pub(super) fn by_gateway_endpoint(&self, table: &RouteTable, endpoint: &Endpoint) -> Hop {
        let stands = observed(
            &endpoint.id,
            NetworkStatement::GatewayEndpoint { service: self.service, table: table.id.clone() },
        );
        let answer = match self.available(endpoint) {
            Ok(Verdict::Pass(_)) => Ok(Verdict::Pass(stands)),
            other => other,
        };
        Hop::new(HopKind::Endpoint, &endpoint.id, answer)
    }

    /// The ACL of the instance's own subnet, out and back.
    pub(super) fn acls_of_own(&self, toward: &Toward) -> Filtered {
        self.acls_between(&Place { toward: toward.clone(), home: Ok(None) })
    }
}

/// No failure for certain where packets may have been translated; but what it would be is said.
fn unless(doubt: Option<&Unknown>, answer: Answer) -> Answer {
    match (doubt, answer) {
        (Some(unknown), Ok(Verdict::Fail(evidence, _))) => {
            let likely = evidence.iter().map(|it| {
                Unknown::limit(format!(
                    "{} stops packets that still have the instance's own address there",
                    it.subject
                ))
            });
            Err(likely.fold(unknown.clone(), |all, it| it.and(all)))
        }
        (_, answer) => answer,
    }
}

/// The endpoint for the service, of any VPC of the account, that has this address.
pub(super) fn hub<'a>(
    case: &Case<'a>,
    service: &str,
    address: IpAddr,
) -> Result<Option<(&'a Endpoint, &'a NetworkInterface)>, Unknown> {
    let name = format!("com.amazonaws.{}.{service}", case.scope.region);
    let unnamed = |_| Unknown::limit(format!("{name} is no name of a service"));
    let service: ServiceName = name.parse().map_err(unnamed)?;
    // Which of them it is shows in their interfaces.
    any_of(case.facts.service_endpoints(&service).required()?, |endpoint| {
        any_of(&endpoint.interfaces, |id| {
            let row = case.facts.network_interface(id).required()?;
            Ok(row.private_ips.contains(&address).then_some((endpoint, row)))
        })
    })
}
