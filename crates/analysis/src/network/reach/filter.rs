//! Security groups and network ACLs: what lets packets of a connection by, and their replies.
//!
//! Groups are stateful and only ever allow, so they are asked about the first packet alone, and all
//! rules of all groups add up. ACLs are stateless lists of which the first rule that matches decides,
//! so both directions are asked, in every subnet that is crossed.

use alloc::{format, vec::Vec};
use core::{fmt, ops::RangeInclusive};

use crate::network::reach::{HTTPS, Toward, Walk, join};
use crate::network::remedy::NetworkRemedy;
use crate::network::statement::{AclPackets, Admitted, NetworkStatement};
use crate::{
    answer::*,
    network::address_set::{Addresses, Ports, ports},
};
use ssm_doctor_facts::{
    change::{Protocol, Source},
    ec2::{AclEntry, NetworkAcl, Peer, Rule, Traffic},
    ids::*,
    lookup::{Facts, Unknown},
};

/// The ports of `protocol` that `traffic` names, if any; None for a rule whose ports cannot be read.
fn ports_named(protocol: Protocol, traffic: &Traffic) -> Option<RangeInclusive<u16>> {
    let number = if protocol == Protocol::Tcp { "6" } else { "17" };
    match traffic {
        Traffic::All => Some(ALL_PORTS),
        Traffic::Tcp(low, high) if protocol == Protocol::Tcp => Some(*low..=*high),
        Traffic::Udp(low, high) if protocol == Protocol::Udp => Some(*low..=*high),
        Traffic::Other(raw) if raw.eq_ignore_ascii_case(protocol.as_str()) || raw == number => None,
        Traffic::Tcp(..) | Traffic::Udp(..) | Traffic::Other(_) => Some(NO_PORTS),
    }
}

const ALL_PORTS: RangeInclusive<u16> = 0..=u16::MAX;
#[expect(clippy::reversed_empty_ranges, reason = "it is to be empty")]
const NO_PORTS: RangeInclusive<u16> = 1..=0;

/// Where a connection goes: `tcp/443`.
#[derive(Clone, Copy)]
pub(super) struct Port {
    pub protocol: Protocol,
    pub number: u16,
}

/// What every service listens on.
pub(super) const SERVICE: Port = Port { protocol: Protocol::Tcp, number: HTTPS };

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.protocol.as_str(), self.number)
    }
}

// ---------------------------------------------------------------- security groups

