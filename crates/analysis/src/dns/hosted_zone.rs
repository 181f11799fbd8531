//! Private hosted zones and the private DNS of endpoints, of which the most specific answers.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{cmp::Reverse, net::IpAddr};

use crate::answer::{Answer, Evidence, Fix, Recovery, Verdict, observed, seen};
use crate::dns::{
    endpoint_name::{endpoint_id, is_endpoint_name, without_fips},
    outcome::{EndpointFault, Remedy, Statement},
    query::Query,
    resolution::{Defect, Elsewhere, Resolution, Step, StepKind},
    resolver_rule::unknown_behind,
    settings::{Owner, Settings, both},
    zone_record::{Found, Link, Records, chain_of},
};
use ssm_doctor_facts::{
    ec2::{Endpoint, EndpointState},
    ids::EndpointId,
    limit::{Answerer, HostedZoneLimit, ResolverRuleLimit},
    lookup::Unknown,
    route53::{HostedZone, RuleType, ZoneRecord},
    special_addresses::AddressKind,
};

/// What a zone, or an endpoint's private DNS, says of the name.
pub(super) struct ZoneAnswer<'a> {
    pub to: Resolution<'a>,
    /// The zone's, the endpoint's or the VPC's.
    pub id: String,
    pub answer: Answer,
    /// The addresses of an endpoint's interfaces that the zone's records have; empty if the records name the endpoint
    /// or lead elsewhere.
    pub addresses: Vec<IpAddr>,
    /// The names that the zone's records point to, or why it is not known whether there are any.
    pub chain: Result<Vec<Link>, Unknown>,
}

impl<'a> ZoneAnswer<'a> {
    fn new(to: Resolution<'a>, id: &impl ToString, answer: Answer) -> Self {
        Self { to, id: id.to_string(), answer, addresses: Vec::new(), chain: Ok(Vec::new()) }
    }

    fn pass(to: Resolution<'a>, id: &impl ToString, evidence: Evidence) -> Self {
        Self::new(to, id, Ok(Verdict::Pass(evidence)))
    }

    pub fn step(self) -> (Step, Resolution<'a>, Vec<IpAddr>) {
        let step = Step { kind: StepKind::Zone, id: self.id, answer: self.answer };
        (step, self.to, self.addresses)
    }
}

