//! The agent's role may use the key that the log bucket is encrypted with.
//!
//! Putting an object into a bucket with a customer's KMS key takes `kms:GenerateDataKey` on that key
//! as well, from the role and from the key's policy. If it may not, sessions work and are not logged.

use crate::engine::permission::may_use_key;
use crate::preferences::session_key_usable::enable;
use crate::prelude::*;
use ssm_doctor_analysis::session::GuardedKey;
use ssm_doctor_facts::change::{Risk, S3Change};
use ssm_doctor_iam_policy::KeyValue;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Degrades,
    depends_on: crate::path::joined!(
        &[&super::document_readable::CHECK],
        crate::agent_role::USABLE
    ),
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let preferences = preferences(case)?;
    let bucket = preferences.bucket()?.or_not_applicable("sessions are not logged to S3")?;
    let found =
        case.facts.bucket(&bucket).optional()?.or_not_applicable("the bucket does not exist")?;
    let name = found
        .encryption
        .iter()
        .find_map(|rule| rule.key.as_ref())
        .or_not_applicable("the bucket is not encrypted with a key of one's own")?;
    // KMS was asked in the Region of the target, and knows the keys of that one alone.
    let elsewhere = found.region.as_ref().filter(|region| **region != case.scope.region);
    if let Some(region) = elsewhere {
        return Err(Unknown::limit(format!(
            "{bucket} is in {region}, and so is its key {name}, of which {} knows nothing",
            case.scope.region
        ))
        .into());
    }
    let Some(key) = case.facts.key(name).optional()? else {
        return Ok(Verdict::Fail(
            observed(name, format!("is the key of the bucket {bucket} and does not exist")),
            Fix::options([another_encryption(&bucket)], Recovery::NextSession),
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
            Fix::options(
                enable(key).into_iter().chain([another_encryption(&bucket)]),
                Recovery::NextSession,
            ),
        ));
    }
    let role = role(case)?;
    let identity = role.identity(case.scope);
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
    Ok(may_use_key(&identity, "kms:GenerateDataKey", "session-logs-key", key, case)?)
}

/// With SSE-S3, no key of one's own is in the way.
fn another_encryption(bucket: &BucketName) -> FixOption {
    FixOption::new(format!(
        "encrypt {bucket} with SSE-S3 instead (this gives up a key of your own)"
    ))
    .risking(Risk::WidensAccess)
    .with(S3Change::EncryptBucket { bucket: bucket.clone() })
}
