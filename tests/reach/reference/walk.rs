//! From an interface of the instance through the VPC and out of it, and back.

use std::net::IpAddr;

use ssm_doctor_facts::{ec2::*, ids::*};

use super::{filters::Members, *};

impl<'a> Reference<'a> {
    /// To another interface of the VPC, and back.
    pub(super) fn to_interface(
        &self,
        from: &Source,
        to: IpAddr,
        subnet: Option<&SubnetId>,
        groups: Option<&[SecurityGroupId]>,
        port: u16,
    ) -> Fate {
        let here = &from.nic.subnet;
        let ours = Some(from.nic.security_groups.as_slice());
        let leaves =
            self.groups(ours, Way::Out, to, groups, (Hop::SecurityGroup, "the instance's groups"));
        let enters = self.groups(
            groups,
            Way::In,
            from.address,
            ours,
            (Hop::EndpointSecurityGroup, "the endpoint's groups"),
        );
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
        let out = || {
            self.acl(here, Way::Out, to, HTTPS, "out of the instance's subnet")
                .then(self.routed(here, to, Some(from)))
                .then(subnet.map_or(Unclear("the endpoint's subnet"), |there| {
                    self.acl(there, Way::In, from.address, HTTPS, "into the endpoint's subnet")
                }))
        };
        let back = || {
            subnet
                .map_or(Unclear("the endpoint's subnet"), |there| {
                    self.acl(there, Way::Out, from.address, port, "out of the endpoint's subnet")
                        .then(self.within_vpc(there, from.address))
                })
                .then(self.acl(here, Way::In, to, port, "into the instance's subnet"))
        };
        match same {
            Some(true) => leaves.then(enters),
            Some(false) => leaves.then(out()).then(enters).then(back()),
            None => leaves.then(enters).then(Fate::one_of([Passes, out().then(back())])),
        }
    }

    /// The router's part of a way between two subnets.
    pub(super) fn within_vpc(&self, subnet: &SubnetId, to: IpAddr) -> Fate {
        self.routed(subnet, to, None)
    }

    /// The same. `first`: who sends the first packets of a connection, which groups on the way have to let in.
    fn routed(&self, subnet: &SubnetId, to: IpAddr, first: Option<&Source>) -> Fate {
        Fate::one_of(self.next_hops(subnet, to).into_iter().map(|hop| match hop {
            Next::Nowhere => self.stop(Hop::Route, "no route"),
            Next::Blackhole => self.stop(Hop::RouteTarget, "a blackhole route"),
            Next::Unseen => Unclear("the route"),
            Next::Via(via) if via == "local" => Passes,
            // A middlebox in place of the local route (subnet-route-tables.html).
            Next::Via(via) if via.starts_with("eni-") => {
                self.forwards(&via, to, first).then(Unclear("a middlebox"))
            }
            Next::Via(via) => match self.nat(&via) {
                Some(nat) if !matches!(nat.state, NatState::Available | NatState::Other(_)) => {
                    self.stop(Hop::NatGateway, "a dead NAT gateway")
                }
                _ => Unclear("a middlebox"),
            },
        }))
    }

    /// To an address outside the VPC, and back.
    pub(super) fn to_service(&self, from: &Source, to: IpAddr, port: u16) -> Fate {
        let here = &from.nic.subnet;
        let ours = Some(from.nic.security_groups.as_slice());
        let leaves = self
            .groups(
                ours,
                Way::Out,
                to,
                Members::Of(&[]),
                (Hop::SecurityGroup, "the instance's groups"),
            )
            .then(self.acl(here, Way::Out, to, HTTPS, "out of the instance's subnet"));
        let hops = self.next_hops(here, to);
        let nowhere = hops == [Next::Nowhere];
        let hops = hops.into_iter();
        let returns = self.acl(here, Way::In, to, port, "into the instance's subnet");
        let ways = hops.map(|hop| {
            let returns = match &hop {
                Next::Via(via)
                    if self
                        .attachment_subnets(self.vpc, via)
                        .is_none_or(|it| it.contains(here)) =>
                {
                    // Of a subnet with a attachment of the transit gateway in it the guide says two things
                    // that do not fit (tgw-nacls.html).
                    let inward =
                        self.acl(here, Way::In, from.address, HTTPS, "beside the attachment");
                    match returns.then(inward) {
                        Passes => Passes,
                        _ => Unclear("which rules hold beside a transit gateway's attachment"),
                    }
                }
                _ => returns,
            };
            self.beyond(from, &hop, to, port).then(returns)
        });
        let ways = Fate::one_of(ways);
        // Nobody has built a way to the internet: what filters say of public addresses comes after that.
        let outside = is_public(untranslated(to).unwrap_or(to));
        if outside && nowhere { ways.then(leaves) } else { leaves.then(ways) }
    }