/// What has an answer for the name.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The hidden zone of an endpoint of the VPC, for the very name.
    PrivateDns(&'a Endpoint),
    Zone(&'a HostedZone),
    /// An endpoint that comes with a Profile, which answers as a zone for the very name would.
    ProfileEndpoint(&'a Endpoint),
}

#[derive(Clone, Copy)]
struct Candidate<'a> {
    source: Source<'a>,
    /// The length of the domain that it is for.
    length: usize,
    owner: Owner,
}

impl<'a> Query<'a, '_> {
    /// The candidates, the decisive one first: that for the longest domain, and of two for one domain the
    /// VPC's own.
    fn candidates(
        &self,
        by_endpoint: &Resolution<'a>,
        settings: &Settings<'a>,
    ) -> Vec<Candidate<'a>> {
        let length = self.host.len();
        let private_dns = match by_endpoint {
            Resolution::Endpoint(endpoint) => Some(Source::PrivateDns(endpoint)),
            _ => None,
        };
        let private_dns = private_dns.map(|source| Candidate { source, length, owner: Owner::Vpc });
        let of_profile = settings.endpoint.map(|endpoint| Candidate {
            source: Source::ProfileEndpoint(endpoint),
            length,
            owner: Owner::Profile,
        });
        let zone = settings.zone().map(|(zone, owner)| Candidate {
            source: Source::Zone(zone),
            length: zone.name.len(),
            owner,
        });
        let mut all: Vec<_> = private_dns.into_iter().chain(of_profile).chain(zone).collect();
        // Stable: of equals the first stays first.
        all.sort_by_key(|candidate| (Reverse(candidate.length), candidate.owner));
        all
    }

    pub(super) fn zone_answer(
        &self,
        by_endpoint: Resolution<'a>,
        settings: &Settings<'a>,
    ) -> Result<ZoneAnswer<'a>, Unknown> {
        let dns = seen(self.facts.vpc_dns(self.vpc).required())?;
        let candidates = self.candidates(&by_endpoint, settings);
        // Nothing that was not seen comes before an endpoint's private DNS.
        if let Some(Candidate { source: Source::PrivateDns(endpoint), .. }) = candidates.first() {
            return self.by_private_dns(endpoint, candidates.get(1), settings);
        }
        let covered = !candidates.is_empty();
        let unseen_dns = dns.as_ref().err().filter(|_| covered);
        if let Some(unknown) = both(settings.unseen_zones.as_ref(), unseen_dns) {
            return self.without_zones(by_endpoint, unknown);
        }
        let not_asked = |by_endpoint| {
            ZoneAnswer::pass(by_endpoint, self.vpc, observed(self.vpc, Statement::ZonesNotAsked))
        };
        let has_private_dns =
            matches!(by_endpoint, Resolution::PublicDespite(_, Defect::VpcDnsOff));
        match dns {
            // Where the zone leads counts once somebody turns DNS support on.
            Ok(dns) if covered && !dns.support && !has_private_dns => {
                let would = self.by_candidate(candidates.first(), by_endpoint.clone(), settings);
                // If a record was not seen, it is not known where the name leads then.
                return Ok(seen(would)?.unwrap_or_else(|unknown| {
                    ZoneAnswer::new(by_endpoint, self.vpc, Err(unknown))
                }));
            }
            Ok(dns) if covered && (!dns.support || !dns.hostnames) => {
                return Ok(not_asked(by_endpoint));
            }
            _ => {}
        }
        if let Some(unknown) = self.private_dns_in_transition(&by_endpoint, settings) {
            return Err(unknown);
        }
        self.by_candidate(candidates.first(), by_endpoint, settings)
    }

    fn by_candidate(
        &self,
        first: Option<&Candidate<'a>>,
        by_endpoint: Resolution<'a>,
        settings: &Settings<'a>,
    ) -> Result<ZoneAnswer<'a>, Unknown> {
        match first {
            Some(Candidate { source: Source::Zone(zone), owner, .. }) => {
                self.by_zone(by_endpoint, zone, *owner, settings)
            }
            Some(Candidate {
                source: Source::ProfileEndpoint(endpoint) | Source::PrivateDns(endpoint),
                ..
            }) => self.by_profile_endpoint(endpoint),
            None => Ok(self.no_zone(by_endpoint, settings)),
        }
    }

    /// No zone covers the name.
    fn no_zone(&self, by_endpoint: Resolution<'a>, settings: &Settings<'a>) -> ZoneAnswer<'a> {
        let none = || Statement::NoCoveringZone { host: self.host.clone() };
        let answer = match &settings.unseen_profiles {
            Some(unknown) => Err(unknown.clone()),
            None => Ok(Verdict::Pass(observed(self.vpc, none()))),
        };
        ZoneAnswer::new(by_endpoint, self.vpc, answer)
    }

    /// The zone of an endpoint that is being created or deleted, or serves in part, may be there already,
    /// or still, and is for the whole name.
    fn private_dns_in_transition(
        &self,
        by_endpoint: &Resolution,
        settings: &Settings,
    ) -> Option<Unknown> {
        let Resolution::PublicDespite(endpoint, _) = by_endpoint else { return None };
        let may_answer = endpoint.private_dns
            && matches!(
                endpoint.state,
                EndpointState::Pending
                    | EndpointState::Deleting
                    | EndpointState::Partial
                    | EndpointState::Other(_)
            );
        let (zone, _) = settings.zone().filter(|(zone, _)| may_answer && zone.service.is_none())?;
        Some(Unknown::limit(HostedZoneLimit::PrivateDnsOrZone {
            endpoint: endpoint.id.clone(),
            state: endpoint.state.clone(),
            zone: zone.id.clone(),
            zone_name: zone.name.clone(),
            host: self.host.clone(),
        }))
    }

    /// An endpoint's private DNS is in force. A zone for a parent of the name is less specific, and
    /// Route 53 refuses a second zone of the same name in a VPC (`ConflictingDomainExists`), as EC2
    /// refuses private DNS beside it: if both are there all the same, they contradict each other.
    fn by_private_dns(
        &self,
        endpoint: &'a Endpoint,
        next: Option<&Candidate<'a>>,
        settings: &Settings<'a>,
    ) -> Result<ZoneAnswer<'a>, Unknown> {
        let to = Resolution::Endpoint(endpoint);
        let rival = match next {
            Some(Candidate { source: Source::Zone(zone), owner: Owner::Vpc, .. })
                if zone.service.is_none() && zone.name == self.host =>
            {
                *zone
            }
            _ => {
                let answers = Statement::AnswersByPrivateDns { host: self.host.clone() };
                return Ok(ZoneAnswer::pass(to, &endpoint.id, observed(&endpoint.id, answers)));
            }
        };
        let by_zone = self.by_zone(to.clone(), rival, Owner::Vpc, settings)?;
        let answer = match by_zone.to {
            Resolution::Endpoint(other) if core::ptr::eq(other, endpoint) => by_zone.answer,
            _ => Err(Unknown::limit(HostedZoneLimit::PrivateDnsAndZone {
                endpoint: endpoint.id.clone(),
                zone: rival.id.clone(),
                host: self.host.clone(),
            })),
        };
        Ok(ZoneAnswer { to, answer, addresses: Vec::new(), ..by_zone })
    }

    /// The zones were not seen. What they may well be for must then stay open.
    fn without_zones(
        &self,
        by_endpoint: Resolution<'a>,
        unknown: Unknown,
    ) -> Result<ZoneAnswer<'a>, Unknown> {
        let host = self.host.clone();
        if let Resolution::PublicDespite(endpoint, Defect::PrivateDnsOff) = by_endpoint {
            let endpoint = endpoint.id.clone();
            let limit = HostedZoneLimit::MayLeadToEndpoint { endpoint, host };
            return Err(Unknown::limit(limit).and(unknown));
        }
        if let Some(via) = self.route_to_other_networks()? {
            let limit = HostedZoneLimit::MayLeadToOtherNetwork { host, via: via.into() };
            return Err(Unknown::limit(limit).and(unknown));
        }
        let answer = Err(unknown.clone());
        let by_endpoint = ZoneAnswer::new(by_endpoint, self.vpc, answer);
        Ok(ZoneAnswer { chain: Err(unknown), ..by_endpoint })
    }

    fn by_zone(
        &self,
        by_endpoint: Resolution<'a>,
        zone: &'a HostedZone,
        owner: Owner,
        settings: &Settings<'a>,
    ) -> Result<ZoneAnswer<'a>, Unknown> {
        let subject = format!("{} ({})", zone.id, zone.name);
        if let Some(service) = &zone.service {
            // The zone of an endpoint outlives it for a while.
            let Resolution::PublicDespite(endpoint, _) = by_endpoint else {
                return Err(Unknown::limit(HostedZoneLimit::OfService {
                    zone: zone.id.clone(),
                    zone_name: zone.name.clone(),
                    service: service.clone(),
                    host: self.host.clone(),
                }));
            };
            let is_zone = Statement::IsZoneOf { endpoint: endpoint.id.clone() };
            return Ok(ZoneAnswer::pass(by_endpoint, &zone.id, observed(&subject, is_zone)));
        }
        let records = Records { zone, records: self.records_of(zone)? };
        let found = match self.look_up(records, &self.host)? {
            Found::Addresses(addresses) if self.are_out_of_date(&by_endpoint, &addresses)? => {
                Found::Vacant(addresses)
            }
            found => found,
        };
        let by_zone = if let Some(fault) = self.fault(&found) {
            let fix = self.correct(zone, &by_endpoint);
            let answer = self.fails_at_amazons_resolver(observed(&subject, fault), fix)?;
            let answer = match answer {
                Ok(Verdict::Fail(..)) => self.contested(zone, owner, settings).map_or(answer, Err),
                answer => answer,
            };
            ZoneAnswer::new(intended(by_endpoint), &zone.id, answer)
        } else {
            self.needs_amazons_resolver(Answerer::Zone(zone.id.clone()))?;
            let addresses = match &found {
                Found::Endpoint(_, addresses) => addresses.clone(),
                _ => Vec::new(),
            };
            let (to, statement) = self.target(found, zone)?;
            let evidence = observed(&subject, statement);
            ZoneAnswer { addresses, ..ZoneAnswer::pass(to, &zone.id, evidence) }
        };
        Ok(ZoneAnswer { chain: Ok(chain_of(records, &self.host)), ..by_zone })
    }

    fn records_of(&self, zone: &'a HostedZone) -> Result<&'a [ZoneRecord], Unknown> {
        let records = self.facts.zone_records(&zone.id).required();
        records.map(Vec::as_slice).map_err(|unknown| {
            if unknown.is_unasked() {
                return unknown;
            }
            Unknown::limit(HostedZoneLimit::RecordsUnseen {
                zone: zone.id.clone(),
                zone_name: zone.name.clone(),
                owner: zone.owner.clone(),
                host: self.host.clone(),
            })
            .and(unknown)
        })
    }

    /// Why the name does not work by what a zone says, if so.
    fn fault(&self, found: &Found) -> Option<Statement> {
        let (vpc, host) = (self.vpc.clone(), self.host.clone());
        match found {
            Found::Nothing => Some(Statement::HasNoRecord { vpc, host }),
            Found::Vacant(addresses) => Some(Statement::ResolvesToVacantAddresses {
                vpc,
                host,
                addresses: addresses.clone(),
            }),
            Found::Endpoint(endpoint, _) => self.fault_of(endpoint).map(|fault| {
                let endpoint = endpoint.id.clone();
                Statement::ResolvesToWrongEndpoint { host, endpoint, fault }
            }),
            Found::Addresses(_) | Found::Name(_) => None,
        }
    }

    /// What makes an endpoint the wrong place for this name.
    fn fault_of(&self, endpoint: &Endpoint) -> Option<EndpointFault> {
        if endpoint.state != EndpointState::Available {
            return Some(EndpointFault::State(endpoint.state.clone()));
        }
        let serves = endpoint.serves(&self.scope.region).map(without_fips);
        let asked = self.host.split('.').next().map(without_fips);
        (serves != asked).then(|| EndpointFault::Service(endpoint.service.clone()))
    }

    /// Where a zone without fault sends packets.
    fn target(
        &self,
        found: Found<'a>,
        zone: &HostedZone,
    ) -> Result<(Resolution<'a>, Statement), Unknown> {
        let host = self.host.clone();
        let elsewhere = |target, addresses| {
            Resolution::Elsewhere(Elsewhere { by: zone.id.to_string(), target, addresses })
        };
        Ok(match found {
            Found::Endpoint(endpoint, _) => {
                let id = endpoint.id.clone();
                if endpoint.serves(&self.scope.region) != self.host.split('.').next() {
                    return Err(Unknown::limit(HostedZoneLimit::LeadsToFipsEndpoint {
                        zone: zone.id.clone(),
                        endpoint: id,
                        host,
                    }));
                }
                let statement = Statement::ResolvesToEndpoint { host, endpoint: id };
                (Resolution::Endpoint(endpoint), statement)
            }
            Found::Addresses(addresses) | Found::Vacant(addresses) => {
                let statement =
                    Statement::ResolvesToAddresses { host, addresses: addresses.clone() };
                (elsewhere(None, addresses), statement)
            }
            Found::Name(target) => {
                let addresses = self.addresses_of_name(&target)?;
                let statement = Statement::ResolvesToName { host, target: target.clone() };
                (elsewhere(Some(target), addresses), statement)
            }
            Found::Nothing => {
                let statement = Statement::HasNoRecord { vpc: self.vpc.clone(), host };
                (elsewhere(None, Vec::new()), statement)
            }
        })
    }

    /// What may take the name from a zone that fails. Only where nothing does is the zone at fault.
    fn contested(
        &self,
        zone: &HostedZone,
        owner: Owner,
        settings: &Settings<'a>,
    ) -> Option<Unknown> {
        // A Profile may contain a zone or a rule for a longer domain; one for the same comes second.
        let longest = owner == Owner::Vpc && zone.name == self.host;
        let unseen = settings.unseen_profiles.as_ref().filter(|_| !longest);
        let rule = settings.rule().filter(|(_, rule)| {
            rule.domain.as_ref().is_some_and(|domain| domain.len() >= zone.name.len())
        });
        let rule = rule.map(|(id, rule)| match rule.kind {
            RuleType::System | RuleType::Recursive => {
                Unknown::limit(ResolverRuleLimit::SystemRuleOrZone {
                    rule: id.clone(),
                    domain: rule.domain.clone().unwrap_or_default(),
                    zone_name: zone.name.clone(),
                })
            }
            _ => unknown_behind(id, rule),
        });
        let seen = both(settings.unseen_rules.as_ref(), rule.as_ref());
        both(unseen, seen.as_ref())
    }

    fn by_profile_endpoint(&self, endpoint: &'a Endpoint) -> Result<ZoneAnswer<'a>, Unknown> {
        self.needs_amazons_resolver(Answerer::ProfileEndpoint(endpoint.id.clone()))?;
        let endpoints = self.facts.endpoints(self.vpc).required()?;
        let to = match endpoints.iter().find(|own| own.id == endpoint.id) {
            Some(own) => Resolution::Endpoint(own),
            None => Resolution::Elsewhere(Elsewhere {
                by: endpoint.id.to_string(),
                target: None,
                addresses: self.addresses_of_endpoint(endpoint)?,
            }),
        };
        let answers = Statement::AnswersByProfile { host: self.host.clone() };
        Ok(ZoneAnswer::pass(to, &endpoint.id, observed(&endpoint.id, answers)))
    }

    fn correct(&self, zone: &HostedZone, by_endpoint: &Resolution<'a>) -> Fix {
        let endpoint = match by_endpoint {
            Resolution::PublicDespite(endpoint, Defect::PrivateDnsOff)
            | Resolution::Endpoint(endpoint) => {
                let name = endpoint.names.iter().find(|name| is_endpoint_name(name));
                Some((endpoint.id.clone(), name.cloned()))
            }
            _ => None,
        };
        let remedy = Remedy::CorrectZone {
            zone: zone.id.clone(),
            zone_name: zone.name.clone(),
            vpc: self.vpc.clone(),
            host: self.host.clone(),
            endpoint,
        };
        Fix::of(remedy, Recovery::Agent)
    }

    /// Are they private addresses outside the VPC, and no other network joined to it? While the VPC has an
    /// endpoint of its own, it is the zone that is out of date, and no route that is missing.
    fn are_out_of_date(
        &self,
        by_endpoint: &Resolution,
        addresses: &[IpAddr],
    ) -> Result<bool, Unknown> {
        let beside = matches!(by_endpoint, Resolution::PublicDespite(_, Defect::PrivateDnsOff));
        if !beside || self.route_to_other_networks()?.is_some() {
            return Ok(false);
        }
        let cidrs = &self.facts.vpc(self.vpc).required()?.cidrs;
        Ok(addresses.iter().all(|address| {
            AddressKind::of(address) != AddressKind::Public
                && !cidrs.iter().any(|cidr| cidr.contains(address))
        }))
    }

    /// The addresses of a name, as far as AWS shows them: those of an endpoint of this account.
    fn addresses_of_name(&self, name: &str) -> Result<Vec<IpAddr>, Unknown> {
        let Some(Ok(id)) = endpoint_id(name).map(str::parse::<EndpointId>) else {
            return Ok(Vec::new());
        };
        let Ok(Some(endpoint)) = seen(self.facts.distant_endpoint(&id).optional())? else {
            return Ok(Vec::new());
        };
        Ok(seen(self.addresses_of_endpoint(endpoint))?.unwrap_or_default())
    }
}

/// Where the name was meant to lead that a zone takes away.
fn intended(by_endpoint: Resolution) -> Resolution {
    match by_endpoint {
        Resolution::PublicDespite(endpoint, Defect::PrivateDnsOff) => {
            Resolution::Endpoint(endpoint)
        }
        resolution => resolution,
    }
}
