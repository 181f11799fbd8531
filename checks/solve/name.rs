//! What a service's name leads to, asked from inside a VPC, and every setting on the way of the query.
//!
//! The order in which the VPC's resolver looks (Route 53 Developer Guide, "Considerations when working
//! with a private hosted zone", "Domain names that VPC Resolver creates autodefined system rules for",
//! "How Route 53 Profile settings are prioritized", "How Resolver DNS Firewall works"):
//!
//! 1. DNS Firewall may refuse the name.
//! 2. Of Resolver rules and private hosted zones the one with the most specific domain decides. Of a
//!    rule and a zone for the same domain it is the rule; of the VPC's own and a Profile's, the VPC's.
//! 3. A zone that lacks the record answers that the name does not exist. Nothing falls through it to
//!    the public name.
//!
//! An interface endpoint with private DNS puts a hidden zone of the service's very name on the whole
//! VPC, so that every subnet resolves the name to the endpoint, public ones too. A VPC can have one
//! zone of a name only, and none is more specific: what comes before it is a rule for that very name.
//!
//! A refused call must not take away what the others show. So a name that something unseen *might*
//! divert leads where it would otherwise, and the step that was not seen says that it was not; only
//! where a zone may well be the point of the set-up (an endpoint without private DNS, a route to
//! another network) is the name's end unknown.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::model::{
    dns::*,
    ec2::{AddressFamily, Endpoint, EndpointKind, EndpointState, RouteState},
    facts::{Facts, Gap, Unknown, Why},
    ids::*,
    scope::Scope,
    verdict::*,
};

/// Which of a service's names is asked for. The agent asks for the standard one unless its
/// configuration says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Standard,
    /// In the Regions of `aws-us-gov` the standard names are FIPS already.
    Fips,
    /// With IPv4 and IPv6 addresses.
    DualStack,
    FipsDualStack,
}

/// `ssm.eu-west-1.amazonaws.com`, or the variant of it.
#[must_use]
pub fn host(region: &Region, service: &str, variant: Variant) -> String {
    let (fips, suffix) = match variant {
        Variant::Standard => ("", region.dns_suffix()),
        Variant::Fips => ("-fips", region.dns_suffix()),
        Variant::DualStack => ("", region.dual_stack_suffix()),
        Variant::FipsDualStack => ("-fips", region.dual_stack_suffix()),
    };
    format!("{service}{fips}.{region}.{suffix}")
}

/// A name, where it leads, and what the query for it passes.
#[derive(Debug)]
pub struct Name<'a> {
    pub host: String,
    /// Where packets go; past a step that fails, where they would go without it.
    pub to: Resolution<'a>,
    /// Which kinds of addresses the name has; None where AWS uses a word not known here.
    pub families: Option<Families>,
    /// In the order in which the resolver takes them.
    pub steps: Vec<Step>,
}

/// Where the agent is sent when it asks for a service.
#[derive(Debug)]
pub enum Resolution<'a> {
    /// To the network interfaces of this endpoint of the VPC: by its private DNS, or, where that is
    /// off, by a private hosted zone.
    Endpoint(&'a Endpoint),
    /// To public addresses, and no endpoint in the VPC was meant to prevent it.
    Public,
    /// To public addresses although this endpoint stands there.
    PublicDespite(&'a Endpoint, Defect),
    /// To what a private hosted zone or a Route 53 Profile says, which is no endpoint of this VPC.
    Elsewhere(Elsewhere),
}

#[derive(Debug, PartialEq)]
pub struct Elsewhere {
    /// The zone's id, or the endpoint's that a Profile brings along.
    pub by: String,
    /// The name that the record points at, if it is not addresses that it has.
    pub target: Option<String>,
    /// Empty where they do not show.
    pub addresses: Vec<IpAddr>,
}

/// Why an endpoint does not get the traffic that it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    NotAvailable,
    PrivateDnsOff,
    /// The VPC's `enableDnsSupport` or `enableDnsHostnames` is off.
    VpcDnsOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    pub v4: bool,
    pub v6: bool,
}

impl Families {
    const V4: Self = Self { v4: true, v6: false };
    const V6: Self = Self { v4: false, v6: true };
    const BOTH: Self = Self { v4: true, v6: true };

    fn of_variant(variant: Variant) -> Self {
        match variant {
            Variant::Standard | Variant::Fips => Self::V4,
            Variant::DualStack | Variant::FipsDualStack => Self::BOTH,
        }
    }

    /// Source: AWS `PrivateLink` Guide, "DNS record IP type".
    fn of_endpoint(endpoint: &Endpoint, variant: Variant) -> Option<Self> {
        match endpoint.dns_record_ip_type.as_ref().or(endpoint.ip_address_type.as_ref()) {
            None | Some(AddressFamily::V4) => Some(Self::V4),
            Some(AddressFamily::V6) => Some(Self::V6),
            Some(AddressFamily::Dual) => Some(Self::BOTH),
            Some(AddressFamily::ServiceDefined) => Some(Self::of_variant(variant)),
            Some(AddressFamily::Other(_)) => None,
        }
    }

    fn of_addresses(addresses: &[IpAddr]) -> Option<Self> {
        let any = |v6| addresses.iter().any(|it| it.is_ipv6() == v6);
        (!addresses.is_empty()).then(|| Self { v4: any(false), v6: any(true) })
    }
}

/// One thing that a query passes, and whether it lets the right answer through.
#[derive(Debug)]
pub struct Step {
    pub kind: StepKind,
    /// The zone, rule or VPC in question.
    pub id: String,
    pub answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Does the VPC's resolver answer at all?
    Resolver,
    Firewall,
    Rule,
    Zone,
}