/// Who is at the other end, as far as rules that name groups are concerned.
#[derive(Clone, Copy)]
pub(super) enum Members<'a> {
    /// An interface with these groups.
    Of(&'a [SecurityGroupId]),
    /// The same, of another VPC that no peering connection leads to.
    Across(&'a [SecurityGroupId]),
    /// No interface that a group of ours could hold: the internet.
    Outside,
    /// An interface that was not seen, because.
    Unseen(&'a str),
}

/// How two interfaces are connected, which decides whether rules of the one may name groups of the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Near {
    /// In one VPC.
    Inside,
    /// Of two VPCs, by a peering connection.
    Peered,
    /// By anything else.
    Across,
}

impl Near {
    /// The interface with these groups at the other end.
    pub fn members(self, groups: &[SecurityGroupId]) -> Members<'_> {
        match self {
            Self::Inside | Self::Peered => Members::Of(groups),
            Self::Across => Members::Across(groups),
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
    perhaps: Option<Unknown>,
}

impl Walk<'_> {
    /// Do these groups of an interface let it open tcp/443 there?
    pub(super) fn sends(
        &self,
        groups: &[SecurityGroupId],
        toward: &Toward,
        members: Members,
    ) -> Answer {
        self.sends_to(SERVICE, groups, toward, members)
    }

    /// Do they let it open a connection to this port?
    pub(super) fn sends_to(
        &self,
        port: Port,
        groups: &[SecurityGroupId],
        toward: &Toward,
        members: Members,
    ) -> Answer {
        let allowed = self.allowed(port, groups, true, toward, members);
        if let Some(answer) =
            settled(&allowed, toward, |id, rule| observed(id, NetworkStatement::LetsOut(rule)))
        {
            return answer;
        }
        Ok(Verdict::Fail(
            observed(
                &join(groups),
                NetworkStatement::LetsNothingOut {
                    phrase: toward.phrase.clone(),
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
                    to: toward.range(),
                },
                Recovery::Agent,
            ),
        ))
    }

    /// Do these groups of an interface, which `subject` names, let the instance in on tcp/443? `near` says how
    /// the instance gets there, and `door` what it gets into, for the fix.
    pub(super) fn admits(
        &self,
        subject: &str,
        groups: &[SecurityGroupId],
        near: Near,
        target: Option<&NetworkInterfaceId>,
    ) -> Answer {
        if groups.is_empty() {
            return Err(Unknown::limit(format!("the security groups of {subject} are not listed")));
        }
        let own = &self.from.interface.security_groups;
        let toward = Toward::one(self.from.address);
        let allowed = self.allowed(SERVICE, groups, false, &toward, near.members(own));
        if let Some(answer) =
            settled(&allowed, &toward, |id, rule| observed(id, NetworkStatement::Admits(rule)))
        {
            return answer;
        }
        let (mut admitted, mut is_default) = (Vec::new(), false);
        for id in groups {
            let group = self.facts.security_group(id).required()?;
            let members = |it: &Rule| matches!(&it.peer, Peer::Group(peer) if peer == id);
            let only_own_members = group.is_default()
                && !group.ingress.is_empty()
                && group.ingress.iter().all(members);
            is_default |= only_own_members;
            admitted.push(Admitted {
                group: id.clone(),
                is_default: group.is_default(),
                only_own_members,
                rules: group.ingress.clone(),
            });
        }
        // A group of another VPC can be named only across an active peering, so name the address there.
        let source = own.first().filter(|_| near == Near::Inside);
        let source = source
            .map_or_else(|| Source::Range(toward.range()), |group| Source::Group(group.clone()));
        Ok(Verdict::Fail(
            observed(
                subject,
                NetworkStatement::DoesNotAdmit { phrase: toward.phrase, groups: admitted },
            ),
            Fix::of(
                NetworkRemedy::AuthorizeIngress {
                    group: groups.first().cloned(),
                    from: source,
                    interface: target.cloned(),
                    is_default,
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
        toward: &Toward,
        members: Members,
    ) -> Allowed {
        let mut allowed =
            Allowed { certain: Addresses::none(toward.family()), by: None, perhaps: None };
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
                match peer_covers(self.facts, rule, toward, members) {
                    Ok(addresses) => allowed.certainly(&addresses, toward, id, rule),
                    Err(unknown) => allowed.may(unknown),
                }
            }
        }
        allowed
    }
}

impl Allowed {
    fn may(&mut self, unknown: Unknown) {
        self.perhaps = Some(match self.perhaps.take() {
            Some(so_far) => so_far.and(unknown),
            None => unknown,
        });
    }

    fn certainly(&mut self, more: &Addresses, toward: &Toward, id: &SecurityGroupId, rule: &Rule) {
        let new = more.and(&toward.addresses).without(&self.certain);
        if !new.is_empty() {
            self.certain = self.certain.or(&new);
            self.by.get_or_insert_with(|| (id.clone(), rule.clone()));
        }
    }
}

/// The answer, unless it is certain that nothing is allowed.
fn settled(
    allowed: &Allowed,
    toward: &Toward,
    evidence: impl Fn(&SecurityGroupId, Rule) -> Evidence,
) -> Option<Answer> {
    let left = toward.addresses.without(&allowed.certain);
    match (&allowed.by, &allowed.perhaps) {
        (Some((id, rule)), _) if left.is_empty() => {
            Some(Ok(Verdict::Pass(evidence(id, rule.clone()))))
        }
        (_, Some(unknown)) => Some(Err(unknown.clone())),
        (Some((id, rule)), None) => Some(Err(Unknown::limit(format!(
            "{id} lets {} on {} through and not {}: it depends on which of {} the connection is for",
            rule.peer,
            rule.traffic,
            left.shown(),
            toward.phrase
        )))),
        (None, None) => None,
    }
}

fn peer_covers(
    facts: &Facts,
    rule: &Rule,
    toward: &Toward,
    members: Members,
) -> Result<Addresses, Unknown> {
    let family = toward.family();
    Ok(match &rule.peer {
        Peer::Cidr(range) => Addresses::net(range),
        Peer::Group(id) => match members {
            Members::Of(groups) if groups.contains(id) => toward.addresses.clone(),
            // Over a transit gateway such rules hold where both attachments and the gateway are set up for
            // it, and for what comes in alone. Source: Transit Gateway guide, "Security group referencing".
            Members::Across(groups) if groups.contains(id) => {
                return Err(Unknown::limit(format!(
                    "a rule names {id}, which is a group of another VPC, and whether it holds across a transit gateway does not show"
                )));
            }
            Members::Of(_) | Members::Across(_) | Members::Outside => Addresses::none(family),
            Members::Unseen(whose) => {
                return Err(Unknown::limit(format!(
                    "a rule names {id}, and the security groups of {whose} are not visible"
                )));
            }
        },
        // A list covers what it names, whether or not its entries can be read.
        Peer::List(id) if toward.list.as_ref() == Some(id) => toward.addresses.clone(),
        Peer::List(id) => Addresses::of(family, &facts.prefix_list(id).required()?.cidrs),
        Peer::Unreadable(raw) => return Err(Unknown::limit(format!("a rule names {raw:?}"))),
    })
}

// ---------------------------------------------------------------- network ACLs

/// A crossing of a subnet's edge, one way: to these ports, out to or in from `peer`.
#[derive(Clone)]
pub(super) struct Crossing<'a> {
    pub vpc: &'a VpcId,
    pub subnet: &'a SubnetId,
    pub protocol: Protocol,
    pub ports: &'a Ports,
    pub peer: &'a Toward,
    /// Are the ports those that replies come back to, of which a system uses one at a time? And does
    /// `peer` name where the packets lead, rather than where they come from?
    pub replies: bool,
    pub outward: bool,
}

/// What in an ACL stops a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Drop {
    Rule(i32),
    /// No rule matches, and the list ends with a deny.
    End,
}

impl Drop {
    fn number(self) -> Option<i32> {
        match self {
            Self::Rule(number) => Some(number),
            Self::End => None,
        }
    }
}

/// Packets, by the address at the other end and the port that replies come back to.
type Packets = Vec<(Addresses, Ports)>;

/// How a list of rules sorts the packets put to it.
struct Sorted {
    passed: Packets,
    dropped: Vec<(Addresses, Ports, Drop)>,
}

/// The answer of ACLs, and what of it is only in part: some ports for replies do not get through.
pub(super) struct Filtered {
    pub answer: Answer,
    pub partly: Option<(Evidence, Fix)>,
}

/// Less than one port in so many that is lost is no fault: connections are tried again, from another.
const HUNDRED: u32 = 100;

/// Between hosts of one subnet.
const NO_ACL: &str = "no ACL stands between hosts of one subnet";

impl Filtered {
    /// ACLs stand at the borders of subnets.
    pub(super) fn within_subnet() -> Self {
        Self { answer: Ok(Verdict::NotApplicable(NO_ACL)), partly: None }
    }

    pub(super) fn and(self, other: Self) -> Self {
        let answer = all_of([self.answer, other.answer], "no ACL stands on the way", |it| it);
        let partly = match (self.partly, other.partly) {
            (Some(a), Some(b)) => Some((a.0.and(b.0), a.1.and(b.1))),
            (one, other) => one.or(other),
        };
        let partly = partly.filter(|_| matches!(answer, Ok(Verdict::Pass(_))));
        Self { answer, partly }
    }
}

impl Walk<'_> {
    /// Do packets and replies pass all of `crossings`? `far` are the addresses at the far end, `own`
    /// the ports that replies come back to.
    pub(super) fn acls(&self, far: &Toward, own: &Ports, crossings: &[Crossing]) -> Filtered {
        let mut through = Packets::new();
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
                through.push((far.addresses.clone(), own.clone()));
            }
            through = meet(through, &widened(&sorted.passed, crossing, far, own));
            let ports = sorted.dropped.iter().fold(Ports::new(), |all, it| all | &it.1);
            partial.push(self.drops(acl, crossing, first, &ports));
        }
        let passing = if partial.is_empty() { Vec::new() } else { by_address(&through, far) };
        // A port or two that some baseline denies is picked so seldom that nobody notices.
        let few = passing.iter().all(|it| (own - &it.1).len() * HUNDRED < own.len());
        let partial = partial.into_iter().reduce(|a, b| (a.0.and(b.0), a.1.and(b.1)));
        let answer = match (failed, partial.clone(), unknown) {
            (Some((evidence, fix)), ..) => Ok(Verdict::Fail(evidence, fix)),
            // What one rule leaves, another takes.
            (None, Some((evidence, fix)), _) if through.is_empty() => {
                Ok(Verdict::Fail(evidence, fix))
            }
            (None, _, Some(unknown)) => Err(unknown),
            (None, Some((evidence, _)), None) if passing.iter().any(|it| it.1.is_empty()) => {
                Err(Unknown::limit(format!(
                    "{} passes only some of it: it depends on which of {} the connection is for",
                    join(&evidence.iter().map(|it| &it.subject).collect::<Vec<_>>()),
                    far.phrase
                )))
            }
            (None, Some((partly, _)), None) => Ok(Verdict::Pass(evidence.unwrap_or(partly))),
            (None, None, None) => {
                Ok(evidence.map_or(Verdict::NotApplicable(NO_ACL), Verdict::Pass))
            }
        };
        let partly = partial.filter(|_| !few && matches!(answer, Ok(Verdict::Pass(_))));
        Filtered { answer, partly }
    }

    fn passes(acl: &NetworkAcl, crossing: &Crossing) -> Evidence {
        observed(&acl.id, NetworkStatement::AclPasses(crossing.packets(crossing.ports)))
    }

    fn drops(
        &self,
        acl: &NetworkAcl,
        crossing: &Crossing,
        by: Drop,
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
}

