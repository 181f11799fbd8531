//! To public addresses: by a route out of the VPC, in the family that the name and the instance share.

use alloc::{format, vec::Vec};

use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Gap, Unknown},
};

use crate::{
    answer::*,
    dns::{self, StepKind},
    network::{
        address_set::{Addresses, Family},
        flow::{PathTrace, Remote, join},
        hop::{Hop, HopKind, Path, Reachable, reachable},
        network_acl::unless_the_same_ports,
        remedy::NetworkRemedy,
        route_table::{RouteMatch, mixed, table_of},
        security_group::PeerGroups,
        service::{DUAL_STACK, agent_reaches},
        service_addresses::of_parts,
        statement::NetworkStatement,
    },
};

impl PathTrace<'_> {
    pub(super) fn to_public(&self, hops: &mut Vec<Hop>) -> Result<(), Unknown> {
        let mut way = Vec::new();
        let direct = self.to_internet(&self.internet(self.family()), &mut way);
        if self.family() == Family::V4 {
            hops.extend(way);
            return direct;
        }
        // Names with IPv4 addresses alone: translated, or asked for by their dual-stack names.
        if self.from.host.has_dns64(self.facts)? {
            let mut translated = Vec::new();
            let unfollowed = self.to_internet(&Remote::translated(), &mut translated);
            // An agent that cannot ask for other names has no other addresses.
            let alone = direct.is_ok() && reachable(&way, false) == Reachable::No
                || matches!(self.dual_stack_names(), Ok(Verdict::Fail(..)));
            let works = reachable(&translated, unfollowed.is_err()) != Reachable::No;
            if works || alone {
                hops.extend(translated);
                return unfollowed;
            }
        }
        hops.extend(way);
        let id = &self.from.interface.id;
        hops.push(Hop::new(HopKind::AddressType, id, self.dual_stack_names()));
        direct
    }

    /// The way to public addresses of the instance's own family.
    pub(super) fn internet_path(&self) -> Path {
        let mut hops = Vec::new();
        let unfollowed = self.to_internet(&self.internet(self.family()), &mut hops).err();
        Path { service: "", hops, unfollowed }
    }

    /// The routes out of the VPC; its own addresses are no public service's.
    pub(super) fn routes_out<'t>(
        &self,
        vpc: &VpcId,
        table: &'t RouteTable,
        destination: &Remote,
    ) -> Result<Vec<RouteMatch<'t>>, Unknown> {
        let mut route_matches = self.route_matches(vpc, table, destination)?;
        route_matches.retain(|it| it.route.is_none_or(|it| !it.via.is_local()));
        let routed = route_matches.iter().filter(|it| it.route.is_some());
        let routed = Addresses::union(destination.family(), routed.map(|it| &it.addresses));
        if route_matches.iter().any(|it| it.route.is_none()) && destination.is_not_in(&routed) {
            route_matches.retain(|it| it.route.is_none());
        }
        Ok(route_matches)
    }

    pub(super) fn to_internet(
        &self,
        destination: &Remote,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        let subnet = &self.from.interface.subnet;
        let table = table_of(self.facts, self.from.vpc, subnet)?;
        let route_matches = self.routes_out(self.from.vpc, table, destination)?;
        if route_matches.iter().all(|it| it.route.is_none()) {
            if let Some(unknown) = self.may_resolve_elsewhere(table) {
                return Err(unknown);
            }
            let closed = self.closed_filters();
            let is_closed = |kind| closed.iter().any(|it| it.kind == kind);
            hops.push(Hop::new(HopKind::Route, &table.id, self.no_path(table)));
            // Wherever the name leads there is no way to it, but what else would stand there is unknown.
            if let Some((_, unseen)) = self.unseen_step() {
                let kinds = [
                    HopKind::InstanceGroup,
                    HopKind::Acl,
                    HopKind::Endpoint,
                    HopKind::EndpointGroup,
                ];
                let same = |kind| Hop::new(kind, &table.id, Err(unseen.clone()));
                hops.extend(kinds.into_iter().filter(|it| !is_closed(*it)).map(same));
            }
            hops.extend(closed);
            return Ok(());
        }
        let groups = &self.from.interface.security_groups;
        hops.push(Hop::new(
            HopKind::InstanceGroup,
            &join(groups),
            self.sends(groups, destination, PeerGroups::Outside),
        ));
        hops.extend(self.acls_of_instance(destination).hops(subnet));
        let beyond = self.by(&route_matches, table, destination);
        if beyond.iter().all(|it| it.kind != HopKind::Route) {
            let way_out = NetworkStatement::SubnetHasRouteOut(subnet.clone());
            let way_out = observed(&table.id, way_out.for_service(self.service));
            hops.push(Hop::new(HopKind::Route, &table.id, Ok(Verdict::Pass(way_out))));
        }
        hops.extend(beyond);
        hops.extend(unless_the_same_ports(hops));
        Ok(())
    }

    /// The filters of the instance that let nothing out to any address, so that every path needs them
    /// changed.
    pub(super) fn closed_filters(&self) -> Vec<Hop> {
        let (interface, everything) = (self.from.interface, self.family().everything());
        let anywhere = Remote { phrase: "any address".into(), ..Remote::somewhere(&everything) };
        let groups = &interface.security_groups;
        // It may be an interface with any group.
        let sends = self.sends(groups, &anywhere, PeerGroups::Unseen("any interface"));
        let group = Hop::new(HopKind::InstanceGroup, &join(groups), sends);
        // Packets to an endpoint in the same subnet pass no ACL.
        let endpoints = self.facts.endpoints(self.from.vpc).required();
        let beside = |it: &Endpoint| {
            it.serves(&self.scope.region) == Some(self.service)
                && it.subnets.contains(&interface.subnet)
        };
        let leaves = endpoints.is_ok_and(|all| !all.iter().any(beside));
        let acls = leaves.then(|| self.acls_of_instance(&anywhere).hops(&interface.subnet));
        let acls = acls.into_iter().flatten();
        // A filter that was not seen may be closed.
        let unseen = |unknown: &Unknown| unknown.gaps().any(|gap| matches!(gap, Gap::Fact { .. }));
        let counts = |it: &Hop| it.stops() || it.answer.as_ref().is_err_and(unseen);
        core::iter::once(group).chain(acls).filter(counts).collect()
    }

    /// Everything beyond the routes that packets leave the VPC by.
    pub(super) fn by(
        &self,
        route_matches: &[RouteMatch],
        table: &RouteTable,
        destination: &Remote,
    ) -> Vec<Hop> {
        let ways: Vec<_> = route_matches
            .iter()
            .map(|route_match| {
                let hops = match route_match.route {
                    Some(route) => {
                        self.next_hop(table, route, &destination.part(&route_match.addresses))
                    }
                    None => Vec::from([Hop::new(HopKind::Route, &table.id, self.no_path(table))]),
                };
                (&route_match.addresses, hops)
            })
            .collect();
        // Where no part has a way, whoever makes one for those without a route makes it for all.
        let blocked = ways.iter().all(|way| reachable(&way.1, false) == Reachable::No);
        if blocked
            && let Some((_, way)) = ways.iter().find(|way| way.1.iter().any(Hop::is_missing_route))
        {
            return way.clone();
        }
        of_parts(destination, ways, || {
            let answer = Err(mixed(route_matches, destination));
            // Whether there is a route at all depends on the address.
            if route_matches.iter().any(|it| it.route.is_none()) {
                Hop::new(HopKind::Route, &table.id, answer)
            } else {
                Hop::new(HopKind::NextHop, "", answer)
            }
        })
    }

    /// The usual names of Systems Manager have no IPv6 address; those of `api.aws` do, and newer agents ask
    /// for them if their configuration says so.
    pub(super) fn dual_stack_names(&self) -> Answer {
        let (region, id) = (&self.scope.region, &self.from.interface.id);
        let unanswered = || {
            Unknown::limit(format!(
                "{id} has IPv6 addresses alone, by which the agent finds {}.{region} only if its configuration turns dual-stack endpoints on ({DUAL_STACK} or newer), which is not visible",
                self.service
            ))
        };
        match agent_reaches(self.case, self.service) {
            Ok(true) => {
                return Ok(Verdict::Pass(observed(
                    id,
                    NetworkStatement::ReachesByIpv6(self.service),
                )));
            }
            Ok(false) => {}
            Err(unknown) => return Err(unanswered().and(unknown)),
        }
        // A server of one's own may have addresses of its own making for the names.
        if let Some(server) = dns::foreign_resolver(self.facts, self.from.vpc)? {
            let whose =
                format!("what the DNS server {server} says of {} is not visible", self.service);
            return Err(unanswered().and(Unknown::limit(whose)));
        }
        if let Ok(name) = self.name {
            let open = |step: &&dns::Step| matches!(step.kind, StepKind::Rule | StepKind::Zone);
            let unseen = name.steps.iter().filter(open).find_map(|it| it.answer.clone().err());
            if let Some(unseen) = unseen {
                return Err(unanswered().and(unseen));
            }
        }
        let node = self.facts.node(&self.scope.target).optional()?;
        let Some(version) = node.and_then(|it| it.version().ok()).filter(|it| *it < DUAL_STACK)
        else {
            return Err(unanswered());
        };
        let evidence =
            observed(id, NetworkStatement::OnlyIpv6 { host: region.service_host(self.service) })
                .and(observed(&self.scope.target, NetworkStatement::NoDualStackNames(version)));
        let fix = Fix::of(
            NetworkRemedy::ProvideIpv6 { subnet: self.from.interface.subnet.clone() },
            Recovery::Agent,
        );
        Ok(Verdict::Fail(evidence, fix))
    }

    /// Endpoints of a hub VPC may be where the name leads: it is not known whether the VPC resolves names
    /// at all, or a zone or rule was not seen and a private route leads somewhere.
    fn may_resolve_elsewhere(&self, table: &RouteTable) -> Option<Unknown> {
        let (kind, unseen) = self.unseen_step()?;
        if kind == StepKind::Resolver {
            return Some(unseen);
        }
        let routes_to_other_networks =
            |it: &&Route| it.state == RouteState::Active && it.leads_to_other_networks();
        let route = table.routes.iter().find(routes_to_other_networks)?;
        let text = format!(
            "{} leads to {} through {}, where endpoints shared with {} may exist",
            table.id, route.to, route.via, self.from.vpc
        );
        Some(Unknown::limit(text).and(unseen))
    }

    /// What of the name's own way was not seen.
    fn unseen_step(&self) -> Option<(StepKind, Unknown)> {
        let name = self.name.as_ref().ok()?;
        let mut steps = name.steps_for(self.family() == Family::V6);
        steps.find_map(|it| Some((it.kind, it.answer.as_ref().err()?.clone())))
    }

    /// No endpoint and no route out.
    fn no_path(&self, table: &RouteTable) -> Answer {
        let (vpc, service, scope) = (self.from.vpc, self.service, self.scope);
        let subject = format!("{} ({})", self.from.interface.subnet, table.id);
        if let Ok(Some(region)) = seen(self.bucket_in_other_region())? {
            let evidence = observed(
                &subject,
                NetworkStatement::NoPathToRegion { service, region: region.clone() },
            );
            return Ok(Verdict::Fail(
                evidence,
                Fix::of(
                    NetworkRemedy::UseBucketIn { region: scope.region.clone() },
                    Recovery::NextSession,
                ),
            ));
        }
        let endpoints = self.facts.endpoints(vpc).required()?;
        let serving = |it: &&Endpoint, what: &str| it.serves(&scope.region) == Some(what);
        let fips = format!("{service}-fips");
        if let Some(endpoint) =
            endpoints.iter().find(|it| serving(it, &fips) && !it.subnets.is_empty())
        {
            return Err(Unknown::limit(format!(
                "{} serves {}, which the agent asks for only if its configuration says so, and that is not visible",
                endpoint.id,
                scope.region.service_host(&fips)
            )));
        }
        let evidence = observed(&subject, NetworkStatement::NoPath { service, vpc: vpc.clone() });
        let unused = endpoints.iter().find(|it| {
            it.kind == EndpointKind::Gateway
                && it.state != EndpointState::Deleted
                && serving(it, service)
        });
        let (evidence, fix) = match unused {
            Some(gateway) => (
                evidence.and(observed(
                    &gateway.id,
                    NetworkStatement::GatewayEndpointNotOn { service, table: table.id.clone() },
                )),
                Fix::of(
                    NetworkRemedy::AddEndpointRouteTable {
                        endpoint: gateway.id.clone(),
                        table: table.id.clone(),
                    },
                    Recovery::NextSession,
                ),
            ),
            None => (evidence, self.new_endpoint(table)),
        };
        Ok(Verdict::Fail(evidence, fix))
    }

    fn new_endpoint(&self, table: &RouteTable) -> Fix {
        let (vpc, service, region) = (self.from.vpc, self.service, &self.scope.region);
        // With private DNS an interface endpoint for S3 is refused unless a gateway stands beside it.
        if service == "s3" {
            return Fix::of(
                NetworkRemedy::CreateGatewayEndpoint {
                    vpc: vpc.clone(),
                    region: region.clone(),
                    service: "s3",
                    table: table.id.clone(),
                },
                Recovery::NextSession,
            );
        }
        Fix::of(
            NetworkRemedy::CreateInterfaceEndpoint {
                vpc: vpc.clone(),
                service,
                subnet: self.from.interface.subnet.clone(),
            },
            Recovery::Agent,
        )
    }
}
