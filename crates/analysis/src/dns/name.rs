//! What a service's name leads to, asked from inside a VPC, and every setting on the way of the query.
//!
//! The order in which the VPC's resolver looks (Route 53 Developer Guide, "Considerations when working
//! with a private hosted zone", "Domain names that VPC Resolver creates autodefined system rules for",
//! "How Route 53 Profile settings are prioritized", "How Resolver DNS Firewall works"):
//!
//! 1. DNS Firewall may refuse the name, or one of those that a CNAME record leads it on to.
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

use crate::answer::*;
use crate::case::Case;
use crate::network::address_set::{Addresses, Family};
use ssm_doctor_facts::{
    ec2::{AddressFamily, Endpoint, EndpointKind, EndpointState, RouteState},
    ids::*,
    lookup::{Facts, Gap, Unknown, Why},
    route53::*,
    scope::Scope,
};

/// `ssm.eu-west-1.amazonaws.com`: the name that the agent asks for unless its configuration says otherwise.
/// In the Regions of `aws-us-gov` these names are FIPS already.
#[must_use]
pub fn host(region: &Region, service: &str) -> String {
    format!("{service}.{region}.{}", region.dns_suffix())
}

/// The names that the agent asks for instead if its configuration says so: FIPS, dual-stack, or both.
#[must_use]
pub fn other_hosts(region: &Region, service: &str) -> [String; 3] {
    let fips = format!("{service}-fips");
    let dual = |service: &str| format!("{service}.{region}.{}", region.dual_stack_suffix());
    [host(region, &fips), dual(service), dual(&fips)]
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

impl Elsewhere {
    /// By a zone that has the addresses themselves, which may be out of date.
    pub(crate) fn is_by_address(&self) -> bool {
        self.target.is_none() && !is_endpoints_own(&self.by)
    }
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

    /// Source: AWS `PrivateLink` Guide, "DNS record IP type".
    pub(crate) fn of_endpoint(endpoint: &Endpoint) -> Option<Self> {
        match endpoint.dns_record_ip_type.as_ref().or(endpoint.ip_address_type.as_ref()) {
            // As the service has it: IPv4 alone for its standard name.
            None | Some(AddressFamily::V4 | AddressFamily::ServiceDefined) => Some(Self::V4),
            Some(AddressFamily::V6) => Some(Self::V6),
            Some(AddressFamily::Dual) => Some(Self::BOTH),
            Some(AddressFamily::Other(_)) => None,
        }
    }

    fn of_addresses(addresses: &[IpAddr]) -> Option<Self> {
        let any = |v6| addresses.iter().any(|it| it.is_ipv6() == v6);
        (!addresses.is_empty()).then(|| Self { v4: any(false), v6: any(true) })
    }
}

/// One thing that a query passes, and whether it lets the right answer through.
#[derive(Clone, Debug)]
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

/// The name of `service`, asked for in `vpc`.
///
/// # Errors
/// [`Unknown`] when what decides was not seen, or the VPC's instances ask a DNS server of their own.
pub fn resolve<'a>(case: &Case<'a>, vpc: &VpcId, service: &str) -> Result<Name<'a>, Unknown> {
    let query = Query {
        facts: case.facts,
        scope: case.scope,
        vpc,
        host: host(&case.scope.region, service),
    };
    let plain = query.by_endpoint()?;
    let settings = query.settings();
    query.ask_ahead(&plain, &settings)?;
    let rule = query.rule(&plain, &settings);
    let zone = query.zone(plain, &settings)?;
    let firewall = query.firewall(&settings, &zone, &rule)?;
    let zoned = Step { kind: StepKind::Zone, id: zone.id, answer: zone.answer };
    let steps = vec![query.resolver()?, firewall, rule, zoned];
    let families = match &zone.to {
        Resolution::Endpoint(endpoint) => Families::of_endpoint(endpoint),
        Resolution::Elsewhere(it) => Families::of_addresses(&it.addresses),
        Resolution::Public | Resolution::PublicDespite(..) => Some(Families::V4),
    };
    Ok(Name { host: query.host, to: zone.to, families, steps })
}

/// The Resolver rule that hands the question for `service` to servers whose answers do not show.
///
/// # Errors
/// [`Unknown`] when the rules were not seen.
pub fn diversion<'a>(
    case: &Case<'a>,
    vpc: &VpcId,
    service: &str,
) -> Result<Option<(ResolverRuleId, &'a ResolverRule)>, Unknown> {
    let query = Query {
        facts: case.facts,
        scope: case.scope,
        vpc,
        host: host(&case.scope.region, service),
    };
    let settings = query.settings();
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
    /// The names that the zone's records lead on to, or why it is not known whether there are any.
    chain: Result<Vec<Link>, Unknown>,
}

/// A name that a record of a zone leads on to.
struct Link {
    name: String,
    /// By CNAME records all the way. Of an alias record, which Route 53 follows by itself, AWS's reference
    /// does not say that it is a redirection (API reference, `FirewallRule`).
    redirected: bool,
}

/// What a zone's records say of a name.
#[derive(PartialEq)]
enum Found<'a> {
    Endpoint(&'a Endpoint),
    Addresses(Vec<IpAddr>),
    /// Addresses at which nothing stands.
    Vacant(Vec<IpAddr>),
    /// A name outside the zone.
    Name(String),
    Nothing,
}

/// The DNS Firewall rule that decides about a name, and the entry that it does it by.
#[derive(Clone, Copy)]
struct Deciding<'a> {
    group: &'a FirewallGroupId,
    rule: &'a FirewallRule,
    list: &'a FirewallListId,
    domain: &'a str,
}

impl Deciding<'_> {
    fn blocks(&self) -> bool {
        self.rule.action == FirewallAction::Block
    }

    fn subject(&self) -> String {
        format!("{} ({})", self.group, self.rule.name)
    }
}

/// Is there anything at an address? Outside the VPC's ranges that does not show, and is taken for granted.
///
/// # Errors
/// [`Unknown`] when an address inside was not looked at.
pub(crate) fn stands_at(
    facts: &Facts,
    vpc: &VpcId,
    cidrs: &[IpNet],
    address: IpAddr,
) -> Result<bool, Unknown> {
    if !cidrs.iter().any(|it| it.contains(&address)) {
        return Ok(true);
    }
    let place = Place { vpc: vpc.clone(), address };
    Ok(facts.interface_at(&place).optional()?.is_some())
}

/// The answer, or why it was not seen, where that must not hide everything else.
///
/// # Errors
/// [`Unknown`] while nobody has asked, so that the collector does.
pub fn seen<T>(facts: &Facts, answer: Result<T, Unknown>) -> Result<Result<T, Unknown>, Unknown> {
    match answer {
        Err(unknown) if is_open(facts, &unknown) => Err(unknown),
        answer => Ok(answer),
    }
}

