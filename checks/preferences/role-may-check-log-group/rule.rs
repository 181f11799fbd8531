//! The agent's role may look whether the log group is encrypted.
//!
//! With "enforce encryption" on, the agent asks before it starts a shell, and takes every failure to
//! ask for "not encrypted". `logs:DescribeLogGroups` is about the account's groups: a policy scoped to the
//! group's own ARN does not allow it.

use crate::engine::permission::{Grant, Permission};
use crate::preferences_remedies::log_group_policy;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::actions::log_groups_of;

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

fn run(case: &Case) -> Judged {
    let preferences = preferences(case)?;
    let group = preferences
        .text("cloudWatchLogGroupName")?
        .or_not_applicable("sessions are not logged to CloudWatch")?;
    if !preferences.flag("cloudWatchEncryptionEnabled")? {
        return Ok(Verdict::NotApplicable(
            "the log group need not be encrypted, so nothing waits for it",
        ));
    }
    let role = role(case)?;
    let identity = role.identity(case.scope);
    let groups = log_groups_of(&role.arn, case.scope);
    let mut grant = log_group_policy(&preferences, &role, case)?
        .or_not_applicable("sessions are not logged to CloudWatch")?;
    grant.resource = "*".into();
    let verdict = Permission {
        identity: &identity,
        actions: &["logs:DescribeLogGroups"],
        resource: &groups,
        grant: Grant::Inline(&grant),
        recovery: Recovery::NextSession,
    }
    .judge(case)?;
    Ok(match verdict {
        Verdict::Fail(evidence, fix) => Verdict::Fail(
            evidence.and(observed(
                &preferences.name,
                format!("refuses sessions unless the log group {group} is seen to be encrypted"),
            )),
            fix,
        ),
        other => other,
    })
}
