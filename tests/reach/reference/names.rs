//! What the names that the agent asks for lead to.

use std::net::IpAddr;

use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    route53::{HostedZone, RecordType},
};

use super::*;

impl<'a> Reference<'a> {
    /// What the names that the agent may ask for lead to, in every way to read what was seen.
    pub(super) fn readings(&self) -> Vec<Vec<Lookup>> {
        let mut readings = Vec::new();
        for mut classic in self.classic_readings() {
            let public = classic.goals.iter().all(|goal| matches!(goal, Goal::Service(_)));
            if self.is_healed(Hop::AddressFamily) && !self.has_v4() {
                let inside: Vec<Goal> =
                    classic.goals.iter().filter_map(|goal| self.with_ipv6(goal)).collect();
                let more = if public { self.public(false) } else { inside };
                classic.goals.extend(more);
            }
            let v4 = classic.goals.iter().all(|goal| goal.address().is_ipv4());
            let translated: Vec<Goal> = classic
                .goals
                .iter()
                // What stands in the VPC a node with IPv4 reaches by that, or not at all.
                .filter(|goal| matches!(goal, Goal::Service(_)) || !self.has_v4())
                .filter_map(|goal| {
                    let address = translated(goal.address())?;
                    Some(match goal {
                        Goal::Dead(_, why) => Goal::Dead(address, *why),
                        _ => Goal::Service(address),
                    })
                })
                .collect();
            let both =
                Lookup { goals: [classic.goals.clone(), translated].concat(), ..classic.clone() };
            // Who asks from a subnet with DNS64 gets an IPv6 address for what has none
            // (nat-gateway-nat64-dns64.html).
            let dns64 = self.first_nic().map(|nic| seen(self.facts.subnets.get(&nic.subnet)));
            let classics = match dns64.flatten().map(|subnet| subnet.dns64) {
                Some(true) if v4 => vec![both],
                None if v4 => vec![both, classic],
                _ => vec![classic],
            };
            for classic in classics {
                let dual = self.dual_stack_beside(&classic);
                for classic in self.past_dns_firewall(classic, "amazonaws.com") {
                    readings.push(std::iter::once(classic).chain(dual.clone()).collect());
                }
            }
        }
        readings
    }

    /// An interface in the VPC as it would be with an IPv6 address of its subnet, or else of the VPC.
    fn with_ipv6(&self, goal: &Goal) -> Option<Goal> {
        let Goal::Interface { address: IpAddr::V4(_), subnet, groups } = goal else { return None };
        let row = subnet.as_ref().and_then(|it| seen(self.facts.subnets.get(it)));
        let of_subnet = row.into_iter().flat_map(|row| &row.ipv6_cidrs).copied().map(IpNet::V6);
        let mut nets = of_subnet.chain(self.vpc_cidrs().iter().copied());
        let address = nets.find(|net| matches!(net, IpNet::V6(_)))?.network();
        Some(Goal::Interface { address, subnet: subnet.clone(), groups: groups.clone() })
    }

    /// A node without any IPv4 address may have been told to ask for the dual-stack name, if its agent is
    /// of 3.3.3270.0 or newer (amazon-ssm-agent, release notes).
    fn dual_stack_beside(&self, classic: &Lookup) -> Vec<Lookup> {
        let answered = !classic.goals.is_empty();
        let by_zone = matches!(classic.none, Some((Hop::HostedZone, _)));
        if self.has_v4() || !(answered || by_zone) || !self.may_know_dual_stack() {
            return Vec::new();
        }
        self.past_dns_firewall(self.dual_stack(), "api.aws")
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

    pub(super) fn first_nic(&self) -> Option<&'a AttachedInterface> {
        self.instance.interfaces.iter().min_by_key(|it| it.device_index)
    }

    pub(super) fn has_v4(&self) -> bool {
        self.instance.interfaces.iter().any(|it| it.private_ip.is_some())
    }

