//! The agent's role may open the channels that sessions run over.
//!
//! A role with `ssm:*` and `ec2messages:*` from an old sample runs commands, is Online, and takes no
//! session. All four actions know no resource but `*`.

use crate::{
    prelude::*,
    solve::{
        access::Access,
        credentials::{CHANNELS, Source, agent_role, host_management},
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("role_may_open_channels.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::profile_attached::CHECK,
        &super::profile_contains_role::CHECK,
        &super::role_trusts_ec2::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
    ],
    proves: &[],
    run,
};

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let Some(role) = agent_role(facts, scope)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let access = Access {
        principal: &role.arn,
        actions: &CHANNELS,
        resource: "*",
        grant: super::role_may_register::managed_policy(role.source),
        recovery: Recovery::Channel,
    };
    let answer = access.judge(facts, scope)?;
    match answer {
        // Read already, to find out which role the agent uses; here it only explains.
        Verdict::Fail(evidence, mut fix)
            if role.source == Source::InstanceProfile
                && matches!(host_management(facts), Ok(Some(_))) =>
        {
            fix.summary.push_str("; or take ssm:UpdateInstanceInformation from it, so that Default Host Management takes over");
            let note = "may register, so the agent uses it for everything and never tries Default Host Management, which is on";
            Ok(Verdict::Fail(evidence.and(observed(&role.name, note)), fix))
        }
        answer => Ok(answer),
    }
}
