//! Does DNS Firewall let a name through, and the names that CNAME records redirect it to?

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::answer::{Answer, Fix, Recovery, Verdict, observed, seen};
use crate::dns::{
    hosted_zone::ZoneAnswer,
    outcome::{ListEntry, Remedy, Statement},
    query::Query,
    resolution::{Step, StepKind},
    settings::{Settings, is_about},
    zone_record::Link,
};
use ssm_doctor_facts::{
    domain_name::matches_pattern,
    ids::{FirewallGroupId, FirewallListId},
    limit::{DnsFirewallLimit, HostedZoneLimit},
    lookup::Unknown,
    route53::{FirewallAction, FirewallAssociation, FirewallRule, Redirection},
};

/// The groups of the VPC, and those of its Profiles.
type Groups<'f> = [&'f [FirewallAssociation]; 2];

/// A result whose outer error must be asked first: as for [`seen`].
type Seen<T> = Result<Result<T, Unknown>, Unknown>;

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

    fn entry(&self) -> ListEntry {
        ListEntry { domain: self.domain.into(), list: self.list.clone() }
    }

    fn allow(&self, name: &str) -> Fix {
        let remedy = Remedy::AllowName {
            name: name.into(),
            group: self.group.clone(),
            rule: self.rule.name.clone(),
            priority: self.rule.priority,
            entry: self.entry(),
        };
        Fix::of(remedy, Recovery::Agent)
    }

    fn trust_redirection(&self, name: &str) -> Fix {
        let remedy = Remedy::TrustRedirection {
            name: name.into(),
            group: self.group.clone(),
            rule: self.rule.name.clone(),
            list: self.list.clone(),
            query_type: self.rule.query_type.clone(),
        };
        Fix::of(remedy, Recovery::Agent)
    }
}

