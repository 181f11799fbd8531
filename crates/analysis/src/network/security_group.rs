//! Security groups: what lets a connection pass.
//!
//! Groups are stateful and only ever allow, so only the first packet is judged, and all rules of all
//! groups add up.

use alloc::{format, vec::Vec};
use core::net::IpAddr;

use ssm_doctor_facts::{change::Source, ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{
        address_set::Addresses,
        flow::{PathTrace, Remote, join},
        remedy::{IngressTarget, NetworkRemedy},
        statement::{Admitted, NetworkStatement},
        traffic::{Port, SERVICE, ports_named},
    },
};

/// Who is at the other end, as far as rules that name groups are concerned.
#[derive(Clone, Copy)]
pub(super) enum PeerGroups<'a> {
    /// An interface with these groups.
    Of(&'a [SecurityGroupId]),
    /// The same, of another VPC that no peering connection leads to.
    TransitRoutes(&'a [SecurityGroupId]),
    /// No interface that a group of ours could hold: the internet.
    Outside,
    /// An interface that was not seen, because.
    Unseen(&'a str),
}

/// How two interfaces are connected, which decides whether rules of the one may name groups of the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum VpcRelation {
    /// In one VPC.
    Inside,
    /// Of two VPCs, by a peering connection.
    Peered,
    /// By anything else.
    TransitRoutes,
}

impl VpcRelation {
    /// The interface with these groups at the other end.
    pub fn members(self, groups: &[SecurityGroupId]) -> PeerGroups<'_> {
        match self {
            Self::Inside | Self::Peered => PeerGroups::Of(groups),
            Self::TransitRoutes => PeerGroups::TransitRoutes(groups),
        }
    }
}

/// What some groups let by.
struct Allowed {
    /// The addresses that rules admit for certain.
    certain: Addresses,
    /// The rule that does, for evidence.
    by: Option<(SecurityGroupId, Rule)>,
    /// Rules that may admit more.
    possible: Option<Unknown>,
}

impl Allowed {
    pub(super) fn may(&mut self, unknown: Unknown) {
        self.possible = Some(match self.possible.take() {
            Some(so_far) => so_far.and(unknown),
            None => unknown,
        });
    }

    pub(super) fn certainly(
        &mut self,
        more: &Addresses,
        destination: &Remote,
        id: &SecurityGroupId,
        rule: &Rule,
    ) {
        let new = more.and(&destination.addresses).without(&self.certain);
        if !new.is_empty() {
            self.certain = self.certain.or(&new);
            self.by.get_or_insert_with(|| (id.clone(), rule.clone()));
        }
    }
}

/// The answer, unless it is certain that nothing is allowed.
fn settled(
    allowed: &Allowed,
    destination: &Remote,
    evidence: impl Fn(&SecurityGroupId, Rule) -> Evidence,
) -> Option<Answer> {
    let left = destination.addresses.without(&allowed.certain);
    let by = allowed.by.as_ref().filter(|_| !destination.is_not_in(&allowed.certain));
    match (by, &allowed.possible) {
        (Some((id, rule)), _) if destination.is_exception(&left) => {
            Some(Ok(Verdict::Pass(evidence(id, rule.clone()))))
        }
        (_, Some(unknown)) => Some(Err(unknown.clone())),
        (Some((id, rule)), None) => Some(Err(Unknown::limit(format!(
            "{id} lets {} on {} through and not {}: it depends on which of {} the connection is for",
            rule.peer,
            rule.traffic,
            left.shown(),
            destination.phrase
        )))),
        (None, None) => None,
    }
}

