//! The agent's role may use the key that the log bucket is encrypted with.
//!
//! Putting an object into a bucket with a customer's KMS key takes `kms:GenerateDataKey` on that key
//! as well, from the role and from the key's policy. If it may not, sessions work and are not logged.

use crate::prelude::*;
use ssm_doctor_analysis::{
    permissions::{access::may_use_key, credentials::agent_role},
    session::{self, Gates, GuardedKey},
};
use ssm_doctor_iam_policy::KeyValue;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Degrades,
    depends_on: &[
        &super::document_readable::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
        &crate::identity::role_trusts_ec2::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
    ],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let Some(bucket) = preferences.bucket()? else {
        return Ok(Verdict::NotApplicable("sessions are not logged to S3"));
    };
    let Some(found) = case.facts.bucket(&bucket).optional()? else {
        return Ok(Verdict::NotApplicable("the bucket does not exist"));
    };
    let Some(name) = found.encryption.iter().find_map(|it| it.key.as_ref()) else {
        return Ok(Verdict::NotApplicable("the bucket is not encrypted with a key of one's own"));
    };
    // KMS was asked in the Region of the target, and knows the keys of that one alone.
    let elsewhere = found.region.as_ref().filter(|it| **it != case.scope.region);
    if let Some(region) = elsewhere {
        return Err(Unknown::limit(format!(
            "{bucket} is in {region}, and so is its key {name}, of which {} knows nothing",
            case.scope.region
        )));
    }
    let Some(key) = case.facts.key(name).optional()? else {
        return Ok(Verdict::Fail(
            observed(name, format!("is the key of the bucket {bucket} and does not exist")),
            Fix::new(
                format!("encrypt {bucket} with another key: nothing can be put into it"),
                Recovery::NextSession,
            )
            .aws(["s3api", "get-bucket-encryption", "--bucket", bucket.as_str()]),
        ));
    };
    if key.makes_nothing() {
        return Ok(Verdict::Fail(
            observed(
                &key.arn,
                format!(
                    "is the key of the bucket {bucket}, in state {}, and makes no data keys",
                    key.state
                ),
            ),
            Fix::new(
                format!("enable the key, or encrypt {bucket} with another"),
                Recovery::NextSession,
            )
            .aws(["kms", "describe-key", "--key-id", key.arn.as_str()]),
        ));
    }
    let Some(role) = agent_role(case)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let who = role.who(case.scope);
    // S3 asks for the role, in its own name and for the object.
    let region = found.region.as_ref().unwrap_or(&case.scope.region);
    let context = Vec::from([
        ("kms:ViaService", KeyValue::Exact(format!("s3.{region}.{}", region.dns_suffix()))),
        (
            "kms:EncryptionContext:aws:s3:arn",
            KeyValue::Prefix(format!("arn:{}:s3:::{bucket}", role.arn.partition())),
        ),
    ]);
    let key = GuardedKey { context, ..GuardedKey::of(key) };
    may_use_key(&who, "kms:GenerateDataKey", "session-logs-key", key, case)
}
