//! Route 53 Resolver rules that take a name to other DNS servers.

use alloc::string::ToString;

use crate::answer::{Verdict, observed};
use crate::dns::{
    outcome::Statement,
    query::Query,
    resolution::{Resolution, Step, StepKind},
    settings::{Settings, both},
};
use ssm_doctor_facts::{
    ids::ResolverRuleId,
    limit::ResolverRuleLimit,
    lookup::Unknown,
    route53::{ResolverRule, RuleType},
};

impl<'a> Query<'a, '_> {
    /// The rule that takes the name to servers whose answers AWS does not show, if one does.
    pub(super) fn forwarding_rule<'s>(
        &self,
        by_endpoint: &Resolution<'a>,
        settings: &'s Settings<'a>,
    ) -> Option<(&'s ResolverRuleId, &'a ResolverRule)> {
        let (id, rule) = settings.rule()?;
        let zone = match by_endpoint {
            Resolution::Endpoint(_) => self.host.len(),
            // Zones are not asked.
            _ if self.facts.vpc_dns(self.vpc).required().is_ok_and(|dns| !dns.hostnames) => 0,
            _ => settings.zone().map_or(0, |(zone, _)| zone.name.len()),
        };
        let decides = rule.domain.as_ref().is_some_and(|domain| domain.len() >= zone);
        let answered_here = matches!(rule.kind, RuleType::System | RuleType::Recursive);
        (decides && !answered_here).then_some((id, rule))
    }

    /// A zone comes before a rule for a shorter domain, if the VPC asks its zones at all, and that was not seen.
    fn may_forward(&self, settings: &Settings<'a>) -> Option<Unknown> {
        let (_, rule) = settings.rule()?;
        let answered_here = matches!(rule.kind, RuleType::System | RuleType::Recursive);
        settings.zone().filter(|_| rule.domain.is_some() && !answered_here)?;
        self.facts.vpc_dns(self.vpc).required().err()
    }

    pub(super) fn rule_step(&self, by_endpoint: &Resolution<'a>, settings: &Settings<'a>) -> Step {
        let unseen = both(settings.unseen_rules.as_ref(), settings.unseen_profiles.as_ref());
        let (id, answer) = match (self.forwarding_rule(by_endpoint, settings), unseen) {
            (Some((id, rule)), _) => (id.to_string(), Err(unknown_behind(id, rule))),
            (None, Some(unknown)) => (self.vpc.to_string(), Err(unknown)),
            (None, None) if let Some(unknown) = self.may_forward(settings) => {
                (self.vpc.to_string(), Err(unknown))
            }
            (None, None) => {
                let none = Statement::NoForwardingRule { host: self.host.clone() };
                (self.vpc.to_string(), Ok(Verdict::Pass(observed(self.vpc, none))))
            }
        };
        Step { kind: StepKind::Rule, id, answer }
    }
}

/// What a name resolves to by this rule.
pub(super) fn unknown_behind(id: &ResolverRuleId, rule: &ResolverRule) -> Unknown {
    let domain = rule.domain.clone().unwrap_or_default();
    Unknown::limit(match rule.kind {
        RuleType::Forward => ResolverRuleLimit::ForwardedQueries {
            rule: id.clone(),
            domain,
            targets: rule.targets.clone(),
        },
        ref kind => {
            ResolverRuleLimit::UnsupportedRule { rule: id.clone(), domain, kind: kind.clone() }
        }
    })
}
