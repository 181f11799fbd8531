//! From the instance to a service on tcp/443, hop by hop, and every setting on the way that stops it.
//!
//! A path is a list of [`Hop`]s, each with its own answer, so that a blocked path is complete: the
//! checks pick the kinds of hop they speak for, and one setting at fault fails one check. What AWS
//! does not show (beyond a transit gateway, inside an appliance) is an unknown hop, never a guess.
//!
//! Addresses of services outside the VPC are not known; [`Toward::Public`] stands for any of them.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::{
    name::{self, Defect, Resolution, StepKind},
    session::{self, Gates},
};
use crate::model::{
    ec2::{self, *},
    facts::{Facts, Unknown},
    ids::*,
    scope::Scope,
    verdict::*,
};

pub const HTTPS: u16 = 443;

/// What a hop is, in the order in which packets meet them. Each has one check that speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HopKind {
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
    /// Is there any way at all?
    Way,
    /// Is what the route points at alive?
    NextHop,
    PublicAddress,
    /// State and interfaces of an endpoint.
    Endpoint,
    EndpointGroup,
}

impl HopKind {
    /// As JSON and the drawing spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VpcDns => "vpc-dns",
            Self::DnsFirewall => "dns-firewall",
            Self::ResolverRule => "resolver-rule",
            Self::HostedZone => "hosted-zone",
            Self::PrivateDns => "private-dns",
            Self::InstanceGroup => "security-group",
            Self::Acl => "network-acl",
            Self::Way => "route",
            Self::NextHop => "next-hop",
            Self::PublicAddress => "public-address",
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
    /// Set when even the course of the path is unknown, so that hops are missing.
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
        if self.hops.iter().any(|it| matches!(it.answer, Ok(Verdict::Fail(..)))) {
            Reachable::No
        } else if self.lost.is_some() || self.hops.iter().any(|it| it.answer.is_err()) {
            Reachable::Unknown
        } else {
            Reachable::Yes
        }
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
        let hops = path.hops.into_iter().map(|it| it.answer);
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

/// The way from the target to `service`.
#[must_use]
pub fn path(facts: &Facts, scope: &Scope, service: &'static str) -> Path {
    let mut hops = Vec::new();
    let lost = course(facts, scope, service, &mut hops).err();
    Path { service, hops, lost }
}

fn course(facts: &Facts, scope: &Scope, service: &str, hops: &mut Vec<Hop>) -> Result<(), Unknown> {
    let from = Origin::of(facts, scope)?;
    let name = name::resolve(facts, scope, from.vpc, service)?;
    hops.extend(name.steps.into_iter().map(Hop::from));
    match name.to {
        Resolution::Elsewhere(to) => Err(Unknown::limit(format!(
            "{} leads {service} to {}, and the way there is not judged yet",
            to.by,
            to.target.unwrap_or_else(|| join(&to.addresses))
        ))),
        Resolution::Endpoint(endpoint) => {
            let subject = format!("{} ({service})", endpoint.id);
            hops.push(Hop {
                kind: HopKind::VpcDns,
                id: from.vpc.to_string(),
                answer: Ok(Verdict::Pass(observed(
                    from.vpc,
                    "has DNS support and DNS hostnames on",
                ))),
            });
            hops.push(Hop {
                kind: HopKind::PrivateDns,
                id: endpoint.id.to_string(),
                answer: Ok(Verdict::Pass(observed(
                    &subject,
                    if endpoint.private_dns {
                        "has private DNS on"
                    } else {
                        "has private DNS off, and a private hosted zone stands in for it"
                    },
                ))),
            });
            to_endpoint(facts, scope, &from, endpoint, service, hops);
            Ok(())
        }
        Resolution::Public => {
            if service == "s3"
                && let Some(gateway) = gateway_endpoint(facts, scope, &from, service)?
            {
                hops.push(gateway);
                return Ok(());
            }
            to_public(facts, scope, &from, service, hops)
        }
        Resolution::PublicDespite(endpoint, defect) => {
            let mut way = Vec::new();
            let lost = to_public(facts, scope, &from, service, &mut way).err();
            let public = Path { service: "", hops: way, lost };
            let (kind, id, evidence, fix) = defective(scope, from.vpc, endpoint, service, defect);
            let answer = match public.reachable() {
                Reachable::Yes => {
                    let note = "and the public path serves instead";
                    Ok(Verdict::Pass(evidence.and(observed(&id, format!("{note} for {service}")))))
                }
                Reachable::No => Ok(Verdict::Fail(evidence, fix)),
                Reachable::Unknown => Err(Unknown::limit(format!(
                    "{service} has to take the public path, since {id} does not serve it, and that path cannot be followed to its end"
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
    }
}

impl Path {
    fn unknown(&self) -> Unknown {
        let hops = self.hops.iter().filter_map(|it| it.answer.as_ref().err());
        hops.chain(&self.lost)
            .cloned()
            .reduce(Unknown::and)
            .unwrap_or_else(|| Unknown::limit("the path could not be followed"))
    }
}

fn defective(
    scope: &Scope,
    vpc: &VpcId,
    endpoint: &Endpoint,
    service: &str,
    defect: Defect,
) -> (HopKind, String, Evidence, Fix) {
    let id = endpoint.id.to_string();
    let subject = format!("{id} ({service})");
    match defect {
        Defect::NotAvailable => (
            HopKind::Endpoint,
            id.clone(),
            observed(&subject, format!("is {}, not available", endpoint.state)),
            Fix::new(
                format!("find out why {id} is {}, and accept or replace it", endpoint.state),
                Recovery::Agent,
            )
            .aws(scope, ["ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", &id]),
        ),
        Defect::PrivateDnsOff => (
            HopKind::PrivateDns,
            id.clone(),
            observed(
                &subject,
                "has private DNS off, so the service's name resolves to public addresses",
            ),
            Fix::new(format!("turn on private DNS for {id}"), Recovery::Agent).aws(
                scope,
                ["ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", &id, "--private-dns-enabled"],
            ),
        ),
        Defect::VpcDnsOff => (
            HopKind::VpcDns,
            vpc.to_string(),
            observed(
                vpc,
                format!(
                    "has DNS support or DNS hostnames off, so the private names of {id} do not work"
                ),
            ),
            Fix::new("turn on DNS support and DNS hostnames for the VPC", Recovery::Agent)
                .aws(
                    scope,
                    [
                        "ec2",
                        "modify-vpc-attribute",
                        "--vpc-id",
                        vpc.as_str(),
                        "--enable-dns-support",
                    ],
                )
                .aws(
                    scope,
                    [
                        "ec2",
                        "modify-vpc-attribute",
                        "--vpc-id",
                        vpc.as_str(),
                        "--enable-dns-hostnames",
                    ],
                ),
        ),
    }
}

/// Where packets start: one network interface.
struct Origin<'a> {
    vpc: &'a VpcId,
    interface: &'a AttachedInterface,
    address: IpNet,
    windows: bool,
}

impl<'a> Origin<'a> {
    fn of(facts: &'a Facts, scope: &Scope) -> Result<Self, Unknown> {
        let nothing = |what: &str| Unknown::limit(format!("{} {what}", scope.target));
        let id = scope.target.instance().ok_or_else(|| nothing("is a hybrid node"))?;
        let instance = facts.instance(id).required()?;
        let vpc = instance.vpc.as_ref().ok_or_else(|| nothing("is in no VPC any more"))?;
        let interface =
            instance.primary_interface().ok_or_else(|| nothing("has no network interface"))?;
        let address = interface
            .private_ip
            .ok_or_else(|| nothing("has no IPv4 address; IPv6-only paths are not judged yet"))?;
        Ok(Self {
            vpc,
            interface,
            address: IpNet::from(IpAddr::from(address)),
            windows: instance.windows,
        })
    }

    /// The ports from which the system opens connections. Source: VPC guide, "Ephemeral ports".
    fn ephemeral(&self) -> (u16, u16) {
        if self.windows { (49_152, 65_535) } else { (32_768, 60_999) }
    }
}

/// The other end of a packet.
#[derive(Clone)]
enum Toward {
    /// Any of these addresses.
    Nets(Vec<IpNet>),
    /// Addresses of a service on the internet, which we do not know.
    Public,
}

impl Toward {
    /// Nets that must all be covered; halves of everything, since rules often come in halves.
    fn nets(&self) -> Vec<IpNet> {
        match self {
            Self::Nets(nets) => nets.clone(),
            Self::Public => {
                let half = |first| Ipv4Net::new(core::net::Ipv4Addr::new(first, 0, 0, 0), 1);
                [half(0), half(128)].into_iter().flatten().map(IpNet::V4).collect()
            }
        }
    }

    fn phrase(&self) -> String {
        match self {
            Self::Nets(nets) => nets.iter().map(shown).collect::<Vec<_>>().join(", "),
            Self::Public => "the service's public addresses".into(),
        }
    }
}

/// A single address without its prefix length.
fn shown(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

// ---------------------------------------------------------------- to an interface endpoint

fn to_endpoint(
    facts: &Facts,
    scope: &Scope,
    from: &Origin,
    endpoint: &Endpoint,
    service: &str,
    hops: &mut Vec<Hop>,
) {
    let id = endpoint.id.to_string();
    let subject = format!("{id} ({service})");
    if endpoint.subnets.is_empty() && endpoint.interfaces.is_empty() {
        let fix = Fix::new(format!("give {id} a subnet to stand in"), Recovery::Agent).aws(
            scope,
            [
                "ec2",
                "modify-vpc-endpoint",
                "--vpc-endpoint-id",
                &id,
                "--add-subnet-ids",
                from.interface.subnet.as_str(),
            ],
        );
        let evidence = observed(&subject, "has no subnet, so nothing in the VPC leads to it");
        hops.push(Hop { kind: HopKind::Endpoint, id, answer: Ok(Verdict::Fail(evidence, fix)) });
        return;
    }
    hops.push(Hop {
        kind: HopKind::Endpoint,
        id: id.clone(),
        answer: Ok(Verdict::Pass(observed(
            &subject,
            format!("is available in {}", join(&endpoint.subnets)),
        ))),
    });
    let places = places(facts, endpoint);
    let toward = places
        .clone()
        .map(|it| Toward::Nets(it.into_iter().map(|(_, net)| net).collect::<Vec<_>>()));
    hops.push(Hop {
        kind: HopKind::InstanceGroup,
        id: join(&from.interface.security_groups),
        answer: toward.clone().and_then(|toward| {
            sends(facts, scope, from, &toward, &endpoint.security_groups, service)
        }),
    });
    hops.push(Hop {
        kind: HopKind::Way,
        id: from.interface.subnet.to_string(),
        answer: toward.and_then(|toward| local_route(facts, from, &toward)),
    });
    hops.push(Hop {
        kind: HopKind::Acl,
        id: from.interface.subnet.to_string(),
        answer: places.and_then(|places| {
            let answers: Vec<_> = places
                .iter()
                .map(|(subnet, net)| acls_to_endpoint(facts, scope, from, subnet, net, service))
                .collect();
            let blocked = answers.iter().filter(|it| matches!(it, Ok(Verdict::Fail(..)))).count();
            if blocked > 0 && blocked < answers.len() {
                return Err(Unknown::limit(format!(
                    "network ACLs stop only some of the addresses of {}: connections fail now and then",
                    endpoint.id
                )));
            }
            all_of(answers, "the endpoint stands in the instance's own subnet", |it| it)
        }),
    });
    hops.push(Hop {
        kind: HopKind::EndpointGroup,
        id: join(&endpoint.security_groups),
        answer: admits(facts, scope, from, endpoint, service),
    });
}

/// Where an endpoint's interfaces are: subnet and address, or the subnet's whole CIDR while the
/// interface itself was not seen (or was described with an address that is not of its subnet).
fn places(facts: &Facts, endpoint: &Endpoint) -> Result<Vec<(SubnetId, IpNet)>, Unknown> {
    let mut places = Vec::new();
    for subnet in &endpoint.subnets {
        let unaddressed = || Unknown::limit(format!("{subnet} has no IPv4 CIDR"));
        let cidr = facts.subnet(subnet).required()?.cidr.ok_or_else(unaddressed)?;
        let mut address = None;
        for id in &endpoint.interfaces {
            if let Some(row) = facts.network_interface(id).hint()?
                && row.subnet == *subnet
            {
                let inside = |it: &&IpAddr| IpNet::V4(cidr).contains(*it);
                address = address.or(row.private_ips.iter().find(inside).copied());
            }
        }
        places.push((subnet.clone(), address.map_or(IpNet::V4(cidr), IpNet::from)));
    }
    if places.is_empty() {
        return Err(Unknown::limit(format!("the subnets of {} are not listed", endpoint.id)));
    }
    Ok(places)
}

/// Inside a VPC everything is local, unless a longer prefix sends it through an appliance.
fn local_route(facts: &Facts, from: &Origin, toward: &Toward) -> Answer {
    let table = table_of(facts, from.vpc, &from.interface.subnet)?;
    let nets = toward.nets();
    let detour = table.routes.iter().find(|route| {
        route.via.0 != "local"
            && matches!(&route.to, Destination::Cidr(to)
                if to.prefix_len() > 0 && nets.iter().any(|net| overlaps(to, net)))
    });
    match detour {
        None => Ok(Verdict::Pass(observed(&table.id, "carries it by the VPC's local route"))),
        Some(route) => Err(Unknown::limit(format!(
            "{} sends {} to {}, and what lies beyond is not visible",
            table.id, route.to, route.via
        ))),
    }
}

// ---------------------------------------------------------------- security groups

/// Do the instance's groups let it open tcp/443 there?
fn sends(
    facts: &Facts,
    scope: &Scope,
    from: &Origin,
    toward: &Toward,
    peers: &[SecurityGroupId],
    service: &str,
) -> Answer {
    let groups = &from.interface.security_groups;
    let found = all_nets(toward, |net| {
        any_of(groups, |id| {
            let group = facts.security_group(id).required()?;
            let rules = group.egress.iter().filter(|it| it.traffic.includes_tcp(HTTPS));
            any_of(rules, |rule| {
                let covers = covers(facts, &rule.peer, net, peers, toward)?;
                Ok(covers.then(|| observed(id, format!("lets it out to {}", rule.peer))))
            })
        })
    })?;
    Ok(match found {
        Some(evidence) => Verdict::Pass(evidence),
        None => Verdict::Fail(
            observed(
                &join(groups),
                format!("lets nothing out to {} on tcp/{HTTPS} ({service})", toward.phrase()),
            ),
            Fix::new("let the instance's security group out on tcp/443", Recovery::Agent).aws(
                scope,
                [
                    "ec2",
                    "authorize-security-group-egress",
                    "--group-id",
                    groups.first().map_or("<security group>", |it| it.as_str()),
                    "--ip-permissions",
                    "IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=0.0.0.0/0}]",
                ],
            ),
        ),
    })
}

/// Do the endpoint's groups let the instance in on tcp/443? Rules only ever allow, and groups add up.
fn admits(
    facts: &Facts,
    scope: &Scope,
    from: &Origin,
    endpoint: &Endpoint,
    service: &str,
) -> Answer {
    let groups = &endpoint.security_groups;
    if groups.is_empty() {
        return Err(Unknown::limit(format!(
            "the security groups of {} are not listed",
            endpoint.id
        )));
    }
    let toward = Toward::Nets(vec![from.address]);
    let found = any_of(groups, |id| {
        let group = facts.security_group(id).required()?;
        let rules = group.ingress.iter().filter(|it| it.traffic.includes_tcp(HTTPS));
        any_of(rules, |rule| {
            let peers = &from.interface.security_groups;
            let covers = covers(facts, &rule.peer, &from.address, peers, &toward)?;
            Ok(covers.then(|| observed(id, format!("admits {} on {}", rule.peer, rule.traffic))))
        })
    })?;
    if let Some(evidence) = found {
        return Ok(Verdict::Pass(evidence));
    }
    let mut admitted = Vec::new();
    for id in groups {
        let group = facts.security_group(id).required()?;
        let rules: Vec<_> =
            group.ingress.iter().map(|it| format!("{} on {}", it.peer, it.traffic)).collect();
        let rules = if rules.is_empty() { "nothing".into() } else { rules.join(", ") };
        admitted.push(format!("{id} admits {rules}"));
    }
    let own = from.interface.security_groups.first();
    let source = own.map_or_else(|| shown(&from.address), |it| it.as_str().to_owned());
    let flag = if own.is_some() { "--source-group" } else { "--cidr" };
    Ok(Verdict::Fail(
        observed(
            &format!("{} ({service})", endpoint.id),
            format!(
                "has no security group that admits {} on tcp/{HTTPS}: {}",
                shown(&from.address),
                admitted.join("; ")
            ),
        ),
        Fix::new("admit the instance to the endpoint on tcp/443", Recovery::Agent).aws(
            scope,
            [
                "ec2",
                "authorize-security-group-ingress",
                "--group-id",
                groups.first().map_or("<security group>", |it| it.as_str()),
                "--protocol",
                "tcp",
                "--port",
                "443",
                flag,
                &source,
            ],
        ),
    ))
}

/// Does a rule's peer cover all of `net`? `peers` are the security groups of the other end.
fn covers(
    facts: &Facts,
    peer: &Peer,
    net: &IpNet,
    peers: &[SecurityGroupId],
    toward: &Toward,
) -> Result<bool, Unknown> {
    match peer {
        Peer::Cidr(range) => covers_net(range, net, toward),
        Peer::Group(id) => Ok(peers.contains(id)),
        Peer::List(id) => {
            let list = facts.prefix_list(id).required()?;
            let found =
                any_of(&list.cidrs, |range| Ok(covers_net(range, net, toward)?.then_some(())))?;
            Ok(found.is_some())
        }
        Peer::Unreadable(raw) => Err(Unknown::limit(format!("a rule names {raw:?}"))),
    }
}

fn covers_net(range: &IpNet, net: &IpNet, toward: &Toward) -> Result<bool, Unknown> {
    if range.contains(net) {
        Ok(true)
    } else if !overlaps(range, net) || (matches!(toward, Toward::Public) && is_private(range)) {
        Ok(false)
    } else {
        Err(Unknown::limit(format!("a rule for {range} covers {} only in part", toward.phrase())))
    }
}

fn overlaps(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// Ranges in which no public service has its addresses.
fn is_private(net: &IpNet) -> bool {
    match net {
        IpNet::V4(net) => {
            let address = net.network();
            let [a, b, ..] = address.octets();
            let shared = a == 100 && (64..128).contains(&b);
            net.prefix_len() >= 8
                && (address.is_private()
                    || address.is_link_local()
                    || address.is_loopback()
                    || shared)
        }
        IpNet::V6(_) => false,
    }
}

/// Found if it is found for every net, and not found if it is for none. Between the two it depends on
/// which of the addresses the name resolves to, connection by connection.
fn all_nets<T>(
    toward: &Toward,
    mut look: impl FnMut(&IpNet) -> Result<Option<T>, Unknown>,
) -> Result<Option<T>, Unknown> {
    let (mut found, mut missed, mut unknown) = (None, false, None);
    for net in toward.nets() {
        match look(&net) {
            Ok(Some(it)) => found = Some(it),
            Ok(None) => missed = true,
            Err(more) => unknown = Some(more),
        }
    }
    match (found, unknown) {
        (_, Some(unknown)) => Err(unknown),
        (Some(_), None) if missed => {
            Err(Unknown::limit(format!("only part of {} is let through", toward.phrase())))
        }
        (found, None) => Ok(found),
    }
}

// ---------------------------------------------------------------- network ACLs

/// Both subnets' ACLs, out and back. Within one subnet there is none.
fn acls_to_endpoint(
    facts: &Facts,
    scope: &Scope,
    from: &Origin,
    subnet: &SubnetId,
    net: &IpNet,
    service: &str,
) -> Answer {
    let own = &from.interface.subnet;
    if subnet == own {
        return Ok(Verdict::NotApplicable("no ACL stands between hosts of one subnet"));
    }
    let (there, back) = ((HTTPS, HTTPS), from.ephemeral());
    let endpoint = Toward::Nets(vec![*net]);
    let instance = Toward::Nets(vec![from.address]);
    let legs = [
        (own, true, there, &endpoint),
        (subnet, false, there, &instance),
        (subnet, true, back, &instance),
        (own, false, back, &endpoint),
    ];
    all_of(legs, "", |(subnet, egress, ports, peer)| {
        acl_passes(facts, scope, from.vpc, subnet, egress, ports, peer, service)
    })
}

/// The ACL of a NAT gateway's subnet: in from the instance and on to the internet, and back. A NAT
/// gateway opens connections from any port above 1023.
fn acls_around_nat(
    facts: &Facts,
    scope: &Scope,
    from: &Origin,
    id: &NatGatewayId,
    service: &str,
) -> Answer {
    const NOTHING: &str = "the NAT gateway stands in no subnet of its own";
    let nat = facts.nat_gateway(id).optional()?;
    let Some(subnet) = nat.and_then(|it| it.subnet.as_ref()) else {
        return Ok(Verdict::NotApplicable(NOTHING));
    };
    let (there, high) = ((HTTPS, HTTPS), (1024, u16::MAX));
    let instance = Toward::Nets(vec![from.address]);
    let inside = [(false, there, &instance), (true, from.ephemeral(), &instance)];
    let outside = [(true, there, &Toward::Public), (false, high, &Toward::Public)];
    let crossed = if *subnet == from.interface.subnet { &inside[..0] } else { &inside[..] };
    all_of(crossed.iter().chain(&outside), NOTHING, |&(egress, ports, peer)| {
        acl_passes(facts, scope, from.vpc, subnet, egress, ports, peer, service)
    })
}

#[allow(clippy::too_many_arguments, reason = "a packet has that many properties")]
fn acl_passes(
    facts: &Facts,
    scope: &Scope,
    vpc: &VpcId,
    subnet: &SubnetId,
    egress: bool,
    ports: (u16, u16),
    peer: &Toward,
    service: &str,
) -> Answer {
    let acls = facts.network_acls(vpc).required()?;
    let acl = acls
        .iter()
        .find(|it| it.subnets.contains(subnet))
        .or_else(|| acls.iter().find(|it| it.default))
        .ok_or_else(|| Unknown::limit(format!("the network ACL of {subnet} is not listed")))?;
    let (way, flag) = if egress { ("out to", "--egress") } else { ("in from", "--ingress") };
    let range = if ports.0 == ports.1 {
        format!("tcp/{}", ports.0)
    } else {
        format!("tcp/{}-{}", ports.0, ports.1)
    };
    let denied = all_nets(peer, |net| acl_denies(acl, egress, ports, net, peer))?;
    let Some(drop) = denied else {
        let text = format!("of {subnet} passes {range} {way} {}", peer.phrase());
        return Ok(Verdict::Pass(observed(&acl.id, text)));
    };
    let by = match drop {
        Drop::Rule(number) => format!("rule {number}"),
        Drop::End => "its last rule".into(),
    };
    Ok(Verdict::Fail(
        observed(
            &acl.id,
            format!("of {subnet} drops {range} {way} {} by {by} ({service})", peer.phrase()),
        ),
        Fix::new(format!("let {range} through {}, both ways", acl.id), Recovery::Agent).aws(
            scope,
            [
                "ec2",
                "create-network-acl-entry",
                "--network-acl-id",
                acl.id.as_str(),
                flag,
                "--rule-number",
                "<a free number below the denying rule>",
                "--protocol",
                "tcp",
                "--port-range",
                &format!("From={},To={}", ports.0, ports.1),
                "--cidr-block",
                &cidr_of(peer),
                "--rule-action",
                "allow",
            ],
        ),
    ))
}

fn cidr_of(peer: &Toward) -> String {
    match peer {
        Toward::Nets(nets) => nets.first().map(ToString::to_string).unwrap_or_default(),
        Toward::Public => "0.0.0.0/0".into(),
    }
}

/// What in an ACL stops a packet.
#[derive(Clone, Copy)]
enum Drop {
    Rule(i32),
    /// No rule matches, and the list ends with a deny.
    End,
}

/// What drops every one of `ports` to or from `net`, if they are all dropped.
///
/// Rules are tried in order of their numbers, and the first that matches a packet decides. Ports of
/// which only some pass are passed here: connections then fail now and then, not always.
fn acl_denies(
    acl: &NetworkAcl,
    egress: bool,
    ports: (u16, u16),
    net: &IpNet,
    peer: &Toward,
) -> Result<Option<Drop>, Unknown> {
    let mut entries: Vec<_> = acl.entries.iter().filter(|it| it.egress == egress).collect();
    entries.sort_by_key(|it| it.number);
    // The ports that no rule has decided yet, as ranges.
    let mut open = vec![ports];
    let mut denied_by = None;
    let mut partly = None;
    for entry in entries {
        let (low, high) = match entry.traffic {
            Traffic::All => (0, u16::MAX),
            Traffic::Tcp(low, high) => (low, high),
            Traffic::Udp(..) | Traffic::Other(_) => continue,
        };
        let touched = open.iter().any(|(first, last)| *first <= high && low <= *last);
        if !touched {
            continue;
        }
        let range = match &entry.peer {
            Peer::Cidr(range) => range,
            other => {
                let text = format!("rule {} of {} names {other}", entry.number, acl.id);
                return Err(Unknown::limit(text));
            }
        };
        if !range.contains(net) {
            let beside =
                !overlaps(range, net) || (matches!(peer, Toward::Public) && is_private(range));
            if !beside {
                partly = Some((entry.number, entry.allow));
            }
            continue;
        }
        if entry.allow {
            return match partly {
                Some((number, false)) => Err(unclear(acl, number, peer)),
                _ => Ok(None),
            };
        }
        denied_by = denied_by.or(Some(entry.number));
        open = open.into_iter().flat_map(|it| without(it, (low, high))).collect();
        if open.is_empty() {
            break;
        }
    }
    match partly {
        Some((number, true)) => Err(unclear(acl, number, peer)),
        _ => Ok(Some(denied_by.map_or(Drop::End, Drop::Rule))),
    }
}

fn unclear(acl: &NetworkAcl, number: i32, peer: &Toward) -> Unknown {
    Unknown::limit(format!("rule {number} of {} covers {} only in part", acl.id, peer.phrase()))
}

/// A range of ports less another.
fn without((first, last): (u16, u16), (low, high): (u16, u16)) -> impl Iterator<Item = (u16, u16)> {
    let before = low.checked_sub(1).map(|end| (first, end.min(last)));
    let after = high.checked_add(1).map(|start| (start.max(first), last));
    before.into_iter().chain(after).filter(|(first, last)| first <= last)
}

// ---------------------------------------------------------------- to public addresses

fn to_public(
    facts: &Facts,
    scope: &Scope,
    from: &Origin,
    service: &str,
    hops: &mut Vec<Hop>,
) -> Result<(), Unknown> {
    let subnet = &from.interface.subnet;
    let table = table_of(facts, from.vpc, subnet)?;
    let routes = public_routes(facts, from.vpc, table)?;
    if routes.is_empty() {
        hops.push(Hop {
            kind: HopKind::Way,
            id: table.id.to_string(),
            answer: no_way(facts, scope, from, table, service),
        });
        return Ok(());
    }
    hops.push(Hop {
        kind: HopKind::InstanceGroup,
        id: join(&from.interface.security_groups),
        answer: sends(facts, scope, from, &Toward::Public, &[], service),
    });
    let legs = [(true, (HTTPS, HTTPS)), (false, from.ephemeral())];
    hops.push(Hop {
        kind: HopKind::Acl,
        id: subnet.to_string(),
        answer: all_of(legs, "", |(egress, ports)| {
            acl_passes(facts, scope, from.vpc, subnet, egress, ports, &Toward::Public, service)
        }),
    });
    hops.push(Hop {
        kind: HopKind::Way,
        id: table.id.to_string(),
        answer: Ok(Verdict::Pass(observed(
            &table.id,
            format!("of {subnet} has a way out ({service})"),
        ))),
    });
    for route in routes {
        hops.push(Hop {
            kind: HopKind::NextHop,
            id: route.via.to_string(),
            answer: next_hop(facts, scope, from.vpc, table, route, service),
        });
        match route.via.kind() {
            ec2::HopKind::InternetGateway(_) => hops.push(Hop {
                kind: HopKind::PublicAddress,
                id: from.interface.id.to_string(),
                answer: Ok(public_address(scope, from, route)),
            }),
            ec2::HopKind::NatGateway(id) => hops.push(Hop {
                kind: HopKind::Acl,
                id: id.to_string(),
                answer: acls_around_nat(facts, scope, from, &id, service),
            }),
            ec2::HopKind::Local | ec2::HopKind::Endpoint(_) | ec2::HopKind::Other => {}
        }
    }
    Ok(())
}

/// The route table that a subnet uses: its own, or the VPC's main one.
fn table_of<'a>(
    facts: &'a Facts,
    vpc: &VpcId,
    subnet: &SubnetId,
) -> Result<&'a RouteTable, Unknown> {
    let tables = facts.route_tables(vpc).required()?;
    tables
        .iter()
        .find(|it| it.subnets.contains(subnet))
        .or_else(|| tables.iter().find(|it| it.main))
        .ok_or_else(|| Unknown::limit(format!("the route table of {subnet} is not listed")))
}

/// The routes that packets to the internet may take: the default route, or the public ranges that
/// stand in for it. Gateway endpoints' prefix lists (S3, `DynamoDB`) are no such routes.
fn public_routes<'a>(
    facts: &Facts,
    vpc: &VpcId,
    table: &'a RouteTable,
) -> Result<Vec<&'a Route>, Unknown> {
    let mut routes = Vec::new();
    for route in &table.routes {
        let leads_out = match &route.to {
            Destination::Cidr(IpNet::V4(to)) => {
                !is_private(&IpNet::V4(*to)) && route.via.0 != "local"
            }
            Destination::Cidr(IpNet::V6(_)) => false,
            Destination::List(list) => match route.via.kind() {
                ec2::HopKind::Endpoint(id) => {
                    let endpoints = facts.endpoints(vpc).required()?;
                    !endpoints.iter().any(|it| it.id == id && it.kind == EndpointKind::Gateway)
                }
                _ => facts
                    .prefix_list(list)
                    .required()?
                    .cidrs
                    .iter()
                    .any(|it| matches!(it, IpNet::V4(_)) && !is_private(it)),
            },
            Destination::Unreadable(raw) => {
                return Err(Unknown::limit(format!("{} has a route to {raw:?}", table.id)));
            }
        };
        if leads_out {
            routes.push(route);
        }
    }
    // The default route carries whatever no longer prefix does, and AWS's addresses are not known:
    // every candidate must work.
    Ok(routes)
}

/// No endpoint and no route out. Central endpoints in another VPC would be reached through a private
/// route and a shared zone, neither of which shows from here.
fn no_way(
    facts: &Facts,
    scope: &Scope,
    from: &Origin,
    table: &RouteTable,
    service: &str,
) -> Answer {
    let private = table
        .routes
        .iter()
        .find(|it| it.state == RouteState::Active && matches!(it.via.kind(), ec2::HopKind::Other));
    if let Some(route) = private {
        return Err(Unknown::limit(format!(
            "{} has no endpoint for {service} and {} no route out, but it leads to {} through {}, where endpoints shared with this VPC may stand",
            from.vpc, table.id, route.to, route.via
        )));
    }
    let endpoints = facts.endpoints(from.vpc).required()?;
    let sibling = endpoints.iter().find(|it| {
        it.serves(&scope.region).is_some_and(|it| CORE.contains(&it)) && !it.subnets.is_empty()
    });
    let name = format!("com.amazonaws.{}.{service}", scope.region);
    let groups: Vec<_> =
        sibling.iter().flat_map(|it| &it.security_groups).map(SecurityGroupId::as_str).collect();
    let subnet = sibling.and_then(|it| it.subnets.first()).unwrap_or(&from.interface.subnet);
    Ok(Verdict::Fail(
        observed(
            &format!("{} ({})", from.interface.subnet, table.id),
            format!("has no way to {service}: no endpoint for it in {}, and no route out", from.vpc),
        ),
        Fix::new(
            format!("create an interface endpoint for {service} (or give the subnet a route to a NAT gateway)"),
            Recovery::Agent,
        )
        .aws(
            scope,
            [
                "ec2",
                "create-vpc-endpoint",
                "--vpc-endpoint-type",
                "Interface",
                "--vpc-id",
                from.vpc.as_str(),
                "--service-name",
                &name,
                "--subnet-ids",
                subnet.as_str(),
                "--security-group-ids",
                groups.first().copied().unwrap_or("<a group that admits tcp/443 from the instance>"),
                "--private-dns-enabled",
            ],
        ),
    ))
}

fn next_hop(
    facts: &Facts,
    scope: &Scope,
    vpc: &VpcId,
    table: &RouteTable,
    route: &Route,
    service: &str,
) -> Answer {
    use ec2::HopKind;
    let subject = format!("{} → {}", table.id, route.via);
    let replace = |summary: String| {
        Fix::new(summary, Recovery::Agent).aws(
            scope,
            [
                "ec2",
                "replace-route",
                "--route-table-id",
                table.id.as_str(),
                "--destination-cidr-block",
                &route.to.to_string(),
                "--nat-gateway-id",
                "<a NAT gateway in a public subnet>",
            ],
        )
    };
    if route.state == RouteState::Blackhole {
        return Ok(Verdict::Fail(
            observed(
                &subject,
                format!("is a blackhole for {}: the route's target is gone ({service})", route.to),
            ),
            replace(format!("point the route for {} at something that exists", route.to)),
        ));
    }
    match route.via.kind() {
        HopKind::InternetGateway(id) => {
            let attached = facts.internet_gateways(vpc).required()?;
            let works = attached
                .iter()
                .any(|it| it.id == id && matches!(it.state.as_str(), "available" | "attached"));
            Ok(if works {
                Verdict::Pass(observed(&subject, format!("is attached to {vpc}")))
            } else {
                Verdict::Fail(
                    observed(&subject, format!("is not attached to {vpc} ({service})")),
                    Fix::new(format!("attach {id} to {vpc}"), Recovery::Agent).aws(
                        scope,
                        [
                            "ec2",
                            "attach-internet-gateway",
                            "--internet-gateway-id",
                            id.as_str(),
                            "--vpc-id",
                            vpc.as_str(),
                        ],
                    ),
                )
            })
        }
        HopKind::NatGateway(id) => nat_gateway(facts, vpc, &id, &subject, service, &replace),
        HopKind::Local | HopKind::Endpoint(_) | HopKind::Other => Err(Unknown::limit(format!(
            "{} sends {} to {}, and what lies beyond is not visible",
            table.id, route.to, route.via
        ))),
    }
}

fn nat_gateway(
    facts: &Facts,
    vpc: &VpcId,
    id: &NatGatewayId,
    subject: &str,
    service: &str,
    replace: &dyn Fn(String) -> Fix,
) -> Answer {
    let Some(nat) = facts.nat_gateway(id).optional()? else {
        return Ok(Verdict::Fail(
            observed(subject, format!("does not exist any more ({service})")),
            replace(format!("point the route at a NAT gateway that exists; {id} does not")),
        ));
    };
    match nat.state {
        NatState::Available => {}
        NatState::Pending => {
            return Err(Unknown::limit(format!(
                "{id} is still being made: look again in some minutes"
            )));
        }
        NatState::Failed | NatState::Deleting | NatState::Deleted => {
            let why = nat.failure.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
            return Ok(Verdict::Fail(
                observed(subject, format!("is {}{why} ({service})", nat.state)),
                replace(format!("replace the NAT gateway {id}")),
            ));
        }
        NatState::Other(ref word) => {
            return Err(Unknown::limit(format!("{id} is in a state not known here: {word}")));
        }
    }
    if nat.connectivity == Connectivity::Private {
        return Ok(Verdict::Fail(
            observed(
                subject,
                format!("is a private NAT gateway, which leads to no public address ({service})"),
            ),
            replace("use a public NAT gateway, or endpoints".into()),
        ));
    }
    // A regional NAT gateway stands in no subnet and brings its own way out.
    let Some(subnet) = &nat.subnet else {
        return Ok(Verdict::Pass(observed(subject, "is an available regional NAT gateway")));
    };
    let table = table_of(facts, vpc, subnet)?;
    let default = |it: &&Route| matches!(&it.to, Destination::Cidr(to) if to.prefix_len() == 0 && to.addr().is_ipv4());
    let out = table.routes.iter().find(default);
    let gateway = out.and_then(|it| match it.via.kind() {
        ec2::HopKind::InternetGateway(id) => Some((it, id)),
        _ => None,
    });
    match (out, gateway) {
        (Some(route), Some((_, gateway))) if route.state == RouteState::Active => {
            let attached =
                facts.internet_gateways(vpc).required()?.iter().any(|it| it.id == gateway);
            if attached {
                Ok(Verdict::Pass(observed(
                    subject,
                    format!("is available, and {gateway} leads on"),
                )))
            } else {
                Ok(Verdict::Fail(
                    observed(
                        subject,
                        format!("leads on to {gateway}, which is not attached ({service})"),
                    ),
                    replace(format!("attach {gateway}, or use another NAT gateway")),
                ))
            }
        }
        (Some(route), None) if route.state == RouteState::Active => Err(Unknown::limit(format!(
            "{id} stands in {subnet}, whose table {} leads on to {}, and what lies beyond is not visible",
            table.id, route.via
        ))),
        _ => Ok(Verdict::Fail(
            observed(
                subject,
                format!(
                    "stands in {subnet}, which has no live route to an internet gateway ({service})"
                ),
            ),
            replace("give the NAT gateway's subnet a route to an internet gateway".into()),
        )),
    }
}

/// An internet gateway translates between an instance's public address and its private one; without
/// a public address there is nothing to translate to.
fn public_address(scope: &Scope, from: &Origin, route: &Route) -> Verdict {
    let interface = &from.interface.id;
    if let Some(address) = from.interface.public_ip {
        return Verdict::Pass(observed(interface, format!("has the public address {address}")));
    }
    let v6 = if from.interface.ipv6.is_empty() {
        ""
    } else {
        "; its IPv6 address does not help, since the agent asks for IPv4 endpoints by default"
    };
    Verdict::Fail(
        observed(
            interface,
            format!(
                "has no public IPv4 address, and its route for {} is the internet gateway {}{v6}",
                route.to, route.via
            ),
        ),
        Fix::new(
            "give the instance an Elastic IP address (or move it behind a NAT gateway or endpoints)",
            Recovery::Agent,
        )
        .aws(scope, ["ec2", "allocate-address", "--domain", "vpc"])
        .aws(
            scope,
            [
                "ec2",
                "associate-address",
                "--network-interface-id",
                interface.as_str(),
                "--allocation-id",
                "<AllocationId from above>",
            ],
        ),
    )
}

/// A gateway endpoint for `service` on the route table of the instance's subnet.
fn gateway_endpoint(
    facts: &Facts,
    scope: &Scope,
    from: &Origin,
    service: &str,
) -> Result<Option<Hop>, Unknown> {
    let table = table_of(facts, from.vpc, &from.interface.subnet)?;
    let endpoints = facts.endpoints(from.vpc).required()?;
    let gateway = endpoints.iter().find(|it| {
        it.kind == EndpointKind::Gateway
            && it.state == EndpointState::Available
            && it.serves(&scope.region) == Some(service)
            && it.route_tables.contains(&table.id)
    });
    Ok(gateway.map(|it| Hop {
        kind: HopKind::Endpoint,
        id: it.id.to_string(),
        answer: Ok(Verdict::Pass(observed(
            &it.id,
            format!("is a gateway endpoint for {service} on {}", table.id),
        ))),
    }))
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
