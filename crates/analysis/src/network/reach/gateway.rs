//! What a route points at, and whether it leads on.
//!
//! Each kind of gateway is judged as far as AWS shows it: an internet gateway and a NAT gateway to the
//! end, a NAT instance up to its own forwarding, a peering connection to the other VPC, a transit
//! gateway up to its route tables. Everything else is a hop beyond which nothing is visible.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use crate::network::hop::HopKind;
use crate::network::reach::{
    Edge, HTTPS, Hop, NAT64, Toward, Walk, agreed,
    filter::{Crossing, Filtered, Members, Near},
    gets_through, merged,
    route::{Leg, table_of},
    transit::{Bound, Flight, unseen},
};
use crate::network::remedy::{NetworkRemedy, RouteFault};
use crate::network::statement::{NetworkStatement, Opaque};
use crate::{
    answer::*,
    network::address_set::{Family, ports},
};
use ssm_doctor_facts::{change::Protocol, ec2::*, ids::*, lookup::Unknown};

/// The ports from which a NAT gateway opens connections. Source: VPC guide, "Custom network ACLs".
const NAT_PORTS: (u16, u16) = (1024, u16::MAX);

/// A fix that changes where a route leads.
pub(super) fn reroute(table: &RouteTable, route: &Route, because: RouteFault) -> Fix {
    let (table, to) = (table.id.clone(), route.to.clone());
    Fix::of(NetworkRemedy::ReplaceRoute { table, to, because }, Recovery::Agent)
}

