//! What becomes of packets, and what stops them: a deliberately naive second opinion on the analysis.
//!
//! It shares the facts' types with the analysis and none of its reasoning: concrete packets, from each
//! address of the instance to each address that the service's name can lead to, from each class of
//! ephemeral port, walked out and back through every group, ACL, route, firewall and gateway. Slow and
//! plain on purpose. The rules are those of the Amazon VPC User Guide and of the guides to AWS
//! `PrivateLink`, Route 53 and AWS Network Firewall; each is cited where it is applied.
//!
//! A fate is unclear where AWS does not let us see what decides it. Walking goes on behind such a
//! hop: whatever happens there, a reply that the instance's own subnet refuses never arrives.
//!
//! Any hop can be healed, that is taken to let everything pass. So a hop is needed for the failure if
//! packets still do not arrive once all others that are blamed are healed.

mod dns;
mod dns_firewall;
mod filters;
mod hub;
mod names;
mod network_firewall;
mod stops;
mod transit;
mod walk;

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::{Bound, RangeInclusive},
    sync::{LazyLock, OnceLock},
};

use Fate::{Dropped, Partly, Passes, Unclear};
use ipnet::IpNet;
use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Facts, Row},
    scope::Scope,
};
pub use stops::{Fate, Healed, Hop, NOTHING, Point};

const HTTPS: u16 = 443;
const DNS: u16 = 53;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    fn covered_by(self, traffic: &Traffic, port: u16) -> bool {
        match traffic {
            Traffic::All => true,
            Traffic::Tcp(low, high) => self == Self::Tcp && *low <= port && port <= *high,
            Traffic::Udp(low, high) => self == Self::Udp && *low <= port && port <= *high,
            Traffic::Other(_) => false,
        }
    }
}

/// Where a packet to the service is addressed.
#[derive(Clone, Debug)]
pub enum Goal {
    /// The service itself, outside the VPC.
    Service(IpAddr),
    /// A network interface in the VPC. What is None was not seen.
    Interface { address: IpAddr, subnet: Option<SubnetId>, groups: Option<Vec<SecurityGroupId>> },
    /// An endpoint's interface in another VPC, and what the endpoint does with what arrives.
    Hub {
        address: IpAddr,
        vpc: VpcId,
        subnet: SubnetId,
        groups: Vec<SecurityGroupId>,
        serves: Fate,
    },
    /// An address at which nothing answers, and whose fault that is.
    Dead(IpAddr, Point),
}

impl Goal {
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Service(address)
            | Self::Dead(address, _)
            | Self::Interface { address, .. }
            | Self::Hub { address, .. } => *address,
        }
    }
}

/// What a name leads to.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    pub goals: Vec<Goal>,
    /// Why there are none, if that is certain.
    pub none: Option<Point>,
    /// Defects of the VPC's own endpoints for the service that the name passes by. They are to blame if
    /// the public path fails: it is not the path that the owner of the VPC built.
    pub in_vain: BTreeSet<Hop>,
    /// The names that CNAME and alias records lead on to; true for CNAME.
    pub chain: Vec<(String, bool)>,
}

impl Lookup {
    fn none(why: Point) -> Self {
        Self { none: Some(why), ..Self::default() }
    }
}

impl From<Vec<Goal>> for Lookup {
    fn from(goals: Vec<Goal>) -> Self {
        Self { goals, ..Self::default() }
    }
}

/// One source address and one destination, over every class of ephemeral port.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub from: IpAddr,
    pub to: Goal,
    pub passes: Vec<u16>,
    pub dropped: Vec<u16>,
    pub unclear: Vec<u16>,
    /// Some connections fail.
    pub in_part: bool,
    /// The first fate that was not to pass.
    pub because: Fate,
    /// What drops the packets first, by any of the ports.
    pub stops: BTreeSet<Hop>,
}

impl Attempt {
    fn works(&self) -> bool {
        !self.passes.is_empty()
    }

