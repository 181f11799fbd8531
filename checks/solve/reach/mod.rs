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
    string::{String, ToString},
    vec::Vec,
};
use core::net::IpAddr;

use ipnet::IpNet;

use super::{
    name::{self, Defect, Elsewhere, Families, Resolution, StepKind},
    net::{Addresses, Family, Ports},
    session::{self, Gates},
};
use crate::model::{
    ec2::*,
    facts::{Facts, Unknown},
    ids::*,
    scope::Scope,
    ssm::{Connection, Ping},
    verdict::*,
};
use filter::{Crossing, Filtered, Members};
use gateway::{invisible, mixed};
use route::{Leg, legs, table_of};

mod filter;
mod gateway;
mod route;

pub const HTTPS: u16 = 443;

/// What a hop is, in the order in which packets meet them. Each has one check that speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HopKind {
    /// A DNS server that is not Amazon's.
    NameServer,
    /// The VPC's two DNS attributes.
    VpcDns,
    DnsFirewall,
    ResolverRule,
    /// A private hosted zone that decides where the name leads.
    HostedZone,
    /// An endpoint's private DNS names.
    PrivateDns,
    InstanceGroup,
    Acl,
    /// Replies that get through in part: nothing is stopped, some connections fail.
    Partly,
    /// Is there any way at all?
    Way,
    /// Is the route alive, and what it points at within sight?
    NextHop,
    /// Something on the way that may stop packets, and does not show whether it does.
    Appliance,
    InternetGateway,
    PublicAccess,
    PublicAddress,
    NatGateway,
    NatInstance,
    Peering,
    TransitGateway,
    /// Does the endpoint have an address of the instance's family?
    AddressType,
    /// State and interfaces of an endpoint.
    Endpoint,
    EndpointGroup,
}

impl HopKind {
    /// As JSON and the drawing spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NameServer => "name-server",
            Self::VpcDns => "vpc-dns",
            Self::PrivateDns => "private-dns",
            Self::DnsFirewall => "dns-firewall",
            Self::ResolverRule => "resolver-rule",
            Self::HostedZone => "hosted-zone",
            Self::InstanceGroup => "security-group",
            Self::Acl => "network-acl",
            Self::Partly => "partly",
            Self::Way => "route",
            Self::NextHop => "next-hop",
            Self::Appliance => "appliance",
            Self::InternetGateway => "internet-gateway",
            Self::PublicAccess => "public-access",
            Self::PublicAddress => "public-address",
            Self::NatGateway => "nat-gateway",
            Self::NatInstance => "nat-instance",
            Self::Peering => "peering",
            Self::TransitGateway => "transit-gateway",
            Self::AddressType => "address-type",
            Self::Endpoint => "endpoint",
            Self::EndpointGroup => "endpoint-security-group",
        }
    }
}

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
            Self::new(HopKind::Partly, id, Ok(Verdict::Fail(evidence, fix)))
        });
        core::iter::once(Self::new(HopKind::Acl, id, filtered.answer)).chain(partly)
    }

    /// Does it stop every packet?
    fn stops(&self) -> bool {
        let remark = matches!(self.kind, HopKind::Partly | HopKind::Appliance);
        !remark && matches!(self.answer, Ok(Verdict::Fail(..)))
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
pub fn gate_services(facts: &Facts, scope: &Scope) -> Result<Vec<&'static str>, Unknown> {
    let mut services = Vec::new();
    if let Gates::Apply(preferences) = session::gates(facts, scope)? {
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
pub fn judge(facts: &Facts, scope: &Scope, kinds: &[HopKind]) -> Answer {
    if scope.target.instance().is_none() {
        return Ok(Verdict::NotApplicable("a hybrid node's network is not visible to AWS"));
    }
    let answers = CORE.iter().flat_map(|service| {
        let path = path(facts, scope, service);
        let hops = path.hops.into_iter().filter(|it| kinds.contains(&it.kind)).map(|it| it.answer);
        path.lost.map(Err).into_iter().chain(hops).collect::<Vec<Answer>>()
    });
    all_of(answers, "no path to Systems Manager has such a hop", |it| it)
}

/// What every hop says, over the services that a gate of this session waits for.
///
/// # Errors
/// [`Unknown`] when a hop or the course of a path is.
pub fn judge_gates(facts: &Facts, scope: &Scope) -> Answer {
    if scope.target.instance().is_none() {
        return Ok(Verdict::NotApplicable("a hybrid node's network is not visible to AWS"));
    }
    let answers = gate_services(facts, scope)?.into_iter().flat_map(|service| {
        let path = path(facts, scope, service);
        let hops = path
            .hops
            .into_iter()
            .filter(|it| !matches!(it.kind, HopKind::Partly | HopKind::Appliance));
        let hops = hops.map(|it| it.answer);
        path.lost.map(Err).into_iter().chain(hops).collect::<Vec<Answer>>()
    });
    all_of(answers, "no gate of this session waits for another service", |it| it)
}

/// The way to each needed service; empty for a hybrid node, whose network AWS does not show.
#[must_use]
pub fn paths(facts: &Facts, scope: &Scope) -> Vec<Path> {
    if scope.target.instance().is_none() {
        return Vec::new();
    }
    let gates = gate_services(facts, scope).unwrap_or_default();
    CORE.into_iter().chain(gates).map(|it| path(facts, scope, it)).collect()
}

/// The endpoint whose policy the instance's requests to a service pass, and its VPC; None for a hybrid
/// node, what lies around which AWS does not show.
///
/// # Errors
/// [`Unknown`] when where the name leads, or the route, was not seen.
pub fn endpoint_on_the_way<'a>(
    facts: &'a Facts,
    scope: &Scope,
    service: &str,
) -> Result<Option<(&'a Endpoint, &'a VpcId)>, Unknown> {
    let Some(id) = scope.target.instance() else { return Ok(None) };
    let instance = facts.instance(id).required()?;
    let Some(vpc) = &instance.vpc else { return Ok(None) };
    let first = instance.interfaces.iter().min_by_key(|it| it.device_index);
    let endpoint = match (name::resolve(facts, scope, vpc, service)?.to, first) {
        (Resolution::Endpoint(endpoint), _) => Some(endpoint),
        (Resolution::Public, Some(first)) if service == "s3" => {
            gateway_endpoint(facts, scope, vpc, &first.subnet, service)?
        }
        _ => None,
    };
    Ok(endpoint.map(|it| (it, vpc)))
}

/// A gateway endpoint for the service on the route table of a subnet.
fn gateway_endpoint<'a>(
    facts: &'a Facts,
    scope: &Scope,
    vpc: &VpcId,
    subnet: &SubnetId,
    service: &str,
) -> Result<Option<&'a Endpoint>, Unknown> {
    let table = table_of(facts, vpc, subnet)?;
    let endpoints = facts.endpoints(vpc).required()?;
    Ok(endpoints.iter().find(|it| {
        it.kind == EndpointKind::Gateway
            && it.state != EndpointState::Deleted
            && it.serves(&scope.region) == Some(service)
            && it.route_tables.contains(&table.id)
    }))
}

