//! Route 53 Resolver DNS Firewall: which questions of the VPC get an answer.
//!
//! Source: Route 53 Developer Guide, "How Resolver DNS Firewall works" (groups by the priority of their
//! association, in each the rules by theirs, and the first that matches decides), "Rule settings in DNS
//! Firewall" and "Rule actions in DNS Firewall".

use ssm_doctor_facts::route53::{FirewallAction, FirewallRule, Redirection};

use super::*;

/// What DNS Firewall does with a question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// True if the rule that lets it through does not look at names that it is redirected to.
    Answered {
        trusts: bool,
    },
    Blocked,
    Unclear,
}

impl Reference<'_> {
    /// What is left of the answer for `<service>.<region>.<suffix>`, in every way to read what was seen.
    pub(super) fn past_dns_firewall(&self, lookup: Lookup, suffix: &str) -> Vec<Lookup> {
        // Another server may not forward the question to Amazon's, which alone is filtered.
        if self.is_healed(Hop::DnsFirewall) || self.asks_amazon() != Some(true) {
            return vec![lookup];
        }
        let host = format!("{}.{}.{suffix}", self.service, self.scope.region);
        let v4 = self.question(&host, "A", &lookup.chain);
        let v6 = self.question(&host, "AAAA", &lookup.chain);
        let blocked = (Hop::DnsFirewall, "DNS Firewall blocks the name");
        if lookup.goals.is_empty() {
            // Without an answer it is blocked first, if it is.
            let first = if v4 == Decision::Blocked { Lookup::none(blocked) } else { lookup };
            return vec![first];
        }
        // With addresses of the instance's kind, questions of that kind would count.
        let own = if self.has_v4() { v4 } else { v6 };
        if self.is_healed(Hop::AddressFamily) && own == Decision::Blocked {
            return vec![Lookup::none(blocked)];
        }
        let mut left = lookup.clone();
        left.goals.retain(|goal| {
            let decision = if goal.address().is_ipv4() { v4 } else { v6 };
            decision != Decision::Blocked
        });
        if left.goals.is_empty() {
            left = Lookup::none(blocked);
        }
        // A kind of address that may be kept back is there or not.
        let decided =
            |goal: &Goal| (if goal.address().is_ipv4() { v4 } else { v6 }) != Decision::Unclear;
        if left.goals.iter().all(decided) {
            return vec![left];
        }
        let mut less = left.clone();
        less.goals.retain(decided);
        vec![left, if less.goals.is_empty() { Lookup::default() } else { less }]
    }

    /// The name itself, and each that it is redirected to.
    fn question(&self, host: &str, kind: &str, chain: &[(String, bool)]) -> Decision {
        let first = self.decision(host, kind, false);
        if first != (Decision::Answered { trusts: false }) {
            return first;
        }
        for (name, is_redirection) in chain {
            match self.decision(name, kind, true) {
                Decision::Answered { .. } => {}
                // Route 53 follows alias records by itself, and whether the filter sees that is not documented.
                Decision::Blocked if *is_redirection => return Decision::Blocked,
                Decision::Blocked | Decision::Unclear => return Decision::Unclear,
            }
        }
        first
    }

    fn decision(&self, name: &str, kind: &str, redirected: bool) -> Decision {
        let groups = seen(self.facts.firewall_groups.get(self.vpc));
        let Some(mut groups) = groups.map(|groups| groups.iter().collect::<Vec<_>>()) else {
            return Decision::Unclear;
        };
        groups.sort_by_key(|group| group.priority);
        for group in groups {
            let Some(rules) = seen(self.facts.firewall_rules.get(&group.group)) else {
                return Decision::Unclear;
            };
            let mut rules: Vec<&FirewallRule> = rules.iter().collect();
            rules.sort_by_key(|rule| rule.priority);
            for rule in rules {
                let trusts = rule.redirection == Some(Redirection::Trust);
                if rule.query_type.as_deref().is_some_and(|it| it != kind) || redirected && trusts {
                    continue;
                }
                let Some(list) = rule.domains.as_ref() else { continue };
                let Some(list) = seen(self.facts.firewall_domains.get(list)) else {
                    return Decision::Unclear;
                };
                if !list.domains.iter().any(|domain| is_listed(domain, name)) {
                    continue;
                }
                return match rule.action {
                    FirewallAction::Allow | FirewallAction::Alert => Decision::Answered { trusts },
                    FirewallAction::Block => Decision::Blocked,
                    FirewallAction::Other(_) => Decision::Unclear,
                };
            }
        }
        Decision::Answered { trusts: false }
    }
}

/// `*` stands for the beginning of names, and alone for all of them.
fn is_listed(domain: &str, name: &str) -> bool {
    match domain.strip_prefix('*') {
        Some(end) => name.ends_with(end),
        None => domain == name,
    }
}