/// Is there a question in it that nobody has asked?
pub(crate) fn is_open(facts: &Facts, unknown: &Unknown) -> bool {
    unknown
        .gaps()
        .any(|it| matches!(it, Gap::Fact { need, why: Why::Unasked, .. } if !facts.has(need)))
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
        // Listed for a while after it is gone.
        let exists = |it: &&Endpoint| it.state != EndpointState::Deleted;
        let serving = || {
            endpoints.iter().filter(exists).filter(|it| it.answers(&self.scope.region, &self.host))
        };
        let candidates = || {
            serving().filter(|it| {
                it.kind == EndpointKind::Interface
                    && !(it.private_dns && it.private_dns_for_inbound_only)
            })
        };
        let Some(any) = candidates().next() else {
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
        let Some(endpoint) = available().find(|it| it.private_dns) else {
            // One that has the name, and may or may not work, goes before one that has not.
            let in_between = |it: &&Endpoint| {
                !matches!(
                    it.state,
                    EndpointState::Failed | EndpointState::Rejected | EndpointState::Expired
                )
            };
            let odd = candidates().filter(|it| it.private_dns).find(in_between);
            return Ok(match (odd, available().next()) {
                (None, Some(some)) => Resolution::PublicDespite(some, Defect::PrivateDnsOff),
                (odd, _) => Resolution::PublicDespite(odd.unwrap_or(any), Defect::NotAvailable),
            });
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

    fn only_if_forwarded(&self, server: &str, to: &str) -> Unknown {
        Unknown::limit(format!(
            "instances of {} ask the DNS server {server}: unless it forwards {} to the VPC's own resolver, the name resolves to public addresses instead of {to}",
            self.vpc, self.host,
        ))
    }

    /// Everything of the VPC's and its Profiles' that covers the name.
    fn settings(&self) -> Settings<'a> {
        let (facts, vpc) = (self.facts, self.vpc);
        let mut found = Settings::default();
        match facts.hosted_zones(vpc).required() {
            Ok(zones) => zones.iter().for_each(|it| self.offer_zone(&mut found, it, true)),
            Err(unknown) => found.zones = Some(unknown),
        }
        match facts.resolver_rules(vpc).required() {
            Ok(ids) => {
                for id in ids {
                    if let Err(unknown) = self.offer_rule(&mut found, id.clone()) {
                        note(&mut found.rules, unknown);
                    }
                }
            }
            Err(unknown) => found.rules = Some(unknown),
        }
        let profiles = facts.profiles(vpc).required();
        for id in profiles.as_ref().into_iter().copied().flatten() {
            if let Err(unknown) = self.offer_profile(&mut found, id) {
                note(&mut found.profiles, self.may_bring(id).and(unknown));
            }
        }
        if let Err(unknown) = profiles {
            found.profiles = Some(unknown);
        }
        found
    }

    /// The VPC's own are offered first, and of equals the first stays.
    fn offer_zone(&self, found: &mut Settings<'a>, zone: &'a HostedZone, own: bool) {
        let better = found.zone.is_none_or(|(it, _)| it.name.len() < zone.name.len());
        if is_within(&self.host, &zone.name) && better {
            found.zone = Some((zone, own));
        }
    }

    fn offer_rule(&self, found: &mut Settings<'a>, id: ResolverRuleId) -> Result<(), Unknown> {
        // What the VPC's resolver does anyway, listed as rules of every VPC.
        if id.as_str().starts_with("rslvr-autodefined-") {
            return Ok(());
        }
        let rule = self.facts.resolver_rule(&id).required()?;
        // A delegation rule without a domain of its own acts on NS records, which are unknown anyway.
        let Some(domain) = rule.domain.as_ref().filter(|it| is_within(&self.host, it)) else {
            return Ok(());
        };
        let so_far = found.rule.as_ref().and_then(|it| it.1.domain.as_ref());
        if so_far.is_none_or(|it| it.len() < domain.len()) {
            found.rule = Some((id, rule));
        }
        Ok(())
    }

    fn offer_profile(&self, found: &mut Settings<'a>, id: &ProfileId) -> Result<(), Unknown> {
        let resources = self.facts.profile_resources(id).required()?;
        let unknown = resources.iter().filter_map(|it| self.offer(found, it).err());
        unknown.reduce(Unknown::and).map_or(Ok(()), Err)
    }

    /// What a Profile brings along.
    fn offer(&self, found: &mut Settings<'a>, resource: &ProfileResource) -> Result<(), Unknown> {
        let facts = self.facts;
        let (kind, name) = resource.arn.resource().split_once('/').unwrap_or_default();
        let odd = |_| Unknown::limit(format!("{} is not understood here", resource.arn));
        match kind {
            "hostedzone" => {
                let zone = facts.hosted_zone(&name.parse().map_err(odd)?).required()?;
                self.offer_zone(found, zone, false);
            }
            "resolver-rule" => self.offer_rule(found, name.parse().map_err(odd)?)?,
            "firewall-rule-group" => {
                let priority = resource.priority.ok_or_else(|| odd(String::new()))?;
                let group = name.parse().map_err(odd)?;
                found.groups.push(FirewallAssociation { group, priority });
            }
            "vpc-endpoint" => {
                let endpoint = facts.distant_endpoint(&name.parse().map_err(odd)?).required()?;
                if endpoint.answers(&self.scope.region, &self.host) {
                    found.endpoint = Some(endpoint);
                }
            }
            // A log of the queries.
            "resolver-query-log-config" => {}
            _ => return Err(odd(String::new())),
        }
        Ok(())
    }

    /// Everything that is about to be read, at once: asked one after the other, each question would
    /// cost a round of calls.
    fn ask_ahead(&self, plain: &Resolution, settings: &Settings<'a>) -> Result<(), Unknown> {
        let facts = self.facts;
        let mut ahead: Vec<Unknown> = [&settings.zones, &settings.rules, &settings.profiles]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let own = facts.firewall_groups(self.vpc).required();
        for it in own.as_ref().into_iter().copied().flatten().chain(&settings.groups) {
            match facts.firewall_rules(&it.group).required() {
                Ok(rules) => {
                    let lists = rules
                        .iter()
                        .filter(|it| is_of_addresses(it))
                        .filter_map(|it| it.domains.as_ref());
                    ahead
                        .extend(lists.filter_map(|it| facts.firewall_domains(it).required().err()));
                }
                Err(unknown) => ahead.push(unknown),
            }
        }
        let zone = settings.zone.filter(|_| !matches!(plain, Resolution::Endpoint(_)));
        if let Some((zone, _)) = zone.filter(|it| it.0.service.is_none()) {
            ahead.extend(facts.zone_records(&zone.id).required().err());
        }
        let filtered = own.as_ref().is_ok_and(|it| !it.is_empty()) || !settings.groups.is_empty();
        if filtered || zone.is_some() {
            ahead.extend(foreign_resolver(facts, self.vpc).err());
        }
        ahead.extend(own.err());
        match ahead.into_iter().reduce(Unknown::and) {
            Some(unknown) if is_open(facts, &unknown) => Err(unknown),
            _ => Ok(()),
        }
    }

    fn may_bring(&self, profile: &ProfileId) -> Unknown {
        let host = &self.host;
        Unknown::limit(format!(
            "{profile}, a Route 53 Profile, may bring a zone or a rule for {host}"
        ))
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
        let answer = match seen(self.facts, self.facts.vpc_dns(self.vpc).required())? {
            Ok(dns) if dns.support => Ok(Verdict::Pass(observed(self.vpc, "has DNS support on"))),
            Ok(_) => self.unless_foreign(
                observed(
                    self.vpc,
                    format!("has DNS support off, so that {} does not resolve at all", self.host),
                ),
                Fix::new("turn on DNS support for the VPC", Recovery::Agent).aws([
                    "ec2",
                    "modify-vpc-attribute",
                    "--vpc-id",
                    self.vpc.as_str(),
                    "--enable-dns-support",
                ]),
            )?,
            Err(unknown) => Err(unknown),
        };
        Ok(Step { kind: StepKind::Resolver, id: self.vpc.to_string(), answer })
    }

    /// A failure, if it is Amazon's resolver that instances ask.
    fn unless_foreign(&self, evidence: Evidence, fix: Fix) -> Result<Answer, Unknown> {
        Ok(match seen(self.facts, foreign_resolver(self.facts, self.vpc))? {
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
        let dns = seen(self.facts, self.facts.vpc_dns(self.vpc).required())?;
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
            return Ok(Led { to: plain, id: self.vpc.to_string(), answer, chain: Ok(Vec::new()) });
        }
        if let Some(unknown) = self.rivalled(&plain, settings) {
            return Err(unknown);
        }
        match (settings.zone, settings.endpoint) {
            (Some((zone, own)), None) => self.by_zone(plain, zone, own, settings),
            // The endpoint has the very name, which of the zones one of the VPC's own alone can take.
            (Some((zone, true)), Some(_)) if zone.name == self.host => {
                self.by_zone(plain, zone, true, settings)
            }
            (_, Some(endpoint)) => self.brought(endpoint),
            (None, None) => Ok(self.no_zone(plain, settings)),
        }
    }

    /// The zone of an endpoint that is on its way in or out, or serves in part, may be there already, or
    /// still, and has the whole name.
    fn rivalled(&self, plain: &Resolution, settings: &Settings) -> Option<Unknown> {
        let Resolution::PublicDespite(endpoint, _) = plain else { return None };
        let may_be = endpoint.private_dns
            && matches!(
                endpoint.state,
                EndpointState::Pending
                    | EndpointState::Deleting
                    | EndpointState::Partial
                    | EndpointState::Other(_)
            );
        let (zone, _) = settings.zone.filter(|(zone, _)| may_be && zone.service.is_none())?;
        Some(Unknown::limit(format!(
            "{} is {}, and whether its private DNS or the private hosted zone {} ({}) answers {} does not show",
            endpoint.id, endpoint.state, zone.id, zone.name, self.host
        )))
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
        Led { to: plain, id: self.vpc.to_string(), answer, chain: Ok(Vec::new()) }
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
            return Ok(Led { to, id: endpoint.id.to_string(), answer, chain: Ok(Vec::new()) });
        };
        let led = self.by_zone(Resolution::Endpoint(endpoint), zone, own, settings)?;
        let answer = match led.to {
            Resolution::Endpoint(it) if core::ptr::eq(it, endpoint) => led.answer,
            _ => Err(Unknown::limit(format!(
                "both {} and the private hosted zone {} claim {}, which AWS refuses",
                endpoint.id, zone.id, self.host
            ))),
        };
        Ok(Led { to, id: led.id, answer, chain: led.chain })
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
        let answer = Err(unknown.clone());
        Ok(Led { to: plain, id: self.vpc.to_string(), answer, chain: Err(unknown) })
    }

    /// A route of the VPC to a peer, a transit or virtual private gateway, a router or the like.
    fn way_to_other_networks(&self) -> Result<Option<&'a str>, Unknown> {
        let tables = self.facts.route_tables(self.vpc).required()?;
        let mut routes = tables.iter().flat_map(|it| &it.routes);
        let way = routes.find(|it| it.state == RouteState::Active && it.leads_to_other_networks());
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
                return Ok(Led { to: plain, id, answer, chain: Ok(Vec::new()) });
            }
            return Err(Unknown::limit(format!(
                "{subject}, a private hosted zone of {service}, decides where {} leads, and AWS does not show its records",
                self.host
            )));
        }
        let records = self.facts.zone_records(&zone.id).required().map_err(|unknown| {
            if is_open(self.facts, &unknown) {
                return unknown;
            }
            let owner = zone.owner.as_ref().map(|it| format!(" of account {it}")).unwrap_or_default();
            Unknown::limit(format!(
                "{subject}, a private hosted zone{owner}, decides where {} leads, and its records were not seen",
                self.host
            ))
            .and(unknown)
        })?;
        let found = match self.look_up(zone, records, &self.host, 0)? {
            Found::Addresses(addresses) if self.stranded(&plain, &addresses)? => {
                Found::Vacant(addresses)
            }
            found => found,
        };
        let fix = self.unshadow(zone, &plain);
        let (to, answer) = match found {
            Found::Nothing => {
                let evidence = observed(
                    &subject,
                    format!(
                        "is a private hosted zone of {} without a record for {}, so the name does not exist there",
                        self.vpc, self.host
                    ),
                );
                (meant(plain), self.unless_foreign(evidence, fix)?)
            }
            Found::Vacant(addresses) => {
                let evidence = observed(
                    &subject,
                    format!(
                        "leads {} to {}, where nothing is that {} reaches",
                        self.host,
                        join(&addresses),
                        self.vpc
                    ),
                );
                (meant(plain), self.unless_foreign(evidence, fix)?)
            }
            Found::Endpoint(endpoint) => {
                if let Some(what) = self.misled(endpoint) {
                    let text = format!("leads {} to {}, which {what}", self.host, endpoint.id);
                    let answer = self.unless_foreign(observed(&subject, text), fix)?;
                    (meant(plain), answer)
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
        let answer = match answer {
            Ok(Verdict::Fail(..)) => self.contested(zone, own, settings).map_or(answer, Err),
            answer => answer,
        };
        Ok(Led { to, id, answer, chain: Ok(chain_of(zone, records, &self.host)) })
    }

    /// What may take the name from a zone that fails: only who has seen that nothing does may say that
    /// the zone is at fault.
    fn contested(&self, zone: &HostedZone, own: bool, settings: &Settings<'a>) -> Option<Unknown> {
        // A Profile may bring a zone or a rule for a longer domain; one for the same comes second.
        let longest = own && zone.name == self.host;
        let unseen = settings.profiles.as_ref().filter(|_| !longest);
        let rule = settings
            .rule
            .as_ref()
            .filter(|(_, rule)| rule.domain.as_ref().is_some_and(|it| it.len() >= zone.name.len()));
        let rule = rule.map(|(id, rule)| match rule.kind {
            RuleType::System | RuleType::Recursive => Unknown::limit(format!(
                "{id} keeps {} in the VPC, and whether the private hosted zone {} answers then is not documented",
                rule.domain.as_deref().unwrap_or_default(),
                zone.name
            )),
            _ => Unknown::limit(said_of(id, rule)),
        });
        let seen = both(settings.rules.as_ref(), rule.as_ref());
        both(unseen, seen.as_ref())
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
        Ok(Led { to, id, answer, chain: Ok(Vec::new()) })
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
                endpoint.names.iter().find(|it| is_endpoints_own(it)).cloned(),
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
                fix.aws([
                    "route53",
                    "change-resource-record-sets",
                    "--hosted-zone-id",
                    zone.id.as_str(),
                    "--change-batch",
                    &change,
                ])
            }
            None => fix.aws([
                "route53",
                "disassociate-vpc-from-hosted-zone",
                "--hosted-zone-id",
                zone.id.as_str(),
                "--vpc",
                &vpc,
            ]),
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
        if is_endpoints_own(target) {
            let named = endpoint_named(target);
            let mut endpoints = self.facts.endpoints(self.vpc).required()?.iter();
            let own = endpoints.find(|it| named == Some(it.id.as_str()));
            return Ok(own.map_or_else(|| Found::Name(target.into()), Found::Endpoint));
        }
        if is_within(target, &zone.name) {
            return self.look_up(zone, records, target, depth + 1);
        }
        Ok(Found::Name(target.into()))
    }

    /// The endpoint of this VPC whose interfaces have all of these addresses, or just the addresses.
    /// Records by address outlive the endpoint that was there: a new one has other addresses.
    fn owner_of(&self, addresses: Vec<IpAddr>) -> Result<Found<'a>, Unknown> {
        for endpoint in self.facts.endpoints(self.vpc).required()? {
            let own = self.interfaces_of(endpoint)?;
            if !own.is_empty() && addresses.iter().all(|it| own.contains(it)) {
                return Ok(Found::Endpoint(endpoint));
            }
        }
        let cidrs = &self.facts.vpc(self.vpc).required()?.cidrs;
        let stand: Vec<_> =
            addresses.iter().map(|it| stands_at(self.facts, self.vpc, cidrs, *it)).collect();
        // All at once: where some are vacant, each counts.
        let unseen = stand.iter().filter_map(|it| it.clone().err()).reduce(Unknown::and);
        if let Some(unknown) = unseen.filter(|it| is_open(self.facts, it)) {
            return Err(unknown);
        }
        for stands in stand {
            if stands? {
                return Ok(Found::Addresses(addresses));
            }
        }
        Ok(Found::Vacant(addresses))
    }

    /// Are they private addresses outside the VPC, and no other network joined to it? While an endpoint of
    /// its own stands there, it is the zone that is out of date, and no route that is missing.
    fn stranded(&self, plain: &Resolution, addresses: &[IpAddr]) -> Result<bool, Unknown> {
        let beside = matches!(plain, Resolution::PublicDespite(_, Defect::PrivateDnsOff));
        if !beside || self.way_to_other_networks()?.is_some() {
            return Ok(false);
        }
        let cidrs = &self.facts.vpc(self.vpc).required()?.cidrs;
        Ok(addresses.iter().all(|address| {
            let public = Addresses::public(Family::of(address), cidrs);
            let inside = cidrs.iter().any(|net| net.contains(address));
            !inside && !public.meets(&Addresses::one(*address))
        }))
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
        let Ok(Some(endpoint)) = seen(self.facts, self.facts.distant_endpoint(&id).optional())?
        else {
            return Ok(Vec::new());
        };
        Ok(seen(self.facts, self.interfaces_of(endpoint))?.unwrap_or_default())
    }

    // ------------------------------------------------------------ DNS Firewall

    fn firewall(
        &self,
        settings: &Settings<'a>,
        led: &Led<'a>,
        rule: &Step,
    ) -> Result<Step, Unknown> {
        let answer = match seen(self.facts, self.facts.firewall_groups(self.vpc).required())? {
            Ok(own) => self.passes([own, &settings.groups], led, rule)?,
            Err(unknown) => Err(unknown),
        };
        let answer = match (answer, &settings.profiles) {
            (Ok(_), Some(unknown)) => Err(unknown.clone()),
            (answer, _) => answer,
        };
        Ok(Step { kind: StepKind::Firewall, id: self.vpc.to_string(), answer })
    }

    /// The name itself, then each name that it is redirected to, unless the rule that lets the first one
    /// through trusts the rest. Source: Route 53 Developer Guide, "Rule settings in DNS Firewall".
    fn passes(
        &self,
        groups: [&[FirewallAssociation]; 2],
        led: &Led<'a>,
        rule: &Step,
    ) -> Result<Answer, Unknown> {
        let first = match self.deciding(groups, &self.host, true)? {
            Ok(first) => first,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let passed = match first.first() {
            Some(it) if it.blocks() => {
                let by = format!("by {} in {}", it.domain, it.list);
                let evidence = observed(&it.subject(), format!("blocks {}, {by}", self.host));
                return self.unless_foreign(evidence, self.allow(it, &self.host));
            }
            Some(it) => observed(
                &it.subject(),
                format!("lets {} through, by {} in {}", self.host, it.domain, it.list),
            ),
            None => {
                observed(self.vpc, format!("has no DNS Firewall rule that matches {}", self.host))
            }
        };
        let trusting = |it: &&Deciding| it.rule.redirection == Some(Redirection::Trust);
        let trusts = first.iter().filter(trusting).count();
        if trusts > 0 && trusts == first.len() {
            return Ok(Ok(Verdict::Pass(passed)));
        }
        let links = match &led.chain {
            Ok(links) => links.as_slice(),
            Err(unknown) if groups.iter().any(|it| self.may_stop(it)) => {
                let text = format!(
                    "a private hosted zone may lead {} on to a name that DNS Firewall blocks",
                    self.host
                );
                return Ok(Err(Unknown::limit(text).and(unknown.clone())));
            }
            Err(_) => &[],
        };
        for link in links {
            let found = match self.deciding(groups, &link.name, false)? {
                Ok(found) => found,
                Err(unknown) => return Ok(Err(unknown)),
            };
            let Some(it) = found.first().filter(|it| it.blocks()) else { continue };
            // Whether this zone answers at all.
            let contested = led.answer.as_ref().err().or(rule.answer.as_ref().err());
            if let Some(unknown) = contested {
                return Ok(Err(unknown.clone()));
            }
            if !link.redirected {
                return Ok(Err(Unknown::limit(format!(
                    "{} blocks {}, to which an alias record of {} leads {}, and whether DNS Firewall looks at such a name is not documented",
                    it.subject(),
                    link.name,
                    led.id,
                    self.host
                ))));
            }
            let unsure = first
                .iter()
                .find(|it| !matches!(it.rule.redirection, None | Some(Redirection::Inspect)));
            if let Some(unsure) = unsure {
                return Ok(Err(Unknown::limit(format!(
                    "{} blocks {}, to which {} leads {}, and whether {} lets the names through that it is redirected to is not known",
                    it.subject(),
                    link.name,
                    led.id,
                    self.host,
                    unsure.subject()
                ))));
            }
            let evidence = observed(
                &it.subject(),
                format!(
                    "blocks {}, to which {} leads {}, by {} in {}",
                    link.name, led.id, self.host, it.domain, it.list
                ),
            );
            let fix = match first.first() {
                Some(allowing) => self.trust(allowing, &link.name),
                None => self.allow(it, &link.name),
            };
            return self.unless_foreign(evidence, fix);
        }
        Ok(Ok(Verdict::Pass(passed)))
    }

    /// The rules that decide about a name, of the VPC's own groups and of its Profiles': none, one, or two
    /// that agree. How the groups of a Profile stand between the VPC's own is not documented.
    fn deciding<'f>(
        &self,
        [own, brought]: [&'f [FirewallAssociation]; 2],
        name: &str,
        first: bool,
    ) -> Result<Result<Vec<Deciding<'f>>, Unknown>, Unknown>
    where
        'a: 'f,
    {
        Ok(match [self.filtered(own, name, first)?, self.filtered(brought, name, first)?] {
            [Err(one), Err(other)] => Err(one.and(other)),
            [Err(unknown), _] | [_, Err(unknown)] => Err(unknown),
            [Ok(Some(one)), Ok(Some(other))] if one.blocks() != other.blocks() => {
                Err(Unknown::limit(format!(
                    "of the DNS Firewall groups of {} and of its Route 53 Profile one allows {name} and one blocks it",
                    self.vpc
                )))
            }
            [Ok(one), Ok(other)] => Ok(one.into_iter().chain(other).collect()),
        })
    }

    /// The first rule that matches decides, in order of the groups' and then the rules' priorities.
    fn filtered<'f>(
        &self,
        groups: &'f [FirewallAssociation],
        name: &str,
        first: bool,
    ) -> Result<Result<Option<Deciding<'f>>, Unknown>, Unknown>
    where
        'a: 'f,
    {
        let mut groups: Vec<_> = groups.iter().collect();
        groups.sort_by_key(|it| it.priority);
        // Of lists only what can match a name of AWS's is kept.
        let shows = {
            let region = &self.scope.region;
            name.ends_with(region.dns_suffix()) || name.ends_with(region.dual_stack_suffix())
        };
        let mut doubts: Vec<(bool, &FirewallListId)> = Vec::new();
        let doubted = |doubts: &[(bool, &FirewallListId)], blocked: bool| {
            let odd = doubts.iter().find(|it| it.0 != blocked)?;
            Some(Unknown::limit(format!(
                "{} leads on to {name}, and whether it is in {}, of which only names of AWS were read, is not known",
                self.host, odd.1
            )))
        };
        for group in groups {
            let rules = match seen(self.facts, self.facts.firewall_rules(&group.group).required())?
            {
                Ok(rules) => rules,
                Err(unknown) => return Ok(Err(unknown)),
            };
            let mut rules: Vec<_> = rules.iter().filter(|it| is_of_addresses(it)).collect();
            rules.sort_by_key(|it| it.priority);
            for rule in rules {
                let Some(list) = &rule.domains else { continue };
                if !first && rule.redirection == Some(Redirection::Trust) {
                    continue;
                }
                let domains = match seen(self.facts, self.facts.firewall_domains(list).required())?
                {
                    Ok(domains) => domains,
                    Err(unknown) => return Ok(Err(unknown)),
                };
                // AWS does not show its lists of threats, and its own services are none.
                let Some(domain) = domains.domains.iter().find(|it| matches(it, name)) else {
                    if !shows && !domains.managed {
                        doubts.push((rule.action == FirewallAction::Block, list));
                    }
                    continue;
                };
                let found = Deciding { group: &group.group, rule, list, domain };
                let odd = match (&rule.action, &rule.redirection) {
                    (FirewallAction::Other(word), _) => {
                        Some(format!("an action not known here: {word}"))
                    }
                    (_, Some(Redirection::Other(word))) if !first => {
                        Some(format!("a way with redirections not known here: {word}"))
                    }
                    _ => None,
                };
                return Ok(match odd {
                    Some(odd) => Err(Unknown::limit(format!("{} has {odd}", found.subject()))),
                    None => doubted(&doubts, found.blocks()).map_or(Ok(Some(found)), Err),
                });
            }
        }
        Ok(doubted(&doubts, false).map_or(Ok(None), Err))
    }

    /// Is there a rule that may block a name which is not known yet?
    fn may_stop(&self, groups: &[FirewallAssociation]) -> bool {
        groups.iter().any(|group| {
            self.facts.firewall_rules(&group.group).required().map_or(true, |rules| {
                rules.iter().filter(|it| is_of_addresses(it)).any(|rule| {
                    let lets = matches!(rule.action, FirewallAction::Allow | FirewallAction::Alert)
                        || rule.redirection == Some(Redirection::Trust);
                    let list = rule.domains.as_ref().filter(|_| !lets);
                    list.is_some_and(|it| {
                        self.facts.firewall_domains(it).required().map_or(true, |it| !it.managed)
                    })
                })
            })
        })
    }

    fn allow(&self, blocking: &Deciding, name: &str) -> Fix {
        let Deciding { group, rule, list, domain } = blocking;
        Fix::new(
            format!(
                "let a rule before `{}` of {group} allow {name}, or take {domain} off {list}",
                rule.name
            ),
            Recovery::Agent,
        )
        .aws([
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
        ])
    }

    fn trust(&self, allowing: &Deciding, name: &str) -> Fix {
        let Deciding { group, rule, list, .. } = allowing;
        let kind = rule.query_type.as_deref().into_iter().flat_map(|it| ["--qtype", it]);
        Fix::new(
            format!(
                "have `{}` of {group} trust the names that it is redirected to, or put {name} on {list}",
                rule.name
            ),
            Recovery::Agent,
        )
        .aws([
                "route53resolver",
                "update-firewall-rule",
                "--firewall-rule-group-id",
                group.as_str(),
                "--firewall-domain-list-id",
                list.as_str(),
            ]
            .into_iter()
            .chain(kind)
            .chain(["--firewall-domain-redirection-action", "TRUST_REDIRECTION_DOMAIN"]),
        )
    }
}

