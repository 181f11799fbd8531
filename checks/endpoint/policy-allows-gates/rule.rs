//! The policies of endpoints on the way let the agent do what this session waits for.
//!
//! Encryption and logging preferences make the agent call KMS, S3 or `CloudWatch` Logs before the
//! prompt appears, from the same subnet and so through the same kind of endpoints.

use crate::endpoint::policy_allows_agent::{open_to_all, passes, policy_on_the_way};
use crate::prelude::*;
use ssm_doctor_analysis::{
    network::service,
    permissions::{
        credentials::{agent_role, log_groups_of},
        judge::Question,
    },
    session::{self, Gates},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
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

/// What a gate may wait for.
const SERVICES: [&str; 3] = ["kms", "logs", "s3"];
const NOTHING: &str =
    "nothing that this session waits for is reached through an endpoint with a policy";

fn run(case: &Case) -> Answer {
    let gates = session::gates(case);
    if let Ok(Gates::None(why)) = gates {
        return Ok(Verdict::NotApplicable(why));
    }
    let services = match service::gate_services(case) {
        Ok(services) => services,
        // Which of them it waits for decides nothing where none is reached through a policy.
        Err(unknown) => {
            for service in SERVICES {
                match policy_on_the_way(case, service) {
                    Ok(None) => {}
                    Ok(Some(_)) => return Err(unknown),
                    Err(way) => return Err(unknown.and(way)),
                }
            }
            return Ok(Verdict::NotApplicable(NOTHING));
        }
    };
    if services.is_empty() {
        return Ok(Verdict::NotApplicable(NOTHING));
    }
    let Gates::Apply(preferences) = gates? else {
        return Ok(Verdict::NotApplicable(NOTHING));
    };
    all_of(services, NOTHING, |service| {
        let Some((endpoint, text)) = policy_on_the_way(case, service)? else {
            return Ok(Verdict::NotApplicable("no endpoint's policy on the way"));
        };
        if let Some(open) = open_to_all(endpoint, text) {
            return Ok(open);
        }
        let Some(role) = agent_role(case)? else {
            return Ok(Verdict::NotApplicable("the agent has no role"));
        };
        let (action, resource) = match service {
            "kms" => match preferences.guarded_key(case)? {
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
            "logs" => ("logs:DescribeLogGroups", log_groups_of(&role.arn, case.scope)),
            _ => return Ok(Verdict::NotApplicable("nothing waits for it")),
        };
        let who = role.who(case.scope);
        let question = Question { who: &who, action, resource: &resource };
        passes(question, (service, endpoint, text), case)
    })
}
