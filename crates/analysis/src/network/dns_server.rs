//! DNS servers that are not Amazon's: whether queries reach them, and what their answers may be.
//!
//! No security group and no ACL filters queries to Amazon's resolver. Another DNS server is a host like
//! any other, on port 53. Source: VPC guide, "Security group rules" and "Amazon DNS server".

use alloc::{format, vec::Vec};
use core::net::IpAddr;

use ssm_doctor_facts::{change::Protocol, ec2::*, ids::*, lookup::Unknown, route53::Place};

use crate::{
    answer::*,
    dns::{self, Resolution},
    network::{
        address_set::ports,
        flow::{Origin, PathTrace, Remote},
        hop::{Hop, HopKind, Path, Reachable},
        network_acl::{Crossing, Filtered},
        remedy::{IngressTarget, NetworkRemedy},
        route_table::{active, table_of},
        security_group::{PeerGroups, VpcRelation},
        service::agent_reaches,
        statement::NetworkStatement,
        traffic::Port,
    },
};

pub(super) const DNS: u16 = 53;

impl PathTrace<'_> {
    /// Whether queries reach the DNS servers of the DHCP options; None if one of them is Amazon's, which
    /// nothing stops.
    pub(super) fn custom_dns_queries(&self) -> Option<Hop> {
        let vpc = self.from.vpc;
        let servers = match dns::dhcp_servers(self.facts, vpc) {
            Ok(Some(servers))
                if servers.iter().all(|it| !dns::is_amazons(it, self.from.host.own)) =>
            {
                servers
            }
            Ok(_) => return None,
            Err(unknown) => return Some(Hop::new(HopKind::NameQuery, vpc, Err(unknown))),
        };
        let hop = |answer| Hop::new(HopKind::NameQuery, &servers.join(", "), answer);
        let (mut blocked, mut unknown) = (None::<(Evidence, Fix)>, None);
        for server in servers {
            match self.queries(server) {
                // If all are blocked, it is enough to open one.
                Ok(Verdict::Fail(more, fix)) => {
                    blocked = Some(match blocked {
                        Some((evidence, first)) => (evidence.and(more), first),
                        None => (more, fix),
                    });
                }
                Err(more) => unknown = unknown.or(Some(more)),
                // One server that is reached is enough.
                heard => return Some(hop(heard)),
            }
        }
        let blocked = blocked.map(|(evidence, fix)| Ok(Verdict::Fail(evidence, fix)));
        Some(hop(unknown.map(Err).or(blocked)?))
    }

    /// By UDP, as resolvers do, or by TCP, as some do when that fails.
    pub(super) fn queries(&self, server: &str) -> Answer {
        let Ok(address) = server.parse::<IpAddr>() else {
            return Err(Unknown::limit(format!("{server:?} is no address of a DNS server")));
        };
        let own = |interface: &&AttachedInterface| match address {
            IpAddr::V4(address) => interface.private_ip == Some(address),
            IpAddr::V6(address) => interface.ipv6.contains(&address),
        };
        if self.from.host.interfaces.iter().any(own) {
            return Ok(Verdict::NotApplicable("the instance is its own DNS server"));
        }
        let source = |interface: &AttachedInterface| match address {
            IpAddr::V4(_) => interface.private_ip.map(IpAddr::V4),
            IpAddr::V6(_) => interface.ipv6.first().copied().map(IpAddr::V6),
        };
        // By the default route, whichever interface packets to the service take.
        let interfaces = self.from.host.interfaces.iter().copied();
        let mut asking = interfaces.filter_map(|it| Some((it, source(it)?)));
        let Some(first) = asking.next() else {
            return Err(Unknown::limit(format!("how the DNS server {server} is reached")));
        };
        let by = |(interface, own)| {
            let from = Origin { interface, address: own, ..self.from };
            Self { from, ..*self }.queries_by_any(address)
        };
        let answer = by(first);
        if !matches!(answer, Ok(Verdict::Fail(..))) {
            return answer;
        }
        // An interface in the server's own subnet is nearer than the default route.
        for other in asking {
            let subnet = self.facts.subnet(&other.0.subnet).required()?;
            let is_near = match address {
                IpAddr::V4(server) => subnet.cidr.is_some_and(|net| net.contains(&server)),
                IpAddr::V6(server) => subnet.ipv6_cidrs.iter().any(|net| net.contains(&server)),
            };
            if is_near {
                let by_other = by(other);
                if !matches!(by_other, Ok(Verdict::Fail(..))) {
                    return by_other;
                }
            }
        }
        answer
    }

    fn queries_by_any(&self, address: IpAddr) -> Answer {
        match self.queries_by(Protocol::Udp, address) {
            Ok(Verdict::Fail(evidence, fix)) => match self.queries_by(Protocol::Tcp, address) {
                Ok(Verdict::Fail(..)) => Ok(Verdict::Fail(evidence, fix)),
                other => other,
            },
            other => other,
        }
    }

    fn queries_by(&self, protocol: Protocol, address: IpAddr) -> Answer {
        let server = Remote::one(address);
        let (interface, vpc) = (self.from.interface, self.from.vpc);
        let place = Place { vpc: vpc.clone(), address };
        let inside = self.from.host.own.iter().any(|it| it.contains(&address));
        let whose = format!("the DNS server {address}");
        let members = if inside { PeerGroups::Unseen(&whose) } else { PeerGroups::Outside };
        let port = Port { protocol, number: DNS };
        let source = match address {
            IpAddr::V4(_) => interface.private_ip.map(IpAddr::V4),
            IpAddr::V6(_) => interface.ipv6.first().copied().map(IpAddr::V6),
        };
        let groups = &interface.security_groups;
        let mut sends = self.sends_to(port, groups, &server, members);
        let host = match inside.then(|| self.facts.interface_at(&place).optional()) {
            Some(Err(unknown)) if unknown.is_unasked() => return Err(unknown),
            host => host,
        };
        // Rules that name a security group apply to the groups of the interface with this address.
        if let (Err(unknown), Some(Ok(Some(host)))) = (&sends, &host)
            && !unknown.is_unasked()
        {
            sends = self.sends_to(port, groups, &server, PeerGroups::Of(&host.security_groups));
        }
        let subnet = &interface.subnet;
        let row = self.facts.subnet(subnet).hint()?;
        let neighbour = row.and_then(|it| it.cidr).is_some_and(|net| match address {
            IpAddr::V4(address) => net.contains(&address),
            IpAddr::V6(_) => false,
        });
        let acls = if neighbour {
            Filtered::within_subnet()
        } else {
            let (there, own) = (ports(DNS..=DNS), self.from.ports());
            let subnet_of_vpc = (vpc, subnet);
            let pair =
                Crossing::there_and_back(subnet_of_vpc, protocol, true, &server, &there, &own);
            let mut crossings = Vec::from(pair);
            let instance = source.map(Remote::one);
            if let (Some(Ok(Some(host))), Some(instance)) = (&host, &instance) {
                let subnet_of_vpc = (vpc, &host.subnet);
                crossings.extend(Crossing::there_and_back(
                    subnet_of_vpc,
                    protocol,
                    false,
                    instance,
                    &there,
                    &own,
                ));
            }
            self.acls(&server, &own, &crossings)
        };
        let acls = match (acls.answer, self.facts.subnet(subnet).required()) {
            // The server may be in the same subnet, where no ACL applies.
            (Ok(Verdict::Fail(..)), Err(unknown)) if inside => Err(unknown),
            (answer, _) => answer,
        };
        let hears = match host {
            Some(host) => self.dns_server_hears(port, source, address, host),
            None => Ok(Verdict::NotApplicable("outside of the VPC")),
        };
        let routed =
            if inside { Ok(Verdict::NotApplicable("in the VPC")) } else { self.routed_to(address) };
        all_of([sends, acls, hears, routed], "nothing stands on the way", |it| it)
    }

    /// A DNS server outside of the VPC needs a route. Whether the route's target leads to the server is mostly not
    /// visible; that there is none, or that its target is gone, is.
    fn routed_to(&self, address: IpAddr) -> Answer {
        const NOT_ROUTED: Answer =
            Ok(Verdict::NotApplicable("an address of the instance's own link"));
        let link_local = match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        if link_local || address.is_loopback() {
            return NOT_ROUTED;
        }
        let ((vpc, subnet), server) = (self.from.subnet_of_vpc(), Remote::one(address));
        let table = table_of(self.facts, vpc, subnet)?;
        let route_matches = self.route_matches(vpc, table, &server)?;
        let answers = route_matches.iter().map(|route_match| {
            if let Some(route) = route_match.route {
                return self.inactive(table, route).unwrap_or_else(|| Ok(active(table, route)));
            }
            let subject = format!("{subnet} ({})", table.id);
            let none = NetworkStatement::NoRouteToDnsServer(address);
            let (vpc, table) = (vpc.clone(), table.id.clone());
            let reach = NetworkRemedy::ReachDnsServer { vpc, table, server: address };
            let fix = Fix::of(reach, Recovery::Agent);
            Ok(Verdict::Fail(observed(&subject, none.for_service(self.service)), fix))
        });
        all_of(answers, "no address", |it| it)
    }

    /// A DNS server in the VPC itself: does it run, and do its security groups let queries in? Its network ACL is
    /// judged with the instance's own.
    fn dns_server_hears(
        &self,
        port: Port,
        source: Option<IpAddr>,
        address: IpAddr,
        host: Result<Option<&NetworkInterface>, Unknown>,
    ) -> Answer {
        let subject = format!("the DNS server {address}");
        let Some(host) = host? else {
            // The owner of a shared VPC may have it, or it is gone.
            return Err(Unknown::limit(format!(
                "no network interface that has the address of {subject} is visible"
            )));
        };
        let Some(source) = source else {
            return Err(Unknown::limit(format!("from which address {subject} is asked")));
        };
        let runs = self
            .instance_runs(host, &subject, |instance| NetworkRemedy::StartDnsServer { instance });
        let (groups, to) = (&host.security_groups, IngressTarget::DnsServer(address));
        let admits = self.admits_on(port, source, &subject, groups, VpcRelation::Inside, to);
        all_of([runs, admits], "", |it| it)
    }

    /// Other DNS servers may answer anything. If the agent reaches the service, their answer was right.
    pub(super) fn custom_dns_answers(&self) -> Result<Option<Hop>, Unknown> {
        let server = match seen(dns::foreign_resolver(self.facts, self.from.vpc))? {
            Ok(Some(server)) => server,
            Ok(None) => return Ok(None),
            // It is unknown what the name resolves to. What stops packets can be known all the same.
            Err(unknown) => {
                return Ok(Some(Hop::new(HopKind::NameServer, self.from.vpc, Err(unknown))));
            }
        };
        let subject = format!("the DNS server {server}");
        let answer = agent_reaches(self.case, self.service).and_then(|it| {
            if it {
                return Ok(Verdict::Pass(observed(
                    &subject,
                    NetworkStatement::ResolvesService(self.service),
                )));
            }
            Err(Unknown::limit(format!(
                "instances of {} ask {subject}, and what it says of {} is not visible",
                self.from.vpc, self.service
            )))
        });
        Ok(Some(Hop::new(HopKind::NameServer, server, answer)))
    }

    /// A custom DNS server, queried by the instance or by a Resolver rule, may answer with an address in
    /// another network that the subnet has a route to, with a public one, or with that of an endpoint
    /// whatever its private DNS. Then what stops packets to where the VPC's own settings lead may not
    /// matter, unless there is no other destination, or none that packets reach.
    pub(super) fn unless_resolved_elsewhere(&self, hops: &mut [Hop]) {
        let unanswered = hops.iter().find(|hop| hop.may_resolve_elsewhere());
        let unanswered = unanswered.and_then(|hop| hop.answer.as_ref().err().cloned());
        let (Some(unknown), Ok(name)) = (unanswered, self.name) else { return };
        let endpoints = self.facts.endpoints(self.from.vpc).required().into_iter().flatten();
        let serving = endpoints.filter(|it| {
            it.kind == EndpointKind::Interface
                && it.serves(&self.scope.region) == Some(self.service)
        });
        let serving: Vec<&Endpoint> = serving.collect();
        let other_networks = self.routes_to_other_networks(&self.from.interface.subnet, true);
        // What stops packets on every other way as well; None where nothing does for certain.
        let stops_elsewhere = match (&name.to, serving.as_slice()) {
            _ if other_networks => None,
            (Resolution::Public, []) => Some(Vec::new()),
            (Resolution::Endpoint(endpoint), [only]) if only.id == endpoint.id => {
                self.internet_paths_blocked()
            }
            _ => None,
        };
        // What the query passes before it is forwarded, if it is.
        let first = [HopKind::NameQuery, HopKind::DnsFirewall];
        let no_dns = |it: &Hop| it.kind == HopKind::VpcDns && !self.has_dns_support();
        let may_not_matter = |it: &&mut Hop| it.stops() && !first.contains(&it.kind) && !no_dns(it);
        // Other servers may know addresses of another family.
        let open = |it: &&mut Hop| match &stops_elsewhere {
            None => true,
            Some(_) if it.kind == HopKind::AddressType => true,
            // Whoever opens another way does not meet what is on this one.
            Some(kinds) => !kinds.is_empty() && !kinds.contains(&it.kind),
        };
        for hop in hops.iter_mut().filter(may_not_matter).filter(open) {
            hop.answer = Err(unknown.clone());
        }
    }

    /// The kinds of hop that stop packets to public addresses, by IPv4 as well; empty where there is no route to any.
    /// None where a way may be open.
    fn internet_paths_blocked(&self) -> Option<Vec<HopKind>> {
        let own = self.from.address;
        let v4 = self.from.interface.private_ip.map(IpAddr::from).filter(|it| *it != own);
        let mut common: Option<Vec<HopKind>> = None;
        for address in core::iter::once(own).chain(v4) {
            let path = self.sent_by(address).internet_path();
            if path.reachable() != Reachable::No {
                return None;
            }
            if path.hops.iter().any(Hop::is_missing_route) {
                continue;
            }
            let stops: Vec<HopKind> =
                path.hops.iter().filter(|it| it.stops()).map(|it| it.kind).collect();
            common = Some(match common {
                Some(common) => common.into_iter().filter(|it| stops.contains(it)).collect(),
                None => stops,
            });
        }
        match common {
            // Either way is to be opened by something else.
            Some(common) if common.is_empty() => None,
            common => Some(common.unwrap_or_default()),
        }
    }

    fn has_dns_support(&self) -> bool {
        self.facts.vpc_dns(self.from.vpc).required().map_or(true, |it| it.support)
    }

    /// Does a route of the subnet, or of a NAT gateway's subnet behind it, go to another network?
    pub(super) fn routes_to_other_networks(&self, subnet: &SubnetId, by_nat: bool) -> bool {
        let Ok(table) = table_of(self.facts, self.from.vpc, subnet) else { return false };
        table.routes.iter().filter(|it| it.state == RouteState::Active).any(|route| {
            if let (TargetKind::NatGateway(id), true) = (route.via.kind(), by_nat)
                && let Ok(Some(nat)) = self.facts.nat_gateway(&id).hint()
            {
                return nat
                    .subnet
                    .as_ref()
                    .is_some_and(|it| self.routes_to_other_networks(it, false));
            }
            // What stands behind a NAT gateway may be a router as well as one more translator.
            let forwards =
                matches!(route.via.kind(), TargetKind::Interface(_) | TargetKind::Endpoint(_));
            route.leads_to_other_networks() || (!by_nat && forwards)
        })
    }

    /// Does the service's name belong to the endpoint in the VPC?
    fn has_private_name(&self, endpoint: &Endpoint) -> bool {
        endpoint.private_dns
            && endpoint.state == EndpointState::Available
            && self
                .facts
                .vpc_dns(self.from.vpc)
                .required()
                .is_ok_and(|it| it.support && it.hostnames)
    }

    /// The resolution is unknown. If packets have only one possible destination and it is blocked, this
    /// is what blocks them. Another network that the subnet has a route to may contain anything.
    pub(super) fn only_possible_path(&self) -> Result<Vec<Hop>, Unknown> {
        let (vpc, region) = (self.from.vpc, &self.scope.region);
        let table = table_of(self.facts, vpc, &self.from.interface.subnet)?;
        let mut endpoints = self.facts.endpoints(vpc).required()?.iter().filter(|it| {
            it.serves(region) == Some(self.service) && it.state != EndpointState::Deleted
        });
        let first = endpoints.next();
        let elsewhere = table.routes.iter().any(Route::leads_to_other_networks);
        if elsewhere || self.service == "s3" || endpoints.next().is_some() {
            return Ok(Vec::new());
        }
        let public = self.internet_path();
        let only = match first {
            None => public,
            Some(endpoint)
                if self.has_private_name(endpoint)
                    && public.hops.iter().any(Hop::is_missing_route) =>
            {
                let mut hops = Vec::new();
                self.to_endpoint(endpoint, &[], &mut hops);
                Path { service: "", hops, unfollowed: None }
            }
            Some(_) => return Ok(Vec::new()),
        };
        // A fact that was not requested yet may block it too.
        let unseen =
            only.hops.iter().filter_map(|it| it.answer.as_ref().err()).chain(&only.unfollowed);
        let open = unseen.filter(|it| it.is_unasked()).cloned();
        if let Some(unknown) = open.reduce(Unknown::and) {
            return Err(unknown);
        }
        let blocked = only.reachable() == Reachable::No;
        Ok(only.hops.into_iter().filter(|it| blocked && it.stops()).collect())
    }
}
