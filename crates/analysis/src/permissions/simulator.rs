//! IAM's policy simulator: what to supply with a question, and when its answer can be used.
//!
//! A condition on a key that was not supplied does not match, so the simulator ignores an Allow or a
//! Deny that depends on it. Keys that are known are supplied. An answer that depends on another key is
//! not used, unless the request is known not to have that key.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::case::Case;
use crate::permissions::{
    identity::{CredentialSource, Identity, PermissionQuestion, Side},
    instance_profile, operator, request_context,
};
use ssm_doctor_facts::{
    iam::{Decision, Question, Simulation},
    limit::PermissionLimit,
    lookup::{Facts, Unknown, Unknowns},
};
use ssm_doctor_iam_policy::{KeyValue, RequestContext};

/// One `ContextEntries` member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextEntry {
    pub key: String,
    pub values: Vec<String>,
    pub kind: ContextKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextKind {
    String,
    Boolean,
    Date,
    Numeric,
    Ip,
}

/// Keys for want of which policies often deny.
const DENIED_WITHOUT: [&str; 3] = [request_context::MFA, "aws:SourceVpce", "aws:SourceVpc"];

/// The simulator's answer to a question.
///
/// # Errors
/// [`Unknown`] when it could not be asked, or its answer depends on a key without a known value.
pub fn answer<'f>(
    PermissionQuestion { identity, action, resource }: PermissionQuestion,
    context: &RequestContext,
    facts: &'f Facts,
) -> Result<&'f Simulation, Unknown> {
    if identity.is_root() {
        return Err(Unknown::limit(PermissionLimit::RootNotSimulated));
    }
    let question = Question {
        principal: identity.arn.clone(),
        action: action.into(),
        resource: resource.into(),
    };
    let simulation = facts.simulation(&question).required()?;
    if let Decision::Other(word) = &simulation.decision {
        return Err(Unknown::limit(PermissionLimit::SimulatorAnswer {
            answer: word.clone(),
            action: action.into(),
        }));
    }
    let (mut open, mut unseen) = (Vec::new(), Unknowns::default());
    for key in &simulation.missing_context {
        match context.get(key) {
            // An Allow of the simulator does not show how it took a Deny on a key without a value: by
            // its description conditions on such keys do not match, by IAM's rules a negated one and
            // one with `IfExists` do.
            Some(KeyValue::Absent)
                if simulation.decision == Decision::Allowed
                    && DENIED_WITHOUT.contains(&key.as_str()) =>
            {
                open.push(key.as_str());
            }
            Some(KeyValue::Absent) => {}
            Some(KeyValue::Unknown(unknown)) => {
                open.push(key.as_str());
                unseen.add(unknown.clone());
            }
            _ => open.push(key.as_str()),
        }
    }
    if open.is_empty() {
        return Ok(simulation);
    }
    unseen.add(Unknown::limit(PermissionLimit::DependsOnKeys {
        name: identity.name().into(),
        action: action.into(),
        keys: open.into_iter().map(ToString::to_string).collect(),
    }));
    unseen.none().map(|()| simulation)
}

/// The policies by which the simulator decided; None where it did not answer.
///
/// # Errors
/// [`Unknown`] while it was not asked.
pub fn deciding_policies<'f>(
    facts: &'f Facts,
    PermissionQuestion { identity, action, resource }: PermissionQuestion,
) -> Result<Option<&'f [String]>, Unknown> {
    let question = Question {
        principal: identity.arn.clone(),
        action: action.into(),
        resource: resource.into(),
    };
    Ok(facts.simulation(&question).hint()?.map(|it| it.policies.as_slice()))
}

/// The tags of the resource that the answer to this question asks for, as condition keys.
#[must_use]
pub fn resource_tags_wanted<'f>(
    facts: &'f Facts,
    PermissionQuestion { identity, action, resource }: PermissionQuestion,
) -> Vec<&'f str> {
    let question = Question {
        principal: identity.arn.clone(),
        action: action.into(),
        resource: resource.into(),
    };
    let simulation = facts.simulation(&question).optional().ok().flatten();
    let keys = simulation.map(|it| it.missing_context.as_slice()).unwrap_or_default();
    keys.iter().map(String::as_str).filter(|it| request_context::is_resource_tag(it)).collect()
}

/// The keys to supply with a question.
///
/// # Errors
/// [`Unknown`] while what they draw on is unasked.
pub fn entries(question: &Question, case: &Case) -> Result<Vec<ContextEntry>, Unknown> {
    let identity = asked_about(question, case);
    let Question { action, resource, .. } = question;
    let context =
        request_context::of(PermissionQuestion { identity: &identity, action, resource }, case)?;
    let values = |known: &KeyValue| match known {
        KeyValue::Exact(value) => Some(Vec::from([value.clone()])),
        KeyValue::Multiple(values) => Some(values.clone()),
        // The simulator would take part of the values for all.
        KeyValue::AtLeast(_) | KeyValue::Prefix(_) | KeyValue::Absent | KeyValue::Unknown(_) => {
            None
        }
    };
    let entries = context.keys().filter_map(|(key, known)| {
        Some(ContextEntry { key: key.into(), values: values(known)?, kind: kind(key) })
    });
    Ok(entries.collect())
}