    /// From where the route sends the packet to the service and back again.
    pub(super) fn beyond(&self, from: &Source, hop: &Next, to: IpAddr, port: u16) -> Fate {
        let via = match hop {
            Next::Nowhere => return self.stop(Hop::Route, "no route"),
            Next::Blackhole => return self.stop(Hop::RouteTarget, "a blackhole route"),
            Next::Unseen => return Unclear("the route"),
            Next::Via(via) => via,
        };
        if via == "local" {
            return self.stop(Hop::Route, "nobody has that address in the VPC");
        }
        if via.starts_with("igw-") || via.starts_with("eigw-") {
            // One-to-one translation, for those who have a public address (VPC_Internet_Gateway.html).
            let addressed = to.is_ipv6() || from.nic.public_ip.is_some();
            let addressed =
                if addressed { Passes } else { self.stop(Hop::PublicAddress, "no public address") };
            return self
                .internet(via, &from.nic.subnet, to, false, Hop::InternetGateway)
                .then(addressed);
        }
        if via.starts_with("nat-") {
            return self.through_nat(from, via, to, port);
        }
        if via.starts_with("eni-") {
            return self.through_instance(from, via, to, port);
        }
        if via.starts_with("tgw-") {
            let attachment = self.transit(self.vpc, &from.nic.subnet, via);
            return attachment.then(self.across(from, via, to, port));
        }
        // The other side of a peering lends neither its internet gateway nor its NAT
        // (vpc-peering-basics.html, "Edge to edge routing").
        if via.starts_with("pcx-") && is_public(untranslated(to).unwrap_or(to)) {
            if to.is_ipv6() && untranslated(to).is_some() {
                return self.stop(Hop::RouteTarget, UNTRANSLATED);
            }
            return self.stop(Hop::Peering, "peering does not lead to the internet");
        }
        if via.starts_with("pcx-") {
            return self.peered(via, self.vpc).then(Unclear("what lies behind the peering"));
        }
        match self.gateway(via) {
            Some(endpoint) if !self.is_for_service(endpoint) => {
                self.stop(Hop::Endpoint, "another service's endpoint")
            }
            Some(endpoint) => match endpoint.state {
                EndpointState::Available => Passes,
                EndpointState::Partial | EndpointState::Other(_) => Unclear("the gateway endpoint"),
                _ => self.stop(Hop::Endpoint, "the endpoint is not in service"),
            },
            None => {
                let inspected = self.inspected(via, from.address, to, port).unwrap_or(Passes);
                inspected.then(Unclear("what lies behind the next hop"))
            }
        }
    }