impl PathTrace<'_> {
    fn peer_covers(
        &self,
        rule: &Rule,
        destination: &Remote,
        members: PeerGroups,
    ) -> Result<Addresses, Unknown> {
        let family = destination.family();
        Ok(match &rule.peer {
            Peer::Cidr(range) => Addresses::net(range),
            Peer::Group(id) => match members {
                PeerGroups::Of(groups) if groups.contains(id) => destination.addresses.clone(),
                // Over a transit gateway such rules hold where both attachments and the gateway are set up for
                // it, and for what comes in alone. Source: Transit Gateway guide, "Security group referencing".
                PeerGroups::TransitRoutes(groups) if groups.contains(id) => {
                    return Err(Unknown::limit(format!(
                        "a rule names {id}, which is a group of another VPC, and whether it holds across a transit gateway is not visible"
                    )));
                }
                PeerGroups::Of(_) | PeerGroups::TransitRoutes(_) | PeerGroups::Outside => {
                    Addresses::none(family)
                }
                PeerGroups::Unseen(whose) => {
                    return Err(Unknown::limit(format!(
                        "a rule names {id}, and the security groups of {whose} are not visible"
                    )));
                }
            },
            // A list covers what it names, whether or not its entries can be read.
            Peer::List(id) if destination.list.as_ref() == Some(id) => {
                destination.addresses.clone()
            }
            Peer::List(id) => {
                match self.gateway_of_list(id).map(|it| self.is_ours(it)).transpose()? {
                    Some(false) => Addresses::none(family),
                    Some(true) if destination.is_any_public => destination.addresses.clone(),
                    _ => Addresses::of(family, &self.facts.prefix_list(id).required()?.cidrs),
                }
            }
            Peer::Unreadable(raw) => return Err(Unknown::limit(format!("a rule names {raw:?}"))),
        })
    }

    /// The gateway endpoint whose route names this list: AWS's own, with the addresses of one service.
    fn gateway_of_list(&self, id: &PrefixListId) -> Option<&Endpoint> {
        let tables = self.facts.route_tables(self.from.vpc).required().ok()?;
        let mut routes = tables.iter().flat_map(|it| &it.routes);
        let route = routes.find(|it| matches!(&it.to, Destination::List(list) if list == id))?;
        self.gateway_behind(self.from.vpc, route).ok().flatten()
    }

    /// Do these groups of an interface let it open tcp/443 there?
    pub(super) fn sends(
        &self,
        groups: &[SecurityGroupId],
        destination: &Remote,
        members: PeerGroups,
    ) -> Answer {
        self.sends_to(SERVICE, groups, destination, members)
    }

    /// Do they let it open a connection to this port?
    pub(super) fn sends_to(
        &self,
        port: Port,
        groups: &[SecurityGroupId],
        destination: &Remote,
        members: PeerGroups,
    ) -> Answer {
        let allowed = self.allowed(port, groups, true, destination, members);
        if let Some(answer) =
            settled(&allowed, destination, |id, rule| observed(id, NetworkStatement::LetsOut(rule)))
        {
            return answer;
        }
        if let Some(unknown) = self.may_use_proxy(port, groups) {
            return Err(unknown);
        }
        Ok(Verdict::Fail(
            observed(
                &join(groups),
                NetworkStatement::LetsNothingOut {
                    phrase: destination.phrase.clone(),
                    protocol: port.protocol,
                    port: port.number,
                }
                .for_service(self.service),
            ),
            Fix::of(
                NetworkRemedy::AuthorizeEgress {
                    group: groups.first().cloned(),
                    protocol: port.protocol,
                    port: port.number,
                    to: destination.range(),
                },
                Recovery::Agent,
            ),
        ))
    }

    /// A rule for the port of Squid, and for no other, lets out to a proxy. Where that is how a network is left, the
    /// agent needs no other way out. Source: Systems Manager guide, "Configuring SSM Agent to use a proxy".
    fn may_use_proxy(&self, port: Port, groups: &[SecurityGroupId]) -> Option<Unknown> {
        const SQUID: u16 = 3128;
        let is_for_proxy = |rule: &&Rule| rule.traffic == Traffic::Tcp(SQUID, SQUID);
        let proxy = |id: &SecurityGroupId| {
            let group = self.facts.security_group(id).hint().ok()??;
            Some((id.clone(), group.egress.iter().find(is_for_proxy)?.peer.clone()))
        };
        let (group, peer) =
            groups.iter().find_map(proxy).filter(|_| port.number == SERVICE.number)?;
        Some(Unknown::limit(format!(
            "{group} lets out to {peer} on tcp/{SQUID}, the port of a proxy, and whether the agent uses one to reach {} is not visible",
            self.service
        )))
    }

    /// Do these groups of an interface, which `subject` names, let the instance in on tcp/443? `near` says how
    /// the instance gets there, and `target` what it gets into, for the fix.
    pub(super) fn admits(
        &self,
        subject: &str,
        groups: &[SecurityGroupId],
        near: VpcRelation,
        target: IngressTarget,
    ) -> Answer {
        self.admits_on(SERVICE, self.from.address, subject, groups, near, target)
    }

    /// The same, on this port and from `source`, an address of the instance.
    pub(super) fn admits_on(
        &self,
        port: Port,
        source: IpAddr,
        subject: &str,
        groups: &[SecurityGroupId],
        near: VpcRelation,
        target: IngressTarget,
    ) -> Answer {
        if groups.is_empty() {
            return Err(Unknown::limit(format!("the security groups of {subject} are not listed")));
        }
        let own = &self.from.interface.security_groups;
        let destination = Remote::one(source);
        let allowed = self.allowed(port, groups, false, &destination, near.members(own));
        if let Some(answer) =
            settled(&allowed, &destination, |id, rule| observed(id, NetworkStatement::Admits(rule)))
        {
            return answer;
        }
        let mut admitted = Vec::new();
        for id in groups {
            let group = self.facts.security_group(id).required()?;
            let members = |it: &Rule| matches!(&it.peer, Peer::Group(peer) if peer == id);
            let only_own_members = group.is_default()
                && !group.ingress.is_empty()
                && group.ingress.iter().all(members);
            admitted.push(Admitted {
                group: id.clone(),
                is_default: group.is_default(),
                only_own_members,
                rules: group.ingress.clone(),
            });
        }
        // A group of another VPC can be named only across an active peering, so name the address there.
        let source = own.first().filter(|_| near == VpcRelation::Inside);
        let source = source.map_or_else(
            || Source::Range(destination.range()),
            |group| Source::Group(group.clone()),
        );
        Ok(Verdict::Fail(
            observed(
                subject,
                NetworkStatement::DoesNotAdmit {
                    phrase: destination.phrase,
                    protocol: port.protocol,
                    port: port.number,
                    groups: admitted,
                },
            ),
            Fix::of(
                NetworkRemedy::AuthorizeIngress {
                    group: groups.first().cloned(),
                    protocol: port.protocol,
                    port: port.number,
                    from: source,
                    to: target,
                },
                Recovery::Agent,
            ),
        ))
    }

    fn allowed(
        &self,
        port: Port,
        groups: &[SecurityGroupId],
        egress: bool,
        destination: &Remote,
        members: PeerGroups,
    ) -> Allowed {
        let mut allowed =
            Allowed { certain: Addresses::none(destination.family()), by: None, possible: None };
        for id in groups {
            let group = match self.facts.security_group(id).required() {
                Ok(group) => group,
                Err(unknown) => {
                    allowed.may(unknown);
                    continue;
                }
            };
            let rules = if egress { &group.egress } else { &group.ingress };
            for rule in rules {
                match ports_named(port.protocol, &rule.traffic) {
                    Some(ports) if ports.contains(&port.number) => {}
                    Some(_) => continue,
                    None => {
                        allowed
                            .may(Unknown::limit(format!("{id} has a rule for {}", rule.traffic)));
                        continue;
                    }
                }
                match self.peer_covers(rule, destination, members) {
                    Ok(addresses) => allowed.certainly(&addresses, destination, id, rule),
                    Err(unknown) => allowed.may(unknown),
                }
            }
        }
        allowed
    }
}
