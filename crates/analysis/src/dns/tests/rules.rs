//! Resolver rules, Profiles, other DNS servers, and what was not seen.

use alloc::{collections::BTreeMap, format, vec, vec::Vec};

use serde_json::json;

use super::*;

#[test]
fn rules_come_before_zones_of_the_same_name() {
    let exact = "ssm.ap-northeast-1.amazonaws.com";
    let rules = |rules: &[(&str, &str)]| {
        let ids: Vec<_> = (0..rules.len()).map(|it| format!("rslvr-rr-{it}")).collect();
        let rows: BTreeMap<_, _> = ids
            .iter()
            .zip(rules)
            .map(|(id, (domain, kind))| {
                (id.clone(), json!({ "domain": domain, "kind": kind, "targets": ["10.9.0.2:53"] }))
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
    for (own, brought, expected) in [("SYSTEM", "FORWARD", "pass"), ("FORWARD", "SYSTEM", "?")] {
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
            "unknown: vpc-0a1b2c3d; HostedZone(MayLeadToEndpoint { endpoint: EndpointId(\"vpce-0ssm\"), host: \"ssm.ap-northeast-1.amazonaws.com\" })",
        ),
        (
            ENDPOINTS,
            and(peered.clone(), &all()),
            "unknown: vpc-0a1b2c3d; HostedZone(MayLeadToOtherNetwork { host: \"ssm.ap-northeast-1.amazonaws.com\", via: \"pcx-1\" })",
        ),
        (ENDPOINTS, and(peered, &json!({ "profiles": denied() })), "to the public (4), pass ? ? ?"),
    ];
    for (ground, patch, expected) in rows {
        assert_eq!(of(ground, &patch), expected, "{patch}");
    }
    // A Profile may bring a longer zone than this one, and nothing that comes before the very name.
    let shadow = |name: &str, more: &str| and(zoned(name, &json!([])), &json!({ more: denied() }));
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
    let foreign = json!({ "dhcp_options": { "dopt-0amazon": { "name_servers": ["10.0.5.10"] } } });
    let exact = "ssm.ap-northeast-1.amazonaws.com";
    let unless = |answerer: &str| {
        format!(
            "unknown: Dns(OnlyIfForwarded {{ vpc: VpcId(\"vpc-0a1b2c3d\"), server: \"10.0.5.10\", host: \"{exact}\", answerer: {answerer} }})"
        )
    };
    assert_eq!(of(ENDPOINTS, &foreign), unless("PrivateDns(EndpointId(\"vpce-0ssm\"))"));
    let led = zoned(exact, &json!([record("A", "10.9.0.4")]));
    assert_eq!(of(ENDPOINTS, &and(led, &foreign)), unless("Zone(ZoneId(\"Z0SSM\"))"));
    let empty = zoned(exact, &json!([]));
    assert_eq!(of(ENDPOINTS, &and(empty, &foreign)), "to vpce-0ssm (4), pass pass pass ?");
    assert_eq!(of(NAT, &foreign), "to the public (4), pass pass pass pass");
    let off = json!({ "vpc_dns": { "vpc-0a1b2c3d": { "support": false } } });
    assert_eq!(of(NAT, &off), "to the public (4), fail pass pass pass");
    assert_eq!(of(NAT, &and(off, &foreign)), "to the public (4), ? pass pass pass");
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
