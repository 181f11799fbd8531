//! Where a name leads, and what each step of its query says, in scenarios with patches.

mod firewall;
mod rules;
mod zones;

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use serde_json::{Value, json};

use super::{Families, Resolution, resolve};
use crate::{answer::Verdict, case::Case};
use ssm_doctor_facts::{
    lookup::{Facts, Gap},
    scope::Scope,
};
use ssm_doctor_fixtures as fixtures;

const ENDPOINTS: &str = "private-endpoints";
const NAT: &str = "private-nat";
const ZONE: &str = "Z0SSM";
const HUB: &str = "vpce-0hub-1a2b3c4d.ssm.ap-northeast-1.vpce.amazonaws.com";
const OWN: &str = "vpce-0ssm-1a2b3c4d.ssm.ap-northeast-1.vpce.amazonaws.com";

fn facts(ground: &str, patch: &Value) -> (Facts, Scope) {
    let scenario = fixtures::named(ground).unwrap();
    let mut facts = serde_json::to_value(&scenario.facts).unwrap();
    json_patch::merge(&mut facts, patch);
    (serde_json::from_value(facts).unwrap(), scenario.scope)
}

/// Where `ssm` leads, and what the steps say: resolver, firewall, rule, zone.
fn outcome(case: &Case) -> String {
    let vpc = "vpc-0a1b2c3d".parse().unwrap();
    let name = match resolve(case, &vpc, "ssm") {
        Ok(name) => name,
        Err(unknown) => {
            let gaps = unknown.gaps().map(|gap| match gap {
                Gap::Limit(limit) => format!("{limit:?}"),
                Gap::Fact { need, .. } => need.subject(),
            });
            return format!("unknown: {}", gaps.collect::<Vec<_>>().join("; "));
        }
    };
    let to = match &name.to {
        Resolution::Endpoint(it) => format!("to {}", it.id),
        Resolution::Public => "to the public".into(),
        Resolution::PublicDespite(it, defect) => format!("past {}: {defect:?}", it.id),
        Resolution::Elsewhere(it) => format!(
            "by {} to {} [{}]",
            it.by,
            it.target.as_deref().unwrap_or("addresses"),
            it.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
    };
    let families = match name.families {
        Some(Families { v4: true, v6: true }) => "46",
        Some(Families { v4: true, v6: false }) => "4",
        Some(Families { v4: false, v6: true }) => "6",
        _ => "?",
    };
    let steps: Vec<_> = name
        .steps
        .iter()
        .map(|it| match &it.answer {
            Ok(Verdict::Pass(_)) => "pass",
            Ok(Verdict::Fail(..)) => "fail",
            Ok(Verdict::NotApplicable(_)) => "-",
            Err(_) => "?",
        })
        .collect();
    format!("{to} ({families}), {}", steps.join(" "))
}

fn of(ground: &str, patch: &Value) -> String {
    let (facts, scope) = facts(ground, patch);
    outcome(&Case::new(&facts, &scope))
}

fn endpoint(more: &Value) -> Value {
    let mut endpoint = json!({
        "id": "vpce-0ssm", "service": "com.amazonaws.ap-northeast-1.ssm", "kind": "Interface",
        "state": "available", "subnets": ["subnet-0endpoints"], "interfaces": ["eni-0ssm"],
        "security_groups": ["sg-0endpoints"], "private_dns": true
    });
    json_patch::merge(&mut endpoint, more);
    endpoint
}

fn endpoints(all: &[Value]) -> Value {
    json!({ "endpoints": { "vpc-0a1b2c3d": all } })
}

/// The scenario's zone with these records, beside an endpoint whose private DNS is off, in a VPC that
/// is peered with a hub.
fn zoned(name: &str, records: &Value) -> Value {
    let mut patch = endpoints(&[endpoint(&json!({ "private_dns": false }))]);
    let peered = json!({ "to": { "cidr": "10.9.0.0/16" }, "via": "pcx-0hub", "state": "active" });
    let zone = json!({
        "hosted_zones": { "vpc-0a1b2c3d": [{ "id": ZONE, "name": name, "owner": "111122223333" }] },
        "zone_records": { ZONE: records },
        "route_tables": { "vpc-0a1b2c3d": [{ "id": "rtb-0main", "main": true, "routes": [peered] }] }
    });
    json_patch::merge(&mut patch, &zone);
    patch
}

fn record(kind: &str, value: &str) -> Value {
    json!({ "name": "ssm.ap-northeast-1.amazonaws.com", "kind": kind, "values": [value] })
}

fn and(mut patch: Value, more: &Value) -> Value {
    json_patch::merge(&mut patch, more);
    patch
}

#[test]
fn endpoints_lead() {
    let dead = json!({ "id": "vpce-0dead", "state": "failed" });
    let off = json!({ "id": "vpce-0off", "private_dns": false });
    let far = json!({ "service_region": "us-east-1" });
    let rows = [
        (vec![], "to the public (4), pass pass pass pass"),
        (vec![endpoint(&json!({}))], "to vpce-0ssm (4), pass pass pass pass"),
        (
            vec![endpoint(&dead), endpoint(&off), endpoint(&json!({}))],
            "to vpce-0ssm (4), pass pass pass pass",
        ),
        (vec![endpoint(&dead)], "past vpce-0dead: NotAvailable (4), pass pass pass pass"),
        (
            vec![endpoint(&dead), endpoint(&off)],
            "past vpce-0off: PrivateDnsOff (4), pass pass pass pass",
        ),
        (vec![endpoint(&far)], "to the public (4), pass pass pass pass"),
        (
            vec![endpoint(&json!({ "service": "com.amazonaws.ap-northeast-1.ssm-fips" }))],
            "to the public (4), pass pass pass pass",
        ),
        (
            vec![endpoint(&json!({ "private_dns_for_inbound_only": true }))],
            "to the public (4), pass pass pass pass",
        ),
        (
            vec![endpoint(&json!({ "ip_address_type": "dualstack" }))],
            "to vpce-0ssm (46), pass pass pass pass",
        ),
        (
            vec![endpoint(
                &json!({ "ip_address_type": "dualstack", "dns_record_ip_type": "ipv6" }),
            )],
            "to vpce-0ssm (6), pass pass pass pass",
        ),
        (
            vec![endpoint(&json!({ "dns_record_ip_type": "service-defined" }))],
            "to vpce-0ssm (4), pass pass pass pass",
        ),
        (
            vec![endpoint(&json!({ "ip_address_type": "newest" }))],
            "to vpce-0ssm (?), pass pass pass pass",
        ),
        (
            vec![endpoint(&json!({ "kind": "Newest" }))],
            "unknown: Dns(UnsupportedEndpoint { endpoint: EndpointId(\"vpce-0ssm\"), service: \"com.amazonaws.ap-northeast-1.ssm\", kind: Other(\"Newest\") })",
        ),
    ];
    for (all, expected) in rows {
        assert_eq!(of(ENDPOINTS, &endpoints(&all)), expected, "{all:?}");
    }
}
