//! What a plan does not say of the world around it.
//!
//! Three kinds of answers. AWS has them for whatever is new, so that they are certain. They follow from rows
//! that are there. Or they are settings of the account, which the plan shows only where it changes them: these
//! are taken as AWS sets them, and the report says so. Everything else is not known.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use ssm_doctor_analysis::{
    case::Case, permissions::managed_policies, session::PREFERENCES, what_if,
};
use ssm_doctor_checks::engine::diagnosis::examine;
use ssm_doctor_facts::{
    ec2::{BlockMode, Endpoint, NetworkInterface, PublicAccessBlock},
    iam::ManagedPolicy,
    ids::Arn,
    lookup::{Absent, Facts, Need, Row, Unknown, Why},
    scope::Scope,
    ssm::{Connection, ManagedNode, Ping},
    text::Text,
};

/// What is assumed of an account's settings, as sentences.
pub type Assumptions = BTreeSet<&'static str>;

/// Answers every open question of the checks.
pub fn complete(facts: &mut Facts, scope: &Scope, assumptions: &mut Assumptions) {
    loop {
        let answers = examine(&Case::new(facts, scope));
        let open =
            answers.into_iter().filter_map(|(_, answer)| answer.err()).flat_map(Unknown::unasked);
        let open: Vec<Need> = open.filter(|need| !facts.has(need)).collect();
        if open.is_empty() {
            return;
        }
        for need in open {
            if !facts.has(&need) && !answer(facts, &need, assumptions) {
                facts.give_up(&need, Why::NotInPlan, "");
            }
        }
    }
}

/// The agent of an instance that does not exist yet: it has not reported, and its version is assumed.
pub fn assume_agent(facts: &mut Facts, scope: &Scope, version: &str) {
    let node = ManagedNode {
        ping: Ping::Inactive,
        last_ping: None,
        agent_version: Some(version.into()),
        platform: None,
        platform_name: None,
        computer_name: None,
        role: None,
        source_type: None,
        registered_at: None,
        activation: None,
        ip: None,
    };
    facts.nodes.entry(scope.target.clone()).or_insert(Row::Present(node));
    facts.connections.entry(scope.target.clone()).or_insert(Row::Present(Connection::NotConnected));
}

/// False if nothing says it.
fn answer(facts: &mut Facts, need: &Need, assumptions: &mut Assumptions) -> bool {
    match need {
        Need::simulation(question) => {
            let Some(simulation) = what_if::simulated(facts, question) else { return false };
            facts.simulations.insert(question.clone(), Row::Present(simulation));
        }
        Need::managed_policy(arn) => {
            let Some(document) = managed_by_aws(arn) else { return false };
            let row = ManagedPolicy { version: "(current)".into(), document: Text::Json(document) };
            facts.managed_policies.insert(arn.clone(), Row::Present(row));
        }
        Need::role_tags(name) => {
            facts.role_tags.insert(name.clone(), Row::Present(BTreeMap::new()));
        }
        Need::service_endpoints(service) => {
            let of_service = |endpoint: &&Endpoint| endpoint.service == service.as_str();
            let found = endpoints(facts).filter(of_service).cloned().collect();
            facts.service_endpoints.insert(service.clone(), Row::Present(found));
        }
        Need::distant_endpoint(id) => {
            let found = endpoints(facts).find(|endpoint| endpoint.id == *id).cloned();
            let Some(found) = found else { return false };
            facts.distant_endpoints.insert(id.clone(), Row::Present(found));
        }
        Need::interface_at(place) => {
            let in_vpc = |interface: &NetworkInterface| {
                let subnet = facts.subnets.get(&interface.subnet);
                matches!(subnet, Some(Row::Present(subnet)) if subnet.vpc == place.vpc)
                    && interface.private_ips.contains(&place.address)
            };
            let mut interfaces = facts.network_interfaces.values().filter_map(Row::present);
            let Some(found) = interfaces.find(|interface| in_vpc(interface)).cloned() else {
                return false;
            };
            facts.interfaces_at.insert(place.clone(), Row::Present(found));
        }
        Need::document(name) if name.as_str() == PREFERENCES => {
            assumptions
                .insert("the account has no Session Manager preferences of its own in this Region");
            facts.documents.insert(name.clone(), Row::Absent(Absent::Absent));
        }
        Need::service_setting(id) => {
            assumptions.insert("Systems Manager's service settings are AWS's defaults (Default Host Management is off)");
            facts.service_settings.insert(*id, Row::Absent(Absent::Absent));
        }
        Need::public_access_block(region) => {
            assumptions.insert("VPC Block Public Access is off");
            let off = PublicAccessBlock { mode: BlockMode::Off, exclusions: Vec::new() };
            facts.public_access_blocks.insert(region.clone(), Row::Present(off));
        }
        // What is new has none of these yet.
        Need::profile_association(id) => {
            facts.profile_associations.insert(id.clone(), Row::Absent(Absent::Absent));
        }
        Need::elsewhere(id) => {
            facts.elsewhere.insert(id.clone(), Row::Present(Vec::new()));
        }
        Need::past_sessions(target) => {
            facts.past_sessions.insert(target.clone(), Row::Present(Vec::new()));
        }
        _ => return false,
    }
    true
}

/// The endpoints of all VPCs.
fn endpoints(facts: &Facts) -> impl Iterator<Item = &Endpoint> {
    facts.endpoints.values().filter_map(Row::present).flatten()
}

/// The document of a policy that AWS manages, if it is one that nodes usually have.
///
/// Source: AWS Managed Policy Reference Guide.
fn managed_by_aws(arn: &Arn) -> Option<Value> {
    const OTHERS: &str = include_str!("managed_policies.json");
    if let Some(document) = managed_policies::for_nodes(arn) {
        return Some(document);
    }
    let others: Value = serde_json::from_str(OTHERS).ok()?;
    (arn.account() == "aws").then(|| others.get(arn.name()).cloned())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_aws_are_known_and_deny_nothing() {
        let document = |arn: &str| managed_by_aws(&arn.parse().unwrap());
        for name in
            ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy", "AdministratorAccess"]
        {
            let found = document(&format!("arn:aws:iam::aws:policy/{name}")).unwrap();
            assert!(!found.to_string().contains("Deny"), "{name}");
        }
        assert!(document("arn:aws:iam::aws:policy/AWSDenyAll").is_none());
        assert!(document("arn:aws:iam::111122223333:policy/AdministratorAccess").is_none());
    }
}