impl Walk<'_> {
    /// Everything from a route's target on to the internet.
    pub(super) fn beyond(&self, table: &RouteTable, route: &Route, toward: &Toward) -> Vec<Hop> {
        let hop = |kind, answer| Hop { kind, id: route.via.to_string(), answer };
        if let Some(dead) = self.dead(table, route) {
            return vec![hop(HopKind::NextHop, dead)];
        }
        if let Ok(Some(gateway)) = self.gateway_behind(self.from.vpc, route) {
            return vec![self.by_gateway_endpoint(table, gateway)];
        }
        if let TargetKind::Endpoint(id) = route.via.kind() {
            return self.through_firewall(self.from.vpc, table, route, &id, toward);
        }
        if toward.is_translated() && !matches!(route.via.kind(), TargetKind::NatGateway(_)) {
            return self.translated_elsewhere(table, route);
        }
        let mut hops = vec![hop(HopKind::NextHop, Ok(alive(table, route)))];
        hops.extend(match route.via.kind() {
            TargetKind::InternetGateway(id) => vec![
                hop(HopKind::InternetGateway, self.internet_gateway(self.from.vpc, table, &id)),
                self.public_access(self.from.vpc, Some(&self.from.interface.subnet), false),
                Hop {
                    kind: HopKind::PublicAddress,
                    id: self.from.interface.id.to_string(),
                    answer: Ok(self.public_address(route)),
                },
            ],
            TargetKind::EgressOnlyGateway(id) => vec![
                hop(HopKind::InternetGateway, self.egress_only_gateway(table, &id)),
                self.public_access(self.from.vpc, Some(&self.from.interface.subnet), true),
            ],
            TargetKind::NatGateway(id) => {
                self.nat_gateway(self.from.edge(), (table, route), &id, toward)
            }
            TargetKind::TransitGateway(id) => {
                let source = Toward::one(self.from.address);
                let flight =
                    Flight { source: &source, toward, bound: Bound::Internet, replies: false };
                self.by_transit_gateway(self.from.edge(), (table, route), &id, flight)
            }
            TargetKind::Interface(id) => self.nat_instance(table, route, &id, toward),
            TargetKind::Peering(_) => {
                vec![hop(HopKind::Peering, Ok(self.intransitive(table, route)))]
            }
            TargetKind::Local | TargetKind::Endpoint(_) | TargetKind::Other => {
                self.out_of_sight(table, route, invisible(table, route))
            }
        });
        hops
    }

    /// A hop that can be judged itself, and beyond it nothing.
    fn beyond_sight(&self, first: Hop, table: &RouteTable, route: &Route, on: Unknown) -> Vec<Hop> {
        let beyond = match &first.answer {
            Ok(Verdict::Fail(..)) => Vec::new(),
            Ok(_) => self.out_of_sight(table, route, on),
            // While it is not known whether anything lies beyond, nor is what does.
            Err(unknown) => [HopKind::Appliance, HopKind::NextHop]
                .map(|kind| Hop::new(kind, &route.via, Err(unknown.clone())))
                .into(),
        };
        core::iter::once(first).chain(beyond).collect()
    }

    /// A hop beyond which nothing is visible: as the path, unknown; and as a remark, the first thing to
    /// look at when the agent is silent.
    pub(super) fn out_of_sight(
        &self,
        table: &RouteTable,
        route: &Route,
        unknown: Unknown,
    ) -> Vec<Hop> {
        self.out_of_sight_as(table, route, nature(route), unknown)
    }

    /// The same, of something that is known to be `what`.
    pub(super) fn out_of_sight_as(
        &self,
        table: &RouteTable,
        route: &Route,
        what: Opaque,
        unknown: Unknown,
    ) -> Vec<Hop> {
        let subject = leads(table, route);
        let remark = gets_through(self.case, self.service).map(|it| {
            if it {
                return Verdict::Pass(observed(&subject, NetworkStatement::CarriesAgentTraffic));
            }
            let evidence = observed(
                &subject,
                NetworkStatement::MustPassTraffic { to: route.to.clone(), what }
                    .for_service(self.service),
            );
            let region = &self.scope.region;
            let fix = Fix::of(
                NetworkRemedy::InspectAppliance { via: route.via.clone(), region: region.clone() },
                Recovery::Agent,
            );
            Verdict::Fail(evidence, fix)
        });
        vec![
            Hop::new(HopKind::Appliance, &route.via, remark),
            Hop::new(HopKind::NextHop, &route.via, Err(unknown)),
        ]
    }

    /// The addresses that DNS64 hands out nobody on the internet has, nor does a peer lend its NAT gateway.
    /// What lies out of sight may end at something that translates them.
    fn translated_elsewhere(&self, table: &RouteTable, route: &Route) -> Vec<Hop> {
        match route.via.kind() {
            TargetKind::InternetGateway(_)
            | TargetKind::EgressOnlyGateway(_)
            | TargetKind::Peering(_) => {
                vec![Hop::new(HopKind::NextHop, &route.via, Ok(self.untranslated(table, route)))]
            }
            _ => self.out_of_sight(table, route, invisible(table, route)),
        }
    }

    fn untranslated(&self, table: &RouteTable, route: &Route) -> Verdict {
        Verdict::Fail(
            observed(
                &leads(table, route),
                NetworkStatement::DoesNotTranslateDns64.for_service(self.service),
            ),
            Fix::of(
                NetworkRemedy::TranslateDns64 { table: table.id.clone(), to: NAT64 },
                Recovery::Agent,
            ),
        )
    }

    /// What is wrong with a route as such.
    pub(super) fn dead(&self, table: &RouteTable, route: &Route) -> Option<Answer> {
        match &route.state {
            RouteState::Active => None,
            RouteState::Blackhole => Some(Ok(Verdict::Fail(
                observed(
                    &leads(table, route),
                    NetworkStatement::RouteBlackhole(route.to.clone()).for_service(self.service),
                ),
                reroute(table, route, RouteFault::Blackhole),
            ))),
            other => Some(Err(Unknown::limit(format!(
                "the route of {} for {} is {other}",
                table.id, route.to
            )))),
        }
    }

    fn internet_gateway(&self, vpc: &VpcId, table: &RouteTable, id: &InternetGatewayId) -> Answer {
        let listed = self.facts.internet_gateways(vpc).required()?;
        let ours = listed.iter().find(|it| it.id == *id).map(|it| it.state.as_str());
        let fix = Fix::of(
            NetworkRemedy::AttachInternetGateway { gateway: id.clone(), vpc: vpc.clone() },
            Recovery::Agent,
        );
        self.attached(vpc, &format!("{} → {id}", table.id), ours, fix)
    }

    fn egress_only_gateway(&self, table: &RouteTable, id: &EgressOnlyGatewayId) -> Answer {
        let vpc = self.from.vpc;
        let listed = self.facts.egress_only_gateways(vpc).required()?;
        let ours = listed.iter().find(|it| it.id == *id).map(|it| it.state.as_str());
        let fix =
            Fix::of(NetworkRemedy::CreateEgressOnlyGateway { vpc: vpc.clone() }, Recovery::Agent);
        self.attached(vpc, &format!("{} → {id}", table.id), ours, fix)
    }

    /// A gateway by the state of its attachment to the VPC, if it has one.
    fn attached(&self, vpc: &VpcId, subject: &str, state: Option<&str>, fix: Fix) -> Answer {
        match state {
            Some("available" | "attached") => {
                Ok(Verdict::Pass(observed(subject, NetworkStatement::Attached(vpc.clone()))))
            }
            None | Some("attaching" | "detaching" | "detached") => Ok(Verdict::Fail(
                observed(
                    subject,
                    NetworkStatement::NotAttached(vpc.clone()).for_service(self.service),
                ),
                fix,
            )),
            Some(word) => Err(Unknown::limit(format!(
                "{subject} is attached in a way not known here: {word}"
            ))),
        }
    }

    /// An internet gateway translates between an instance's public address and its private one; without
    /// a public address there is nothing to translate to. IPv6 addresses are public as they are.
    fn public_address(&self, route: &Route) -> Verdict {
        let interface = self.from.interface;
        if self.from.address.is_ipv6() {
            return Verdict::Pass(observed(
                &interface.id,
                NetworkStatement::HasIpv6Address(self.from.address),
            ));
        }
        if let Some(address) = interface.public_ip {
            return Verdict::Pass(observed(
                &interface.id,
                NetworkStatement::HasPublicAddress(address),
            ));
        }
        if !self.from.host.running {
            return Verdict::NotApplicable("a stopped instance has given its public address back");
        }
        Verdict::Fail(
            observed(
                &interface.id,
                NetworkStatement::NoPublicAddress {
                    to: route.to.clone(),
                    gateway: route.via.clone(),
                    has_ipv6: !interface.ipv6.is_empty(),
                },
            ),
            Fix::of(
                NetworkRemedy::GiveElasticAddress { interface: interface.id.clone() },
                Recovery::Agent,
            ),
        )
    }

    /// VPC Block Public Access, for packets that enter a gateway from `subnet`; None for those of a regional
    /// NAT gateway, which stands in no subnet that is described. In its ingress mode it leaves NAT and
    /// egress-only gateways alone, through which nobody can come in. Source: EC2 API reference,
    /// `VpcBlockPublicAccessOptions`.
    fn public_access(&self, vpc: &VpcId, subnet: Option<&SubnetId>, outbound_only: bool) -> Hop {
        let answer = self.judge_public_access(vpc, subnet, outbound_only);
        Hop { kind: HopKind::PublicAccess, id: self.scope.region.to_string(), answer }
    }

    fn judge_public_access(
        &self,
        vpc: &VpcId,
        subnet: Option<&SubnetId>,
        outbound_only: bool,
    ) -> Answer {
        let region = &self.scope.region;
        // An account that never heard of it is not asked for more.
        let Some(block) = self.facts.public_access_block(region).optional()? else {
            return Ok(Verdict::Pass(observed(region, NetworkStatement::NoPublicAccessBlock)));
        };
        match &block.mode {
            BlockMode::Off => {
                return Ok(Verdict::Pass(observed(region, NetworkStatement::PublicAccessBlockOff)));
            }
            BlockMode::Ingress if outbound_only => {
                return Ok(Verdict::Pass(observed(
                    region,
                    NetworkStatement::PublicAccessBlockIngressOnly,
                )));
            }
            BlockMode::Ingress | BlockMode::Bidirectional => {}
            BlockMode::Other(word) => {
                return Err(Unknown::limit(format!(
                    "VPC Block Public Access is in a mode not known here: {word}"
                )));
            }
        }
        // What faces the gateway is the subnet that packets enter it from: a NAT gateway's own.
        let own = self.from.interface.subnet.as_str();
        let facing = || {
            let faces =
                |it: &str| it == vpc.as_str() || subnet.is_some_and(|subnet| it == subnet.as_str());
            block.exclusions.iter().filter(move |it| faces(&it.resource))
        };
        let near = |it: &&Exclusion| {
            it.resource == own || subnet.is_none() && it.resource.starts_with("subnet-")
        };
        let exempt = facing().find(|it| {
            it.mode == ExclusionMode::Bidirectional
                || it.mode == ExclusionMode::Egress && outbound_only
        });
        if let Some(it) = exempt {
            return Ok(Verdict::Pass(observed(
                &it.resource,
                NetworkStatement::PublicAccessExempt {
                    exclusion: it.id.clone(),
                    mode: it.mode.clone(),
                },
            )));
        }
        match facing().chain(block.exclusions.iter().filter(near)).next() {
            Some(it) => Err(Unknown::limit(format!(
                "VPC Block Public Access is {}, and how far the exclusion {} of {} ({}) reaches is not documented",
                block.mode, it.id, it.resource, it.mode
            ))),
            None => Ok(Verdict::Fail(
                observed(
                    region,
                    NetworkStatement::PublicAccessBlocked {
                        mode: block.mode.clone(),
                        vpc: vpc.clone(),
                        subnet: subnet.unwrap_or(&self.from.interface.subnet).clone(),
                    }
                    .for_service(self.service),
                ),
                Fix::of(
                    NetworkRemedy::ExemptFromPublicAccessBlock { vpc: vpc.clone() },
                    Recovery::Agent,
                ),
            )),
        }
    }

    // ------------------------------------------------------------ NAT gateways

    /// A NAT gateway, the ACL of its subnet, and its own way on. Packets come to it from the instance's
    /// subnet, or from where a transit gateway lets them out.
    pub(super) fn nat_gateway(
        &self,
        from: Edge,
        (table, route): (&RouteTable, &Route),
        id: &NatGatewayId,
        toward: &Toward,
    ) -> Vec<Hop> {
        let subject = leads(table, route);
        let hop = |answer| Hop { kind: HopKind::NatGateway, id: id.to_string(), answer };
        let at_home = from.0 == self.from.vpc;
        let nat = match self.nat_works(table, route, id, &subject) {
            Ok(Ok(nat)) => nat,
            Ok(Err((evidence, fix))) => return vec![hop(Ok(Verdict::Fail(evidence, fix)))],
            // What depends on where it stands is as unknown as it is.
            Err(unknown) if !at_home => return unseen(id, &unknown),
            Err(unknown) => {
                let same = |kind| Hop::new(kind, id, Err(unknown.clone()));
                return [HopKind::NatGateway, HopKind::Acl, HopKind::PublicAccess].map(same).into();
            }
        };
        let Some(subnet) = &nat.subnet else {
            if at_home {
                return self.regional(nat, table, route, id);
            }
            return self.out_of_sight(table, route, invisible(table, route));
        };
        // What DNS64 has made of an address it turns back.
        let behind =
            if toward.is_translated() { self.internet(Family::V4) } else { toward.clone() };
        let on = self.nat_leads_on(from.0, (table, route), nat, id, &behind);
        let (access, on) = on.into_iter().partition(|it| it.kind == HopKind::PublicAccess);
        let back = if at_home {
            vec![hop(self.nat_leads_back(subnet, &subject))]
        } else {
            let instance = Toward::one(self.from.address);
            let bound = Bound::Subnet(self.from.edge());
            let home = Flight { source: &behind, toward: &instance, bound, replies: true };
            let hops = self.routed((from.0, subnet), home).into_iter();
            hops.filter(|it| !it.passes()).collect()
        };
        let mut hops = merged(vec![on, back]);
        hops.extend(Hop::filtered(id, self.acls_around_nat(from, subnet, toward, &behind)));
        hops.extend::<Vec<Hop>>(access);
        hops
    }

    fn nat_works(
        &self,
        table: &RouteTable,
        route: &Route,
        id: &NatGatewayId,
        subject: &str,
    ) -> Result<Result<&NatGateway, (Evidence, Fix)>, Unknown> {
        let replace = |because| reroute(table, route, because);
        let service = self.service;
        let Some(nat) = self.facts.nat_gateway(id).optional()? else {
            return Ok(Err((
                observed(subject, NetworkStatement::NatGatewayGone.for_service(service)),
                replace(RouteFault::NatGatewayGone(id.clone())),
            )));
        };
        match &nat.state {
            NatState::Available => {}
            NatState::Pending => {
                return Err(Unknown::limit(format!(
                    "{id} is still being made: look again in some minutes"
                )));
            }
            NatState::Failed | NatState::Deleting | NatState::Deleted => {
                return Ok(Err((
                    observed(
                        subject,
                        NetworkStatement::NatGatewayState {
                            state: nat.state.clone(),
                            failure: nat.failure.clone(),
                        }
                        .for_service(service),
                    ),
                    replace(RouteFault::NatGatewayFailed(id.clone())),
                )));
            }
            NatState::Other(word) => {
                return Err(Unknown::limit(format!("{id} is in a state not known here: {word}")));
            }
        }
        match &nat.connectivity {
            Connectivity::Public | Connectivity::Private => Ok(Ok(nat)),
            Connectivity::Other(word) => {
                Err(Unknown::limit(format!("{id} is of a kind not known here: {word}")))
            }
        }
    }

    /// What a private NAT gateway sends to an internet gateway is dropped; by a transit gateway or a virtual
    /// private one it leads to other networks. Source: VPC guide, "NAT gateways".
    fn private_nat(&self, table: &RouteTable, route: &Route) -> Verdict {
        Verdict::Fail(
            observed(
                &leads(table, route),
                NetworkStatement::NatGatewayPrivate.for_service(self.service),
            ),
            reroute(table, route, RouteFault::NatGatewayIsPrivate),
        )
    }

    /// It stands in no subnet, and has a route table of its own with a way to the VPC's internet gateway.
    /// Source: VPC guide, "Regional NAT gateways".
    fn regional(
        &self,
        nat: &NatGateway,
        table: &RouteTable,
        route: &Route,
        id: &NatGatewayId,
    ) -> Vec<Hop> {
        let vpc = self.from.vpc;
        let hop = |answer| Hop::new(HopKind::NatGateway, id, answer);
        if nat.connectivity == Connectivity::Private {
            return vec![hop(Ok(self.private_nat(table, route)))];
        }
        let attached = self.facts.internet_gateways(vpc).required().and_then(|all| {
            let attached = all.iter().any(|it| matches!(it.state.as_str(), "available" | "attached"));
            attached.then_some(()).ok_or_else(|| {
                Unknown::limit(format!(
                    "{id} is a regional NAT gateway, and {vpc} has no internet gateway for it to lead to"
                ))
            })
        });
        if let Err(unknown) = attached {
            let same = |kind| Hop::new(kind, id, Err(unknown.clone()));
            return [HopKind::NatGateway, HopKind::PublicAccess].map(same).into();
        }
        let answer = self.facts.subnet(&self.from.interface.subnet).required().and_then(|subnet| {
            match &subnet.availability_zone {
                Some(zone) if !nat.zones.is_empty() && !nat.zones.contains(zone) => {
                    self.in_another_zone(nat, zone, &leads(table, route), id)
                }
                _ => Ok(Verdict::Pass(observed(
                    &leads(table, route),
                    NetworkStatement::RegionalNatGateway,
                ))),
            }
        });
        vec![hop(answer), self.public_access(vpc, None, true)]
    }

    /// A regional NAT gateway without an address in the instance's zone. One that manages its zones by itself
    /// grows into it within the hour, and until then serves it from the zones that it is in (VPC guide,
    /// "Regional NAT gateways"); one that does not serves the zones alone that it was given (CDK reference,
    /// `RegionalNatGatewayProviderProps`).
    fn in_another_zone(
        &self,
        nat: &NatGateway,
        zone: &str,
        subject: &str,
        id: &NatGatewayId,
    ) -> Answer {
        let (zone, zones) = (String::from(zone), nat.zones.clone());
        match &nat.auto_provision_zones {
            Some(AutoProvisionZones::On) => Ok(Verdict::Pass(observed(
                subject,
                NetworkStatement::RegionalNatGatewayOf { zone, zones },
            ))),
            Some(AutoProvisionZones::Off) => Ok(Verdict::Fail(
                observed(
                    subject,
                    NetworkStatement::RegionalNatGatewayNotIn { zone: zone.clone(), zones }
                        .for_service(self.service),
                ),
                Fix::of(
                    NetworkRemedy::AddNatGatewayAddress { gateway: id.clone(), zone },
                    Recovery::Agent,
                ),
            )),
            None | Some(AutoProvisionZones::Other(_)) => Err(Unknown::limit(format!(
                "{id} is a regional NAT gateway without an address in {zone}, where the instance is"
            ))),
        }
    }

    /// The ways from its subnet on to `toward`, each with what stands at the internet gateway.
    fn nat_leads_on(
        &self,
        vpc: &VpcId,
        (table, route): (&RouteTable, &Route),
        nat: &NatGateway,
        id: &NatGatewayId,
        toward: &Toward,
    ) -> Vec<Hop> {
        let Some(subnet) = &nat.subnet else { return Vec::new() };
        let (subject, service) = (leads(table, route), self.service);
        let replace = |because| reroute(table, route, because);
        let hop = |answer| Hop::new(HopKind::NatGateway, id, answer);
        let looked = table_of(self.facts, vpc, subnet)
            .and_then(|onward| Ok((onward, self.ways_out(vpc, onward, toward)?)));
        let (onward, legs) = match looked {
            Ok(looked) => looked,
            Err(unknown) => {
                let same = |kind| Hop::new(kind, id, Err(unknown.clone()));
                return [HopKind::NatGateway, HopKind::PublicAccess].map(same).into();
            }
        };
        let ways = legs.iter().map(|leg| {
            let Some(next) = leg.route else {
                return vec![hop(Ok(Verdict::Fail(
                    observed(&subject, NetworkStatement::NatGatewayHasNoRoute { subnet: subnet.clone(), table: onward.id.clone() }.for_service(service)),
                    replace(RouteFault::NatGatewayHasNoRoute),
                )))];
            };
            match (self.dead(onward, next), next.via.kind()) {
                (Some(dead), _) => vec![hop(dead)],
                (None, TargetKind::InternetGateway(_)) if nat.connectivity == Connectivity::Private => {
                    vec![
                        hop(Ok(self.private_nat(table, route))),
                        self.public_access(vpc, Some(subnet), true),
                    ]
                }
                (None, TargetKind::InternetGateway(gateway)) => {
                    let answer = self.internet_gateway(vpc, onward, &gateway).map(|attached| match attached {
                        Verdict::Pass(_) => Verdict::Pass(observed(&subject, NetworkStatement::NatGatewayRoutesTo(gateway.clone()))),
                        _ => Verdict::Fail(
                            observed(&subject, NetworkStatement::NatGatewayRoutesToDetached(gateway.clone()).for_service(service)),
                            replace(RouteFault::InternetGatewayDetached(gateway.clone())),
                        ),
                    });
                    vec![hop(answer), self.public_access(vpc, Some(subnet), true)]
                }
                // A common slip: the NAT gateway was put into the private subnet that it is to serve.
                (None, TargetKind::NatGateway(next)) if next == *id => vec![hop(Ok(Verdict::Fail(
                    observed(&subject, NetworkStatement::NatGatewayRoutesToItself { subnet: subnet.clone() }.for_service(service)),
                    replace(
                        RouteFault::NatGatewayRoutesToItself,
                    ),
                )))],
                (None, _) => vec![hop(Err(Unknown::limit(format!(
                    "{id} stands in {subnet}, whose table {} leads on to {}, and what lies beyond is not visible",
                    onward.id, next.via
                ))))],
            }
        });
        agreed(ways.collect(), || hop(Err(mixed(&legs, toward))))
    }

    /// Replies go back by the table of its own subnet, which as a rule is the VPC's local route.
    fn nat_leads_back(&self, subnet: &SubnetId, subject: &str) -> Answer {
        let vpc = self.from.vpc;
        let table = table_of(self.facts, vpc, subnet)?;
        let back = self.legs(vpc, table, &Toward::one(self.from.address))?;
        let detour = back.iter().filter_map(|it| it.route).find(|it| !it.via.is_local());
        match detour {
            Some(route) => self.dead(table, route).unwrap_or_else(|| Err(invisible(table, route))),
            None => {
                Ok(Verdict::Pass(observed(subject, NetworkStatement::RoutesBack(table.id.clone()))))
            }
        }
    }

    /// In from the instance and on to the internet, and back.
    fn acls_around_nat(
        &self,
        from: Edge,
        subnet: &SubnetId,
        toward: &Toward,
        behind: &Toward,
    ) -> Filtered {
        let vpc = from.0;
        let (there, own) = (ports(HTTPS..=HTTPS), self.from.ports());
        let instance = Toward::one(self.from.address);
        let pair = |outward, peer, own| {
            Crossing::there_and_back((vpc, subnet), Protocol::Tcp, outward, peer, &there, own)
        };
        let inside = if subnet == from.1 {
            Filtered::within_subnet()
        } else {
            self.acls(&instance, &own, &pair(false, &instance, &own))
        };
        // What goes on from a foot of a transit gateway leaves a subnet there too; replies go back by the
        // foot that their own routes say.
        let inside = if vpc != self.from.vpc && subnet != from.1 {
            let leaves = Crossing::there_and_back(from, Protocol::Tcp, true, toward, &there, &own);
            let [leaves, _] = leaves;
            inside.and(self.acls(toward, &own, &[leaves]))
        } else {
            inside
        };
        let high = ports(NAT_PORTS.0..=NAT_PORTS.1);
        let outside = self.acls(behind, &high, &pair(true, behind, &high));
        // The ports that one ACL leaves for replies another may take.
        if inside.partly.is_some() && self.acls_of_own(toward).partly.is_some() {
            let own_pair = Crossing::there_and_back(
                self.from.edge(),
                Protocol::Tcp,
                true,
                toward,
                &there,
                &own,
            );
            let all = [own_pair, pair(false, &instance, &own)].concat();
            let joint = self.acls(toward, &own, &all);
            if !matches!(joint.answer, Ok(Verdict::Pass(_))) {
                return joint.and(outside);
            }
        }
        inside.and(outside)
    }

    // ------------------------------------------------------------ NAT instances and appliances

    /// An interface that a route points at is a NAT instance, or a firewall. Whether it forwards is its
    /// own business; that it may, and that its groups let the packets by, is AWS's.
    fn nat_instance(
        &self,
        table: &RouteTable,
        route: &Route,
        id: &NetworkInterfaceId,
        toward: &Toward,
    ) -> Vec<Hop> {
        let may = self.may_forward(table, route, id, toward);
        let forwards = Unknown::limit(format!(
            "{} sends {} to {id}, and whether that forwards packets is not visible",
            table.id, route.to
        ));
        self.beyond_sight(Hop::new(HopKind::NatInstance, id, may), table, route, forwards)
    }

    fn may_forward(
        &self,
        table: &RouteTable,
        route: &Route,
        id: &NetworkInterfaceId,
        toward: &Toward,
    ) -> Answer {
        let subject = leads(table, route);
        let interface = self.facts.network_interface(id).required()?;
        let groups = &interface.security_groups;
        let answers = [
            Ok(self.forwards_what_is_not_its_own(interface, id, &subject)),
            self.owner_runs(interface, &subject),
            self.admits(&format!("{id} ({})", self.service), groups, Near::Inside, Some(id)),
            self.sends(groups, toward, Members::Outside),
            self.has_a_way_on(table, route, interface, toward),
        ];
        all_of(answers, "", |it| it)
    }

    fn forwards_what_is_not_its_own(
        &self,
        interface: &NetworkInterface,
        id: &NetworkInterfaceId,
        subject: &str,
    ) -> Verdict {
        if interface.source_dest_check != Some(true) {
            return Verdict::Pass(observed(subject, NetworkStatement::ForwardsOthersPackets));
        }
        Verdict::Fail(
            observed(
                subject,
                NetworkStatement::ChecksSourceAndDestination.for_service(self.service),
            ),
            Fix::of(
                NetworkRemedy::DisableSourceDestCheck { interface: id.clone() },
                Recovery::Agent,
            ),
        )
    }

    fn owner_runs(&self, interface: &NetworkInterface, subject: &str) -> Answer {
        let Some(owner) = &interface.instance else {
            return Ok(Verdict::NotApplicable("attached to no instance"));
        };
        let state = &self.facts.instance(owner).required()?.state;
        match state {
            InstanceState::Running => {
                return Ok(Verdict::Pass(observed(
                    subject,
                    NetworkStatement::InstanceRuns(owner.clone()),
                )));
            }
            InstanceState::Pending | InstanceState::Other(_) => {
                return Err(Unknown::limit(format!(
                    "{owner}, which {subject} leads to, is {state}"
                )));
            }
            _ => {}
        }
        Ok(Verdict::Fail(
            observed(
                subject,
                NetworkStatement::InstanceIs(owner.clone(), state.clone())
                    .for_service(self.service),
            ),
            Fix::of(NetworkRemedy::StartNatInstance { instance: owner.clone() }, Recovery::Agent),
        ))
    }

    fn has_a_way_on(
        &self,
        table: &RouteTable,
        route: &Route,
        interface: &NetworkInterface,
        toward: &Toward,
    ) -> Answer {
        let subject = leads(table, route);
        let onward = table_of(self.facts, self.from.vpc, &interface.subnet)?;
        let ways = self.ways_out(self.from.vpc, onward, toward)?;
        let is_public = toward.family() == Family::V6 || interface.public_ip.is_some();
        let stuck = |leg: &Leg| {
            leg.route.is_none_or(|next| {
                let gateway = matches!(next.via.kind(), TargetKind::InternetGateway(_));
                next.state == RouteState::Blackhole
                    || next.via == route.via
                    || gateway && !is_public
            })
        };
        if !ways.iter().all(stuck) {
            return Ok(Verdict::Pass(observed(
                &subject,
                NetworkStatement::HasRouteOut(onward.id.clone()),
            )));
        }
        Ok(Verdict::Fail(
            observed(
                &subject,
                NetworkStatement::NatInstanceHasNoRoute(interface.subnet.clone())
                    .for_service(self.service),
            ),
            reroute(table, route, RouteFault::NatInstanceHasNoRoute(route.via.clone())),
        ))
    }

    // ------------------------------------------------------------ other VPCs

    /// A peering connection, or a foot on a transit gateway, that packets leave the VPC by.
    pub(super) fn to_other_vpc(
        &self,
        from: Edge,
        table: &RouteTable,
        route: &Route,
        flight: Flight,
    ) -> Vec<Hop> {
        let hop = |kind, answer| Hop { kind, id: route.via.to_string(), answer };
        if let Some(dead) = self.dead(table, route) {
            return vec![hop(HopKind::NextHop, dead)];
        }
        match route.via.kind() {
            TargetKind::Peering(id) => vec![
                hop(HopKind::NextHop, Ok(alive(table, route))),
                hop(HopKind::Peering, self.peering(table, route, &id)),
            ],
            TargetKind::TransitGateway(id) => {
                self.by_transit_gateway(from, (table, route), &id, flight)
            }
            // The internet has no route to such addresses, and a NAT gateway knows nothing of connections that
            // others opened.
            TargetKind::InternetGateway(_) if self.is_private(flight.toward) => {
                vec![self.no_route(table, from.1, flight.toward, Some(route))]
            }
            TargetKind::NatGateway(_) if flight.replies => {
                vec![self.no_route(table, from.1, flight.toward, Some(route))]
            }
            _ => self.out_of_sight(table, route, invisible(table, route)),
        }
    }

    fn is_private(&self, toward: &Toward) -> bool {
        self.internet(toward.family()).addresses.and(&toward.addresses).is_empty()
    }

    /// Source: VPC peering guide, "VPC peering limitations": no edge to edge routing through a gateway.
    fn intransitive(&self, table: &RouteTable, route: &Route) -> Verdict {
        Verdict::Fail(
            observed(
                &leads(table, route),
                NetworkStatement::PeeringIsNotTransitive.for_service(self.service),
            ),
            reroute(table, route, RouteFault::Peering),
        )
    }

    fn peering(&self, table: &RouteTable, route: &Route, id: &PeeringId) -> Answer {
        let subject = leads(table, route);
        let peering = self.facts.peering(id).required()?;
        Ok(match &peering.state {
            PeeringState::Active => {
                Verdict::Pass(observed(&subject, NetworkStatement::PeeringActive))
            }
            PeeringState::Other(word) => {
                return Err(Unknown::limit(format!("{id} is in a state not known here: {word}")));
            }
            state => Verdict::Fail(
                observed(
                    &subject,
                    NetworkStatement::PeeringIs(state.clone()).for_service(self.service),
                ),
                Fix::of(NetworkRemedy::AcceptPeering { peering: id.clone() }, Recovery::Agent),
            ),
        })
    }
}

