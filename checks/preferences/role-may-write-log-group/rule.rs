//! The agent's role may write the session's log.
//!
//! If it may not, sessions work and are not logged, without any message.

use alloc::vec;

use crate::engine::permission::{Grant, Permission};
use crate::preferences_remedies::log_group_policy;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::actions::log_groups_of;

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

const NOT_LOGGED: &str = "sessions are not logged to CloudWatch";
const WRITE: [&str; 3] = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"];

fn run(case: &Case) -> Judged {
    let preferences = preferences(case)?;
    let gate = preferences.flag("cloudWatchEncryptionEnabled")?;
    if preferences.text("cloudWatchLogGroupName")?.is_none() {
        return Ok(Verdict::NotApplicable(NOT_LOGGED));
    }
    let role = role(case)?;
    let identity = role.identity(case.scope);
    let (partition, account) = (role.arn.partition(), role.arn.account());
    let streams = preferences
        .streams(partition, &case.scope.region, account)?
        .or_not_applicable(NOT_LOGGED)?;
    let grant = log_group_policy(&preferences, &role, case)?.or_not_applicable(NOT_LOGGED)?;
    let writing = Permission {
        identity: &identity,
        actions: &WRITE,
        resource: &streams.one,
        grant: Grant::Inline(&grant),
        recovery: Recovery::NextSession,
    };
    let mut all = log_group_policy(&preferences, &role, case)?.or_not_applicable(NOT_LOGGED)?;
    all.resource = "*".into();
    let groups = log_groups_of(&role.arn, case.scope);
    let looking = Permission {
        actions: &["logs:DescribeLogGroups"],
        resource: &groups,
        grant: Grant::Inline(&all),
        ..writing
    };
    let needed = if gate { vec![writing] } else { vec![writing, looking] };
    Ok(all_of(needed, "nothing is needed", |permission| permission.judge(case))?)
}
