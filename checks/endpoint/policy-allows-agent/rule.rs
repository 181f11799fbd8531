//! The endpoints' own policies allow the agent's role to register and to hold its control channel open.
//!
//! The data channel has a check of its own, because an agent that may not open it is connected all the same.
//!
//! A call through an interface endpoint must be allowed by IAM and by the endpoint's policy. The
//! default policy allows everything; one that only denies allows nothing. Whether `ssmmessages` endpoints
//! enforce a policy is not documented; EC2 describes it with the service. Where that description was not seen, a
//! missing Allow of `ssmmessages` is unknown.

use crate::engine::permission::endpoint_policy::{EndpointPolicy, EndpointRequest};
use crate::prelude::*;
use ssm_doctor_analysis::{
    network::{
        path::{bypassed_endpoint, once_led_to},
        service::CORE,
    },
    permissions::{
        actions::{CHANNELS, CONTROL, DATA, REGISTER, channels_of, target_arn},
        request_context,
    },
};
use ssm_doctor_iam_policy::RequestContext;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Filter,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::available::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    const NOTHING: &str = "no service is reached through an endpoint with a policy of its own";
    Ok(all_of(CORE, NOTHING, |service| {
        let Some(policy) = EndpointPolicy::on_path(case, service, Recovery::Agent)? else {
            return Ok(Verdict::NotApplicable("no endpoint's policy on the way"));
        };
        let control = allows_agent(policy, Calls::ControlChannel, None, case);
        // One edit of the policy is for both channels.
        let all = || allows_agent(policy, Calls::BothChannels, None, case);
        answer(if let Ok(Verdict::Fail(..)) = control { all() } else { control })
    })?)
}

/// What an agent calls. Of `ssm`, it is the same call whatever the channels.
#[derive(Clone, Copy)]
pub(crate) enum Calls {
    ControlChannel,
    DataChannel,
    BothChannels,
}

impl Calls {
    fn actions(self, service: &str) -> &'static [&'static str] {
        match self {
            _ if service == "ssm" => &[REGISTER],
            Self::ControlChannel => &CONTROL,
            Self::DataChannel => &DATA,
            Self::BothChannels => &CHANNELS,
        }
    }
}

/// What a check says of names that do not resolve to their endpoint, and what that endpoint's policy
/// denies once they do. What was not seen of it adds nothing.
pub(crate) fn and_beyond(answered: Answer, case: &Case) -> Answer {
    let Ok(Verdict::Fail(evidence, fix)) = answered else { return answered };
    let beyond = all_of(CORE, "no endpoint is unused", |service| {
        let found = bypassed_endpoint(case, service)?;
        let found = found.and_then(|(endpoint, vpc)| {
            Some((EndpointPolicy::of(service, endpoint, Recovery::Agent)?, vpc))
        });
        let Some((policy, vpc)) = found else {
            return Ok(Verdict::NotApplicable("no policy of an endpoint that is unused"));
        };
        Ok(match answer(allows_agent(policy, Calls::BothChannels, Some(vpc), case))? {
            Verdict::Fail(denied, fix) => Verdict::Fail(once_led_to(policy.endpoint, denied), fix),
            other => other,
        })
    });
    Ok(match beyond {
        Ok(Verdict::Fail(more, remedy)) => Verdict::Fail(evidence.and(more), remedy.and(fix)),
        Ok(_) => Verdict::Fail(evidence, fix),
        Err(unknown) => Verdict::Fail(evidence.wanting(unknown.unasked()), fix),
    })
}

/// Does an endpoint's policy allow what the agent requests of a service? `once_in` is the endpoint's VPC
/// if requests do not go through the endpoint yet, and are judged as if they did.
pub(crate) fn allows_agent(
    policy: EndpointPolicy,
    calls: Calls,
    once_in: Option<&VpcId>,
    case: &Case,
) -> Judged {
    let target = target_arn(case)?;
    if let Some(open) = policy.allows_everything() {
        return Ok(open);
    }
    let role = role(case)?;
    let identity = role.identity(case.scope);
    let channels = channels_of(&role.arn, case.scope);
    let resource = if policy.service == "ssm" { &target } else { &channels };
    let actions = calls.actions(policy.service);
    // The role's own policies say on which nodes, and the next node needs the endpoint as well.
    let requests: Vec<EndpointRequest> =
        actions.iter().map(|action| EndpointRequest { action, resource, granted: "*" }).collect();
    let complete = |context: &mut RequestContext| {
        if let Some(vpc) = once_in {
            request_context::by_endpoint(context, policy.endpoint, vpc, case);
        }
    };
    Ok(policy.judge_in(&identity, &requests, case, &complete)?)
}
