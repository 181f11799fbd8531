//! Through a transit gateway: off the VPC by its foot, by the gateway's own tables to another VPC's foot, and
//! on from there, to a place in that VPC or through it to the internet.
//!
//! AWS shows the tables to the gateway's owner. Another VPC is followed where it is our account's; what is
//! no VPC (a VPN, a network of one's own, a transit gateway elsewhere) is out of sight.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use crate::network::hop::HopKind;
use crate::network::reach::{
    Edge, HTTPS, Hop, Toward, Walk, agreed,
    filter::Crossing,
    gateway::{alive, invisible, leads, mixed},
    join,
    route::{sorted, table_of},
};
use crate::network::remedy::{AttachmentFault, NetworkRemedy};
use crate::network::statement::NetworkStatement;
use crate::{
    answer::*,
    network::address_set::{Addresses, Family, ports},
};
use ssm_doctor_facts::{
    change::Protocol,
    ec2::*,
    ids::*,
    lookup::{Ourselves, Unknown},
};

/// Where packets of a flight are to arrive.
#[derive(Clone, Copy)]
pub(super) enum Bound<'a> {
    Subnet(Edge<'a>),
    /// An address in networks that do not show.
    Somewhere,
    /// An address, of which it was not seen where it is.
    Unseen(&'a Unknown),
    Internet,
}

/// The packets of a connection one way: those of the instance, or the replies to them.
#[derive(Clone, Copy)]
pub(super) struct Flight<'a> {
    pub source: &'a Toward,
    pub toward: &'a Toward,
    pub bound: Bound<'a>,
    pub replies: bool,
}

impl Flight<'_> {
    /// Is all of its way inside this VPC?
    pub fn within(&self, vpc: &VpcId) -> bool {
        matches!(self.bound, Bound::Subnet(it) if it.0 == vpc)
    }
}

/// A route that packets meet, by the table it stands in.
type By<'a> = (&'a RouteTable, &'a Route);

enum Met<'a> {
    Routes(Across<'a>),
    Stop(Verdict),
    /// What its owner alone sees, or is not known here.
    Hidden(Unknown),
}

/// The routes of a transit gateway for packets that come in by one foot.
struct Across<'a> {
    gateway: &'a TransitGateway,
    table: &'a TransitTable,
    legs: Vec<(Option<&'a TransitRoute>, Addresses)>,
}

/// What may stand beyond tables that were not seen.
const UNSEEN: [HopKind; 9] = [
    HopKind::Firewall,
    HopKind::TransitGateway,
    HopKind::TransitRoute,
    HopKind::Appliance,
    HopKind::Route,
    HopKind::NextHop,
    HopKind::NatGateway,
    HopKind::Acl,
    HopKind::PublicAccess,
];

