//! Private hosted zones.

use alloc::{format, vec, vec::Vec};

use serde_json::{Value, json};

use super::*;

#[test]
fn zones_lead() {
    let exact = "ssm.ap-northeast-1.amazonaws.com";
    let region = "ap-northeast-1.amazonaws.com";
    let here = "to vpce-0ssm (4), pass pass pass pass";
    let nowhere = "to vpce-0ssm (4), pass pass pass fail";
    let rows: Vec<(&str, Value, &str)> = vec![
        (exact, json!([record("CNAME", OWN)]), here),
        (exact, json!([{ "name": exact, "kind": "A", "alias": OWN }]), here),
        (
            exact,
            json!([
                { "name": exact, "kind": "A", "alias": OWN },
                { "name": exact, "kind": "AAAA", "alias": OWN }
            ]),
            here,
        ),
        (exact, json!([record("A", "10.0.1.11")]), here),
        (exact, json!([]), nowhere),
        // Another type of record, or another name, is no answer.
        (exact, json!([record("TXT", "x")]), nowhere),
        (region, json!([{ "name": region, "kind": "A", "values": ["10.0.1.11"] }]), nowhere),
        ("", json!([]), nowhere),
        ("com", json!([]), nowhere),
        // Not a parent, though it ends alike.
        (
            "m.ap-northeast-1.amazonaws.com",
            json!([]),
            "past vpce-0ssm: PrivateDnsOff (4), pass pass pass pass",
        ),
        // The nearest wildcard answers, unless the name itself is there.
        (
            region,
            json!([{ "name": "*.ap-northeast-1.amazonaws.com", "kind": "A", "alias": OWN }]),
            here,
        ),
        (
            "amazonaws.com",
            json!([
                { "name": "*.amazonaws.com", "kind": "A", "values": ["10.9.9.9"] },
                { "name": "*.ap-northeast-1.amazonaws.com", "kind": "A", "alias": OWN }
            ]),
            here,
        ),
        ("amazonaws.com", json!([{ "name": "*.amazonaws.com", "kind": "A", "alias": OWN }]), here),
        (
            "amazonaws.com",
            json!([
                { "name": "*.amazonaws.com", "kind": "A", "alias": OWN },
                { "name": region, "kind": "TXT" }
            ]),
            nowhere,
        ),
        (
            region,
            json!([
                { "name": "*.ap-northeast-1.amazonaws.com", "kind": "A", "alias": OWN },
                { "name": exact, "kind": "TXT" }
            ]),
            nowhere,
        ),
        // Names on the way.
        (
            region,
            json!([
                record("CNAME", "hub.ap-northeast-1.amazonaws.com"),
                { "name": "hub.ap-northeast-1.amazonaws.com", "kind": "A", "values": ["10.9.0.4", "10.9.1.4"] }
            ]),
            "by Z0SSM to addresses [10.9.0.4, 10.9.1.4] (4), pass pass pass pass",
        ),
        (
            region,
            json!([record("CNAME", exact)]),
            "unknown: HostedZone(Records { zone: ZoneId(\"Z0SSM\"), zone_name: \"ap-northeast-1.amazonaws.com\", fault: Loop { host: \"ssm.ap-northeast-1.amazonaws.com\" } })",
        ),
        // A hub's endpoints, weighted, and in both families.
        (
            exact,
            json!([record("A", "10.9.0.4"), record("A", "10.8.0.4"), record("AAAA", "fd00::4")]),
            "by Z0SSM to addresses [10.8.0.4, 10.9.0.4, fd00::4] (46), pass pass pass pass",
        ),
        (
            exact,
            json!([record("A", "10.9.0.4"), { "name": exact, "kind": "A", "alias": OWN }]),
            "unknown: HostedZone(Records { zone: ZoneId(\"Z0SSM\"), zone_name: \"ssm.ap-northeast-1.amazonaws.com\", fault: SeveralTargets { name: \"ssm.ap-northeast-1.amazonaws.com\" } })",
        ),
        (
            exact,
            json!([record("CNAME", "proxy.example.com")]),
            "by Z0SSM to proxy.example.com [] (?), pass pass pass pass",
        ),
        (
            exact,
            json!([record("A", "ten")]),
            "unknown: HostedZone(Records { zone: ZoneId(\"Z0SSM\"), zone_name: \"ssm.ap-northeast-1.amazonaws.com\", fault: Address { value: \"ten\", name: \"ssm.ap-northeast-1.amazonaws.com\" } })",
        ),
        (
            region,
            json!([{ "name": exact, "kind": "NS", "values": ["ns.example.com"] }]),
            "unknown: HostedZone(Records { zone: ZoneId(\"Z0SSM\"), zone_name: \"ap-northeast-1.amazonaws.com\", fault: Delegated { name: \"ssm.ap-northeast-1.amazonaws.com\" } })",
        ),
    ];
    for (name, records, expected) in rows {
        assert_eq!(of(ENDPOINTS, &zoned(name, &records)), expected, "{name}: {records}");
    }
}

