//! From the instance to a service on tcp/443 and back, hop by hop, and every setting that stops it.
//!
//! A path is a list of [`Hop`]s, each with its own answer, so that a blocked path is complete: the
//! checks pick the kinds of hop they speak for, and one setting at fault fails one check. What AWS
//! does not show (a transit gateway's tables, an appliance's inside) is an unknown hop, never a guess.
//!
//! A name may have several addresses, of which the agent tries one after the other: it gets through if
//! one of them answers. Addresses of services outside the VPC are not known, and stand for any that a
//! public service can have: an answer about them is one that holds for all.

use alloc::{
    format,
    rc::Rc,
    string::{String, ToString},
    vec::Vec,
};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

use crate::answer::*;
use crate::case::Case;
use crate::network::hop::HopKind;
use crate::network::statement::NetworkStatement;
use crate::{
    dns::name::{self, Defect, Name, Resolution, StepKind},
    network::address_set::{Addresses, Family, Ports, ports},
    session::{self, Gates},
};
use endpoint::hub;
use filter::Filtered;
use route::table_of;
use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Facts, Unknown},
    scope::Scope,
    ssm::{AgentVersion, Connection, Ping},
};

mod endpoint;
mod filter;
mod firewall;
mod gateway;
mod public;
mod resolver;
mod route;
mod transit;

pub const HTTPS: u16 = 443;

/// One thing on the way that lets the packet on, or does not.
#[derive(Clone, Debug)]
pub struct Hop {
    pub kind: HopKind,
    /// The group, table, gateway or endpoint in question.
    pub id: String,
    pub answer: Answer,
}

impl Hop {
    fn new(kind: HopKind, id: &(impl ToString + ?Sized), answer: Answer) -> Self {
        Self { kind, id: id.to_string(), answer }
    }

    /// What ACLs say: a hop, and another where they let only part through.
    fn filtered(id: &impl ToString, filtered: Filtered) -> impl Iterator<Item = Self> {
        let partly = filtered.partly.map(|(evidence, fix)| {
            Self::new(HopKind::SomeReplies, id, Ok(Verdict::Fail(evidence, fix)))
        });
        core::iter::once(Self::new(HopKind::Acl, id, filtered.answer)).chain(partly)
    }

    /// Records in its evidence that it is on the path to `service`.
    fn mark_path(&mut self, service: &'static str) {
        if let Ok(verdict) = &mut self.answer {
            *verdict = match verdict.clone() {
                Verdict::Pass(evidence) => Verdict::Pass(evidence.on_path_to(service)),
                Verdict::Fail(evidence, fix) => Verdict::Fail(evidence.on_path_to(service), fix),
                inapplicable @ Verdict::NotApplicable(_) => inapplicable,
            };
        }
    }

    /// Is there no way at all?
    fn is_no_way(&self) -> bool {
        self.kind == HopKind::Route && self.stops()
    }

    /// Does it stop nothing, whatever it says?
    fn is_remark(&self) -> bool {
        self.kind.is_remark()
    }

    /// Does it let every packet by, for certain?
    fn passes(&self) -> bool {
        matches!(self.answer, Ok(Verdict::Pass(_)))
    }

    /// Does it stop every packet?
    fn stops(&self) -> bool {
        !self.is_remark() && matches!(self.answer, Ok(Verdict::Fail(..)))
    }
}

impl From<name::Step> for Hop {
    fn from(step: name::Step) -> Self {
        let kind = match step.kind {
            StepKind::Resolver => HopKind::VpcDns,
            StepKind::Firewall => HopKind::DnsFirewall,
            StepKind::Rule => HopKind::ResolverRule,
            StepKind::Zone => HopKind::HostedZone,
        };
        Self { kind, id: step.id, answer: step.answer }
    }
}

/// The way to one service.
#[derive(Clone, Debug)]
pub struct Path {
    pub service: &'static str,
    pub hops: Vec<Hop>,
    /// Set when even the course of the path is unknown, so that its hops are missing or in doubt.
    pub lost: Option<Unknown>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachable {
    Yes,
    No,
    Unknown,
}

impl Path {
    #[must_use]
    pub fn reachable(&self) -> Reachable {
        reachable(&self.hops, self.lost.is_some())
    }