/// The names that the records of a zone lead `host` on to when its IPv4 address is asked for, as far as the
/// zone says.
fn chain_of(zone: &HostedZone, records: &[ZoneRecord], host: &str) -> Vec<Link> {
    let mut chain = vec![Link { name: host.into(), redirected: true }];
    let mut next = 0;
    while let Some(Link { name, redirected }) = chain.get(next) {
        // An endpoint's own name is answered outside, whatever the zone's wildcards say.
        let here = !is_endpoints_own(name);
        let on = at(records, name, &zone.name).filter(|_| here).filter_map(|record| {
            match (&record.kind, &record.alias, record.values.first()) {
                (RecordType::A | RecordType::Cname, Some(target), _) => Some((target, false)),
                (RecordType::Cname, None, Some(target)) => Some((target, *redirected)),
                _ => None,
            }
        });
        for (target, redirected) in on.collect::<Vec<_>>() {
            if chain.iter().all(|it| it.name != *target) {
                chain.push(Link { name: target.clone(), redirected });
            }
        }
        next += 1;
    }
    chain.split_off(1)
}

/// Where a zone that fails was meant to lead.
fn meant(plain: Resolution) -> Resolution {
    match plain {
        Resolution::PublicDespite(endpoint, Defect::PrivateDnsOff) => {
            Resolution::Endpoint(endpoint)
        }
        plain => plain,
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

/// A name that an endpoint has whether or not its private DNS is on.
fn is_endpoints_own(name: &str) -> bool {
    name.starts_with("vpce-")
}

/// The endpoint whose own DNS name this is: `vpce-0abc` of
/// `vpce-0abc-1a2b3c4d.ssm.eu-west-1.vpce.amazonaws.com`, zonal names likewise.
fn endpoint_named(target: &str) -> Option<&str> {
    let (label, rest) = target.split_once('.')?;
    if !rest.contains(".vpce.") {
        return None;
    }
    let id = label.strip_prefix("vpce-")?.split('-').next()?;
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

/// The DNS servers that DHCP hands out; None for a VPC without DHCP options.
///
/// Instances have Amazon's there if they are on Nitro, and none if they are older, which AWS does not tell
/// apart. Source: VPC user guide, "DHCP option set concepts".
///
/// # Errors
/// [`Unknown`] when the DHCP options were not seen, or name no server.
pub fn dhcp_servers<'a>(facts: &'a Facts, vpc: &VpcId) -> Result<Option<&'a [String]>, Unknown> {
    match handed_out(facts, vpc)? {
        Some((id, [])) => Err(Unknown::limit(format!(
            "{id} names no DNS servers, so the instances of {vpc} have those of their images, if any"
        ))),
        Some((_, servers)) => Ok(Some(servers)),
        None => Ok(None),
    }
}

/// The set of DHCP options of a VPC, if it has one, and the DNS servers in it.
///
/// # Errors
/// [`Unknown`] when they were not seen.
pub fn handed_out<'a>(
    facts: &'a Facts,
    vpc: &VpcId,
) -> Result<Option<(&'a DhcpOptionsId, &'a [String])>, Unknown> {
    let row = facts.vpc(vpc).required()?;
    let Some(id) = row.dhcp_options.as_ref().filter(|it| it.as_str() != "default") else {
        return Ok(None);
    };
    Ok(Some((id, &facts.dhcp_options(id).required()?.name_servers)))
}