impl<'a> Crossing<'a> {
    /// A connection to the ports `there`, and its replies to the ports `own`: out of the subnet, with `peer`
    /// where it leads, or into it, with `peer` where it comes from.
    pub(super) fn there_and_back(
        (vpc, subnet): (&'a VpcId, &'a SubnetId),
        protocol: Protocol,
        outward: bool,
        peer: &'a Toward,
        there: &'a Ports,
        own: &'a Ports,
    ) -> [Self; 2] {
        let crossing =
            |ports, replies| Self { vpc, subnet, protocol, ports, peer, replies, outward };
        [crossing(there, false), crossing(own, true)]
    }

    fn egress(&self) -> bool {
        self.outward != self.replies
    }

    fn packets(&self, ports: &Ports) -> AclPackets {
        AclPackets {
            subnet: self.subnet.clone(),
            protocol: self.protocol,
            ports: ports.clone(),
            egress: self.egress(),
            peer: self.peer.phrase.clone(),
        }
    }
}

/// Rules that cannot be read may match everything or nothing: as long as both come to the same, they
/// do not matter. More than this many are not tried out.
const RIDDLES: u32 = 4;

fn sorted(acl: &NetworkAcl, crossing: &Crossing) -> Result<Sorted, Unknown> {
    let mut entries: Vec<&AclEntry> =
        acl.entries.iter().filter(|it| it.egress == crossing.egress()).collect();
    entries.sort_by_key(|it| it.number);
    let riddles: Vec<&AclEntry> =
        entries.iter().copied().filter(|it| is_riddle(it, crossing)).collect();
    let unclear = || {
        let rule = riddles.first().map(|it| {
            format!("rule {} of {} names {} on {}", it.number, acl.id, it.peer, it.traffic)
        });
        Unknown::limit(rule.unwrap_or_default())
    };
    let count = u32::try_from(riddles.len()).unwrap_or(u32::MAX);
    if count > RIDDLES {
        return Err(unclear());
    }
    let mut outcome: Option<Sorted> = None;
    for guess in 0..1_u32 << count {
        let matches = |entry: &AclEntry| {
            riddles
                .iter()
                .position(|it| core::ptr::eq(*it, entry))
                .is_some_and(|at| guess >> at & 1 == 1)
        };
        let sorted = run(&entries, crossing, matches);
        match &outcome {
            Some(first)
                if first.passed.is_empty() != sorted.passed.is_empty()
                    || first.dropped.is_empty() != sorted.dropped.is_empty()
                    || !first.passed.is_empty() && !first.dropped.is_empty() =>
            {
                return Err(unclear());
            }
            Some(_) => {}
            None => outcome = Some(sorted),
        }
    }
    outcome.ok_or_else(unclear)
}