    /// Why the path is unknown, if it is, and what some of its hops say.
    fn lost_or<'a>(&self, hops: impl Iterator<Item = &'a Hop>) -> impl Iterator<Item = Answer> {
        self.lost.clone().map(Err).into_iter().chain(hops.map(|hop| hop.answer.clone()))
    }

    fn unknown(&self) -> Unknown {
        let hops = self.hops.iter().filter_map(|it| it.answer.as_ref().err());
        hops.chain(&self.lost)
            .cloned()
            .reduce(Unknown::and)
            .unwrap_or_else(|| Unknown::limit("the path could not be followed"))
    }
}

fn reachable(hops: &[Hop], lost: bool) -> Reachable {
    if hops.iter().any(Hop::stops) {
        Reachable::No
    } else if lost || hops.iter().any(|it| it.answer.is_err()) {
        Reachable::Unknown
    } else {
        Reachable::Yes
    }
}

/// Registration and heartbeat, and the session channel: every session needs both. `ec2messages` is
/// never needed: agents since 3.3.40.0 do without it, and sessions always did.
pub const CORE: [&str; 2] = ["ssm", "ssmmessages"];

/// The services that a gate of this session waits for, beyond [`CORE`].
///
/// # Errors
/// [`Unknown`] when the preferences were not seen.
pub fn gate_services(case: &Case) -> Result<Vec<&'static str>, Unknown> {
    let mut services = Vec::new();
    if let Gates::Apply(preferences) = session::gates(case)? {
        if preferences.text("kmsKeyId")?.is_some() {
            services.push("kms");
        }
        if preferences.text("cloudWatchLogGroupName")?.is_some()
            && preferences.flag("cloudWatchEncryptionEnabled")?
        {
            services.push("logs");
        }
        if preferences.text("s3BucketName")?.is_some() && preferences.flag("s3EncryptionEnabled")? {
            services.push("s3");
        }
    }
    Ok(services)
}

/// What hops of `kinds` say, over both core services together.
///
/// # Errors
/// [`Unknown`] when one of them is, or the course of a path is.
pub fn judge(case: &Case, kinds: &[HopKind]) -> Answer {
    if case.scope.target.instance().is_none() {
        return Ok(Verdict::NotApplicable("a hybrid node's network is not visible to AWS"));
    }
    let answers = CORE.iter().flat_map(|service| {
        let path = path(case, service);
        let hops = path.hops.iter().filter(|it| kinds.contains(&it.kind));
        path.lost_or(hops).collect::<Vec<_>>()
    });
    all_of(answers, "no path to Systems Manager has such a hop", |it| it)
}

/// What every hop says, over the services that a gate of this session waits for.
///
/// # Errors
/// [`Unknown`] when a hop or the course of a path is.
pub fn judge_gates(case: &Case) -> Answer {
    if case.scope.target.instance().is_none() {
        return Ok(Verdict::NotApplicable("a hybrid node's network is not visible to AWS"));
    }
    all_of(gate_services(case)?, "no gate of this session waits for another service", |service| {
        judge_service(case, service)
    })
}

/// What every hop on the way to one service says.
///
/// # Errors
/// [`Unknown`] when a hop or the course of the path is.
pub fn judge_service(case: &Case, service: &'static str) -> Answer {
    let path = path(case, service);
    let hops = path.hops.iter().filter(|it| !it.is_remark());
    all_of(path.lost_or(hops), "the path has no hops", |answer| answer)
}

/// The way to each needed service; empty for a hybrid node, whose network AWS does not show.
#[must_use]
pub fn paths(case: &Case) -> Vec<Rc<Path>> {
    if case.scope.target.instance().is_none() {
        return Vec::new();
    }
    let gates = gate_services(case).unwrap_or_default();
    CORE.into_iter().chain(gates).map(|it| path(case, it)).collect()
}