    /// What `<service>.<region>.api.aws` leads to. The zone of an endpoint has it where the endpoint
    /// lists it among its names.
    fn dual_stack(&self) -> Lookup {
        let host = format!("{}.{}.api.aws", self.service, self.scope.region);
        let hostnames = self.dns_attributes() == Some((true, true));
        let endpoint = self.endpoints().iter().find(|endpoint| {
            let in_force = endpoint.private_dns && endpoint.state == EndpointState::Available;
            in_force
                && hostnames
                && endpoint.kind == EndpointKind::Interface
                && endpoint.names.contains(&host)
        });
        match endpoint {
            Some(endpoint) => self.interfaces(endpoint, true).into(),
            None => Lookup { goals: self.public(false), ..self.public_despite() },
        }
    }

    fn endpoints(&self) -> &'a [Endpoint] {
        seen(self.facts.endpoints.get(self.vpc)).map_or(&[], Vec::as_slice)
    }

    /// `enableDnsSupport` and `enableDnsHostnames`.
    fn dns_attributes(&self) -> Option<(bool, bool)> {
        if self.is_healed(Hop::VpcDns) {
            return Some((true, true));
        }
        seen(self.facts.vpc_dns.get(self.vpc)).map(|dns| (dns.support, dns.hostnames))
    }

    /// The customer's own zone for the service's name, if it has one; None if the zones were not seen. A zone
    /// whose name the service's ends with answers for it; of several the longest does, and an endpoint's zone
    /// has the whole name (hosted-zone-private-considerations.html).
    fn hosted_zone(&self) -> Option<Option<&'a HostedZone>> {
        let host = self.host();
        let zones = seen(self.facts.hosted_zones.get(self.vpc))?;
        let ours =
            |zone: &&HostedZone| host == zone.name || host.ends_with(&format!(".{}", zone.name));
        Some(zones.iter().filter(ours).max_by_key(|zone| zone.name.len()))
    }

    fn host(&self) -> String {
        format!("{}.{}.amazonaws.com", self.service, self.scope.region)
    }

    /// What a zone has for the service's name: nothing where it has no such record.
    fn records_of(&self, zone: &HostedZone) -> Vec<Lookup> {
        // Whether the FIPS endpoint of a service has a certificate for the other name is not documented.
        let fips = self.endpoints().iter().any(|endpoint| self.is_fips(endpoint));
        let readings = if fips { &[true, false][..] } else { &[false] };
        readings.iter().flat_map(|fips_serves| self.records_as(zone, *fips_serves)).collect()
    }

    fn is_fips(&self, endpoint: &Endpoint) -> bool {
        endpoint.service.ends_with(&format!(".{}.{}-fips", self.scope.region, self.service))
    }

    /// The same, if FIPS endpoints serve the name, or if they do not.
    fn records_as(&self, zone: &HostedZone, fips_serves: bool) -> Vec<Lookup> {
        let unseen = || vec![self.anywhere().into(), Lookup::default()];
        let Some(records) = seen(self.facts.zone_records.get(&zone.id)) else { return unseen() };
        let host = self.host();
        let mut lookup = Lookup::default();
        for record in records.iter().filter(|record| record.name == host) {
            let target = match (&record.kind, &record.alias) {
                (RecordType::A | RecordType::Aaaa, None) => {
                    let addresses = record.values.iter().filter_map(|value| value.parse().ok());
                    lookup.goals.extend(addresses.map(|address| self.owner(address, fips_serves)));
                    continue;
                }
                (RecordType::A | RecordType::Aaaa, Some(target)) => (target.clone(), false),
                (RecordType::Cname, None) => (record.values[0].clone(), true),
                _ => return unseen(),
            };
            let Some(goals) = self.named(&target.0, fips_serves) else { return unseen() };
            lookup.goals.extend(goals);
            lookup.chain.push(target);
        }
        if self.is_out_of_date(&lookup.goals) {
            for goal in &mut lookup.goals {
                *goal = Goal::Dead(goal.address(), (Hop::HostedZone, "a zone that is out of date"));
            }
        }
        let answers = |goal: &Goal| !matches!(goal, Goal::Dead(_, (Hop::HostedZone, _)));
        if lookup.goals.iter().any(answers) {
            return vec![lookup];
        }
        if self.is_healed(Hop::HostedZone) {
            return vec![self.meant_by_zone()];
        }
        if lookup.goals.is_empty() {
            lookup.none = Some((Hop::HostedZone, "a zone without the record"));
        }
        // Once it is available its private DNS takes the zone's place.
        if self.endpoints().iter().any(|endpoint| {
            endpoint.kind == EndpointKind::Interface
                && endpoint.private_dns
                && !endpoint.private_dns_for_inbound_only
                && self.is_for_service(endpoint)
                && !matches!(endpoint.state, EndpointState::Available | EndpointState::Deleted)
        }) {
            lookup.in_vain.extend([Hop::Endpoint, Hop::HostedZone]);
        }
        vec![lookup]
    }

    /// Has a zone nothing but private addresses outside the VPC, which no route joins to any other network? Beside an
    /// endpoint of the VPC that lacks the name alone, it is the zone that nobody has kept up: to blame a route would be
    /// to ask for a network that is not there.
    fn is_out_of_date(&self, goals: &[Goal]) -> bool {
        let ours = |it: &&Endpoint| {
            it.kind == EndpointKind::Interface
                && self.is_for_service(it)
                && !matches!(
                    it.state,
                    EndpointState::Deleted
                        | EndpointState::Failed
                        | EndpointState::Rejected
                        | EndpointState::Expired
                )
                && !(it.private_dns && it.private_dns_for_inbound_only)
        };
        let unnamed = |it: &Endpoint| it.state == EndpointState::Available && !it.private_dns;
        let beside = self.endpoints().iter().filter(ours).any(unnamed)
            && self.endpoints().iter().filter(ours).all(|it| !it.private_dns);
        let leads_on = |route: &Route| {
            let narrow = matches!(&route.to, Destination::Cidr(net) if net.prefix_len() > 0);
            match route.via.0.split('-').next() {
                Some("local" | "igw" | "eigw" | "cagw") => false,
                Some("eni" | "vpce") => narrow,
                Some("nat") => {
                    matches!(&route.to, Destination::Cidr(IpNet::V4(net)) if net.addr().is_private())
                }
                _ => true,
            }
        };
        let tables = seen(self.facts.route_tables.get(self.vpc));
        let joined = tables.is_none_or(|tables| {
            let mut routes = tables.iter().flat_map(|table| &table.routes);
            routes.any(|route| route.state == RouteState::Active && leads_on(route))
        });
        let outside = |goal: &Goal| matches!(goal, Goal::Service(it) if !is_public(*it));
        beside && !joined && !goals.is_empty() && goals.iter().all(outside)
    }

    /// Where a zone would lead if it were in order: to the VPC's endpoint, if there is one that does not have
    /// the name itself.
    fn meant_by_zone(&self) -> Lookup {
        let endpoint = self.endpoints().iter().find(|endpoint| {
            endpoint.kind == EndpointKind::Interface
                && self.is_for_service(endpoint)
                && endpoint.state == EndpointState::Available
                && !endpoint.private_dns
        });
        match endpoint {
            Some(endpoint) => self.interfaces(endpoint, true).into(),
            None => self.public_despite(),
        }
    }

    /// Where an endpoint's own name leads, whatever its private DNS says; None for other names, and endpoints
    /// that were not seen.
    fn named(&self, target: &str, fips_serves: bool) -> Option<Vec<Goal>> {
        let (label, _) = target.split_once('.').filter(|(_, rest)| rest.contains(".vpce."))?;
        let id = label.rsplit_once('-')?.0;
        if let Some(own) = self.endpoints().iter().find(|endpoint| endpoint.id.as_str() == id) {
            let serves = self.is_for_service(own) || fips_serves && self.is_fips(own);
            return Some(if serves && own.state == EndpointState::Available {
                self.interfaces(own, true)
            } else {
                let why = (Hop::HostedZone, "a zone that leads to the wrong endpoint");
                self.interfaces(own, true)
                    .into_iter()
                    .map(|goal| Goal::Dead(goal.address(), why))
                    .collect()
            });
        }
        let endpoint = seen(self.facts.distant_endpoints.get(&id.parse().ok()?))?;
        let mut goals = Vec::new();
        for id in &endpoint.interfaces {
            let nic = seen(self.facts.network_interfaces.get(id))?;
            goals.extend(nic.private_ips.iter().map(|&address| {
                if self.is_for_service(endpoint) {
                    self.hub(endpoint, nic, address)
                } else {
                    Goal::Service(address)
                }
            }));
        }
        Some(goals)
    }

    /// An interface of an endpoint in another VPC.
    fn hub(&self, endpoint: &Endpoint, nic: &NetworkInterface, address: IpAddr) -> Goal {
        let serves = match endpoint.state {
            EndpointState::Available => Passes,
            EndpointState::Partial | EndpointState::Other(_) => Unclear("the hub's endpoint"),
            _ => self.stop(Hop::Endpoint, "the hub's endpoint is not in service"),
        };
        let vpc = endpoint.vpc.clone().unwrap_or_else(|| self.vpc.clone());
        let (subnet, groups) = (nic.subnet.clone(), nic.security_groups.clone());
        Goal::Hub { address, vpc, subnet, groups, serves }
    }

    /// What `<service>.<region>.amazonaws.com` may lead to.
    fn classic_readings(&self) -> Vec<Lookup> {
        let anything = || vec![self.anywhere().into(), Lookup::default()];
        if self.asks_amazon() != Some(true) {
            // A name server of the VPC's owner may answer anything, or nothing.
            return anything();
        }
        // Without enableDnsSupport the VPC has no resolver at all (vpc-dns.html).
        let dns = self.dns_attributes();
        if let Some((false, _)) = dns {
            return vec![Lookup::none((Hop::VpcDns, "DNS support is off"))];
        }
        let readings = self.resolved_here(dns.map(|(_, hostnames)| hostnames));
        match self.is_forwarded(dns.is_some_and(|(_, hostnames)| hostnames)) {
            Some(true) => anything(),
            Some(false) => readings,
            None => readings.into_iter().chain(anything()).collect(),
        }
    }

    /// The length of the domain that decides about the name, of zones of either kind; None where more than one
    /// may.
    pub(super) fn deciding_zone(&self, hostnames: bool) -> Option<usize> {
        // Zones of either kind take both attributes (vpc-dns.html).
        if !hostnames {
            return self.dns_attributes().map(|_| 0);
        }
        let endpoints = seen(self.facts.endpoints.get(self.vpc))?;
        let with_name = |endpoint: &&Endpoint| {
            endpoint.kind == EndpointKind::Interface
                && self.is_private(endpoint)
                && self.is_for_service(endpoint)
        };
        let mut rivals = endpoints.iter().filter(with_name);
        if rivals.clone().any(|endpoint| endpoint.state == EndpointState::Available) {
            return Some(self.host().len());
        }
        let in_doubt = rivals.any(|endpoint| {
            !matches!(
                endpoint.state,
                EndpointState::Deleted
                    | EndpointState::Failed
                    | EndpointState::Rejected
                    | EndpointState::Expired
                    | EndpointState::PendingAcceptance
            )
        });
        if in_doubt {
            return None;
        }
        self.hosted_zone().map(|zone| zone.map_or(0, |zone| zone.name.len()))
    }

    /// Has an endpoint private DNS that counts inside the VPC?
    fn is_private(&self, endpoint: &Endpoint) -> bool {
        (endpoint.private_dns && !endpoint.private_dns_for_inbound_only)
            || (self.is_healed(Hop::PrivateDns) && !endpoint.private_dns)
    }

    /// What the VPC's own resolver answers without any rule that forwards the question.
    fn resolved_here(&self, hostnames: Option<bool>) -> Vec<Lookup> {
        let mut readings: Vec<Lookup> = Vec::new();
        if hostnames.is_none() {
            readings.push(Lookup::default());
        }
        if hostnames == Some(false) {
            return vec![self.public_despite()];
        }
        let zones = match self.hosted_zone() {
            None => vec![self.anywhere().into(), Lookup::default()],
            Some(None) => Vec::new(),
            Some(Some(zone)) => self.records_of(zone),
        };
        if hostnames.is_none() || zones.is_empty() {
            readings.push(self.public_despite());
        }
        let Some(endpoints) = seen(self.facts.endpoints.get(self.vpc)) else {
            readings.extend(zones);
            readings.push(self.in_vpc(None, None, true).into());
            return readings;
        };
        // A zone is made for an endpoint that is in force (privatelink-access-aws-services.html,
        // "Private DNS").
        let private: Vec<&Endpoint> = endpoints
            .iter()
            .filter(|endpoint| endpoint.kind == EndpointKind::Interface)
            .filter(|endpoint| self.is_private(endpoint) && self.is_for_service(endpoint))
            .collect();
        let in_force = private.iter().find(|endpoint| {
            endpoint.state == EndpointState::Available || self.is_healed(Hop::Endpoint)
        });
        if let Some(endpoint) = in_force {
            let mut readings = Vec::new();
            if hostnames.is_none() {
                readings.push(self.public_despite());
            }
            readings.extend(self.records(endpoint, true));
            if hostnames.is_none() {
                readings.push(Lookup::default());
            }
            return readings;
        }
        readings.extend(zones);
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

    /// The public addresses, with what is wrong with the VPC's own endpoints for the service.
    fn public_despite(&self) -> Lookup {
        let mut in_vain = BTreeSet::new();
        let hostnames =
            self.dns_attributes().is_none_or(|(support, hostnames)| support && hostnames);
        for endpoint in self.endpoints() {
            let passed_by = endpoint.private_dns && endpoint.private_dns_for_inbound_only;
            if endpoint.kind != EndpointKind::Interface
                || !self.is_for_service(endpoint)
                || endpoint.state == EndpointState::Deleted
                || passed_by
            {
                continue;
            }
            if endpoint.state != EndpointState::Available {
                in_vain.insert(Hop::Endpoint);
            }
            if !endpoint.private_dns {
                in_vain.insert(Hop::PrivateDns);
            }
            if !hostnames {
                in_vain.insert(Hop::VpcDns);
            }
        }
        Lookup { goals: self.public(true), in_vain, ..Lookup::default() }
    }

    pub(super) fn is_for_service(&self, endpoint: &Endpoint) -> bool {
        endpoint.service_region.as_ref().is_none_or(|it| *it == self.scope.region)
            && endpoint.service.ends_with(&format!(".{}.{}", self.scope.region, self.service))
    }

    /// What an endpoint's zone has for the service's name, in each way to read its settings. Records
    /// are of the interfaces' family unless that is set ("DNS record IP type").
    fn records(&self, endpoint: &Endpoint, alive: bool) -> Vec<Lookup> {
        let all = self.interfaces(endpoint, alive);
        let only = |v4: bool| -> Vec<Goal> {
            all.iter().filter(|it| it.address().is_ipv4() == v4).cloned().collect()
        };
        let family = endpoint.dns_record_ip_type.as_ref().or(endpoint.ip_address_type.as_ref());
        let readings = match family {
            // By the name that is asked for: this one has IPv4 addresses alone.
            None | Some(AddressFamily::V4 | AddressFamily::ServiceDefined) => vec![only(true)],
            Some(AddressFamily::V6) => vec![only(false)],
            Some(AddressFamily::Dual) => vec![all],
            Some(_) => vec![only(true), all],
        };
        readings.into_iter().map(Lookup::from).collect()
    }

    /// The addresses of an endpoint's interfaces.
    pub(super) fn interfaces(&self, endpoint: &Endpoint, alive: bool) -> Vec<Goal> {
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
                if alive || self.is_healed(Hop::Endpoint) {
                    interface(nic, address)
                } else {
                    Goal::Dead(address, (Hop::Endpoint, "the endpoint is not in service"))
                }
            }));
        }
        found
    }

    /// Who has this address, which somebody wrote into a zone.
    fn owner(&self, address: IpAddr, fips_serves: bool) -> Goal {
        let dead = Goal::Dead(address, (Hop::HostedZone, "a zone that leads to nothing"));
        let holder = |endpoint: &Endpoint| {
            let rows = endpoint.interfaces.iter();
            let mut nics = rows.filter_map(|id| seen(self.facts.network_interfaces.get(id)));
            nics.find(|nic| nic.private_ips.contains(&address))
        };
        let shared = self.facts.service_endpoints.values().filter_map(|row| seen(Some(row)));
        for endpoint in shared.flatten() {
            if let Some(nic) = holder(endpoint)
                && endpoint.vpc.as_ref().is_some_and(|vpc| vpc != self.vpc)
                && self.is_for_service(endpoint)
            {
                return self.hub(endpoint, nic, address);
            }
        }
        for endpoint in self.endpoints() {
            let Some(nic) = holder(endpoint) else { continue };
            let serves = self.is_for_service(endpoint) || fips_serves && self.is_fips(endpoint);
            let alive = endpoint.state == EndpointState::Available;
            return if serves && alive { interface(nic, address) } else { dead };
        }
        let inside = self.vpc_cidrs().iter().any(|net| net.contains(&address));
        if !inside {
            return Goal::Service(address);
        }
        // AWS was asked who has it, and nobody does, or nobody that is an endpoint.
        let mut asked =
            self.facts.interfaces_at.iter().filter(|(place, _)| place.address == address);
        if asked.any(|(_, row)| matches!(row, Row::Absent(_))) {
            return dead;
        }
        Goal::Interface { address, subnet: None, groups: None }
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
                if !alive && !self.is_healed(Hop::Endpoint) {
                    return Goal::Dead(address, (Hop::Endpoint, "the endpoint is not in service"));
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

    pub(super) fn vpc_cidrs(&self) -> &'a [IpNet] {
        seen(self.facts.vpcs.get(self.vpc)).map_or(&[], |it| it.cidrs.as_slice())
    }

    /// The service's public addresses: nobody publishes which, so a few real ones and one of every
    /// class that some rule, route or list tells apart. Of S3 they are what its prefix list holds, and
    /// nobody else's are in there (gateway-endpoints.html).
    pub(super) fn public(&self, v4: bool) -> Vec<Goal> {
        // A list is read where a route of the instance's subnet names it, or a rule of its groups.
        let own_gateway = self
            .first_nic()
            .is_some_and(|nic| self.has_gateway(&nic.subnet) || self.names_list(nic));
        let ours = if own_gateway { self.listed(true) } else { Vec::new() };
        let others = self.listed(false);
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

    /// Does a rule of the instance's groups name the service's own list?
    fn names_list(&self, nic: &AttachedInterface) -> bool {
        let groups = nic.security_groups.iter();
        let groups = groups.filter_map(|it| seen(self.facts.security_groups.get(it)));
        groups.flat_map(|it| &it.egress).any(|rule| match &rule.peer {
            Peer::List(list) => {
                self.gateway_of_list(list).is_some_and(|it| self.is_for_service(it))
            }
            _ => false,
        })
    }

    /// Does the subnet's route table name a gateway endpoint for the service?
    fn has_gateway(&self, subnet: &SubnetId) -> bool {
        let tables = seen(self.facts.route_tables.get(self.vpc)).map_or(&[][..], Vec::as_slice);
        let table = tables.iter().find(|it| it.subnets.contains(subnet));
        let table = table.or_else(|| tables.iter().find(|it| it.main));
        table
            .into_iter()
            .flat_map(|it| &it.routes)
            .any(|it| self.gateway(&it.via.0).is_some_and(|gateway| self.is_for_service(gateway)))
    }

    /// What is routed to gateway endpoints: for this service, or for others.
    pub(super) fn listed(&self, ours: bool) -> Vec<IpNet> {
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
    pub(super) fn classes(&self) -> BTreeSet<IpAddr> {
        self.cache.classes.get_or_init(|| self.all_classes()).clone()
    }

    fn all_classes(&self) -> BTreeSet<IpAddr> {
        let mut nets: Vec<IpNet> = PRIVATE.clone();
        nets.extend(network_firewall::ranges(self.facts));
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
}
