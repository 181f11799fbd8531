//! The agent's role may write the session's log.
//!
//! If it may not, sessions work and are not logged, and nobody is told.

use alloc::vec;

use crate::{
    prelude::*,
    solve::{
        access::{Access, Grant},
        credentials::agent_role,
        session::{self, Gates},
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("role_may_write_log_group.md"),
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

const WRITE: [&str; 3] = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"];

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let preferences = match session::gates(facts, scope)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let Some(group) = preferences.text("cloudWatchLogGroupName")? else {
        return Ok(Verdict::NotApplicable("sessions are not logged to CloudWatch"));
    };
    let gate = preferences.flag("cloudWatchEncryptionEnabled")?;
    let Some(role) = agent_role(facts, scope)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let who = role.who(scope);
    let caller = facts.caller(&Ourselves::Us).required()?;
    let (partition, account, region) = (caller.arn.partition(), &caller.account, &scope.region);
    // A stream is named by the session's id, which begins with the operator's name.
    let group = format!("arn:{partition}:logs:{region}:{account}:log-group:{group}");
    let (streams, stream) =
        (format!("{group}:*"), format!("{group}:log-stream:{}", session::EXAMPLE_ID));
    let writing = Access {
        who: &who,
        actions: &WRITE,
        resource: &stream,
        grant: Grant::Inline { purpose: "session-logs-write", actions: &WRITE, resource: &streams },
        recovery: Recovery::NextSession,
    };
    let looking = Access {
        actions: &["logs:DescribeLogGroups"],
        resource: "*",
        grant: super::role_may_check_log_group::LOOK,
        ..writing
    };
    let needed = if gate { vec![writing] } else { vec![writing, looking] };
    all_of(needed, "nothing is needed", |it| it.judge(facts, scope))
}
