//! Private hosted zones and Resolver rules.

use std::net::IpAddr;

use serde_json::Value;
use ssm_doctor_facts::{
    ids::{ResolverRuleId, VpcId, ZoneId},
    lookup::{Row, Why},
    route53::{HostedZone, RecordType, ResolverRule, RuleType, ZoneRecord},
};

use super::row::{Rows, VPCS, unknown};
use crate::plan::world::{Home, Known, Resource, World};

const ZONE: [&str; 1] = ["aws_route53_zone"];
const RULE: [&str; 1] = ["aws_route53_resolver_rule"];

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &ZONE) {
        zone(rows, world, home, resource);
    }
    for resource in world.of(home, &RULE) {
        let Ok(id) = resource.id.parse::<ResolverRuleId>() else { continue };
        let targets = resource.items("target_ip").iter().filter_map(|target| {
            let ip = target.get("ip")?.as_str()?;
            let port = target.get("port").and_then(Value::as_i64).unwrap_or(53);
            Some(format!("{ip}:{port}"))
        });
        let row = ResolverRule {
            domain: resource.known("domain_name").map(|name| plain(&name)),
            kind: RuleType::from(resource.known("rule_type").unwrap_or_default()),
            targets: targets.collect(),
        };
        rows.facts.rules.insert(id, Row::Present(row));
    }
    for resource in world.of(home, &["aws_route53_resolver_rule_association"]) {
        let rule = world.id_in::<ResolverRuleId>(resource, "resolver_rule_id", &RULE);
        let vpc = world.id_in::<VpcId>(resource, "vpc_id", &VPCS);
        let (Some(rule), Some(vpc)) = (rule, vpc) else { continue };
        if let Some(list) = rows.list_of(&vpc, |facts| &mut facts.resolver_rules) {
            list.push(rule);
        }
    }
}

/// Names are in lower case and without the final dot.
pub(super) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn zone(rows: &mut Rows, world: &World, home: &Home, resource: &Resource) {
    let mut vpcs: Vec<String> = Vec::new();
    for block in resource.items("vpc") {
        let ids = world.refers_in_block(resource, "vpc", block, "vpc_id", &VPCS);
        vpcs.extend(ids.value().unwrap_or_default());
    }
    for association in world.of(home, &["aws_route53_zone_association"]) {
        if world.refers_to(association, "zone_id", &ZONE, &resource.id) {
            vpcs.extend(world.refers_to_one(association, "vpc_id", &VPCS).value());
        }
    }
    let name = resource.known("name").map(|name| plain(&name));
    // A public zone answers no query of a VPC before others do.
    let (Some(name), Ok(id), false) = (name, resource.id.parse::<ZoneId>(), vpcs.is_empty()) else {
        return;
    };
    for vpc in vpcs {
        let Ok(vpc) = vpc.parse::<VpcId>() else { continue };
        if let Some(list) = rows.list_of(&vpc, |facts| &mut facts.hosted_zones) {
            let row = HostedZone {
                id: id.clone(),
                name: name.clone(),
                owner: Some(home.account.clone()),
                service: None,
                vpcs: Vec::new(),
            };
            if !list.contains(&row) {
                list.push(row);
            }
        }
    }
    let mut records = Vec::new();
    for record in world.of(home, &["aws_route53_record"]) {
        if !world.refers_to(record, "zone_id", &ZONE, &resource.id) {
            continue;
        }
        match self::record(rows, world, record, &name) {
            Ok(Some(row)) => records.push(row),
            Ok(None) => {}
            Err(address) => {
                rows.facts.zone_records.insert(id, unknown(Why::AfterApply, &address));
                return;
            }
        }
    }
    rows.facts.zone_records.insert(id, Row::Present(records));
}

/// A record; None for one of a kind that does not lead to an address. The error is the address of an attribute
/// that is known only after apply.
fn record(
    rows: &Rows,
    world: &World,
    record: &Resource,
    zone: &str,
) -> Result<Option<ZoneRecord>, String> {
    let kind = RecordType::from(record.known("type").unwrap_or_default());
    if matches!(kind, RecordType::Other(_)) {
        return Ok(None);
    }
    let name = plain(&record.known("name").unwrap_or_default());
    let name = if name == zone || name.ends_with(&format!(".{zone}")) {
        name
    } else if name.is_empty() {
        zone.to_owned()
    } else {
        format!("{name}.{zone}")
    };
    let alias = record.items("alias").first();
    let alias = match alias {
        None => None,
        Some(block) => match block.get("name").and_then(Value::as_str) {
            Some(name) => Some(plain(name)),
            // The names of an endpoint are its own.
            None => Some(
                endpoint_name(rows, world, record, block)
                    .ok_or_else(|| format!("{}.alias.name", record.address))?,
            ),
        },
    };
    let values = match record.text("records") {
        Known::Unknown(_, address) => return Err(address),
        _ => record.texts("records"),
    };
    let fits = |value: &String| {
        kind != RecordType::A && kind != RecordType::Aaaa || value.parse::<IpAddr>().is_ok()
    };
    Ok(Some(ZoneRecord {
        name,
        kind: kind.clone(),
        values: values.into_iter().filter(fits).collect(),
        alias,
    }))
}

/// The name of the endpoint that an alias refers to, which AWS makes of the endpoint's id.
fn endpoint_name(rows: &Rows, world: &World, record: &Resource, block: &Value) -> Option<String> {
    let id =
        world.refers_in_block(record, "alias", block, "name", &["aws_vpc_endpoint"]).value()?;
    let id = id.first()?;
    let lists = rows.facts.endpoints.values().filter_map(Row::present);
    let endpoint = lists.flatten().find(|endpoint| endpoint.id.as_str() == id)?;
    super::endpoint::planned_name(id, &endpoint.service)
}
