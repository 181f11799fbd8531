//! A route's target: the gateway that packets meet there, or a place that AWS does not show.

use alloc::{format, string::ToString, vec, vec::Vec};

use ipnet::IpNet;
use ssm_doctor_facts::{
    ec2::*,
    ids::{NatGatewayId, TargetGatewayId},
    lookup::{Gap, Need, Unknown},
    vpn::{TunnelStatus, VpnConnection, VpnTunnel},
};

use crate::{
    answer::*,
    network::{
        flow::{Flow, FlowTarget, NAT64, PathTrace, Remote, SubnetOfVpc, TableRoute},
        hop::{Hop, HopKind},
        remedy::{NetworkRemedy, RouteFault},
        route_table::{active, not_visible, reroute, route_label},
        service::agent_reaches,
        statement::{NetworkStatement, Opaque},
    },
};

/// What kind of thing lies out of sight.
fn opaque(route: &Route) -> Opaque {
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

/// Does one of the static routes of a VPN connection overlap with a route to its gateway?
fn leads_to(connection: &VpnConnection, to: &Destination) -> bool {
    let Destination::Cidr(to) = to else { return true };
    let mut ranges = connection.static_routes.iter().map(|range| range.parse::<IpNet>());
    // What cannot be read may lead there.
    ranges.any(|range| range.map_or(true, |range| range.contains(to) || to.contains(&range)))
}

impl PathTrace<'_> {
    /// Everything from a route's target on to the internet.
    pub(super) fn next_hop(
        &self,
        table: &RouteTable,
        route: &Route,
        destination: &Remote,
    ) -> Vec<Hop> {
        let hop = |kind, answer| Hop { kind, id: route.via.to_string(), answer };
        if let Some(inactive) = self.inactive(table, route) {
            return vec![hop(HopKind::NextHop, inactive)];
        }
        if let Ok(Some(gateway)) = self.gateway_behind(self.from.vpc, route) {
            return vec![self.on_gateway_endpoint(table, gateway)];
        }
        if let TargetKind::Endpoint(id) = route.via.kind() {
            return self.through_firewall(self.from.vpc, table, route, &id, destination);
        }
        if destination.is_translated() && !matches!(route.via.kind(), TargetKind::NatGateway(_)) {
            return self.translated_elsewhere(table, route);
        }
        let mut hops = vec![hop(HopKind::NextHop, Ok(active(table, route)))];
        hops.extend(match route.via.kind() {
            TargetKind::InternetGateway(id) => vec![
                hop(HopKind::InternetGateway, self.internet_gateway(self.from.vpc, table, &id)),
                self.public_access(self.from.vpc, Some(&self.from.interface.subnet), false),
                Hop {
                    kind: HopKind::PublicAddress,
                    id: self.from.interface.id.to_string(),
                    answer: self.public_address(route),
                },
            ],
            TargetKind::EgressOnlyGateway(id) => vec![
                hop(HopKind::InternetGateway, self.egress_only_gateway(table, &id)),
                self.public_access(self.from.vpc, Some(&self.from.interface.subnet), true),
            ],
            TargetKind::NatGateway(id) => {
                self.nat_gateway(self.from.subnet_of_vpc(), (table, route), &id, destination)
            }
            TargetKind::TransitGateway(id) => {
                let source = Remote::one(self.from.address);
                let flow = Flow {
                    source: &source,
                    destination,
                    target: FlowTarget::Internet,
                    replies: false,
                };
                self.transit_gateway(self.from.subnet_of_vpc(), (table, route), &id, flow)
            }
            TargetKind::Interface(id) => self.nat_instance(table, route, &id, destination),
            TargetKind::Peering(_) => {
                vec![hop(HopKind::Peering, Ok(self.not_transitive(table, route)))]
            }
            TargetKind::Local | TargetKind::Endpoint(_) | TargetKind::Other => {
                self.beyond_visibility(table, route, not_visible(table, route))
            }
        });
        hops
    }

    /// A hop that can be judged itself, and beyond it nothing.
    pub(super) fn and_beyond_visibility(
        &self,
        first: Hop,
        table: &RouteTable,
        route: &Route,
        on: Unknown,
    ) -> Vec<Hop> {
        let beyond = match &first.answer {
            Ok(Verdict::Fail(..)) => Vec::new(),
            Ok(_) => self.beyond_visibility(table, route, on),
            // While it is not known whether anything lies beyond, nor is what does.
            Err(unknown) => [HopKind::Appliance, HopKind::NextHop]
                .map(|kind| Hop::new(kind, &route.via, Err(unknown.clone())))
                .into(),
        };
        core::iter::once(first).chain(beyond).collect()
    }

    /// A hop beyond which nothing is visible: as the path, unknown; and as something suspected, the
    /// first thing to look at when the agent is silent.
    pub(super) fn beyond_visibility(
        &self,
        table: &RouteTable,
        route: &Route,
        unknown: Unknown,
    ) -> Vec<Hop> {
        self.beyond_visibility_as(table, route, &opaque(route), unknown)
    }

    /// The same, of a transit gateway that sends packets into a VPN connection.
    pub(super) fn beyond_vpn(
        &self,
        (table, route): TableRoute,
        connection: &str,
        unknown: Unknown,
    ) -> Vec<Hop> {
        self.beyond_visibility_as(table, route, &Opaque::Vpn(connection.into()), unknown)
    }

    /// The same, of something that is known to be `what`.
    pub(super) fn beyond_visibility_as(
        &self,
        table: &RouteTable,
        route: &Route,
        what: &Opaque,
        unknown: Unknown,
    ) -> Vec<Hop> {
        let subject = route_label(table, route);
        let suspected = agent_reaches(self.case, self.service).map(|it| {
            if it {
                return Verdict::Pass(observed(&subject, NetworkStatement::CarriesAgentTraffic));
            }
            let evidence = observed(
                &subject,
                NetworkStatement::MustPassTraffic { to: route.to.clone(), what: what.clone() }
                    .for_service(self.service),
            );
            let evidence = match what {
                Opaque::VirtualPrivateGateway => self.with_vpn_connections(evidence, route, None),
                Opaque::Vpn(connection) => {
                    self.with_vpn_connections(evidence, route, Some(connection))
                }
                _ => evidence,
            };
            let region = &self.scope.region;
            let fix = Fix::of(
                NetworkRemedy::InspectAppliance { via: route.via.clone(), region: region.clone() },
                Recovery::Agent,
            );
            Verdict::Fail(evidence, fix)
        });
        vec![
            Hop::new(HopKind::Appliance, &route.via, suspected),
            Hop::new(HopKind::NextHop, &route.via, Err(unknown)),
        ]
    }

    /// What the VPN connections of a route's gateway show, or the one that packets enter if that is known. A Direct
    /// Connect gateway may lead to the same network, and is not visible here, so this is a suspicion and no verdict.
    fn with_vpn_connections(
        &self,
        evidence: Evidence,
        route: &Route,
        only: Option<&str>,
    ) -> Evidence {
        let Ok(gateway) = route.via.to_string().parse::<TargetGatewayId>() else { return evidence };
        let connections = match self.facts.vpn_connections(&gateway).hint() {
            Ok(connections) => connections.into_iter().flatten(),
            Err(_) => return evidence.wanting([Need::vpn_connections(gateway)]),
        };
        let in_use = connections.filter(|connection| {
            connection.state == "available" && only.is_none_or(|only| connection.id == only)
        });
        in_use.fold(evidence, |evidence, connection| {
            let is_up = |tunnel: &&VpnTunnel| tunnel.status == TunnelStatus::Up;
            let (id, up) = (&connection.id, connection.tunnels.iter().filter(is_up).count());
            let down_since = connection.tunnels.iter().filter_map(|tunnel| tunnel.since).max();
            let tunnels = NetworkStatement::VpnTunnels {
                connection: id.clone(),
                up,
                of: connection.tunnels.len(),
                down_since: down_since.filter(|_| up == 0),
            };
            let evidence = if connection.tunnels.is_empty() {
                evidence
            } else {
                evidence.and(observed(&gateway, tunnels))
            };
            if connection.static_routes.is_empty() || leads_to(connection, &route.to) {
                return evidence;
            }
            let missing =
                NetworkStatement::NoStaticVpnRoute { connection: id.clone(), to: route.to.clone() };
            evidence.and(observed(&gateway, missing))
        })
    }

    /// The addresses that DNS64 hands out nobody on the internet has, nor does a peer lend its NAT gateway.
    /// What lies out of sight may end at something that translates them.
    fn translated_elsewhere(&self, table: &RouteTable, route: &Route) -> Vec<Hop> {
        match route.via.kind() {
            TargetKind::InternetGateway(_)
            | TargetKind::EgressOnlyGateway(_)
            | TargetKind::Peering(_) => {
                vec![Hop::new(HopKind::NextHop, &route.via, Ok(self.not_translated(table, route)))]
            }
            _ => self.beyond_visibility(table, route, not_visible(table, route)),
        }
    }

    fn not_translated(&self, table: &RouteTable, route: &Route) -> Verdict {
        Verdict::Fail(
            observed(
                &route_label(table, route),
                NetworkStatement::DoesNotTranslateDns64.for_service(self.service),
            ),
            Fix::of(
                NetworkRemedy::TranslateDns64 { table: table.id.clone(), to: NAT64 },
                Recovery::Agent,
            ),
        )
    }

    /// What is wrong with a route as such.
    pub(super) fn inactive(&self, table: &RouteTable, route: &Route) -> Option<Answer> {
        match &route.state {
            RouteState::Active => None,
            RouteState::Blackhole => Some(Ok(self.blackhole(table, route))),
            other => Some(Err(Unknown::limit(format!(
                "the route of {} for {} is {other}",
                table.id, route.to
            )))),
        }
    }

    fn blackhole(&self, table: &RouteTable, route: &Route) -> Verdict {
        let unseen = match self.stopped_forwarder(table, route) {
            Ok(Some(stopped)) => return stopped,
            Ok(None) => None,
            Err(unknown) => Some(unknown),
        };
        let to = route.to.clone();
        let dead = match route.via.kind() {
            TargetKind::Interface(_) => NetworkStatement::InterfaceBlackhole(to),
            _ => NetworkStatement::RouteBlackhole(to),
        };
        let evidence = observed(&route_label(table, route), dead.for_service(self.service));
        let evidence = evidence.wanting(unseen.into_iter().flat_map(Unknown::unasked));
        Verdict::Fail(evidence, reroute(table, route, RouteFault::Blackhole))
    }

    /// The stopped instance that a blackhole leads to, if it does: EC2 shows the routes to an instance's interfaces as
    /// blackholes while it is stopped, and as active again once it runs.
    ///
    /// # Errors
    /// [`Unknown`] when the interface or the instance was not seen.
    fn stopped_forwarder(
        &self,
        table: &RouteTable,
        route: &Route,
    ) -> Result<Option<Verdict>, Unknown> {
        let TargetKind::Interface(id) = route.via.kind() else { return Ok(None) };
        let Some(interface) = self.facts.network_interface(&id).optional()? else {
            return Ok(None);
        };
        let Some(owner) = &interface.instance else { return Ok(None) };
        let state = &self.facts.instance(owner).required()?.state;
        if !matches!(state, InstanceState::Stopping | InstanceState::Stopped) {
            return Ok(None);
        }
        let is_default = matches!(&route.to, Destination::Cidr(net) if net.prefix_len() == 0);
        let verdict = self.instance_runs(interface, &route_label(table, route), |instance| {
            if is_default {
                NetworkRemedy::StartNatInstance { instance }
            } else {
                NetworkRemedy::StartForwardingInstance { instance }
            }
        })?;
        Ok(Some(verdict))
    }

    /// A peering connection or a transit gateway attachment through which packets leave the VPC.
    pub(super) fn to_other_vpc(
        &self,
        from: SubnetOfVpc,
        table: &RouteTable,
        route: &Route,
        flow: Flow,
    ) -> Vec<Hop> {
        let hop = |kind, answer| Hop { kind, id: route.via.to_string(), answer };
        if let Some(inactive) = self.inactive(table, route) {
            return vec![hop(HopKind::NextHop, inactive)];
        }
        match route.via.kind() {
            TargetKind::Peering(id) => vec![
                hop(HopKind::NextHop, Ok(active(table, route))),
                hop(HopKind::Peering, self.peering(table, route, &id, flow.target)),
            ],
            TargetKind::TransitGateway(id) => self.transit_gateway(from, (table, route), &id, flow),
            // The internet has no route to private addresses, nor to an interface in a VPC that uses addresses of
            // others. A NAT gateway knows nothing of connections that others opened.
            TargetKind::InternetGateway(_)
                if self.is_private(flow.destination)
                    || matches!(flow.target, FlowTarget::Subnet(_)) =>
            {
                vec![self.no_route(table, from.1, flow.destination, Some(route))]
            }
            TargetKind::NatGateway(_) if flow.replies => {
                vec![self.no_route(table, from.1, flow.destination, Some(route))]
            }
            TargetKind::NatGateway(id) if from.0 == self.from.vpc => {
                self.to_networks_by_nat(from, (table, route), &id, flow.destination)
            }
            TargetKind::Interface(id) => self.forwarding_instance(from, (table, route), &id, flow),
            TargetKind::Endpoint(_) => {
                let unknown = not_visible(table, route);
                let mut hops = self.beyond_visibility(table, route, unknown.clone());
                hops.push(hop(HopKind::Firewall, Err(unknown)));
                hops
            }
            _ => self.beyond_visibility(table, route, not_visible(table, route)),
        }
    }

    /// A NAT gateway on the way to a private address. Other networks may be behind it, and which of them have the
    /// address is not visible.
    fn to_networks_by_nat(
        &self,
        from: SubnetOfVpc,
        (table, route): TableRoute,
        id: &NatGatewayId,
        destination: &Remote,
    ) -> Vec<Hop> {
        let by_nat = self.nat_gateway(from, (table, route), id, destination);
        let not_answered = |hop: &Hop| {
            let gaps = hop.answer.as_ref().err().into_iter().flat_map(Unknown::gaps);
            gaps.into_iter().any(|gap| matches!(gap, Gap::Fact { .. }))
        };
        let unseen = by_nat.iter().find(|it| it.kind == HopKind::NatGateway && not_answered(it));
        let beyond: Vec<Hop> = match unseen {
            // Nor is it known whether it leads to any network but the internet.
            Some(unseen) => [HopKind::Route, HopKind::NextHop, HopKind::Appliance]
                .map(|kind| Hop { kind, ..unseen.clone() })
                .into(),
            None if by_nat.iter().any(Hop::stops) => Vec::new(),
            None => {
                let state = self.nat_works(table, route, id, &route_label(table, route));
                let state = state.err().map(|it| Hop::new(HopKind::NatGateway, id, Err(it)));
                let beyond = self.beyond_visibility(table, route, not_visible(table, route));
                state.into_iter().chain(beyond).collect()
            }
        };
        let decisive = by_nat.into_iter().filter(|it| it.stops() || not_answered(it));
        decisive.chain(beyond).collect()
    }

    /// A longer prefix than the VPC's own sends what is for a neighbour elsewhere.
    pub(super) fn more_specific_route(
        &self,
        from: SubnetOfVpc,
        table: &RouteTable,
        route: &Route,
        flow: Flow,
    ) -> Vec<Hop> {
        match (self.inactive(table, route), route.via.kind()) {
            (Some(inactive), _) => Vec::from([Hop::new(HopKind::NextHop, &route.via, inactive)]),
            (None, TargetKind::Interface(id)) => {
                self.forwarding_instance(from, (table, route), &id, flow)
            }
            (None, TargetKind::NatGateway(id)) => {
                let answer = match self.nat_works(table, route, &id, &route_label(table, route)) {
                    Ok(Ok(_)) => {
                        return self.beyond_visibility(table, route, not_visible(table, route));
                    }
                    Ok(Err((evidence, fix))) => Ok(Verdict::Fail(evidence, fix)),
                    Err(unknown) => Err(unknown),
                };
                let hop = Hop::new(HopKind::NatGateway, &id, answer);
                self.and_beyond_visibility(hop, table, route, not_visible(table, route))
            }
            (None, _) => self.beyond_visibility(table, route, not_visible(table, route)),
        }
    }
}
