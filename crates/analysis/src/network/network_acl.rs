//! Network ACLs: what lets packets of a connection and their replies pass.
//!
//! ACLs are stateless lists. The first rule that matches decides, so both directions are judged, at the
//! border of every subnet that packets cross.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use ssm_doctor_facts::{change::Protocol, ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{
        address_set::{Addresses, Ports, ports, shown_ports},
        flow::{HTTPS, PathTrace, Remote, ServiceInterface, SubnetOfVpc},
        hop::{Hop, HopKind},
        remedy::NetworkRemedy,
        route_table::table_of,
        statement::{AclPackets, NetworkStatement},
        traffic::{ALL_PORTS, ports_named},
    },
};

/// A crossing of a subnet's edge, one way: to these ports, out to or in from `peer`.
#[derive(Clone)]
pub(super) struct Crossing<'a> {
    pub vpc: &'a VpcId,
    pub subnet: &'a SubnetId,
    pub protocol: Protocol,
    pub ports: &'a Ports,
    pub peer: &'a Remote,
    /// Are the ports those that replies come back to, of which a system uses one at a time? And does
    /// `peer` name where the packets lead, rather than where they come from?
    pub replies: bool,
    pub outward: bool,
}

/// What in an ACL stops a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DenyingRule {
    Rule(i32),
    /// No rule matches, and the list ends with a deny.
    End,
}

impl DenyingRule {
    pub(super) fn number(self) -> Option<i32> {
        match self {
            Self::Rule(number) => Some(number),
            Self::End => None,
        }
    }
}

/// Packets, by the address at the other end and the port that replies come back to.
pub(super) type Packets = Vec<(Addresses, Ports)>;

/// How a list of rules sorts the packets put to it.
struct Sorted {
    passed: Packets,
    dropped: Vec<(Addresses, Ports, DenyingRule)>,
}

impl Sorted {
    /// Leaves out what is too small a part of the addresses that a service may have.
    fn leave_out_exceptions(&mut self, peer: &Remote) {
        let family = peer.family();
        let dropped = Addresses::union(family, self.dropped.iter().map(|part| &part.0));
        let passed = Addresses::union(family, self.passed.iter().map(|part| &part.0));
        if peer.is_exception(&dropped) {
            self.dropped.clear();
        } else if peer.is_not_in(&passed) {
            self.passed.clear();
        }
    }
}

/// The answer of ACLs, and what of it is only in part: some ports for replies do not get through, or may not.
pub(super) struct Filtered {
    pub answer: Answer,
    pub partly: Option<Result<(Evidence, Fix), Unknown>>,
}

/// Less than one port in so many that is lost is no fault: connections are tried again, from another.
pub const NEGLIGIBLE: u32 = 100;

/// Between hosts of one subnet.
const NO_ACL: &str = "no ACL stands between hosts of one subnet";

impl Filtered {
    /// One hop, and a second one if the ACLs pass only some replies.
    pub(super) fn hops(self, id: &impl ToString) -> impl Iterator<Item = Hop> {
        let partly = self.partly.map(|partly| {
            let answer = partly.map(|(evidence, fix)| Verdict::Fail(evidence, fix));
            Hop::new(HopKind::SomeReplies, id, answer)
        });
        core::iter::once(Hop::new(HopKind::Acl, id, self.answer)).chain(partly)
    }

    /// Is it certain that some replies do not get through?
    pub(super) fn is_partial(&self) -> bool {
        matches!(self.partly, Some(Ok(_)))
    }

    /// ACLs stand at the borders of subnets.
    pub(super) fn within_subnet() -> Self {
        Self { answer: Ok(Verdict::NotApplicable(NO_ACL)), partly: None }
    }

    pub(super) fn and(self, other: Self) -> Self {
        let answer = all_of([self.answer, other.answer], "no ACL stands on the way", |it| it);
        let partly = match (self.partly, other.partly) {
            (Some(Ok(a)), Some(Ok(b))) => Some(Ok((a.0.and(b.0), a.1.and(b.1)))),
            (Some(Err(a)), Some(Err(b))) => Some(Err(a.and(b))),
            (Some(Ok(known)), _) | (_, Some(Ok(known))) => Some(Ok(known)),
            (one, other) => one.or(other),
        };
        let partly = partly.filter(|_| matches!(answer, Ok(Verdict::Pass(_))));
        Self { answer, partly }
    }
}

