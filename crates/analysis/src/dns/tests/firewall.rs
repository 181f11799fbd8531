//! DNS Firewall.

use alloc::format;

use serde_json::{Value, json};

use super::*;

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
        (json!([rule(1, "ALLOW", aws, None), rule(2, "BLOCK", hidden, None)]), nothing(), "pass"),
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