/// The way from the target to `service`.
///
/// A system may have several network interfaces. Packets leave by the first unless its own routes, which
/// do not show, say otherwise; so where the first leads nowhere and another would, what is seen of the
/// agent decides.
#[must_use]
pub fn path(facts: &Facts, scope: &Scope, service: &'static str) -> Path {
    let host = match Host::of(facts, scope) {
        Ok(host) => host,
        Err(unknown) => return Path { service, hops: Vec::new(), lost: Some(unknown) },
    };
    let mut ways = host.interfaces.iter().map(|it| (*it, host.way(it, facts, scope, service)));
    let Some((_, first)) = ways.next() else {
        let lost = Unknown::limit(format!("{} has no network interface", scope.target));
        return Path { service, hops: Vec::new(), lost: Some(lost) };
    };
    // An interface in the endpoint's own subnet is nearer than the default route.
    let near = host.near(facts, scope, service);
    if first.reachable() == Reachable::No {
        return match ways.find(|it| it.1.reachable() != Reachable::No) {
            Some((interface, other)) if near.contains(&interface.subnet) => {
                either(facts, scope, other)
            }
            Some((_, other)) => settle(facts, scope, first, other, DOUBT),
            None => first,
        };
    }
    let shut = |(interface, way): &(&AttachedInterface, Path)| {
        near.contains(&interface.subnet) && way.reachable() == Reachable::No
    };
    // IPv4, which the names ask for, leaves by the interface that has it.
    let by_other = host.interfaces.first().is_some_and(|it| it.private_ip.is_none())
        && host.interfaces.iter().any(|it| it.private_ip.is_some());
    if !by_other && (near.is_empty() || !ways.any(|it| shut(&it))) {
        return first;
    }
    either(facts, scope, first)
}

/// A way that is open, beside one that is shut, of which neither is more usual.
fn either(facts: &Facts, scope: &Scope, open: Path) -> Path {
    match gets_through(facts, scope, open.service) {
        Ok(true) => open,
        Ok(false) => Path { lost: Some(Unknown::limit(DOUBT)), ..open },
        Err(unknown) => Path { lost: Some(Unknown::limit(DOUBT).and(unknown)), ..open },
    }
}

const DOUBT: &str =
    "the instance has several network interfaces, and which one the system uses is not visible";

/// Of two ways, the `usual` one leads nowhere: it is the one in use unless the agent is seen to get
/// through after all.
fn settle(facts: &Facts, scope: &Scope, usual: Path, other: Path, doubt: &str) -> Path {
    match gets_through(facts, scope, usual.service) {
        Ok(true) => other,
        Ok(false) => usual,
        Err(unknown) => Path { lost: Some(Unknown::limit(doubt).and(unknown)), ..other },
    }
}

/// Is the agent seen to reach this service?
fn gets_through(facts: &Facts, scope: &Scope, service: &str) -> Result<bool, Unknown> {
    match service {
        "ssm" => {
            Ok(facts.node(&scope.target).optional()?.is_some_and(|it| it.ping == Ping::Online))
        }
        "ssmmessages" => {
            Ok(facts.connection(&scope.target).optional()? == Some(&Connection::Connected))
        }
        other => Err(Unknown::limit(format!("whether the agent reaches {other} does not show"))),
    }
}

/// The instance, and the ways out of it.
struct Host<'a> {
    vpc: &'a VpcId,
    /// The VPC's ranges, if they were seen.
    own: &'a [IpNet],
    /// By device index: the system's default route leads by the first.
    interfaces: Vec<&'a AttachedInterface>,
    windows: bool,
}

impl<'a> Host<'a> {
    fn of(facts: &'a Facts, scope: &Scope) -> Result<Self, Unknown> {
        let nothing = |what: &str| Unknown::limit(format!("{} {what}", scope.target));
        let id = scope.target.instance().ok_or_else(|| nothing("is a hybrid node"))?;
        let instance = facts.instance(id).required()?;
        let vpc = instance.vpc.as_ref().ok_or_else(|| nothing("is in no VPC any more"))?;
        let mut interfaces: Vec<_> = instance.interfaces.iter().collect();
        interfaces.sort_by_key(|it| it.device_index);
        let own = facts.vpc(vpc).hint()?.map_or(&[][..], |it| it.cidrs.as_slice());
        Ok(Self { vpc, own, interfaces, windows: instance.windows })
    }

