//! NAT instances, and other interfaces that a route points at.

use alloc::{format, vec, vec::Vec};

use ssm_doctor_facts::{change::Protocol, ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{
        address_set::{Family, ports},
        flow::{Flow, FlowTarget, HTTPS, PathTrace, Remote, SubnetOfVpc, TableRoute},
        hop::{Hop, HopKind},
        network_acl::Crossing,
        remedy::{IngressTarget, NetworkRemedy, RouteFault},
        route_table::{RouteMatch, not_visible, reroute, route_label, table_of},
        security_group::{PeerGroups, VpcRelation},
        statement::NetworkStatement,
    },
};

/// An interface by which an instance may send on what it forwards.
#[derive(Clone, Copy)]
struct WayOut<'a> {
    subnet: &'a SubnetId,
    groups: &'a [SecurityGroupId],
    is_public: bool,
}

impl PathTrace<'_> {
    /// An interface that a route points at is a NAT instance, or a firewall. Whether it forwards is its
    /// own business; that it may, and that its groups let the packets by, is AWS's.
    pub(super) fn nat_instance(
        &self,
        table: &RouteTable,
        route: &Route,
        id: &NetworkInterfaceId,
        destination: &Remote,
    ) -> Vec<Hop> {
        let may = self.may_forward_packets(table, route, id, destination);
        let forwards = Unknown::limit(format!(
            "{} sends {} to {id}, and whether that forwards packets is not visible",
            table.id, route.to
        ));
        let around: Vec<Hop> = match self.facts.network_interface(id).required() {
            Ok(interface) => {
                let from = self.from.subnet_of_vpc();
                let acls = self.acls_around_nat(from, &interface.subnet, destination, destination);
                acls.hops(id).chain(self.access_of(interface, destination)).collect()
            }
            Err(unknown) => [HopKind::Acl, HopKind::PublicAccess]
                .map(|kind| Hop::new(kind, id, Err(unknown.clone())))
                .into(),
        };
        let sends_by = self.may_send_by_other_subnet(id);
        let around = around.into_iter().map(|hop| match &sends_by {
            Some(unknown) if hop.stops() => Hop { answer: Err(unknown.clone()), ..hop },
            _ => hop,
        });
        let around = around.filter(|it| !it.passes());
        let hop = Hop::new(HopKind::NatInstance, id, may);
        let hops = self.and_beyond_visibility(hop, table, route, forwards);
        hops.into_iter().chain(around).collect()
    }

    /// VPC Block Public Access, where every route of a forwarding instance leads to an internet gateway.
    fn access_of(&self, interface: &NetworkInterface, destination: &Remote) -> Option<Hop> {
        let (vpc, subnet) = (self.from.vpc, &interface.subnet);
        let table = table_of(self.facts, vpc, subnet).ok()?;
        let ways = self.routes_out(vpc, table, destination).ok()?;
        let by_gateway = |it: &RouteMatch| {
            it.route.is_some_and(|it| matches!(it.via.kind(), TargetKind::InternetGateway(_)))
        };
        ways.iter().all(by_gateway).then(|| self.public_access(vpc, Some(subnet), false))
    }

    /// An interface that packets between private networks pass, of a firewall or of a router to a VPN. Whether it
    /// forwards is its own business; that it may, and that its groups let in what the instance itself sends, is AWS's.
    pub(super) fn forwarding_instance(
        &self,
        from: SubnetOfVpc,
        (table, route): TableRoute,
        id: &NetworkInterfaceId,
        flow: Flow,
    ) -> Vec<Hop> {
        // The groups know the connection by the packets that come first.
        let first = !flow.replies && from.0 == self.from.vpc;
        let may = self.facts.network_interface(id).required().and_then(|interface| {
            let subject = route_label(table, route);
            let admits = first.then(|| {
                self.admits(
                    &format!("{id} ({})", self.service),
                    &interface.security_groups,
                    VpcRelation::Inside,
                    IngressTarget::Interface(id.clone()),
                )
            });
            let always = [
                Ok(self.source_dest_check(interface, id, &subject)),
                self.instance_runs(interface, &subject, |instance| {
                    NetworkRemedy::StartForwardingInstance { instance }
                }),
            ];
            all_of(always.into_iter().chain(admits), "", |it| it)
        });
        let hop = Hop::new(HopKind::NatInstance, id, may);
        let mut hops = self.and_beyond_visibility(hop, table, route, not_visible(table, route));
        // Whether replies come back by it, and to which port, is its own business too.
        if first {
            hops.extend(self.acls_to_forward(from, id, flow));
        }
        hops
    }

    /// The ACL of the subnet of such an interface: what the instance sends enters the subnet and leaves it again.
    fn acls_to_forward(
        &self,
        (vpc, subnet): SubnetOfVpc,
        id: &NetworkInterfaceId,
        flow: Flow,
    ) -> Vec<Hop> {
        let interface = match self.facts.network_interface(id).required() {
            Ok(interface) => interface,
            Err(unknown) => return vec![Hop::new(HopKind::Acl, id, Err(unknown))],
        };
        let (there, own) = (ports(HTTPS..=HTTPS), self.from.ports());
        let at = (vpc, &interface.subnet);
        let crossing = |outward, peer| {
            let [first, _] =
                Crossing::there_and_back(at, Protocol::Tcp, outward, peer, &there, &own);
            first
        };
        let enters = (interface.subnet != *subnet).then(|| crossing(false, flow.source));
        let stays = matches!(flow.target, FlowTarget::Subnet(to) if to == at);
        let leaves = (!stays).then(|| crossing(true, flow.destination));
        let crossings: Vec<Crossing> = enters.into_iter().chain(leaves).collect();
        let hops = self.acls(flow.destination, &own, &crossings).hops(id);
        hops.filter(|it| it.stops() || it.answer.is_err()).collect()
    }

    fn may_forward_packets(
        &self,
        table: &RouteTable,
        route: &Route,
        id: &NetworkInterfaceId,
        destination: &Remote,
    ) -> Answer {
        let subject = route_label(table, route);
        let interface = self.facts.network_interface(id).required()?;
        let groups = &interface.security_groups;
        let answers = [
            Ok(self.source_dest_check(interface, id, &subject)),
            self.instance_runs(interface, &subject, |instance| NetworkRemedy::StartNatInstance {
                instance,
            }),
            self.admits(
                &format!("{id} ({})", self.service),
                groups,
                VpcRelation::Inside,
                IngressTarget::Interface(id.clone()),
            ),
            self.sends_on((table, route), id, interface, destination),
        ];
        all_of(answers, "", |it| it)
    }

    /// Do the groups and the routes of an interface let packets out that have arrived? The system on the instance
    /// decides by which of its interfaces they leave: as a rule by the first, and the route often leads to a second
    /// one, which outlives the instance and has no public address. Source: fck-nat issue 36, "Two ENIs?".
    fn sends_on(
        &self,
        by: TableRoute,
        id: &NetworkInterfaceId,
        interface: &NetworkInterface,
        destination: &Remote,
    ) -> Answer {
        let judge = |way_out: WayOut| {
            let sends = self.sends(way_out.groups, destination, PeerGroups::Outside);
            all_of([sends, self.has_route_on(by, &way_out, destination)], "", |it| it)
        };
        let own = WayOut {
            subnet: &interface.subnet,
            groups: &interface.security_groups,
            is_public: interface.public_ip.is_some(),
        };
        let answer = judge(own);
        let (Ok(Verdict::Fail(..)), Some(owner)) = (&answer, &interface.instance) else {
            return answer;
        };
        let owner = self.facts.instance(owner).required()?;
        // The public address that a subnet gives comes and goes with the start.
        let starts = owner.state != InstanceState::Running;
        let others = owner.interfaces.iter().filter(|it| it.id != *id).map(|it| WayOut {
            subnet: &it.subnet,
            groups: &it.security_groups,
            is_public: starts || it.public_ip.is_some(),
        });
        let own = starts.then_some(WayOut { is_public: true, ..own });
        let other = any_of(own.into_iter().chain(others), |way_out| {
            judge(way_out).map(|it| matches!(it, Verdict::Pass(_)).then_some(it))
        })?;
        other.map_or(answer, Ok)
    }

    /// The instance behind an interface may send on what arrives there by an interface in another subnet, whose network
    /// ACL decides then.
    fn may_send_by_other_subnet(&self, id: &NetworkInterfaceId) -> Option<Unknown> {
        let interface = self.facts.network_interface(id).hint().ok()??;
        let owner = interface.instance.as_ref()?;
        let interfaces = &self.facts.instance(owner).hint().ok()??.interfaces;
        interfaces.iter().any(|it| it.subnet != interface.subnet).then(|| {
            Unknown::limit(format!(
                "{owner} has interfaces in several subnets, and by which of them it sends on what {id} takes in is not visible"
            ))
        })
    }

    fn source_dest_check(
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

    /// Does the instance with this interface run, which `subject` names? `start` is the remedy otherwise.
    pub(super) fn instance_runs(
        &self,
        interface: &NetworkInterface,
        subject: &str,
        start: impl FnOnce(InstanceId) -> NetworkRemedy,
    ) -> Answer {
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
            Fix::of(start(owner.clone()), Recovery::Agent),
        ))
    }

    fn has_route_on(
        &self,
        (table, route): TableRoute,
        way_out: &WayOut,
        destination: &Remote,
    ) -> Answer {
        let subject = route_label(table, route);
        let next_transit_hops = table_of(self.facts, self.from.vpc, way_out.subnet)?;
        let ways = self.routes_out(self.from.vpc, next_transit_hops, destination)?;
        let is_public = destination.family() == Family::V6 || way_out.is_public;
        let stuck = |route_match: &RouteMatch| {
            route_match.route.is_none_or(|next| {
                let gateway = matches!(next.via.kind(), TargetKind::InternetGateway(_));
                next.state == RouteState::Blackhole
                    || next.via == route.via
                    || gateway && !is_public
            })
        };
        if !ways.iter().all(stuck) {
            return Ok(Verdict::Pass(observed(
                &subject,
                NetworkStatement::HasRouteOut(next_transit_hops.id.clone()),
            )));
        }
        Ok(Verdict::Fail(
            observed(
                &subject,
                NetworkStatement::NatInstanceHasNoRoute(way_out.subnet.clone())
                    .for_service(self.service),
            ),
            reroute(table, route, RouteFault::NatInstanceHasNoRoute(route.via.clone())),
        ))
    }
}