/// The standard name of `service`.
///
/// # Errors
/// As [`resolve_as`].
pub fn resolve<'a>(
    facts: &'a Facts,
    scope: &Scope,
    vpc: &VpcId,
    service: &str,
) -> Result<Name<'a>, Unknown> {
    resolve_as(facts, scope, vpc, service, Variant::Standard)
}

/// # Errors
/// [`Unknown`] when what decides was not seen, or the VPC's instances ask a DNS server of their own.
pub fn resolve_as<'a>(
    facts: &'a Facts,
    scope: &Scope,
    vpc: &VpcId,
    service: &str,
    variant: Variant,
) -> Result<Name<'a>, Unknown> {
    let query = Query { facts, scope, vpc, host: host(&scope.region, service, variant), variant };
    let plain = query.by_endpoint()?;
    let seen = query.settings()?;
    let rule = query.rule(&plain, &seen);
    let zone = query.zone(plain, &seen)?;
    // A rule for the same or a longer domain is asked instead of the zone, so only who has seen the
    // rules may say that the zone is at fault.
    let answer = match (zone.answer, &rule.answer) {
        (Ok(Verdict::Fail(..)), Err(unknown)) => Err(unknown.clone()),
        (answer, _) => answer,
    };
    let zoned = Step { kind: StepKind::Zone, id: zone.id, answer };
    let steps = vec![query.resolver()?, query.firewall(&seen)?, rule, zoned];
    let families = match &zone.to {
        Resolution::Endpoint(endpoint) => Families::of_endpoint(endpoint, variant),
        Resolution::Elsewhere(it) => Families::of_addresses(&it.addresses),
        Resolution::Public | Resolution::PublicDespite(..) => Some(Families::of_variant(variant)),
    };
    Ok(Name { host: query.host, to: zone.to, families, steps })
}

/// The Resolver rule that hands the question for `service` to servers whose answers do not show.
///
/// # Errors
/// [`Unknown`] when the rules were not seen.
pub fn diversion<'a>(
    facts: &'a Facts,
    scope: &Scope,
    vpc: &VpcId,
    service: &str,
) -> Result<Option<(ResolverRuleId, &'a ResolverRule)>, Unknown> {
    let variant = Variant::Standard;
    let query = Query { facts, scope, vpc, host: host(&scope.region, service, variant), variant };
    let settings = query.settings()?;
    let found = query.diverting(&query.by_endpoint()?, &settings);
    // A rule that was not seen may be for a longer domain, and keep the name here.
    match both(settings.rules.as_ref(), settings.profiles.as_ref()) {
        Some(unknown) => Err(unknown),
        None => Ok(found.map(|(id, rule)| (id.clone(), rule))),
    }
}

struct Query<'a, 'q> {
    facts: &'a Facts,
    scope: &'q Scope,
    vpc: &'q VpcId,
    host: String,
    variant: Variant,
}

/// What covers the name, and what could not be seen of it.
#[derive(Default)]
struct Settings<'a> {
    /// The deciding zone of those that can be seen, and whether it is the VPC's own.
    zone: Option<(&'a HostedZone, bool)>,
    /// Set when the VPC's own list of zones was not seen.
    zones: Option<Unknown>,
    rule: Option<(ResolverRuleId, &'a ResolverRule)>,
    rules: Option<Unknown>,
    /// What Profiles bring along, beside zones and rules.
    groups: Vec<FirewallAssociation>,
    endpoint: Option<&'a Endpoint>,
    /// Set when part of what Profiles bring along was not seen.
    profiles: Option<Unknown>,
}

/// Where a zone, or the endpoint alone, leads the name.
struct Led<'a> {
    to: Resolution<'a>,
    /// The zone's or the VPC's.
    id: String,
    answer: Answer,
}

/// What a zone's records say of a name.
#[derive(PartialEq)]
enum Found<'a> {
    Endpoint(&'a Endpoint),
    Addresses(Vec<IpAddr>),
    /// A name outside the zone.
    Name(String),
    Nothing,
}

/// What DNS Firewall does with a name.
enum Filtered {
    No,
    Allowed(Evidence),
    Blocked(Evidence, Fix),
}

/// The answer, or why it was not seen, where that must not hide everything else.
///
/// # Errors
/// [`Unknown`] while nobody has asked, so that the collector does.
fn seen<T>(answer: Result<T, Unknown>) -> Result<Result<T, Unknown>, Unknown> {
    match answer {
        Err(unknown)
            if unknown.gaps().any(|it| matches!(it, Gap::Fact { why: Why::Unasked, .. })) =>
        {
            Err(unknown)
        }
        answer => Ok(answer),
    }
}

/// Is `host` this domain, or below it?
fn is_within(host: &str, domain: &str) -> bool {
    domain.is_empty()
        || host == domain
        || host.strip_suffix(domain).is_some_and(|it| it.ends_with('.'))
}