impl<'a> Crossing<'a> {
    /// A connection to the ports `there`, and its replies to the ports `own`: out of the subnet, with `peer`
    /// where it leads, or into it, with `peer` where it comes from.
    pub(super) fn there_and_back(
        (vpc, subnet): (&'a VpcId, &'a SubnetId),
        protocol: Protocol,
        outward: bool,
        peer: &'a Remote,
        there: &'a Ports,
        own: &'a Ports,
    ) -> [Self; 2] {
        let crossing =
            |ports, replies| Self { vpc, subnet, protocol, ports, peer, replies, outward };
        [crossing(there, false), crossing(own, true)]
    }

    pub(super) fn egress(&self) -> bool {
        self.outward != self.replies
    }

    pub(super) fn packets(&self, ports: &Ports) -> AclPackets {
        AclPackets {
            subnet: self.subnet.clone(),
            protocol: self.protocol,
            ports: ports.clone(),
            egress: self.egress(),
            peer: self.peer.phrase.clone(),
        }
    }
}

/// Sorts packets by the rules. Rules that cannot be read may match or not: as long as they allow or deny
/// what the others do, that does not matter.
fn sorted(acl: &NetworkAcl, crossing: &Crossing) -> Result<Sorted, Unknown> {
    let mut entries: Vec<&AclEntry> =
        acl.entries.iter().filter(|it| it.egress == crossing.egress()).collect();
    entries.sort_by_key(|it| it.number);
    let (mut sorted, undecidable) = run(&entries, crossing);
    sorted.leave_out_exceptions(crossing.peer);
    let (passes, drops) = (!sorted.passed.is_empty(), !sorted.dropped.is_empty());
    let matters = |entry: &&&AclEntry| if entry.allow { drops } else { passes } || passes && drops;
    match undecidable.iter().find(matters) {
        Some(entry) => Err(Unknown::limit(format!(
            "rule {} of {} names {} on {}",
            entry.number, acl.id, entry.peer, entry.traffic
        ))),
        None => Ok(sorted),
    }
}

fn is_undecidable(entry: &AclEntry, crossing: &Crossing) -> bool {
    !matches!(entry.peer, Peer::Cidr(_)) || ports_named(crossing.protocol, &entry.traffic).is_none()
}

/// Tries the rules in order, as if those that cannot be read did not match; and which of these might have.
fn run<'e>(entries: &[&'e AclEntry], crossing: &Crossing) -> (Sorted, Vec<&'e AclEntry>) {
    let peer = &crossing.peer.addresses;
    let mut open: Packets = Vec::from([(peer.clone(), crossing.ports.clone())]);
    let mut sorted = Sorted { passed: Vec::new(), dropped: Vec::new() };
    let mut undecidable = Vec::new();
    for entry in entries {
        let named = ports_named(crossing.protocol, &entry.traffic).unwrap_or(ALL_PORTS);
        let range = match &entry.peer {
            Peer::Cidr(range) => Addresses::net(range),
            _ => peer.clone(),
        };
        if is_undecidable(entry, crossing) {
            let ports = ports(named);
            let hits = |it: &(Addresses, Ports)| range.meets(&it.0) && !(&it.1 & &ports).is_empty();
            if open.iter().any(hits) {
                undecidable.push(*entry);
            }
            continue;
        }
        let mut decide = |hit: Addresses, at: Ports| {
            if entry.allow {
                sorted.passed.push((hit, at));
            } else {
                sorted.dropped.push((hit, at, DenyingRule::Rule(entry.number)));
            }
        };
        let mut left = Vec::new();
        for (addresses, wanted) in open {
            let ends = wanted.first().zip(wanted.last());
            let whole = ends.is_some_and(|it| named.contains(&it.0) && named.contains(&it.1));
            if whole && range.holds(&addresses) {
                decide(addresses, wanted);
                continue;
            }
            let ports = ports(named.clone());
            let (hit, at) = (addresses.and(&range), &wanted & &ports);
            if hit.is_empty() || at.is_empty() {
                left.push((addresses, wanted));
                continue;
            }
            let beside = addresses.without(&range);
            if !beside.is_empty() {
                left.push((beside, wanted.clone()));
            }
            let rest = &wanted - &ports;
            if !rest.is_empty() {
                left.push((hit.clone(), rest));
            }
            decide(hit, at);
        }
        open = left;
        if open.is_empty() {
            break;
        }
    }
    sorted
        .dropped
        .extend(open.into_iter().map(|(addresses, ports)| (addresses, ports, DenyingRule::End)));
    (sorted, undecidable)
}

