//! What becomes of the answers of IAM's simulator when policies change.
//!
//! The simulator answered before the change. Where the policies were seen, they are evaluated anew in
//! its place; of the organization's policies, which few may read, its answer still holds. Where they were
//! not seen, one rule is safe: if nothing allowed the request, nothing denied it, and the simulator
//! lacked no key, then a statement that allows it allows it. Otherwise the answer counts as not given.

use alloc::{format, string::String, vec::Vec};

use serde_json::{Value, json};
use ssm_doctor_facts::{
    change::PolicyHolder,
    iam::{Decision, Question, Simulation},
    ids::{Arn, Target},
    lookup::{Facts, Row, Why},
    text::Text,
};
use ssm_doctor_iam_policy as policy;
use ssm_doctor_iam_policy::{
    AccessDecision, AttachedPolicy, KeyValue, LayerName, PolicyDocument, PolicyLayer, PolicyLayers,
    PolicyType, Request, RequestContext, RequestResource, ResourceOwner,
};

use crate::permissions::{
    attached_policies,
    identity::{Identity, Side},
    request_context::MFA,
};

/// What IAM's simulator would answer to a question that it was not asked, by the principal's policies.
/// The organization's policies do not count.
///
/// None if the policies were not seen, or depend on what the question leaves out.
#[must_use]
pub fn simulated(facts: &Facts, question: &Question) -> Option<Simulation> {
    let boundary = attached_policies::layers(facts, &identity(question)).boundary;
    let not_asked = Simulation {
        decision: Decision::ImplicitDeny,
        policies: Vec::new(),
        missing_context: Vec::new(),
        // The simulator speaks of a boundary only where there is one.
        allowed_by_boundary: (!matches!(boundary, PolicyLayer::Absent)).then_some(true),
        allowed_by_organizations: None,
    };
    evaluated(facts, question, &not_asked)
}

/// Statements were added to the holder's policies, with this document if it is known.
pub(super) fn grant(facts: &mut Facts, holder: &PolicyHolder, document: Option<&Text>) {
    for (question, simulation) in answered(facts, holder) {
        if simulation.decision == Decision::Allowed {
            continue;
        }
        let again = evaluated(facts, &question, &simulation).or_else(|| {
            let granted = document.is_some_and(|document| allows(document, &question));
            (granted && nothing_else_denies(&simulation)).then(|| allowed(&simulation))
        });
        put(facts, question, again);
    }
}

/// A document of the holder's policies was replaced. `before` is None if it was not seen; `after` is None if it
/// was removed.
pub(super) fn replace(
    facts: &mut Facts,
    holder: &PolicyHolder,
    before: Option<&Text>,
    after: Option<&Text>,
) {
    let allows_as_before = before.is_some_and(|before| {
        let kept = after.map(statements).unwrap_or_default();
        let before = statements(before);
        before.iter().filter(|statement| !denies(statement)).all(|allow| kept.contains(allow))
    });
    for (question, simulation) in answered(facts, holder) {
        let still = simulation.decision == Decision::Allowed
            && allows_as_before
            && !after.is_some_and(|after| may_deny(after, &question));
        if !still {
            let again = evaluated(facts, &question, &simulation);
            put(facts, question, again);
        }
    }
}

/// Has a document every statement of another, so that it takes nothing away that the other allows?
pub(super) fn keeps(document: &Text, other: &Text) -> bool {
    let kept = statements(document);
    statements(other).iter().all(|statement| kept.contains(statement))
}

fn statements(document: &Text) -> Vec<Value> {
    match document.json().and_then(|document| document.get("Statement")) {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => Vec::from([statement.clone()]),
        None => Vec::new(),
    }
}

fn denies(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) != Some("Allow")
}

/// A tag of the principal changed, which is part of its requests.
pub(super) fn with_principal_tag(facts: &mut Facts, principal: &Arn, key: &str, value: &str) {
    let asked = |question: &Question| question.principal == *principal;
    with_keys(facts, asked, &[format!("aws:PrincipalTag/{key}")], value);
}

/// A tag of the target changed, which is part of requests about it.
pub(super) fn with_target_tag(facts: &mut Facts, target: &Target, key: &str, value: &str) {
    let end = format!("/{target}");
    let asked = |question: &Question| question.resource.ends_with(&end);
    let keys = ["aws:ResourceTag/", "ssm:resourceTag/"].map(|family| format!("{family}{key}"));
    with_keys(facts, asked, &keys, value);
}

/// A principal's requests carry MFA from now on.
pub(super) fn with_mfa(facts: &mut Facts, principal: &Arn) {
    let asked = |question: &Question| question.principal == *principal;
    with_keys(facts, asked, &[String::from(MFA)], "true");
}

/// The questions are put with other keys, so they are other questions.
fn with_keys(facts: &mut Facts, asked: impl Fn(&Question) -> bool, keys: &[String], value: &str) {
    let rows = facts.simulations.iter().filter(|(question, _)| asked(question));
    let rows: Vec<_> = rows.map(|(question, row)| (question.clone(), row.clone())).collect();
    for (mut question, row) in rows {
        // A policy that asks for a key makes the simulator say that it lacks the key.
        let untouched = keys.iter().all(|key| {
            let asked_for = match &row {
                Row::Present(simulation) => simulation.missing_context.contains(key),
                _ => false,
            };
            !asked_for && !question.context.contains_key(key)
        });
        for key in keys {
            question.context.insert(key.clone(), Vec::from([value.into()]));
        }
        let Row::Present(simulation) = row else {
            facts.simulations.insert(question, row);
            continue;
        };
        let again =
            evaluated(facts, &question, &simulation).or_else(|| untouched.then_some(simulation));
        put(facts, question, again);
    }
}