/// The endpoint whose policy the instance's requests to a service pass, and its VPC; None for a hybrid
/// node, what lies around which AWS does not show.
///
/// # Errors
/// [`Unknown`] when where the name leads, or the route, was not seen, or the endpoint is another
/// account's.
pub fn endpoint_on_the_way<'a>(
    case: &Case<'a>,
    service: &str,
) -> Result<Option<(&'a Endpoint, &'a VpcId)>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let instance = case.facts.instance(id).required()?;
    let Some(vpc) = &instance.vpc else { return Ok(None) };
    let first = instance.interfaces.iter().min_by_key(|it| it.device_index);
    let name = name::resolve(case, vpc, service)?;
    let endpoint = match (name.to, first) {
        (Resolution::Endpoint(endpoint), _) => Some(endpoint),
        (Resolution::Elsewhere(there), _) => {
            let shared = any_of(&there.addresses, |it| hub(case, service, *it))?;
            let Some((endpoint, _)) = shared else {
                return Err(Unknown::limit(format!(
                    "{} leads {service} out of {vpc}, and the policy of an endpoint there does not show",
                    there.by
                )));
            };
            Some(endpoint)
        }
        (Resolution::Public, Some(first)) if service == "s3" => {
            // A zone that was not seen may lead to addresses that no gateway endpoint carries, or none else.
            let zones = name.steps.iter().find(|it| it.kind == StepKind::Zone);
            if let Some(Err(unknown)) = zones.map(|it| &it.answer) {
                return Err(unknown.clone());
            }
            gateway_endpoint(case, vpc, &first.subnet, service)?
        }
        _ => None,
    };
    if endpoint.is_some() && abroad(case, service)?.is_some() {
        return Ok(None);
    }
    Ok(endpoint.map(|it| (it, it.vpc.as_ref().unwrap_or(vpc))))
}

/// The endpoint of its own VPC that the instance would reach a service through, and does not because
/// the service's name does not lead there: whoever mends the name meets next what else is in its way.
///
/// # Errors
/// [`Unknown`] when where the name leads was not seen.
pub fn endpoint_in_vain<'a>(
    case: &Case<'a>,
    service: &'static str,
) -> Result<Option<(&'a Endpoint, &'a VpcId)>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let Some(vpc) = &case.facts.instance(id).required()?.vpc else { return Ok(None) };
    let Resolution::PublicDespite(endpoint, defect) = name::resolve(case, vpc, service)?.to else {
        return Ok(None);
    };
    let kind = match defect {
        Defect::PrivateDnsOff => HopKind::PrivateDns,
        Defect::VpcDnsOff => HopKind::VpcDns,
        Defect::NotAvailable => return Ok(None),
    };
    let path = path(case, service);
    let in_vain = path.hops.iter().any(|it| it.kind == kind && it.stops());
    Ok(in_vain.then_some((endpoint, vpc)))
}

/// What will be in the way once names lead to an endpoint that they do not lead to yet.
#[must_use]
pub fn once_led_to(endpoint: &Endpoint, what: Evidence) -> Evidence {
    what.once_resolved_to(&endpoint.id)
}

/// The Region of the bucket that sessions are logged to, if it is another than the target's: endpoints,
/// of both kinds, serve the buckets of their own Region. Source: VPC guide, "Gateway endpoints for
/// Amazon S3"; S3 guide, "AWS `PrivateLink` for Amazon S3".
///
/// # Errors
/// [`Unknown`] when preferences or bucket were not seen.
fn abroad<'a>(case: &Case<'a>, service: &str) -> Result<Option<&'a Region>, Unknown> {
    if service != "s3" {
        return Ok(None);
    }
    let Gates::Apply(preferences) = session::gates(case)? else { return Ok(None) };
    let Some(name) = preferences.bucket()? else { return Ok(None) };
    let bucket = case.facts.bucket(&name).optional()?;
    Ok(bucket.and_then(|it| it.region.as_ref()).filter(|it| **it != case.scope.region))
}