/// Some addresses pass and others do not, by the rule that the evidence names first.
fn depends_on_address(evidence: &Evidence, far: &Remote) -> Unknown {
    let rule = evidence.iter().find_map(|drop| match &drop.statement {
        Statement::Network(NetworkStatement::AclDrops(packets, rule), service) => {
            let rule = match rule {
                None | Some(32_767) => String::from("its last rule"),
                Some(number) => format!("rule {number}"),
            };
            Some(format!(
                "{} of {} drops {}/{} {} {} by {rule} ({})",
                drop.subject,
                packets.subnet,
                packets.protocol.as_str(),
                shown_ports(&packets.ports),
                if packets.egress { "out to" } else { "in from" },
                packets.peer,
                service.unwrap_or_default()
            ))
        }
        _ => None,
    });
    Unknown::limit(format!(
        "{}: it depends on which of {} the connection is for",
        rule.unwrap_or_default(),
        far.phrase
    ))
}

/// What passes a crossing, in terms of the far end's addresses and the instance's own ports: a crossing
/// towards tcp/443 leaves the ports alone, and one that names the instance leaves the addresses.
fn at_far_end(passed: &Packets, crossing: &Crossing, far: &Remote, own: &Ports) -> Packets {
    passed
        .iter()
        .map(|(addresses, ports)| {
            let addresses =
                if crossing.outward { addresses.clone() } else { far.addresses.clone() };
            (addresses, if crossing.replies { ports.clone() } else { own.clone() })
        })
        .collect()
}

fn intersection(a: Packets, b: &Packets) -> Packets {
    let mut both = Vec::new();
    for (addresses, ports) in a {
        for (others, more) in b {
            let (addresses, ports) = (addresses.and(others), &ports & more);
            if !addresses.is_empty() && !ports.is_empty() {
                both.push((addresses, ports));
            }
        }
    }
    both
}

