//! The endpoints' own policies let the agent's role through.
//!
//! A call through an interface endpoint needs two yeses, of IAM and of the endpoint's policy. The
//! default policy allows everything; one that only denies allows nothing. Whether `ssmmessages`
//! endpoints enforce a policy is not documented, so there a missing Allow is unknown, not a fault.

use crate::{
    model::{ec2::Endpoint, text::Text},
    prelude::*,
    solve::{
        credentials::{AgentRole, CHANNELS, REGISTER, agent_role},
        name::{self, Resolution},
        policy::opinion::{self as policy, Known, Request, Ruling},
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
        let Resolution::Endpoint(endpoint) = name::resolve(facts, scope, vpc, service)?.to else {
            return Ok(Verdict::NotApplicable("not reached through an endpoint"));
        };
        let Some(text) = &endpoint.policy else {
            return Ok(Verdict::NotApplicable("the default policy allows everything"));
        };
        let Some(role) = agent_role(facts, scope)? else {
            return Ok(Verdict::NotApplicable("the agent has no role"));
        };
        let target = target_arn(facts, scope)?;
        let (actions, resource): (&[&str], &str) =
            if service == "ssm" { (&[REGISTER], &target) } else { (&CHANNELS, "*") };
        all_of(actions, "nothing is asked of it", |action| {
            passes(scope, (service, endpoint), text, &role, action, resource)
        })
    })
}

/// Does an endpoint's policy let the role's call through?
fn passes(
    scope: &Scope,
    (service, endpoint): (&str, &Endpoint),
    text: &Text,
    role: &AgentRole,
    action: &str,
    resource: &str,
) -> Answer {
    let (id, name) = (&endpoint.id, &role.name);
    let (what, subject) = (format!("the policy of {id}"), format!("{id} ({service})"));
    let account = Known::Exactly(role.arn.account().into());
    let context = Vec::from([("aws:ResourceAccount", account)]);
    let request = Request { principal: &role.arn, action, resource, context };
    let opinion = policy::judge(text, &request, &what)?;
    if opinion.possible().all(|it| matches!(it, Ruling::Grants | Ruling::Delegates)) {
        return Ok(Verdict::Pass(observed(
            id,
            format!("has a policy that allows {name} {action}"),
        )));
    }
    if let Some((_, on)) = opinion.perhaps.first() {
        return Err(Unknown::limit(format!(
            "whether {what} allows {name} {action} hangs on {on}, which is not evaluated here"
        )));
    }
    let how = if opinion.certain == Ruling::Denies { "denies" } else { "does not allow" };
    if CHANNELS.contains(&action) {
        return Err(Unknown::limit(format!(
            "{what} {how} {action}, and whether endpoints of ssmmessages enforce their policy is not documented"
        )));
    }
    Ok(Verdict::Fail(
        observed(&subject, format!("has a policy that {how} {name} {action}")),
        Fix::new(
            format!(
                "let {what} allow {action} to {name}, or give it back the default policy, which allows everything and leaves it to IAM"
            ),
            Recovery::Agent,
        )
        .aws(
            scope,
            ["ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", id.as_str(), "--reset-policy"],
        ),
    ))
}