/// A gateway endpoint for the service on the route table of a subnet.
fn gateway_endpoint<'a>(
    case: &Case<'a>,
    vpc: &VpcId,
    subnet: &SubnetId,
    service: &str,
) -> Result<Option<&'a Endpoint>, Unknown> {
    let table = table_of(case.facts, vpc, subnet)?;
    let endpoints = case.facts.endpoints(vpc).required()?;
    Ok(endpoints.iter().find(|it| {
        it.kind == EndpointKind::Gateway
            && it.state != EndpointState::Deleted
            && it.serves(&case.scope.region) == Some(service)
            && it.route_tables.contains(&table.id)
    }))
}

/// The way from the target to `service`, computed once for each case.
#[must_use]
pub fn path(case: &Case, service: &'static str) -> Rc<Path> {
    if let Some(known) = case.paths.borrow().get(service) {
        return known.clone();
    }
    let mut path = compute(case, service);
    for hop in &mut path.hops {
        hop.mark_path(service);
    }
    let path = Rc::new(path);
    case.paths.borrow_mut().insert(service, path.clone());
    path
}

/// A system may have addresses of both kinds, on several network interfaces. Which kind is used the name's
/// addresses decide, of which the agent tries one after the other.
fn compute(case: &Case, service: &'static str) -> Path {
    let host = match Host::of(case) {
        Ok(host) => host,
        Err(unknown) => return Path { service, hops: Vec::new(), lost: Some(unknown) },
    };
    let name = name::resolve(case, host.vpc, service);
    let asked = Asked { case, facts: case.facts, scope: case.scope, service, name: &name };
    let families = name.as_ref().ok().and_then(|it| it.families);
    let v6_alone = families.is_some_and(|it| !it.v4 && it.v6);
    let usual = match host.way(asked, Family::V4) {
        Some(v4) if v4.reachable() != Reachable::No && !v6_alone => return v4,
        v4 => v4,
    };
    let (usual, other) = match (usual, host.way(asked, Family::V6)) {
        (Some(_), Some(v6)) if v6_alone => return v6,
        (Some(v4), Some(v6)) if v6.reachable() != Reachable::No => (v4, v6),
        (Some(only), _) | (None, Some(only)) => return only,
        (None, None) => {
            let lost = Unknown::limit(format!("{} has no address", case.scope.target));
            return Path { service, hops: Vec::new(), lost: Some(lost) };
        }
    };
    // What DNS64 makes of an IPv4 address is one address more; an endpoint of the VPC, which IPv4 does not
    // reach, nobody means to reach by that.
    let inside = matches!(&name, Ok(Name { to: Resolution::Endpoint(_), .. }));
    match if inside { Ok(false) } else { host.has_dns64(case.facts) } {
        // Where it was not seen which kinds the name has, it may have this one.
        Ok(dns64) if dns64 || families.is_none_or(|it| it.v6) => {
            Path { service, hops: combined(Vec::from([usual.hops, other.hops])), lost: other.lost }
        }
        Ok(_) => {
            let doubt = "the agent uses IPv6 only if it is told to, which does not show";
            settle(case, usual, other, doubt)
        }
        Err(unknown) => Path { lost: Some(unknown), ..other },
    }
}

/// A way that is open, beside one that is shut, of which neither is more usual.
fn either(case: &Case, open: Path) -> Path {
    match gets_through(case, open.service) {
        Ok(true) => open,
        Ok(false) => Path { lost: Some(Unknown::limit(DOUBT)), ..open },
        Err(unknown) => Path { lost: Some(Unknown::limit(DOUBT).and(unknown)), ..open },
    }
}

const DOUBT: &str =
    "the instance has several network interfaces, and which one the system uses is not visible";

/// Of two ways, the `usual` one leads nowhere: it is the one in use unless the agent is seen to get
/// through after all.
fn settle(case: &Case, usual: Path, other: Path, doubt: &str) -> Path {
    match gets_through(case, usual.service) {
        Ok(true) => other,
        Ok(false) => usual,
        Err(unknown) => Path { lost: Some(Unknown::limit(doubt).and(unknown)), ..other },
    }
}

