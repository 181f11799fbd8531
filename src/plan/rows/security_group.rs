//! Security groups, and their rules in the three ways in which Terraform writes them.

use serde_json::Value;
use ssm_doctor_facts::{
    ec2::{Peer, Rule, SecurityGroup, Traffic},
    ids::SecurityGroupId,
    lookup::Row,
};

use super::row::{GROUPS, Rows, VPCS, range};
use crate::plan::{
    identity::DEFAULT_SECURITY_GROUP,
    values::{Attribute, attribute},
    world::{Home, Known, Resource, World},
};

const RULES: [&str; 3] = [
    "aws_security_group_rule",
    "aws_vpc_security_group_ingress_rule",
    "aws_vpc_security_group_egress_rule",
];

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &VPCS) {
        let id = default_group(resource);
        if let Ok(id) = id.parse::<SecurityGroupId>() {
            rows.facts.security_groups.insert(id.clone(), Row::Present(default(&id)));
        }
    }
    for resource in world.of(home, &GROUPS) {
        let Some(id) = group_id(world, resource) else { continue };
        let is_default = resource.kind == "aws_default_security_group";
        let name = if is_default { Some("default".into()) } else { resource.known("name") };
        let mut row = SecurityGroup {
            name,
            ingress: inline(world, resource, "ingress"),
            egress: inline(world, resource, "egress"),
        };
        for former in world.former(home, &RULES) {
            let (egress, rules) = rules_of(world, former);
            let (name, list) =
                if egress { ("egress", &mut row.egress) } else { ("ingress", &mut row.ingress) };
            if world.refers_to(former, "security_group_id", &GROUPS, id.as_str())
                && !resource.sets(name)
            {
                list.retain(|rule| !rules.contains(rule));
            }
        }
        rows.facts.security_groups.insert(id, Row::Present(row));
    }
    for resource in world.of(home, &RULES) {
        let (egress, rules) = rules_of(world, resource);
        let direction = if egress { "egress" } else { "ingress" };
        if !world.is_overruled(resource, "security_group_id", &GROUPS, direction) {
            put(rows, world, resource, egress, rules);
        }
    }
}

/// Rules that are resources of their own, and whether they are for packets out.
fn rules_of(world: &World, resource: &Resource) -> (bool, Vec<Rule>) {
    if resource.kind == "aws_security_group_rule" {
        let egress = resource.known("type").as_deref() == Some("egress");
        let address = |name: &str| resource.attribute_address(name);
        return (egress, rules(world, resource, &resource.values, None, &address));
    }
    (resource.kind == "aws_vpc_security_group_egress_rule", single(world, resource))
}

/// The group that a VPC comes with.
pub(super) fn default_group(vpc: &Resource) -> String {
    let id = vpc.known("default_security_group_id");
    id.unwrap_or_else(|| DEFAULT_SECURITY_GROUP.id(&vpc.id))
}

/// It admits itself and lets everything out. Source: VPC guide, "Default security groups for your VPCs".
fn default(id: &SecurityGroupId) -> SecurityGroup {
    let everything = Peer::Cidr(ipnet::Ipv4Net::default().into());
    SecurityGroup {
        name: Some("default".into()),
        ingress: vec![Rule { traffic: Traffic::All, peer: Peer::Group(id.clone()) }],
        egress: vec![Rule { traffic: Traffic::All, peer: everything }],
    }
}

/// A default group is the one of its VPC.
pub(super) fn group_id(world: &World, resource: &Resource) -> Option<SecurityGroupId> {
    if resource.kind == "aws_default_security_group" {
        let vpc = world.refers_to_one(resource, "vpc_id", &VPCS).value()?;
        return default_group(world.with_id(&vpc)?).parse().ok();
    }
    resource.id.parse().ok()
}

/// Terraform removes the rule that lets everything out of a new group, unless the group names it.
fn inline(world: &World, resource: &Resource, direction: &str) -> Vec<Rule> {
    match attribute(resource.values.get(direction)) {
        Attribute::Known(Value::Array(blocks)) => blocks
            .iter()
            .flat_map(|block| {
                let address = |name: &str| format!("{}.{direction}.{name}", resource.address);
                rules(world, resource, block, Some(direction), &address)
            })
            .collect(),
        Attribute::Unknown(_) if resource.sets(direction) => vec![Rule {
            traffic: Traffic::All,
            peer: Peer::Unreadable(unreadable(&resource.attribute_address(direction))),
        }],
        _ => Vec::new(),
    }
}

/// The peer of a rule where it is not known, as text.
fn unreadable(address: &str) -> String {
    format!("{address}, known only after apply")
}

