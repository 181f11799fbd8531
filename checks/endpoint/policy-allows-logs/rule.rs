//! The policies of endpoints on the way let sessions be logged.
//!
//! A policy may let the agent look at the bucket or the log group, and still deny it to write the log.
//! Sessions work then, without any message.

use super::policy_allows_gates::on_path;
use crate::engine::permission::endpoint_policy::EndpointRequest;
use crate::prelude::*;
use ssm_doctor_analysis::session::Preferences;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Degrades,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::available::CHECK,
        &crate::preferences::document_readable::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

const NOTHING: &str = "no session log passes an endpoint with a policy";
const TARGETS: [(&str, &str); 2] = [("s3", "s3BucketName"), ("logs", "cloudWatchLogGroupName")];

fn run(case: &Case) -> Judged {
    let preferences = preferences(case)?;
    Ok(all_of(TARGETS, NOTHING, |(service, field)| {
        answer(judge(service, field, &preferences, case))
    })?)
}

fn judge(service: &'static str, field: &str, preferences: &Preferences, case: &Case) -> Judged {
    preferences.text(field)?.or_not_applicable(NOTHING)?;
    let policy = on_path(case, service)?.or_not_applicable(NOTHING)?;
    if let Some(open) = policy.allows_everything() {
        return Ok(open);
    }
    let role = role(case)?;
    let (partition, account) = (role.arn.partition(), role.arn.account());
    let (actions, logs): (&[&str], _) = if service == "s3" {
        (&["s3:PutObject"], preferences.objects(partition)?)
    } else {
        let streams = preferences.streams(partition, &case.scope.region, account)?;
        (&["logs:CreateLogStream", "logs:PutLogEvents"], streams)
    };
    let logs = logs.or_not_applicable(NOTHING)?;
    let identity = role.identity(case.scope);
    let requests: Vec<EndpointRequest> = actions
        .iter()
        .map(|action| EndpointRequest { action, resource: &logs.one, granted: &logs.all })
        .collect();
    Ok(policy.judge(&identity, &requests, case)?)
}