impl<'a> Query<'a, '_> {
    /// Where the name leads by the VPC's endpoints alone.
    fn by_endpoint(&self) -> Result<Resolution<'a>, Unknown> {
        let (facts, vpc) = (self.facts, self.vpc);
        let endpoints = facts.endpoints(vpc).required()?;
        let serving = || endpoints.iter().filter(|it| it.answers(&self.scope.region, &self.host));
        let candidates = || {
            serving().filter(|it| {
                it.kind == EndpointKind::Interface
                    && !(it.private_dns && it.private_dns_for_inbound_only)
            })
        };
        let Some(any) = candidates().next() else {
            self.answers_by_variant(endpoints)?;
            return match serving().find(|it| matches!(it.kind, EndpointKind::Other(_))) {
                Some(odd) => Err(Unknown::limit(format!(
                    "{} ({}) is an endpoint of a kind not known here: {}",
                    odd.id,
                    odd.service,
                    odd.kind.as_str()
                ))),
                None => Ok(Resolution::Public),
            };
        };
        let available = || candidates().filter(|it| it.state == EndpointState::Available);
        let Some(some) = available().next() else {
            return Ok(Resolution::PublicDespite(any, Defect::NotAvailable));
        };
        let Some(endpoint) = available().find(|it| it.private_dns) else {
            return Ok(Resolution::PublicDespite(some, Defect::PrivateDnsOff));
        };
        let dns = facts.vpc_dns(vpc).required()?;
        if !dns.support || !dns.hostnames {
            return Ok(Resolution::PublicDespite(endpoint, Defect::VpcDnsOff));
        }
        match foreign_resolver(facts, vpc)? {
            None => Ok(Resolution::Endpoint(endpoint)),
            Some(server) => Err(self.only_if_forwarded(server, endpoint.id.as_str())),
        }
    }

    /// Whether an endpoint answers for a dual-stack name too, its list of names tells; without such a
    /// list nothing does.
    fn answers_by_variant(&self, endpoints: &[Endpoint]) -> Result<(), Unknown> {
        let dual_stack = matches!(self.variant, Variant::DualStack | Variant::FipsDualStack);
        let service = self.host.split('.').next();
        let silent = endpoints.iter().find(|it| {
            it.private_dns
                && it.serves(&self.scope.region) == service
                && it.names.iter().all(|name| name.contains(".vpce."))
        });
        match silent.filter(|_| dual_stack) {
            None => Ok(()),
            Some(endpoint) => Err(Unknown::limit(format!(
                "whether {} answers for {} does not show",
                endpoint.id, self.host
            ))),
        }
    }

    fn only_if_forwarded(&self, server: &str, to: &str) -> Unknown {
        Unknown::limit(format!(
            "instances of {} ask the DNS server {server}: unless it forwards {} to the VPC's own resolver, the name resolves to public addresses instead of {to}",
            self.vpc, self.host,
        ))
    }

    /// Everything of the VPC's and its Profiles' that covers the name.
    fn settings(&self) -> Result<Settings<'a>, Unknown> {
        let (facts, vpc) = (self.facts, self.vpc);
        let mut found = Settings::default();
        match seen(facts.hosted_zones(vpc).required())? {
            Ok(zones) => zones.iter().for_each(|it| self.offer_zone(&mut found, it, true)),
            Err(unknown) => found.zones = Some(unknown),
        }
        match seen(facts.resolver_rules(vpc).required())? {
            Ok(ids) => {
                for id in ids {
                    if let Err(unknown) = self.offer_rule(&mut found, id.clone())? {
                        note(&mut found.rules, unknown);
                    }
                }
            }
            Err(unknown) => found.rules = Some(unknown),
        }
        match seen(facts.profiles(vpc).required())? {
            Ok(ids) => {
                for id in ids {
                    match seen(facts.profile_resources(id).required())? {
                        Ok(resources) => {
                            for resource in resources {
                                if let Err(unknown) = self.offer(&mut found, id, resource)? {
                                    note(&mut found.profiles, unknown);
                                }
                            }
                        }
                        Err(unknown) => note(
                            &mut found.profiles,
                            self.may_bring(id, "zone or a rule").and(unknown),
                        ),
                    }
                }
            }
            Err(unknown) => found.profiles = Some(unknown),
        }
        Ok(found)
    }

    /// The VPC's own are offered first, and of equals the first stays.
    fn offer_zone(&self, found: &mut Settings<'a>, zone: &'a HostedZone, own: bool) {
        let better = found.zone.is_none_or(|(it, _)| it.name.len() < zone.name.len());
        if is_within(&self.host, &zone.name) && better {
            found.zone = Some((zone, own));
        }
    }

    fn offer_rule(
        &self,
        found: &mut Settings<'a>,
        id: ResolverRuleId,
    ) -> Result<Result<(), Unknown>, Unknown> {
        // What the VPC's resolver does anyway, listed as rules of every VPC.
        if id.as_str().starts_with("rslvr-autodefined-") {
            return Ok(Ok(()));
        }
        let rule = match seen(self.facts.resolver_rule(&id).required())? {
            Ok(rule) => rule,
            Err(unknown) => return Ok(Err(unknown)),
        };
        // A delegation rule without a domain of its own acts on NS records, which are unknown anyway.
        if let Some(domain) = &rule.domain
            && is_within(&self.host, domain)
            && found
                .rule
                .as_ref()
                .and_then(|it| it.1.domain.as_ref())
                .is_none_or(|it| it.len() < domain.len())
        {
            found.rule = Some((id, rule));
        }
        Ok(Ok(()))
    }

    /// What a Profile brings along.
    fn offer(
        &self,
        found: &mut Settings<'a>,
        profile: &ProfileId,
        resource: &'a ProfileResource,
    ) -> Result<Result<(), Unknown>, Unknown> {
        let facts = self.facts;
        let unreadable = || {
            Unknown::limit(format!(
                "{profile} brings {}, which is not understood here",
                resource.arn
            ))
        };
        let (kind, name) = resource.arn.resource().split_once('/').unwrap_or_default();
        Ok(match kind {
            "hostedzone" => match name.parse() {
                Ok(id) => seen(facts.hosted_zone(&id).required())?
                    .map(|it| self.offer_zone(found, it, false))
                    .map_err(|unknown| self.may_bring(profile, "zone").and(unknown)),
                Err(_) => Err(unreadable()),
            },
            "resolver-rule" => match name.parse() {
                Ok(id) => self.offer_rule(found, id)?,
                Err(_) => Err(unreadable()),
            },
            "firewall-rule-group" => match (name.parse(), resource.priority) {
                (Ok(group), Some(priority)) => {
                    found.groups.push(FirewallAssociation { group, priority });
                    Ok(())
                }
                _ => Err(unreadable()),
            },
            "vpc-endpoint" => match name.parse::<EndpointId>() {
                Ok(id) => seen(facts.distant_endpoint(&id).required())?.map(|endpoint| {
                    if endpoint.answers(&self.scope.region, &self.host) {
                        found.endpoint = Some(endpoint);
                    }
                }),
                Err(_) => Err(unreadable()),
            },
            // A log of the queries.
            "resolver-query-log-config" => Ok(()),
            _ => Err(unreadable()),
        })
    }

    fn may_bring(&self, profile: &ProfileId, what: &str) -> Unknown {
        let host = &self.host;
        Unknown::limit(format!("{profile}, a Route 53 Profile, may bring a {what} for {host}"))
    }
}

