//! The agent's role may open the channel that a session runs over.
//!
//! Beside the control channel, which is opened once: a node with that one alone is connected, and every
//! session on it ends as it begins. So an open control channel proves nothing of this.

use crate::identity::role_may_open_channels::on_the_arn_alone;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    access::Access,
    credentials::{CONTROL, DATA, agent_role, channels_of},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::profile_attached::CHECK,
        &super::profile_contains_role::CHECK,
        &super::role_may_open_channels::CHECK,
        &super::role_trusts_ec2::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
    ],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some(role) = agent_role(case)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let who = role.who(case.scope);
    let channels = channels_of(&role.arn, case.scope);
    let control = Access {
        who: &who,
        actions: &CONTROL,
        resource: &channels,
        grant: super::role_may_register::managed_policy(role.source),
        recovery: Recovery::NextSession,
    };
    let data = Access { actions: &DATA, ..control };
    let (control, data) = (control.judge(case), data.judge(case));
    match (control, data) {
        // Said once; and if the control channel is open nonetheless, what is refused is in doubt.
        (Ok(Verdict::Fail(..)), _) => Ok(Verdict::NotApplicable(
            "the control channel, without which there is no session to carry, is refused already",
        )),
        (Err(unknown), Err(more)) => Err(unknown.and(more)),
        (Err(unknown), _) => Err(unknown),
        (_, Ok(Verdict::Pass(evidence))) => {
            Ok(Verdict::Pass(on_the_arn_alone(&who, &DATA, &channels, evidence, case)))
        }
        (_, data) => data,
    }
}
