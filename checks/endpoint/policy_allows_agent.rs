//! The endpoints' own policies let the agent's role through.
//!
//! A call through an interface endpoint needs two yeses, of IAM and of the endpoint's policy. The
//! default policy allows everything; one that only denies allows nothing. Whether `ssmmessages`
//! endpoints enforce a policy is not documented, so there a missing Allow is unknown, not a fault.

use crate::{
    prelude::*,
    solve::{
        credentials::{CHANNELS, REGISTER, agent_role},
        name::{self, Resolution},
        policy::{self, Known, Request, Ruling},
        reach::CORE,
        simulation::target_arn,
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("policy_allows_agent.md"),
    layer: Layer::Filter,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::available::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
    ],
    proves: &[],
    run,
};

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let Some(id) = scope.target.instance() else {
        return Ok(Verdict::NotApplicable("a hybrid node's endpoints are not visible to AWS"));
    };
    let Some(vpc) = &facts.instance(id).required()?.vpc else {
        return Ok(Verdict::NotApplicable("the instance is in no VPC any more"));
    };
    all_of(CORE, "no service is reached through an endpoint with a policy of its own", |service| {
        let Resolution::Endpoint(endpoint) = name::resolve(facts, scope, vpc, service)? else {
            return Ok(Verdict::NotApplicable("not reached through an endpoint"));
        };
        let Some(text) = &endpoint.policy else {
            return Ok(Verdict::NotApplicable("the default policy allows everything"));
        };
        let Some(role) = agent_role(facts, scope)? else {
            return Ok(Verdict::NotApplicable("the agent has no role"));
        };
        let target = target_arn(facts, scope)?;
        let registers = service == "ssm";
        let (actions, resource): (&[&str], &str) =
            if registers { (&[REGISTER], &target) } else { (&CHANNELS, "*") };
        let what = format!("the policy of {}", endpoint.id);
        all_of(actions, "nothing is asked of it", |action| {
            let request = Request {
                principal: &role.arn,
                action,
                resource,
                context: Vec::from([(
                    "aws:ResourceAccount",
                    Known::Exactly(role.arn.account().into()),
                )]),
            };
            let opinion = policy::judge(text, &request, &what)?;
            let passes = |ruling| matches!(ruling, Ruling::Grants | Ruling::Delegates);
            let subject = format!("{} ({service})", endpoint.id);
            if opinion.possible().all(passes) {
                let text = format!("has a policy that allows {} {action}", role.name);
                return Ok(Verdict::Pass(observed(&subject, text)));
            }
            if let Some((_, on)) = opinion.perhaps.first() {
                return Err(Unknown::limit(format!(
                    "whether {what} allows {} {action} hangs on {on}, which is not evaluated here",
                    role.name
                )));
            }
            let how = if opinion.certain == Ruling::Denies { "denies" } else { "does not allow" };
            if !registers {
                return Err(Unknown::limit(format!(
                    "{what} {how} {action}, and whether endpoints of ssmmessages enforce their policy is not documented"
                )));
            }
            Ok(Verdict::Fail(
                observed(&subject, format!("has a policy that {how} {} {action}", role.name)),
                Fix::new(
                    format!(
                        "let {what} allow {action} to {}, or give it back the default policy, which allows everything and leaves it to IAM",
                        role.name
                    ),
                    Recovery::Agent,
                )
                .aws(
                    scope,
                    [
                        "ec2",
                        "modify-vpc-endpoint",
                        "--vpc-endpoint-id",
                        endpoint.id.as_str(),
                        "--reset-policy",
                    ],
                ),
            ))
        })
    })
}