/// What kind of thing lies out of sight.
fn nature(route: &Route) -> Opaque {
    match route.via.kind() {
        TargetKind::Endpoint(_) => Opaque::ApplianceBehindLoadBalancer,
        TargetKind::Interface(_) => Opaque::ForwardingInstance,
        TargetKind::TransitGateway(_) => Opaque::TransitGateway,
        _ if route.via.0.starts_with("vgw-") => Opaque::VirtualPrivateGateway,
        _ if route.via.0.starts_with("cagw-") => Opaque::CarrierGateway,
        _ if route.via.0.starts_with("lgw-") => Opaque::LocalGateway,
        _ => Opaque::Other,
    }
}

pub(super) fn leads(table: &RouteTable, route: &Route) -> String {
    format!("{} → {}", table.id, route.via)
}

pub(super) fn alive(table: &RouteTable, route: &Route) -> Verdict {
    Verdict::Pass(observed(&leads(table, route), NetworkStatement::RouteActive(route.to.clone())))
}

pub(super) fn invisible(table: &RouteTable, route: &Route) -> Unknown {
    Unknown::limit(format!(
        "{} sends {} to {}, and what lies beyond is not visible",
        table.id, route.to, route.via
    ))
}

/// Different routes for different addresses, some of which work.
pub(super) fn mixed(legs: &[Leg], toward: &Toward) -> Unknown {
    let ways = legs.iter().map(|leg| match leg.route {
        Some(route) => format!("{} by {}", route.to, route.via),
        None => format!("no route for {}", leg.addresses.shown()),
    });
    Unknown::limit(format!(
        "it depends on which of {} the connection is for: {}",
        toward.phrase,
        ways.collect::<Vec<_>>().join(", ")
    ))
}
