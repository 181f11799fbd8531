//! The answer of this crate and the answer of the independent evaluator, in the same form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use ssm_doctor_iam_policy::{
    AccessDecision, Arn, AttachedPolicy, HierarchyLevel, KeyValue, PolicyDocument, PolicyLayer,
    PolicyLayers, PolicyType, Principal, Request, RequestContext, RequestResource, ResourceOwner,
    Text, Unknown, evaluate,
};

use crate::{
    cases::{Case, ContextValue, EC2, Hidden, HiddenLayer, ROLE, Requester, USER},
    evaluator,
    packages::{Dialogue, Outcome},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Allowed,
    /// The layers that deny explicitly. Empty if no statement allows.
    Denied(BTreeSet<&'static str>),
    Unknown,
}

const LAYERS: [&str; 7] = [
    "identity",
    "boundary",
    "session",
    "service-control",
    "resource-control",
    "resource",
    "endpoint",
];

pub fn answer_of_crate(case: &Case, hidden: &Hidden) -> Answer {
    let root: Arn = Requester::Root.name().parse().unwrap();
    let (user, role): (Arn, Arn) = (USER.parse().unwrap(), ROLE.parse().unwrap());
    let principal = match case.requester {
        Requester::Root => Principal::Root(&root),
        Requester::User => Principal::User(&user),
        Requester::Session(name) => {
            Principal::RoleSession { role: &role, name: (!hidden.session_name).then_some(name) }
        }
        Requester::Ec2Service => Principal::Service(&EC2),
        Requester::Anonymous => Principal::Anonymous,
    };
    let unknown = Unknown::limit("hidden");
    let context = context(case, hidden, &unknown);
    let request = Request {
        principal,
        action: case.action,
        resource: RequestResource::Exact(case.resource),
        owner: if hidden.owner {
            ResourceOwner::Unknown(&unknown)
        } else {
            ResourceOwner::Account(case.owner)
        },
        context: &context,
    };
    match evaluate(&request, &layers(case, &hidden.layers, &unknown)) {
        AccessDecision::Allowed(_) => Answer::Allowed,
        AccessDecision::Undecided(_) => Answer::Unknown,
        AccessDecision::Denied(denials) => {
            let explicit = denials.iter().filter(|denial| denial.explicit);
            Answer::Denied(explicit.map(|denial| name_of(denial.layer.policy_type)).collect())
        }
    }
}

fn context(case: &Case, hidden: &Hidden, unknown: &Unknown) -> RequestContext {
    let mut context = RequestContext::default().with_others("", KeyValue::Absent);
    for (key, value) in &case.context {
        let value = match value {
            ContextValue::Single(value) => KeyValue::Exact(value.clone()),
            ContextValue::Multiple(values) => KeyValue::Multiple(values.clone()),
        };
        context.set(key, value);
    }
    for (key, known_bytes) in &hidden.keys {
        let value = match (known_bytes, case.context.get(key)) {
            (Some(end), Some(ContextValue::Single(value))) => {
                KeyValue::Prefix(value[..*end].into())
            }
            _ => KeyValue::Unknown(unknown.clone()),
        };
        context.set(key, value);
    }
    context
}

fn name_of(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::ServiceControl => "service-control",
        PolicyType::ResourceControl => "resource-control",
        PolicyType::VpcEndpoint | PolicyType::GatewayEndpoint => "endpoint",
        PolicyType::ResourceBased | PolicyType::RoleTrust => "resource",
        PolicyType::PermissionsBoundary => "boundary",
        PolicyType::Session => "session",
        PolicyType::IdentityBased => "identity",
    }
}