    /// The gateway endpoint of this id.
    pub(super) fn gateway(&self, id: &str) -> Option<&'a Endpoint> {
        let endpoints = seen(self.facts.endpoints.get(self.vpc))?;
        endpoints.iter().find(|it| it.id.as_str() == id && it.kind == EndpointKind::Gateway)
    }

    pub(super) fn nat(&self, id: &str) -> Option<&'a NatGateway> {
        let id = id.parse().ok()?;
        seen(self.facts.nat_gateways.get(&id))
    }

    pub(super) fn through_nat(&self, from: &Source, id: &str, to: IpAddr, port: u16) -> Fate {
        let Some(nat) = self.nat(id) else { return Unclear("the NAT gateway") };
        let works = match nat.state {
            NatState::Available => Passes,
            NatState::Other(_) => Unclear("the NAT gateway's state"),
            _ => return self.stop(Hop::NatGateway, "a dead NAT gateway"),
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
                (Connectivity::Private, _) => self.stop(Hop::NatGateway, "a private NAT gateway"),
                (Connectivity::Public, Some(_)) if !is_public(behind) => {
                    self.stop(Hop::Route, "nobody has that address on the internet")
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
            Next::Nowhere => self.stop(Hop::NatGateway, "no route for the NAT gateway"),
            Next::Blackhole => self.stop(Hop::NatGateway, "a blackhole route for the NAT gateway"),
            Next::Unseen => Unclear("the NAT gateway's route"),
            Next::Via(via) if via == "local" && is_public(behind) => {
                self.stop(Hop::Route, "nobody has that address in the VPC")
            }
            // What a private one sends to an internet gateway is dropped (vpc-nat-gateway.html).
            Next::Via(via) if via.starts_with("igw-") => {
                let translated = match &nat.connectivity {
                    Connectivity::Public => Passes,
                    Connectivity::Private => self.stop(Hop::NatGateway, "a private NAT gateway"),
                    Connectivity::Other(_) => Unclear("the NAT gateway's connectivity"),
                };
                translated.then(self.internet(&via, there, behind, true, Hop::NatGateway))
            }
            Next::Via(via) if via.starts_with("pcx-") && is_public(behind) => {
                self.stop(Hop::Peering, "peering does not lead to the internet")
            }
            Next::Via(via) if via == id => {
                self.stop(Hop::NatGateway, "a NAT gateway that routes to itself")
            }
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
    pub(super) fn some_reply(&self, subnet: &SubnetId, from: IpAddr, what: &'static str) -> Fate {
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
    pub(super) fn through_instance(&self, from: &Source, id: &str, to: IpAddr, port: u16) -> Fate {
        let unseen = Unclear("what the instance does with it");
        let id: NetworkInterfaceId = id.parse().unwrap();
        let Some(nic) = seen(self.facts.network_interfaces.get(&id)) else { return unseen };
        let may = self.may_forward(nic);
        if nic.instance.is_none() {
            return may.then(unseen);
        }
        let (here, there) = (&from.nic.subnet, &nic.subnet);
        let same = here == there;
        let cross = |way, peer, port, what| {
            if same { Passes } else { self.acl(there, way, peer, port, what) }
        };
        let groups = Some(nic.security_groups.as_slice());
        let ours = Some(from.nic.security_groups.as_slice());
        let into = cross(Way::In, from.address, HTTPS, "from the instance to the NAT instance")
            .then(self.groups(
                groups,
                Way::In,
                from.address,
                ours,
                (Hop::NatInstance, "the NAT instance's groups"),
            ));
        let out = self
            .groups(
                groups,
                Way::Out,
                to,
                Members::Of(&[]),
                (Hop::NatInstance, "the NAT instance's groups"),
            )
            .then(self.acl(there, Way::Out, to, HTTPS, "from the NAT instance out"));
        let gateway = self.next_hops(there, to).into_iter().map(|hop| match hop {
            Next::Nowhere => self.stop(Hop::NatInstance, "no route for the NAT instance"),
            Next::Blackhole => {
                self.stop(Hop::NatInstance, "a blackhole route for the NAT instance")
            }
            Next::Via(via) if via.starts_with("igw-") => {
                let addressed = nic.public_ip.is_some() || to.is_ipv6();
                let addressed = if addressed {
                    Passes
                } else {
                    self.stop(Hop::NatInstance, "no public address")
                };
                self.internet(&via, there, to, false, Hop::NatInstance).then(addressed)
            }
            Next::Via(via) if via == id.as_str() => {
                self.stop(Hop::NatInstance, "a NAT instance that routes to itself")
            }
            Next::Unseen | Next::Via(_) => Unclear("what lies behind the NAT instance"),
        });
        let gateway = Fate::one_of(gateway);
        let reply = self.some_reply(there, to, "replies into the NAT instance's subnet");
        let home = cross(Way::Out, from.address, port, "from the NAT instance to the instance");
        let home = home.then(if same { Passes } else { self.within_vpc(there, from.address) });
        let passes = into.then(out).then(gateway).then(reply).then(home);
        may.then(passes).then(unseen)
    }

    /// An interface between private networks: that of a firewall, or of a router to a VPN. What the instance sends
    /// enters its subnet and leaves it again; how replies come back is not seen.
    fn forwards(&self, id: &str, to: IpAddr, first: Option<&Source>) -> Fate {
        let id: NetworkInterfaceId = id.parse().unwrap();
        let Some(nic) = seen(self.facts.network_interfaces.get(&id)) else {
            return Unclear("a middlebox");
        };
        let admits = first.map(|from| {
            self.groups(
                Some(nic.security_groups.as_slice()),
                Way::In,
                from.address,
                Some(from.nic.security_groups.as_slice()),
                (Hop::NatInstance, "the middlebox's groups"),
            )
        });
        let there = &nic.subnet;
        let crosses = first.map(|from| {
            let stays = seen(self.facts.subnets.get(there)).is_none_or(|there| match to {
                IpAddr::V4(to) => there.cidr.is_some_and(|net| net.contains(&to)),
                IpAddr::V6(to) => there.ipv6_cidrs.iter().any(|net| net.contains(&to)),
            });
            let into = if *there == from.nic.subnet {
                Passes
            } else {
                self.acl(there, Way::In, from.address, HTTPS, "into the middlebox's subnet")
            };
            let on = "out of the middlebox's subnet";
            into.then(if stays { Passes } else { self.acl(there, Way::Out, to, HTTPS, on) })
        });
        let admits = admits.unwrap_or(Passes);
        crosses.unwrap_or(Passes).then(self.may_forward(nic)).then(admits)
    }

    /// As far as EC2 shows: it drops what is not addressed to itself (`VPC_NAT_Instance.html`), and it may not run.
    fn may_forward(&self, nic: &NetworkInterface) -> Fate {
        let check = if nic.source_dest_check == Some(true) {
            self.stop(Hop::NatInstance, "the source/destination check")
        } else {
            Passes
        };
        let owner = nic.instance.as_ref().and_then(|owner| seen(self.facts.instances.get(owner)));
        let runs = match owner.map(|it| &it.state) {
            None | Some(InstanceState::Running | InstanceState::Other(_)) => Passes,
            Some(_) => self.stop(Hop::NatInstance, "the instance does not run"),
        };
        check.then(runs)
    }

    /// Through an internet gateway or an egress-only one, from this subnet.
    pub(super) fn internet(
        &self,
        gateway: &str,
        subnet: &SubnetId,
        to: IpAddr,
        nat: bool,
        hop: Hop,
    ) -> Fate {
        let outward = nat || gateway.starts_with("eigw-");
        let to = match (is_public(to), gateway.starts_with("eigw-") && to.is_ipv4()) {
            (false, _) if to.is_ipv6() && untranslated(to).is_some() => {
                self.stop(Hop::RouteTarget, UNTRANSLATED)
            }
            (false, _) => self.stop(Hop::Route, "nobody has that address on the internet"),
            (_, true) => self.stop(Hop::Route, "IPv6 only"),
            _ => Passes,
        };
        to.then(self.attached(gateway, hop)).then(self.access(Some(subnet), outward))
    }

    /// VPC Block Public Access. `outward` is what NAT gateways and egress-only gateways send, which the
    /// ingress mode leaves alone (security-vpc-bpa-basics.html).
    pub(super) fn access(&self, subnet: Option<&SubnetId>, outward: bool) -> Fate {
        let blocked = self.stop(Hop::PublicAccessBlock, "public access is blocked");
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

    pub(super) fn attached(&self, gateway: &str, hop: Hop) -> Fate {
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
            // Its routes would be blackholes.
            None => Unclear("a gateway that is not listed"),
            Some("attaching" | "detaching" | "detached") => {
                self.stop(hop, "the internet gateway is not attached")
            }
            Some(_) => Unclear("the internet gateway's state"),
        }
    }
}