/// A name server from DHCP that is not Amazon's, if there is one.
///
/// # Errors
/// As [`dhcp_servers`].
pub fn foreign_resolver<'a>(facts: &'a Facts, vpc: &VpcId) -> Result<Option<&'a str>, Unknown> {
    let Some(servers) = dhcp_servers(facts, vpc)? else { return Ok(None) };
    let cidrs = &facts.vpc(vpc).required()?.cidrs;
    Ok(servers.iter().map(String::as_str).find(|it| !is_amazons(it, cidrs)))
}

/// `AmazonProvidedDNS`, its link-local addresses, or the base of a VPC CIDR plus two. Source: VPC User
/// Guide, "Amazon DNS server".
pub(crate) fn is_amazons(server: &str, cidrs: &[IpNet]) -> bool {
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

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use ssm_doctor_fixtures as fixtures;

    const ENDPOINTS: &str = "private-endpoints";
    const NAT: &str = "private-nat";
    const ZONE: &str = "Z0SSM";
    const HUB: &str = "vpce-0hub-1a2b3c4d.ssm.ap-northeast-1.vpce.amazonaws.com";
    const OWN: &str = "vpce-0ssm-1a2b3c4d.ssm.ap-northeast-1.vpce.amazonaws.com";

    fn facts(ground: &str, patch: &Value) -> (Facts, Scope) {
        let world = fixtures::named(ground).unwrap();
        let mut facts = serde_json::to_value(&world.facts).unwrap();
        json_patch::merge(&mut facts, patch);
        (serde_json::from_value(facts).unwrap(), world.scope)
    }

    /// Where `ssm` leads, and what the steps say: resolver, firewall, rule, zone.
    fn story(case: &Case) -> String {
        let vpc = "vpc-0a1b2c3d".parse().unwrap();
        let name = match resolve(case, &vpc, "ssm") {
            Ok(name) => name,
            Err(unknown) => {
                let gaps = unknown.gaps().map(|gap| match gap {
                    Gap::Limit(limit) => limit.words().into(),
                    Gap::Fact { need, .. } => need.subject(),
                });
                return format!("unknown: {}", gaps.collect::<Vec<_>>().join("; "));
            }
        };
        let to = match &name.to {
            Resolution::Endpoint(it) => format!("to {}", it.id),
            Resolution::Public => "to the public".into(),
            Resolution::PublicDespite(it, defect) => format!("past {}: {defect:?}", it.id),
            Resolution::Elsewhere(it) => format!(
                "by {} to {} [{}]",
                it.by,
                it.target.as_deref().unwrap_or("addresses"),
                join(&it.addresses)
            ),
        };
        let families = match name.families {
            Some(Families { v4: true, v6: true }) => "46",
            Some(Families { v4: true, v6: false }) => "4",
            Some(Families { v4: false, v6: true }) => "6",
            _ => "?",
        };
        let steps: Vec<_> = name
            .steps
            .iter()
            .map(|it| match &it.answer {
                Ok(Verdict::Pass(_)) => "pass",
                Ok(Verdict::Fail(..)) => "fail",
                Ok(Verdict::NotApplicable(_)) => "-",
                Err(_) => "?",
            })
            .collect();
        format!("{to} ({families}), {}", steps.join(" "))
    }

    fn of(ground: &str, patch: &Value) -> String {
        let (facts, scope) = facts(ground, patch);
        story(&Case::new(&facts, &scope))
    }

    fn endpoint(more: &Value) -> Value {
        let mut endpoint = json!({
            "id": "vpce-0ssm", "service": "com.amazonaws.ap-northeast-1.ssm", "kind": "Interface",
            "state": "available", "subnets": ["subnet-0endpoints"], "interfaces": ["eni-0ssm"],
            "security_groups": ["sg-0endpoints"], "private_dns": true
        });
        json_patch::merge(&mut endpoint, more);
        endpoint
    }

    fn endpoints(all: &[Value]) -> Value {
        json!({ "endpoints": { "vpc-0a1b2c3d": all } })
    }

    /// The world's zone with these records, beside an endpoint whose private DNS is off, in a VPC that
    /// is peered with a hub.
    fn zoned(name: &str, records: &Value) -> Value {
        let mut patch = endpoints(&[endpoint(&json!({ "private_dns": false }))]);
        let peered =
            json!({ "to": { "cidr": "10.9.0.0/16" }, "via": "pcx-0hub", "state": "active" });
        let zone = json!({
            "hosted_zones": { "vpc-0a1b2c3d": [{ "id": ZONE, "name": name, "owner": "111122223333" }] },
            "zone_records": { ZONE: records },
            "route_tables": { "vpc-0a1b2c3d": [{ "id": "rtb-0main", "main": true, "routes": [peered] }] }
        });
        json_patch::merge(&mut patch, &zone);
        patch
    }

    fn record(kind: &str, value: &str) -> Value {
        json!({ "name": "ssm.ap-northeast-1.amazonaws.com", "kind": kind, "values": [value] })
    }

    fn and(mut patch: Value, more: &Value) -> Value {
        json_patch::merge(&mut patch, more);
        patch
    }

    #[test]
    fn endpoints_lead() {
        let dead = json!({ "id": "vpce-0dead", "state": "failed" });
        let off = json!({ "id": "vpce-0off", "private_dns": false });
        let far = json!({ "service_region": "us-east-1" });
        let rows = [
            (vec![], "to the public (4), pass pass pass pass"),
            (vec![endpoint(&json!({}))], "to vpce-0ssm (4), pass pass pass pass"),
            (
                vec![endpoint(&dead), endpoint(&off), endpoint(&json!({}))],
                "to vpce-0ssm (4), pass pass pass pass",
            ),
            (vec![endpoint(&dead)], "past vpce-0dead: NotAvailable (4), pass pass pass pass"),
            (
                vec![endpoint(&dead), endpoint(&off)],
                "past vpce-0off: PrivateDnsOff (4), pass pass pass pass",
            ),
            (vec![endpoint(&far)], "to the public (4), pass pass pass pass"),
            (
                vec![endpoint(&json!({ "service": "com.amazonaws.ap-northeast-1.ssm-fips" }))],
                "to the public (4), pass pass pass pass",
            ),
            (
                vec![endpoint(&json!({ "private_dns_for_inbound_only": true }))],
                "to the public (4), pass pass pass pass",
            ),
            (
                vec![endpoint(&json!({ "ip_address_type": "dualstack" }))],
                "to vpce-0ssm (46), pass pass pass pass",
            ),
            (
                vec![endpoint(
                    &json!({ "ip_address_type": "dualstack", "dns_record_ip_type": "ipv6" }),
                )],
                "to vpce-0ssm (6), pass pass pass pass",
            ),
            (
                vec![endpoint(&json!({ "dns_record_ip_type": "service-defined" }))],
                "to vpce-0ssm (4), pass pass pass pass",
            ),
            (
                vec![endpoint(&json!({ "ip_address_type": "newest" }))],
                "to vpce-0ssm (?), pass pass pass pass",
            ),
            (
                vec![endpoint(&json!({ "kind": "Newest" }))],
                "unknown: vpce-0ssm (com.amazonaws.ap-northeast-1.ssm) is an endpoint of a kind not known here: Newest",
            ),
        ];
        for (all, expected) in rows {
            assert_eq!(of(ENDPOINTS, &endpoints(&all)), expected, "{all:?}");
        }
    }

    #[test]
    fn zones_lead() {
        let exact = "ssm.ap-northeast-1.amazonaws.com";
        let region = "ap-northeast-1.amazonaws.com";
        let here = "to vpce-0ssm (4), pass pass pass pass";
        let nowhere = "to vpce-0ssm (4), pass pass pass fail";
        let rows: Vec<(&str, Value, &str)> = vec![
            (exact, json!([record("CNAME", OWN)]), here),
            (exact, json!([{ "name": exact, "kind": "A", "alias": OWN }]), here),
            (
                exact,
                json!([
                    { "name": exact, "kind": "A", "alias": OWN },
                    { "name": exact, "kind": "AAAA", "alias": OWN }
                ]),
                here,
            ),
            (exact, json!([record("A", "10.0.1.11")]), here),
            (exact, json!([]), nowhere),
            // Another type of record, or another name, is no answer.
            (exact, json!([record("TXT", "x")]), nowhere),
            (region, json!([{ "name": region, "kind": "A", "values": ["10.0.1.11"] }]), nowhere),
            ("", json!([]), nowhere),
            ("com", json!([]), nowhere),
            // Not a parent, though it ends alike.
            (
                "m.ap-northeast-1.amazonaws.com",
                json!([]),
                "past vpce-0ssm: PrivateDnsOff (4), pass pass pass pass",
            ),
            // The nearest wildcard answers, unless the name itself is there.
            (
                region,
                json!([{ "name": "*.ap-northeast-1.amazonaws.com", "kind": "A", "alias": OWN }]),
                here,
            ),
            (
                "amazonaws.com",
                json!([
                    { "name": "*.amazonaws.com", "kind": "A", "values": ["10.9.9.9"] },
                    { "name": "*.ap-northeast-1.amazonaws.com", "kind": "A", "alias": OWN }
                ]),
                here,
            ),
            (
                "amazonaws.com",
                json!([{ "name": "*.amazonaws.com", "kind": "A", "alias": OWN }]),
                here,
            ),
            (
                "amazonaws.com",
                json!([
                    { "name": "*.amazonaws.com", "kind": "A", "alias": OWN },
                    { "name": region, "kind": "TXT" }
                ]),
                nowhere,
            ),
            (
                region,
                json!([
                    { "name": "*.ap-northeast-1.amazonaws.com", "kind": "A", "alias": OWN },
                    { "name": exact, "kind": "TXT" }
                ]),
                nowhere,
            ),
            // Names on the way.
            (
                region,
                json!([
                    record("CNAME", "hub.ap-northeast-1.amazonaws.com"),
                    { "name": "hub.ap-northeast-1.amazonaws.com", "kind": "A", "values": ["10.9.0.4", "10.9.1.4"] }
                ]),
                "by Z0SSM to addresses [10.9.0.4, 10.9.1.4] (4), pass pass pass pass",
            ),
            (
                region,
                json!([record("CNAME", exact)]),
                "unknown: Z0SSM (ap-northeast-1.amazonaws.com) leads ssm.ap-northeast-1.amazonaws.com round in circles",
            ),
            // A hub's endpoints, weighted, and in both families.
            (
                exact,
                json!([
                    record("A", "10.9.0.4"),
                    record("A", "10.8.0.4"),
                    record("AAAA", "fd00::4")
                ]),
                "by Z0SSM to addresses [10.8.0.4, 10.9.0.4, fd00::4] (46), pass pass pass pass",
            ),
            (
                exact,
                json!([record("A", "10.9.0.4"), { "name": exact, "kind": "A", "alias": OWN }]),
                "unknown: Z0SSM (ssm.ap-northeast-1.amazonaws.com) leads ssm.ap-northeast-1.amazonaws.com to several places",
            ),
            (
                exact,
                json!([record("CNAME", "proxy.example.com")]),
                "by Z0SSM to proxy.example.com [] (?), pass pass pass pass",
            ),
            (
                exact,
                json!([record("A", "ten")]),
                "unknown: Z0SSM (ssm.ap-northeast-1.amazonaws.com) has the address \"ten\" for ssm.ap-northeast-1.amazonaws.com",
            ),
            (
                region,
                json!([{ "name": exact, "kind": "NS", "values": ["ns.example.com"] }]),
                "unknown: Z0SSM (ap-northeast-1.amazonaws.com) delegates ssm.ap-northeast-1.amazonaws.com to other DNS servers",
            ),
        ];
        for (name, records, expected) in rows {
            assert_eq!(of(ENDPOINTS, &zoned(name, &records)), expected, "{name}: {records}");
        }
    }

    #[test]
    fn what_no_route_leads_to_is_out_of_date() {
        let alone = |address: &str| {
            let zoned = zoned("ssm.ap-northeast-1.amazonaws.com", &json!([record("A", address)]));
            and(zoned, &json!({ "route_tables": { "vpc-0a1b2c3d": [] } }))
        };
        assert_eq!(of(ENDPOINTS, &alone("10.9.0.4")), "to vpce-0ssm (4), pass pass pass fail");
        assert_eq!(
            of(ENDPOINTS, &alone("52.1.2.3")),
            "by Z0SSM to addresses [52.1.2.3] (4), pass pass pass pass"
        );
        // With no endpoint in the VPC itself it is the route that is missing.
        let hub_only = and(alone("10.9.0.4"), &endpoints(&[]));
        assert_eq!(
            of(ENDPOINTS, &hub_only),
            "by Z0SSM to addresses [10.9.0.4] (4), pass pass pass pass"
        );
    }

    #[test]
    fn the_most_specific_zone_answers_and_the_vpcs_own_first() {
        let exact = "ssm.ap-northeast-1.amazonaws.com";
        let two = and(
            zoned(exact, &json!([record("CNAME", OWN)])),
            &json!({ "hosted_zones": { "vpc-0a1b2c3d": [
                { "id": "Z0AWS", "name": "amazonaws.com" },
                { "id": ZONE, "name": exact },
                { "id": "Z0REGION", "name": "ap-northeast-1.amazonaws.com" }
            ] } }),
        );
        assert_eq!(of(ENDPOINTS, &two), "to vpce-0ssm (4), pass pass pass pass");
        let brought = |name: &str, own: &str| {
            and(
                zoned(own, &json!([record("A", "10.9.0.4")])),
                &json!({
                    "profiles": { "vpc-0a1b2c3d": ["rp-1"] },
                    "profile_resources": { "rp-1": [{ "arn": "arn:aws:route53:::hostedzone/Z0PROFILE" }] },
                    "profile_zones": { "Z0PROFILE": { "id": "Z0PROFILE", "name": name } },
                    "zone_records": { "Z0PROFILE": [record("A", "10.8.0.4")] }
                }),
            )
        };
        let rows = [
            (exact, exact, "10.9.0.4", ZONE),
            (exact, "amazonaws.com", "10.8.0.4", "Z0PROFILE"),
            ("amazonaws.com", exact, "10.9.0.4", ZONE),
            (exact, "example.com", "10.8.0.4", "Z0PROFILE"),
        ];
        for (profile, own, address, by) in rows {
            assert_eq!(
                of(ENDPOINTS, &brought(profile, own)),
                format!("by {by} to addresses [{address}] (4), pass pass pass pass"),
                "{profile} and {own}"
            );
        }
    }

    #[test]
    fn zones_of_others_are_unknown_and_dead_ends_are_not() {
        let exact = "ssm.ap-northeast-1.amazonaws.com";
        let service = |endpoint: &Value| {
            and(
                endpoints(core::slice::from_ref(endpoint)),
                &json!({ "hosted_zones": { "vpc-0a1b2c3d": [
                    { "id": ZONE, "name": exact, "service": "vpce.amazonaws.com" }] } }),
            )
        };
        let none = and(service(&endpoint(&json!({}))), &endpoints(&[]));
        let vacant = zoned(exact, &json!([record("A", "10.0.1.77")]));
        let beside = |more: &Value, address: &str| {
            and(zoned(exact, &json!([record("A", address)])), &endpoints(&[endpoint(more)]))
        };
        let at = |row: Value| json!({ "interfaces_at": { "vpc-0a1b2c3d 10.0.1.77": row } });
        let proxy = json!({ "subnet": "subnet-0endpoints", "private_ips": ["10.0.1.77"] });
        let other = endpoint(
            &json!({ "id": "vpce-0kms", "service": "com.amazonaws.ap-northeast-1.kms", "interfaces": [] }),
        );
        let misled = and(
            zoned(
                exact,
                &json!([record("CNAME", "vpce-0kms-1.kms.ap-northeast-1.vpce.amazonaws.com")]),
            ),
            &endpoints(&[other]),
        );
        let rows = [
            (service(&endpoint(&json!({}))), "to vpce-0ssm (4), pass pass pass pass"),
            (
                service(&endpoint(&json!({ "state": "deleting" }))),
                "past vpce-0ssm: NotAvailable (4), pass pass pass pass",
            ),
            (
                none,
                "unknown: Z0SSM (ssm.ap-northeast-1.amazonaws.com), a private hosted zone of vpce.amazonaws.com, decides where ssm.ap-northeast-1.amazonaws.com leads, and AWS does not show its records",
            ),
            (
                zoned(exact, &json!({ "unknown": "denied" })),
                "unknown: Z0SSM; Z0SSM (ssm.ap-northeast-1.amazonaws.com), a private hosted zone of account 111122223333, decides where ssm.ap-northeast-1.amazonaws.com leads, and its records were not seen",
            ),
            (and(vacant.clone(), &at(json!("absent"))), "to vpce-0ssm (4), pass pass pass fail"),
            (
                and(vacant.clone(), &at(proxy)),
                "by Z0SSM to addresses [10.0.1.77] (4), pass pass pass pass",
            ),
            (and(vacant, &at(json!({ "unknown": "denied" }))), "unknown: vpc-0a1b2c3d 10.0.1.77"),
            (misled, "to the public (4), pass pass pass fail"),
            // Whose zone it is, while an endpoint comes and goes, or where there are two of one name.
            (
                beside(&json!({ "state": "pending" }), "10.9.0.4"),
                "unknown: vpce-0ssm is pending, and whether its private DNS or the private hosted zone Z0SSM (ssm.ap-northeast-1.amazonaws.com) answers ssm.ap-northeast-1.amazonaws.com does not show",
            ),
            (
                beside(&json!({ "state": "failed" }), "10.9.0.4"),
                "by Z0SSM to addresses [10.9.0.4] (4), pass pass pass pass",
            ),
            (
                beside(&json!({ "state": "pending", "private_dns": false }), "10.9.0.4"),
                "by Z0SSM to addresses [10.9.0.4] (4), pass pass pass pass",
            ),
            (beside(&json!({}), "10.0.1.11"), "to vpce-0ssm (4), pass pass pass pass"),
            (beside(&json!({}), "10.9.0.4"), "to vpce-0ssm (4), pass pass pass ?"),
        ];
        for (patch, expected) in rows {
            assert_eq!(of(ENDPOINTS, &patch), expected, "{patch}");
        }
    }

    #[test]
    fn an_endpoint_elsewhere_is_looked_up() {
        let patch = zoned("ssm.ap-northeast-1.amazonaws.com", &json!([record("CNAME", HUB)]));
        let hub = endpoint(&json!({ "id": "vpce-0hub", "interfaces": ["eni-0hub"] }));
        let there = json!({
            "distant_endpoints": { "vpce-0hub": hub },
            "network_interfaces": { "eni-0hub": { "subnet": "subnet-0hub", "private_ips": ["10.9.0.4"] } }
        });
        let hidden = json!({ "distant_endpoints": { "vpce-0hub": "absent" } });
        let denied = json!({ "distant_endpoints": { "vpce-0hub": { "unknown": "denied" } } });
        let unaddressed = json!({ "network_interfaces": { "eni-0hub": { "unknown": "denied" } } });
        let rows = [
            (there.clone(), format!("by Z0SSM to {HUB} [10.9.0.4] (4), pass pass pass pass")),
            (hidden, format!("by Z0SSM to {HUB} [] (?), pass pass pass pass")),
            (denied, format!("by Z0SSM to {HUB} [] (?), pass pass pass pass")),
            (and(there, &unaddressed), format!("by Z0SSM to {HUB} [] (?), pass pass pass pass")),
        ];
        for (more, expected) in rows {
            assert_eq!(of(ENDPOINTS, &and(patch.clone(), &more)), expected, "{more}");
        }
        let profile = |id: &str| {
            json!({
                "endpoints": { "vpc-0a1b2c3d": [] },
                "profiles": { "vpc-0a1b2c3d": ["rp-1"] },
                "profile_resources": { "rp-1": [
                    { "arn": format!("arn:aws:ec2:ap-northeast-1:444455556666:vpc-endpoint/{id}") }] },
                "distant_endpoints": { "vpce-0hub": hub },
                "network_interfaces": { "eni-0hub": { "subnet": "subnet-0hub", "private_ips": ["10.9.0.4"] } }
            })
        };
        assert_eq!(
            of(ENDPOINTS, &profile("vpce-0hub")),
            "by vpce-0hub to addresses [10.9.0.4] (4), pass pass pass pass"
        );
        // It has the very name: only a zone of the VPC's own for that name comes before it.
        let zone = |name: &str| {
            json!({
                "hosted_zones": { "vpc-0a1b2c3d": [{ "id": ZONE, "name": name }] },
                "zone_records": { ZONE: [record("A", "10.8.0.4")] }
            })
        };
        let parent = "amazonaws.com";
        let brought = json!({
            "profile_resources": { "rp-1": [
                { "arn": "arn:aws:ec2:ap-northeast-1:444455556666:vpc-endpoint/vpce-0hub" },
                { "arn": "arn:aws:route53:::hostedzone/Z0PROFILE" }] },
            "profile_zones": { "Z0PROFILE": { "id": "Z0PROFILE", "name": parent } },
            "zone_records": { "Z0PROFILE": [record("A", "10.8.0.4")] }
        });
        let rows = [
            (zone(parent), "vpce-0hub to addresses [10.9.0.4]"),
            (zone("ssm.ap-northeast-1.amazonaws.com"), "Z0SSM to addresses [10.8.0.4]"),
            (brought, "vpce-0hub to addresses [10.9.0.4]"),
        ];
        for (more, by) in rows {
            let expected = format!("by {by} (4), pass pass pass pass");
            assert_eq!(of(ENDPOINTS, &and(profile("vpce-0hub"), &more)), expected, "{more}");
        }
        // Neither the zone nor rules and firewall groups that a Profile may bring were seen.
        let unseen = and(
            profile("vpce-0other"),
            &json!({ "distant_endpoints": { "vpce-0other": { "unknown": "denied" } } }),
        );
        assert_eq!(of(ENDPOINTS, &unseen), "to the public (4), pass ? ? ?");
        let odd = json!({
            "profiles": { "vpc-0a1b2c3d": ["rp-1"] },
            "profile_resources": { "rp-1": [{ "arn": "arn:aws:newest:::thing/1" }] }
        });
        assert_eq!(of(NAT, &odd), "to the public (4), pass ? ? ?");
    }

    #[test]
    fn rules_come_before_zones_of_the_same_name() {
        let exact = "ssm.ap-northeast-1.amazonaws.com";
        let rules = |rules: &[(&str, &str)]| {
            let ids: Vec<_> = (0..rules.len()).map(|it| format!("rslvr-rr-{it}")).collect();
            let rows: BTreeMap<_, _> = ids
                .iter()
                .zip(rules)
                .map(|(id, (domain, kind))| {
                    (
                        id.clone(),
                        json!({ "domain": domain, "kind": kind, "targets": ["10.9.0.2:53"] }),
                    )
                })
                .collect();
            json!({ "resolver_rules": { "vpc-0a1b2c3d": ids }, "rules": rows })
        };
        let own = || endpoints(&[endpoint(&json!({}))]);
        let empty = || zoned(exact, &json!([]));
        let parent = || zoned("amazonaws.com", &json!([]));
        let rows = [
            (own(), vec![("amazonaws.com", "FORWARD")], "to vpce-0ssm (4), pass pass pass pass"),
            (own(), vec![(exact, "FORWARD")], "to vpce-0ssm (4), pass pass ? pass"),
            (empty(), vec![("amazonaws.com", "FORWARD")], "to vpce-0ssm (4), pass pass pass fail"),
            (empty(), vec![(exact, "FORWARD")], "to vpce-0ssm (4), pass pass ? ?"),
            (parent(), vec![("amazonaws.com", "FORWARD")], "to vpce-0ssm (4), pass pass ? ?"),
            (parent(), vec![("com", "FORWARD")], "to vpce-0ssm (4), pass pass pass fail"),
            (
                parent(),
                vec![("com", "SYSTEM"), ("", "FORWARD")],
                "to vpce-0ssm (4), pass pass pass fail",
            ),
            (
                parent(),
                vec![(exact, "SYSTEM"), ("amazonaws.com", "FORWARD")],
                "to vpce-0ssm (4), pass pass pass ?",
            ),
            (parent(), vec![(exact, "NEWEST")], "to vpce-0ssm (4), pass pass ? ?"),
            (endpoints(&[]), vec![("", "FORWARD")], "to the public (4), pass pass ? pass"),
            (
                endpoints(&[]),
                vec![("", "FORWARD"), ("amazonaws.com", "SYSTEM")],
                "to the public (4), pass pass pass pass",
            ),
            (endpoints(&[]), vec![("", "RECURSIVE")], "to the public (4), pass pass pass pass"),
            (
                endpoints(&[]),
                vec![("example.com", "FORWARD")],
                "to the public (4), pass pass pass pass",
            ),
        ];
        for (patch, given, expected) in rows {
            assert_eq!(of(ENDPOINTS, &and(patch, &rules(&given))), expected, "{given:?}");
        }
        // Of two for one domain the VPC's own comes before a Profile's.
        for (own, brought, expected) in [("SYSTEM", "FORWARD", "pass"), ("FORWARD", "SYSTEM", "?")]
        {
            let profile = json!({
                "profiles": { "vpc-0a1b2c3d": ["rp-1"] },
                "profile_resources": { "rp-1": [
                    { "arn": "arn:aws:route53resolver:::resolver-rule/rslvr-rr-brought" },
                    { "arn": "arn:aws:route53resolver:::resolver-query-log-config/rqlc-1" }] },
                "rules": { "rslvr-rr-brought": { "domain": "amazonaws.com", "kind": brought } }
            });
            let both = and(rules(&[("amazonaws.com", own)]), &profile);
            let expected = format!("to the public (4), pass pass {expected} pass");
            assert_eq!(of(NAT, &both), expected, "{own} and {brought}");
        }
    }

    #[test]
    fn what_was_not_seen_hides_no_more_than_it_must() {
        let denied = || json!({ "vpc-0a1b2c3d": { "unknown": "denied" } });
        let all = || {
            json!({
                "hosted_zones": denied(), "resolver_rules": denied(),
                "firewall_groups": denied(), "profiles": denied()
            })
        };
        let off = and(endpoints(&[endpoint(&json!({ "private_dns": false }))]), &all());
        let peered = and(
            endpoints(&[]),
            &json!({ "route_tables": { "vpc-0a1b2c3d": [{ "id": "rtb-1", "main": true, "routes": [
                { "to": { "cidr": "10.9.0.0/16" }, "via": "pcx-1", "state": "active" }] }] } }),
        );
        let rows = [
            (ENDPOINTS, all(), "to vpce-0ssm (4), pass ? ? pass"),
            (ENDPOINTS, and(endpoints(&[]), &all()), "to the public (4), pass ? ? ?"),
            (NAT, all(), "to the public (4), pass ? ? ?"),
            (
                ENDPOINTS,
                off,
                "unknown: vpc-0a1b2c3d; vpce-0ssm has private DNS off, and a private hosted zone may lead ssm.ap-northeast-1.amazonaws.com to it",
            ),
            (
                ENDPOINTS,
                and(peered.clone(), &all()),
                "unknown: vpc-0a1b2c3d; a private hosted zone may lead ssm.ap-northeast-1.amazonaws.com to endpoints beyond pcx-1",
            ),
            (
                ENDPOINTS,
                and(peered, &json!({ "profiles": denied() })),
                "to the public (4), pass ? ? ?",
            ),
        ];
        for (ground, patch, expected) in rows {
            assert_eq!(of(ground, &patch), expected, "{patch}");
        }
        // A Profile may bring a longer zone than this one, and nothing that comes before the very name.
        let shadow =
            |name: &str, more: &str| and(zoned(name, &json!([])), &json!({ more: denied() }));
        let exact = "ssm.ap-northeast-1.amazonaws.com";
        let rows = [
            (shadow("amazonaws.com", "profiles"), "to vpce-0ssm (4), pass ? ? ?"),
            (shadow(exact, "profiles"), "to vpce-0ssm (4), pass ? ? fail"),
            (shadow(exact, "resolver_rules"), "to vpce-0ssm (4), pass pass ? ?"),
            (shadow(exact, "firewall_groups"), "to vpce-0ssm (4), pass ? pass fail"),
        ];
        for (patch, expected) in rows {
            assert_eq!(of(ENDPOINTS, &patch), expected, "{patch}");
        }
    }

    #[test]
    fn other_dns_servers_may_say_otherwise() {
        let foreign =
            json!({ "dhcp_options": { "dopt-0amazon": { "name_servers": ["10.0.5.10"] } } });
        let exact = "ssm.ap-northeast-1.amazonaws.com";
        let unless = |to: &str| {
            format!(
                "unknown: instances of vpc-0a1b2c3d ask the DNS server 10.0.5.10: unless it forwards {exact} to the VPC's own resolver, the name resolves to public addresses instead of {to}"
            )
        };
        assert_eq!(of(ENDPOINTS, &foreign), unless("vpce-0ssm"));
        let led = zoned(exact, &json!([record("A", "10.9.0.4")]));
        assert_eq!(of(ENDPOINTS, &and(led, &foreign)), unless("where Z0SSM leads it"));
        let empty = zoned(exact, &json!([]));
        assert_eq!(of(ENDPOINTS, &and(empty, &foreign)), "to vpce-0ssm (4), pass pass pass ?");
        assert_eq!(of(NAT, &foreign), "to the public (4), pass pass pass pass");
        let off = json!({ "vpc_dns": { "vpc-0a1b2c3d": { "support": false } } });
        assert_eq!(of(NAT, &off), "to the public (4), fail pass pass pass");
        assert_eq!(of(NAT, &and(off, &foreign)), "to the public (4), ? pass pass pass");
    }

    #[test]
    fn amazons_resolver_has_several_addresses() {
        let cidrs = ["10.0.0.0/16", "100.64.0.0/24", "fd00:1::/56"].map(|it| it.parse().unwrap());
        let amazons =
            ["AmazonProvidedDNS", "169.254.169.253", "10.0.0.2", "100.64.0.2", "fd00:ec2::253"];
        let others = ["10.0.0.3", "8.8.8.8", "fd00:1::2", "fd00:ec2::254", "dc1.example.com", ""];
        for it in amazons {
            assert!(is_amazons(it, &cidrs), "{it}");
        }
        for it in others {
            assert!(!is_amazons(it, &cidrs), "{it}");
        }
    }

    #[test]
    fn firewall_lists_match() {
        let host = "ssm.eu-west-1.amazonaws.com";
        for domain in ["*", "*.com", "*.eu-west-1.amazonaws.com", host] {
            assert!(matches(domain, host), "{domain}");
        }
        for domain in [
            "com",
            "amazonaws.com",
            "*.ssm.eu-west-1.amazonaws.com",
            "*.net",
            "sm.eu-west-1.amazonaws.com",
        ] {
            assert!(!matches(domain, host), "{domain}");
        }
    }

    #[test]
    fn the_first_firewall_rule_decides() {
        let rule = |priority: i32, action: &str, list: &str, kind: Option<&str>| json!({ "name": "r", "priority": priority, "action": action, "domains": list, "query_type": kind });
        let firewall = |own: &Value, brought: &Value| {
            json!({
                "firewall_groups": { "vpc-0a1b2c3d": [{ "group": "rslvr-frg-1", "priority": 101 }] },
                "firewall_rules": { "rslvr-frg-1": own, "rslvr-frg-2": brought },
                "firewall_domains": {
                    "rslvr-fdl-all": { "domains": ["*"] },
                    "rslvr-fdl-aws": { "domains": ["*.amazonaws.com"] },
                    "rslvr-fdl-none": {},
                    "rslvr-fdl-hidden": { "unknown": "denied" }
                },
                "profiles": { "vpc-0a1b2c3d": ["rp-1"] },
                "profile_resources": { "rp-1": [
                    { "arn": "arn:aws:route53resolver:eu-west-1:111122223333:firewall-rule-group/rslvr-frg-2", "priority": 1 }] }
            })
        };
        let (all, aws, none, hidden) =
            ("rslvr-fdl-all", "rslvr-fdl-aws", "rslvr-fdl-none", "rslvr-fdl-hidden");
        let block = || json!([rule(2, "BLOCK", all, None)]);
        let allow = || json!([rule(2, "ALLOW", aws, None)]);
        let nothing = || json!([]);
        let rows = [
            (nothing(), nothing(), "pass"),
            (block(), nothing(), "fail"),
            (nothing(), block(), "fail"),
            (block(), block(), "fail"),
            (allow(), nothing(), "pass"),
            (nothing(), allow(), "pass"),
            (allow(), allow(), "pass"),
            // Which group of the two comes first is not documented.
            (block(), allow(), "?"),
            (allow(), block(), "?"),
            (json!([rule(2, "BLOCK", all, None), rule(1, "ALERT", all, None)]), nothing(), "pass"),
            (json!([rule(1, "BLOCK", all, None), rule(2, "ALLOW", all, None)]), nothing(), "fail"),
            (json!([rule(1, "NEWEST", all, None)]), nothing(), "?"),
            (json!([rule(1, "BLOCK", none, None)]), nothing(), "pass"),
            (json!([rule(1, "ALLOW", hidden, None), rule(2, "BLOCK", all, None)]), nothing(), "?"),
            (
                json!([rule(1, "ALLOW", aws, None), rule(2, "BLOCK", hidden, None)]),
                nothing(),
                "pass",
            ),
            (json!([rule(1, "BLOCK", all, Some("AAAA"))]), nothing(), "pass"),
            (json!([rule(1, "BLOCK", all, Some("A"))]), nothing(), "fail"),
            (json!([rule(1, "BLOCK", all, Some("TYPE1"))]), nothing(), "fail"),
            (json!({ "unknown": "denied" }), nothing(), "?"),
            (json!({ "unknown": "denied" }), json!({ "unknown": "denied" }), "?"),
        ];
        for (own, brought, expected) in rows {
            assert_eq!(
                of(NAT, &firewall(&own, &brought)),
                format!("to the public (4), pass {expected} pass pass"),
                "{own} and {brought}"
            );
        }
    }
}
