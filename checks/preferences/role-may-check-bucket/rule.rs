//! The agent's role may look whether the log bucket is encrypted.
//!
//! With "enforce encryption" on, the agent calls `GetBucketEncryption` before it starts a shell, and
//! any error refuses the session.

use crate::engine::permission::{Grant, Permission};
use crate::preferences_remedies::bucket_policy;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::resource_policy::ResourcePolicy;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: crate::path::joined!(
        &[&super::document_readable::CHECK],
        crate::agent_role::USABLE
    ),
    proves: &[],
    run: |case| answer(run(case)),
};

const CHECK_ENCRYPTION: [&str; 1] = ["s3:GetEncryptionConfiguration"];

fn run(case: &Case) -> Judged {
    let preferences = preferences(case)?;
    let bucket = preferences.bucket()?.or_not_applicable("sessions are not logged to S3")?;
    if !preferences.flag("s3EncryptionEnabled")? {
        return Ok(Verdict::NotApplicable(
            "the bucket need not be encrypted, so nothing waits for it",
        ));
    }
    let role = role(case)?;
    let identity = role.identity(case.scope);
    let arn = format!("arn:{}:s3:::{bucket}", role.arn.partition());
    let mut grant = bucket_policy(&preferences, &role, case)?
        .or_not_applicable("sessions are not logged to S3")?;
    grant.resource.clone_from(&arn);
    let permission = Permission {
        identity: &identity,
        actions: &CHECK_ENCRYPTION,
        resource: &arn,
        grant: Grant::Inline(&grant),
        recovery: Recovery::NextSession,
    };
    let policy = ResourcePolicy::of_bucket(&bucket, case.facts, role.arn.account());
    Ok(permission.judge_with(Some(&policy), case)?)
}
