//! AWS Network Firewall: one policy, by which a firewall in the instance's VPC and one in the VPC for egress
//! inspect what is routed to them.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{likely, no};

pub const POLICY: &str = "arn:aws:network-firewall:eu-west-1:111122223333:firewall-policy/policy";

/// What a policy in strict order does with what no rule matches.
const DEFAULTS: &[&[&str]] = &[
    &[],
    &["aws:drop_established"],
    &["aws:drop_strict"],
    &["aws:drop_established_app_layer", "aws:alert_established_app_layer"],
    &["aws:alert_strict"],
];

#[derive(Clone, Debug)]
pub struct Firewall {
    state: &'static str,
    endpoint: &'static str,
    stateless: Vec<Vec<StatelessRule>>,
    stateless_default: &'static str,
    strict: bool,
    stateful: Vec<Group>,
    stateful_default: &'static [&'static str],
    home: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct StatelessRule {
    priority: i32,
    action: &'static str,
    protocols: &'static [i32],
    source: Option<&'static str>,
    destination: Option<&'static str>,
    source_ports: Option<(i32, i32)>,
    destination_ports: Option<(i32, i32)>,
}

#[derive(Clone, Debug)]
struct Group {
    rules: Rules,
    home: Option<&'static str>,
}

#[derive(Clone, Debug)]
enum Rules {
    Domains { kind: &'static str, host_alone: bool, targets: Vec<&'static str> },
    Stateful(Vec<StatefulRule>),
    Suricata,
}

#[derive(Clone, Debug)]
struct StatefulRule {
    action: &'static str,
    protocol: &'static str,
    source: &'static str,
    direction: &'static str,
    destination: &'static str,
    port: &'static str,
}

fn stateless_rule() -> impl Strategy<Value = StatelessRule> {
    let ranges =
        select(&["10.0.0.0/16", "10.0.0.0/25", "0.0.0.0/0", "52.94.0.0/16", "10.0.1.0/24"][..]);
    (
        1..4_i32,
        select(&["aws:forward_to_sfe", "aws:pass", "aws:drop"][..]),
        likely(&[6][..], 4, &[&[], &[17], &[6, 17]]),
        proptest::option::of(ranges.clone()),
        proptest::option::weighted(0.3, ranges),
        proptest::option::weighted(0.2, select(&[(443, 443), (0, 65535), (32768, 60999)][..])),
        proptest::option::of(select(&[(443, 443), (0, 65535), (1024, 65535), (80, 80)][..])),
    )
        .prop_map(|(priority, action, protocols, source, destination, from, to)| {
            StatelessRule {
                priority,
                action,
                protocols,
                source,
                destination,
                source_ports: from.filter(|_| !protocols.is_empty()),
                destination_ports: to.filter(|_| !protocols.is_empty()),
            }
        })
}

fn group() -> impl Strategy<Value = Group> {
    let names = select(
        &[
            ".amazonaws.com",
            "ssm.eu-west-1.amazonaws.com",
            ".eu-west-1.amazonaws.com",
            ".s3.eu-west-1.amazonaws.com",
            "ssmmessages.eu-west-1.amazonaws.com",
            "ec2.eu-west-1.amazonaws.com",
            ".api.aws",
        ][..],
    );
    let domains =
        (likely("ALLOWLIST", 3, &["DENYLIST", "REJECTLIST", "ALERTLIST"]), no(8), vec(names, 1..3))
            .prop_map(|(kind, host_alone, targets)| Rules::Domains { kind, host_alone, targets });
    let rule =
        (
            select(&["PASS", "DROP", "REJECT", "ALERT"][..]),
            select(&["TCP", "TLS", "IP", "UDP", "HTTP"][..]),
            select(&["ANY", "$HOME_NET", "10.0.0.0/16", "10.9.0.0/16", "$EXTERNAL_NET"][..]),
            likely("FORWARD", 4, &["ANY"]),
            select(&["ANY", "$EXTERNAL_NET", "52.94.0.0/16", "0.0.0.0/1", "$HOME_NET"][..]),
            select(&["ANY", "443", "80", "1:1024", "1024:65535"][..]),
        )
            .prop_map(|(action, protocol, source, direction, destination, port)| {
                StatefulRule { action, protocol, source, direction, destination, port }
            });
    let rules = prop_oneof![
        6 => domains,
        5 => vec(rule, 1..4).prop_map(Rules::Stateful),
        1 => Just(Rules::Suricata),
    ];
    let home = likely(None, 6, &[Some("10.0.0.0/8"), Some("192.168.0.0/16")]);
    (rules, home).prop_map(|(rules, home)| Group { rules, home })
}

