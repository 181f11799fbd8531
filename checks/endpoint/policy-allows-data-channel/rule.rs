//! The policy of the endpoint of `ssmmessages` allows the channel that a session runs over.
//!
//! The agent opens a data channel for each session, and no earlier. So an open control channel proves nothing of
//! this, unless the policy decides of both channels alike. Source: amazon-ssm-agent,
//! `agent/session/datachannel/datachannel.go`.

use crate::endpoint::policy_allows_agent::{Calls, allows_agent};
use crate::engine::permission::endpoint_policy::EndpointPolicy;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::actions::CHANNELS;
use ssm_doctor_facts::lookup::both;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Filter,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::available::CHECK,
        &super::policy_allows_agent::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let Some(policy) = EndpointPolicy::on_path(case, "ssmmessages", Recovery::NextSession)? else {
        return Ok(Verdict::NotApplicable(
            "ssmmessages is not reached through an endpoint with a policy of its own",
        ));
    };
    if policy.treats_alike(&CHANNELS) {
        return Ok(Verdict::NotApplicable("the policy treats both channels alike"));
    }
    let control = answer(allows_agent(policy, Calls::ControlChannel, None, case));
    // Said once. If the control channel is open nonetheless, the denial is in doubt.
    if let Ok(Verdict::Fail(..)) = control {
        return Ok(Verdict::NotApplicable(
            "the control channel, without which there is no session to carry, is refused already",
        ));
    }
    let data = answer(allows_agent(policy, Calls::DataChannel, None, case));
    let (_, data) = both(control, data)?;
    Ok(data)
}
