use alloc::string::ToString;

use serde_json::{Value, json};

use super::super::stateful::names;
use super::*;

const POLICY: &str = "arn:aws:network-firewall:eu-west-1:111122223333:firewall-policy/p";
const HOST: &str = "ssm.eu-west-1.amazonaws.com";

fn arn(name: &str) -> String {
    format!("arn:aws:network-firewall:eu-west-1:111122223333:stateful-rulegroup/{name}")
}

fn connection(from: &str) -> Connection {
    let from: IpAddr = from.parse().unwrap();
    Connection {
        sni: Sni::Exactly(HOST.into()),
        from,
        from_ports: Ports::from_iter([32_768..=60_999]),
        to: Remote {
            addresses: Addresses::public(Family::of(&from), &["10.0.0.0/16".parse().unwrap()]),
            phrase: "the service's public addresses".into(),
            list: None,
            is_any_public: true,
        },
        to_port: 443,
    }
}

/// What becomes of a connection, by a policy and its groups by name, and by what.
fn asked(policy: &Value, groups: &Value, connection: &Connection) -> (&'static str, String) {
    let mut policy = policy.clone();
    for kind in ["stateless", "stateful"] {
        for it in policy.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
            let name = it["group"].as_str().unwrap();
            it["group"] = if name.starts_with("arn:") { name.into() } else { arn(name).into() };
        }
    }
    let groups = groups.as_object().unwrap().iter();
    let groups: serde_json::Map<_, _> = groups.map(|(name, it)| (arn(name), it.clone())).collect();
    let facts = json!({ "network_firewall_policies": { POLICY: policy }, "rule_groups": groups });
    let facts: Facts = serde_json::from_value(facts).unwrap();
    let policy_arn: Arn = POLICY.parse().unwrap();
    let home = ["10.0.0.0/16".parse().unwrap(), "2001:db8::/56".parse().unwrap()];
    let inspection = Inspection {
        facts: &facts,
        policy_arn: &policy_arn,
        policy: facts.network_firewall_policy(&policy_arn).required().unwrap(),
        home: Some(&home),
    };
    match inspection.of(connection) {
        Ok(Outcome::Passes(how)) => ("passes", how),
        Ok(Outcome::Drops(drop)) => ("drops", drop.how),
        Err(unknown) => ("unknown", format!("{unknown:?}")),
    }
}

fn policy(more: &Value) -> Value {
    let mut policy =
        json!({ "stateless_default": ["aws:forward_to_sfe"], "order": "DEFAULT_ACTION_ORDER" });
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    policy
}

fn using(names: &[&str]) -> Value {
    let references = names.iter().zip(1..).map(|(it, at)| json!({ "group": it, "priority": at }));
    references.collect()
}

fn list(kind: &str, targets: &[&str]) -> Value {
    json!({ "rules": { "domains": { "kind": kind, "looks_at": ["TLS_SNI"], "targets": targets } } })
}

fn rule(action: &str, protocol: &str, from: &str, to: &str, port: &str) -> Value {
    json!({
        "action": action, "protocol": protocol, "source": from, "source_port": "ANY",
        "direction": "FORWARD", "destination": to, "destination_port": port,
        "options": [{ "keyword": "sid", "settings": ["1"] }],
    })
}

fn rules(rules: &[Value]) -> Value {
    json!({ "rules": { "stateful": rules } })
}

#[test]
fn action_order_lets_any_pass_win() {
    let all = list("ALLOWLIST", &[".amazonaws.com"]);
    let none = list("ALLOWLIST", &[]);
    let deny = list("DENYLIST", &[HOST]);
    let drop = rules(&[rule("DROP", "TCP", "$HOME_NET", "ANY", "443")]);
    let tls = rules(&[rule("DROP", "TLS", "ANY", "ANY", "ANY")]);
    let open = rules(&[rule("PASS", "IP", "ANY", "ANY", "ANY")]);
    let text = json!({ "rules": { "suricata": "" } });
    let some = rules(&[rule("DROP", "TCP", "ANY", "52.0.0.0/8", "443")]);
    let rows: [(&[&str], &str); 13] = [
        (&[], "passes"),
        (&["all"], "passes"),
        (&["none"], "drops"),
        (&["none", "all"], "passes"),
        (&["deny"], "drops"),
        (&["deny", "all"], "passes"),
        // What sees the first packet decides before any name shows.
        (&["all", "drop"], "drops"),
        (&["tls", "open"], "passes"),
        (&["all", "tls"], "passes"),
        (&["text", "open"], "passes"),
        (&["text", "none"], "unknown"),
        (&["some"], "unknown"),
        (&["some", "none"], "drops"),
    ];
    let groups = json!({
        "all": all, "none": none, "deny": deny, "drop": drop, "tls": tls, "open": open,
        "text": text, "some": some,
    });
    for (names, expected) in rows {
        let policy = policy(&json!({ "stateful": using(names) }));
        let (is, why) = asked(&policy, &groups, &connection("10.0.11.23"));
        assert_eq!(is, expected, "{names:?}: {why}");
    }
}