    fn fails(&self) -> bool {
        self.passes.is_empty() && self.unclear.is_empty()
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: ", self.from, self.to.address())?;
        write!(f, "ports that pass {:?}, dropped {:?}", self.passes, self.dropped)?;
        if !self.unclear.is_empty() {
            write!(f, ", unclear {:?}", self.unclear)?;
        }
        if self.because == Passes { Ok(()) } else { write!(f, " ({:?})", self.because) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Every destination is reached, from some ephemeral port at least.
    Everywhere,
    /// No destination is reached from any port.
    Nowhere,
    /// Some of an endpoint's interfaces are reached and others are not.
    InPart,
    /// Some are and some are not, or it cannot be seen.
    Uncertain,
}

/// What may be claimed of a service.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub arrival: Arrival,
    /// Where it arrives, some ports pass and others do not.
    pub in_part: bool,
    /// The same, or so by a few addresses of the service, which may be left out.
    pub may_be_in_part: bool,
    /// Nothing on the way was out of sight.
    pub clear: bool,
    pub packets: usize,
    /// For each reading of what the names lead to, what was tried.
    pub readings: Vec<Vec<Attempt>>,
    /// What stops packets, or the question for the name, first: of each set one is to blame. One set for
    /// each destination that packets of the usual kind do not reach for certain.
    pub first: BTreeSet<BTreeSet<Hop>>,
}

/// An address of the instance that packets leave from.
#[derive(Clone)]
struct Source<'a> {
    address: IpAddr,
    nic: &'a AttachedInterface,
}

#[derive(Clone, Copy)]
pub struct Reference<'a> {
    facts: &'a Facts,
    scope: &'a Scope,
    service: &'a str,
    instance: &'a Instance,
    vpc: &'a VpcId,
    /// Of the name that is asked for.
    suffix: &'static str,
    healed: &'a Healed,
    cache: &'a Cache,
}

/// What is asked for again and again.
#[derive(Default)]
pub struct Cache {
    classes: OnceLock<BTreeSet<IpAddr>>,
    ports: OnceLock<BTreeSet<u16>>,
}

/// The row, if AWS described it.
fn seen<T>(row: Option<&Row<T>>) -> Option<&T> {
    match row {
        Some(Row::Present(row)) => Some(row),
        _ => None,
    }
}

/// Where the ports of ACLs and of a firewall's rules begin, and behind where they end.
fn port_borders(facts: &Facts) -> BTreeSet<u16> {
    let acls = facts.network_acls.values().filter_map(|row| seen(Some(row))).flatten();
    let mut borders: BTreeSet<u16> = acls
        .flat_map(|acl| &acl.entries)
        .filter_map(|entry| match entry.traffic {
            Traffic::Tcp(low, high) | Traffic::Udp(low, high) => {
                Some([low, high.saturating_add(1)])
            }
            _ => None,
        })
        .flatten()
        .collect();
    borders.extend(network_firewall::ports(facts));
    borders
}

/// A port of every class that an ACL or a firewall's rule tells apart.
#[allow(dead_code, reason = "the tests with packets of the kernel's ask for them")]
pub fn port_classes(facts: &Facts, within: &RangeInclusive<u16>) -> BTreeSet<u16> {
    let ends = [*within.start(), *within.end()];
    port_borders(facts).range(within.clone()).copied().chain(ends).collect()
}

/// Packets from the instance to `service`, with some hops healed.
///
/// # Panics
/// Without an instance in a VPC there is nothing to walk.
pub fn judge(facts: &Facts, scope: &Scope, service: &str, healed: &Healed) -> Judgement {
    let instance = scope.target.instance().and_then(|id| seen(facts.instances.get(id))).unwrap();
    let vpc = instance.vpc.as_ref().unwrap();
    let cache = &Cache::default();
    Reference { facts, scope, service, instance, vpc, suffix: "amazonaws.com", healed, cache }
        .judge()
}

impl<'a> Reference<'a> {
    fn is_healed(&self, hop: Hop) -> bool {
        self.healed.contains(&hop)
    }

    fn stop(&self, hop: Hop, what: &'static str) -> Fate {
        if self.is_healed(hop) { Passes } else { Dropped(hop, what) }
    }