pub fn firewall() -> impl Strategy<Value = Firewall> {
    let states = (
        likely("READY", 15, &["PROVISIONING", "DELETING", "FAILED"]),
        likely("READY", 15, &["CREATING", "DELETING", "ERROR"]),
    );
    let stateless = prop_oneof![2 => Just(Vec::new()), 1 => vec(vec(stateless_rule(), 1..3), 1..3)];
    (
        states,
        stateless,
        likely("aws:forward_to_sfe", 5, &["aws:pass", "aws:drop"]),
        no(1),
        vec(group(), 0..3),
        select(DEFAULTS),
        likely(None, 6, &[Some("10.0.0.0/8"), Some("172.16.0.0/12")]),
    )
        .prop_map(|(states, stateless, stateless_default, strict, stateful, default, home)| {
            Firewall {
                state: states.0,
                endpoint: states.1,
                stateless,
                stateless_default,
                strict,
                stateful,
                stateful_default: default,
                home,
            }
        })
}

/// The ARN of a rule group.
pub fn arn(kind: &str, at: usize) -> String {
    format!("arn:aws:network-firewall:eu-west-1:111122223333:{kind}-rulegroup/{kind}-{at}")
}

impl Firewall {
    pub fn describe(&self, facts: &mut Value) {
        let row = |id: &str, subnet: &str| {
            json!([{
                "name": "firewall", "policy": POLICY, "state": self.state,
                "endpoints": [{"id": id, "state": self.endpoint, "subnet": subnet}],
            }])
        };
        facts["network_firewalls"]["vpc-1"] = row("vpce-firewall", "subnet-3");
        facts["network_firewalls"]["vpc-2"] = row("vpce-inspection", "subnet-e2");
        let references = |kind: &str, count: usize, ordered: bool| -> Vec<Value> {
            // AWS lists groups in any order.
            let all = (0..count).rev().map(|at| {
                let mut reference = json!({"group": arn(kind, at)});
                if ordered {
                    reference["priority"] = json!(10 * (at + 1));
                }
                reference
            });
            all.collect()
        };
        let mut policy = json!({
            "stateless": references("stateless", self.stateless.len(), true),
            "stateless_default": [self.stateless_default],
            "stateful": references("stateful", self.stateful.len(), self.strict),
            "order": if self.strict { "STRICT_ORDER" } else { "DEFAULT_ACTION_ORDER" },
            "stateful_default": if self.strict { self.stateful_default } else { &[] },
        });
        if let Some(home) = self.home {
            policy["variables"] = json!({"HOME_NET": [home]});
        }
        facts["network_firewall_policies"] = json!({POLICY: policy});
        facts["rule_groups"] = json!({});
        for (at, rules) in self.stateless.iter().enumerate() {
            // A priority is taken once.
            let mut taken = Vec::new();
            let mut rows = Vec::new();
            for rule in rules {
                if !taken.contains(&rule.priority) {
                    taken.push(rule.priority);
                    rows.push(rule.row());
                }
            }
            facts["rule_groups"][arn("stateless", at)] = json!({"rules": {"stateless": rows}});
        }
        for (at, group) in self.stateful.iter().enumerate() {
            facts["rule_groups"][arn("stateful", at)] = group.row();
        }
    }
}

impl StatelessRule {
    fn row(&self) -> Value {
        let mut row = json!({
            "priority": self.priority, "actions": [self.action], "protocols": self.protocols,
            "sources": self.source.into_iter().collect::<Vec<_>>(),
            "destinations": self.destination.into_iter().collect::<Vec<_>>(),
        });
        if let Some(ports) = self.source_ports {
            row["source_ports"] = json!([ports]);
        }
        if let Some(ports) = self.destination_ports {
            row["destination_ports"] = json!([ports]);
        }
        row
    }
}

impl Group {
    fn row(&self) -> Value {
        let rules = match &self.rules {
            Rules::Domains { kind, host_alone, targets } => {
                let looks_at: &[&str] =
                    if *host_alone { &["HTTP_HOST"] } else { &["TLS_SNI", "HTTP_HOST"] };
                json!({"domains": {"kind": kind, "looks_at": looks_at, "targets": targets}})
            }
            Rules::Stateful(rules) => {
                let rows = rules.iter().enumerate().map(|(at, rule)| {
                    json!({
                        "action": rule.action, "protocol": rule.protocol, "source": rule.source,
                        "source_port": "ANY", "direction": rule.direction,
                        "destination": rule.destination, "destination_port": rule.port,
                        "options": [{"keyword": "sid", "settings": [format!("{}", at + 1)]}],
                    })
                });
                json!({"stateful": rows.collect::<Vec<_>>()})
            }
            Rules::Suricata => json!({"suricata": "pass tls any any -> any any (sid:1;)"}),
        };
        let mut row = json!({"rules": rules});
        if let Some(home) = self.home {
            row["variables"] = json!({"HOME_NET": [home]});
        }
        row
    }
}