/// Is the agent seen to reach this service?
///
/// # Errors
/// [`Unknown`] when that was not seen, or the service is one that shows no sign of it.
pub fn gets_through(case: &Case, service: &str) -> Result<bool, Unknown> {
    match service {
        "ssm" => Ok(case
            .facts
            .node(&case.scope.target)
            .optional()?
            .is_some_and(|it| it.ping == Ping::Online)),
        "ssmmessages" => {
            Ok(case.facts.connection(&case.scope.target).optional()?
                == Some(&Connection::Connected))
        }
        other => Err(Unknown::limit(format!("whether the agent reaches {other} does not show"))),
    }
}

/// The instance, and the ways out of it.
struct Host<'a> {
    vpc: &'a VpcId,
    /// The VPC's ranges, if they were seen: what is in them is no public service.
    own: &'a [IpNet],
    /// By device index: the system's default route leads by the first.
    interfaces: Vec<&'a AttachedInterface>,
    windows: bool,
    running: bool,
}

impl<'a> Host<'a> {
    fn of(case: &Case<'a>) -> Result<Self, Unknown> {
        let nothing = |what: &str| Unknown::limit(format!("{} {what}", case.scope.target));
        let id = case.scope.target.instance().ok_or_else(|| nothing("is a hybrid node"))?;
        let instance = case.facts.instance(id).required()?;
        let vpc = instance.vpc.as_ref().ok_or_else(|| nothing("is in no VPC any more"))?;
        let mut interfaces: Vec<_> = instance.interfaces.iter().collect();
        interfaces.sort_by_key(|it| it.device_index);
        let own = case.facts.vpc(vpc).hint()?.map_or(&[][..], |it| it.cidrs.as_slice());
        let running = instance.state == InstanceState::Running;
        Ok(Self { vpc, own, interfaces, windows: instance.windows, running })
    }

    /// The subnets of the endpoint that the service's name leads to; of every one that it may lead to,
    /// where that was not seen.
    fn near<'f>(
        &self,
        name: &Result<Name<'f>, Unknown>,
        case: &Case<'f>,
        service: &str,
    ) -> Vec<&'f SubnetId> {
        match name.as_ref().map(|it| &it.to) {
            Ok(Resolution::Endpoint(endpoint)) => endpoint.subnets.iter().collect(),
            // A DNS server of one's own may lead the name there all the same.
            Ok(Resolution::PublicDespite(endpoint, _))
                if !matches!(name::foreign_resolver(case.facts, self.vpc), Ok(None)) =>
            {
                endpoint.subnets.iter().collect()
            }
            Ok(_) => Vec::new(),
            Err(_) => {
                let endpoints = case.facts.endpoints(self.vpc).required().into_iter().flatten();
                let serving = endpoints.filter(|it| it.serves(&case.scope.region) == Some(service));
                serving.flat_map(|it| &it.subnets).collect()
            }
        }
    }

    /// The way by addresses of one family; None without any. Packets leave by the first interface that has
    /// one, unless the system's own routes, which do not show, say otherwise; so where that one leads nowhere
    /// and another would, what is seen of the agent decides.
    fn way(&self, asked: Asked, family: Family) -> Option<Path> {
        let Asked { case, facts, scope, service, name } = asked;
        let mut ways = self.interfaces.iter().filter_map(|interface| {
            let address = match family {
                Family::V4 => interface.private_ip.map(IpAddr::from),
                Family::V6 => interface.ipv6.first().copied().map(IpAddr::from),
            }?;
            let from = Origin { host: self, vpc: self.vpc, interface, address };
            Some((*interface, Walk { case, facts, scope, service, name, from }.path(service)))
        });
        let (interface, first) = ways.next()?;
        // An interface in the endpoint's own subnet is nearer than the default route.
        let near = self.near(name, case, service);
        let near = |it: &AttachedInterface| near.contains(&&it.subnet);
        // Whether the system has a default route by another interface than its first, its owner knows.
        let odd = self.interfaces.first().is_some_and(|it| it.id != interface.id);
        if first.reachable() == Reachable::No {
            return Some(match ways.find(|it| it.1.reachable() != Reachable::No) {
                Some((interface, other)) if near(interface) => either(case, other),
                Some((_, other)) => settle(case, first, other, DOUBT),
                None => first,
            });
        }
        if odd || ways.any(|it| near(it.0) && it.1.reachable() != Reachable::Yes) {
            return Some(either(case, first));
        }
        Some(first)
    }

    fn has_v4(&self) -> bool {
        self.interfaces.iter().any(|it| it.private_ip.is_some())
    }

    /// Does the resolver make IPv6 addresses of IPv4 ones (DNS64) for this instance? It does so for
    /// questions from some subnets.
    fn has_dns64(&self, facts: &Facts) -> Result<bool, Unknown> {
        let Some(first) = self.interfaces.first() else { return Ok(false) };
        Ok(facts.subnet(&first.subnet).required()?.dns64)
    }
}

