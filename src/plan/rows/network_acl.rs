//! Network ACLs.

use serde_json::Value;
use ssm_doctor_facts::{
    ec2::{AclEntry, NetworkAcl, Peer, Traffic},
    ids::{NetworkAclId, SubnetId, VpcId},
    lookup::Row,
};

use super::{
    row::{ACLS, Rows, SUBNETS, VPCS, range},
    security_group::traffic,
    vpc::default_in,
};
use crate::plan::{
    identity::DEFAULT_NETWORK_ACL,
    world::{Home, Resource, World},
};

/// The rule that no other comes after. Source: VPC guide, "Network ACL rules".
const LAST: i32 = 32767;

const DEFAULT: &str = "aws_default_network_acl";

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &VPCS).filter(|vpc| !vpc.data) {
        let (Ok(vpc), Ok(id)) = (resource.id.parse(), default_acl(resource).parse()) else {
            continue;
        };
        let open = |egress| entry(100, egress, true, Traffic::All, "0.0.0.0/0");
        let entries = [open(false), open(true)].into_iter().flatten().collect();
        push(rows, &vpc, NetworkAcl { id, default: true, subnets: Vec::new(), entries });
    }
    for resource in world.of(home, &ACLS) {
        let is_default = resource.kind == DEFAULT;
        let Some((vpc, id)) = place(world, resource) else { continue };
        let entries = ["ingress", "egress"].iter().flat_map(|direction| {
            let egress = *direction == "egress";
            resource.items(direction).iter().flat_map(move |block| from_block(block, egress))
        });
        let mut entries: Vec<AclEntry> = entries.collect();
        for former in world.former(home, &["aws_network_acl_rule"]) {
            let egress = former.flag("egress", false);
            let name = if egress { "egress" } else { "ingress" };
            if world.refers_to(former, "network_acl_id", &ACLS, id.as_str()) && !resource.sets(name)
            {
                let deleted = from_block(&former.values, egress);
                entries.retain(|entry| !deleted.contains(entry));
            }
        }
        if let Some(Row::Present(acls)) = rows.facts.network_acls.get_mut(&vpc) {
            acls.retain(|acl| acl.id != id);
        }
        push(rows, &vpc, NetworkAcl { id, default: is_default, subnets: Vec::new(), entries });
    }
    for resource in world.of(home, &["aws_network_acl_rule"]) {
        let egress = resource.flag("egress", false);
        let direction = if egress { "egress" } else { "ingress" };
        if world.is_overruled(resource, "network_acl_id", &ACLS, direction) {
            continue;
        }
        let acl = world.refers_to_one(resource, "network_acl_id", &ACLS).value();
        let entries = from_block(&resource.values, egress);
        if let Some(acl) = acl.and_then(|id| find(rows, &id)) {
            // The state of a network ACL lists its rules, those of other resources too.
            let new: Vec<AclEntry> =
                entries.into_iter().filter(|entry| !acl.entries.contains(entry)).collect();
            acl.entries.extend(new);
        }
    }
    associate(rows, world, home);
}

fn default_acl(vpc: &Resource) -> String {
    let id = vpc.known("default_network_acl_id");
    id.unwrap_or_else(|| DEFAULT_NETWORK_ACL.id(&vpc.id))
}

pub(super) fn place(world: &World, resource: &Resource) -> Option<(VpcId, NetworkAclId)> {
    if resource.kind == DEFAULT {
        return default_in(world, resource, "default_network_acl_id", default_acl);
    }
    Some((world.id_in(resource, "vpc_id", &VPCS)?, resource.id.parse().ok()?))
}

fn push(rows: &mut Rows, vpc: &VpcId, mut acl: NetworkAcl) {
    for egress in [false, true] {
        acl.entries.extend(entry(LAST, egress, false, Traffic::All, "0.0.0.0/0"));
    }
    if let Some(acls) = rows.list_of(vpc, |facts| &mut facts.network_acls) {
        acls.push(acl);
    }
}

fn find<'r>(rows: &'r mut Rows, id: &str) -> Option<&'r mut NetworkAcl> {
    let lists = rows.facts.network_acls.values_mut().filter_map(Row::present_mut);
    lists.flatten().find(|acl| acl.id.as_str() == id)
}

/// One entry for each of a block's ranges.
fn from_block(block: &Value, egress: bool) -> Vec<AclEntry> {
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| block.get(name));
        found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let number = ["rule_no", "rule_number"].iter().find_map(|name| block.get(name)?.as_i64());
    let number = number.and_then(|number| i32::try_from(number).ok()).unwrap_or(LAST);
    let allow = text(["action", "rule_action"]).is_some_and(|word| word == "allow");
    let port = |name: &str| {
        let port = block.get(name).and_then(Value::as_i64).unwrap_or_default();
        u16::try_from(port).unwrap_or_default()
    };
    let protocol = text(["protocol", "protocol"]).unwrap_or_else(|| "-1".into());
    let traffic = traffic(&protocol, port("from_port"), port("to_port"));
    ["cidr_block", "ipv6_cidr_block"]
        .iter()
        .filter_map(|name| block.get(name)?.as_str().filter(|text| !text.is_empty()))
        .filter_map(|text| entry(number, egress, allow, traffic.clone(), text))
        .collect()
}

fn entry(number: i32, egress: bool, allow: bool, traffic: Traffic, peer: &str) -> Option<AclEntry> {
    Some(AclEntry { number, egress, allow, traffic, peer: Peer::Cidr(range(peer)?) })
}

/// Every subnet has one network ACL: the default one unless another is associated with it.
fn associate(rows: &mut Rows, world: &World, home: &Home) {
    let mut pairs: Vec<(String, SubnetId)> = Vec::new();
    for resource in world.of(home, &ACLS) {
        let Some((_, id)) = place(world, resource) else { continue };
        let subnets = world.refers(resource, "subnet_ids", &SUBNETS).value().unwrap_or_default();
        pairs.extend(
            subnets.iter().filter_map(|subnet| Some((id.to_string(), subnet.parse().ok()?))),
        );
    }
    for resource in world.of(home, &["aws_network_acl_association"]) {
        let acl = world.refers_to_one(resource, "network_acl_id", &ACLS).value();
        pairs.extend(acl.zip(world.id_in(resource, "subnet_id", &SUBNETS)));
    }
    let subnets: Vec<(SubnetId, VpcId)> = rows
        .facts
        .subnets
        .iter()
        .filter_map(|(id, row)| Some((id.clone(), row.present()?.vpc.clone())))
        .collect();
    for (subnet, vpc) in subnets {
        let given = pairs.iter().find(|(_, other)| *other == subnet).map(|(acl, _)| acl.clone());
        let Some(Row::Present(acls)) = rows.facts.network_acls.get_mut(&vpc) else { continue };
        let acl = acls.iter_mut().find(|acl| match &given {
            Some(given) => acl.id.as_str() == given,
            None => acl.default,
        });
        if let Some(acl) = acl {
            acl.subnets.push(subnet);
        }
    }
}