/// One rule for each peer of a block, or of a resource that is like one.
fn rules(
    world: &World,
    resource: &Resource,
    block: &Value,
    inline: Option<&str>,
    address: &dyn Fn(&str) -> String,
) -> Vec<Rule> {
    let traffic = traffic(
        block.get("protocol").and_then(Value::as_str).unwrap_or("-1"),
        port(block, "from_port"),
        port(block, "to_port"),
    );
    let mut peers = Vec::new();
    for name in ["cidr_blocks", "ipv6_cidr_blocks"] {
        match attribute(block.get(name)) {
            Attribute::Known(Value::Array(ranges)) => {
                peers.extend(ranges.iter().map(|text| {
                    let net = text.as_str().and_then(range);
                    net.map_or_else(|| Peer::Unreadable(unreadable(&address(name))), Peer::Cidr)
                }));
            }
            Attribute::Unknown(_) if inline.is_some() || resource.sets(name) => {
                peers.push(Peer::Unreadable(unreadable(&address(name))));
            }
            _ => {}
        }
    }
    let refers = |name: &str, kinds: &[&str]| match inline {
        Some(direction) => world.refers_in_block(resource, direction, block, name, kinds),
        None => world.refers(resource, name, kinds),
    };
    let group_attribute =
        if inline.is_some() { "security_groups" } else { "source_security_group_id" };
    peers.extend(groups(refers(group_attribute, &GROUPS)));
    peers.extend(lists(refers(
        "prefix_list_ids",
        &["aws_ec2_managed_prefix_list", "aws_prefix_list", "aws_vpc_endpoint"],
    )));
    if block.get("self").and_then(Value::as_bool) == Some(true) {
        let own = match inline {
            Some(_) => Known::Value(vec![resource.id.clone()]),
            None => world.refers(resource, "security_group_id", &GROUPS),
        };
        peers.extend(groups(own));
    }
    peers.into_iter().map(|peer| Rule { traffic: traffic.clone(), peer }).collect()
}

/// The rule of a resource that has one peer.
fn single(world: &World, resource: &Resource) -> Vec<Rule> {
    let traffic = traffic(
        resource.known("ip_protocol").as_deref().unwrap_or("-1"),
        port(&resource.values, "from_port"),
        port(&resource.values, "to_port"),
    );
    let mut peers: Vec<Peer> = Vec::new();
    for name in ["cidr_ipv4", "cidr_ipv6"] {
        match resource.text(name) {
            Known::None => {}
            Known::Value(text) => {
                peers.push(range(&text).map_or_else(|| Peer::Unreadable(text.clone()), Peer::Cidr));
            }
            Known::Unknown(_, address) => peers.push(Peer::Unreadable(unreadable(&address))),
        }
    }
    peers.extend(groups(world.refers(resource, "referenced_security_group_id", &GROUPS)));
    peers.extend(lists(world.refers(
        resource,
        "prefix_list_id",
        &["aws_ec2_managed_prefix_list", "aws_prefix_list", "aws_vpc_endpoint"],
    )));
    peers.into_iter().map(|peer| Rule { traffic: traffic.clone(), peer }).collect()
}

fn groups(ids: Known<Vec<String>>) -> Vec<Peer> {
    peers(ids, |id| id.parse().ok().map(Peer::Group))
}

fn lists(ids: Known<Vec<String>>) -> Vec<Peer> {
    peers(ids, |id| id.parse().ok().map(Peer::List))
}

fn peers(ids: Known<Vec<String>>, read: impl Fn(&str) -> Option<Peer>) -> Vec<Peer> {
    match ids {
        Known::None => Vec::new(),
        Known::Value(ids) => ids
            .iter()
            // A group of a peer in another account is `account/sg-…`.
            .map(|id| {
                read(id.rsplit('/').next().unwrap_or(id))
                    .unwrap_or_else(|| Peer::Unreadable(id.clone()))
            })
            .collect(),
        Known::Unknown(_, address) => vec![Peer::Unreadable(unreadable(&address))],
    }
}

fn put(rows: &mut Rows, world: &World, resource: &Resource, egress: bool, rules: Vec<Rule>) {
    let group = match world.refers_to_one(resource, "security_group_id", &GROUPS) {
        Known::Value(id) => id.parse::<SecurityGroupId>().ok(),
        Known::None => None,
        // Any group may have these rules.
        Known::Unknown(_, address) => {
            for group in rows.facts.security_groups.values_mut().filter_map(Row::present_mut) {
                let list = if egress { &mut group.egress } else { &mut group.ingress };
                list.extend(rules.iter().map(|rule| Rule {
                    peer: Peer::Unreadable(unreadable(&address)),
                    ..rule.clone()
                }));
            }
            return;
        }
    };
    let Some(group) = group else { return };
    // If the plan does not contain the group, its rules alone do not show the whole group.
    let Some(Row::Present(group)) = rows.facts.security_groups.get_mut(&group) else { return };
    let list = if egress { &mut group.egress } else { &mut group.ingress };
    for rule in rules {
        // The state of a group lists its rules, those of other resources too.
        if !list.contains(&rule) {
            list.push(rule);
        }
    }
}

fn port(block: &Value, name: &str) -> u16 {
    let number = block.get(name).and_then(Value::as_i64).unwrap_or_default();
    u16::try_from(number).unwrap_or_default()
}

pub(super) fn traffic(protocol: &str, first: u16, last: u16) -> Traffic {
    match protocol.to_ascii_lowercase().as_str() {
        "-1" | "all" => Traffic::All,
        "tcp" | "6" => Traffic::Tcp(first, last),
        "udp" | "17" => Traffic::Udp(first, last),
        other => Traffic::Other(other.into()),
    }
}