#[test]
fn what_no_route_leads_to_is_out_of_date() {
    let alone = |address: &str| {
        let zoned = zoned("ssm.ap-northeast-1.amazonaws.com", &json!([record("A", address)]));
        and(zoned, &json!({ "route_tables": { "vpc-0a1b2c3d": [] } }))
    };
    assert_eq!(of(ENDPOINTS, &alone("10.9.0.4")), "to vpce-0ssm (4), pass pass pass fail");
    assert_eq!(
        of(ENDPOINTS, &alone("52.1.2.3")),
        "by Z0SSM to addresses [52.1.2.3] (4), pass pass pass pass"
    );
    // With no endpoint in the VPC itself it is the route that is missing.
    let hub_only = and(alone("10.9.0.4"), &endpoints(&[]));
    assert_eq!(
        of(ENDPOINTS, &hub_only),
        "by Z0SSM to addresses [10.9.0.4] (4), pass pass pass pass"
    );
}

#[test]
fn the_most_specific_zone_answers_and_the_vpcs_own_first() {
    let exact = "ssm.ap-northeast-1.amazonaws.com";
    let two = and(
        zoned(exact, &json!([record("CNAME", OWN)])),
        &json!({ "hosted_zones": { "vpc-0a1b2c3d": [
            { "id": "Z0AWS", "name": "amazonaws.com" },
            { "id": ZONE, "name": exact },
            { "id": "Z0REGION", "name": "ap-northeast-1.amazonaws.com" }
        ] } }),
    );
    assert_eq!(of(ENDPOINTS, &two), "to vpce-0ssm (4), pass pass pass pass");
    let brought = |name: &str, own: &str| {
        and(
            zoned(own, &json!([record("A", "10.9.0.4")])),
            &json!({
                "profiles": { "vpc-0a1b2c3d": ["rp-1"] },
                "profile_resources": { "rp-1": [{ "arn": "arn:aws:route53:::hostedzone/Z0PROFILE" }] },
                "profile_zones": { "Z0PROFILE": { "id": "Z0PROFILE", "name": name } },
                "zone_records": { "Z0PROFILE": [record("A", "10.8.0.4")] }
            }),
        )
    };
    let rows = [
        (exact, exact, "10.9.0.4", ZONE),
        (exact, "amazonaws.com", "10.8.0.4", "Z0PROFILE"),
        ("amazonaws.com", exact, "10.9.0.4", ZONE),
        (exact, "example.com", "10.8.0.4", "Z0PROFILE"),
    ];
    for (profile, own, address, by) in rows {
        assert_eq!(
            of(ENDPOINTS, &brought(profile, own)),
            format!("by {by} to addresses [{address}] (4), pass pass pass pass"),
            "{profile} and {own}"
        );
    }
}

