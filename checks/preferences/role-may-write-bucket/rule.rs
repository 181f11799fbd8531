//! The agent's role may put the session's log into the bucket.
//!
//! If it may not, sessions work and are not logged, without any message. The agent sends the ACL
//! `bucket-owner-full-control` with every object; whether a bucket without ACLs asks the right to set
//! one is not documented, and AWS's own sample policies leave `s3:PutObjectAcl` out.

use crate::engine::permission::{Grant, Permission};
use crate::preferences_remedies::bucket_policy;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::resource_policy::ResourcePolicy;
use ssm_doctor_facts::lookup::both;

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
    let role = role(case)?;
    let objects = preferences
        .objects(role.arn.partition())?
        .or_not_applicable("sessions are not logged to S3")?;
    let identity = role.identity(case.scope);
    let grant = bucket_policy(&preferences, &role, case)?
        .or_not_applicable("sessions are not logged to S3")?;
    let permission = |actions| Permission {
        identity: &identity,
        actions,
        resource: &objects.one,
        grant: Grant::Inline(&grant),
        recovery: Recovery::NextSession,
    };
    let policy = ResourcePolicy::of_bucket(&bucket, case.facts, role.arn.account());
    let put = permission(&["s3:PutObject"]).judge_with(Some(&policy), case);
    let acl = permission(&["s3:PutObjectAcl"]).judge_with(Some(&policy), case);
    // A denial of the objects themselves is decisive, whatever is known of their ACL.
    if let Ok(Verdict::Fail(..)) = put {
        return Ok(put?);
    }
    match both(put, acl)? {
        (Verdict::Pass(_), Verdict::Fail(..)) => Err(Unknown::limit(format!(
            "{} may put objects into {bucket} without s3:PutObjectAcl; whether S3 asks for it depends on the bucket's Object Ownership",
            role.name
        ))
        .into()),
        (Verdict::Pass(put), Verdict::Pass(acl)) => Ok(Verdict::Pass(put.and(acl))),
        (put, _) => Ok(put),
    }
}