fn layers<'t>(case: &'t Case, hidden: &[HiddenLayer], unknown: &Unknown) -> PolicyLayers<'t> {
    let unless_hidden = |which: HiddenLayer, layer: PolicyLayer<'t>| {
        if hidden.contains(&which) { PolicyLayer::Unknown(unknown.clone()) } else { layer }
    };
    let single = |which: HiddenLayer, text: &'t Option<Text>, policy_type: PolicyType| {
        let layer = text.as_ref().map_or(PolicyLayer::Absent, |text| layer([text], policy_type));
        unless_hidden(which, layer)
    };
    let levels = |which: HiddenLayer, levels: &'t [Vec<Text>], policy_type: PolicyType| {
        if hidden.contains(&which) {
            let layer = PolicyLayer::Unknown(unknown.clone());
            return vec![HierarchyLevel { id: "?".into(), layer }];
        }
        let level = |texts: &'t Vec<Text>| HierarchyLevel {
            id: "r-1".into(),
            layer: layer(texts, policy_type),
        };
        levels.iter().map(level).collect()
    };
    let resource_type = if case.action == "sts:AssumeRole" {
        PolicyType::RoleTrust
    } else {
        PolicyType::ResourceBased
    };
    PolicyLayers {
        identity: unless_hidden(
            HiddenLayer::Identity,
            layer(&case.identity, PolicyType::IdentityBased),
        ),
        boundary: single(HiddenLayer::Boundary, &case.boundary, PolicyType::PermissionsBoundary),
        session: single(HiddenLayer::Session, &case.session, PolicyType::Session),
        service_control: levels(
            HiddenLayer::ServiceControl,
            &case.scps,
            PolicyType::ServiceControl,
        ),
        resource_control: levels(
            HiddenLayer::ResourceControl,
            &case.rcps,
            PolicyType::ResourceControl,
        ),
        resource: single(HiddenLayer::Resource, &case.resource_policy, resource_type),
        endpoint: single(HiddenLayer::Endpoint, &case.endpoint, PolicyType::VpcEndpoint),
    }
}

fn layer<'t>(
    texts: impl IntoIterator<Item = &'t Text>,
    policy_type: PolicyType,
) -> PolicyLayer<'t> {
    let attached = |text: &'t Text| AttachedPolicy {
        id: "policy".into(),
        attached_to: "somewhere".into(),
        document: Ok(PolicyDocument::parse(text, policy_type)),
    };
    PolicyLayer::Policies(texts.into_iter().map(attached).collect())
}

/// The independent evaluator.
pub struct Independent(Dialogue);

impl Independent {
    pub fn start() -> Outcome<Self> {
        evaluator::start().map(Self)
    }

    pub fn send(&mut self, case: &Case) -> Outcome<()> {
        self.0.tell(&as_json(case))
    }

    /// The answer to the earliest case that has none yet, and the keys that such a request never has.
    pub fn receive(&mut self) -> Outcome<(Answer, Vec<String>)> {
        parse_reply(&self.0.listen()?)
    }

    /// Sends a case, and receives its answer.
    pub fn ask(&mut self, case: &Case) -> Outcome<(Answer, Vec<String>)> {
        parse_reply(&self.0.ask(&as_json(case))?)
    }
}

fn as_json(case: &Case) -> Value {
    let context: BTreeMap<&str, Value> = case
        .context
        .iter()
        .map(|(key, value)| match value {
            ContextValue::Single(value) => (key.as_str(), json!(value)),
            ContextValue::Multiple(values) => (key.as_str(), json!(values)),
        })
        .collect();
    json!({
        "principal": case.requester.name(),
        "action": case.action,
        "resource": case.resource,
        "account": case.owner,
        "context": context,
        "identity": case.identity,
        "boundary": case.boundary,
        "session": case.session,
        "scps": case.scps,
        "rcps": case.rcps,
        "resourcePolicy": case.resource_policy,
        "endpoint": case.endpoint,
    })
}

fn parse_reply(reply: &Value) -> Outcome<(Answer, Vec<String>)> {
    if let Some(error) = reply.get("error") {
        return Err(format!("the evaluator fails: {error}").into());
    }
    let strings = |value: &Value| -> Vec<String> {
        let strings = value.as_array().into_iter().flatten();
        strings.filter_map(Value::as_str).map(Into::into).collect()
    };
    let named = strings(&reply["explicit"]);
    let explicit = LAYERS.into_iter().filter(|layer| named.iter().any(|name| name == layer));
    let answer = match reply["result"].as_str() {
        Some("Allowed") => Answer::Allowed,
        Some("ExplicitlyDenied" | "ImplicitlyDenied") => Answer::Denied(explicit.collect()),
        other => return Err(format!("no result: {other:?}").into()),
    };
    Ok((answer, strings(&reply["ignored"])))
}