fn note(so_far: &mut Option<Unknown>, more: Unknown) {
    *so_far = Some(match so_far.take() {
        Some(so_far) => so_far.and(more),
        None => more,
    });
}

/// Several reasons not to know, as one.
fn both(one: Option<&Unknown>, other: Option<&Unknown>) -> Option<Unknown> {
    one.into_iter().chain(other).cloned().reduce(Unknown::and)
}

impl<'a> Query<'a, '_> {
    /// Does the VPC's resolver answer at all? Without DNS support it answers nothing, public names
    /// included (VPC User Guide, "DNS attributes for your VPC").
    fn resolver(&self) -> Result<Step, Unknown> {
        let answer = match seen(self.facts.vpc_dns(self.vpc).required())? {
            Ok(dns) if dns.support => Ok(Verdict::Pass(observed(self.vpc, "has DNS support on"))),
            Ok(_) => self.unless_foreign(
                observed(
                    self.vpc,
                    format!("has DNS support off, so that {} does not resolve at all", self.host),
                ),
                Fix::new("turn on DNS support for the VPC", Recovery::Agent).aws(
                    self.scope,
                    [
                        "ec2",
                        "modify-vpc-attribute",
                        "--vpc-id",
                        self.vpc.as_str(),
                        "--enable-dns-support",
                    ],
                ),
            )?,
            Err(unknown) => Err(unknown),
        };
        Ok(Step { kind: StepKind::Resolver, id: self.vpc.to_string(), answer })
    }

    /// A failure, if it is Amazon's resolver that instances ask.
    fn unless_foreign(&self, evidence: Evidence, fix: Fix) -> Result<Answer, Unknown> {
        Ok(match seen(foreign_resolver(self.facts, self.vpc))? {
            Ok(None) => Ok(Verdict::Fail(evidence, fix)),
            Ok(Some(server)) => Err(Unknown::limit(format!(
                "instances of {} ask the DNS server {server}, and what it answers for {} does not show",
                self.vpc, self.host
            ))),
            Err(unknown) => Err(unknown),
        })
    }

    // ------------------------------------------------------------ Resolver rules

    /// The rule that takes the name to servers outside AWS's sight, if one does.
    fn diverting<'s>(
        &self,
        plain: &Resolution<'a>,
        settings: &'s Settings<'a>,
    ) -> Option<(&'s ResolverRuleId, &'a ResolverRule)> {
        let (id, rule) = settings.rule.as_ref()?;
        let zone = match plain {
            Resolution::Endpoint(_) => self.host.len(),
            _ => settings.zone.map_or(0, |(it, _)| it.name.len()),
        };
        let takes = rule.domain.as_ref().is_some_and(|it| it.len() >= zone);
        let answered_here = matches!(rule.kind, RuleType::System | RuleType::Recursive);
        (takes && !answered_here).then_some((id, rule))
    }

    fn rule(&self, plain: &Resolution<'a>, settings: &Settings<'a>) -> Step {
        let unseen = both(settings.rules.as_ref(), settings.profiles.as_ref());
        let (id, answer) = match (self.diverting(plain, settings), unseen) {
            (Some((id, rule)), _) => (id.to_string(), Err(Unknown::limit(said_of(id, rule)))),
            (None, Some(unknown)) => (self.vpc.to_string(), Err(unknown)),
            (None, None) => (
                self.vpc.to_string(),
                Ok(Verdict::Pass(observed(
                    self.vpc,
                    format!("has no Resolver rule that sends {} to other DNS servers", self.host),
                ))),
            ),
        };
        Step { kind: StepKind::Rule, id, answer }
    }

    // ------------------------------------------------------------ private hosted zones

    fn zone(&self, plain: Resolution<'a>, settings: &Settings<'a>) -> Result<Led<'a>, Unknown> {
        let dns = seen(self.facts.vpc_dns(self.vpc).required())?;
        let covering = settings.zone.is_some() || settings.endpoint.is_some();
        let unseen = both(settings.zones.as_ref(), dns.as_ref().err().filter(|_| covering));
        let off = dns.is_ok_and(|it| !it.support || !it.hostnames);
        if let Resolution::Endpoint(endpoint) = plain {
            return self.beside_endpoint(endpoint, settings);
        }
        if let Some(unknown) = unseen {
            return self.without_zones(plain, unknown);
        }
        if off && covering {
            let text =
                "has DNS support or DNS hostnames off, so its private hosted zones are not asked";
            let answer = Ok(Verdict::Pass(observed(self.vpc, text)));
            return Ok(Led { to: plain, id: self.vpc.to_string(), answer });
        }
        if !covering {
            return Ok(self.no_zone(plain, settings));
        }
        match settings.zone {
            Some((zone, own)) if own || settings.endpoint.is_none() => {
                self.by_zone(plain, zone, own, settings)
            }
            _ => match settings.endpoint {
                Some(endpoint) => self.brought(endpoint),
                None => Ok(self.no_zone(plain, settings)),
            },
        }
    }

    /// No zone covers the name, or none counts.
    fn no_zone(&self, plain: Resolution<'a>, settings: &Settings<'a>) -> Led<'a> {
        let answer = match &settings.profiles {
            Some(unknown) => Err(unknown.clone()),
            None => Ok(Verdict::Pass(observed(
                self.vpc,
                format!("has no private hosted zone that covers {}", self.host),
            ))),
        };
        Led { to: plain, id: self.vpc.to_string(), answer }
    }

    /// An endpoint's private DNS is in force. A zone for a parent of the name is less specific, and
    /// Route 53 refuses a second zone of the same name in a VPC (`ConflictingDomainExists`), as EC2
    /// refuses private DNS beside it: if both are there all the same, it is a riddle.
    fn beside_endpoint(
        &self,
        endpoint: &'a Endpoint,
        settings: &Settings<'a>,
    ) -> Result<Led<'a>, Unknown> {
        let rival = settings
            .zone
            .filter(|(zone, own)| *own && zone.service.is_none() && zone.name == self.host);
        let to = Resolution::Endpoint(endpoint);
        let Some((zone, own)) = rival else {
            let text = format!("answers {} by its private DNS", self.host);
            let answer = Ok(Verdict::Pass(observed(&endpoint.id, text)));
            return Ok(Led { to, id: endpoint.id.to_string(), answer });
        };
        let led = self.by_zone(Resolution::Endpoint(endpoint), zone, own, settings)?;
        let answer = match led.to {
            Resolution::Endpoint(it) if core::ptr::eq(it, endpoint) => led.answer,
            _ => Err(Unknown::limit(format!(
                "both {} and the private hosted zone {} claim {}, which AWS refuses",
                endpoint.id, zone.id, self.host
            ))),
        };
        Ok(Led { to, id: led.id, answer })
    }

    /// The zones were not seen. What they may well be for must then stay open.
    fn without_zones(&self, plain: Resolution<'a>, unknown: Unknown) -> Result<Led<'a>, Unknown> {
        if let Resolution::PublicDespite(endpoint, Defect::PrivateDnsOff) = plain {
            let text = format!(
                "{} has private DNS off, and a private hosted zone may lead {} to it",
                endpoint.id, self.host
            );
            return Err(Unknown::limit(text).and(unknown));
        }
        if let Some(via) = self.way_to_other_networks()? {
            let text =
                format!("a private hosted zone may lead {} to endpoints beyond {via}", self.host);
            return Err(Unknown::limit(text).and(unknown));
        }
        Ok(Led { to: plain, id: self.vpc.to_string(), answer: Err(unknown) })
    }

    /// A route of the VPC to a peer, a transit or virtual private gateway or the like.
    fn way_to_other_networks(&self) -> Result<Option<&'a str>, Unknown> {
        const KINDS: [&str; 5] = ["tgw-", "pcx-", "vgw-", "lgw-", "arn:"];
        let tables = self.facts.route_tables(self.vpc).required()?;
        let mut routes = tables.iter().flat_map(|it| &it.routes);
        let way = routes.find(|it| {
            it.state == RouteState::Active && KINDS.iter().any(|kind| it.via.0.starts_with(kind))
        });
        Ok(way.map(|it| it.via.0.as_str()))
    }

    fn by_zone(
        &self,
        plain: Resolution<'a>,
        zone: &'a HostedZone,
        own: bool,
        settings: &Settings<'a>,
    ) -> Result<Led<'a>, Unknown> {
        let id = zone.id.to_string();
        let subject = format!("{id} ({})", zone.name);
        let pass = |text: String| Ok(Verdict::Pass(observed(&subject, text)));
        if let Some(service) = &zone.service {
            // The zone of an endpoint outlives it for a while.
            if let Resolution::PublicDespite(endpoint, _) = plain {
                let answer = pass(format!("is the zone of {}", endpoint.id));
                return Ok(Led { to: plain, id, answer });
            }
            return Err(Unknown::limit(format!(
                "{subject}, a private hosted zone of {service}, decides where {} leads, and AWS does not show its records",
                self.host
            )));
        }
        let records = self.facts.zone_records(&zone.id).required().map_err(|unknown| {
            if unknown.gaps().any(|it| matches!(it, Gap::Fact { why: Why::Unasked, .. })) {
                return unknown;
            }
            let owner = zone.owner.as_ref().map(|it| format!(" of account {it}")).unwrap_or_default();
            Unknown::limit(format!(
                "{subject}, a private hosted zone{owner}, decides where {} leads, and its records were not seen",
                self.host
            ))
            .and(unknown)
        })?;
        let found = self.look_up(zone, records, &self.host, 0)?;
        let (to, answer) = match found {
            Found::Nothing => {
                let evidence = observed(
                    &subject,
                    format!(
                        "is a private hosted zone of {} without a record for {}, so the name does not exist there",
                        self.vpc, self.host
                    ),
                );
                let answer = self.unless_foreign(evidence, self.unshadow(zone, &plain))?;
                let to = match plain {
                    // What the zone is there for.
                    Resolution::PublicDespite(endpoint, Defect::PrivateDnsOff) => {
                        Resolution::Endpoint(endpoint)
                    }
                    plain => plain,
                };
                (to, answer)
            }
            Found::Endpoint(endpoint) => {
                if let Some(what) = self.misled(endpoint) {
                    let text = format!("leads {} to {}, which {what}", self.host, endpoint.id);
                    let fix = self.unshadow(zone, &plain);
                    let answer = self.unless_foreign(observed(&subject, text), fix)?;
                    (plain, answer)
                } else {
                    self.asks_amazon(&id)?;
                    let answer = pass(format!("leads {} to {}", self.host, endpoint.id));
                    (Resolution::Endpoint(endpoint), answer)
                }
            }
            Found::Addresses(addresses) => {
                self.asks_amazon(&id)?;
                let answer = pass(format!("leads {} to {}", self.host, join(&addresses)));
                (
                    Resolution::Elsewhere(Elsewhere { by: id.clone(), target: None, addresses }),
                    answer,
                )
            }
            Found::Name(target) => {
                self.asks_amazon(&id)?;
                let addresses = self.addresses_of(&target)?;
                let answer = pass(format!("leads {} to {target}", self.host));
                let target = Some(target);
                (Resolution::Elsewhere(Elsewhere { by: id.clone(), target, addresses }), answer)
            }
        };
        // A Profile may bring a zone for a longer domain, or one for the same that comes second.
        let certain = own && zone.name == self.host;
        let answer = match (answer, &settings.profiles) {
            (Ok(Verdict::Fail(..)), Some(unknown)) if !certain => Err(unknown.clone()),
            (answer, _) => answer,
        };
        Ok(Led { to, id, answer })
    }

    /// An endpoint that a Profile brings along answers as a zone for its very name would.
    fn brought(&self, endpoint: &'a Endpoint) -> Result<Led<'a>, Unknown> {
        let id = endpoint.id.to_string();
        self.asks_amazon(&id)?;
        let answer = Ok(Verdict::Pass(observed(
            &id,
            format!("answers {} here by a Route 53 Profile", self.host),
        )));
        let endpoints = self.facts.endpoints(self.vpc).required()?;
        let to = match endpoints.iter().find(|it| it.id == endpoint.id) {
            Some(own) => Resolution::Endpoint(own),
            None => Resolution::Elsewhere(Elsewhere {
                by: id.clone(),
                target: None,
                addresses: self.interfaces_of(endpoint)?,
            }),
        };
        Ok(Led { to, id, answer })
    }

    /// Private addresses are what only Amazon's resolver knows.
    fn asks_amazon(&self, by: &str) -> Result<(), Unknown> {
        match foreign_resolver(self.facts, self.vpc)? {
            None => Ok(()),
            Some(server) => Err(self.only_if_forwarded(server, &format!("where {by} leads it"))),
        }
    }

    /// What makes an endpoint the wrong place for this name.
    fn misled(&self, endpoint: &Endpoint) -> Option<String> {
        if endpoint.state != EndpointState::Available {
            return Some(format!("is {}", endpoint.state));
        }
        let serves = endpoint.serves(&self.scope.region).map(plain_service);
        let asked = self.host.split('.').next().map(plain_service);
        (serves != asked).then(|| format!("is an endpoint for {}", endpoint.service))
    }

    fn unshadow(&self, zone: &HostedZone, plain: &Resolution<'a>) -> Fix {
        let (record, point) = match plain {
            Resolution::PublicDespite(endpoint, Defect::PrivateDnsOff)
            | Resolution::Endpoint(endpoint) => (
                endpoint.names.iter().find(|it| it.contains(".vpce.")).cloned(),
                format!("point {} in the zone at {}", self.host, endpoint.id),
            ),
            _ => (None, format!("give the zone a working record for {}", self.host)),
        };
        let scope = self.scope;
        let fix = Fix::new(
            format!("{point}, or take the zone {} off {}", zone.name, self.vpc),
            Recovery::Agent,
        );
        let vpc = format!("VPCRegion={},VPCId={}", scope.region, self.vpc);
        match record {
            Some(record) => {
                let change = format!(
                    r#"{{"Changes":[{{"Action":"UPSERT","ResourceRecordSet":{{"Name":"{}","Type":"CNAME","TTL":60,"ResourceRecords":[{{"Value":"{record}"}}]}}}}]}}"#,
                    self.host
                );
                fix.aws(
                    scope,
                    [
                        "route53",
                        "change-resource-record-sets",
                        "--hosted-zone-id",
                        zone.id.as_str(),
                        "--change-batch",
                        &change,
                    ],
                )
            }
            None => fix.aws(
                scope,
                [
                    "route53",
                    "disassociate-vpc-from-hosted-zone",
                    "--hosted-zone-id",
                    zone.id.as_str(),
                    "--vpc",
                    &vpc,
                ],
            ),
        }
    }

    /// What `zone` says of `name`, following it as long as it stays in the zone.
    fn look_up(
        &self,
        zone: &HostedZone,
        records: &[ZoneRecord],
        name: &str,
        depth: u8,
    ) -> Result<Found<'a>, Unknown> {
        const DEEPEST: u8 = 8;
        let odd = |text: String| Unknown::limit(format!("{} ({}) {text}", zone.id, zone.name));
        if depth > DEEPEST {
            return Err(odd(format!("leads {} round in circles", self.host)));
        }
        let delegation = records.iter().find(|it| {
            it.kind == RecordType::Ns && it.name != zone.name && is_within(name, &it.name)
        });
        if let Some(delegation) = delegation {
            return Err(odd(format!("delegates {} to other DNS servers", delegation.name)));
        }
        let mut all = None;
        for record in at(records, name, &zone.name) {
            let found = match (&record.kind, &record.alias) {
                (RecordType::A | RecordType::Aaaa, None) => {
                    let addresses = record.values.iter().map(|it| {
                        it.parse().map_err(|_| odd(format!("has the address {it:?} for {name}")))
                    });
                    self.owner_of(addresses.collect::<Result<Vec<IpAddr>, _>>()?)?
                }
                (RecordType::A | RecordType::Aaaa | RecordType::Cname, Some(target)) => {
                    self.follow(zone, records, target, depth)?
                }
                (RecordType::Cname, None) => match record.values.first() {
                    Some(target) => self.follow(zone, records, target, depth)?,
                    None => continue,
                },
                (RecordType::Ns | RecordType::Other(_), _) => continue,
            };
            all = Some(match all {
                None => found,
                Some(so_far) if so_far == found => found,
                Some(Found::Addresses(mut so_far)) => match found {
                    Found::Addresses(more) => {
                        so_far.extend(more);
                        so_far.sort_unstable();
                        so_far.dedup();
                        Found::Addresses(so_far)
                    }
                    _ => return Err(odd(format!("leads {name} to several places"))),
                },
                Some(_) => return Err(odd(format!("leads {name} to several places"))),
            });
        }
        Ok(all.unwrap_or(Found::Nothing))
    }

    fn follow(
        &self,
        zone: &HostedZone,
        records: &[ZoneRecord],
        target: &str,
        depth: u8,
    ) -> Result<Found<'a>, Unknown> {
        if let Some(endpoint) = endpoint_named(target) {
            let endpoints = self.facts.endpoints(self.vpc).required()?;
            let own = endpoints.iter().find(|it| it.id.as_str() == endpoint);
            return Ok(own.map_or_else(|| Found::Name(target.into()), Found::Endpoint));
        }
        if is_within(target, &zone.name) {
            return self.look_up(zone, records, target, depth + 1);
        }
        Ok(Found::Name(target.into()))
    }

    /// The endpoint of this VPC whose interfaces have all of these addresses, or just the addresses.
    fn owner_of(&self, addresses: Vec<IpAddr>) -> Result<Found<'a>, Unknown> {
        let inside = |it: &IpAddr, cidrs: &[IpNet]| cidrs.iter().any(|net| net.contains(it));
        let cidrs = &self.facts.vpc(self.vpc).required()?.cidrs;
        if !addresses.iter().any(|it| inside(it, cidrs)) {
            return Ok(Found::Addresses(addresses));
        }
        for endpoint in self.facts.endpoints(self.vpc).required()? {
            let own = self.interfaces_of(endpoint)?;
            if !own.is_empty() && addresses.iter().all(|it| own.contains(it)) {
                return Ok(Found::Endpoint(endpoint));
            }
        }
        Ok(Found::Addresses(addresses))
    }

    fn interfaces_of(&self, endpoint: &Endpoint) -> Result<Vec<IpAddr>, Unknown> {
        let mut addresses = Vec::new();
        for id in &endpoint.interfaces {
            addresses.extend(&self.facts.network_interface(id).required()?.private_ips);
        }
        Ok(addresses)
    }

    /// The addresses of a name, as far as AWS shows them: those of an endpoint of this account.
    fn addresses_of(&self, target: &str) -> Result<Vec<IpAddr>, Unknown> {
        let Some(Ok(id)) = endpoint_named(target).map(str::parse::<EndpointId>) else {
            return Ok(Vec::new());
        };
        let Ok(Some(endpoint)) = seen(self.facts.distant_endpoint(&id).optional())? else {
            return Ok(Vec::new());
        };
        Ok(seen(self.interfaces_of(endpoint))?.unwrap_or_default())
    }

    // ------------------------------------------------------------ DNS Firewall

    fn firewall(&self, settings: &Settings<'a>) -> Result<Step, Unknown> {
        let answer = match seen(self.facts.firewall_groups(self.vpc).required())? {
            Ok(own) => {
                // How groups of a Profile stand between the VPC's own is not documented.
                let verdicts = [self.filtered(own)?, self.filtered(&settings.groups)?];
                match verdicts {
                    [Err(one), Err(other)] => Err(one.and(other)),
                    [Err(unknown), _] | [_, Err(unknown)] => Err(unknown),
                    [Ok(Filtered::Blocked(..)), Ok(Filtered::Allowed(_))]
                    | [Ok(Filtered::Allowed(_)), Ok(Filtered::Blocked(..))] => {
                        Err(Unknown::limit(format!(
                            "of the DNS Firewall groups of {} and of its Route 53 Profile one allows {} and one blocks it",
                            self.vpc, self.host
                        )))
                    }
                    [Ok(Filtered::Blocked(evidence, fix)), _]
                    | [_, Ok(Filtered::Blocked(evidence, fix))] => {
                        self.unless_foreign(evidence, fix)?
                    }
                    [Ok(Filtered::Allowed(evidence)), _] | [_, Ok(Filtered::Allowed(evidence))] => {
                        Ok(Verdict::Pass(evidence))
                    }
                    [Ok(Filtered::No), Ok(Filtered::No)] => Ok(Verdict::Pass(observed(
                        self.vpc,
                        format!("has no DNS Firewall rule that matches {}", self.host),
                    ))),
                }
            }
            Err(unknown) => Err(unknown),
        };
        let answer = match (answer, &settings.profiles) {
            (Ok(_), Some(unknown)) => Err(unknown.clone()),
            (answer, _) => answer,
        };
        Ok(Step { kind: StepKind::Firewall, id: self.vpc.to_string(), answer })
    }

    /// The first rule that matches decides, in order of the groups' and then the rules' priorities.
    fn filtered(
        &self,
        groups: &[FirewallAssociation],
    ) -> Result<Result<Filtered, Unknown>, Unknown> {
        let mut groups: Vec<_> = groups.iter().collect();
        groups.sort_by_key(|it| it.priority);
        for group in groups {
            let rules = match seen(self.facts.firewall_rules(&group.group).required())? {
                Ok(rules) => rules,
                Err(unknown) => return Ok(Err(unknown)),
            };
            let mut rules: Vec<_> = rules.iter().filter(|it| is_of_addresses(it)).collect();
            rules.sort_by_key(|it| it.priority);
            for rule in rules {
                let Some(list) = &rule.domains else { continue };
                let domains = match seen(self.facts.firewall_domains(list).required())? {
                    Ok(domains) => domains,
                    Err(unknown) => return Ok(Err(unknown)),
                };
                // AWS does not show its lists of threats, and its own services are none.
                let Some(domain) = domains.domains.iter().find(|it| matches(it, &self.host)) else {
                    continue;
                };
                return Ok(self.judged(&group.group, rule, list, domain));
            }
        }
        Ok(Ok(Filtered::No))
    }

    fn judged(
        &self,
        group: &FirewallGroupId,
        rule: &FirewallRule,
        list: &FirewallListId,
        domain: &str,
    ) -> Result<Filtered, Unknown> {
        let subject = format!("{group} ({})", rule.name);
        match &rule.action {
            FirewallAction::Allow | FirewallAction::Alert => Ok(Filtered::Allowed(observed(
                &subject,
                format!("lets {} through, by {domain} in {list}", self.host),
            ))),
            FirewallAction::Block => Ok(Filtered::Blocked(
                observed(&subject, format!("blocks {}, by {domain} in {list}", self.host)),
                Fix::new(
                    format!(
                        "let a rule before `{}` of {group} allow {}, or take {domain} off {list}",
                        rule.name, self.host
                    ),
                    Recovery::Agent,
                )
                .aws(
                    self.scope,
                    [
                        "route53resolver",
                        "create-firewall-rule",
                        "--firewall-rule-group-id",
                        group.as_str(),
                        "--firewall-domain-list-id",
                        "<a list with the names of AWS services>",
                        "--name",
                        "allow-aws",
                        "--action",
                        "ALLOW",
                        "--priority",
                        &format!("<below {}>", rule.priority),
                    ],
                ),
            )),
            FirewallAction::Other(word) => {
                Err(Unknown::limit(format!("{subject} has an action not known here: {word}")))
            }
        }
    }
}

