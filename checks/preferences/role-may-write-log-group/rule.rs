//! The agent's role may write the session's log.
//!
//! If it may not, sessions work and are not logged, and nobody is told.

use alloc::vec;

use crate::prelude::*;
use ssm_doctor_analysis::{
    permissions::{
        access::{Access, Grant},
        credentials::{agent_role, log_groups_of},
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

const NOT_LOGGED: &str = "sessions are not logged to CloudWatch";
const WRITE: [&str; 3] = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"];

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let gate = preferences.flag("cloudWatchEncryptionEnabled")?;
    if preferences.text("cloudWatchLogGroupName")?.is_none() {
        return Ok(Verdict::NotApplicable(NOT_LOGGED));
    }
    let Some(role) = agent_role(case)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let who = role.who(case.scope);
    let (partition, account) = (role.arn.partition(), role.arn.account());
    let Some(streams) = preferences.streams(partition, &case.scope.region, account)? else {
        return Ok(Verdict::NotApplicable(NOT_LOGGED));
    };
    let writing = Access {
        who: &who,
        actions: &WRITE,
        resource: &streams.one,
        grant: Grant::Inline {
            purpose: "session-logs-write",
            actions: &WRITE,
            resource: &streams.all,
        },
        recovery: Recovery::NextSession,
    };
    let groups = log_groups_of(&role.arn, case.scope);
    let looking = Access {
        actions: &["logs:DescribeLogGroups"],
        resource: &groups,
        grant: super::role_may_check_log_group::LOOK,
        ..writing
    };
    let needed = if gate { vec![writing] } else { vec![writing, looking] };
    all_of(needed, "nothing is needed", |it| it.judge(case))
}
