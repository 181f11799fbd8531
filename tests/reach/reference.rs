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
use ssm_doctor_checks::model::{
    ec2::*,
    facts::{Facts, Row},
    ids::*,
    scope::Scope,
};

const HTTPS: u16 = 443;

/// What becomes of a packet on a leg of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Passes,
    Dropped(&'static str),
    Unclear(&'static str),
}
use Fate::{Dropped, Passes, Unclear};

impl Fate {
    /// One leg after another: a drop anywhere is a drop.
    fn then(self, next: Self) -> Self {
        match (self, next) {
            (Dropped(_), _) => self,
            (_, Dropped(_)) => next,
            (Unclear(_), _) => self,
            _ => next,
        }
    }

    /// One of these, and nobody can see which.
    fn one_of(fates: impl IntoIterator<Item = Self>) -> Self {
        let fates: Vec<Self> = fates.into_iter().collect();
        match fates.as_slice() {
            [] => Unclear("nothing is known of it"),
            [only] => *only,
            [first, ..] if fates.iter().all(|it| matches!(it, Dropped(_))) => *first,
            [first, ..] if fates.iter().all(|it| *it == Passes) => *first,
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
    /// Some are and some are not, or it cannot be seen.
    Uncertain,
}

/// What may be claimed of a service.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub arrival: Arrival,
    /// Some ephemeral ports pass and others do not.
    pub some_ports: bool,
    /// Nothing on the way was out of sight.
    pub clear: bool,
    pub packets: usize,
    /// For each reading of what the name leads to, what was tried.
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
        let readings = self.readings();
        let (mut everywhere, mut nowhere) = (true, true);
        let mut judgement = Judgement {
            arrival: Arrival::Uncertain,
            some_ports: false,
            clear: readings.len() == 1,
            packets: 0,
            readings: Vec::new(),
        };
        for destinations in readings {
            let attempts: Vec<Attempt> = destinations
                .iter()
                .flat_map(|to| self.sources(to).into_iter().map(|from| self.attempt(&from, to)))
                .collect();
            // A client that holds addresses of both kinds falls back from one to the other.
            let needed =
                |it: &&Attempt| it.from.is_ipv4() || attempts.iter().all(|it| it.from.is_ipv6());
            let mut needs = attempts.iter().filter(needed).peekable();
            everywhere &= needs.peek().is_some() && needs.all(Attempt::works);
            nowhere &= attempts.iter().all(Attempt::fails);
            judgement.some_ports |= attempts.iter().any(|it| it.works() && !it.dropped.is_empty());
            judgement.clear &= attempts.iter().all(|it| it.unclear.is_empty());
            // Whether the agent asks for the dual-stack name is written on the node alone.
            judgement.clear &= attempts.iter().all(|it| it.from.is_ipv4());
            let ports = |it: &Attempt| it.passes.len() + it.dropped.len() + it.unclear.len();
            judgement.packets += 2 * attempts.iter().map(ports).sum::<usize>();
            judgement.readings.push(attempts);
        }
        judgement.arrival = match (everywhere, nowhere) {
            (true, _) => Arrival::Everywhere,
            (_, true) => Arrival::Nowhere,
            _ => Arrival::Uncertain,
        };
        judgement
    }

    // ------------------------------------------------------------ names

    /// What the service's name may lead to: one set of addresses for each way to read what was seen.
    fn readings(&self) -> Vec<Vec<Goal>> {
        let Some(ours) = self.asks_amazon() else {
            return vec![self.anywhere(), Vec::new()];
        };
        if !ours {
            // A name server of the VPC's owner: it may answer anything, or nothing.
            return vec![self.anywhere(), Vec::new()];
        }
        let (support, hostnames) = match seen(self.facts.vpc_dns.get(self.vpc)) {
            Some(dns) => (Some(dns.support), Some(dns.hostnames)),
            None => (None, None),
        };
        // Without enableDnsSupport the VPC has no resolver at all (vpc-dns.html).
        if support == Some(false) {
            return vec![Vec::new()];
        }
        let mut readings = Vec::new();
        if support.is_none() {
            readings.push(Vec::new());
        }
        let Some(endpoints) = seen(self.facts.endpoints.get(self.vpc)) else {
            readings.push(self.public());
            readings.push(self.in_vpc(None, None, true));
            return readings;
        };
        let private = endpoints
            .iter()
            .filter(|it| it.kind == EndpointKind::Interface && it.private_dns)
            .filter(|it| self.is_for_service(it));
        // A zone is made for an endpoint that is in force, in a VPC with both attributes on
        // (privatelink-access-aws-services.html, "Private DNS").
        let private: Vec<&Endpoint> = private.collect();
        if hostnames == Some(false) || private.is_empty() {
            readings.push(self.public());
            return readings;
        }
        if hostnames.is_none() {
            readings.push(self.public());
        }
        if let Some(endpoint) = private.iter().find(|it| it.state == EndpointState::Available) {
            readings.push(self.interfaces(endpoint, true));
            return readings;
        }
        readings.push(self.public());
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
                    readings.push(self.interfaces(endpoint, false));
                }
                _ => {
                    readings.push(self.interfaces(endpoint, true));
                    readings.push(self.interfaces(endpoint, false));
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

    fn is_for_service(&self, endpoint: &Endpoint) -> bool {
        endpoint.service_region.as_ref().is_none_or(|it| *it == self.scope.region)
            && endpoint.service.ends_with(&format!(".{}.{}", self.scope.region, self.service))
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
            found.extend(nic.private_ips.iter().map(|&address| {
                if !alive {
                    return Goal::Dead(address);
                }
                Goal::Interface {
                    address,
                    subnet: Some(nic.subnet.clone()),
                    groups: Some(nic.security_groups.clone()),
                }
            }));
        }
        found
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
        let mut all = self.public();
        match seen(self.facts.endpoints.get(self.vpc)) {
            None => all.extend(self.in_vpc(None, None, true)),
            Some(endpoints) => {
                let ours = endpoints
                    .iter()
                    .filter(|it| it.kind == EndpointKind::Interface && self.is_for_service(it));
                all.extend(ours.flat_map(|it| self.interfaces(it, true)));
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
    fn public(&self) -> Vec<Goal> {
        let (ours, others) = (self.listed(true), self.listed(false));
        // The names without `api.aws` have no AAAA records; a node with no other address has to be told
        // to use the dual-stack ones (domain: `UseDualStackEndpoint`).
        let v4 = self.instance.interfaces.iter().any(|it| it.private_ip.is_some());
        let within = |nets: &[IpNet], it: &IpAddr| nets.iter().any(|net| net.contains(it));
        self.classes()
            .into_iter()
            .filter(|it| is_public(*it) && it.is_ipv4() == v4)
            .filter(|it| ours.is_empty() || within(&ours, it))
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
        for table in seen(self.facts.route_tables.get(self.vpc)).into_iter().flatten() {
            nets.extend(table.routes.iter().filter_map(|it| match &it.to {
                Destination::Cidr(net) => Some(*net),
                _ => None,
            }));
        }
        let cidr = |peer: &Peer| match peer {
            Peer::Cidr(net) => Some(*net),
            _ => None,
        };
        for acl in seen(self.facts.network_acls.get(self.vpc)).into_iter().flatten() {
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
            because: Passes,
        };
        // Linux's own default; Windows since 2008 (custom-network-acl.html, "Ephemeral ports").
        let ephemeral = if self.instance.windows { 49152..=65535 } else { 32768..=60999 };
        for port in self.port_classes(&ephemeral) {
            let fate = match to {
                Goal::Service(address) => self.to_service(from, *address, port),
                Goal::Dead(_) => Dropped("the endpoint is not in service"),
                Goal::Interface { address, subnet, groups } => {
                    self.to_interface(from, *address, subnet.as_ref(), groups.as_deref(), port)
                }
            };
            match fate {
                Passes => attempt.passes.push(port),
                Dropped(_) => attempt.dropped.push(port),
                Unclear(_) => attempt.unclear.push(port),
            }
            if attempt.because == Passes {
                attempt.because = fate;
            }
        }
        attempt
    }

    /// A port of every class that an ACL tells apart.
    pub fn port_classes(&self, within: &RangeInclusive<u16>) -> BTreeSet<u16> {
        let mut ports = BTreeSet::from([*within.start(), *within.end()]);
        for acl in seen(self.facts.network_acls.get(self.vpc)).into_iter().flatten() {
            for entry in &acl.entries {
                if let Traffic::Tcp(low, high) = entry.traffic {
                    ports.extend([low, high.saturating_add(1)]);
                }
            }
        }
        ports.retain(|it| within.contains(it));
        ports
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
        let beyond = Fate::one_of(hops.map(|hop| self.beyond(from, &hop, to, port)));
        let returns = self.acl(here, Way::In, to, port, "into the instance's subnet");
        leaves.then(beyond).then(returns)
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
        if (via.starts_with("igw-") || via.starts_with("eigw-")) && !is_public(to) {
            return Dropped("nobody has that address on the internet");
        }
        if via.starts_with("igw-") {
            // One-to-one translation, for those who have a public address (VPC_Internet_Gateway.html).
            let addressed = to.is_ipv6() || from.nic.public_ip.is_some();
            let addressed = if addressed { Passes } else { Dropped("no public address") };
            return self.attached(via).then(addressed);
        }
        if via.starts_with("eigw-") {
            return if to.is_ipv6() { Passes } else { Dropped("IPv6 only") };
        }
        if via.starts_with("nat-") {
            return self.through_nat(from, via, to, port);
        }
        // The other side of a peering lends neither its internet gateway nor its NAT
        // (vpc-peering-basics.html, "Edge to edge routing").
        if via.starts_with("pcx-") && is_public(to) {
            return Dropped("peering does not lead to the internet");
        }
        let endpoints = seen(self.facts.endpoints.get(self.vpc)).map_or(&[][..], Vec::as_slice);
        match endpoints.iter().find(|it| it.id.as_str() == via && it.kind == EndpointKind::Gateway)
        {
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

    fn nat(&self, id: &str) -> Option<&'a NatGateway> {
        let id = id.parse().ok()?;
        seen(self.facts.nat_gateways.get(&id))
    }

    fn through_nat(&self, from: &Source, id: &str, to: IpAddr, port: u16) -> Fate {
        if to.is_ipv6() {
            return Unclear("NAT64");
        }
        let Some(nat) = self.nat(id) else { return Unclear("the NAT gateway") };
        match nat.state {
            NatState::Available => {}
            NatState::Other(_) => return Unclear("the NAT gateway's state"),
            _ => return Dropped("a dead NAT gateway"),
        }
        let here = &from.nic.subnet;
        let Some(there) = &nat.subnet else {
            // A regional one has a route table of its own, to the VPC's internet gateway.
            let attached = seen(self.facts.internet_gateways.get(self.vpc));
            let attached = attached.is_some_and(|it| it.iter().any(|it| it.state == "available"));
            return match &nat.connectivity {
                Connectivity::Public if attached => Passes,
                _ => Unclear("a regional NAT gateway's own routes"),
            };
        };
        let same = here == there;
        let cross = |way, peer, port, what| {
            if same { Passes } else { self.acl(there, way, peer, port, what) }
        };
        let into = cross(Way::In, from.address, HTTPS, "from the instance to the NAT gateway");
        let out = self.acl(there, Way::Out, to, HTTPS, "from the NAT gateway out");
        let hops = self.next_hops(there, to).into_iter();
        let gateway = Fate::one_of(hops.map(|hop| match hop {
            Next::Nowhere => Dropped("no route for the NAT gateway"),
            Next::Blackhole => Dropped("a blackhole route for the NAT gateway"),
            Next::Unseen => Unclear("the NAT gateway's route"),
            Next::Via(via) if via == "local" => Dropped("nobody has that address in the VPC"),
            // What a private one sends to an internet gateway is dropped (vpc-nat-gateway.html).
            Next::Via(via) if via.starts_with("igw-") && !is_public(to) => {
                Dropped("nobody has that address on the internet")
            }
            Next::Via(via) if via.starts_with("igw-") => match &nat.connectivity {
                Connectivity::Public => self.attached(&via),
                Connectivity::Private => Dropped("a private NAT gateway"),
                Connectivity::Other(_) => Unclear("the NAT gateway's connectivity"),
            },
            Next::Via(via) if via.starts_with("pcx-") => {
                Dropped("peering does not lead to the internet")
            }
            Next::Via(via) if via == id => Dropped("a NAT gateway that routes to itself"),
            Next::Via(_) => Unclear("what lies behind the NAT gateway"),
        }));
        // It listens for replies on any of its ports (nat-gateway-basics.html).
        let replies: Vec<Fate> = self
            .port_classes(&(1024..=65535))
            .into_iter()
            .map(|it| self.acl(there, Way::In, to, it, "replies into the NAT gateway's subnet"))
            .collect();
        let reply = replies.iter().copied().find(|it| *it == Passes);
        let reply = reply.or_else(|| replies.iter().copied().find(|it| matches!(it, Unclear(_))));
        let reply = reply.unwrap_or(Dropped("replies into the NAT gateway's subnet"));
        let home = cross(Way::Out, from.address, port, "from the NAT gateway to the instance");
        let home = home.then(if same { Passes } else { self.within_vpc(there, from.address) });
        into.then(out).then(gateway).then(reply).then(home)
    }

    fn attached(&self, gateway: &str) -> Fate {
        match seen(self.facts.internet_gateways.get(self.vpc)) {
            None => Unclear("the internet gateway"),
            Some(all) => match all.iter().find(|it| it.id.as_str() == gateway) {
                Some(it) if it.state == "available" || it.state == "attached" => Passes,
                Some(it) if matches!(it.state.as_str(), "attaching" | "detaching" | "detached") => {
                    Dropped("the internet gateway is not attached")
                }
                Some(_) => Unclear("the internet gateway's state"),
                None => Dropped("the internet gateway is not attached"),
            },
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
        let Some(groups) = groups else { return Unclear(what) };
        let mut fate = Dropped(what);
        for id in groups {
            let Some(group) = seen(self.facts.security_groups.get(id)) else {
                fate = Unclear(what);
                continue;
            };
            let rules = if way == Way::Out { &group.egress } else { &group.ingress };
            for rule in rules {
                let covers = match &rule.traffic {
                    Traffic::All => true,
                    Traffic::Tcp(low, high) => *low <= HTTPS && HTTPS <= *high,
                    Traffic::Udp(..) | Traffic::Other(_) => false,
                };
                if !covers {
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
            let covers = match &entry.traffic {
                Traffic::All => true,
                Traffic::Tcp(low, high) => *low <= port && port <= *high,
                Traffic::Udp(..) | Traffic::Other(_) => false,
            };
            if !covers {
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
                    None => unseen.push(target(route)),
                },
                Destination::Unreadable(_) => unseen.push(target(route)),
            }
        }
        let best = candidates.iter().map(|it| (it.0, it.1)).max();
        let best = candidates.into_iter().filter(|it| Some((it.0, it.1)) == best).map(|it| it.2);
        let mut hops: Vec<Next> = best.chain(unseen.iter().cloned()).collect();
        if hops.len() == unseen.len() {
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