/// Is the rule about queries for addresses? `A` is `TYPE1`.
fn is_of_addresses(rule: &FirewallRule) -> bool {
    rule.query_type
        .as_ref()
        .is_none_or(|it| it.eq_ignore_ascii_case("A") || it.eq_ignore_ascii_case("TYPE1"))
}

/// Does an entry of a DNS Firewall list match a name? `*` stands for the beginning of names.
fn matches(domain: &str, host: &str) -> bool {
    match domain.strip_prefix('*') {
        Some(end) => host.ends_with(end),
        None => host == domain,
    }
}

/// The records that answer for `name`: its own, else those of the nearest wildcard above it. A name
/// that exists hides the wildcards above it (RFC 4592).
fn at<'r>(
    records: &'r [ZoneRecord],
    name: &str,
    zone: &str,
) -> impl Iterator<Item = &'r ZoneRecord> {
    let exists = |name: &str| records.iter().any(|it| it.name == name);
    let mut wanted = name.to_string();
    let mut below = name;
    while !exists(&wanted) && below != zone {
        let Some((_, parent)) = below.split_once('.') else { break };
        if exists(parent) && parent != zone {
            break;
        }
        wanted = format!("*.{parent}");
        below = parent;
    }
    records.iter().filter(move |it| it.name == wanted)
}