#[test]
fn strict_order_goes_by_priority() {
    let groups = json!({
        "all": list("ALLOWLIST", &[".amazonaws.com"]),
        "none": list("ALLOWLIST", &["example.amazonaws.com"]),
        "deny": list("DENYLIST", &["ssm.eu-west-1.amazonaws.com"]),
        "other": list("DENYLIST", &["ssmmessages.eu-west-1.amazonaws.com"]),
        "two": rules(&[
            rule("ALERT", "IP", "ANY", "ANY", "ANY"),
            rule("PASS", "TCP", "10.0.0.0/16", "ANY", "[80,443]"),
            rule("DROP", "IP", "ANY", "ANY", "ANY"),
        ]),
        "shut": rules(&[rule("REJECT", "TCP", "ANY", "$EXTERNAL_NET", "1:1024")]),
        "http": rules(&[rule("DROP", "HTTP", "ANY", "ANY", "ANY")]),
        "text": json!({ "rules": { "suricata": "" } }),
    });
    let app = "aws:drop_established_app_layer_to_server";
    let rows: [(&[&str], &[&str], &str); 17] = [
        (&[], &[], "passes"),
        (&[], &["aws:alert_strict"], "passes"),
        (&[], &["aws:drop_strict"], "drops"),
        (&[], &["aws:drop_established"], "drops"),
        (&[], &["aws:something_new"], "unknown"),
        (&["all"], &[app], "passes"),
        (&["all"], &["aws:drop_strict"], "drops"),
        (&["all"], &["aws:drop_established"], "unknown"),
        (&["none", "all"], &[], "unknown"),
        (&["none"], &[], "unknown"),
        (&["none"], &[app], "drops"),
        (&["deny", "all"], &[app], "drops"),
        (&["other", "all"], &[app], "passes"),
        (&["two", "shut"], &["aws:drop_strict"], "passes"),
        (&["shut", "two"], &[], "drops"),
        (&["two", "text"], &["aws:drop_strict"], "passes"),
        (&["http", "text", "all"], &[], "unknown"),
    ];
    for (names, default, expected) in rows {
        let policy = policy(&json!({
            "order": "STRICT_ORDER", "stateful": using(names), "stateful_default": default,
        }));
        let (is, why) = asked(&policy, &groups, &connection("10.0.11.23"));
        assert_eq!(is, expected, "{names:?} {default:?}: {why}");
    }
}

#[test]
fn lists_are_for_the_home_net() {
    let none = |variables: Value| {
        let mut none = list("ALLOWLIST", &[]);
        none["variables"] = variables;
        json!({ "none": none })
    };
    let rows = [
        // The VPC's own range, and none of another's.
        ("10.0.11.23", json!({}), json!({}), "drops"),
        ("10.1.11.23", json!({}), json!({}), "passes"),
        ("2001:db8::5", json!({}), json!({}), "unknown"),
        ("10.1.11.23", json!({ "HOME_NET": ["10.0.0.0/8"] }), json!({}), "drops"),
        ("10.0.11.23", json!({ "HOME_NET": ["10.1.0.0/16"] }), json!({}), "passes"),
        ("10.1.11.23", json!({}), json!({ "HOME_NET": ["10.1.0.0/16"] }), "drops"),
        ("10.0.11.23", json!({}), json!({ "HOME_NET": ["10.1.0.0/16"] }), "passes"),
        // Everything at home, nothing is outside.
        ("10.0.11.23", json!({ "HOME_NET": ["0.0.0.0/0"] }), json!({}), "passes"),
        ("10.0.11.23", json!({}), json!({ "EXTERNAL_NET": ["192.168.0.0/16"] }), "passes"),
        ("10.0.11.23", json!({}), json!({ "HOME_NET": ["!10.0.0.0/8"] }), "unknown"),
    ];
    for (from, of_policy, of_group, expected) in rows {
        let policy =
            policy(&json!({ "stateful": using(&["none"]), "variables": of_policy.clone() }));
        let (is, why) = asked(&policy, &none(of_group.clone()), &connection(from));
        assert_eq!(is, expected, "{from} {of_policy} {of_group}: {why}");
    }
}