/// Source: IAM user guide, "AWS global condition context keys", "Data type" of each; Service
/// Authorization Reference for `ec2`.
fn kind(key: &str) -> ContextKind {
    match key {
        "aws:SecureTransport"
        | "aws:PrincipalIsAWSService"
        | "aws:ViaAWSService"
        | "ssm:SessionDocumentAccessCheck" => ContextKind::Boolean,
        "aws:CurrentTime" => ContextKind::Date,
        "aws:EpochTime" | "ec2:RoleDelivery" => ContextKind::Numeric,
        "aws:SourceIp" | "aws:Ec2InstanceSourcePrivateIPv4" => ContextKind::Ip,
        _ => ContextKind::String,
    }
}

/// Whose requests a question is about. A role that agent and operator share counts as the operator's.
fn asked_about(question: &Question, case: &Case) -> Identity {
    if let Ok(operator) = operator::identity(case)
        && operator.arn == question.principal
    {
        return operator;
    }
    let source = match instance_profile::profile_role(case) {
        _ if case.scope.target.instance().is_none() => CredentialSource::Activation,
        Ok(Some(role)) if role.arn == question.principal => CredentialSource::InstanceProfile,
        _ => CredentialSource::HostManagement,
    };
    let session = Some(case.scope.target.to_string());
    Identity { arn: question.principal.clone(), side: Side::Agent(source), session }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use ssm_doctor_facts::scope::Scope;

    use super::*;
    use ssm_doctor_fixtures as fixtures;

    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
    const TARGET: &str = "arn:aws:ec2:ap-northeast-1:111122223333:instance/i-0abc123def4567890";

    fn facts(patch: &Value) -> (Facts, Scope) {
        let world = fixtures::named("private-endpoints").unwrap();
        let mut facts = serde_json::to_value(&world.facts).unwrap();
        json_patch::merge(&mut facts, patch);
        (serde_json::from_value(facts).unwrap(), world.scope)
    }

    fn question(principal: &str, action: &str, resource: &str) -> Question {
        Question {
            principal: principal.parse().unwrap(),
            action: action.into(),
            resource: resource.into(),
        }
    }

    #[test]
    fn what_is_known_of_each_request_is_supplied() {
        let (facts, scope) = facts(&json!({
            "users": { "alice": { "tags": { "Team": "web" } } },
            "roles": { "EC2RoleforSSM": { "id": "AROAEXAMPLE", "tags": { "App": "shop" } } },
        }));
        let has = |question: &Question, key: &str| {
            let entries = entries(question, &Case::new(&facts, &scope)).unwrap();
            entries.into_iter().find(|it| it.key == key).map(|it| it.values.concat())
        };
        let start = question(ALICE, "ssm:StartSession", TARGET);
        let decrypt = question("arn:aws:iam::111122223333:role/EC2RoleforSSM", "kms:Decrypt", "*");
        let rows = [
            (&start, "aws:username", Some("alice")),
            (&start, "aws:userid", Some("AIDAEXAMPLEALICE")),
            (&start, "aws:PrincipalTag/Team", Some("web")),
            (&start, "ssm:resourceTag/Environment", Some("production")),
            (&start, "ssm:SessionDocumentAccessCheck", Some("true")),
            (&start, "ec2:SourceInstanceARN", None),
            (&start, "aws:SourceIp", None),
            (&start, "aws:MultiFactorAuthPresent", None),
            (&decrypt, "aws:username", None),
            (&decrypt, "aws:userid", Some("AROAEXAMPLE:i-0abc123def4567890")),
            (&decrypt, "aws:PrincipalTag/App", Some("shop")),
            (&decrypt, "ssm:resourceTag/Environment", None),
            (&decrypt, "ec2:SourceInstanceARN", Some(TARGET)),
            (&decrypt, "aws:Ec2InstanceSourceVpc", Some("vpc-0a1b2c3d")),
            (&decrypt, "aws:Ec2InstanceSourcePrivateIPv4", Some("10.0.11.23")),
            (&decrypt, "kms:EncryptionContext:aws:ssm:TargetId", Some("i-0abc123def4567890")),
            (&decrypt, "kms:ViaService", None),
        ];
        for (question, key, expected) in rows {
            assert_eq!(has(question, key).as_deref(), expected, "{key} of {question}");
        }
    }

    #[test]
    fn nothing_is_supplied_before_what_every_request_has_is_known() {
        let (mut facts, scope) = facts(&json!({}));
        facts.users.clear();
        let start = question(ALICE, "ssm:StartSession", TARGET);
        assert!(entries(&start, &Case::new(&facts, &scope)).unwrap_err().is_unasked());
    }
}