    fn judge(&self) -> Judgement {
        if self.is_nameless() && !self.is_healed(Hop::DnsQuery) {
            return Judgement {
                arrival: Arrival::Nowhere,
                in_part: false,
                may_be_in_part: false,
                clear: true,
                packets: 0,
                readings: Vec::new(),
                first: BTreeSet::from([BTreeSet::from([Hop::DnsQuery])]),
            };
        }
        let readings = self.readings();
        let (mut everywhere, mut nowhere, mut in_part) = (true, true, true);
        let mut judgement = Judgement {
            arrival: Arrival::Uncertain,
            in_part: false,
            may_be_in_part: false,
            clear: readings.len() == 1,
            packets: 0,
            readings: Vec::new(),
            first: BTreeSet::new(),
        };
        for names in readings {
            let (mut any, mut some) = (false, false);
            // Which name the agent asks for is written on the node alone.
            judgement.clear &= names.len() == 1;
            for (at, lookup) in names.into_iter().enumerate() {
                let asked = if at == 0 { *self } else { Self { suffix: "api.aws", ..*self } };
                let from_all = |to| self.sources(to).into_iter().map(move |from| (from, to));
                let attempts: Vec<Attempt> = lookup
                    .goals
                    .iter()
                    .flat_map(from_all)
                    .map(|(from, to)| asked.attempt(&from, to))
                    .collect();
                let all = attempts.clone();
                let attempts = self.without_exceptions(&lookup, attempts);
                // Of addresses of both kinds the agent's dialer falls back from one to the other: those of
                // one kind are enough (RFC 8305; Go's `net.Dialer`).
                let (v4, v6): (Vec<&Attempt>, Vec<&Attempt>) =
                    attempts.iter().partition(|attempt| attempt.from.is_ipv4());
                let all_work =
                    |all: &[&Attempt]| !all.is_empty() && all.iter().all(|attempt| attempt.works());
                any |= all_work(&v4) || all_work(&v6);
                some |= attempts.iter().any(Attempt::works) && Self::decided(&attempts);
                let usual = if v4.is_empty() { &v6 } else { &v4 };
                let falls_back = all_work(&v6) && !all_work(usual);
                judgement.in_part |= falls_back || self.is_felt_in_part(usual);
                judgement.may_be_in_part |=
                    falls_back || usual.iter().any(|attempt| attempt.in_part);
                nowhere &= attempts.iter().all(Attempt::fails);
                judgement.clear &= attempts.iter().all(|attempt| attempt.unclear.is_empty());
                let ports = |attempt: &Attempt| {
                    attempt.passes.len() + attempt.dropped.len() + attempt.unclear.len()
                };
                judgement.packets += 2 * attempts.iter().map(ports).sum::<usize>();
                let lost = !lookup.goals.is_empty() && attempts.is_empty();
                if lost && self.is_healed(Hop::AddressFamily) {
                    (any, nowhere) = (true, false);
                }
                let usual = all.iter().filter(|it| it.from.is_ipv4() != v4.is_empty());
                judgement.first.extend(self.first(&lookup, &usual.collect::<Vec<_>>()));
                judgement.readings.push(attempts);
            }
            everywhere &= any;
            in_part &= some;
        }
        judgement.arrival = match (everywhere, nowhere, in_part) {
            (true, ..) => Arrival::Everywhere,
            (_, true, _) => Arrival::Nowhere,
            (.., true) => Arrival::InPart,
            _ => Arrival::Uncertain,
        };
        judgement
    }

    /// What stops the question for a name, or the packets of the usual kind and from the first interface,
    /// first.
    fn first(&self, lookup: &Lookup, usual: &[&Attempt]) -> Vec<BTreeSet<Hop>> {
        if let Some((hop, _)) = lookup.none {
            return vec![lookup.in_vain.iter().copied().chain([hop]).collect()];
        }
        // A zone that leads to nothing is to be repaired, whatever kind of address it has.
        let by_zone = |goal: &Goal| matches!(goal, Goal::Dead(_, (Hop::HostedZone, _)));
        let astray = !lookup.goals.is_empty() && lookup.goals.iter().all(by_zone);
        let Some(first) = usual.first() else {
            if astray && lookup.in_vain.is_empty() {
                return vec![BTreeSet::from([Hop::HostedZone, Hop::AddressFamily])];
            }
            let lost = !lookup.goals.is_empty() && !self.is_healed(Hop::AddressFamily);
            let family = BTreeSet::from([Hop::AddressFamily]);
            let stops = if lookup.in_vain.is_empty() { family } else { lookup.in_vain.clone() };
            return lost.then_some(stops).into_iter().collect();
        };
        let usual = usual.iter().filter(|attempt| attempt.from == first.from && attempt.fails());
        let stops = usual.map(|attempt| {
            if lookup.in_vain.is_empty() { attempt.stops.clone() } else { lookup.in_vain.clone() }
        });
        stops.collect()
    }

    /// Of the addresses that a service may have, without so few that nothing depends on them: those that stay
    /// away where nearly all others arrive, and single hosts that arrive where no other does.
    fn without_exceptions(&self, lookup: &Lookup, attempts: Vec<Attempt>) -> Vec<Attempt> {
        let many = |it: &Goal| is_sample(it.address());
        if !lookup.goals.iter().any(many) {
            return attempts;
        }
        let weight = |attempt: &Attempt| self.weight(attempt);
        let mut kept = attempts;
        for v4 in [true, false] {
            let (few, hosts) = (few(v4), if v4 { 255 } else { (1 << 80) - 1 });
            let total = |all: &[Attempt], wanted: fn(&Attempt) -> bool| {
                let some = all.iter().filter(|it| it.from.is_ipv4() == v4 && wanted(it));
                some.filter_map(weight).fold(0_u128, u128::saturating_add)
            };
            let (lost, works) = (total(&kept, |it| !it.works()), total(&kept, Attempt::works));
            let (fails, open) = (total(&kept, Attempt::fails), total(&kept, |it| !it.fails()));
            let matters: fn(&Attempt) -> bool = if lost <= TIMES * few && works > lost {
                Attempt::works
            } else if open <= TIMES * hosts && fails > open {
                Attempt::fails
            } else if fails <= TIMES * few && open > fails {
                |it| !it.fails()
            } else {
                continue;
            };
            kept.retain(|it| it.from.is_ipv4() != v4 || weight(it).is_none() || matters(it));
        }
        kept
    }

