//! To the network interfaces of an interface endpoint.

use alloc::{collections::BTreeSet, format, string::ToString, vec::Vec};
use core::net::IpAddr;

use ipnet::IpNet;
use ssm_doctor_facts::{ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    dns::Families,
    network::{
        address_set::Family,
        flow::{Flow, FlowTarget, PathTrace, Remote, ServiceInterface, join},
        hop::{Hop, HopKind, Reachable, any_address},
        network_acl::unless_the_same_ports,
        remedy::{IngressTarget, NetworkRemedy},
        route_table::table_of,
        security_group::{PeerGroups, VpcRelation},
        statement::NetworkStatement,
    },
};

/// Where packets may have been translated, a failure is not certain: it becomes a limit that names what
/// may stop them.
pub(super) fn unless_translated(doubt: Option<&Unknown>, answer: Answer) -> Answer {
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

impl PathTrace<'_> {
    /// Whether the endpoint's name has addresses of the instance's family. None for IPv4, if all is
    /// well.
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
                "{} has addresses of an unrecognized kind",
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

    /// Everything after the name's resolution: an address of the right family, and the path to it. `named`: the
    /// addresses that the name has, where these are not all of the endpoint's.
    pub(super) fn by_endpoint(
        &self,
        endpoint: &Endpoint,
        named: &[IpAddr],
        families: Option<Families>,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        if let Some(mut hop) = self.address_type(endpoint, families) {
            let fits = hop.passes();
            // With other names the agent may reach the service even if this name does not work.
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
        self.to_endpoint(endpoint, named, hops);
        let way = hops.get_mut(before..).unwrap_or_default();
        if !self.from.host.has_v4() && way.iter().any(Hop::stops) {
            let public = self.internet_path();
            match public.reachable() {
                Reachable::No => {}
                Reachable::Unknown if public.unknown().is_unasked() => {
                    let unknown = public.unknown();
                    for hop in way.iter_mut().filter(|it| it.stops()) {
                        hop.answer = Err(unknown.clone());
                    }
                }
                Reachable::Yes | Reachable::Unknown => self.unless_other_names(way),
            }
        }
        Ok(())
    }

    pub(super) fn to_endpoint(&self, endpoint: &Endpoint, named: &[IpAddr], hops: &mut Vec<Hop>) {
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
        let interfaces = if named.is_empty() {
            self.service_interfaces(self.from.vpc, endpoint)
        } else {
            self.interfaces_at(self.from.vpc, endpoint, named)
        };
        match interfaces {
            Ok(service_interfaces) => {
                let ways = service_interfaces
                    .iter()
                    .map(|it| self.to_interface(it, PeerGroups::Of(groups)).0)
                    .collect();
                hops.extend(any_address(ways));
            }
            // Without the interfaces' subnets no hop can be judged. Each hop says why.
            Err(unknown) => {
                let own = &self.from.interface.subnet;
                let mut kinds =
                    BTreeSet::from([HopKind::InstanceGroup, HopKind::Route, HopKind::Acl]);
                if let Ok(table) = table_of(self.facts, self.from.vpc, own) {
                    let everything = self.family().everything();
                    kinds.extend(Self::may_forward_by(table, &Remote::somewhere(&everything)));
                }
                let same = |kind| Hop::new(kind, own, Err(unknown.clone()));
                hops.extend(kinds.into_iter().map(same));
            }
        }
        hops.push(Hop::new(
            HopKind::EndpointGroup,
            &join(groups),
            self.admits(&subject, groups, VpcRelation::Inside, IngressTarget::Endpoint),
        ));
    }

    /// Where an endpoint's interfaces are: subnet and address, or the subnet's whole CIDR while the
    /// interface itself was not seen (or was described with an address that is not of its subnet).
    fn service_interfaces<'p>(
        &self,
        vpc: &'p VpcId,
        endpoint: &Endpoint,
    ) -> Result<Vec<ServiceInterface<'p>>, Unknown> {
        let mut service_interfaces = Vec::new();
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
            service_interfaces.push(ServiceInterface {
                destination: address.map_or_else(|| Remote::somewhere(&net), Remote::one),
                location: Ok(Some((vpc, subnet.clone()))),
            });
        }
        if service_interfaces.is_empty() {
            return Err(Unknown::limit(format!("the subnets of {} are not listed", endpoint.id)));
        }
        Ok(service_interfaces)
    }

    /// Those of an endpoint's interfaces that have one of these addresses.
    fn interfaces_at<'p>(
        &self,
        vpc: &'p VpcId,
        endpoint: &Endpoint,
        named: &[IpAddr],
    ) -> Result<Vec<ServiceInterface<'p>>, Unknown> {
        let mut service_interfaces = Vec::new();
        for id in &endpoint.interfaces {
            let row = self.facts.network_interface(id).required()?;
            let of_ours = |it: &&IpAddr| named.contains(it) && Family::of(it) == self.family();
            let addresses = row.private_ips.iter().filter(of_ours);
            service_interfaces.extend(addresses.map(|address| ServiceInterface {
                destination: Remote::one(*address),
                location: Ok(Some((vpc, row.subnet.clone()))),
            }));
        }
        if service_interfaces.is_empty() {
            let id = &endpoint.id;
            return Err(Unknown::limit(format!("the interfaces of {id} have other addresses")));
        }
        Ok(service_interfaces)
    }

    /// From the instance through the subnets to the endpoint's network interface and back, without the
    /// interface's own security groups. The second value says why packets may have another source by
    /// then, if they may: something invisible may translate addresses, as private NAT gateways do
    /// between networks with overlapping ranges. Then the other side need not know the instance's
    /// address. Source: "Building a Scalable and Secure Multi-VPC AWS Network Infrastructure", "Private
    /// NAT Gateway".
    pub(super) fn to_interface(
        &self,
        remote_interface: &ServiceInterface,
        members: PeerGroups,
    ) -> (Vec<Hop>, Option<Unknown>) {
        let own = &self.from.interface.subnet;
        let groups = &self.from.interface.security_groups;
        let mut hops = Vec::from([Hop::new(
            HopKind::InstanceGroup,
            &join(groups),
            self.sends(groups, &remote_interface.destination, members),
        )]);
        let location = remote_interface.subnet_of_vpc();
        let instance = Remote::one(self.from.address);
        let target = match &remote_interface.location {
            Ok(Some((vpc, subnet))) => FlowTarget::Subnet((vpc, subnet)),
            Ok(None) => FlowTarget::Somewhere,
            Err(unknown) => FlowTarget::Unseen(unknown),
        };
        let there = Flow {
            source: &instance,
            destination: &remote_interface.destination,
            target,
            replies: false,
        };
        let way = self.routed(self.from.subnet_of_vpc(), there);
        let mut hidden = way.iter().filter(|it| it.kind == HopKind::NextHop);
        let translated = hidden.find_map(|it| it.answer.as_ref().err().cloned());
        // Once somebody opens it, an interface that forwards packets may do so under its own address.
        let forwards = way.iter().find(|it| it.kind == HopKind::NatInstance && it.stops());
        let translated = translated.or_else(|| {
            let id = &forwards?.id;
            Some(Unknown::limit(format!(
                "whether {id} sends packets on under an address of its own is not visible"
            )))
        });
        hops.extend(way);
        if let Some((vpc, subnet)) = location.filter(|it| it.1 != own) {
            // The forward direction is judged already. On the way back only what does not pass matters.
            let target = FlowTarget::Subnet(self.from.subnet_of_vpc());
            let back = Flow {
                source: &remote_interface.destination,
                destination: &instance,
                target,
                replies: true,
            };
            // Whatever their source is by then, it is outside the other VPC, so replies need some route.
            let translated = translated.as_ref().filter(|_| self.has_route_out_of((vpc, subnet)));
            let returns = self.routed((vpc, subnet), back).into_iter();
            let returns =
                returns.map(|it| Hop { answer: unless_translated(translated, it.answer), ..it });
            hops.extend(returns.filter(|it| !it.passes()));
        }
        let mut acls = self.acls_between(remote_interface);
        if translated.is_some() && matches!(acls.answer, Ok(Verdict::Fail(..))) {
            let of_own = self.acls_of_instance(&remote_interface.destination);
            if !matches!(of_own.answer, Ok(Verdict::Fail(..))) {
                acls.answer = unless_translated(translated.as_ref(), acls.answer);
            }
        }
        hops.extend(acls.hops(own));
        hops.extend(unless_the_same_ports(&hops));
        (hops, translated)
    }

    /// How the instance is connected to an address in a VPC.
    pub(super) fn relation_to(&self, vpc: &VpcId, destination: &Remote) -> VpcRelation {
        if vpc == self.from.vpc {
            return VpcRelation::Inside;
        }
        let table = table_of(self.facts, self.from.vpc, &self.from.interface.subnet);
        let route_matches =
            table.and_then(|table| self.route_matches(self.from.vpc, table, destination));
        let peered = route_matches.is_ok_and(|route_matches| {
            route_matches.iter().all(|route_match| {
                route_match.route.is_some_and(|it| matches!(it.via.kind(), TargetKind::Peering(_)))
            })
        });
        if peered { VpcRelation::Peered } else { VpcRelation::TransitRoutes }
    }

    pub(super) fn available(&self, endpoint: &Endpoint) -> Answer {
        let (id, subject) = (endpoint.id.as_str(), self.subject(endpoint));
        Ok(match &endpoint.state {
            EndpointState::Available => {
                Verdict::Pass(observed(&subject, NetworkStatement::EndpointAvailable))
            }
            EndpointState::Partial => {
                return Err(Unknown::limit(format!(
                    "{id} is available in part, and in which is not visible"
                )));
            }
            EndpointState::Other(word) => {
                return Err(Unknown::limit(format!("{id} is in an unrecognized state: {word}")));
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
}