/// What is asked for: a service, by the name that leads to it.
#[derive(Clone, Copy)]
struct Asked<'a> {
    case: &'a Case<'a>,
    facts: &'a Facts,
    scope: &'a Scope,
    service: &'static str,
    name: &'a Result<Name<'a>, Unknown>,
}

/// Where packets start: an address of one network interface.
#[derive(Clone, Copy)]
struct Origin<'a> {
    host: &'a Host<'a>,
    vpc: &'a VpcId,
    interface: &'a AttachedInterface,
    address: IpAddr,
}

/// A subnet of a VPC, at whose border a network ACL stands.
type Edge<'a> = (&'a VpcId, &'a SubnetId);

impl<'a> Origin<'a> {
    fn edge(&self) -> Edge<'a> {
        (self.vpc, &self.interface.subnet)
    }

    /// The ports from which the system opens connections. Source: VPC guide, "Ephemeral ports".
    fn ports(&self) -> Ports {
        ports(if self.host.windows { 49_152..=65_535 } else { 32_768..=60_999 })
    }
}

/// The other end of a packet: one address, or one of many, we do not know which.
#[derive(Clone)]
struct Toward {
    addresses: Addresses,
    /// For sentences.
    phrase: String,
    /// The prefix list that names these very addresses.
    list: Option<PrefixListId>,
}

impl Toward {
    fn one(address: IpAddr) -> Self {
        Self { addresses: Addresses::one(address), phrase: address.to_string(), list: None }
    }

    /// One address somewhere in `net`.
    fn somewhere(net: &IpNet) -> Self {
        Self { addresses: Addresses::net(net), phrase: net.to_string(), list: None }
    }

    /// One of the addresses that DNS64 makes of IPv4 ones.
    fn translated() -> Self {
        Self::somewhere(&NAT64)
    }

    fn is_translated(&self) -> bool {
        self.phrase == NAT64.to_string()
    }

    fn is_one(&self) -> bool {
        self.phrase.parse::<IpAddr>().is_ok()
    }

    /// Those of the addresses that take one of several ways.
    fn part(&self, addresses: &Addresses) -> Self {
        Self { addresses: addresses.clone(), ..self.clone() }
    }

    fn family(&self) -> Family {
        self.addresses.family()
    }

    /// A range for a rule that lets it through: itself if it is one, else everything.
    fn range(&self) -> IpNet {
        let one = self.phrase.parse::<IpAddr>().map(IpNet::from);
        one.or_else(|_| self.phrase.parse()).unwrap_or_else(|_| self.family().everything())
    }
}

/// A place where a service answers: one network interface of an endpoint.
struct Place<'a> {
    toward: Toward,
    /// The VPC and the subnet that it stands in; None in networks that do not show.
    home: Result<Option<(&'a VpcId, SubnetId)>, Unknown>,
}

impl Place<'_> {
    /// Where it stands, as far as that shows.
    fn edge(&self) -> Option<Edge<'_>> {
        let home = self.home.as_ref().ok()?.as_ref();
        home.map(|(vpc, subnet)| (*vpc, subnet))
    }
}

/// The network through which names that have IPv4 addresses alone are reached by IPv6. Source:
/// RFC 6052; VPC guide, "DNS64 and NAT64".
pub const NAT64: IpNet =
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96));