#[test]
fn zones_of_others_are_unknown_and_dead_ends_are_not() {
    let exact = "ssm.ap-northeast-1.amazonaws.com";
    let service = |endpoint: &Value| {
        and(
            endpoints(core::slice::from_ref(endpoint)),
            &json!({ "hosted_zones": { "vpc-0a1b2c3d": [
                { "id": ZONE, "name": exact, "service": "vpce.amazonaws.com" }] } }),
        )
    };
    let none = and(service(&endpoint(&json!({}))), &endpoints(&[]));
    let vacant = zoned(exact, &json!([record("A", "10.0.1.77")]));
    let beside = |more: &Value, address: &str| {
        and(zoned(exact, &json!([record("A", address)])), &endpoints(&[endpoint(more)]))
    };
    let at = |row: Value| json!({ "interfaces_at": { "vpc-0a1b2c3d 10.0.1.77": row } });
    let proxy = json!({ "subnet": "subnet-0endpoints", "private_ips": ["10.0.1.77"] });
    let other = endpoint(
        &json!({ "id": "vpce-0kms", "service": "com.amazonaws.ap-northeast-1.kms", "interfaces": [] }),
    );
    let misled = and(
        zoned(
            exact,
            &json!([record("CNAME", "vpce-0kms-1.kms.ap-northeast-1.vpce.amazonaws.com")]),
        ),
        &endpoints(&[other]),
    );
    let rows = [
        (service(&endpoint(&json!({}))), "to vpce-0ssm (4), pass pass pass pass"),
        (
            service(&endpoint(&json!({ "state": "deleting" }))),
            "past vpce-0ssm: NotAvailable (4), pass pass pass pass",
        ),
        (
            none,
            "unknown: HostedZone(OfService { zone: ZoneId(\"Z0SSM\"), zone_name: \"ssm.ap-northeast-1.amazonaws.com\", service: \"vpce.amazonaws.com\", host: \"ssm.ap-northeast-1.amazonaws.com\" })",
        ),
        (
            zoned(exact, &json!({ "unknown": "denied" })),
            "unknown: Z0SSM; HostedZone(RecordsUnseen { zone: ZoneId(\"Z0SSM\"), zone_name: \"ssm.ap-northeast-1.amazonaws.com\", owner: Some(AccountId(\"111122223333\")), host: \"ssm.ap-northeast-1.amazonaws.com\" })",
        ),
        (and(vacant.clone(), &at(json!("absent"))), "to vpce-0ssm (4), pass pass pass fail"),
        (
            and(vacant.clone(), &at(proxy)),
            "by Z0SSM to addresses [10.0.1.77] (4), pass pass pass pass",
        ),
        (and(vacant, &at(json!({ "unknown": "denied" }))), "unknown: vpc-0a1b2c3d 10.0.1.77"),
        (misled, "to the public (4), pass pass pass fail"),
        // Whose zone it is, while an endpoint comes and goes, or where there are two of one name.
        (
            beside(&json!({ "state": "pending" }), "10.9.0.4"),
            "unknown: HostedZone(PrivateDnsOrZone { endpoint: EndpointId(\"vpce-0ssm\"), state: Pending, zone: ZoneId(\"Z0SSM\"), zone_name: \"ssm.ap-northeast-1.amazonaws.com\", host: \"ssm.ap-northeast-1.amazonaws.com\" })",
        ),
        (
            beside(&json!({ "state": "failed" }), "10.9.0.4"),
            "by Z0SSM to addresses [10.9.0.4] (4), pass pass pass pass",
        ),
        (
            beside(&json!({ "state": "pending", "private_dns": false }), "10.9.0.4"),
            "by Z0SSM to addresses [10.9.0.4] (4), pass pass pass pass",
        ),
        (beside(&json!({}), "10.0.1.11"), "to vpce-0ssm (4), pass pass pass pass"),
        (beside(&json!({}), "10.9.0.4"), "to vpce-0ssm (4), pass pass pass ?"),
    ];
    for (patch, expected) in rows {
        assert_eq!(of(ENDPOINTS, &patch), expected, "{patch}");
    }
}