fn is_riddle(entry: &AclEntry, crossing: &Crossing) -> bool {
    !matches!(entry.peer, Peer::Cidr(_)) || ports_named(crossing.protocol, &entry.traffic).is_none()
}

/// Tries the rules in order; whether those that cannot be read match is for `guess` to say.
fn run(entries: &[&AclEntry], crossing: &Crossing, guess: impl Fn(&AclEntry) -> bool) -> Sorted {
    let peer = &crossing.peer.addresses;
    let mut open: Packets = Vec::from([(peer.clone(), crossing.ports.clone())]);
    let mut sorted = Sorted { passed: Vec::new(), dropped: Vec::new() };
    for entry in entries {
        let riddle = is_riddle(entry, crossing);
        if riddle && !guess(entry) {
            continue;
        }
        let named = ports_named(crossing.protocol, &entry.traffic).unwrap_or(ALL_PORTS);
        let range = match &entry.peer {
            Peer::Cidr(range) => Addresses::net(range),
            _ => peer.clone(),
        };
        let mut decide = |hit: Addresses, at: Ports| {
            if entry.allow {
                sorted.passed.push((hit, at));
            } else {
                sorted.dropped.push((hit, at, Drop::Rule(entry.number)));
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
    sorted.dropped.extend(open.into_iter().map(|(addresses, ports)| (addresses, ports, Drop::End)));
    sorted
}

/// What passes a crossing, in terms of the far end's addresses and the instance's own ports: a crossing
/// towards tcp/443 leaves the ports alone, and one that names the instance leaves the addresses.
fn widened(passed: &Packets, crossing: &Crossing, far: &Toward, own: &Ports) -> Packets {
    passed
        .iter()
        .map(|(addresses, ports)| {
            let addresses =
                if crossing.outward { addresses.clone() } else { far.addresses.clone() };
            (addresses, if crossing.replies { ports.clone() } else { own.clone() })
        })
        .collect()
}

fn meet(a: Packets, b: &Packets) -> Packets {
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
fn by_address(through: &Packets, far: &Toward) -> Packets {
    let mut parts: Packets = Vec::from([(far.addresses.clone(), Ports::new())]);
    for (addresses, ports) in through {
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
