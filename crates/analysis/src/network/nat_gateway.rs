//! NAT gateways: their state, the routes and network ACLs of their subnet, and the way back.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use ssm_doctor_facts::{change::Protocol, ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{
        address_set::{Family, ports},
        flow::{Flow, FlowTarget, HTTPS, PathTrace, Remote, SubnetOfVpc, TableRoute},
        hop::{Hop, HopKind, Place, side_by_side},
        network_acl::{Crossing, Filtered},
        remedy::{NetworkRemedy, RouteFault},
        route_table::{RouteMatch, mixed, not_visible, reroute, route_label, table_of},
        service_addresses::of_parts,
        statement::NetworkStatement,
        transit_gateway::unseen,
    },
};

/// The ports from which a NAT gateway opens connections. Source: VPC guide, "Custom network ACLs".
const NAT_PORTS: (u16, u16) = (1024, u16::MAX);

impl PathTrace<'_> {
    /// A NAT gateway, the ACL of its subnet, and its own route to the internet. Packets come from the
    /// instance's subnet, or from a transit gateway attachment's.
    pub(super) fn nat_gateway(
        &self,
        from: SubnetOfVpc,
        (table, route): (&RouteTable, &Route),
        id: &NatGatewayId,
        destination: &Remote,
    ) -> Vec<Hop> {
        let subject = route_label(table, route);
        let hop = |answer| Hop { kind: HopKind::NatGateway, id: id.to_string(), answer };
        let at_home = from.0 == self.from.vpc;
        let nat = match self.nat_works(table, route, id, &subject) {
            Ok(Ok(nat)) => nat,
            Ok(Err((evidence, fix))) => return vec![hop(Ok(Verdict::Fail(evidence, fix)))],
            // Without the NAT gateway's subnet, its onward route is unknown too.
            Err(unknown) if !at_home => return unseen(id, &unknown),
            Err(unknown) => {
                let same = |kind| Hop::new(kind, id, Err(unknown.clone()));
                let on = HopKind::at(Place::BehindNat);
                return on.chain(self.may_meet_replies()).map(same).collect();
            }
        };
        let Some(subnet) = &nat.subnet else {
            if at_home {
                return self.regional(nat, from, (table, route), id, destination);
            }
            return self.beyond_visibility(table, route, not_visible(table, route));
        };
        // It turns DNS64 addresses back into IPv4 addresses.
        let behind = if destination.is_translated() {
            self.internet(Family::V4)
        } else {
            destination.clone()
        };
        let on = self.nat_routes_on(from, (table, route), nat, id, &behind);
        let (access, on) = on.into_iter().partition(|it| it.kind == HopKind::PublicAccess);
        let back = self.nat_routes_back((from.0, subnet), &behind, id, &subject);
        let mut hops = side_by_side(vec![on, back]);
        hops.extend(self.acls_around_nat(from, subnet, destination, &behind).hops(id));
        hops.extend::<Vec<Hop>>(access);
        hops
    }

    pub(super) fn nat_works(
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
                return Err(Unknown::limit(format!("{id} is in an unrecognized state: {word}")));
            }
        }
        match &nat.connectivity {
            Connectivity::Public | Connectivity::Private => Ok(Ok(nat)),
            Connectivity::Other(word) => {
                Err(Unknown::limit(format!("{id} is of an unrecognized kind: {word}")))
            }
        }
    }

    /// What a private NAT gateway sends to an internet gateway is dropped; by a transit gateway or a virtual
    /// private one it leads to other networks. Source: VPC guide, "NAT gateways".
    fn private_nat(&self, table: &RouteTable, route: &Route) -> Verdict {
        Verdict::Fail(
            observed(
                &route_label(table, route),
                NetworkStatement::NatGatewayPrivate.for_service(self.service),
            ),
            reroute(table, route, RouteFault::NatGatewayIsPrivate),
        )
    }

    /// A regional NAT gateway is in no subnet. It has a route table of its own with a route to the VPC's
    /// internet gateway. Source: VPC guide, "Regional NAT gateways".
    pub(super) fn regional(
        &self,
        nat: &NatGateway,
        (vpc, subnet): SubnetOfVpc,
        (table, route): TableRoute,
        id: &NatGatewayId,
        destination: &Remote,
    ) -> Vec<Hop> {
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
        if self.is_private(destination) && !destination.is_translated() {
            return vec![self.no_route(table, subnet, destination, Some(route))];
        }
        let answer = self.facts.subnet(&self.from.interface.subnet).required().and_then(|subnet| {
            match &subnet.availability_zone {
                Some(zone) if !nat.zones.is_empty() && !nat.zones.contains(zone) => {
                    self.not_in_zone(nat, zone, &route_label(table, route), id)
                }
                _ => Ok(Verdict::Pass(observed(
                    &route_label(table, route),
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
    fn not_in_zone(
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

    /// The routes from its subnet to `destination`, each with VPC Block Public Access at the internet
    /// gateway.
    fn nat_routes_on(
        &self,
        (vpc, source): SubnetOfVpc,
        (table, route): TableRoute,
        nat: &NatGateway,
        id: &NatGatewayId,
        destination: &Remote,
    ) -> Vec<Hop> {
        let Some(subnet) = &nat.subnet else { return Vec::new() };
        let (subject, service) = (route_label(table, route), self.service);
        let replace = |because| reroute(table, route, because);
        let hop = |answer| Hop::new(HopKind::NatGateway, id, answer);
        let looked = table_of(self.facts, vpc, subnet).and_then(|next_transit_hops| {
            Ok((next_transit_hops, self.routes_out(vpc, next_transit_hops, destination)?))
        });
        let (next_transit_hops, route_matches) = match looked {
            Ok(looked) => looked,
            Err(unknown) => {
                let same = |kind| Hop::new(kind, id, Err(unknown.clone()));
                return [HopKind::NatGateway, HopKind::PublicAccess].map(same).into();
            }
        };
        let hops_of = |route_match: &RouteMatch| {
            let Some(next) = route_match.route else {
                return vec![hop(Ok(Verdict::Fail(
                    observed(
                        &subject,
                        NetworkStatement::NatGatewayHasNoRoute {
                            subnet: subnet.clone(),
                            table: next_transit_hops.id.clone(),
                        }
                        .for_service(service),
                    ),
                    replace(RouteFault::NatGatewayHasNoRoute),
                )))];
            };
            match (self.inactive(next_transit_hops, next), next.via.kind()) {
                (Some(inactive), _) => vec![hop(inactive)],
                (None, TargetKind::InternetGateway(_))
                    if nat.connectivity == Connectivity::Private =>
                {
                    vec![
                        hop(Ok(self.private_nat(table, route))),
                        self.public_access(vpc, Some(subnet), true),
                    ]
                }
                // Nobody on the internet has such an address.
                (None, TargetKind::InternetGateway(_)) if self.is_private(destination) => {
                    vec![self.no_route(table, source, destination, Some(route))]
                }
                (None, TargetKind::InternetGateway(gateway)) => {
                    let answer =
                        self.internet_gateway(vpc, next_transit_hops, &gateway).map(|attached| {
                            match attached {
                                Verdict::Pass(_) => Verdict::Pass(observed(
                                    &subject,
                                    NetworkStatement::NatGatewayRoutesTo(gateway.clone()),
                                )),
                                _ => Verdict::Fail(
                                    observed(
                                        &subject,
                                        NetworkStatement::NatGatewayRoutesToDetached(
                                            gateway.clone(),
                                        )
                                        .for_service(service),
                                    ),
                                    replace(RouteFault::InternetGatewayDetached(gateway.clone())),
                                ),
                            }
                        });
                    vec![hop(answer), self.public_access(vpc, Some(subnet), true)]
                }
                // A common mistake: the NAT gateway is in the private subnet that it should serve.
                (None, TargetKind::NatGateway(next)) if next == *id => {
                    vec![hop(Ok(Verdict::Fail(
                        observed(
                            &subject,
                            NetworkStatement::NatGatewayRoutesToItself { subnet: subnet.clone() }
                                .for_service(service),
                        ),
                        replace(RouteFault::NatGatewayRoutesToItself),
                    )))]
                }
                (None, _) => vec![hop(Err(Unknown::limit(format!(
                    "{id} is in {subnet}, whose route table {} routes to {}, and what lies beyond is not visible",
                    next_transit_hops.id, next.via
                ))))],
            }
        };
        let ways = route_matches.iter().map(|it| (&it.addresses, hops_of(it)));
        of_parts(destination, ways.collect(), || hop(Err(mixed(&route_matches, destination))))
    }

    /// Replies go back by the table of its own subnet: as a rule by the VPC's local route, and from another VPC by
    /// a transit gateway.
    fn nat_routes_back(
        &self,
        (vpc, subnet): SubnetOfVpc,
        behind: &Remote,
        id: &NatGatewayId,
        subject: &str,
    ) -> Vec<Hop> {
        let (at_home, own) = (vpc == self.from.vpc, &self.from.interface.subnet);
        let instance = Remote::one(self.from.address);
        let target = FlowTarget::Subnet(self.from.subnet_of_vpc());
        let replies = Flow { source: behind, destination: &instance, target, replies: true };
        let hops = self.routed((vpc, subnet), replies).into_iter().filter(|it| !it.passes());
        // The instance's own subnet has another table.
        let crossed = hops.map(|it| match it.kind {
            HopKind::Route if !at_home => Hop { kind: HopKind::TransitRoute, ..it },
            _ => it,
        });
        let crossed: Vec<Hop> = crossed.collect();
        match table_of(self.facts, vpc, subnet) {
            // Within a subnet no route table is asked.
            Ok(table) if at_home && (crossed.is_empty() || subnet == own) => {
                let back = NetworkStatement::RoutesBack(table.id.clone());
                vec![Hop::new(HopKind::NatGateway, id, Ok(Verdict::Pass(observed(subject, back))))]
            }
            _ => crossed,
        }
    }

    /// What replies may meet by one of the VPC's route tables, where the NAT gateway's subnet was not seen.
    fn may_meet_replies(&self) -> BTreeSet<HopKind> {
        let vpc = self.from.vpc;
        let instance = Remote::one(self.from.address);
        let tables = self.facts.route_tables(vpc).required().into_iter().flatten();
        let mut kinds = BTreeSet::new();
        for table in tables {
            let Ok(route_matches) = self.route_matches(vpc, table, &instance) else {
                kinds.extend([HopKind::Route, HopKind::NextHop, HopKind::Appliance]);
                kinds.extend(Self::may_forward_by(table, &instance));
                continue;
            };
            for route_match in route_matches {
                match route_match.route.map(|route| route.via.kind()) {
                    None => kinds.extend([HopKind::Route]),
                    Some(TargetKind::Local) => {}
                    Some(TargetKind::Interface(_)) => {
                        kinds.extend([HopKind::NatInstance, HopKind::NextHop, HopKind::Appliance]);
                    }
                    Some(_) => kinds.extend([HopKind::NextHop, HopKind::Appliance]),
                }
            }
        }
        kinds
    }

    /// In from the instance and on to the internet, and back.
    pub(super) fn acls_around_nat(
        &self,
        from: SubnetOfVpc,
        subnet: &SubnetId,
        destination: &Remote,
        behind: &Remote,
    ) -> Filtered {
        let vpc = from.0;
        let (there, own) = (ports(HTTPS..=HTTPS), self.from.ports());
        let instance = Remote::one(self.from.address);
        let pair = |outward, peer, own| {
            Crossing::there_and_back((vpc, subnet), Protocol::Tcp, outward, peer, &there, own)
        };
        let inside = if subnet == from.1 {
            Filtered::within_subnet()
        } else {
            self.acls(&instance, &own, &pair(false, &instance, &own))
        };
        // Packets from a transit gateway attachment leave the attachment's subnet too. Replies return by
        // the attachment that their own routes name.
        let inside = if vpc != self.from.vpc && subnet != from.1 {
            let leaving =
                Crossing::there_and_back(from, Protocol::Tcp, true, destination, &there, &own);
            let [leaving, _] = leaving;
            inside.and(self.acls(destination, &own, &[leaving]))
        } else {
            inside
        };
        let high = ports(NAT_PORTS.0..=NAT_PORTS.1);
        let outside = self.acls(behind, &high, &pair(true, behind, &high));
        // The reply ports that one ACL passes another may drop.
        if inside.is_partial() && self.acls_of_instance(destination).is_partial() {
            let own_pair = Crossing::there_and_back(
                self.from.subnet_of_vpc(),
                Protocol::Tcp,
                true,
                destination,
                &there,
                &own,
            );
            let all = [own_pair, pair(false, &instance, &own)].concat();
            let joint = self.acls(destination, &own, &all);
            if !matches!(joint.answer, Ok(Verdict::Pass(_))) {
                return joint.and(outside);
            }
        }
        inside.and(outside)
    }
}
