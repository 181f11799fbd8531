//! DNS Firewall and Resolver rules of the instance's VPC.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::likely;

/// What the lists of DNS Firewall hold.
const LISTS: [&[&str]; 5] = [
    &["*.amazonaws.com"],
    &["ssm.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"],
    &["*"],
    &["*.vpce.amazonaws.com"],
    &["ec2.eu-west-1.amazonaws.com", "*.api.aws"],
];

#[derive(Clone, Debug)]
pub struct Resolver {
    /// The rules of each group of DNS Firewall.
    groups: Vec<Vec<FirewallRule>>,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct FirewallRule {
    priority: i32,
    action: &'static str,
    list: usize,
    query_type: Option<&'static str>,
    redirection: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct Rule {
    domain: &'static str,
    kind: &'static str,
}

pub fn resolver() -> impl Strategy<Value = Resolver> {
    let firewall_rule = (
        1..6_i32,
        likely("ALLOW", 2, &["BLOCK", "ALERT", "BLOCK", "PONDER"]),
        0..LISTS.len(),
        likely(None, 6, &[Some("A"), Some("AAAA"), Some("MX")]),
        likely(None, 2, &[Some("INSPECT_REDIRECTION_DOMAIN"), Some("TRUST_REDIRECTION_DOMAIN")]),
    )
        .prop_map(|(priority, action, list, query_type, redirection)| FirewallRule {
            priority,
            action,
            list,
            query_type,
            redirection,
        });
    let rule = (
        select(
            &[
                "corp.example",
                "",
                "amazonaws.com",
                "eu-west-1.amazonaws.com",
                "ssm.eu-west-1.amazonaws.com",
                "s3.eu-west-1.amazonaws.com",
            ][..],
        ),
        likely("FORWARD", 2, &["SYSTEM"]),
    )
        .prop_map(|(domain, kind)| Rule { domain, kind });
    (
        prop_oneof![5 => Just(Vec::new()), 1 => vec(vec(firewall_rule, 1..4), 1..3)],
        prop_oneof![10 => Just(Vec::new()), 1 => vec(rule, 1..3)],
    )
        .prop_map(|(groups, rules)| Resolver { groups, rules })
}

impl Resolver {
    pub fn describe(&self, facts: &mut Value) {
        let associations =
            self.groups.iter().enumerate().rev().map(
                |(at, _)| json!({"group": format!("rslvr-frg-{at}"), "priority": 100 * (at + 2)}),
            );
        facts["firewall_groups"] = json!({"vpc-1": associations.collect::<Vec<_>>()});
        facts["firewall_rules"] = json!({});
        for (at, rules) in self.groups.iter().enumerate() {
            let mut taken = Vec::new();
            let mut rows = Vec::new();
            for rule in rules {
                // A priority is taken once.
                if taken.contains(&rule.priority) {
                    continue;
                }
                taken.push(rule.priority);
                let mut row = json!({
                    "name": format!("rule-{}", rule.priority), "priority": rule.priority,
                    "action": rule.action, "domains": format!("rslvr-fdl-{}", rule.list),
                });
                if let Some(kind) = rule.query_type {
                    row["query_type"] = json!(kind);
                }
                if let Some(redirection) = rule.redirection {
                    row["redirection"] = json!(redirection);
                }
                rows.push(row);
            }
            facts["firewall_rules"][format!("rslvr-frg-{at}")] = json!(rows);
        }
        for (at, domains) in LISTS.iter().enumerate() {
            facts["firewall_domains"][format!("rslvr-fdl-{at}")] = json!({"domains": domains});
        }
        let mut ids = Vec::new();
        let mut taken = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            // A VPC has one rule for a domain.
            if taken.contains(&rule.domain) {
                continue;
            }
            taken.push(rule.domain);
            let id = format!("rslvr-rr-{at}");
            let mut row = json!({"domain": rule.domain, "kind": rule.kind});
            if rule.kind == "FORWARD" {
                row["targets"] = json!(["192.168.0.53:53"]);
            }
            facts["rules"][&id] = row;
            ids.push(id);
        }
        facts["resolver_rules"] = json!({"vpc-1": ids});
    }
}