impl<'a> Query<'a, '_> {
    pub(super) fn firewall_step(
        &self,
        settings: &Settings<'a>,
        zone: &ZoneAnswer<'a>,
        rule: &Step,
    ) -> Result<Step, Unknown> {
        let answer = match seen(self.facts.firewall_groups(self.vpc).required())? {
            Ok(own) => self.passes([own, &settings.groups], zone, rule)?,
            Err(unknown) => Err(unknown),
        };
        let answer = match (answer, &settings.unseen_profiles) {
            (Ok(_), Some(unknown)) => Err(unknown.clone()),
            (answer, _) => answer,
        };
        Ok(Step { kind: StepKind::Firewall, id: self.vpc.to_string(), answer })
    }

    /// The name itself, then each name that it is redirected to, unless the rule that lets the first one
    /// through trusts the rest. Source: Route 53 Developer Guide, "Rule settings in DNS Firewall".
    fn passes(
        &self,
        groups: Groups,
        zone: &ZoneAnswer<'a>,
        rule: &Step,
    ) -> Result<Answer, Unknown> {
        let first = match self.deciding(groups, &self.host, true)? {
            Ok(first) => first,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let host = self.host.clone();
        let passed = match first.first() {
            Some(deciding) if deciding.blocks() => {
                let blocks = Statement::FirewallBlocks { host, entry: deciding.entry() };
                let evidence = observed(&deciding.subject(), blocks);
                return self.fails_at_amazons_resolver(evidence, deciding.allow(&self.host));
            }
            Some(deciding) => {
                let allows = Statement::FirewallAllows { host, entry: deciding.entry() };
                observed(&deciding.subject(), allows)
            }
            None => observed(self.vpc, Statement::NoFirewallRule { host }),
        };
        let trusts = |deciding: &Deciding| deciding.rule.redirection == Some(Redirection::Trust);
        if !first.is_empty() && first.iter().all(trusts) {
            return Ok(Ok(Verdict::Pass(passed)));
        }
        let links = match &zone.chain {
            Ok(links) => links.as_slice(),
            Err(unknown) if groups.iter().any(|groups| self.may_block(groups)) => {
                let limit = HostedZoneLimit::MayLeadToBlockedName { host: self.host.clone() };
                return Ok(Err(Unknown::limit(limit).and(unknown.clone())));
            }
            Err(_) => &[],
        };
        for link in links {
            let found = match self.deciding(groups, &link.name, false)? {
                Ok(found) => found,
                Err(unknown) => return Ok(Err(unknown)),
            };
            if let Some(blocking) = found.first().filter(|deciding| deciding.blocks()) {
                return self.blocked_target(link, blocking, &first, zone, rule);
            }
        }
        Ok(Ok(Verdict::Pass(passed)))
    }

    /// A name is blocked that the zone's records lead the host on to. `first` decided about the host.
    fn blocked_target(
        &self,
        link: &Link,
        blocking: &Deciding,
        first: &[Deciding],
        zone: &ZoneAnswer<'a>,
        rule: &Step,
    ) -> Result<Answer, Unknown> {
        // Whether this zone answers at all.
        if let Some(unknown) = zone.answer.as_ref().err().or(rule.answer.as_ref().err()) {
            return Ok(Err(unknown.clone()));
        }
        let (host, target, by) = (self.host.clone(), link.name.clone(), zone.id.clone());
        if !link.redirected {
            let rule = blocking.subject();
            let limit = DnsFirewallLimit::BlockedBehindAlias { rule, target, zone: by, host };
            return Ok(Err(Unknown::limit(limit)));
        }
        let inspects = |deciding: &Deciding| {
            matches!(deciding.rule.redirection, None | Some(Redirection::Inspect))
        };
        if let Some(unsure) = first.iter().find(|deciding| !inspects(deciding)) {
            let limit = DnsFirewallLimit::BlockedUnlessTrusted {
                rule: blocking.subject(),
                target,
                zone: by,
                host,
                allowing: unsure.subject(),
            };
            return Ok(Err(Unknown::limit(limit)));
        }
        let fix = match first.first() {
            Some(allowing) => allowing.trust_redirection(&link.name),
            None => blocking.allow(&link.name),
        };
        let entry = blocking.entry();
        let blocks = Statement::FirewallBlocksTarget { host, zone: by, target, entry };
        self.fails_at_amazons_resolver(observed(&blocking.subject(), blocks), fix)
    }

    /// The rules that decide about a name, of the VPC's own groups and of its Profiles': none, one, or two
    /// that agree. Which groups come first, the VPC's own or a Profile's, is not documented.
    fn deciding<'f>(
        &self,
        [own, of_profiles]: Groups<'f>,
        name: &str,
        first: bool,
    ) -> Seen<Vec<Deciding<'f>>>
    where
        'a: 'f,
    {
        let own = self.first_match(own, name, first)?;
        Ok(match [own, self.first_match(of_profiles, name, first)?] {
            [Err(one), Err(other)] => Err(one.and(other)),
            [Err(unknown), _] | [_, Err(unknown)] => Err(unknown),
            [Ok(Some(one)), Ok(Some(other))] if one.blocks() != other.blocks() => {
                let (vpc, name) = (self.vpc.clone(), name.into());
                Err(Unknown::limit(DnsFirewallLimit::GroupsDisagree { vpc, name }))
            }
            [Ok(one), Ok(other)] => Ok(one.into_iter().chain(other).collect()),
        })
    }

    /// The first rule that matches decides, in order of the groups' and then the rules' priorities.
    /// `first`: the name is the one that is asked for, and not one that it is redirected to.
    fn first_match<'f>(
        &self,
        groups: &'f [FirewallAssociation],
        name: &str,
        first: bool,
    ) -> Seen<Option<Deciding<'f>>>
    where
        'a: 'f,
    {
        let mut groups: Vec<_> = groups.iter().collect();
        groups.sort_by_key(|association| association.priority);
        // Of lists only what can match a name of AWS's is kept.
        let region = &self.scope.region;
        let suffixes = [region.dns_suffix(), region.dual_stack_suffix()];
        let is_kept = suffixes.iter().any(|suffix| name.ends_with(suffix));
        let mut unsure = Vec::new();
        for association in groups {
            let group = &association.group;
            let rules = match seen(self.facts.firewall_rules(group).required())? {
                Ok(rules) => rules,
                Err(unknown) => return Ok(Err(unknown)),
            };
            let mut rules: Vec<_> =
                rules.iter().filter(|rule| is_about(rule, self.question)).collect();
            rules.sort_by_key(|rule| rule.priority);
            for rule in rules {
                let Some(list) = &rule.domains else { continue };
                if !first && rule.redirection == Some(Redirection::Trust) {
                    continue;
                }
                let domains = match seen(self.facts.firewall_domains(list).required())? {
                    Ok(domains) => domains,
                    Err(unknown) => return Ok(Err(unknown)),
                };
                let mut entries = domains.domains.iter();
                // AWS does not show its lists of threats, and its own services are none.
                let Some(domain) = entries.find(|domain| matches_pattern(name, domain)) else {
                    if !is_kept && !domains.managed {
                        unsure.push((rule.action == FirewallAction::Block, list));
                    }
                    continue;
                };
                let found = Deciding { group, rule, list, domain };
                return Ok(match unsupported(&found, first) {
                    Some(unknown) => Err(unknown),
                    None => match self.may_match_before(&unsure, found.blocks(), name) {
                        Some(unknown) => Err(unknown),
                        None => Ok(Some(found)),
                    },
                });
            }
        }
        Ok(self.may_match_before(&unsure, false, name).map_or(Ok(None), Err))
    }

    /// A rule before the deciding one, which may match too and would decide otherwise. Each of `rules` is
    /// whether it blocks, and its list.
    fn may_match_before(
        &self,
        rules: &[(bool, &FirewallListId)],
        blocked: bool,
        name: &str,
    ) -> Option<Unknown> {
        let (_, list) = rules.iter().find(|(blocks, _)| *blocks != blocked)?;
        Some(Unknown::limit(DnsFirewallLimit::ListNotRead {
            host: self.host.clone(),
            name: name.into(),
            list: (*list).clone(),
        }))
    }

    /// Is there a rule that may block a name which is not known yet?
    fn may_block(&self, groups: &[FirewallAssociation]) -> bool {
        groups.iter().any(|association| {
            self.facts.firewall_rules(&association.group).required().map_or(true, |rules| {
                rules.iter().filter(|rule| is_about(rule, self.question)).any(|rule| {
                    let lets = matches!(rule.action, FirewallAction::Allow | FirewallAction::Alert)
                        || rule.redirection == Some(Redirection::Trust);
                    let list = rule.domains.as_ref().filter(|_| !lets);
                    list.is_some_and(|list| {
                        let domains = self.facts.firewall_domains(list).required();
                        domains.map_or(true, |domains| !domains.managed)
                    })
                })
            })
        })
    }
}

/// What of a rule has a meaning that is not known.
fn unsupported(found: &Deciding, first: bool) -> Option<Unknown> {
    let rule = found.subject();
    let limit = match (&found.rule.action, &found.rule.redirection) {
        (FirewallAction::Other(word), _) => {
            DnsFirewallLimit::UnsupportedAction { rule, action: word.clone() }
        }
        (_, Some(Redirection::Other(word))) if !first => {
            DnsFirewallLimit::UnsupportedRedirection { rule, redirection: word.clone() }
        }
        _ => return None,
    };
    Some(Unknown::limit(limit))
}