/// The endpoint whose own DNS name this is: `vpce-0abc` of
/// `vpce-0abc-1a2b3c4d.ssm.eu-west-1.vpce.amazonaws.com`, zonal names likewise.
fn endpoint_named(target: &str) -> Option<&str> {
    let (label, rest) = target.split_once('.')?;
    if !rest.contains(".vpce.") || !label.starts_with("vpce-") {
        return None;
    }
    let id = label.get("vpce-".len()..)?.split('-').next()?;
    label.get(..("vpce-".len() + id.len()))
}

/// `ssm` for `ssm-fips` too.
fn plain_service(service: &str) -> &str {
    service.strip_suffix("-fips").unwrap_or(service)
}

fn said_of(id: &ResolverRuleId, rule: &ResolverRule) -> String {
    let domain = rule.domain.as_deref().filter(|it| !it.is_empty()).unwrap_or(".");
    match rule.kind {
        RuleType::Forward => format!(
            "{id} forwards queries for {domain} to {}, and what is answered there does not show",
            join(&rule.targets)
        ),
        ref kind => {
            format!("{id} is a Resolver rule for {domain} of a kind not judged here: {kind}")
        }
    }
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A name server from DHCP that is not Amazon's, if there is one.
///
/// # Errors
/// [`Unknown`] when the DHCP options were not seen.
pub fn foreign_resolver<'a>(facts: &'a Facts, vpc: &VpcId) -> Result<Option<&'a str>, Unknown> {
    let row = facts.vpc(vpc).required()?;
    let Some(id) = row.dhcp_options.as_ref().filter(|it| it.as_str() != "default") else {
        return Ok(None);
    };
    let servers = &facts.dhcp_options(id).required()?.name_servers;
    Ok(servers.iter().map(String::as_str).find(|it| !is_amazons(it, &row.cidrs)))
}

/// `AmazonProvidedDNS`, its link-local addresses, or the base of a VPC CIDR plus two. Source: VPC User
/// Guide, "Amazon DNS server".
fn is_amazons(server: &str, cidrs: &[IpNet]) -> bool {
    if server.eq_ignore_ascii_case("AmazonProvidedDNS") {
        return true;
    }
    match server.parse::<IpAddr>() {
        Ok(IpAddr::V4(server)) => {
            server == Ipv4Addr::new(169, 254, 169, 253)
                || cidrs.iter().any(|it| match it {
                    IpNet::V4(net) => {
                        u32::from(net.network()).checked_add(2).map(Ipv4Addr::from) == Some(server)
                    }
                    IpNet::V6(_) => false,
                })
        }
        Ok(IpAddr::V6(server)) => server.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253],
        Err(_) => false,
    }
}
