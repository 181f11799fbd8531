//! The agent's role may open the channels that sessions run over.
//!
//! A role with `ssm:*` and `ec2messages:*` from an old sample runs commands, is Online, and takes no
//! session. All four actions know no resource but `*`.

use crate::{
    prelude::*,
    solve::{
        access::Access,
        credentials::{CHANNELS, agent_role},
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
        &super::host_management_not_shadowed::CHECK,
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
    let who = role.who(scope);
    let access = Access {
        who: &who,
        actions: &CHANNELS,
        resource: "*",
        grant: super::role_may_register::managed_policy(role.source),
        recovery: Recovery::Channel,
    };
    access.judge(facts, scope)
}
