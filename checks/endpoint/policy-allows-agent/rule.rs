//! The endpoints' own policies let the agent's role through.
//!
//! A call through an interface endpoint needs two yeses, of IAM and of the endpoint's policy. The
//! default policy allows everything; one that only denies allows nothing. Whether `ssmmessages`
//! endpoints enforce a policy is not documented, so there a missing Allow is unknown, not a fault.

use serde_json::json;

use crate::prelude::*;
use ssm_doctor_analysis::{
    network::{path::bypassed_endpoint, path::endpoint_on_path, path::once_led_to, service::CORE},
    permissions::{
        access::{allowing, set},
        context::{self, target_arn},
        credentials::{CHANNELS, REGISTER, agent_role, channels_of},
        judge::{No, Question, past_endpoint},
        who::Who,
    },
};
use ssm_doctor_facts::{ec2::Endpoint, text::Text};
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
    run,
};

fn run(case: &Case) -> Answer {
    all_of(CORE, "no service is reached through an endpoint with a policy of its own", |service| {
        let Some((endpoint, text)) = policy_on_the_way(case, service)? else {
            return Ok(Verdict::NotApplicable("no endpoint's policy on the way"));
        };
        lets_agent_through((service, endpoint, text), None, case)
    })
}

/// What a check says of names that do not lead to their endpoint, and what that endpoint's policy refuses
/// once they do. What was not seen of it adds nothing.
pub(crate) fn and_beyond(answer: Answer, case: &Case) -> Answer {
    let Ok(Verdict::Fail(evidence, fix)) = answer else { return answer };
    let beyond = all_of(CORE, "no endpoint stands there in vain", |service| {
        let found = bypassed_endpoint(case, service)?;
        let found = found.and_then(|(it, vpc)| Some((it, vpc, it.policy.as_ref()?)));
        let Some((endpoint, vpc, text)) = found else {
            return Ok(Verdict::NotApplicable(
                "no policy of an endpoint that stands there in vain",
            ));
        };
        Ok(match lets_agent_through((service, endpoint, text), Some(vpc), case)? {
            Verdict::Fail(refuses, fix) => Verdict::Fail(once_led_to(endpoint, refuses), fix),
            other => other,
        })
    });
    Ok(match beyond {
        Ok(Verdict::Fail(more, remedy)) => Verdict::Fail(evidence.and(more), remedy.and(fix)),
        Ok(_) => Verdict::Fail(evidence, fix),
        Err(unknown) => Verdict::Fail(evidence.wanting(unknown.unasked()), fix),
    })
}

/// Does an endpoint's policy let through what the agent asks of a service? `once_in` is its VPC where
/// requests do not go that way yet, and are judged as if they did.
fn lets_agent_through(
    door: (&str, &Endpoint, &Text),
    once_in: Option<&VpcId>,
    case: &Case,
) -> Answer {
    let (service, endpoint, text) = door;
    let target = target_arn(case)?;
    if let Some(open) = open_to_all(endpoint, text) {
        return Ok(open);
    }
    let Some(role) = agent_role(case)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let who = role.who(case.scope);
    let channels = channels_of(&role.arn, case.scope);
    let (actions, resource): (&[&str], &str) =
        if service == "ssm" { (&[REGISTER], &target) } else { (&CHANNELS, &channels) };
    all_of(actions, "nothing is asked of it", |action| {
        let question = Question { who: &who, action, resource };
        let mut context = context::of(question, case)?;
        if let Some(vpc) = once_in {
            context::by_endpoint(&mut context, endpoint, vpc, case);
        }
        passes_with(question, &context, door)
    })
}

/// The endpoint that the node reaches a service through, and its policy.
pub(super) fn policy_on_the_way<'f>(
    case: &Case<'f>,
    service: &str,
) -> Result<Option<(&'f Endpoint, &'f Text)>, Unknown> {
    let endpoint = endpoint_on_path(case, service)?;
    Ok(endpoint.and_then(|(endpoint, _)| Some((endpoint, endpoint.policy.as_ref()?))))
}

/// Does it allow everything to everybody, as AWS's default policy does?
pub(super) fn is_open(text: &Text) -> bool {
    let open = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" });
    text.json()
        .and_then(|it| it.get("Statement"))
        .is_some_and(|it| *it == open || *it == json!([open]))
}

/// What a policy that allows everything says of every call.
pub(super) fn open_to_all(endpoint: &Endpoint, text: &Text) -> Option<Verdict> {
    let says = "has a policy that allows everything";
    is_open(text).then(|| Verdict::Pass(observed(&endpoint.id, says)))
}

/// Does an endpoint's policy let a call through?
pub(super) fn passes(question: Question, door: (&str, &Endpoint, &Text), case: &Case) -> Answer {
    passes_with(question, &context::of(question, case)?, door)
}

fn passes_with(
    question: Question,
    context: &RequestContext,
    (service, endpoint, text): (&str, &Endpoint, &Text),
) -> Answer {
    let Question { who, action, resource } = question;
    let (id, name) = (&endpoint.id, who.name());
    let request = question.request(None, context);
    let Some(no) = past_endpoint(&request, id.as_str(), text)? else {
        return Ok(Verdict::Pass(observed(
            id,
            format!("has a policy that allows {name} {action}"),
        )));
    };
    let how = refusal(&no, text);
    if service == "ssmmessages" {
        return Err(Unknown::limit(format!(
            "the policy of {id} {how} {action}, and whether endpoints of ssmmessages enforce their policy is not documented"
        )));
    }
    let subject = format!("{id} ({service})");
    let evidence = observed(&subject, format!("has a policy that {how} {name} {action}"));
    Ok(Verdict::Fail(evidence, open(endpoint, &no, &statement(who, action, resource))))
}

/// `denies`, or why nothing allows it, before the action.
pub(super) fn refusal(no: &No, text: &Text) -> String {
    let statements = text.json().and_then(|it| it.get("Statement"));
    let deny = json!("Deny");
    let only_denies = match statements {
        Some(serde_json::Value::Array(many)) => {
            many.iter().all(|it| it.get("Effect") == Some(&deny))
        }
        Some(one) => one.get("Effect") == Some(&deny),
        None => false,
    };
    match (no.explicit, &no.nearest) {
        (true, _) => format!("denies (in {})", no.by.join(", ")),
        (false, _) if only_denies => "holds nothing but Deny, and so does not allow".into(),
        (false, Some(nearest)) => format!("does not allow ({nearest})"),
        (false, None) => "does not allow".into(),
    }
}

fn statement(who: &Who, action: &str, resource: &str) -> String {
    let mut statement = allowing(&[action], resource);
    set(&mut statement, "Principal", json!({ "AWS": who.arn }));
    statement.to_string()
}

pub(super) fn open(endpoint: &Endpoint, no: &No, statement: &str) -> Fix {
    let id = endpoint.id.as_str();
    let what = if no.explicit {
        format!("take this call out of the Deny in {}", no.by.join(", "))
    } else {
        format!("add to the policy of {id} the statement {statement}")
    };
    Fix::new(
        format!("{what}, or give {id} back the default policy, which allows everything and leaves it to IAM"),
        Recovery::Agent,
    )
    .aws([
            "ec2",
            "modify-vpc-endpoint",
            "--vpc-endpoint-id",
            id,
            "--policy-document",
            "file://<policy.json>",
        ],
    )
    .aws(["ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", id, "--reset-policy"])
}