    /// How many public addresses of the service an attempt stands for; None for what is no public address.
    fn weight(&self, attempt: &Attempt) -> Option<u128> {
        let address = untranslated(attempt.to.address()).unwrap_or(attempt.to.address());
        let counts = matches!(attempt.to, Goal::Service(_)) && is_public(address);
        let classes = self.classes();
        let next = classes.range((Bound::Excluded(address), Bound::Unbounded)).next();
        let next = next.filter(|it| it.is_ipv4() == address.is_ipv4());
        counts.then(|| next.map_or(u128::MAX, |next| number(*next) - number(address)))
    }

    /// Do some ports not pass by more than a few of the service's addresses?
    fn is_felt_in_part(&self, attempts: &[&Attempt]) -> bool {
        let in_part = attempts.iter().filter(|attempt| attempt.in_part);
        let weights: Vec<Option<u128>> = in_part.map(|attempt| self.weight(attempt)).collect();
        let all = weights.iter().flatten().fold(0_u128, |sum, it| sum.saturating_add(*it));
        let v4 = attempts.first().is_none_or(|attempt| attempt.from.is_ipv4());
        weights.contains(&None) || all > TIMES * few(v4)
    }

    /// All are to interfaces in VPCs, and of each it is certain whether it is reached.
    fn decided(attempts: &[Attempt]) -> bool {
        attempts.iter().all(|attempt| {
            let same = attempts.iter().filter(|it| it.to.address() == attempt.to.address());
            matches!(attempt.to, Goal::Interface { .. } | Goal::Hub { .. })
                && (attempt.works() || attempt.fails())
                && same.into_iter().all(|other| other.works() == attempt.works())
        })
    }

    /// The addresses that a packet to `to` may leave from: the operating system takes the interface
    /// of its default route, the first, unless another one stands in the destination's own subnet;
    /// whether it then uses that one is up to the operating system.
    fn sources(&self, to: &Goal) -> Vec<Source<'a>> {
        let v4 = to.address().is_ipv4();
        let mut all: Vec<Source> = Vec::new();
        for nic in &self.instance.interfaces {
            if v4 {
                all.extend(nic.private_ip.map(|it| Source { address: IpAddr::V4(it), nic }));
            } else {
                all.extend(nic.ipv6.first().map(|&it| Source { address: IpAddr::V6(it), nic }));
            }
        }
        let Some(first) = all.iter().min_by_key(|it| it.nic.device_index).cloned() else {
            return Vec::new();
        };
        let connected = |it: &Source| {
            if let Goal::Interface { subnet: Some(there), .. } = to {
                return it.nic.subnet == *there;
            }
            let subnet = seen(self.facts.subnets.get(&it.nic.subnet));
            subnet.is_none_or(|subnet| match to.address() {
                IpAddr::V4(address) => subnet.cidr.is_some_and(|net| net.contains(&address)),
                IpAddr::V6(address) => subnet.ipv6_cidrs.iter().any(|net| net.contains(&address)),
            })
        };
        if matches!(to, Goal::Service(_) | Goal::Hub { .. }) || connected(&first) {
            return vec![first];
        }
        let others = all.into_iter().filter(|it| it.nic.id != first.nic.id && connected(it));
        std::iter::once(first.clone()).chain(others).collect()
    }

    fn attempt(&self, from: &Source, to: &Goal) -> Attempt {
        let mut attempt = Attempt {
            from: from.address,
            to: to.clone(),
            passes: Vec::new(),
            dropped: Vec::new(),
            unclear: Vec::new(),
            in_part: false,
            because: Passes,
            stops: BTreeSet::new(),
        };
        let ports = self.ephemeral();
        let mut lost = 0;
        for port in self.port_classes(&ports) {
            let fate = match to {
                Goal::Service(address) => self.to_service(from, *address, port),
                Goal::Dead(_, (hop, what)) => self.stop(*hop, what),
                Goal::Hub { .. } => self.to_hub(from, to, port),
                Goal::Interface { address, subnet, groups } => {
                    self.to_interface(from, *address, subnet.as_ref(), groups.as_deref(), port)
                }
            };
            match fate {
                Passes | Partly(_) => attempt.passes.push(port),
                Dropped(hop, what) => {
                    attempt.dropped.push(port);
                    attempt.stops.insert(hop);
                    // Either a route to a translator is wanting, or an address of the instance's kind.
                    if what == UNTRANSLATED {
                        attempt.stops.insert(Hop::AddressFamily);
                    }
                    lost += self.class_size(port, &ports);
                }
                Unclear(_) => attempt.unclear.push(port),
            }
            attempt.in_part |= matches!(fate, Partly(_));
            if attempt.because == Passes {
                attempt.because = fate;
            }
        }
        attempt.in_part |= attempt.works() && is_felt(lost, &ports);
        attempt
    }

    /// Linux's own default; Windows since 2008 (custom-network-acl.html, "Ephemeral ports").
    fn ephemeral(&self) -> RangeInclusive<u16> {
        if self.instance.windows { 49152..=65535 } else { 32768..=60999 }
    }

    fn port_classes(&self, within: &RangeInclusive<u16>) -> BTreeSet<u16> {
        let borders = self.cache.ports.get_or_init(|| port_borders(self.facts));
        let ends = [*within.start(), *within.end()];
        borders.range(within.clone()).copied().chain(ends).collect()
    }

    /// How many ports of the range `port` stands for.
    fn class_size(&self, port: u16, within: &RangeInclusive<u16>) -> usize {
        let next = self.port_classes(within).into_iter().find(|it| *it > port);
        next.map_or(usize::from(*within.end()) + 1, usize::from) - usize::from(port)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// What a route table answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    Nowhere,
    Blackhole,
    Unseen,
    Via(String),
}

