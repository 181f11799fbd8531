//! The agent's role may put the session's log into the bucket.
//!
//! If it may not, sessions work and are not logged, and nobody is told. The agent sends the ACL
//! `bucket-owner-full-control` with every object; whether a bucket without ACLs asks the right to set
//! one is not documented, and AWS's own sample policies leave `s3:PutObjectAcl` out.

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
    let Some(role) = agent_role(case)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let Some(objects) = preferences.objects(role.arn.partition())? else {
        return Ok(Verdict::NotApplicable("sessions are not logged to S3"));
    };
    let who = role.who(case.scope);
    let access = |actions| Access {
        who: &who,
        actions,
        resource: &objects.one,
        grant: Grant::Inline {
            purpose: "session-logs-put",
            actions: &["s3:PutObject", "s3:PutObjectAcl"],
            resource: &objects.all,
        },
        recovery: Recovery::NextSession,
    };
    let guard = Guard::of_bucket(&bucket, case.facts, role.arn.account());
    let put = access(&["s3:PutObject"]).judge_past(Some(&guard), case);
    let acl = access(&["s3:PutObjectAcl"]).judge_past(Some(&guard), case);
    match (put, acl) {
        (Ok(Verdict::Pass(_)), Ok(Verdict::Fail(..))) => Err(Unknown::limit(format!(
            "{} may put objects into {bucket} without s3:PutObjectAcl; whether S3 asks for it depends on the bucket's Object Ownership",
            role.name
        ))),
        (Ok(Verdict::Pass(put)), Ok(Verdict::Pass(acl))) => Ok(Verdict::Pass(put.and(acl))),
        (Err(put), Err(acl)) => Err(put.and(acl)),
        (Ok(Verdict::Pass(_)), acl) => acl,
        (put, _) => put,
    }
}