fn answered(facts: &Facts, holder: &PolicyHolder) -> Vec<(Question, Simulation)> {
    let is_of = |principal: &Arn| {
        let (kind, _) = principal.resource().split_once('/').unwrap_or_default();
        match holder {
            PolicyHolder::Group(group) => {
                let user = principal.name().parse().ok().filter(|_| kind == "user");
                let policies = user.and_then(|user| facts.user_policies(&user).optional().ok()?);
                policies.is_some_and(|policies| {
                    policies.groups.iter().any(|name| name.as_str() == group)
                })
            }
            _ => kind == holder.kind() && principal.name() == holder.name(),
        }
    };
    let rows = facts.simulations.iter().filter(|(question, _)| is_of(&question.principal));
    let answered = rows.filter_map(|(question, row)| match row {
        Row::Present(simulation) => Some((question.clone(), simulation.clone())),
        _ => None,
    });
    answered.collect()
}

fn put(facts: &mut Facts, question: Question, simulation: Option<Simulation>) {
    let row = if let Some(simulation) = simulation {
        Row::Present(simulation)
    } else {
        let detail = String::from("after the change");
        Row::Unknown { unknown: Why::NotCollected, detail }
    };
    facts.simulations.insert(question, row);
}

/// What the policies say now; None if they were not seen, or depend on what the question leaves out.
fn evaluated(facts: &Facts, question: &Question, before: &Simulation) -> Option<Simulation> {
    if before.allowed_by_organizations == Some(false) {
        return Some(before.clone());
    }
    let layers = attached_policies::layers(facts, &identity(question));
    let layers = PolicyLayers { service_control: Vec::new(), ..layers };
    match decide(question, &layers) {
        AccessDecision::Allowed(_) => Some(allowed(before)),
        AccessDecision::Denied(denials) => {
            let of_boundary =
                |layer: LayerName| layer.policy_type == PolicyType::PermissionsBoundary;
            let by_boundary = denials.iter().any(|denial| of_boundary(denial.layer));
            let explicit = denials.iter().any(|denial| denial.explicit);
            Some(Simulation {
                decision: if explicit { Decision::ExplicitDeny } else { Decision::ImplicitDeny },
                policies: Vec::new(),
                missing_context: Vec::new(),
                allowed_by_boundary: before.allowed_by_boundary.map(|_| !by_boundary),
                allowed_by_organizations: before.allowed_by_organizations,
            })
        }
        AccessDecision::Undecided(_) => None,
    }
}

fn context(question: &Question, identity: &Identity) -> RequestContext {
    let own = RequestContext::for_principal(&identity.principal());
    question.context.iter().fold(own, |context, (key, values)| {
        let known = match values.as_slice() {
            [value] => KeyValue::Exact(value.clone()),
            values => KeyValue::Multiple(values.to_vec()),
        };
        context.with(key, known)
    })
}

fn identity(question: &Question) -> Identity {
    Identity { arn: question.principal.clone(), side: Side::Operator, session: None }
}

/// The answer of these policies to the question.
fn decide<'p>(question: &Question, layers: &'p PolicyLayers<'p>) -> AccessDecision<'p> {
    let identity = identity(question);
    let request = Request {
        principal: identity.principal(),
        action: &question.action,
        resource: RequestResource::Exact(&question.resource),
        owner: ResourceOwner::SameAccount,
        context: &context(question, &identity),
    };
    policy::evaluate(&request, layers)
}

/// Does this document alone allow the request?
fn allows(document: &Text, question: &Question) -> bool {
    matches!(decide(question, &of([document])), AccessDecision::Allowed(_))
}

/// Does it deny the request, or may it?
fn may_deny(document: &Text, question: &Question) -> bool {
    // Without an Allow the request would be denied, whatever becomes of a Deny with a condition.
    let everything =
        Text::Json(json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }));
    !matches!(decide(question, &of([document, &everything])), AccessDecision::Allowed(_))
}

/// No policies but these documents.
fn of<const N: usize>(documents: [&Text; N]) -> PolicyLayers<'_> {
    let attached = documents.map(|document| AttachedPolicy {
        id: String::from("the new policy"),
        attached_to: String::new(),
        document: Ok(PolicyDocument::parse(document, PolicyType::IdentityBased)),
    });
    let identity = PolicyLayer::Policies(Vec::from(attached));
    PolicyLayers { identity, ..PolicyLayers::default() }
}

fn nothing_else_denies(simulation: &Simulation) -> bool {
    simulation.decision == Decision::ImplicitDeny
        && simulation.missing_context.is_empty()
        && simulation.allowed_by_boundary != Some(false)
        && simulation.allowed_by_organizations != Some(false)
}

fn allowed(before: &Simulation) -> Simulation {
    Simulation {
        decision: Decision::Allowed,
        policies: Vec::new(),
        missing_context: Vec::new(),
        allowed_by_boundary: before.allowed_by_boundary.map(|_| true),
        allowed_by_organizations: before.allowed_by_organizations,
    }
}