/// For each address at the far end, all of the ports that get through.
fn by_address(passing: &Packets, far: &Remote) -> Packets {
    let mut parts: Packets = Vec::from([(far.addresses.clone(), Ports::new())]);
    for (addresses, ports) in passing {
        let mut next = Vec::new();
        for (part, so_far) in parts {
            let (hit, beside) = (part.and(addresses), part.without(addresses));
            if !hit.is_empty() {
                next.push((hit, &so_far | ports));
            }
            if !beside.is_empty() {
                next.push((beside, so_far));
            }
        }
        parts = next;
    }
    parts
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

impl PathTrace<'_> {
    /// Do packets and replies pass all of `crossings`? `far` are the addresses at the far end, `own`
    /// the ports that replies come back to.
    pub(super) fn acls(&self, far: &Remote, own: &Ports, crossings: &[Crossing]) -> Filtered {
        let mut passing = Packets::new();
        let (mut evidence, mut partial, mut unknown) =
            (None::<Evidence>, Vec::new(), None::<Unknown>);
        let mut failed: Option<(Evidence, Fix)> = None;
        for crossing in crossings {
            let (acl, sorted) = match self.sort(crossing) {
                Ok(sorted) => sorted,
                Err(more) => {
                    unknown = Some(match unknown {
                        Some(so_far) => so_far.and(more),
                        None => more,
                    });
                    continue;
                }
            };
            let Some(first) = sorted.dropped.iter().map(|it| it.2).min() else {
                let passes = Self::passes(acl, crossing);
                evidence = Some(match evidence {
                    Some(so_far) => so_far.and(passes),
                    None => passes,
                });
                continue;
            };
            if sorted.passed.is_empty() {
                let drops = self.drops(acl, crossing, first, crossing.ports);
                failed = Some(match failed {
                    Some(so_far) => (so_far.0.and(drops.0), so_far.1.and(drops.1)),
                    None => drops,
                });
                continue;
            }
            // Up to here all of it passed.
            if partial.is_empty() {
                passing.push((far.addresses.clone(), own.clone()));
            }
            passing = intersection(passing, &at_far_end(&sorted.passed, crossing, far, own));
            let ports = sorted.dropped.iter().fold(Ports::new(), |all, it| all | &it.1);
            partial.push(self.drops(acl, crossing, first, &ports));
        }
        let mut nothing_passes = passing.is_empty();
        let mut passing = if partial.is_empty() { Vec::new() } else { by_address(&passing, far) };
        let (with_ports, without_ports): (Vec<_>, Vec<_>) =
            passing.iter().partition(|part| !part.1.is_empty());
        let union = |parts: Vec<&(Addresses, Ports)>| {
            Addresses::union(far.family(), parts.into_iter().map(|part| &part.0))
        };
        let (with_ports, without_ports) = (union(with_ports), union(without_ports));
        nothing_passes |= !without_ports.is_empty() && far.is_not_in(&with_ports);
        if far.is_exception(&without_ports) {
            passing.retain(|it| !it.1.is_empty());
        }
        // A port or two that some baseline denies is picked so seldom that nobody notices.
        let negligible = passing.iter().all(|it| (own - &it.1).len() * NEGLIGIBLE < own.len());
        let partial = partial.into_iter().reduce(|a, b| (a.0.and(b.0), a.1.and(b.1)));
        let answer = match (failed, partial.clone(), unknown) {
            (Some((evidence, fix)), ..) => Ok(Verdict::Fail(evidence, fix)),
            // What one rule leaves, another takes.
            (None, Some((evidence, fix)), _) if nothing_passes => Ok(Verdict::Fail(evidence, fix)),
            (None, _, Some(unknown)) => Err(unknown),
            (None, Some((evidence, _)), None) if passing.iter().any(|it| it.1.is_empty()) => {
                Err(depends_on_address(&evidence, far))
            }
            (None, Some((partly, _)), None) => Ok(Verdict::Pass(evidence.unwrap_or(partly))),
            (None, None, None) => {
                Ok(evidence.map_or(Verdict::NotApplicable(NO_ACL), Verdict::Pass))
            }
        };
        let partly = partial.filter(|_| !negligible && matches!(answer, Ok(Verdict::Pass(_))));
        Filtered { answer, partly: partly.map(Ok) }
    }

    pub(super) fn passes(acl: &NetworkAcl, crossing: &Crossing) -> Evidence {
        observed(&acl.id, NetworkStatement::AclPasses(crossing.packets(crossing.ports)))
    }

    fn drops(
        &self,
        acl: &NetworkAcl,
        crossing: &Crossing,
        by: DenyingRule,
        ports: &Ports,
    ) -> (Evidence, Fix) {
        let evidence = observed(
            &acl.id,
            NetworkStatement::AclDrops(crossing.packets(ports), by.number())
                .for_service(self.service),
        );
        let fix = Fix::of(
            NetworkRemedy::PassInAcl {
                acl: acl.id.clone(),
                egress: crossing.egress(),
                protocol: crossing.protocol,
                ports: ports.clone(),
                peer: crossing.peer.range(),
            },
            Recovery::Agent,
        );
        (evidence, fix)
    }

    fn sort(&self, crossing: &Crossing) -> Result<(&NetworkAcl, Sorted), Unknown> {
        let acls = self.facts.network_acls(crossing.vpc).required()?;
        let subnet = crossing.subnet;
        let acl = acls
            .iter()
            .find(|it| it.subnets.contains(subnet))
            .or_else(|| acls.iter().find(|it| it.default))
            .ok_or_else(|| Unknown::limit(format!("the network ACL of {subnet} is not listed")))?;
        Ok((acl, sorted(acl, crossing)?))
    }

    /// Both subnets' ACLs, out and back. Within one subnet there is none.
    pub(super) fn acls_between(&self, remote_interface: &ServiceInterface) -> Filtered {
        let own = &self.from.interface.subnet;
        let (there, ports) = (ports(HTTPS..=HTTPS), self.from.ports());
        let instance = Remote::one(self.from.address);
        let subnet_of_vpc = (self.from.vpc, own);
        let location = remote_interface.subnet_of_vpc();
        if location.is_some_and(|it| it.1 == own) {
            return Filtered::within_subnet();
        }
        let pair = |subnet_of_vpc, outward, peer| {
            Crossing::there_and_back(subnet_of_vpc, Protocol::Tcp, outward, peer, &there, &ports)
        };
        let [leaving, returns] = pair(subnet_of_vpc, true, &remote_interface.destination);
        let shares = self.shares_attachment_subnet(&remote_interface.destination, location);
        let (own_shares, far_shares) = match shares {
            Ok(shares) => shares,
            Err(_) => (true, location.is_some()),
        };
        let mut crossings = Vec::from([leaving]);
        let mut unclear = Vec::new();
        if let Some([enters, leaves]) = location.map(|it| pair(it, false, &instance)) {
            if far_shares {
                unclear.push(enters);
            } else {
                crossings.push(enters);
            }
            crossings.push(leaves);
        }
        if own_shares {
            let [inward, _] = pair(subnet_of_vpc, false, &instance);
            unclear.extend([returns, inward]);
        } else {
            crossings.push(returns);
        }
        let some = !unclear.is_empty();
        let unclear_rules = || {
            Unknown::limit(format!(
                "which rules of the ACL of {own} apply, which is also a subnet of the transit gateway attachment, is not documented clearly"
            ))
        };
        let certain = some.then(|| self.acls(&remote_interface.destination, &ports, &crossings));
        crossings.extend(unclear);
        let all = self.acls(&remote_interface.destination, &ports, &crossings);
        match certain {
            None => all,
            Some(certain) if matches!(certain.answer, Ok(Verdict::Fail(..))) => certain,
            // Whichever rules apply, some ports get through; how many more, only if that is clear.
            Some(certain) if matches!(all.answer, Ok(Verdict::Pass(_))) => {
                let unclear = || Err(shares.err().unwrap_or_else(unclear_rules));
                let partly = all.partly.map(|_| certain.partly.unwrap_or_else(unclear));
                Filtered { answer: all.answer, partly }
            }
            Some(_) => {
                let unknown = shares.err().into_iter().chain(all.answer.err());
                let unknown = unknown.reduce(Unknown::and).unwrap_or_else(unclear_rules);
                Filtered { answer: Err(unknown), partly: None }
            }
        }
    }

    /// Is the instance's subnet also a subnet of the transit gateway attachment that packets leave
    /// through, and the subnet at the far end one of the attachment that they arrive by? Then its ACL does
    /// not apply to what comes in as it does elsewhere. Source: Transit Gateway guide, "Network ACLs".
    fn shares_attachment_subnet(
        &self,
        destination: &Remote,
        location: Option<SubnetOfVpc>,
    ) -> Result<(bool, bool), Unknown> {
        let (vpc, own) = self.from.subnet_of_vpc();
        let table = table_of(self.facts, vpc, own)?;
        let some = |it: &Route| matches!(it.via.kind(), TargetKind::TransitGateway(_));
        if !table.routes.iter().any(some) {
            return Ok((false, false));
        }
        let route_matches = self.route_matches(vpc, table, destination)?;
        let (mut own_shares, mut far_shares) = (false, false);
        for route_match in route_matches {
            let Some(TargetKind::TransitGateway(id)) = route_match.route.map(|it| it.via.kind())
            else {
                continue;
            };
            let attachment = self.attachment(vpc, &id)?;
            own_shares |= attachment.is_some_and(|it| it.subnets.contains(own));
            if let Some((vpc, subnet)) = location.filter(|it| it.0 != vpc) {
                far_shares |= self.entry_subnets(vpc, &id, own)?.contains(&subnet);
            }
        }
        Ok((own_shares, far_shares))
    }

    /// The ACL of the instance's own subnet, out and back.
    pub(super) fn acls_of_instance(&self, destination: &Remote) -> Filtered {
        self.acls_between(&ServiceInterface {
            destination: destination.clone(),
            location: Ok(None),
        })
    }
}