    /// The subnets of the endpoint that the service's name leads to.
    fn near<'f>(&self, facts: &'f Facts, scope: &Scope, service: &str) -> &'f [SubnetId] {
        match name::resolve(facts, scope, self.vpc, service).map(|it| it.to) {
            Ok(Resolution::Endpoint(endpoint)) if self.interfaces.len() > 1 => &endpoint.subnets,
            _ => &[],
        }
    }

    /// The way from one interface.
    fn way(
        &self,
        interface: &AttachedInterface,
        facts: &Facts,
        scope: &Scope,
        service: &'static str,
    ) -> Path {
        let origin = |address| Origin { vpc: self.vpc, interface, address, windows: self.windows };
        let from = |address| Walk { facts, scope, service, own: self.own, from: origin(address) };
        let v4 = interface.private_ip.map(IpAddr::from);
        let v6 = interface.ipv6.first().copied().map(IpAddr::from);
        match (v4, v6) {
            (Some(v4), None) => from(v4).path(service),
            (None, Some(v6)) => from(v6).path(service),
            (Some(v4), Some(v6)) => {
                let families = name::resolve(facts, scope, self.vpc, service).ok();
                let families = families.and_then(|it| it.families);
                if families.is_some_and(|it| !it.v4 && it.v6) {
                    return from(v6).path(service);
                }
                let usual = from(v4).path(service);
                if usual.reachable() != Reachable::No {
                    return usual;
                }
                let other = from(v6).path(service);
                if other.reachable() == Reachable::No {
                    return usual;
                }
                // Of a name's two kinds of addresses the agent tries one after the other.
                if families.is_some_and(|it| it.v6) {
                    return other;
                }
                let doubt = "the agent uses IPv6 only if it is told to, which does not show";
                settle(facts, scope, usual, other, doubt)
            }
            (None, None) => Path {
                service,
                hops: Vec::new(),
                lost: Some(Unknown::limit(format!("{} has no address", interface.id))),
            },
        }
    }
}

/// Where packets start: an address of one network interface.
#[derive(Clone, Copy)]
struct Origin<'a> {
    vpc: &'a VpcId,
    interface: &'a AttachedInterface,
    address: IpAddr,
    windows: bool,
}

impl Origin<'_> {
    /// The ports from which the system opens connections. Source: VPC guide, "Ephemeral ports".
    fn ports(&self) -> Ports {
        Ports::from_iter([if self.windows { 49_152..=65_535 } else { 32_768..=60_999 }])
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
        let net = NAT64.parse::<IpNet>();
        Self {
            addresses: net.map_or_else(|_| Addresses::none(Family::V6), |it| Addresses::net(&it)),
            phrase: NAT64.into(),
            list: None,
        }
    }

    fn is_translated(&self) -> bool {
        self.phrase == NAT64
    }

    fn family(&self) -> Family {
        self.addresses.family()
    }

    fn is_v6(&self) -> bool {
        self.family() == Family::V6
    }

    /// A range for a rule that lets it through: itself if it is one, else everything.
    fn cidr(&self) -> String {
        if let Ok(address) = self.phrase.parse::<IpAddr>() {
            return IpNet::from(address).to_string();
        }
        self.phrase
            .parse::<IpNet>()
            .map_or_else(|_| self.family().everything().to_string(), |it| it.to_string())
    }
}

/// A place where a service answers: one network interface of an endpoint.
struct Place<'a> {
    toward: Toward,
    /// The VPC and the subnet that it stands in, where those are known.
    home: Option<(&'a VpcId, SubnetId)>,
}

/// The network through which names that have IPv4 addresses alone are reached by IPv6. Source:
/// RFC 6052; VPC guide, "DNS64 and NAT64".
const NAT64: &str = "64:ff9b::/96";

/// What is not known of an endpoint in another VPC: the first two where it is another account's, all
/// where it was not looked for.
const UNSEEN_HUB: [HopKind; 5] =
    [HopKind::Endpoint, HopKind::EndpointGroup, HopKind::Acl, HopKind::Way, HopKind::NextHop];

/// One packet's way: from where, to which service, in which world.
struct Walk<'a> {
    facts: &'a Facts,
    scope: &'a Scope,
    service: &'a str,
    /// The VPC's ranges: what is in them is no public service.
    own: &'a [IpNet],
    from: Origin<'a>,
}

impl<'a> Walk<'a> {
    fn path(&self, service: &'static str) -> Path {
        let mut hops = Vec::new();
        let lost = self.course(&mut hops).err();
        Path { service, hops, lost }
    }

    fn family(&self) -> Family {
        Family::of(&self.from.address)
    }

    /// Any address that a public service may have.
    fn internet(&self, family: Family) -> Toward {
        Toward {
            addresses: Addresses::public(family, self.own),
            phrase: "the service's public addresses".into(),
            list: None,
        }
    }