/// The first agent that can ask for dual-stack names. Source: amazon-ssm-agent release notes.
pub const DUAL_STACK: AgentVersion = AgentVersion([3, 3, 3270, 0]);

/// What is not known of an endpoint in another VPC: the first two where it is another account's, all
/// where it was not looked for.
const UNSEEN_HUB: [HopKind; 8] = [
    HopKind::Endpoint,
    HopKind::EndpointGroup,
    HopKind::Acl,
    HopKind::Route,
    HopKind::NextHop,
    HopKind::Appliance,
    HopKind::TransitGateway,
    HopKind::TransitRoute,
];

/// One packet's way: from where, to which service, in which world.
struct Walk<'a> {
    case: &'a Case<'a>,
    facts: &'a Facts,
    scope: &'a Scope,
    service: &'static str,
    name: &'a Result<Name<'a>, Unknown>,
    from: Origin<'a>,
}

impl Walk<'_> {
    fn path(&self, service: &'static str) -> Path {
        let mut hops = Vec::new();
        let lost = self.course(&mut hops).err();
        Path { service, hops, lost }
    }

    fn family(&self) -> Family {
        Family::of(&self.from.address)
    }

    /// The Region that the service is asked in, if not the target's.
    fn abroad(&self) -> Result<Option<&Region>, Unknown> {
        abroad(self.case, self.service)
    }

    /// Any address that a public service may have.
    fn internet(&self, family: Family) -> Toward {
        Toward {
            addresses: Addresses::public(family, self.from.host.own),
            phrase: "the service's public addresses".into(),
            list: None,
        }
    }

    /// With IPv6 alone the agent may well ask for other names than this one, whose way is in order.
    fn by_other_names(&self, hops: &mut [Hop]) {
        for hop in hops.iter_mut().filter(|it| it.stops()) {
            hop.answer = Err(Unknown::limit(format!(
                "{} is not right, and whether the agent asks for {}.{} or for a dual-stack name does not show",
                hop.id, self.service, self.scope.region
            )));
        }
    }

    fn course(&self, hops: &mut Vec<Hop>) -> Result<(), Unknown> {
        hops.extend(self.asks_foreign_servers());
        let name = match self.name {
            Ok(name) => name,
            Err(unknown) => {
                if !name::is_open(self.facts, unknown) {
                    hops.extend(self.wherever()?);
                }
                return Err(unknown.clone());
            }
        };
        hops.extend(name.steps.iter().cloned().map(Hop::from));
        if !self.from.host.has_v4() {
            self.by_other_names(hops);
        }
        if let Resolution::Public | Resolution::PublicDespite(..) = name.to
            && let Some(hop) = self.foreign_servers()?
        {
            hops.push(hop);
        }
        match &name.to {
            // What stands here for S3 does not serve the buckets of another Region.
            Resolution::Endpoint(_) | Resolution::PublicDespite(..) if self.abroad()?.is_some() => {
                self.to_public(hops)
            }
            Resolution::Endpoint(endpoint) => {
                let subject = self.subject(endpoint);
                hops.push(Hop::new(
                    HopKind::VpcDns,
                    self.from.vpc,
                    Ok(Verdict::Pass(observed(self.from.vpc, NetworkStatement::VpcDnsOn))),
                ));
                let how = if endpoint.private_dns {
                    NetworkStatement::PrivateDnsOn
                } else {
                    NetworkStatement::PrivateDnsReplaced
                };
                hops.push(Hop::new(
                    HopKind::PrivateDns,
                    &endpoint.id,
                    Ok(Verdict::Pass(observed(&subject, how))),
                ));
                self.by_endpoint(endpoint, name.families, hops)
            }
            Resolution::Elsewhere(there) => self.to_elsewhere(there, hops),
            Resolution::Public => {
                let before = hops.len();
                let lost = if self.service == "s3"
                    && let Some(gateway) = self.gateway_endpoint()?
                    && self.abroad()?.is_none()
                {
                    self.to_gateway_endpoint(gateway, hops)
                } else {
                    self.to_public(hops)
                };
                self.unless_told_elsewhere(hops, before);
                lost
            }
            Resolution::PublicDespite(endpoint, defect) => self.despite(endpoint, *defect, hops),
        }
    }
}

