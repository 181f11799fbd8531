//! What becomes of packets: a deliberately naive second opinion on `solve::reach`.
//!
//! It shares the facts' types with the solver and none of its reasoning: concrete packets, from each
//! address of the instance to each address that the service's name can lead to, from each class of
//! ephemeral port, walked out and back through every group, ACL, route and gateway. Slow and plain on
//! purpose. The rules are those of the Amazon VPC User Guide and the AWS `PrivateLink` guide; each is
//! cited where it is applied.
//!
//! A fate is unclear where AWS does not let us see what decides it. Walking goes on behind such a
//! hop: whatever happens there, a reply that the instance's own subnet refuses never arrives.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
    sync::LazyLock,
};

use ipnet::IpNet;
use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Facts, Row},
    route53::{HostedZone, RecordType},
    scope::Scope,
};

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

/// What becomes of a packet on a leg of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Passes,
    /// By some of the ports that a translator may take.
    Partly(&'static str),
    Dropped(&'static str),
    Unclear(&'static str),
}
use Fate::{Dropped, Partly, Passes, Unclear};

impl Fate {
    /// One leg after another: a drop anywhere is a drop.
    fn then(self, next: Self) -> Self {
        if next.rank() > self.rank() { next } else { self }
    }

    fn rank(self) -> u8 {
        match self {
            Passes => 0,
            Partly(_) => 1,
            Unclear(_) => 2,
            Dropped(_) => 3,
        }
    }

    /// One of these, and nobody can see which.
    fn one_of(fates: impl IntoIterator<Item = Self>) -> Self {
        let fates: Vec<Self> = fates.into_iter().collect();
        match fates.as_slice() {
            [] => Unclear("nothing is known of it"),
            [first, rest @ ..] if rest.iter().all(|it| it.rank() == first.rank()) => *first,
            _ => Unclear("depends on what is not visible"),
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
    /// An interface of an endpoint that does not work.
    Dead(IpAddr),
}

impl Goal {
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Service(address) | Self::Dead(address) | Self::Interface { address, .. } => {
                *address
            }
        }
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
    /// Nothing on the way was out of sight.
    pub clear: bool,
    pub packets: usize,
    /// For each reading of what the names lead to, what was tried.
    pub readings: Vec<Vec<Attempt>>,
}

/// An address of the instance that packets leave from.
#[derive(Clone)]
struct Source<'a> {
    address: IpAddr,
    nic: &'a AttachedInterface,
}

pub struct Reference<'a> {
    facts: &'a Facts,
    scope: &'a Scope,
    service: &'a str,
    instance: &'a Instance,
    vpc: &'a VpcId,
}

/// The row, if AWS described it.
fn seen<T>(row: Option<&Row<T>>) -> Option<&T> {
    match row {
        Some(Row::Present(row)) => Some(row),
        _ => None,
    }
}

impl<'a> Reference<'a> {
    /// # Panics
    /// Without an instance in a VPC there is nothing to walk.
    pub fn new(facts: &'a Facts, scope: &'a Scope, service: &'a str) -> Self {
        let instance =
            scope.target.instance().and_then(|id| seen(facts.instances.get(id))).unwrap();
        Self { facts, scope, service, instance, vpc: instance.vpc.as_ref().unwrap() }
    }

    pub fn judge(&self) -> Judgement {
        if self.is_nameless() {
            return Judgement {
                arrival: Arrival::Nowhere,
                in_part: false,
                clear: true,
                packets: 0,
                readings: Vec::new(),
            };
        }
        let readings = self.readings();
        let (mut everywhere, mut nowhere, mut in_part) = (true, true, true);
        let mut judgement = Judgement {
            arrival: Arrival::Uncertain,
            in_part: false,
            clear: readings.len() == 1,
            packets: 0,
            readings: Vec::new(),
        };
        for names in readings {
            let (mut any, mut some) = (false, false);
            // Which name the agent asks for is written on the node alone.
            judgement.clear &= names.len() == 1;
            for goals in names {
                let from_all = |to| self.sources(to).into_iter().map(move |from| (from, to));
                let attempts: Vec<Attempt> = goals
                    .iter()
                    .flat_map(from_all)
                    .map(|(from, to)| self.attempt(&from, to))
                    .collect();
                // Of addresses of both kinds the agent's dialer falls back from one to the other: those of
                // one kind are enough (RFC 8305; Go's `net.Dialer`).
                let (v4, v6): (Vec<&Attempt>, Vec<&Attempt>) =
                    attempts.iter().partition(|it| it.from.is_ipv4());
                let all_work =
                    |all: &[&Attempt]| !all.is_empty() && all.iter().all(|it| it.works());
                any |= all_work(&v4) || all_work(&v6);
                some |= attempts.iter().any(Attempt::works) && Self::decided(&attempts);
                let usual = if v4.is_empty() { &v6 } else { &v4 };
                let falls_back = all_work(&v6) && !all_work(usual);
                judgement.in_part |= falls_back || usual.iter().any(|it| it.in_part);
                nowhere &= attempts.iter().all(Attempt::fails);
                judgement.clear &= attempts.iter().all(|it| it.unclear.is_empty());
                let ports = |it: &Attempt| it.passes.len() + it.dropped.len() + it.unclear.len();
                judgement.packets += 2 * attempts.iter().map(ports).sum::<usize>();
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

    /// All are to interfaces in the VPC, and of each it is certain whether it is reached.
    fn decided(attempts: &[Attempt]) -> bool {
        attempts.iter().all(|it| {
            let same = attempts.iter().filter(|other| other.to.address() == it.to.address());
            matches!(it.to, Goal::Interface { .. })
                && (it.works() || it.fails())
                && same.into_iter().all(|other| other.works() == it.works())
        })
    }

    // ------------------------------------------------------------ names

    /// What the names that the agent may ask for lead to, in every way to read what was seen.
    fn readings(&self) -> Vec<Vec<Vec<Goal>>> {
        let mut readings = Vec::new();
        for classic in self.classic_readings() {
            let v4 = classic.iter().all(|it| it.address().is_ipv4());
            let translated: Vec<Goal> = classic
                .iter()
                // What stands in the VPC a node with IPv4 reaches by that, or not at all.
                .filter(|it| matches!(it, Goal::Service(_)) || !self.has_v4())
                .filter_map(|it| {
                    let address = translated(it.address())?;
                    let dead = matches!(it, Goal::Dead(_));
                    Some(if dead { Goal::Dead(address) } else { Goal::Service(address) })
                })
                .collect();
            let mut push = |classic: Vec<Goal>| {
                let mut names = vec![classic];
                // A node without any IPv4 address may have been told to ask for the dual-stack name, if its
                // agent is of 3.3.3270.0 or newer (amazon-ssm-agent, release notes).
                if !self.has_v4() && !names[0].is_empty() && self.may_know_dual_stack() {
                    names.push(self.dual_stack());
                }
                readings.push(names);
            };
            // Who asks from a subnet with DNS64 gets an IPv6 address for what has none
            // (nat-gateway-nat64-dns64.html).
            let dns64 = self.first_nic().map(|nic| seen(self.facts.subnets.get(&nic.subnet)));
            match dns64.flatten().map(|it| it.dns64) {
                Some(true) if v4 => push([classic, translated].concat()),
                None if v4 => {
                    push([classic.clone(), translated].concat());
                    push(classic);
                }
                _ => push(classic),
            }
        }
        readings
    }

    fn may_know_dual_stack(&self) -> bool {
        let node = seen(self.facts.nodes.get(&self.scope.target));
        let version = node.and_then(|it| it.agent_version.as_deref());
        let numbers: Vec<u32> = version
            .into_iter()
            .flat_map(|it| it.split('.'))
            .filter_map(|it| it.parse().ok())
            .collect();
        numbers.len() != 4 || numbers >= vec![3, 3, 3270, 0]
    }

    fn first_nic(&self) -> Option<&'a AttachedInterface> {
        self.instance.interfaces.iter().min_by_key(|it| it.device_index)
    }

    fn has_v4(&self) -> bool {
        self.instance.interfaces.iter().any(|it| it.private_ip.is_some())
    }

    /// What `<service>.<region>.api.aws` leads to. The zone of an endpoint has it where the endpoint
    /// lists it among its names.
    fn dual_stack(&self) -> Vec<Goal> {
        let host = format!("{}.{}.api.aws", self.service, self.scope.region);
        let endpoints = seen(self.facts.endpoints.get(self.vpc)).map_or(&[][..], Vec::as_slice);
        let dns = seen(self.facts.vpc_dns.get(self.vpc));
        let hostnames = dns.is_some_and(|it| it.support && it.hostnames);
        let endpoint = endpoints.iter().find(|it| {
            let in_force = it.private_dns && it.state == EndpointState::Available && hostnames;
            in_force && it.kind == EndpointKind::Interface && it.names.contains(&host)
        });
        endpoint.map_or_else(|| self.public(false), |it| self.interfaces(it, true))
    }

    /// What the customer's own zones have for the service's name. A zone whose name the service's ends
    /// with answers for it, with nothing where it has no such record; of several the longest, and an
    /// endpoint's zone has the whole name (hosted-zone-private-considerations.html).
    fn zones(&self) -> Option<Vec<Vec<Goal>>> {
        let host = format!("{}.{}.amazonaws.com", self.service, self.scope.region);
        let Some(zones) = seen(self.facts.hosted_zones.get(self.vpc)) else {
            return Some(vec![self.anywhere(), Vec::new()]);
        };
        let ours = |it: &&HostedZone| host == it.name || host.ends_with(&format!(".{}", it.name));
        let zone = zones.iter().filter(ours).max_by_key(|it| it.name.len())?;
        let Some(records) = seen(self.facts.zone_records.get(&zone.id)) else {
            return Some(vec![self.anywhere(), Vec::new()]);
        };
        let mut goals = Vec::new();
        for record in records.iter().filter(|it| it.name == host) {
            match record.kind {
                RecordType::A | RecordType::Aaaa if record.alias.is_none() => {
                    let addresses = record.values.iter().filter_map(|it| it.parse().ok());
                    goals.extend(addresses.map(|it| self.owner(it)));
                }
                _ => return Some(vec![self.anywhere(), Vec::new()]),
            }
        }
        Some(vec![goals])
    }

    /// What `<service>.<region>.amazonaws.com` may lead to.
    fn classic_readings(&self) -> Vec<Vec<Goal>> {
        if self.asks_amazon() != Some(true) {
            // A name server of the VPC's owner may answer anything, or nothing.
            return vec![self.anywhere(), Vec::new()];
        }
        let dns = seen(self.facts.vpc_dns.get(self.vpc));
        let mut readings = match dns {
            // Without enableDnsSupport the VPC has no resolver at all (vpc-dns.html).
            Some(dns) if !dns.support => return vec![Vec::new()],
            Some(_) => Vec::new(),
            None => vec![Vec::new()],
        };
        let zones = self.zones();
        let hostnames = dns.map(|it| it.hostnames);
        // Zones of either kind take both attributes (vpc-dns.html).
        if hostnames == Some(false) {
            return vec![self.public(true)];
        }
        if hostnames.is_none() || zones.is_none() {
            readings.push(self.public(true));
        }
        let Some(endpoints) = seen(self.facts.endpoints.get(self.vpc)) else {
            readings.extend(zones.into_iter().flatten());
            readings.push(self.in_vpc(None, None, true));
            return readings;
        };
        // A zone is made for an endpoint that is in force (privatelink-access-aws-services.html,
        // "Private DNS").
        let private: Vec<&Endpoint> = endpoints
            .iter()
            .filter(|it| it.kind == EndpointKind::Interface && it.private_dns)
            .filter(|it| !it.private_dns_for_inbound_only)
            .filter(|it| self.is_for_service(it))
            .collect();
        let in_force = private.iter().find(|it| it.state == EndpointState::Available);
        match in_force {
            Some(endpoint) => {
                let public = hostnames.is_none().then(|| self.public(true));
                readings = public.into_iter().collect();
                readings.extend(self.records(endpoint, true));
                if dns.is_none() {
                    readings.push(Vec::new());
                }
                return readings;
            }
            None => readings.extend(zones.into_iter().flatten()),
        }
        for endpoint in private {
            match endpoint.state {
                // Gone, or never accepted: no zone.
                EndpointState::Deleted
                | EndpointState::Failed
                | EndpointState::Rejected
                | EndpointState::Expired
                | EndpointState::PendingAcceptance => {}
                // On its way in or out: the zone may be there, the interfaces do not serve.
                EndpointState::Pending | EndpointState::Deleting => {
                    readings.extend(self.records(endpoint, false));
                }
                _ => {
                    readings.extend(self.records(endpoint, true));
                    readings.extend(self.records(endpoint, false));
                }
            }
        }
        readings
    }

    /// Do the VPC's instances ask Amazon's resolver? Its own addresses count: the base of the VPC's
    /// first CIDR plus two, 169.254.169.253 and `fd00:ec2::253` (`AmazonDNS-concepts.html`).
    fn asks_amazon(&self) -> Option<bool> {
        let vpc = seen(self.facts.vpcs.get(self.vpc))?;
        let id = vpc.dhcp_options.as_ref()?;
        let options = seen(self.facts.dhcp_options.get(id))?;
        let plus_two = vpc.cidrs.iter().filter_map(|it| match it {
            IpNet::V4(net) => Some(Ipv4Addr::from(u32::from(net.network()) + 2).to_string()),
            IpNet::V6(_) => None,
        });
        let resolvers: Vec<String> = plus_two
            .chain(["AmazonProvidedDNS".into(), "169.254.169.253".into(), "fd00:ec2::253".into()])
            .collect();
        Some(options.name_servers.iter().all(|it| resolvers.contains(it)))
    }

    /// Is it certain that no DNS server hears a question, or none of its answers is let in? Amazon's own
    /// is past every filter (vpc-security-groups.html).
    fn is_nameless(&self) -> bool {
        if self.asks_amazon() != Some(false) {
            return false;
        }
        let options = seen(self.facts.vpcs.get(self.vpc)).and_then(|it| it.dhcp_options.as_ref());
        let options = options.and_then(|it| seen(self.facts.dhcp_options.get(it)));
        let servers = options.map_or(&[][..], |it| it.name_servers.as_slice());
        // One without an IPv4 address has no way to an IPv4 server.
        let mut nics: Vec<&AttachedInterface> = self.instance.interfaces.iter().collect();
        nics.retain(|it| it.private_ip.is_some());
        nics.sort_by_key(|it| it.device_index);
        // By the default route, but for a server in a subnet of another interface.
        let by = |nic: &AttachedInterface, server: IpAddr| {
            nics.first().is_some_and(|it| it.id == nic.id)
                || seen(self.facts.subnets.get(&nic.subnet)).is_none_or(|it| match server {
                    IpAddr::V4(server) => it.cidr.is_some_and(|net| net.contains(&server)),
                    IpAddr::V6(_) => true,
                })
        };
        !nics.is_empty()
            && servers.iter().all(|server| {
                let Ok(server) = server.parse::<IpAddr>() else { return false };
                [Protocol::Udp, Protocol::Tcp].into_iter().all(|protocol| {
                    let mut asking = nics.iter().filter(|nic| by(nic, server));
                    asking.all(|nic| self.asks_in_vain(nic, server, protocol))
                })
            })
    }

    fn asks_in_vain(&self, nic: &AttachedInterface, server: IpAddr, protocol: Protocol) -> bool {
        let inside = self.vpc_cidrs().iter().any(|it| it.contains(&server));
        let groups = Some(nic.security_groups.as_slice());
        let peers: Option<&[SecurityGroupId]> = if inside { None } else { Some(&[]) };
        let what = "the question";
        let leaves = self.groups_for((protocol, DNS), groups, Way::Out, server, peers, what);
        let Some(subnet) = seen(self.facts.subnets.get(&nic.subnet)) else { return false };
        let IpAddr::V4(address) = server else { return false };
        if subnet.cidr.is_some_and(|net| net.contains(&address)) {
            return matches!(leaves, Dropped(_));
        }
        let out = self.acl_for((protocol, DNS), &nic.subnet, Way::Out, server, what);
        let asked = leaves.then(out);
        self.port_classes(&self.ephemeral()).into_iter().all(|port| {
            let back = self.acl_for((protocol, port), &nic.subnet, Way::In, server, what);
            matches!(asked.then(back), Dropped(_))
        })
    }

    fn is_for_service(&self, endpoint: &Endpoint) -> bool {
        endpoint.service_region.as_ref().is_none_or(|it| *it == self.scope.region)
            && endpoint.service.ends_with(&format!(".{}.{}", self.scope.region, self.service))
    }

    /// What an endpoint's zone has for the service's name, in each way to read its settings. Records
    /// are of the interfaces' family unless that is set ("DNS record IP type").
    fn records(&self, endpoint: &Endpoint, alive: bool) -> Vec<Vec<Goal>> {
        let all = self.interfaces(endpoint, alive);
        let only = |v4: bool| -> Vec<Goal> {
            all.iter().filter(|it| it.address().is_ipv4() == v4).cloned().collect()
        };
        let family = endpoint.dns_record_ip_type.as_ref().or(endpoint.ip_address_type.as_ref());
        match family {
            // By the name that is asked for: this one has IPv4 addresses alone.
            None | Some(AddressFamily::V4 | AddressFamily::ServiceDefined) => vec![only(true)],
            Some(AddressFamily::V6) => vec![only(false)],
            Some(AddressFamily::Dual) => vec![all],
            Some(_) => vec![only(true), all],
        }
    }

    /// The addresses of an endpoint's interfaces.
    fn interfaces(&self, endpoint: &Endpoint, alive: bool) -> Vec<Goal> {
        let mut found = Vec::new();
        for id in &endpoint.interfaces {
            let Some(nic) = seen(self.facts.network_interfaces.get(id)) else {
                // Its address may be any in the endpoint's subnets.
                for subnet in &endpoint.subnets {
                    found.extend(self.in_vpc(Some(subnet), Some(&endpoint.security_groups), alive));
                }
                continue;
            };
            found.extend(
                nic.private_ips.iter().map(|&address| {
                    if alive { interface(nic, address) } else { Goal::Dead(address) }
                }),
            );
        }
        found
    }

    /// Who has this address, which somebody wrote into a zone.
    fn owner(&self, address: IpAddr) -> Goal {
        let nics = self.facts.network_interfaces.values().filter_map(|it| seen(Some(it)));
        let endpoints = seen(self.facts.endpoints.get(self.vpc)).map_or(&[][..], Vec::as_slice);
        let mut holders = nics.filter(|it| it.private_ips.contains(&address));
        if let Some(nic) = holders.next() {
            let alive = endpoints.iter().any(|it| {
                let ours = it.interfaces.iter().any(|id| {
                    seen(self.facts.network_interfaces.get(id)).is_some_and(|it| it == nic)
                });
                ours && self.is_for_service(it) && it.state == EndpointState::Available
            });
            return if alive { interface(nic, address) } else { Goal::Dead(address) };
        }
        // AWS was asked who has it, and nobody does.
        let nobody = self
            .facts
            .interfaces_at
            .iter()
            .any(|(place, row)| place.address == address && matches!(row, Row::Absent(_)));
        let inside = self.vpc_cidrs().iter().any(|net| net.contains(&address));
        if nobody && inside {
            return Goal::Dead(address);
        }
        if inside {
            return Goal::Interface { address, subnet: None, groups: None };
        }
        Goal::Service(address)
    }

    /// An interface somewhere in a subnet, or in the VPC, that was not seen: every class of address.
    fn in_vpc(
        &self,
        subnet: Option<&SubnetId>,
        groups: Option<&Vec<SecurityGroupId>>,
        alive: bool,
    ) -> Vec<Goal> {
        let known = subnet.and_then(|it| seen(self.facts.subnets.get(it)));
        let within: Vec<IpNet> = match (known, seen(self.facts.vpcs.get(self.vpc))) {
            (Some(known), _) => {
                let v6 = known.ipv6_cidrs.iter().copied().map(IpNet::V6);
                known.cidr.map(IpNet::V4).into_iter().chain(v6).collect()
            }
            (None, Some(vpc)) => vpc.cidrs.clone(),
            (None, None) => PRIVATE.clone(),
        };
        let addresses = self.classes().into_iter().chain(within.iter().map(IpNet::network));
        addresses
            .filter(|it| within.iter().any(|net| net.contains(it)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|address| {
                if !alive {
                    return Goal::Dead(address);
                }
                Goal::Interface { address, subnet: subnet.cloned(), groups: groups.cloned() }
            })
            .collect()
    }

    /// What somebody else's name server may answer: the public addresses, an endpoint of the service
    /// whatever its own DNS settings, or an address outside the VPC.
    fn anywhere(&self) -> Vec<Goal> {
        let mut all = self.public(true);
        if !self.has_v4() {
            all.extend(self.public(false));
        }
        match seen(self.facts.endpoints.get(self.vpc)) {
            None => all.extend(self.in_vpc(None, None, true)),
            Some(endpoints) => {
                let ours = endpoints
                    .iter()
                    .filter(|it| it.kind == EndpointKind::Interface && self.is_for_service(it));
                all.extend(ours.flat_map(|it| {
                    let alive = matches!(
                        it.state,
                        EndpointState::Available | EndpointState::Partial | EndpointState::Other(_)
                    );
                    self.interfaces(it, alive)
                }));
            }
        }
        let vpc = self.vpc_cidrs();
        let elsewhere = self.classes().into_iter().filter(|it| {
            PRIVATE.iter().any(|net| net.contains(it)) && !vpc.iter().any(|net| net.contains(it))
        });
        all.extend(elsewhere.map(Goal::Service));
        all
    }

    fn vpc_cidrs(&self) -> &'a [IpNet] {
        seen(self.facts.vpcs.get(self.vpc)).map_or(&[], |it| it.cidrs.as_slice())
    }

    /// The service's public addresses: nobody publishes which, so a few real ones and one of every
    /// class that some rule, route or list tells apart. Of S3 they are what its prefix list holds, and
    /// nobody else's are in there (gateway-endpoints.html).
    fn public(&self, v4: bool) -> Vec<Goal> {
        let (ours, others) = (self.listed(true), self.listed(false));
        let within = |nets: &[IpNet], it: &IpAddr| nets.iter().any(|net| net.contains(it));
        self.classes()
            .into_iter()
            .filter(|it| is_public(*it) && it.is_ipv4() == v4)
            .filter(|it| ours.is_empty() || it.is_ipv6() || within(&ours, it))
            .filter(|it| !within(&others, it))
            // Nobody else has the addresses of a VPC's IPv6 block.
            .filter(|it| it.is_ipv4() || !within(self.vpc_cidrs(), it))
            .map(Goal::Service)
            .collect()
    }

    /// What is routed to gateway endpoints: for this service, or for others.
    fn listed(&self, ours: bool) -> Vec<IpNet> {
        let endpoints = seen(self.facts.endpoints.get(self.vpc)).map_or(&[][..], Vec::as_slice);
        let gateways: Vec<&str> = endpoints
            .iter()
            .filter(|it| it.kind == EndpointKind::Gateway && self.is_for_service(it) == ours)
            .map(|it| it.id.as_str())
            .collect();
        let tables = seen(self.facts.route_tables.get(self.vpc)).map_or(&[][..], Vec::as_slice);
        let routes = tables.iter().flat_map(|it| &it.routes);
        let lists = routes.filter(|it| gateways.contains(&it.via.0.as_str())).filter_map(|it| {
            match &it.to {
                Destination::List(id) => seen(self.facts.prefix_lists.get(id)),
                _ => None,
            }
        });
        lists.flat_map(|it| it.cidrs.iter().copied()).collect()
    }

    /// An address of every class that anything in the facts tells apart. CIDRs nest or do not meet,
    /// so each class begins where a CIDR begins or behind where one ends.
    fn classes(&self) -> BTreeSet<IpAddr> {
        let mut nets: Vec<IpNet> = PRIVATE.clone();
        let transit = self.facts.transit_gateways.values().filter_map(|it| seen(Some(it)));
        nets.extend(transit.flat_map(|it| &it.tables).flat_map(|it| &it.routes).filter_map(|it| {
            match &it.to {
                Destination::Cidr(net) => Some(*net),
                _ => None,
            }
        }));
        let tables = self.facts.route_tables.values().filter_map(|it| seen(Some(it)));
        for table in tables.flatten() {
            nets.extend(table.routes.iter().filter_map(|it| match &it.to {
                Destination::Cidr(net) => Some(*net),
                _ => None,
            }));
        }
        let cidr = |peer: &Peer| match peer {
            Peer::Cidr(net) => Some(*net),
            _ => None,
        };
        let acls = self.facts.network_acls.values().filter_map(|it| seen(Some(it)));
        for acl in acls.flatten() {
            nets.extend(acl.entries.iter().filter_map(|it| cidr(&it.peer)));
        }
        for group in self.facts.security_groups.values().filter_map(|it| seen(Some(it))) {
            nets.extend(group.ingress.iter().chain(&group.egress).filter_map(|it| cidr(&it.peer)));
        }
        for list in self.facts.prefix_lists.values().filter_map(|it| seen(Some(it))) {
            nets.extend(&list.cidrs);
        }
        for subnet in self.facts.subnets.values().filter_map(|it| seen(Some(it))) {
            nets.extend(subnet.cidr.map(IpNet::V4));
            nets.extend(subnet.ipv6_cidrs.iter().copied().map(IpNet::V6));
        }
        let known = "3.112.64.10 18.180.1.9 52.94.8.20 99.77.60.3 150.222.9.4 205.251.242.7
            2600:1fa0:c000::1 2a05:d07a:a000::2 2406:daa0::3";
        let mut addresses: BTreeSet<IpAddr> =
            known.split_whitespace().map(|it| it.parse().unwrap()).collect();
        for net in nets {
            addresses.insert(net.network());
            addresses.insert(net.broadcast());
            addresses.extend(behind(net.broadcast()));
        }
        addresses
    }

    // ------------------------------------------------------------ sources

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
        if matches!(to, Goal::Service(_)) || connected(&first) {
            return vec![first];
        }
        let others = all.into_iter().filter(|it| it.nic.id != first.nic.id && connected(it));
        std::iter::once(first.clone()).chain(others).collect()
    }

    // ------------------------------------------------------------ the walk

    fn attempt(&self, from: &Source, to: &Goal) -> Attempt {
        let mut attempt = Attempt {
            from: from.address,
            to: to.clone(),
            passes: Vec::new(),
            dropped: Vec::new(),
            unclear: Vec::new(),
            in_part: false,
            because: Passes,
        };
        let ports = self.ephemeral();
        let mut lost = 0;
        for port in self.port_classes(&ports) {
            let fate = match to {
                Goal::Service(address) => self.to_service(from, *address, port),
                Goal::Dead(_) => Dropped("the endpoint is not in service"),
                Goal::Interface { address, subnet, groups } => {
                    self.to_interface(from, *address, subnet.as_ref(), groups.as_deref(), port)
                }
            };
            match fate {
                Passes | Partly(_) => attempt.passes.push(port),
                Dropped(_) => {
                    attempt.dropped.push(port);
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

    /// A port of every class that an ACL tells apart.
    pub fn port_classes(&self, within: &RangeInclusive<u16>) -> BTreeSet<u16> {
        let mut ports = BTreeSet::from([*within.start(), *within.end()]);
        for acl in self.facts.network_acls.values().filter_map(|it| seen(Some(it))).flatten() {
            for entry in &acl.entries {
                if let Traffic::Tcp(low, high) | Traffic::Udp(low, high) = entry.traffic {
                    ports.extend([low, high.saturating_add(1)]);
                }
            }
        }
        ports.retain(|it| within.contains(it));
        ports
    }

    /// How many ports of the range `port` stands for.
    fn class_size(&self, port: u16, within: &RangeInclusive<u16>) -> usize {
        let next = self.port_classes(within).into_iter().find(|it| *it > port);
        next.map_or(usize::from(*within.end()) + 1, usize::from) - usize::from(port)
    }

    /// To another interface of the VPC, and back.
    fn to_interface(
        &self,
        from: &Source,
        to: IpAddr,
        subnet: Option<&SubnetId>,
        groups: Option<&[SecurityGroupId]>,
        port: u16,
    ) -> Fate {
        let here = &from.nic.subnet;
        let ours = Some(from.nic.security_groups.as_slice());
        let leaves = self.groups(ours, Way::Out, to, groups, "the instance's groups");
        let enters = self.groups(groups, Way::In, from.address, ours, "the endpoint's groups");
        let same = match (subnet, seen(self.facts.subnets.get(here))) {
            (Some(there), _) => Some(there == here),
            (None, Some(here)) => Some(match to {
                IpAddr::V4(to) => here.cidr.is_some_and(|net| net.contains(&to)),
                IpAddr::V6(to) => here.ipv6_cidrs.iter().any(|net| net.contains(&to)),
            }),
            (None, None) => None,
        };
        // Within a subnet packets go from card to card: no ACL (vpc-network-acls.html) and no route
        // table (gateway-route-tables.html) is asked.
        let crosses = || {
            let out = self
                .acl(here, Way::Out, to, HTTPS, "out of the instance's subnet")
                .then(self.within_vpc(here, to))
                .then(subnet.map_or(Unclear("the endpoint's subnet"), |there| {
                    self.acl(there, Way::In, from.address, HTTPS, "into the endpoint's subnet")
                }));
            let back = subnet
                .map_or(Unclear("the endpoint's subnet"), |there| {
                    self.acl(there, Way::Out, from.address, port, "out of the endpoint's subnet")
                        .then(self.within_vpc(there, from.address))
                })
                .then(self.acl(here, Way::In, to, port, "into the instance's subnet"));
            out.then(back)
        };
        let between = match same {
            Some(true) => Passes,
            Some(false) => crosses(),
            None => Fate::one_of([Passes, crosses()]),
        };
        leaves.then(between).then(enters)
    }

    /// The router's part of a way between two subnets.
    fn within_vpc(&self, subnet: &SubnetId, to: IpAddr) -> Fate {
        Fate::one_of(self.next_hops(subnet, to).into_iter().map(|hop| match hop {
            Next::Nowhere => Dropped("no route"),
            Next::Blackhole => Dropped("a blackhole route"),
            Next::Unseen => Unclear("the route"),
            Next::Via(via) if via == "local" => Passes,
            // A middlebox in place of the local route (subnet-route-tables.html).
            Next::Via(via) => match self.nat(&via) {
                Some(nat) if nat.state != NatState::Available => Dropped("a dead NAT gateway"),
                _ => Unclear("a middlebox"),
            },
        }))
    }

    /// To an address outside the VPC, and back.
    fn to_service(&self, from: &Source, to: IpAddr, port: u16) -> Fate {
        let here = &from.nic.subnet;
        let ours = Some(from.nic.security_groups.as_slice());
        let leaves = self
            .groups(ours, Way::Out, to, Some(&[]), "the instance's groups")
            .then(self.acl(here, Way::Out, to, HTTPS, "out of the instance's subnet"));
        let hops = self.next_hops(here, to).into_iter();
        let returns = self.acl(here, Way::In, to, port, "into the instance's subnet");
        let ways = hops.map(|hop| {
            let returns = match &hop {
                Next::Via(via) if self.feet(self.vpc, via).is_none_or(|it| it.contains(here)) => {
                    // Of a subnet with a foot of the transit gateway in it the guide says two things
                    // that do not fit (tgw-nacls.html).
                    let inward = self.acl(here, Way::In, from.address, HTTPS, "beside the foot");
                    match returns.then(inward) {
                        Passes => Passes,
                        _ => Unclear("which rules hold beside a transit gateway's foot"),
                    }
                }
                _ => returns,
            };
            self.beyond(from, &hop, to, port).then(returns)
        });
        leaves.then(Fate::one_of(ways))
    }

    /// From where the route sends the packet to the service and back again.
    fn beyond(&self, from: &Source, hop: &Next, to: IpAddr, port: u16) -> Fate {
        let via = match hop {
            Next::Nowhere => return Dropped("no route"),
            Next::Blackhole => return Dropped("a blackhole route"),
            Next::Unseen => return Unclear("the route"),
            Next::Via(via) => via,
        };
        if via == "local" {
            return Dropped("nobody has that address in the VPC");
        }
        if via.starts_with("igw-") || via.starts_with("eigw-") {
            // One-to-one translation, for those who have a public address (VPC_Internet_Gateway.html).
            let addressed = to.is_ipv6() || from.nic.public_ip.is_some();
            let addressed = if addressed { Passes } else { Dropped("no public address") };
            return self.internet(via, &from.nic.subnet, to, false).then(addressed);
        }
        if via.starts_with("nat-") {
            return self.through_nat(from, via, to, port);
        }
        if via.starts_with("eni-") {
            return self.through_instance(from, via, to, port);
        }
        if via.starts_with("tgw-") {
            let foot = self.transit(self.vpc, &from.nic.subnet, via);
            return foot.then(self.across(from, via, to, port));
        }
        // The other side of a peering lends neither its internet gateway nor its NAT
        // (vpc-peering-basics.html, "Edge to edge routing").
        if via.starts_with("pcx-") && is_public(untranslated(to).unwrap_or(to)) {
            return Dropped("peering does not lead to the internet");
        }
        match self.gateway(via) {
            Some(endpoint) if !self.is_for_service(endpoint) => {
                Dropped("another service's endpoint")
            }
            Some(endpoint) => match endpoint.state {
                EndpointState::Available => Passes,
                EndpointState::Partial | EndpointState::Other(_) => Unclear("the gateway endpoint"),
                _ => Dropped("the endpoint is not in service"),
            },
            None => Unclear("what lies behind the next hop"),
        }
    }

    /// The gateway endpoint of this id.
    fn gateway(&self, id: &str) -> Option<&'a Endpoint> {
        let endpoints = seen(self.facts.endpoints.get(self.vpc))?;
        endpoints.iter().find(|it| it.id.as_str() == id && it.kind == EndpointKind::Gateway)
    }

    fn nat(&self, id: &str) -> Option<&'a NatGateway> {
        let id = id.parse().ok()?;
        seen(self.facts.nat_gateways.get(&id))
    }

    fn through_nat(&self, from: &Source, id: &str, to: IpAddr, port: u16) -> Fate {
        let Some(nat) = self.nat(id) else { return Unclear("the NAT gateway") };
        let works = match nat.state {
            NatState::Available => Passes,
            NatState::Other(_) => Unclear("the NAT gateway's state"),
            _ => return Dropped("a dead NAT gateway"),
        };
        // NAT64 takes 64:ff9b::/96 for the IPv4 address in its last bits.
        let Some(behind) = untranslated(to) else { return Unclear("NAT64 of another prefix") };
        let here = &from.nic.subnet;
        let Some(there) = &nat.subnet else {
            // It has no subnet to be filtered in, and a route table of its own, to the VPC's internet
            // gateway (nat-gateways-regional.html).
            let gateways =
                seen(self.facts.internet_gateways.get(self.vpc)).map_or(&[][..], Vec::as_slice);
            let attached = gateways.iter().find(|it| it.state == "available");
            return works.then(match (&nat.connectivity, attached) {
                (Connectivity::Private, _) => Dropped("a private NAT gateway"),
                (Connectivity::Public, Some(_)) if !is_public(behind) => {
                    Dropped("nobody has that address on the internet")
                }
                (Connectivity::Public, Some(_)) => self.access(None, true),
                _ => Unclear("a regional NAT gateway's own routes"),
            });
        };
        let same = here == there;
        let cross = |way, peer, port, what| {
            if same { Passes } else { self.acl(there, way, peer, port, what) }
        };
        let into = cross(Way::In, from.address, HTTPS, "from the instance to the NAT gateway");
        let out = self.acl(there, Way::Out, behind, HTTPS, "from the NAT gateway out");
        let gateway = self.next_hops(there, behind).into_iter().map(|hop| match hop {
            Next::Nowhere => Dropped("no route for the NAT gateway"),
            Next::Blackhole => Dropped("a blackhole route for the NAT gateway"),
            Next::Unseen => Unclear("the NAT gateway's route"),
            Next::Via(via) if via == "local" && is_public(behind) => {
                Dropped("nobody has that address in the VPC")
            }
            // What a private one sends to an internet gateway is dropped (vpc-nat-gateway.html).
            Next::Via(via) if via.starts_with("igw-") => {
                let translated = match &nat.connectivity {
                    Connectivity::Public => Passes,
                    Connectivity::Private => Dropped("a private NAT gateway"),
                    Connectivity::Other(_) => Unclear("the NAT gateway's connectivity"),
                };
                translated.then(self.internet(&via, there, behind, true))
            }
            Next::Via(via) if via.starts_with("pcx-") && is_public(behind) => {
                Dropped("peering does not lead to the internet")
            }
            Next::Via(via) if via == id => Dropped("a NAT gateway that routes to itself"),
            Next::Via(_) => Unclear("what lies behind the NAT gateway"),
        });
        let gateway = Fate::one_of(gateway);
        // It listens for replies on any of its ports (nat-gateway-basics.html).
        let reply = self.some_reply(there, behind, "replies into the NAT gateway's subnet");
        let home = cross(Way::Out, from.address, port, "from the NAT gateway to the instance");
        let home = home.then(if same { Passes } else { self.within_vpc(there, from.address) });
        works.then(into).then(out).then(gateway).then(reply).then(home)
    }

    /// An ACL lets replies in to some port, of those that translators use.
    fn some_reply(&self, subnet: &SubnetId, from: IpAddr, what: &'static str) -> Fate {
        let range = 1024..=65535;
        let ports = self.port_classes(&range).into_iter();
        let fates: Vec<(u16, Fate)> =
            ports.map(|it| (it, self.acl(subnet, Way::In, from, it, what))).collect();
        let lost = fates.iter().filter(|it| it.1 != Passes);
        let lost = lost.map(|it| self.class_size(it.0, &range)).sum();
        match fates.iter().map(|it| it.1).min_by_key(|it| it.rank()).unwrap() {
            Passes if is_felt(lost, &range) => Partly(what),
            best => best,
        }
    }

    /// Through an instance that translates. That it does nobody can see, only that it cannot.
    fn through_instance(&self, from: &Source, id: &str, to: IpAddr, port: u16) -> Fate {
        let unseen = Unclear("what the instance does with it");
        let id: NetworkInterfaceId = id.parse().unwrap();
        let Some(nic) = seen(self.facts.network_interfaces.get(&id)) else { return unseen };
        // It drops what is not addressed to itself (VPC_NAT_Instance.html).
        if nic.source_dest_check == Some(true) {
            return Dropped("the source/destination check");
        }
        let Some(owner) = &nic.instance else { return unseen };
        match seen(self.facts.instances.get(owner)).map(|it| &it.state) {
            None | Some(InstanceState::Running | InstanceState::Other(_)) => {}
            Some(_) => return Dropped("the NAT instance does not run"),
        }
        let (here, there) = (&from.nic.subnet, &nic.subnet);
        let same = here == there;
        let cross = |way, peer, port, what| {
            if same { Passes } else { self.acl(there, way, peer, port, what) }
        };
        let groups = Some(nic.security_groups.as_slice());
        let ours = Some(from.nic.security_groups.as_slice());
        let into = cross(Way::In, from.address, HTTPS, "from the instance to the NAT instance")
            .then(self.groups(groups, Way::In, from.address, ours, "the NAT instance's groups"));
        let out = self
            .groups(groups, Way::Out, to, Some(&[]), "the NAT instance's groups")
            .then(self.acl(there, Way::Out, to, HTTPS, "from the NAT instance out"));
        let gateway = self.next_hops(there, to).into_iter().map(|hop| match hop {
            Next::Nowhere => Dropped("no route for the NAT instance"),
            Next::Blackhole => Dropped("a blackhole route for the NAT instance"),
            Next::Via(via) if via.starts_with("igw-") => {
                let addressed = nic.public_ip.is_some() || to.is_ipv6();
                let addressed = if addressed { Passes } else { Dropped("no public address") };
                self.internet(&via, there, to, false).then(addressed)
            }
            Next::Via(via) if via == id.as_str() => Dropped("a NAT instance that routes to itself"),
            Next::Unseen | Next::Via(_) => Unclear("what lies behind the NAT instance"),
        });
        let gateway = Fate::one_of(gateway);
        let reply = self.some_reply(there, to, "replies into the NAT instance's subnet");
        let home = cross(Way::Out, from.address, port, "from the NAT instance to the instance");
        let home = home.then(if same { Passes } else { self.within_vpc(there, from.address) });
        into.then(out).then(gateway).then(reply).then(home).then(unseen)
    }

    /// The subnets that a VPC's foot on a transit gateway stands in; none for what is no transit gateway, None
    /// for what was not seen.
    fn feet(&self, vpc: &VpcId, id: &str) -> Option<Vec<SubnetId>> {
        if !id.starts_with("tgw-") {
            return Some(Vec::new());
        }
        let all = seen(self.facts.transit_gateway_attachments.get(vpc))?;
        let of_it = all.iter().find(|it| it.transit_gateway.as_str() == id);
        Some(of_it.map(|it| it.subnets.clone()).unwrap_or_default())
    }

    fn zone(&self, subnet: &SubnetId) -> Option<String> {
        seen(self.facts.subnets.get(subnet))?.availability_zone.clone()
    }

    /// A transit gateway takes traffic from Availability Zones where the VPC's attachment has a subnet
    /// (tgw-vpc-attachments.html).
    fn transit(&self, vpc: &VpcId, subnet: &SubnetId, id: &str) -> Fate {
        let unseen = Unclear("the transit gateway's foot");
        let Some(all) = seen(self.facts.transit_gateway_attachments.get(vpc)) else {
            return unseen;
        };
        let Some(attachment) = all.iter().find(|it| it.transit_gateway.as_str() == id) else {
            return Dropped("no transit gateway attachment");
        };
        match attachment.state {
            AttachmentState::Available | AttachmentState::Modifying => {}
            AttachmentState::Other(_) => return unseen,
            _ => return Dropped("the transit gateway attachment"),
        }
        let zones: Vec<_> = attachment.subnets.iter().map(|it| self.zone(it)).collect();
        match self.zone(subnet) {
            Some(zone) if zones.contains(&Some(zone.clone())) => Passes,
            Some(_) if zones.iter().all(Option::is_some) => {
                Dropped("no transit gateway attachment in the zone")
            }
            _ => unseen,
        }
    }

    /// Which VPCs a packet from this one may get to by the tables of a transit gateway
    /// (how-transit-gateways-work.html); None among them where AWS does not show it.
    fn switched(&self, vpc: &VpcId, id: &str, to: IpAddr) -> Result<Vec<Option<&'a VpcId>>, Fate> {
        let unseen = Ok(vec![None]);
        let Some(gateway) = seen(self.facts.transit_gateways.get(&id.parse().unwrap())) else {
            return unseen;
        };
        let all = seen(self.facts.transit_gateway_attachments.get(vpc));
        let foot = all.and_then(|it| it.iter().find(|it| it.transit_gateway.as_str() == id));
        let ours = gateway.attachments.iter().find(|it| foot.is_some_and(|foot| foot.id == it.id));
        // Nobody but the owner sees any table.
        let (Some(ours), false) = (ours, gateway.tables.is_empty()) else { return unseen };
        let Some(association) = &ours.association else {
            return Err(Dropped("an attachment without a table"));
        };
        if association.state != AssociationState::Associated {
            return unseen;
        }
        let table = gateway.tables.iter().find(|it| association.table.as_ref() == Some(&it.id));
        let Some(table) = table else { return unseen };
        let matching = table.routes.iter().filter_map(|it| match &it.to {
            Destination::Cidr(net) if net.contains(&to) => {
                Some(((net.prefix_len(), !it.propagated), it))
            }
            _ => None,
        });
        // The longest prefix, and of those the static one.
        let Some((_, route)) = matching.max_by_key(|it| it.0) else {
            // Each VPC announces itself to the default table. One without any is not all there is.
            let odd = table.default_propagation && table.routes.iter().all(|it| !it.propagated);
            return if odd { unseen } else { Err(Dropped("no route in the transit gateway")) };
        };
        match route.state {
            RouteState::Active => {}
            RouteState::Blackhole => return Err(Dropped("a blackhole in the transit gateway")),
            _ => return unseen,
        }
        let via = route.via.iter().map(|via| {
            gateway.attachments.iter().find(|it| it.id == *via).and_then(|it| it.vpc.as_ref())
        });
        let mut via: Vec<Option<&VpcId>> = via.collect();
        via.dedup();
        Ok(if via.is_empty() { vec![None] } else { via })
    }

    /// Over a transit gateway and out of another VPC, and back.
    fn across(&self, from: &Source, id: &str, to: IpAddr, port: u16) -> Fate {
        let vpcs = match self.switched(self.vpc, id, to) {
            Ok(vpcs) => vpcs,
            Err(fate) => return fate,
        };
        let feet = self.feet(self.vpc, id).unwrap_or_default();
        let here = &from.nic.subnet;
        // What comes from a VPC a foot's subnet takes in (tgw-nacls.html).
        let near = feet.iter().filter(|it| self.zone(it) == self.zone(here));
        let leaves = Fate::one_of(near.map(|it| {
            let what = "into the transit gateway's foot";
            if it == here { Passes } else { self.acl(it, Way::In, from.address, HTTPS, what) }
        }));
        let ways = vpcs.into_iter().map(|vpc| match vpc {
            Some(vpc) if vpc != self.vpc => {
                let other = Self { vpc, ..*self };
                other.out_for_others(from, self.vpc, id, to, port)
            }
            _ => Unclear("what lies behind the transit gateway"),
        });
        leaves.then(Fate::one_of(ways))
    }

    /// From the foot in this VPC out to the internet, for a packet of another VPC; and back to that.
    fn out_for_others(&self, from: &Source, home: &VpcId, id: &str, to: IpAddr, port: u16) -> Fate {
        let unseen = Unclear("what is in the other VPC");
        let Some(feet) = self.feet(self.vpc, id) else { return unseen };
        let zone = self.zone(&from.nic.subnet);
        let near: Vec<_> = feet.iter().filter(|it| self.zone(it) == zone).collect();
        let feet = if near.is_empty() { feet.iter().collect() } else { near };
        Fate::one_of(feet.into_iter().map(|foot| {
            let hops = self.next_hops(foot, to).into_iter();
            Fate::one_of(hops.map(|hop| match hop {
                Next::Nowhere => Dropped("no route behind the transit gateway"),
                Next::Blackhole => Dropped("a blackhole behind the transit gateway"),
                Next::Via(via) if via.starts_with("igw-") && to.is_ipv4() => {
                    Dropped("an internet gateway translates for its own VPC alone")
                }
                Next::Via(via) if via.starts_with("nat-") => {
                    let passes = self.nat_for_others(from, (home, id), foot, &via, to, port);
                    if is_public(to) { passes } else { unseen }
                }
                Next::Unseen | Next::Via(_) => unseen,
            }))
        }))
    }

    fn nat_for_others(
        &self,
        from: &Source,
        (home, id): (&'a VpcId, &str),
        foot: &SubnetId,
        via: &str,
        to: IpAddr,
        port: u16,
    ) -> Fate {
        let unseen = Unclear("the NAT gateway behind the transit gateway");
        let Some(nat) = self.nat(via) else { return unseen };
        match nat.state {
            NatState::Available => {}
            NatState::Other(_) => return unseen,
            _ => return Dropped("a dead NAT gateway"),
        }
        let Some(there) = &nat.subnet else { return unseen };
        let inside = |subnet, way, peer, port, what| {
            if there == foot { Passes } else { self.acl(subnet, way, peer, port, what) }
        };
        let into = inside(foot, Way::Out, to, HTTPS, "from the foot to the NAT gateway")
            .then(inside(there, Way::In, from.address, HTTPS, "from the foot to the NAT gateway"));
        let out = self.acl(there, Way::Out, to, HTTPS, "from the NAT gateway out");
        let gateway = Fate::one_of(self.next_hops(there, to).into_iter().map(|hop| match hop {
            Next::Nowhere => Dropped("no route for the NAT gateway"),
            Next::Blackhole => Dropped("a blackhole route for the NAT gateway"),
            Next::Via(via) if via.starts_with("igw-") => match &nat.connectivity {
                Connectivity::Public => self.internet(&via, there, to, true),
                Connectivity::Private => Dropped("a private NAT gateway"),
                Connectivity::Other(_) => unseen,
            },
            Next::Unseen | Next::Via(_) => unseen,
        }));
        let reply = self.some_reply(there, to, "replies into the NAT gateway's subnet");
        // Back by its own subnet's routes, over the transit gateway.
        let back = Fate::one_of(self.next_hops(there, from.address).into_iter().map(|hop| {
            let via = match hop {
                Next::Nowhere => return Dropped("no route back"),
                Next::Blackhole => return Dropped("a blackhole on the way back"),
                Next::Via(via) if via.starts_with("igw-") || via.starts_with("nat-") => {
                    return Dropped("no route back but to the internet");
                }
                Next::Via(via) if via.starts_with("tgw-") => via,
                Next::Unseen | Next::Via(_) => return unseen,
            };
            let foot = self.transit(self.vpc, there, &via);
            let on = match self.switched(self.vpc, &via, from.address) {
                Ok(vpcs) => Fate::one_of(vpcs.iter().map(|it| match it {
                    Some(vpc) if *vpc == home && via == id => Passes,
                    _ => unseen,
                })),
                Err(fate) => fate,
            };
            // In by the foot in the NAT gateway's zone.
            let feet = self.feet(self.vpc, &via).unwrap_or_default().into_iter();
            let feet = feet.filter(|it| self.zone(it) == self.zone(there));
            let takes = Fate::one_of(feet.map(|foot| {
                if foot == *there {
                    Passes
                } else {
                    self.acl(&foot, Way::In, to, port, "into the foot on the way back")
                }
            }));
            // Out of the instance's VPC's foot in that zone, if it has one there: the gateway keeps packets in
            // their zone (transit-gateway-appliance-scenario.html).
            let home = Self { vpc: home, ..*self };
            let feet = home.feet(home.vpc, &via).unwrap_or_default();
            let near: Vec<_> = feet.iter().filter(|it| self.zone(it) == self.zone(there)).collect();
            let feet = if near.is_empty() { feet.iter().collect() } else { near };
            let gives = Fate::one_of(feet.into_iter().map(|it| {
                let what = "out of the transit gateway's foot";
                if *it == from.nic.subnet {
                    Passes
                } else {
                    home.acl(it, Way::Out, from.address, port, what)
                }
            }));
            foot.then(on).then(takes).then(gives)
        }));
        let home = self.acl(there, Way::Out, from.address, port, "out of the NAT gateway's subnet");
        let home = if there == foot { Passes } else { home };
        into.then(out).then(gateway).then(reply).then(back).then(home)
    }

    /// Through an internet gateway or an egress-only one, from this subnet.
    fn internet(&self, gateway: &str, subnet: &SubnetId, to: IpAddr, nat: bool) -> Fate {
        let outward = nat || gateway.starts_with("eigw-");
        let to = match (is_public(to), gateway.starts_with("eigw-") && to.is_ipv4()) {
            (false, _) => Dropped("nobody has that address on the internet"),
            (_, true) => Dropped("IPv6 only"),
            _ => Passes,
        };
        to.then(self.attached(gateway)).then(self.access(Some(subnet), outward))
    }

    /// VPC Block Public Access. `outward` is what NAT gateways and egress-only gateways send, which the
    /// ingress mode leaves alone (security-vpc-bpa-basics.html).
    fn access(&self, subnet: Option<&SubnetId>, outward: bool) -> Fate {
        let blocked = Dropped("public access is blocked");
        let unseen = Unclear("whether public access is blocked");
        let Some(block) = seen(self.facts.public_access_blocks.get(&self.scope.region)) else {
            return unseen;
        };
        match block.mode {
            BlockMode::Off => return Passes,
            BlockMode::Ingress if outward => return Passes,
            BlockMode::Other(_) => return unseen,
            BlockMode::Ingress | BlockMode::Bidirectional => {}
        }
        let mut fate = blocked;
        for exclusion in &block.exclusions {
            let whole = exclusion.resource == self.vpc.as_str();
            let ours = subnet.is_some_and(|id| exclusion.resource == id.as_str());
            if !whole && !ours {
                // Which subnets a regional NAT gateway stands in is not described.
                if subnet.is_none() && exclusion.resource.starts_with("subnet-") {
                    fate = unseen;
                }
                continue;
            }
            match (&exclusion.mode, &block.mode) {
                (ExclusionMode::Bidirectional, _)
                | (ExclusionMode::Egress, BlockMode::Bidirectional) => return Passes,
                // "This setting applies when VPC BPA is set to Bidirectional."
                (ExclusionMode::Egress, _) => {}
                (ExclusionMode::Other(_), _) => fate = unseen,
            }
        }
        fate
    }

    fn attached(&self, gateway: &str) -> Fate {
        let states: Option<Vec<(&str, &str)>> = if gateway.starts_with("eigw-") {
            let all = seen(self.facts.egress_only_gateways.get(self.vpc));
            all.map(|it| it.iter().map(|it| (it.id.as_str(), it.state.as_str())).collect())
        } else {
            let all = seen(self.facts.internet_gateways.get(self.vpc));
            all.map(|it| it.iter().map(|it| (it.id.as_str(), it.state.as_str())).collect())
        };
        let Some(states) = states else { return Unclear("the internet gateway") };
        match states.iter().find(|it| it.0 == gateway).map(|it| it.1) {
            Some("available" | "attached") => Passes,
            None | Some("attaching" | "detaching" | "detached") => {
                Dropped("the internet gateway is not attached")
            }
            Some(_) => Unclear("the internet gateway's state"),
        }
    }

    // ------------------------------------------------------------ filters

    /// Security groups: one rule of one group is enough, and replies pass by themselves
    /// (vpc-security-groups.html). A group as a peer stands for the private addresses of its members.
    fn groups(
        &self,
        groups: Option<&[SecurityGroupId]>,
        way: Way,
        peer: IpAddr,
        peers: Option<&[SecurityGroupId]>,
        what: &'static str,
    ) -> Fate {
        self.groups_for((Protocol::Tcp, HTTPS), groups, way, peer, peers, what)
    }

    fn groups_for(
        &self,
        (protocol, port): (Protocol, u16),
        groups: Option<&[SecurityGroupId]>,
        way: Way,
        peer: IpAddr,
        peers: Option<&[SecurityGroupId]>,
        what: &'static str,
    ) -> Fate {
        let Some(groups) = groups else { return Unclear(what) };
        let mut fate = Dropped(what);
        for id in groups {
            let Some(group) = seen(self.facts.security_groups.get(id)) else {
                fate = Unclear(what);
                continue;
            };
            let rules = if way == Way::Out { &group.egress } else { &group.ingress };
            for rule in rules {
                if !protocol.covered_by(&rule.traffic, port) {
                    continue;
                }
                let matches = match &rule.peer {
                    Peer::Cidr(net) => Some(net.contains(&peer)),
                    Peer::Group(id) => peers.map(|it| it.contains(id)),
                    Peer::List(id) => seen(self.facts.prefix_lists.get(id))
                        .map(|it| it.cidrs.iter().any(|net| net.contains(&peer))),
                    Peer::Unreadable(_) => None,
                };
                match matches {
                    Some(true) => return Passes,
                    Some(false) => {}
                    None => fate = Unclear(what),
                }
            }
        }
        fate
    }

    /// A network ACL: the rule of the lowest number that matches decides, and none means deny
    /// (vpc-network-acls.html). Rules see the peer's address and the destination's port.
    fn acl(
        &self,
        subnet: &SubnetId,
        way: Way,
        peer: IpAddr,
        port: u16,
        what: &'static str,
    ) -> Fate {
        self.acl_for((Protocol::Tcp, port), subnet, way, peer, what)
    }

    fn acl_for(
        &self,
        (protocol, port): (Protocol, u16),
        subnet: &SubnetId,
        way: Way,
        peer: IpAddr,
        what: &'static str,
    ) -> Fate {
        let Some(acls) = seen(self.facts.network_acls.get(self.vpc)) else { return Unclear(what) };
        let of_subnet = acls.iter().find(|it| it.subnets.contains(subnet));
        let Some(acl) = of_subnet.or_else(|| acls.iter().find(|it| it.default)) else {
            return Unclear(what);
        };
        let mut entries: Vec<&AclEntry> =
            acl.entries.iter().filter(|it| it.egress == (way == Way::Out)).collect();
        entries.sort_by_key(|it| it.number);
        let word = |allow| if allow { Passes } else { Dropped(what) };
        let mut perhaps = Vec::new();
        for entry in entries {
            if !protocol.covered_by(&entry.traffic, port) {
                continue;
            }
            match &entry.peer {
                Peer::Cidr(net) if net.contains(&peer) => {
                    perhaps.push(word(entry.allow));
                    return Fate::one_of(perhaps);
                }
                Peer::Cidr(_) => {}
                _ => perhaps.push(word(entry.allow)),
            }
        }
        perhaps.push(Dropped(what));
        Fate::one_of(perhaps)
    }

    // ------------------------------------------------------------ routes

    /// Where the subnet's route table sends a packet; several answers where it cannot be seen which.
    fn next_hops(&self, subnet: &SubnetId, to: IpAddr) -> Vec<Next> {
        let Some(tables) = seen(self.facts.route_tables.get(self.vpc)) else {
            return vec![Next::Unseen];
        };
        let explicit = tables.iter().find(|it| it.subnets.contains(subnet));
        let Some(table) = explicit.or_else(|| tables.iter().find(|it| it.main)) else {
            return vec![Next::Unseen];
        };
        let target = |route: &Route| match &route.state {
            RouteState::Active => Next::Via(route.via.0.clone()),
            RouteState::Blackhole => Next::Blackhole,
            _ => Next::Unseen,
        };
        let local = table.routes.iter().any(|it| {
            it.via.0 == "local" && matches!(&it.to, Destination::Cidr(net) if net.contains(&to))
        });
        // (prefix length, rank among equals, target): route-tables-priority.html. The local route
        // gives way to nothing propagated (vpn-route-priority.html), and a list's entries inside the
        // VPC are not valid for a route table.
        let mut candidates: Vec<(u8, u8, Next)> = Vec::new();
        let mut unseen = Vec::new();
        let mut listed = false;
        for route in &table.routes {
            match &route.to {
                Destination::Cidr(net) if net.contains(&to) => {
                    let rank = if route.propagated { 1 } else { 3 };
                    if !(local && route.propagated) {
                        candidates.push((net.prefix_len(), rank, target(route)));
                    }
                }
                Destination::Cidr(_) => {}
                _ if local => {}
                Destination::List(id) => match seen(self.facts.prefix_lists.get(id)) {
                    Some(list) => candidates.extend(
                        list.cidrs
                            .iter()
                            .filter(|it| it.contains(&to))
                            .map(|it| (it.prefix_len(), 2, target(route))),
                    ),
                    // Of lists for gateway endpoints it is known what they hold: the addresses of their
                    // service, all of them, and no others (gateway-endpoints.html).
                    None => match self.gateway(&route.via.0).map(|it| self.is_for_service(it)) {
                        Some(true) if is_public(to) => {
                            listed = true;
                            unseen.push(target(route));
                        }
                        Some(_) => {}
                        None => unseen.push(target(route)),
                    },
                },
                Destination::Unreadable(_) => unseen.push(target(route)),
            }
        }
        // However short their prefixes are, the default route's is shorter.
        candidates.retain(|it| !listed || it.0 > 0);
        let best = candidates.iter().map(|it| (it.0, it.1)).max();
        let best = candidates.into_iter().filter(|it| Some((it.0, it.1)) == best).map(|it| it.2);
        let mut hops: Vec<Next> = best.chain(unseen.iter().cloned()).collect();
        if hops.len() == unseen.len() && !listed {
            hops.push(Next::Nowhere);
        }
        hops.dedup();
        hops
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

/// `64:ff9b::/96`
const NAT64: u128 = 0x0064_ff9b << 96;

fn interface(nic: &NetworkInterface, address: IpAddr) -> Goal {
    let groups = Some(nic.security_groups.clone());
    Goal::Interface { address, subnet: Some(nic.subnet.clone()), groups }
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