impl Walk<'_> {
    /// Everything from a route to a transit gateway on.
    pub(super) fn by_transit_gateway(
        &self,
        from: Edge,
        by: By,
        id: &TransitGatewayId,
        flight: Flight,
    ) -> Vec<Hop> {
        let (table, route) = by;
        let attached = Hop::new(HopKind::TransitGateway, id, self.attached_to(from, by, id));
        let beyond = match &attached.answer {
            Ok(Verdict::Fail(..)) => Vec::new(),
            Ok(_) => match self.across(from.0, id, flight.toward) {
                Ok(Met::Routes(across)) => self.onward(from, by, id, flight, &across),
                Ok(Met::Stop(stop)) => vec![Hop::new(HopKind::TransitRoute, id, Ok(stop))],
                Ok(Met::Hidden(unknown)) => {
                    let mut hops = self.out_of_sight(table, route, unknown.clone());
                    hops.push(Hop::new(HopKind::TransitRoute, id, Err(unknown)));
                    hops
                }
                Err(unknown) => unseen(id, &unknown),
            },
            Err(unknown) => unseen(id, unknown),
        };
        core::iter::once(attached).chain(beyond).collect()
    }

    /// A VPC's foot on a transit gateway.
    pub(super) fn foot(
        &self,
        vpc: &VpcId,
        id: &TransitGatewayId,
    ) -> Result<Option<&TransitGatewayAttachment>, Unknown> {
        let all = self.facts.transit_gateway_attachments(vpc).required()?;
        Ok(all.iter().find(|it| it.transit_gateway == *id))
    }

    /// `eu-west-1a`, and no Local Zone (`us-west-2-lax-1a`) or Wavelength Zone (`us-east-1-wl1-bos-wlz-1`).
    fn is_availability_zone(&self, zone: &str) -> bool {
        zone.strip_prefix(self.scope.region.as_str()).is_some_and(|it| it.len() == 1)
    }

    fn zone(&self, subnet: &SubnetId) -> Result<Option<&String>, Unknown> {
        Ok(self.facts.subnet(subnet).required()?.availability_zone.as_ref())
    }

    /// The subnets of a VPC's foot through which packets may come in that come from `near`: the one of its
    /// zone, if there is one; in appliance mode any. Source: Transit Gateway guide, "Appliance in a shared
    /// services VPC".
    fn entries(
        &self,
        vpc: &VpcId,
        id: &TransitGatewayId,
        near: &SubnetId,
    ) -> Result<Vec<&SubnetId>, Unknown> {
        match self.foot(vpc, id)? {
            Some(foot) if foot.appliance_mode => Ok(foot.subnets.iter().collect()),
            _ => self.feet(vpc, id, near),
        }
    }

    /// The subnets of a VPC's foot through which packets may leave that come from `near`: the one of its zone,
    /// if there is one.
    fn feet(
        &self,
        vpc: &VpcId,
        id: &TransitGatewayId,
        near: &SubnetId,
    ) -> Result<Vec<&SubnetId>, Unknown> {
        let Some(foot) = self.foot(vpc, id)? else { return Ok(Vec::new()) };
        let own = self.zone(near)?;
        let mut same = Vec::new();
        for subnet in &foot.subnets {
            if own.is_some() && self.zone(subnet)? == own {
                same.push(subnet);
            }
        }
        Ok(if same.is_empty() { foot.subnets.iter().collect() } else { same })
    }

    /// A transit gateway takes packets only in the Availability Zones that the attachment has a subnet
    /// in. Source: Transit Gateway guide, "VPC attachments".
    fn attached_to(
        &self,
        (vpc, subnet): Edge,
        (table, route): By,
        id: &TransitGatewayId,
    ) -> Answer {
        let subject = leads(table, route);
        let service = self.service;
        let repair = |because| {
            Fix::of(NetworkRemedy::RepairAttachment { vpc: vpc.clone(), because }, Recovery::Agent)
        };
        let Some(attachment) = self.foot(vpc, id)? else {
            return Ok(Verdict::Fail(
                observed(
                    &subject,
                    NetworkStatement::NoAttachment(vpc.clone()).for_service(service),
                ),
                repair(AttachmentFault::Missing),
            ));
        };
        match &attachment.state {
            AttachmentState::Available | AttachmentState::Modifying => {}
            AttachmentState::Other(word) => {
                return Err(Unknown::limit(format!(
                    "{} is in a state not known here: {word}",
                    attachment.id
                )));
            }
            state => {
                return Ok(Verdict::Fail(
                    observed(
                        &subject,
                        NetworkStatement::AttachmentIs {
                            vpc: vpc.clone(),
                            attachment: attachment.id.clone(),
                            state: state.clone(),
                        }
                        .for_service(service),
                    ),
                    repair(AttachmentFault::NotAvailable),
                ));
            }
        }
        let Some(own) = self.zone(subnet)? else {
            return Err(Unknown::limit(format!("the Availability Zone of {subnet} is not known")));
        };
        let served =
            any_of(&attachment.subnets, |it| Ok((self.zone(it)? == Some(own)).then_some(())))?;
        // Source: Transit Gateway guide, "Connect Local Zone subnets to a transit gateway": they go by the
        // foot in the parent zone, and which that is does not show in a subnet.
        if served.is_none() && !self.is_availability_zone(own) {
            return Err(Unknown::limit(format!(
                "{subnet} is in {own}, which is no Availability Zone: it reaches {id} by the foot in its parent zone, and which that is does not show"
            )));
        }
        Ok(match served {
            Some(()) => Verdict::Pass(observed(
                &subject,
                NetworkStatement::AttachmentServesZone {
                    zone: own.clone(),
                    attachment: attachment.id.clone(),
                },
            )),
            None => Verdict::Fail(
                observed(
                    &subject,
                    NetworkStatement::AttachmentNotInZone {
                        zone: own.clone(),
                        subnet: subnet.clone(),
                        attachment: attachment.id.clone(),
                    }
                    .for_service(service),
                ),
                repair(AttachmentFault::NotInZone),
            ),
        })
    }

    /// What packets of a VPC meet that get to a transit gateway.
    ///
    /// # Errors
    /// [`Unknown`] when the gateway was not seen.
    fn across<'f>(
        &'f self,
        vpc: &VpcId,
        id: &TransitGatewayId,
        toward: &Toward,
    ) -> Result<Met<'f>, Unknown> {
        let gateway = self.facts.transit_gateway(id).required()?;
        let foot = self.foot(vpc, id)?.map(|it| it.id.as_str()).unwrap_or_default();
        let hidden = |what: &str| Ok(Met::Hidden(Unknown::limit(format!("{id} {what}"))));
        let ours = gateway.attachments.iter().find(|it| it.id == foot);
        // The tables of another account's gateway are not listed, nor which one is whose.
        let Some(ours) = ours.filter(|_| !gateway.tables.is_empty()) else {
            return hidden("shows its route tables to its owner alone");
        };
        let Some(association) = &ours.association else {
            return Ok(Met::Stop(self.unassociated(id, foot)));
        };
        let known = association
            .table
            .as_ref()
            .filter(|_| association.state == AssociationState::Associated);
        let listed = |id: &String| gateway.tables.iter().find(|it| it.id == *id);
        let Some(table) = known.and_then(listed) else {
            return hidden(&format!(
                "routes what comes in by {foot} by {}, {}, and what that says does not show",
                association.table.as_deref().unwrap_or("a policy table"),
                association.state
            ));
        };
        let mut candidates = Vec::new();
        for route in &table.routes {
            let Destination::Cidr(net) = &route.to else {
                return hidden(&format!(
                    "has a route to {:?} in {}",
                    route.to.to_string(),
                    table.id
                ));
            };
            let hit = Addresses::net(net).and(&toward.addresses);
            if !hit.is_empty() {
                candidates.push((net.prefix_len(), u8::from(route.propagated), route, hit));
            }
        }
        let legs = sorted(candidates, toward);
        // Feet announce their VPCs to the default table by themselves. That none does is odd enough to doubt
        // the listing rather than the network.
        let odd = table.default_propagation && !table.routes.iter().any(|it| it.propagated);
        if odd && legs.iter().any(|it| it.0.is_none()) {
            return hidden(&format!(
                "lists no VPC in {}, the table to which they announce themselves, so that it is doubtful what it has",
                table.id
            ));
        }
        Ok(Met::Routes(Across { gateway, table, legs }))
    }

    fn unassociated(&self, id: &TransitGatewayId, foot: &str) -> Verdict {
        Verdict::Fail(
            observed(
                id,
                NetworkStatement::AttachmentHasNoTable(foot.into()).for_service(self.service),
            ),
            Fix::of(
                NetworkRemedy::AssociateAttachment { gateway: id.clone(), attachment: foot.into() },
                Recovery::Agent,
            ),
        )
    }

    fn onward(
        &self,
        from: Edge,
        by: By,
        id: &TransitGatewayId,
        flight: Flight,
        across: &Across,
    ) -> Vec<Hop> {
        let (gateway, table) = (across.gateway, across.table);
        let hidden = |what: String| self.out_of_sight(by.0, by.1, Unknown::limit(what));
        let ways = across.legs.iter().map(|(route, addresses)| {
            let toward = flight.toward.part(addresses);
            let flight = Flight { toward: &toward, ..flight };
            let Some(route) = route.filter(|it| it.state != RouteState::Blackhole) else {
                let stop = self.astray((id, table), *route, gateway, flight);
                return vec![Hop::new(HopKind::TransitRoute, &table.id, Ok(stop))];
            };
            if route.state != RouteState::Active || route.via.is_empty() {
                return hidden(format!(
                    "the route of {} ({id}) for {} is {} by {}",
                    table.id,
                    route.to,
                    route.state,
                    if route.via.is_empty() { "nothing that is listed".into() } else { join(&route.via) },
                ));
            }
            let ways = route.via.iter().map(|via| {
                let foot = gateway.attachments.iter().find(|it| it.id == *via);
                let Some((foot, vpc)) = foot.and_then(|it| Some((it, it.vpc.as_ref()?))) else {
                    return hidden(format!(
                        "{} ({id}) sends {} to {via}, which is no VPC, and what lies beyond is not visible",
                        table.id, route.to
                    ));
                };
                let on = observed(&format!("{} ({id})", table.id), NetworkStatement::SendsOn { to: route.to.clone(), vpc: vpc.clone(), attachment: via.clone() });
                let on = Hop::new(HopKind::TransitRoute, &table.id, Ok(Verdict::Pass(on)));
                let beyond = match flight.bound {
                    Bound::Subnet((home, subnet)) if home == vpc => {
                        self.arrive(from, (home, subnet), id, flight)
                    }
                    Bound::Unseen(unknown) => unseen(id, unknown),
                    Bound::Internet if vpc != from.0 => match self.is_our_own(foot) {
                        Ok(true) => self.through(from, by, vpc, id, flight),
                        Ok(false) => hidden(format!(
                            "{} ({id}) sends {} to {vpc} of another account, and what lies beyond is not visible",
                            table.id, route.to
                        )),
                        Err(unknown) => unseen(id, &unknown),
                    },
                    _ => hidden(format!(
                        "{} ({id}) sends {} to {vpc}, and what lies beyond is not visible",
                        table.id, route.to
                    )),
                };
                core::iter::once(on).chain(beyond).collect()
            });
            agreed(ways.collect(), || {
                let unclear = format!("{} ({id}) sends {} by {}, one or another", table.id, route.to, join(&route.via));
                Hop::new(HopKind::NextHop, &table.id, Err(Unknown::limit(unclear)))
            })
        });
        agreed(ways.collect(), || {
            let unclear = format!(
                "{} ({id}) treats different addresses of {} differently",
                table.id, flight.toward.phrase
            );
            Hop::new(HopKind::NextHop, &table.id, Err(Unknown::limit(unclear)))
        })
    }

    /// No route, or one that leads nowhere.
    fn astray(
        &self,
        (id, table): (&TransitGatewayId, &TransitTable),
        route: Option<&TransitRoute>,
        gateway: &TransitGateway,
        flight: Flight,
    ) -> Verdict {
        let (subject, phrase) = (format!("{} ({id})", table.id), &flight.toward.phrase);
        let back = flight.replies;
        let evidence = match route {
            Some(route) => observed(
                &subject,
                NetworkStatement::TransitBlackhole {
                    to: route.to.clone(),
                    back,
                    phrase: phrase.clone(),
                }
                .for_service(self.service),
            ),
            None => observed(
                &subject,
                NetworkStatement::NoTransitRoute { back, phrase: phrase.clone() }
                    .for_service(self.service),
            ),
        };
        // A foot's VPC announces itself, if it is let; a way out has to be said.
        let known = match flight.bound {
            Bound::Subnet((vpc, _)) => {
                gateway.attachments.iter().find(|it| it.vpc.as_ref() == Some(vpc))
            }
            _ => None,
        };
        let fix = match (known, route) {
            (Some(foot), None) => Fix::of(
                NetworkRemedy::PropagateAttachment {
                    table: table.id.clone(),
                    attachment: foot.id.clone(),
                },
                Recovery::Agent,
            ),
            (known, route) => {
                let table = table.id.clone();
                let (phrase, attachment) = (phrase.clone(), known.map(|it| it.id.clone()));
                let remedy = match route {
                    Some(route) => NetworkRemedy::ReplaceTransitRoute {
                        table,
                        to: route.to.clone(),
                        attachment,
                        back,
                        phrase,
                    },
                    None => NetworkRemedy::AddTransitRoute {
                        table,
                        to: Destination::Cidr(flight.toward.range()),
                        attachment,
                        back,
                        phrase,
                    },
                };
                Fix::of(remedy, Recovery::Agent)
            }
        };
        Verdict::Fail(evidence, fix)
    }

    /// Can what is behind the foot be seen?
    fn is_our_own(&self, foot: &TransitAttachment) -> Result<bool, Unknown> {
        let us = self.facts.caller(&Ourselves::Us).required()?;
        Ok(foot.owner.as_ref().is_none_or(|it| *it == us.account))
    }

    /// In at the other VPC's foot, and inside it to where it is bound.
    fn arrive(&self, from: Edge, to: Edge, id: &TransitGatewayId, flight: Flight) -> Vec<Hop> {
        let feet = match self.entries(to.0, id, from.1) {
            Ok(feet) => feet,
            Err(unknown) => return unseen(id, &unknown),
        };
        let mut hops = self.leaves(from, id, flight);
        let ways = feet.into_iter().map(|subnet| {
            let mut way = self.routed((to.0, subnet), flight);
            way.extend(self.crosses((to.0, subnet), to.1, true, flight));
            way
        });
        let ways = agreed(ways.collect(), || {
            let unclear = format!("the subnets of {} on {id} lead on differently", to.0);
            Hop::new(HopKind::NextHop, id, Err(Unknown::limit(unclear)))
        });
        hops.extend(ways.into_iter().filter(|it| !it.passes()));
        hops
    }

    /// The ACL of the foot that packets leave a VPC by.
    fn leaves(&self, from: Edge, id: &TransitGatewayId, flight: Flight) -> Vec<Hop> {
        match self.feet(from.0, id, from.1) {
            Ok(feet) => {
                let ways =
                    feet.into_iter().map(|it| self.crosses((from.0, it), from.1, false, flight));
                agreed(ways.collect(), || {
                    let unclear = format!("the ACLs of {} on {id} say different things", from.0);
                    Hop::new(HopKind::Acl, id, Err(Unknown::limit(unclear)))
                })
            }
            Err(unknown) => vec![Hop::new(HopKind::Acl, id, Err(unknown))],
        }
    }

    /// The ACL of a foot's subnet: it holds what comes in from the VPC against its inbound rules, and what
    /// goes on into the VPC against its outbound ones; of what stays in the subnet nothing. Source: Transit
    /// Gateway guide, "Network ACLs".
    fn crosses(&self, foot: Edge, inner: &SubnetId, arrives: bool, flight: Flight) -> Vec<Hop> {
        if foot.1 == inner {
            return Vec::new();
        }
        let (there, own) = (ports(HTTPS..=HTTPS), self.from.ports());
        // Replies are what came the other way, turned round.
        let outward = arrives != flight.replies;
        let peer = if arrives { flight.toward } else { flight.source };
        let pair = Crossing::there_and_back(foot, Protocol::Tcp, outward, peer, &there, &own);
        let [first, reply] = pair;
        let crossing = if flight.replies { reply } else { first };
        let far = if flight.replies { flight.source } else { flight.toward };
        let filtered = self.acls(far, &own, &[crossing]);
        let hops = Hop::filtered(foot.1, filtered);
        hops.filter(|it| !it.passes()).collect()
    }

    /// Through another VPC to the internet.
    fn through(
        &self,
        from: Edge,
        by: By,
        vpc: &VpcId,
        id: &TransitGatewayId,
        flight: Flight,
    ) -> Vec<Hop> {
        let feet = match self.entries(vpc, id, from.1) {
            Ok(feet) if feet.is_empty() => {
                let on = format!("where {id} has a foot in {vpc} does not show");
                return self.out_of_sight(by.0, by.1, Unknown::limit(on));
            }
            Ok(feet) => feet,
            Err(unknown) => return unseen(id, &unknown),
        };
        let ways = feet.into_iter().map(|subnet| self.out_of((vpc, subnet), id, flight));
        let mut hops = self.leaves(from, id, flight);
        hops.extend(agreed(ways.collect(), || {
            let unclear = format!("the subnets of {vpc} on {id} lead on differently");
            Hop::new(HopKind::NextHop, id, Err(Unknown::limit(unclear)))
        }));
        hops
    }

    /// From a foot in another VPC out of that to the internet.
    fn out_of(&self, foot: Edge, id: &TransitGatewayId, flight: Flight) -> Vec<Hop> {
        let (vpc, subnet) = foot;
        let looked = table_of(self.facts, vpc, subnet)
            .and_then(|table| Ok((table, self.ways_out(vpc, table, flight.toward)?)));
        let (table, legs) = match looked {
            Ok(looked) => looked,
            Err(unknown) => return unseen(subnet, &unknown),
        };
        let stop = |evidence: NetworkStatement| {
            let fix = Fix::of(
                NetworkRemedy::AddRouteToNatGateway {
                    table: table.id.clone(),
                    to: flight.toward.range(),
                },
                Recovery::Agent,
            );
            let evidence =
                observed(&format!("{subnet} ({})", table.id), evidence.for_service(self.service));
            vec![Hop::new(HopKind::TransitRoute, &table.id, Ok(Verdict::Fail(evidence, fix)))]
        };
        let ways = legs.iter().map(|leg| {
            let Some(route) = leg.route else {
                return stop(NetworkStatement::NoRouteOutOf {
                    vpc: vpc.clone(),
                    gateway: id.clone(),
                    phrase: flight.toward.phrase.clone(),
                });
            };
            if let Some(dead) = self.dead(table, route) {
                return vec![Hop::new(HopKind::NextHop, &route.via, dead)];
            }
            match route.via.kind() {
                TargetKind::NatGateway(nat) => {
                    let on = Hop::new(HopKind::NextHop, &route.via, Ok(alive(table, route)));
                    let nat = self.nat_gateway(
                        foot,
                        (table, route),
                        &nat,
                        &flight.toward.part(&leg.addresses),
                    );
                    core::iter::once(on).chain(nat).collect()
                }
                TargetKind::InternetGateway(gateway) if self.family() == Family::V4 => {
                    stop(NetworkStatement::NoNatIn {
                        vpc: vpc.clone(),
                        gateway: id.clone(),
                        internet_gateway: gateway,
                    })
                }
                // Firewalls mostly stand in such a VPC, for all the others. A gateway endpoint is for its own VPC
                // alone. Source: VPC guide, "Gateway endpoints", considerations.
                TargetKind::Endpoint(id)
                    if !matches!(self.gateway_behind(vpc, route), Ok(Some(_))) =>
                {
                    let toward = flight.toward.part(&leg.addresses);
                    self.through_firewall(vpc, table, route, &id, &toward)
                }
                _ => self.out_of_sight(table, route, invisible(table, route)),
            }
        });
        agreed(ways.collect(), || Hop::new(HopKind::NextHop, "", Err(mixed(&legs, flight.toward))))
    }
}

/// ACLs around a transit gateway are looked at one by one. Where several leave replies part of the ports, it
/// is not known here whether they leave any together.
pub(super) fn unless_the_same_ports(hops: &[Hop]) -> Option<Hop> {
    let fails = |it: &&Hop| matches!(it.answer, Ok(Verdict::Fail(..)));
    let partly = |it: &&Hop| it.kind == HopKind::SomeReplies;
    let crossed = hops.iter().any(|it| it.kind == HopKind::TransitGateway);
    let mut some = hops.iter().filter(partly).filter(fails).map(|it| it.id.as_str());
    match (some.next(), some.next()) {
        (Some(one), Some(other)) if crossed => {
            let unclear = format!(
                "ACLs let replies through by some ports at {one} and by some at {other}, and whether any of them are the same is not followed"
            );
            Some(Hop::new(HopKind::Acl, one, Err(Unknown::limit(unclear))))
        }
        _ => None,
    }
}

/// While it is not known whether anything lies beyond, nor is what does.
pub(super) fn unseen(id: &impl ToString, unknown: &Unknown) -> Vec<Hop> {
    UNSEEN.map(|kind| Hop::new(kind, &id.to_string(), Err(unknown.clone()))).into()
}
