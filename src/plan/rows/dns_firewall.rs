//! DNS Firewall: which rule groups a VPC has, their rules, and the domains of these.

use std::collections::BTreeMap;

use ssm_doctor_facts::{
    ids::{FirewallGroupId, FirewallListId, VpcId},
    lookup::{Row, Why},
    route53::{FirewallAction, FirewallAssociation, FirewallDomains, FirewallRule, Redirection},
};

use super::{
    dns::plain,
    row::{Rows, VPCS, unknown},
};
use crate::plan::world::{Home, Known, Resource, World};

pub(super) const GROUP: [&str; 1] = ["aws_route53_resolver_firewall_rule_group"];
const LIST: [&str; 1] = ["aws_route53_resolver_firewall_domain_list"];

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &LIST) {
        let Ok(id) = resource.id.parse::<FirewallListId>() else { continue };
        let row = match resource.text("domains") {
            Known::Unknown(why, address) => unknown(why, &address),
            // One that is only looked up has domains that the plan does not show.
            _ if resource.data => unknown(Why::NotInPlan, &resource.attribute_address("domains")),
            _ => {
                let domains = resource.texts("domains");
                let domains = domains.iter().map(|domain| plain(domain)).collect();
                Row::Present(FirewallDomains { managed: false, domains })
            }
        };
        rows.facts.firewall_domains.insert(id, row);
    }
    for resource in world.of(home, &GROUP).filter(|group| !group.data) {
        let Ok(id) = resource.id.parse::<FirewallGroupId>() else { continue };
        rows.facts.firewall_rules.insert(id, Row::Present(Vec::new()));
    }
    rules(rows, world, home);
    for resource in world.of(home, &["aws_route53_resolver_firewall_rule_group_association"]) {
        let group = world.id_in::<FirewallGroupId>(resource, "firewall_rule_group_id", &GROUP);
        let vpc = world.id_in::<VpcId>(resource, "vpc_id", &VPCS);
        let (Some(group), Some(vpc)) = (group, vpc) else { continue };
        let Some(priority) = number(resource, "priority") else {
            let row = unknown(Why::AfterApply, &resource.attribute_address("priority"));
            rows.facts.firewall_groups.insert(vpc, row);
            continue;
        };
        if let Some(list) = rows.list_of(&vpc, |facts| &mut facts.firewall_groups) {
            list.push(FirewallAssociation { group, priority });
        }
    }
}

fn rules(rows: &mut Rows, world: &World, home: &Home) {
    let mut open: BTreeMap<FirewallGroupId, String> = BTreeMap::new();
    for resource in world.of(home, &["aws_route53_resolver_firewall_rule"]) {
        let group = world.id_in::<FirewallGroupId>(resource, "firewall_rule_group_id", &GROUP);
        let Some(group) = group else { continue };
        match rule(world, resource) {
            Ok(rule) => {
                if let Some(Row::Present(rules)) = rows.facts.firewall_rules.get_mut(&group) {
                    rules.push(rule);
                }
            }
            Err(address) => _ = open.insert(group, address),
        }
    }
    for (group, address) in open {
        rows.facts.firewall_rules.insert(group, unknown(Why::AfterApply, &address));
    }
}

/// # Errors
/// The address of an attribute that is known only after apply.
fn rule(world: &World, resource: &Resource) -> Result<FirewallRule, String> {
    let domains = match world.refers_to_one(resource, "firewall_domain_list_id", &LIST) {
        Known::Value(id) => id.parse().ok(),
        Known::None => None,
        Known::Unknown(_, address) => return Err(address),
    };
    let known = |name: &str| resource.known(name).ok_or_else(|| resource.attribute_address(name));
    Ok(FirewallRule {
        name: known("name")?,
        priority: number(resource, "priority")
            .ok_or_else(|| resource.attribute_address("priority"))?,
        action: FirewallAction::from(known("action")?),
        domains,
        query_type: resource.known("q_type"),
        redirection: resource.known("firewall_domain_redirection_action").map(Redirection::from),
    })
}

fn number(resource: &Resource, name: &str) -> Option<i32> {
    i32::try_from(resource.values.get(name)?.as_i64()?).ok()
}
