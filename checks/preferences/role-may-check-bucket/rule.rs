//! The agent's role may look whether the log bucket is encrypted.
//!
//! With "enforce encryption" on, the agent calls `GetBucketEncryption` before it starts a shell, and
//! any error refuses the session.

use crate::prelude::*;
use ssm_doctor_analysis::{
    permissions::{
        access::{Access, Grant},
        credentials::agent_role,
        judge::Guard,
    },
    session::{self, Gates},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
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
    if !preferences.flag("s3EncryptionEnabled")? {
        return Ok(Verdict::NotApplicable(
            "the bucket need not be encrypted, so nothing waits for it",
        ));
    }
    let Some(role) = agent_role(case)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let who = role.who(case.scope);
    let arn = format!("arn:{}:s3:::{bucket}", role.arn.partition());
    let access = Access {
        who: &who,
        actions: &["s3:GetEncryptionConfiguration"],
        resource: &arn,
        grant: Grant::Inline {
            purpose: "session-logs-check",
            actions: &["s3:GetEncryptionConfiguration"],
            resource: &arn,
        },
        recovery: Recovery::NextSession,
    };
    let guard = Guard::of_bucket(&bucket, case.facts, role.arn.account());
    access.judge_past(Some(&guard), case)
}
