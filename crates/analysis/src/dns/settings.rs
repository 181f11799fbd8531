//! Which settings of a VPC and of its Route 53 Profiles cover a name.

use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::dns::{
    dhcp_options::foreign_resolver,
    query::{Query, Question},
    resolution::Resolution,
};
use ssm_doctor_facts::{
    domain_name::is_within,
    ec2::Endpoint,
    ids::{ProfileId, ResolverRuleId},
    limit::DnsLimit,
    lookup::Unknown,
    route53::{FirewallAssociation, FirewallRule, HostedZone, ProfileResource, ResolverRule},
};

/// Whose setting it is. Of two for one domain, the VPC's own decides. Source: Route 53 Developer Guide,
/// "How Route 53 Profile settings are prioritized".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Vpc,
    Profile,
}

/// What covers the name, and what could not be seen of it.
#[derive(Default)]
pub(super) struct Settings<'a> {
    /// The most specific first.
    zones: Vec<(&'a HostedZone, Owner)>,
    /// The most specific first.
    rules: Vec<(ResolverRuleId, &'a ResolverRule, Owner)>,
    /// The DNS Firewall groups of Profiles.
    pub groups: Vec<FirewallAssociation>,
    /// An endpoint for the name that comes with a Profile.
    pub endpoint: Option<&'a Endpoint>,
    /// Set when the VPC's own list of zones was not seen.
    pub unseen_zones: Option<Unknown>,
    pub unseen_rules: Option<Unknown>,
    /// Set when part of what Profiles contain was not seen.
    pub unseen_profiles: Option<Unknown>,
}

impl<'a> Settings<'a> {
    /// The deciding zone of those that can be seen.
    pub fn zone(&self) -> Option<(&'a HostedZone, Owner)> {
        self.zones.first().copied()
    }

    /// The deciding Resolver rule of those that can be seen.
    pub fn rule(&self) -> Option<(&ResolverRuleId, &'a ResolverRule)> {
        self.rules.first().map(|(id, rule, _)| (id, *rule))
    }

    /// Everything of the VPC's and its Profiles' that covers the name.
    pub fn of(query: &Query<'a, '_>) -> Self {
        let (facts, vpc) = (query.facts, query.vpc);
        let mut found = Self::default();
        match facts.hosted_zones(vpc).required() {
            Ok(zones) => zones.iter().for_each(|zone| found.offer_zone(query, zone, Owner::Vpc)),
            Err(unknown) => found.unseen_zones = Some(unknown),
        }
        match facts.resolver_rules(vpc).required() {
            Ok(ids) => {
                for id in ids {
                    if let Err(unknown) = found.offer_rule(query, id.clone(), Owner::Vpc) {
                        note(&mut found.unseen_rules, unknown);
                    }
                }
            }
            Err(unknown) => found.unseen_rules = Some(unknown),
        }
        let profiles = facts.profiles(vpc).required();
        for id in profiles.as_ref().into_iter().copied().flatten() {
            if let Err(unknown) = found.offer_profile(query, id) {
                note(&mut found.unseen_profiles, may_cover(id, query).and(unknown));
            }
        }
        if let Err(unknown) = profiles {
            found.unseen_profiles = Some(unknown);
        }
        // Stable: of equals the first stays first.
        found.zones.sort_by_key(|(zone, owner)| (Reverse(zone.name.len()), *owner));
        found.rules.sort_by_key(|(_, rule, owner)| {
            (Reverse(rule.domain.as_ref().map_or(0, alloc::string::String::len)), *owner)
        });
        found
    }

    fn offer_zone(&mut self, query: &Query, zone: &'a HostedZone, owner: Owner) {
        if is_within(&query.host, &zone.name) {
            self.zones.push((zone, owner));
        }
    }

    fn offer_rule(
        &mut self,
        query: &Query<'a, '_>,
        id: ResolverRuleId,
        owner: Owner,
    ) -> Result<(), Unknown> {
        // What the VPC's resolver does anyway, listed as rules of every VPC.
        if id.as_str().starts_with("rslvr-autodefined-") {
            return Ok(());
        }
        let rule = query.facts.resolver_rule(&id).required()?;
        // A delegation rule without a domain of its own acts on NS records, which are unknown anyway.
        if rule.domain.as_ref().is_some_and(|domain| is_within(&query.host, domain)) {
            self.rules.push((id, rule, owner));
        }
        Ok(())
    }

    fn offer_profile(&mut self, query: &Query<'a, '_>, id: &ProfileId) -> Result<(), Unknown> {
        let resources = query.facts.profile_resources(id).required()?;
        let mut unseen = None;
        for resource in resources {
            if let Err(unknown) = self.offer(query, resource) {
                note(&mut unseen, unknown);
            }
        }
        unseen.map_or(Ok(()), Err)
    }

    /// A resource that is associated with a Profile.
    fn offer(&mut self, query: &Query<'a, '_>, resource: &ProfileResource) -> Result<(), Unknown> {
        let facts = query.facts;
        let (kind, name) = resource.arn.resource().split_once('/').unwrap_or_default();
        let unsupported =
            || Unknown::limit(DnsLimit::UnsupportedProfileResource { arn: resource.arn.clone() });
        match kind {
            "hostedzone" => {
                let id = name.parse().map_err(|_| unsupported())?;
                self.offer_zone(query, facts.hosted_zone(&id).required()?, Owner::Profile);
            }
            "resolver-rule" => {
                let id = name.parse().map_err(|_| unsupported())?;
                self.offer_rule(query, id, Owner::Profile)?;
            }
            "firewall-rule-group" => {
                let priority = resource.priority.ok_or_else(unsupported)?;
                let group = name.parse().map_err(|_| unsupported())?;
                self.groups.push(FirewallAssociation { group, priority });
            }
            "vpc-endpoint" => {
                let id = name.parse().map_err(|_| unsupported())?;
                let endpoint = facts.distant_endpoint(&id).required()?;
                if endpoint.answers(&query.scope.region, &query.host) {
                    self.endpoint = Some(endpoint);
                }
            }
            // A log of the queries.
            "resolver-query-log-config" => {}
            _ => return Err(unsupported()),
        }
        Ok(())
    }

    /// Everything that is about to be read, at once: asked one after the other, each question would
    /// cost a round of calls.
    pub fn ask_ahead(
        &self,
        query: &Query<'a, '_>,
        by_endpoint: &Resolution,
    ) -> Result<(), Unknown> {
        let facts = query.facts;
        let mut ahead: Vec<Unknown> =
            [&self.unseen_zones, &self.unseen_rules, &self.unseen_profiles]
                .into_iter()
                .flatten()
                .cloned()
                .collect();
        let own = facts.firewall_groups(query.vpc).required();
        for association in own.as_ref().into_iter().copied().flatten().chain(&self.groups) {
            match facts.firewall_rules(&association.group).required() {
                Ok(rules) => {
                    let lists = rules
                        .iter()
                        .filter(|rule| {
                            is_about(rule, Question::A) || is_about(rule, Question::Aaaa)
                        })
                        .filter_map(|rule| rule.domains.as_ref());
                    ahead.extend(
                        lists.filter_map(|list| facts.firewall_domains(list).required().err()),
                    );
                }
                Err(unknown) => ahead.push(unknown),
            }
        }
        let zone = self.zone().filter(|_| !matches!(by_endpoint, Resolution::Endpoint(_)));
        if let Some((zone, _)) = zone.filter(|(zone, _)| zone.service.is_none()) {
            ahead.extend(facts.zone_records(&zone.id).required().err());
        }
        let filtered =
            own.as_ref().is_ok_and(|groups| !groups.is_empty()) || !self.groups.is_empty();
        if filtered || zone.is_some() {
            ahead.extend(foreign_resolver(facts, query.vpc).err());
        }
        ahead.extend(own.err());
        match ahead.into_iter().reduce(Unknown::and) {
            Some(unknown) if unknown.is_unasked() => Err(unknown),
            _ => Ok(()),
        }
    }
}

fn may_cover(profile: &ProfileId, query: &Query) -> Unknown {
    Unknown::limit(DnsLimit::ProfileMayCover { profile: profile.clone(), host: query.host.clone() })
}

fn note(so_far: &mut Option<Unknown>, more: Unknown) {
    *so_far = Some(match so_far.take() {
        Some(so_far) => so_far.and(more),
        None => more,
    });
}

/// Several reasons not to know, as one.
pub(super) fn both(one: Option<&Unknown>, other: Option<&Unknown>) -> Option<Unknown> {
    one.into_iter().chain(other).cloned().reduce(Unknown::and)
}

/// Is the rule about queries for addresses of this kind? `A` is `TYPE1`, and `AAAA` is `TYPE28`.
pub(super) fn is_about(rule: &FirewallRule, question: Question) -> bool {
    let names = match question {
        Question::A => ["A", "TYPE1"],
        Question::Aaaa => ["AAAA", "TYPE28"],
    };
    rule.query_type
        .as_ref()
        .is_none_or(|kind| names.iter().any(|name| kind.eq_ignore_ascii_case(name)))
}
