//! The policies of endpoints on the way let the agent do what this session waits for.
//!
//! Encryption and logging preferences make the agent call KMS, S3 or `CloudWatch` Logs before the
//! prompt appears, from the same subnet and so through the same kind of endpoints.

use super::policy_allows_agent::{open_to_all, passes, policy_on_the_way};
use crate::{
    prelude::*,
    solve::{
        credentials::{agent_role, log_groups_of},
        judge::Question,
        reach,
        session::{self, Gates},
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("policy_allows_gates.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::available::CHECK,
        &crate::preferences::document_readable::CHECK,
        &crate::preferences::session_key_usable::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
    ],
    proves: &[],
    run,
};

/// Has any endpoint for such a service a policy, whichever way names lead?
fn some_gate_has_a_policy(facts: &Facts, scope: &Scope) -> Result<bool, Unknown> {
    let Some(id) = scope.target.instance() else { return Ok(false) };
    let Some(vpc) = &facts.instance(id).required()?.vpc else { return Ok(false) };
    let endpoints = facts.endpoints(vpc).required()?;
    Ok(endpoints.iter().any(|it| {
        matches!(it.serves(&scope.region), Some("kms" | "logs" | "s3")) && it.policy.is_some()
    }))
}

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let nothing =
        "nothing that this session waits for is reached through an endpoint with a policy";
    let gates = session::gates(facts, scope);
    if let Ok(Gates::None(why)) = gates {
        return Ok(Verdict::NotApplicable(why));
    }
    // Either is enough to say that the question does not arise.
    let services = match (reach::gate_services(facts, scope), some_gate_has_a_policy(facts, scope))
    {
        (_, Ok(false)) => Vec::new(),
        (Ok(services), Ok(true)) => services,
        (Ok(services), Err(_)) if services.is_empty() => services,
        (Err(a), Err(b)) => return Err(a.and(b)),
        (Err(unknown), Ok(true)) | (Ok(_), Err(unknown)) => return Err(unknown),
    };
    if services.is_empty() {
        return Ok(Verdict::NotApplicable(nothing));
    }
    let Gates::Apply(preferences) = gates? else {
        return Ok(Verdict::NotApplicable(nothing));
    };
    all_of(services, nothing, |service| {
        let Some((endpoint, text)) = policy_on_the_way(facts, scope, service)? else {
            return Ok(Verdict::NotApplicable("no endpoint's policy on the way"));
        };
        if let Some(open) = open_to_all(endpoint, text) {
            return Ok(open);
        }
        let Some(role) = agent_role(facts, scope)? else {
            return Ok(Verdict::NotApplicable("the agent has no role"));
        };
        let (action, resource) = match service {
            "kms" => match preferences.key(facts)? {
                Some(key) => ("kms:Decrypt", key.arn.to_string()),
                None => return Ok(Verdict::NotApplicable("the key does not exist")),
            },
            "s3" => match preferences.bucket()? {
                Some(bucket) => {
                    let partition = role.arn.partition();
                    ("s3:GetEncryptionConfiguration", format!("arn:{partition}:s3:::{bucket}"))
                }
                None => return Ok(Verdict::NotApplicable("no bucket is named")),
            },
            "logs" => ("logs:DescribeLogGroups", log_groups_of(&role.arn, scope)),
            _ => return Ok(Verdict::NotApplicable("nothing waits for it")),
        };
        let who = role.who(scope);
        let question = Question { who: &who, action, resource: &resource };
        passes(question, (service, endpoint, text), facts, scope)
    })
}
