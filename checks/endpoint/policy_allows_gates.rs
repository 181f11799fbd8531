//! The policies of endpoints on the way let the agent do what this session waits for.
//!
//! Encryption and logging preferences make the agent call KMS, S3 or `CloudWatch` Logs before the
//! prompt appears, from the same subnet and so through the same kind of endpoints.

use super::policy_allows_agent::{is_open, passes, policy_on_the_way};
use crate::{
    prelude::*,
    solve::{
        credentials::agent_role,
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

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let nothing =
        "nothing that this session waits for is reached through an endpoint with a policy";
    let preferences = match session::gates(facts, scope)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    all_of(reach::gate_services(facts, scope)?, nothing, |service| {
        let Some((endpoint, text)) = policy_on_the_way(facts, scope, service)? else {
            return Ok(Verdict::NotApplicable("no endpoint's policy on the way"));
        };
        if is_open(text) {
            return Ok(Verdict::Pass(observed(
                &endpoint.id,
                "has a policy that allows everything",
            )));
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
            "logs" => ("logs:DescribeLogGroups", "*".into()),
            _ => return Ok(Verdict::NotApplicable("nothing waits for it")),
        };
        let who = role.who(scope);
        let question = Question { who: &who, action, resource: &resource };
        passes(question, (service, endpoint, text), facts, scope)
    })
}
