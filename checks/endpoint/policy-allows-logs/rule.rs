//! The policies of endpoints on the way let sessions be logged.
//!
//! A policy that lets the agent look at the bucket or the log group, or that nothing waits for, may still
//! keep the log itself out. Sessions work, and nobody is told.

use crate::endpoint::policy_allows_agent::{open_to_all, passes, policy_on_the_way};
use crate::prelude::*;
use ssm_doctor_analysis::{
    permissions::{credentials::agent_role, judge::Question},
    session::{self, Gates},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Degrades,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::available::CHECK,
        &super::policy_allows_gates::CHECK,
        &crate::preferences::document_readable::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
    ],
    proves: &[],
    run,
};

const NOTHING: &str = "no session log passes an endpoint with a policy";
const TARGETS: [(&str, &str); 2] = [("s3", "s3BucketName"), ("logs", "cloudWatchLogGroupName")];

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    all_of(TARGETS, NOTHING, |(service, field)| {
        if preferences.text(field)?.is_none() {
            return Ok(Verdict::NotApplicable(NOTHING));
        }
        let Some((endpoint, text)) = policy_on_the_way(case, service)? else {
            return Ok(Verdict::NotApplicable(NOTHING));
        };
        if let Some(open) = open_to_all(endpoint, text) {
            return Ok(open);
        }
        let Some(role) = agent_role(case)? else {
            return Ok(Verdict::NotApplicable("the agent has no role"));
        };
        let (partition, account) = (role.arn.partition(), role.arn.account());
        let (actions, logs): (&[&str], _) = if service == "s3" {
            (&["s3:PutObject"], preferences.objects(partition)?)
        } else {
            let streams = preferences.streams(partition, &case.scope.region, account)?;
            (&["logs:CreateLogStream", "logs:PutLogEvents"], streams)
        };
        let Some(logs) = logs else { return Ok(Verdict::NotApplicable(NOTHING)) };
        let who = role.who(case.scope);
        all_of(actions, NOTHING, |action| {
            let question = Question { who: &who, action, resource: &logs.one };
            passes(question, (service, endpoint, text), case)
        })
    })
}