#[test]
fn stateless_rules_see_each_packet_both_ways() {
    let group = |rule: Value| {
        json!({ "g": { "rules": { "stateless": [rule, {
        "priority": 9, "actions": ["aws:forward_to_sfe", "CountIt"] }] } } })
    };
    let rows = [
        (json!({ "priority": 1, "actions": ["aws:drop"] }), "drops"),
        (json!({ "priority": 10, "actions": ["aws:drop"] }), "passes"),
        (json!({ "priority": 1, "actions": ["aws:pass"] }), "passes"),
        (json!({ "priority": 1, "actions": ["aws:drop"], "protocols": [17] }), "passes"),
        (json!({ "priority": 1, "actions": ["aws:drop"], "sources": ["10.0.11.23"] }), "drops"),
        (json!({ "priority": 1, "actions": ["aws:drop"], "sources": ["10.0.12.0/24"] }), "passes"),
        // Of an address that is not known this may be one.
        (
            json!({ "priority": 1, "actions": ["aws:drop"], "destinations": ["52.0.0.0/8"] }),
            "unknown",
        ),
        (
            json!({ "priority": 1, "actions": ["aws:drop"], "protocols": [6], "destination_ports": [[0, 442]] }),
            "passes",
        ),
        (
            json!({ "priority": 1, "actions": ["aws:drop"], "protocols": [6], "flags": true }),
            "unknown",
        ),
        (
            json!({ "priority": 1, "actions": ["aws:drop"], "protocols": [6], "source_ports": [[443, 443]] }),
            "unknown",
        ),
        (
            json!({ "priority": 1, "actions": ["aws:pass"], "protocols": [6], "destination_ports": [[443, 443]] }),
            "unknown",
        ),
        (json!({ "priority": 1, "actions": ["aws:new"] }), "unknown"),
    ];
    for (rule, expected) in rows {
        let policy = policy(&json!({ "stateless": using(&["g"]) }));
        let (is, why) = asked(&policy, &group(rule.clone()), &connection("10.0.11.23"));
        assert_eq!(is, expected, "{rule}: {why}");
    }
}

#[test]
fn what_is_not_known_may_do_anything() {
    let managed = "arn:aws:network-firewall:eu-west-1:aws-managed:stateful-rulegroup/Threats";
    let mut odd = rule("DROP", "TCP", "ANY", "ANY", "443");
    odd["options"] = json!([{ "keyword": "flow", "settings": ["established"] }]);
    let mut away = rule("DROP", "TCP", "ANY", "ANY", "22");
    away["options"] = odd["options"].clone();
    let groups = json!({
        "odd": rules(&[odd]),
        "away": rules(&[away]),
        "new": rules(&[rule("QUARANTINE", "TCP", "ANY", "ANY", "443")]),
        "reply": rules(&[rule("DROP", "IP", "$EXTERNAL_NET", "$HOME_NET", "ANY")]),
        "set": rules(&[rule("DROP", "TCP", "@Partners", "ANY", "443")]),
        "kind": { "rules": { "domains": { "kind": "GREYLIST", "looks_at": ["TLS_SNI"] } } },
        "resolved": { "rules": { "domains": {
            "kind": "ALLOWLIST", "looks_at": ["TLS_SNI", "AWS_ROUTE_53_RESOLVED_DOMAIN"] } } },
        "unreadable": { "rules": { "unreadable": "several at once" } },
        "denied": { "unknown": "denied" },
    });
    let rows = [
        (managed, "unknown"),
        ("odd", "unknown"),
        ("away", "passes"),
        ("new", "unknown"),
        ("reply", "unknown"),
        ("set", "unknown"),
        ("kind", "unknown"),
        ("resolved", "unknown"),
        ("unreadable", "unknown"),
        ("denied", "unknown"),
        ("unasked", "unknown"),
    ];
    for (name, expected) in rows {
        let policy = policy(&json!({ "stateful": using(&[name]) }));
        let (is, why) = asked(&policy, &groups, &connection("10.0.11.23"));
        assert_eq!(is, expected, "{name}: {why}");
    }
    let decrypts = policy(&json!({ "tls_inspection": "arn:aws:network-firewall:x" }));
    assert_eq!(asked(&decrypts, &json!({}), &connection("10.0.11.23")).0, "unknown");
    let order = policy(&json!({ "order": "RANDOM_ORDER" }));
    assert_eq!(asked(&order, &json!({}), &connection("10.0.11.23")).0, "unknown");
}

#[test]
fn targets_are_names_or_ends_of_names() {
    let exactly = Sni::Exactly(HOST.to_string());
    let below = Sni::Below("amazonaws.com".to_string());
    let rows = [
        (HOST, "yes", "maybe"),
        ("SSM.eu-west-1.amazonaws.com", "yes", "maybe"),
        (".ssm.eu-west-1.amazonaws.com", "yes", "maybe"),
        (".amazonaws.com", "yes", "yes"),
        (".com", "yes", "yes"),
        ("amazonaws.com", "no", "maybe"),
        (".example.com", "no", "no"),
        ("xssm.eu-west-1.amazonaws.com", "no", "maybe"),
        (".sm.eu-west-1.amazonaws.com", "no", "maybe"),
        ("*.amazonaws.com", "maybe", "maybe"),
        ("", "maybe", "maybe"),
    ];
    let word = |it| match it {
        Match::Yes => "yes",
        Match::No => "no",
        Match::Maybe(_) => "maybe",
    };
    for (target, one, any) in rows {
        assert_eq!(word(names(target, &exactly, "list")), one, "{target}");
        assert_eq!(word(names(target, &below, "list")), any, "{target}");
    }
}