/// The analysis leaves exceptions out filter by filter and route by route, so there may be some times as many here.
const TIMES: u128 = 4;

/// So few public addresses do not outweigh all others.
fn few(v4: bool) -> u128 {
    if v4 { 1 << 16 } else { 1 << 96 }
}

/// A port in a hundred that is lost is noticed; fewer are not, since connections are tried again.
fn is_felt(lost: usize, of: &RangeInclusive<u16>) -> bool {
    lost * 100 >= of.len()
}

/// The address that DNS64 makes of an IPv4 one, and NAT64 turns back (RFC 6052).
fn translated(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(it) => Some(IpAddr::V6(Ipv6Addr::from(NAT64 | u128::from(u32::from(it))))),
        IpAddr::V6(_) => None,
    }
}

/// What a NAT gateway sends to instead; None for an IPv6 address that it does not translate.
fn untranslated(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(_) => Some(address),
        IpAddr::V6(it) => {
            let low = u32::try_from(u128::from(it) ^ NAT64).ok()?;
            Some(IpAddr::V4(Ipv4Addr::from(low)))
        }
    }
}

const UNTRANSLATED: &str = "it does not translate addresses of NAT64";

/// `64:ff9b::/96`
const NAT64: u128 = 0x0064_ff9b << 96;

fn interface(nic: &NetworkInterface, address: IpAddr) -> Goal {
    let groups = Some(nic.security_groups.clone());
    Goal::Interface { address, subnet: Some(nic.subnet.clone()), groups }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(it) => u32::from(it).into(),
        IpAddr::V6(it) => it.into(),
    }
}

/// One that is there wherever any public address may be the service's.
fn is_sample(address: IpAddr) -> bool {
    let samples = ["205.251.242.7", "2a05:d07a:a000::2"];
    let address = untranslated(address).unwrap_or(address);
    samples.iter().any(|it| it.parse() == Ok(address))
}

fn behind(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(it) => u32::from(it).checked_add(1).map(|it| IpAddr::V4(Ipv4Addr::from(it))),
        IpAddr::V6(it) => u128::from(it).checked_add(1).map(|it| IpAddr::V6(Ipv6Addr::from(it))),
    }
}

/// Addresses that are nobody's on the internet (RFC 6890), as far as they bear on the classes.
static PRIVATE: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
     192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
     224.0.0.0/3 fc00::/7"
        .split_whitespace()
        .map(|it| it.parse().unwrap())
        .collect()
});

/// Global unicast: of IPv6 that is `2000::/3`.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !PRIVATE.iter().any(|it| it.contains(&address)),
        IpAddr::V6(it) => it.segments()[0] & 0xe000 == 0x2000,
    }
}