/// The ways to several addresses of one name, of which the agent tries one after the other: one that
/// works is enough, and those that do not make connections slow or flaky.
fn combined(ways: Vec<Vec<Hop>>) -> Vec<Hop> {
    let (mut open, mut shut): (Vec<_>, Vec<_>) =
        ways.into_iter().partition(|it| reachable(it, false) != Reachable::No);
    open.sort_by_key(|it| reachable(it, false) == Reachable::Unknown);
    let mut open = open.into_iter();
    let Some(mut best) = open.next() else { return merged(shut) };
    let lost = shut.iter_mut().flat_map(|it| it.drain(..)).filter(Hop::stops);
    best.extend(lost.map(|it| Hop { kind: HopKind::SomeReplies, ..it }));
    for other in open {
        best = merged(Vec::from([best, other]));
    }
    best
}

/// Ways of the same kind side by side: hops of one kind and id speak together.
fn merged(ways: Vec<Vec<Hop>>) -> Vec<Hop> {
    let mut all: Vec<Hop> = Vec::new();
    for hop in ways.into_iter().flatten() {
        match all.iter_mut().find(|it| it.kind == hop.kind && it.id == hop.id) {
            Some(known) => {
                let both = [known.answer.clone(), hop.answer];
                known.answer = all_of(both, "no such hop on the way", |it| it);
            }
            None => all.push(hop),
        }
    }
    all
}

/// The ways that different addresses take, of which we do not know the one that counts: what they
/// agree on holds, and where some work and others do not, it is unknown, as the hop `mixed` says.
fn agreed(ways: Vec<Vec<Hop>>, mixed: impl Fn() -> Hop) -> Vec<Hop> {
    let shut = ways.iter().filter(|it| reachable(it, false) == Reachable::No).count();
    if shut == 0 || shut == ways.len() {
        return merged(ways);
    }
    let open = ways.into_iter().filter(|it| reachable(it, false) != Reachable::No);
    let mut hops = merged(open.collect());
    hops.push(mixed());
    hops
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The public IPv4 addresses that requests to a service may bear, where they certainly leave to the
/// internet: by no endpoint, and past nothing that might lead to one elsewhere (a transit gateway, an
/// appliance, another DNS server). No address where none is certain; None where they may go elsewhere.
///
/// # Errors
/// [`Unknown`] when the way was not seen.
pub fn seen_as(case: &Case, service: &'static str) -> Result<Option<Vec<Ipv4Addr>>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let instance = case.facts.instance(id).required()?;
    let Some(vpc) = &instance.vpc else { return Ok(None) };
    if !matches!(name::resolve(case, vpc, service)?.to, Resolution::Public) {
        return Ok(None);
    }
    let path = path(case, service);
    match path.reachable() {
        Reachable::Yes => {}
        Reachable::No => return Ok(None),
        Reachable::Unknown => return Err(path.unknown()),
    }
    let elsewhere = [
        HopKind::NameServer,
        HopKind::Appliance,
        HopKind::Peering,
        HopKind::TransitGateway,
        HopKind::NatInstance,
    ];
    let any = |kinds: &[HopKind]| path.hops.iter().any(|it| kinds.contains(&it.kind));
    if any(&elsewhere) || !any(&[HopKind::InternetGateway, HopKind::NatGateway]) {
        return Ok(None);
    }
    let [AttachedInterface { private_ip: Some(_), public_ip, .. }] = instance.interfaces.as_slice()
    else {
        return Ok(Some(Vec::new()));
    };
    let mut addresses = Vec::new();
    if !any(&[HopKind::NatGateway]) {
        addresses.extend(*public_ip);
    }
    for hop in path.hops.iter().filter(|it| it.kind == HopKind::NatGateway) {
        let gateway =
            hop.id.parse().ok().map(|it| case.facts.nat_gateway(&it).optional()).transpose()?;
        addresses
            .extend(gateway.flatten().into_iter().flat_map(|it| it.public_ips.iter().copied()));
    }
    Ok(Some(addresses))
}