    fn course(&self, hops: &mut Vec<Hop>) -> Result<(), Unknown> {
        let name = name::resolve(self.facts, self.scope, self.from.vpc, self.service)?;
        hops.extend(name.steps.into_iter().map(Hop::from));
        if self.from.interface.private_ip.is_none() {
            // With IPv6 alone the agent may well ask for other names than this one.
            for hop in hops.iter_mut().filter(|it| it.stops()) {
                hop.answer = Err(Unknown::limit(format!(
                    "{} is not right, and whether the agent asks for {}.{} or for a dual-stack name does not show",
                    hop.id, self.service, self.scope.region
                )));
            }
        }
        if let Resolution::Public | Resolution::PublicDespite(..) = name.to
            && let Some(hop) = self.foreign_servers()?
        {
            hops.push(hop);
        }
        match name.to {
            Resolution::Endpoint(endpoint) => {
                let subject = self.subject(endpoint);
                hops.push(Hop::new(
                    HopKind::VpcDns,
                    self.from.vpc,
                    Ok(Verdict::Pass(observed(
                        self.from.vpc,
                        "has DNS support and DNS hostnames on",
                    ))),
                ));
                let how = if endpoint.private_dns {
                    "has private DNS on"
                } else {
                    "has private DNS off, and a private hosted zone stands in for it"
                };
                hops.push(Hop::new(
                    HopKind::PrivateDns,
                    &endpoint.id,
                    Ok(Verdict::Pass(observed(&subject, how))),
                ));
                if let Some(mut hop) = self.address_type(endpoint, name.families) {
                    let fits = matches!(hop.answer, Ok(Verdict::Pass(_)));
                    // By other names the agent may find the way that this one has not.
                    if hop.stops() {
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
                self.to_endpoint(endpoint, hops);
                Ok(())
            }
            Resolution::Elsewhere(there) => self.to_elsewhere(&there, hops),
            Resolution::Public => {
                if self.service == "s3"
                    && let Some(gateway) = self.gateway_endpoint()?
                {
                    return self.to_gateway_endpoint(gateway, hops);
                }
                self.to_public(hops)
            }
            Resolution::PublicDespite(endpoint, defect) => self.despite(endpoint, defect, hops),
        }
    }

    /// Name servers other than Amazon's answer as they please; what the agent reaches, they have told it.
    fn foreign_servers(&self) -> Result<Option<Hop>, Unknown> {
        let Some(server) = name::foreign_resolver(self.facts, self.from.vpc)? else {
            return Ok(None);
        };
        let subject = format!("the DNS server {server}");
        let answer = gets_through(self.facts, self.scope, self.service).and_then(|it| {
            if it {
                return Ok(Verdict::Pass(observed(
                    &subject,
                    format!("tells where {} is", self.service),
                )));
            }
            Err(Unknown::limit(format!(
                "instances of {} ask {subject}, and what it says of {} does not show",
                self.from.vpc, self.service
            )))
        });
        Ok(Some(Hop::new(HopKind::NameServer, server, answer)))
    }

    /// Whether the endpoint's name has addresses of the instance's family. IPv4 goes without saying.
    fn address_type(&self, endpoint: &Endpoint, families: Option<Families>) -> Option<Hop> {
        let has = families.map(|it| if self.family() == Family::V4 { it.v4 } else { it.v6 });
        if self.family() == Family::V4 && has == Some(true) {
            return None;
        }
        let (subject, ours) = (self.subject(endpoint), self.family().as_str());
        let answer = match has {
            Some(true) => Ok(Verdict::Pass(observed(&subject, format!("has {ours} addresses")))),
            None => Err(Unknown::limit(format!(
                "{} has addresses of a kind not known here",
                endpoint.id
            ))),
            Some(false) => Ok(Verdict::Fail(
                observed(
                    &subject,
                    format!(
                        "has no {ours} address under the service's name, and {} has no other",
                        self.from.interface.id
                    ),
                ),
                Fix::new(
                    format!(
                        "give {} addresses of both kinds, where its subnets have them",
                        endpoint.id
                    ),
                    Recovery::Agent,
                )
                .aws(
                    self.scope,
                    [
                        "ec2",
                        "modify-vpc-endpoint",
                        "--vpc-endpoint-id",
                        endpoint.id.as_str(),
                        "--ip-address-type",
                        "dualstack",
                        "--dns-options",
                        "DnsRecordIpType=dualstack",
                    ],
                ),
            )),
        };
        Some(Hop::new(HopKind::AddressType, &endpoint.id, answer))
    }

    fn subject(&self, endpoint: &Endpoint) -> String {
        format!("{} ({})", endpoint.id, self.service)
    }

    /// An endpoint stands there and does not get the traffic: a fault only where the public path does
    /// not serve instead.
    fn despite(
        &self,
        endpoint: &Endpoint,
        defect: Defect,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        let mut way = Vec::new();
        let lost = self.to_public(&mut way).err();
        let public = Path { service: "", hops: way, lost };
        let (kind, id, defective) = self.defective(endpoint, defect);
        // A zone may stand before its endpoint works, and for a while after.
        let in_between = matches!(
            endpoint.state,
            EndpointState::Pending | EndpointState::Deleting | EndpointState::Partial
        ) && endpoint.private_dns;
        let answer = match (public.reachable(), defective) {
            (_, Err(unknown)) => Err(unknown),
            (Reachable::Yes, _) if in_between => Err(Unknown::limit(format!(
                "{id} is {}, and whether its private DNS already leads to it, or still, does not show",
                endpoint.state
            ))),
            (Reachable::Yes, Ok(Verdict::Fail(evidence, _))) => Ok(Verdict::Pass(evidence.and(
                observed(&id, format!("and the public path serves instead for {}", self.service)),
            ))),
            (Reachable::Yes | Reachable::No, defective) => defective,
            (Reachable::Unknown, Ok(_)) => Err(Unknown::limit(format!(
                "{} has to take the public path, since {id} does not serve it, and that path cannot be followed to its end",
                self.service
            ))
            .and(public.unknown())),
        };
        let unclear = answer.as_ref().err().cloned();
        hops.push(Hop { kind, id, answer });
        if public.reachable() == Reachable::Yes {
            hops.extend(public.hops);
        }
        unclear.map_or(Ok(()), Err)
    }

    /// What keeps an endpoint from serving: a failure, or a state that nobody knows.
    fn defective(&self, endpoint: &Endpoint, defect: Defect) -> (HopKind, String, Answer) {
        let (scope, vpc) = (self.scope, self.from.vpc);
        let (id, subject) = (endpoint.id.to_string(), self.subject(endpoint));
        match defect {
            Defect::NotAvailable => (HopKind::Endpoint, id, self.available(endpoint)),
            Defect::PrivateDnsOff => {
                let fix = Fix::new(format!("turn on private DNS for {id}"), Recovery::Agent).aws(
                    scope,
                    [
                        "ec2",
                        "modify-vpc-endpoint",
                        "--vpc-endpoint-id",
                        &id,
                        "--private-dns-enabled",
                    ],
                );
                let off = "has private DNS off, so the service's name resolves to public addresses";
                (HopKind::PrivateDns, id, Ok(Verdict::Fail(observed(&subject, off), fix)))
            }
            Defect::VpcDnsOff => {
                let turn_on = |fix: Fix, attribute| {
                    let words =
                        ["ec2", "modify-vpc-attribute", "--vpc-id", vpc.as_str(), attribute];
                    fix.aws(scope, words)
                };
                let fix =
                    Fix::new("turn on DNS support and DNS hostnames for the VPC", Recovery::Agent);
                let fix = turn_on(turn_on(fix, "--enable-dns-support"), "--enable-dns-hostnames");
                let off = format!(
                    "has DNS support or DNS hostnames off, so the private names of {id} do not work"
                );
                (HopKind::VpcDns, vpc.to_string(), Ok(Verdict::Fail(observed(vpc, off), fix)))
            }
        }
    }

    // ------------------------------------------------------------ to an interface endpoint

    fn to_endpoint(&self, endpoint: &Endpoint, hops: &mut Vec<Hop>) {
        let (id, subject) = (endpoint.id.to_string(), self.subject(endpoint));
        if endpoint.subnets.is_empty() && endpoint.interfaces.is_empty() {
            let fix = Fix::new(format!("give {id} a subnet to stand in"), Recovery::Agent).aws(
                self.scope,
                [
                    "ec2",
                    "modify-vpc-endpoint",
                    "--vpc-endpoint-id",
                    &id,
                    "--add-subnet-ids",
                    self.from.interface.subnet.as_str(),
                ],
            );
            let evidence = observed(&subject, "has no subnet, so nothing in the VPC leads to it");
            hops.push(Hop::new(HopKind::Endpoint, &id, Ok(Verdict::Fail(evidence, fix))));
            return;
        }
        hops.push(Hop::new(
            HopKind::Endpoint,
            &id,
            Ok(Verdict::Pass(observed(
                &subject,
                format!("is available in {}", join(&endpoint.subnets)),
            ))),
        ));
        let groups = &endpoint.security_groups;
        match self.places(self.from.vpc, endpoint) {
            Ok(places) => {
                let ways = places.iter().map(|it| self.to_place(it, Members::Of(groups))).collect();
                hops.extend(combined(ways));
            }
            // Without their places no hop can be judged, but each says why.
            Err(unknown) => hops.extend(
                [HopKind::InstanceGroup, HopKind::Way, HopKind::Acl]
                    .map(|kind| Hop::new(kind, &self.from.interface.subnet, Err(unknown.clone()))),
            ),
        }
        hops.push(Hop::new(
            HopKind::EndpointGroup,
            &join(groups),
            self.admits(&subject, groups, true),
        ));
    }

    /// Where an endpoint's interfaces are: subnet and address, or the subnet's whole CIDR while the
    /// interface itself was not seen (or was described with an address that is not of its subnet).
    fn places<'p>(&self, vpc: &'p VpcId, endpoint: &Endpoint) -> Result<Vec<Place<'p>>, Unknown> {
        let mut places = Vec::new();
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
            places.push(Place {
                toward: address.map_or_else(|| Toward::somewhere(&net), Toward::one),
                home: Some((vpc, subnet.clone())),
            });
        }
        if places.is_empty() {
            return Err(Unknown::limit(format!("the subnets of {} are not listed", endpoint.id)));
        }
        Ok(places)
    }

    /// Out of the instance, through the subnets, and back; not yet through the door at the other end.
    fn to_place(&self, place: &Place, members: Members) -> Vec<Hop> {
        let own = &self.from.interface.subnet;
        let groups = &self.from.interface.security_groups;
        let mut hops = Vec::from([Hop::new(
            HopKind::InstanceGroup,
            &join(groups),
            self.sends(groups, &place.toward, members),
        )]);
        let home = place.home.as_ref();
        let inside = home.is_some_and(|it| it.0 == self.from.vpc);
        hops.extend(self.routed(self.from.vpc, own, &place.toward, inside));
        let back = Toward::one(self.from.address);
        if let Some((vpc, subnet)) = home.filter(|it| it.1 != *own) {
            // The way there was judged already: what matters is a detour or a gap on the way back.
            let returns = self.routed(vpc, subnet, &back, inside);
            hops.extend(
                returns.into_iter().filter(|it| !matches!(it.answer, Ok(Verdict::Pass(_)))),
            );
        }
        hops.extend(Hop::filtered(own, self.acls_between(place)));
        hops
    }

    /// The routes from a subnet of a VPC to a private address, `inside` that VPC or in another.
    fn routed(&self, vpc: &VpcId, subnet: &SubnetId, toward: &Toward, inside: bool) -> Vec<Hop> {
        let looked = table_of(self.facts, vpc, subnet)
            .and_then(|table| Ok((table, legs(self.facts, vpc, table, toward)?)));
        let (table, legs) = match looked {
            Ok(looked) => looked,
            // Nor can anything be said of what the route leads to.
            Err(unknown) => {
                let local = [HopKind::Way, HopKind::NextHop];
                let beyond = [HopKind::Peering, HopKind::TransitGateway];
                let beyond = beyond.into_iter().filter(|_| !inside);
                let same = |kind| Hop::new(kind, subnet, Err(unknown.clone()));
                return local.into_iter().chain(beyond).map(same).collect();
            }
        };
        let ways = legs.iter().map(|leg| match leg.route {
            None => Vec::from([self.no_route(table, subnet, toward)]),
            Some(route) if route.via.kind() == TargetKind::Local => Vec::from([Hop::new(
                HopKind::Way,
                &table.id,
                Ok(Verdict::Pass(observed(&table.id, "carries it by the VPC's local route"))),
            )]),
            Some(route) => {
                let on = observed(&table.id, format!("carries it by the route for {}", route.to));
                let way = Hop::new(HopKind::Way, &table.id, Ok(Verdict::Pass(on)));
                let beyond = if inside {
                    self.detour(table, route)
                } else {
                    self.to_other_vpc(vpc, subnet, table, route)
                };
                core::iter::once(way).chain(beyond).collect()
            }
        });
        agreed(ways.collect(), || mixed(&legs, toward))
    }

    /// A longer prefix than the VPC's own sends what is for a neighbour elsewhere.
    fn detour(&self, table: &RouteTable, route: &Route) -> Vec<Hop> {
        match self.dead(table, route) {
            Some(dead) => Vec::from([Hop::new(HopKind::NextHop, &route.via, dead)]),
            None => self.out_of_sight(table, route, invisible(table, route)),
        }
    }

    fn no_route(&self, table: &RouteTable, subnet: &SubnetId, toward: &Toward) -> Hop {
        let evidence = observed(
            &format!("{subnet} ({})", table.id),
            format!("has no route to {} ({})", toward.phrase, self.service),
        );
        let fix = Fix::new(
            format!("give {} a route to {}, to wherever it stands", table.id, toward.phrase),
            Recovery::Agent,
        )
        .aws(
            self.scope,
            [
                "ec2",
                "create-route",
                "--route-table-id",
                table.id.as_str(),
                "--destination-cidr-block",
                &toward.cidr(),
                "--transit-gateway-id",
                "<tgw-…, or --vpc-peering-connection-id pcx-…>",
            ],
        );
        Hop::new(HopKind::Way, &table.id, Ok(Verdict::Fail(evidence, fix)))
    }

    /// Both subnets' ACLs, out and back. Within one subnet there is none.
    fn acls_between(&self, place: &Place) -> Filtered {
        const NOTHING: &str = "no ACL stands between hosts of one subnet";
        let own = &self.from.interface.subnet;
        let (there, ports) = (Ports::from_iter([HTTPS]), self.from.ports());
        let instance = Toward::one(self.from.address);
        let crossing = |(vpc, subnet), egress, ports: &Ports, peer, replies, outward| Crossing {
            vpc,
            subnet,
            egress,
            ports: ports.clone(),
            peer,
            replies,
            outward,
        };
        let edge = (self.from.vpc, own);
        let home = place.home.as_ref().map(|(vpc, subnet)| (*vpc, subnet));
        if home.is_some_and(|it| it.1 == own) {
            return Filtered { answer: Ok(Verdict::NotApplicable(NOTHING)), partly: None };
        }
        let mut crossings = Vec::from([crossing(edge, true, &there, &place.toward, false, true)]);
        if let Some(home) = home {
            crossings.push(crossing(home, false, &there, &instance, false, false));
            crossings.push(crossing(home, true, &ports, &instance, true, false));
        }
        crossings.push(crossing(edge, false, &ports, &place.toward, true, true));
        self.acls(&place.toward, &ports, &crossings, NOTHING)
    }

    // ------------------------------------------------------------ to another VPC's endpoint

    /// To what a private hosted zone or a Profile says: as a rule an endpoint that a hub VPC shares,
    /// behind a peering connection or a transit gateway.
    fn to_elsewhere(&self, there: &Elsewhere, hops: &mut Vec<Hop>) -> Result<(), Unknown> {
        let of_ours = |it: &&IpAddr| Family::of(it) == self.family();
        let addresses: Vec<IpAddr> = there.addresses.iter().filter(of_ours).copied().collect();
        if addresses.is_empty() {
            let target = there.target.as_deref().unwrap_or("addresses of another kind");
            return Err(Unknown::limit(format!(
                "{} leads {} to {target}, and where that stands does not show",
                there.by, self.service
            )));
        }
        let ways: Result<Vec<_>, Unknown> =
            addresses.into_iter().map(|it| self.to_distant(it, &there.by)).collect();
        hops.extend(combined(ways?));
        Ok(())
    }

    fn to_distant(&self, address: IpAddr, by: &str) -> Result<Vec<Hop>, Unknown> {
        let toward = Toward::one(address);
        if !self.internet(self.family()).addresses.and(&toward.addresses).is_empty() {
            let mut hops = Vec::new();
            self.to_internet(&toward, &mut hops)?;
            return Ok(hops);
        }
        let hub = self.hub(address);
        let Some((endpoint, interface)) = hub.as_ref().ok().copied().flatten() else {
            let whose = format!("what {by} leads to");
            let mut hops = self.to_place(&Place { toward, home: None }, Members::Unseen(&whose));
            let (kinds, unknown): (&[HopKind], _) = match hub {
                // Nothing of the other side was seen: neither the door nor the way back.
                Err(unknown) => (&UNSEEN_HUB, unknown),
                Ok(_) => (
                    &UNSEEN_HUB[..2],
                    Unknown::limit(format!(
                        "{address}, where {by} leads {}, is no endpoint of this account: whether it answers does not show",
                        self.service
                    )),
                ),
            };
            hops.extend(kinds.iter().map(|kind| Hop::new(*kind, &address, Err(unknown.clone()))));
            return Ok(hops);
        };
        let (subject, groups) = (self.subject(endpoint), &interface.security_groups);
        let vpc = endpoint.vpc.as_ref().unwrap_or(self.from.vpc);
        let place = Place { toward, home: Some((vpc, interface.subnet.clone())) };
        let mut hops = self.to_place(&place, Members::Of(groups));
        hops.push(Hop::new(HopKind::Endpoint, &endpoint.id, self.available(endpoint)));
        hops.push(Hop::new(
            HopKind::EndpointGroup,
            &join(groups),
            self.admits(&subject, groups, vpc == self.from.vpc),
        ));
        Ok(hops)
    }

    /// The endpoint of another VPC of the account that has this address.
    fn hub(
        &self,
        address: IpAddr,
    ) -> Result<Option<(&'a Endpoint, &'a NetworkInterface)>, Unknown> {
        let name = format!("com.amazonaws.{}.{}", self.scope.region, self.service);
        let unnamed = |_| Unknown::limit(format!("{name} is no name of a service"));
        let service: ServiceName = name.parse().map_err(unnamed)?;
        // Which of them it is shows in their interfaces.
        any_of(self.facts.service_endpoints(&service).required()?, |endpoint| {
            any_of(&endpoint.interfaces, |id| {
                let row = self.facts.network_interface(id).required()?;
                Ok(row.private_ips.contains(&address).then_some((endpoint, row)))
            })
        })
    }

    fn available(&self, endpoint: &Endpoint) -> Answer {
        let (id, subject) = (endpoint.id.as_str(), self.subject(endpoint));
        Ok(match &endpoint.state {
            EndpointState::Available => Verdict::Pass(observed(&subject, "is available")),
            EndpointState::Partial => {
                return Err(Unknown::limit(format!(
                    "{id} is available in part, and in which does not show"
                )));
            }
            EndpointState::Other(word) => {
                return Err(Unknown::limit(format!("{id} is in a state not known here: {word}")));
            }
            state => Verdict::Fail(
                observed(&subject, format!("is {state}, not available")),
                Fix::new(
                    format!("find out why {id} is {state}, and accept or replace it"),
                    Recovery::Agent,
                )
                .aws(self.scope, ["ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", id]),
            ),
        })
    }

    // ------------------------------------------------------------ to a gateway endpoint

    /// A gateway endpoint for the service on the route table of the instance's subnet.
    fn gateway_endpoint(&self) -> Result<Option<&'a Endpoint>, Unknown> {
        let Walk { facts, scope, service, from, .. } = *self;
        gateway_endpoint(facts, scope, from.vpc, &from.interface.subnet, service)
    }

    /// Its route names the service's addresses by a prefix list of AWS's.
    fn to_gateway_endpoint(&self, endpoint: &Endpoint, hops: &mut Vec<Hop>) -> Result<(), Unknown> {
        let own = &self.from.interface.subnet;
        let table = table_of(self.facts, self.from.vpc, own)?;
        let route = table
            .routes
            .iter()
            .find(|it| it.via.kind() == TargetKind::Endpoint(endpoint.id.clone()));
        let list = route
            .and_then(|it| if let Destination::List(list) = &it.to { Some(list) } else { None });
        let entries = match list {
            Some(list) => self.facts.prefix_list(list).hint()?,
            None => None,
        };
        let mut toward = self.internet(self.family());
        if let Some(entries) = entries {
            let known = Addresses::of(self.family(), &entries.cidrs);
            if known.is_empty() {
                return Err(Unknown::limit(format!(
                    "{} has no {} addresses on its list, and whether the agent has another way does not show",
                    endpoint.id,
                    self.family().as_str()
                )));
            }
            toward.addresses = known;
        }
        toward.phrase = list.map_or(toward.phrase, ToString::to_string);
        toward.list = list.cloned();
        let groups = &self.from.interface.security_groups;
        hops.push(Hop::new(
            HopKind::InstanceGroup,
            &join(groups),
            self.sends(groups, &toward, Members::Outside),
        ));
        hops.extend(Hop::filtered(own, self.acls_of_own(&toward)));
        let stands = observed(
            &endpoint.id,
            format!("is a gateway endpoint for {} on {}", self.service, table.id),
        );
        let answer = match self.available(endpoint) {
            Ok(Verdict::Pass(_)) => Ok(Verdict::Pass(stands)),
            other => other,
        };
        hops.push(Hop::new(HopKind::Endpoint, &endpoint.id, answer));
        Ok(())
    }

    /// The ACL of the instance's own subnet, out and back.
    fn acls_of_own(&self, toward: &Toward) -> Filtered {
        self.acls_between(&Place { toward: toward.clone(), home: None })
    }

    // ------------------------------------------------------------ to public addresses

    fn to_public(&self, hops: &mut Vec<Hop>) -> Result<(), Unknown> {
        let mut way = Vec::new();
        let direct = self.to_internet(&self.internet(self.family()), &mut way);
        if self.family() == Family::V4 {
            hops.extend(way);
            return direct;
        }
        // Names with IPv4 addresses alone: translated, or asked for by their dual-stack names.
        if self.facts.subnet(&self.from.interface.subnet).required()?.dns64 {
            let mut translated = Vec::new();
            let lost = self.to_internet(&Toward::translated(), &mut translated);
            let alone = direct.is_ok() && reachable(&way, false) == Reachable::No;
            let works = reachable(&translated, lost.is_err()) != Reachable::No;
            if works || alone {
                hops.extend(translated);
                return lost;
            }
        }
        hops.extend(way);
        let id = &self.from.interface.id;
        hops.push(Hop::new(HopKind::AddressType, id, self.dual_stack_names()));
        direct
    }

    /// The way to public addresses of the instance's own family.
    fn internet_path(&self) -> Path {
        let mut hops = Vec::new();
        let lost = self.to_internet(&self.internet(self.family()), &mut hops).err();
        Path { service: "", hops, lost }
    }

    /// The routes out of the VPC; its own addresses are no public service's.
    fn ways_out<'t>(
        &self,
        table: &'t RouteTable,
        toward: &Toward,
    ) -> Result<Vec<Leg<'t>>, Unknown> {
        let mut legs = legs(self.facts, self.from.vpc, table, toward)?;
        legs.retain(|it| it.route.is_none_or(|it| it.via.kind() != TargetKind::Local));
        Ok(legs)
    }

    fn to_internet(&self, toward: &Toward, hops: &mut Vec<Hop>) -> Result<(), Unknown> {
        let subnet = &self.from.interface.subnet;
        let table = table_of(self.facts, self.from.vpc, subnet)?;
        let legs = self.ways_out(table, toward)?;
        if legs.iter().all(|it| it.route.is_none()) {
            if let Some(unknown) = self.may_lead_elsewhere(table) {
                return Err(unknown);
            }
            hops.push(Hop::new(HopKind::Way, &table.id, self.no_way(table)));
            // Wherever the name leads there is no way to it, but what else would stand there is unknown.
            if let Some((_, unseen)) = self.unseen_step() {
                let kinds = [
                    HopKind::InstanceGroup,
                    HopKind::Acl,
                    HopKind::Endpoint,
                    HopKind::EndpointGroup,
                ];
                let same = |kind| Hop::new(kind, &table.id, Err(unseen.clone()));
                hops.extend(kinds.map(same));
            }
            return Ok(());
        }
        let groups = &self.from.interface.security_groups;
        hops.push(Hop::new(
            HopKind::InstanceGroup,
            &join(groups),
            self.sends(groups, toward, Members::Outside),
        ));
        hops.extend(Hop::filtered(subnet, self.acls_of_own(toward)));
        hops.push(Hop::new(
            HopKind::Way,
            &table.id,
            Ok(Verdict::Pass(observed(
                &table.id,
                format!("of {subnet} has a way out ({})", self.service),
            ))),
        ));
        let ways = legs.iter().map(|leg| match leg.route {
            Some(route) => self.beyond(table, route, toward),
            None => Vec::from([Hop::new(HopKind::Way, &table.id, self.no_way(table))]),
        });
        hops.extend(agreed(ways.collect(), || mixed(&legs, toward)));
        Ok(())
    }

    /// The usual names of Systems Manager have no IPv6 address; those of `api.aws` do, and agents since
    /// 3.3.3270.0 ask for them if their configuration says so. Source: amazon-ssm-agent release notes.
    fn dual_stack_names(&self) -> Answer {
        let region = &self.scope.region;
        let untold = || {
            Unknown::limit(format!(
                "{} has IPv6 addresses alone, by which the agent finds {}.{region} only if its configuration turns dual-stack endpoints on (3.3.3270.0 or newer), which does not show",
                self.from.interface.id, self.service
            ))
        };
        match gets_through(self.facts, self.scope, self.service) {
            Ok(true) => Ok(Verdict::Pass(observed(
                &self.from.interface.id,
                format!("is seen to reach {} by IPv6", self.service),
            ))),
            Ok(false) => Err(untold()),
            Err(unknown) => Err(untold().and(unknown)),
        }
    }

    /// Endpoints of a hub VPC may be where the name leads: it is not known whether the VPC resolves names
    /// at all, or a zone or rule was not seen and a private route leads somewhere.
    fn may_lead_elsewhere(&self, table: &RouteTable) -> Option<Unknown> {
        let (kind, unseen) = self.unseen_step()?;
        if kind == StepKind::Resolver {
            return Some(unseen);
        }
        let leads_away = |it: &&Route| {
            let kind = it.via.kind();
            it.state == RouteState::Active
                && matches!(
                    kind,
                    TargetKind::Peering(_) | TargetKind::TransitGateway(_) | TargetKind::Other
                )
        };
        let route = table.routes.iter().find(leads_away)?;
        let text = format!(
            "{} leads to {} through {}, where endpoints shared with {} may stand",
            table.id, route.to, route.via, self.from.vpc
        );
        Some(Unknown::limit(text).and(unseen))
    }

    /// What of the name's own way was not seen.
    fn unseen_step(&self) -> Option<(StepKind, Unknown)> {
        let name = name::resolve(self.facts, self.scope, self.from.vpc, self.service).ok()?;
        name.steps.into_iter().find_map(|it| Some((it.kind, it.answer.err()?)))
    }

    /// No endpoint and no route out.
    fn no_way(&self, table: &RouteTable) -> Answer {
        let (vpc, service) = (self.from.vpc, self.service);
        let endpoints = self.facts.endpoints(vpc).required()?;
        let sibling = endpoints.iter().find(|it| {
            it.serves(&self.scope.region).is_some_and(|it| CORE.contains(&it))
                && !it.subnets.is_empty()
        });
        let unused = endpoints.iter().find(|it| {
            it.kind == EndpointKind::Gateway && it.serves(&self.scope.region) == Some(service)
        });
        let mut evidence = observed(
            &format!("{} ({})", self.from.interface.subnet, table.id),
            format!("has no way to {service}: no endpoint for it in {vpc}, and no route out"),
        );
        if let Some(gateway) = unused {
            evidence = evidence.and(observed(
                &gateway.id,
                format!("is a gateway endpoint for {service}, but not on {}", table.id),
            ));
            let fix =
                Fix::new(format!("put {} on {}", gateway.id, table.id), Recovery::NextSession);
            return Ok(Verdict::Fail(
                evidence,
                fix.aws(
                    self.scope,
                    [
                        "ec2",
                        "modify-vpc-endpoint",
                        "--vpc-endpoint-id",
                        gateway.id.as_str(),
                        "--add-route-table-ids",
                        table.id.as_str(),
                    ],
                ),
            ));
        }
        let name = format!("com.amazonaws.{}.{service}", self.scope.region);
        let groups: Vec<_> = sibling
            .iter()
            .flat_map(|it| &it.security_groups)
            .map(SecurityGroupId::as_str)
            .collect();
        let subnet =
            sibling.and_then(|it| it.subnets.first()).unwrap_or(&self.from.interface.subnet);
        let fix = Fix::new(
            format!(
                "create an interface endpoint for {service} (or give the subnet a route to a NAT gateway)"
            ),
            Recovery::Agent,
        );
        Ok(Verdict::Fail(
            evidence,
            fix.aws(
                self.scope,
                [
                    "ec2",
                    "create-vpc-endpoint",
                    "--vpc-endpoint-type",
                    "Interface",
                    "--vpc-id",
                    vpc.as_str(),
                    "--service-name",
                    &name,
                    "--subnet-ids",
                    subnet.as_str(),
                    "--security-group-ids",
                    groups
                        .first()
                        .copied()
                        .unwrap_or("<a group that admits tcp/443 from the instance>"),
                    "--private-dns-enabled",
                ],
            ),
        ))
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
    best.extend(lost.map(|it| Hop { kind: HopKind::Partly, ..it }));
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
/// agree on holds, and where some work and others do not, it is unknown.
fn agreed(ways: Vec<Vec<Hop>>, mixed: impl Fn() -> Unknown) -> Vec<Hop> {
    let shut = ways.iter().filter(|it| reachable(it, false) == Reachable::No).count();
    if shut == 0 || shut == ways.len() {
        return merged(ways);
    }
    let open = ways.into_iter().filter(|it| reachable(it, false) != Reachable::No);
    let mut hops = merged(open.collect());
    hops.push(Hop::new(HopKind::NextHop, "", Err(mixed())));
    hops
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
