//! From the instance to a service on tcp/443 and back, hop by hop, and every setting that stops packets.
//!
//! A path is a list of [`Hop`]s, each with its own answer, so that a blocked path is complete: the
//! checks pick the kinds of hop they speak for, and one faulty setting fails one check. What AWS does
//! not show (another account's transit gateway tables, the inside of an appliance) is an unknown hop.
//!
//! A name may have several addresses. The agent tries one after the other, and succeeds if one of them
//! answers. Addresses of services outside the VPC are not known. They stand for any address that a
//! public service can have: an answer about them holds for all of them.

use alloc::{collections::BTreeMap, format, rc::Rc, vec::Vec};
use core::{
    cell::RefCell,
    net::{IpAddr, Ipv4Addr},
};

use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Facts, Unknown},
};

use crate::{
    answer::*,
    case::Case,
    dns::{self, Defect, Name, Resolution, StepKind},
    network::{
        address_set::Family,
        flow::{Host, Origin, PathTrace, ServiceQuery},
        gateway_endpoint::gateway_endpoint,
        hop::{Hop, HopKind, Path, Reachable, any_address},
        service::{CORE, DUAL_STACK, agent_reaches, bucket_in_other_region, gate_services},
        shared_endpoint::shared_endpoint,
        statement::NetworkStatement,
    },
};

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
    let hops = path.hops.iter().filter(|it| !it.kind.never_stops_all());
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
pub fn endpoint_on_path<'a>(
    case: &Case<'a>,
    service: &str,
) -> Result<Option<(&'a Endpoint, &'a VpcId)>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let instance = case.facts.instance(id).required()?;
    let Some(vpc) = &instance.vpc else { return Ok(None) };
    let first = instance.interfaces.iter().min_by_key(|it| it.device_index);
    let name = dns::resolve(case, vpc, service)?;
    let endpoint = match (name.to, first) {
        (Resolution::Endpoint(endpoint), _) => Some(endpoint),
        (Resolution::Elsewhere(there), _) => {
            let shared = any_of(&there.addresses, |it| shared_endpoint(case, service, *it))?;
            let Some((endpoint, _)) = shared else {
                return Err(Unknown::limit(format!(
                    "{} leads {service} out of {vpc}, and the policy of an endpoint there is not visible",
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
    if endpoint.is_some() && bucket_in_other_region(case, service)?.is_some() {
        return Ok(None);
    }
    Ok(endpoint.map(|it| (it, it.vpc.as_ref().unwrap_or(vpc))))
}

/// The endpoint of its own VPC that the instance would reach a service through, and does not because
/// the service's name does not lead there: whoever fixes the name meets next what else is in its way.
///
/// # Errors
/// [`Unknown`] when where the name leads was not seen.
pub fn bypassed_endpoint<'a>(
    case: &Case<'a>,
    service: &'static str,
) -> Result<Option<(&'a Endpoint, &'a VpcId)>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let Some(vpc) = &case.facts.instance(id).required()?.vpc else { return Ok(None) };
    let Resolution::PublicDespite(endpoint, defect) = dns::resolve(case, vpc, service)?.to else {
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

/// [`path`], as a case keeps it, by service.
#[derive(Default)]
struct KnownPaths(RefCell<BTreeMap<&'static str, Rc<Path>>>);

/// The way from the target to `service`, computed once for each case.
#[must_use]
pub fn path(case: &Case, service: &'static str) -> Rc<Path> {
    let paths = case.results::<KnownPaths>();
    if let Some(known) = paths.0.borrow().get(service) {
        return known.clone();
    }
    let mut path = compute(case, service);
    for hop in &mut path.hops {
        hop.mark_path(service);
    }
    let path = Rc::new(path);
    paths.0.borrow_mut().insert(service, path.clone());
    path
}

/// A system may have addresses of both kinds, on several network interfaces. Which kind is used the name's
/// addresses decide, of which the agent tries one after the other.
fn compute(case: &Case, service: &'static str) -> Path {
    let host = match Host::of(case) {
        Ok(host) => host,
        Err(unknown) => return Path { service, hops: Vec::new(), unfollowed: Some(unknown) },
    };
    let name = dns::resolve(case, host.vpc, service);
    let query = ServiceQuery { case, facts: case.facts, scope: case.scope, service, name: &name };
    let families = name.as_ref().ok().and_then(|it| it.families);
    let v6_alone = families.is_some_and(|it| !it.v4 && it.v6);
    // Another DNS server may have addresses of either kind.
    let families = families
        .filter(|_| !name.as_ref().is_ok_and(|it| host.may_resolve_otherwise(it, case.facts)));
    let usual = match host.way(query, Family::V4) {
        Some(v4) if v4.reachable() != Reachable::No && !v6_alone => return v4,
        v4 => v4,
    };
    // What DNS64 makes of an IPv4 address is one address more. It is no way to an endpoint of the VPC that IPv4 does
    // not reach.
    let inside = matches!(&name, Ok(Name { to: Resolution::Endpoint(_), .. }));
    let dns64 = if inside { Ok(false) } else { host.has_dns64(case.facts) };
    let has_ipv6 = dns64 == Ok(true) || families.is_some_and(|it| it.v6);
    let (usual, other) = match (usual, host.way(query, Family::V6)) {
        (Some(_), Some(v6)) if v6_alone => return v6,
        // Nothing is sent to addresses that DNS Firewall withholds.
        (Some(v4), Some(v6)) if has_ipv6 && v4.is_withheld() && !v6.is_withheld() => return v6,
        (Some(v4), Some(v6)) if v6.reachable() != Reachable::No => (v4, v6),
        (Some(only), _) | (None, Some(only)) => return only,
        (None, None) => {
            let unfollowed = Unknown::limit(format!("{} has no address", case.scope.target));
            return Path { service, hops: Vec::new(), unfollowed: Some(unfollowed) };
        }
    };
    match dns64 {
        // Where it was not seen which kinds the name has, it may have this one.
        Ok(dns64) if dns64 || families.is_none_or(|it| it.v6) => Path {
            service,
            hops: any_address(Vec::from([usual.hops, other.hops])),
            unfollowed: other.unfollowed,
        },
        Ok(_) => {
            let doubt = "the agent uses IPv6 only if it is told to, which is not visible";
            match may_have_reported_by_ipv6(case) {
                Ok(false) => choose(case, usual, other, doubt),
                Ok(true) if agent_reaches(case, usual.service) == Ok(true) => other,
                Ok(true) => Path { unfollowed: Some(Unknown::limit(doubt)), ..other },
                Err(unknown) => {
                    Path { unfollowed: Some(Unknown::limit(doubt).and(unknown)), ..other }
                }
            }
        }
        Err(unknown) => Path { unfollowed: Some(unknown), ..other },
    }
}

/// A way that is open, beside one that is shut, of which neither is more usual.
fn if_agent_reaches(case: &Case, open: Path) -> Path {
    match agent_reaches(case, open.service) {
        Ok(true) => open,
        Ok(false) => Path { unfollowed: Some(Unknown::limit(SEVERAL_INTERFACES)), ..open },
        Err(unknown) => {
            Path { unfollowed: Some(Unknown::limit(SEVERAL_INTERFACES).and(unknown)), ..open }
        }
    }
}

const SEVERAL_INTERFACES: &str =
    "the instance has several network interfaces, and which one the system uses is not visible";

/// Did an agent report that can ask for dual-stack names? Then IPv6 may be what it has used all along.
///
/// # Errors
/// [`Unknown`] when the node was not seen.
fn may_have_reported_by_ipv6(case: &Case) -> Result<bool, Unknown> {
    let node = case.facts.node(&case.scope.target).optional()?;
    Ok(node.is_some_and(|node| node.version().map_or(true, |version| version >= DUAL_STACK)))
}

/// Of two ways, the `usual` one leads nowhere: it is the one in use unless the agent is seen to get
/// through after all.
fn choose(case: &Case, usual: Path, other: Path, doubt: &str) -> Path {
    match agent_reaches(case, usual.service) {
        Ok(true) => other,
        Ok(false) => usual,
        Err(unknown) => Path { unfollowed: Some(Unknown::limit(doubt).and(unknown)), ..other },
    }
}

impl From<dns::Step> for Hop {
    fn from(step: dns::Step) -> Self {
        let kind = match step.kind {
            StepKind::Resolver => HopKind::VpcDns,
            StepKind::Firewall => HopKind::DnsFirewall,
            StepKind::Rule => HopKind::ResolverRule,
            StepKind::Zone => HopKind::HostedZone,
        };
        Self { kind, id: step.id, answer: step.answer }
    }
}

impl<'a> Host<'a> {
    pub(super) fn of(case: &Case<'a>) -> Result<Self, Unknown> {
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
    pub(super) fn near<'f>(
        &self,
        name: &Result<Name<'f>, Unknown>,
        case: &Case<'f>,
        service: &str,
    ) -> Vec<&'f SubnetId> {
        match name {
            Ok(name) if !self.may_lead_elsewhere(name, case.facts) => {
                let Resolution::Endpoint(endpoint) = &name.to else { return Vec::new() };
                let named = &name.addresses_of_zone;
                if named.is_empty() {
                    return endpoint.subnets.iter().collect();
                }
                let rows = endpoint.interfaces.iter();
                let rows = rows.filter_map(|id| case.facts.network_interface(id).required().ok());
                let at = rows.filter(|row| row.private_ips.iter().any(|it| named.contains(it)));
                at.map(|row| &row.subnet).collect()
            }
            _ => {
                let endpoints = case.facts.endpoints(self.vpc).required().into_iter().flatten();
                let serving = endpoints.filter(|it| it.serves(&case.scope.region) == Some(service));
                serving.flat_map(|it| &it.subnets).collect()
            }
        }
    }

    /// May a DNS server of one's own, a zone that was not seen, or the zone of an endpoint that does not serve in
    /// full lead the name to another endpoint of the VPC?
    fn may_lead_elsewhere(&self, name: &Name, facts: &Facts) -> bool {
        let in_part = match &name.to {
            Resolution::PublicDespite(endpoint, Defect::NotAvailable) => {
                let state = &endpoint.state;
                endpoint.private_dns
                    && matches!(state, EndpointState::Partial | EndpointState::Other(_))
            }
            _ => false,
        };
        in_part || self.may_resolve_otherwise(name, facts)
    }

    /// May a DNS server of one's own, or a zone that was not seen, have any answer for the name?
    fn may_resolve_otherwise(&self, name: &Name, facts: &Facts) -> bool {
        let unseen = |step: &dns::Step| {
            matches!(step.kind, StepKind::Rule | StepKind::Zone) && step.answer.is_err()
        };
        name.steps.iter().any(unseen) || !matches!(dns::foreign_resolver(facts, self.vpc), Ok(None))
    }

    /// The way by addresses of one family; None without any. Packets leave by the first interface that has
    /// one, unless the system's own routes, which do not show, say otherwise; so where that one leads nowhere
    /// and another would, what is seen of the agent decides.
    pub(super) fn way(&self, query: ServiceQuery, family: Family) -> Option<Path> {
        let ServiceQuery { case, facts, scope, service, name } = query;
        let mut ways = self.interfaces.iter().filter_map(|interface| {
            let address = match family {
                Family::V4 => interface.private_ip.map(IpAddr::from),
                Family::V6 => interface.ipv6.first().copied().map(IpAddr::from),
            }?;
            let from = Origin { host: self, vpc: self.vpc, interface, address };
            Some((*interface, PathTrace { case, facts, scope, service, name, from }.path(service)))
        });
        let (interface, first) = ways.next()?;
        // An interface in the endpoint's own subnet is nearer than the default route.
        let near = self.near(name, case, service);
        let endpoints = facts.endpoints(self.vpc).required();
        let unseen = name.is_err() && endpoints.is_err_and(|unknown| !unknown.is_unasked());
        let near = |it: &AttachedInterface| unseen || near.contains(&&it.subnet);
        // Whether the system has a default route by another interface than its first, its owner knows.
        let unexpected = self.interfaces.first().is_some_and(|it| it.id != interface.id);
        if first.reachable() == Reachable::No {
            return Some(match ways.find(|it| it.1.reachable() != Reachable::No) {
                Some((interface, other)) if near(interface) => if_agent_reaches(case, other),
                Some((_, other)) => choose(case, first, other, SEVERAL_INTERFACES),
                None => first,
            });
        }
        if unexpected || ways.any(|it| near(it.0) && it.1.reachable() != Reachable::Yes) {
            return Some(if_agent_reaches(case, first));
        }
        Some(first)
    }

    pub(super) fn has_v4(&self) -> bool {
        self.interfaces.iter().any(|it| it.private_ip.is_some())
    }

    /// Does the resolver make IPv6 addresses of IPv4 ones (DNS64) for this instance? It does so for
    /// questions from some subnets.
    pub(super) fn has_dns64(&self, facts: &Facts) -> Result<bool, Unknown> {
        let Some(first) = self.interfaces.first() else { return Ok(false) };
        Ok(facts.subnet(&first.subnet).required()?.dns64)
    }
}

/// The public IPv4 addresses that requests to a service may bear, where they certainly leave to the
/// internet: by no endpoint, and past nothing that might lead to one elsewhere (a transit gateway, an
/// appliance, another DNS server). No address where none is certain; None where they may go elsewhere.
///
/// # Errors
/// [`Unknown`] when the way was not seen.
pub fn public_source_addresses(
    case: &Case,
    service: &'static str,
) -> Result<Option<Vec<Ipv4Addr>>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let instance = case.facts.instance(id).required()?;
    let Some(vpc) = &instance.vpc else { return Ok(None) };
    if !matches!(dns::resolve(case, vpc, service)?.to, Resolution::Public) {
        return Ok(None);
    }
    let path = path(case, service);
    match path.reachable() {
        Reachable::Yes => {}
        Reachable::No => return Ok(None),
        Reachable::Unknown => return Err(path.unknown()),
    }
    let any = |of: fn(HopKind) -> bool| path.hops.iter().any(|it| of(it.kind));
    if any(HopKind::hides_source) || !any(HopKind::shows_source) {
        return Ok(None);
    }
    let [AttachedInterface { private_ip: Some(_), public_ip, .. }] = instance.interfaces.as_slice()
    else {
        return Ok(Some(Vec::new()));
    };
    let mut addresses = Vec::new();
    if !any(|it| it == HopKind::NatGateway) {
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

impl PathTrace<'_> {
    pub(super) fn path(&self, service: &'static str) -> Path {
        let mut hops = Vec::new();
        let unfollowed = self.follow(&mut hops).err();
        self.unless_resolved_elsewhere(&mut hops);
        if unfollowed.is_some() || hops.iter().any(Hop::may_resolve_elsewhere) {
            for closed in self.closed_filters() {
                hops.retain(|it| it.kind != closed.kind || it.stops());
                if hops.iter().all(|it| it.kind != closed.kind) {
                    hops.push(closed);
                }
            }
        }
        // Wherever another server leads the name, packets pass these.
        let elsewhere = hops.iter().find(|it| it.may_resolve_elsewhere());
        if let Some(unknown) = elsewhere.and_then(|it| it.answer.as_ref().err().cloned()) {
            let subnet = &self.from.interface.subnet;
            for kind in [HopKind::InstanceGroup, HopKind::Route] {
                if hops.iter().all(|it| it.kind != kind) {
                    hops.push(Hop::new(kind, subnet, Err(unknown.clone())));
                }
            }
        }
        Path { service, hops, unfollowed }
    }

    /// With IPv6 alone the agent may well ask for other names than this one, whose way is in order.
    pub(super) fn unless_other_names(&self, hops: &mut [Hop]) {
        // Without DNS support no name resolves.
        let other = |it: &&mut Hop| it.stops() && it.kind != HopKind::VpcDns;
        for hop in hops.iter_mut().filter(other) {
            hop.answer = Err(Unknown::limit(format!(
                "{} is not right, and whether the agent asks for {}.{} or for a dual-stack name is not visible",
                hop.id, self.service, self.scope.region
            )));
        }
    }

    fn follow(&self, hops: &mut Vec<Hop>) -> Result<(), Unknown> {
        hops.extend(self.custom_dns_queries());
        let name = match self.name {
            Ok(name) => name,
            Err(unknown) => {
                if !unknown.is_unasked() {
                    hops.extend(self.only_possible_path()?);
                }
                return Err(unknown.clone());
            }
        };
        hops.extend(name.steps_for(self.family() == Family::V6).cloned().map(Hop::from));
        if !self.from.host.has_v4() {
            self.unless_other_names(hops);
        }
        if let Resolution::Public | Resolution::PublicDespite(..) = name.to
            && let Some(hop) = self.custom_dns_answers()?
        {
            hops.push(hop);
        }
        match &name.to {
            // What stands here for S3 does not serve the buckets of another Region.
            Resolution::Endpoint(_) | Resolution::PublicDespite(..)
                if self.bucket_in_other_region()?.is_some() =>
            {
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
                self.by_endpoint(endpoint, &name.addresses_of_zone, name.families, hops)
            }
            Resolution::Elsewhere(there) => self.to_elsewhere(there, hops),
            Resolution::Public => {
                if self.service == "s3"
                    && let Some(gateway) = self.gateway_endpoint()?
                    && self.bucket_in_other_region()?.is_none()
                {
                    self.to_gateway_endpoint(gateway, hops)
                } else {
                    self.to_public(hops)
                }
            }
            Resolution::PublicDespite(endpoint, defect) => {
                let unfollowed = self.unused_endpoint(endpoint, *defect, hops);
                // Once it is available its private DNS answers, and no zone is asked.
                let blamed = |it: &Hop| it.kind == HopKind::Endpoint && it.stops();
                if endpoint.private_dns && hops.iter().any(blamed) {
                    hops.retain(|it| it.kind != HopKind::HostedZone || !it.stops());
                }
                unfollowed
            }
        }
    }
}
