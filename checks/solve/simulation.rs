//! Asking IAM's simulator the right question, and reading its answer without being fooled.
//!
//! The simulator lies by omission: a condition on a key that was not supplied does not match, so an
//! Allow under it looks absent and a Deny under it looks harmless. Keys that we know are supplied;
//! an answer that still hangs on another key is unknown.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::operator;
use crate::model::{
    facts::{Facts, Ourselves, Unknown},
    iam::{Decision, Question, Simulation},
    ids::*,
    scope::Scope,
};

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
}

/// The condition keys whose values are known for `question`. Source: AWS global condition keys, and
/// the Service Authorization Reference for `ssm` and `ssmmessages`.
#[must_use]
pub fn context(question: &Question, facts: &Facts, scope: &Scope) -> Vec<ContextEntry> {
    use ContextKind::{Boolean, Date, String};
    let mut entries = vec![
        entry("aws:RequestedRegion", scope.region.as_str(), String),
        entry("aws:PrincipalArn", question.principal.as_str(), String),
        entry("aws:PrincipalAccount", question.principal.account(), String),
        entry("aws:SecureTransport", "true", Boolean),
        entry("aws:PrincipalIsAWSService", "false", Boolean),
        entry("aws:ViaAWSService", "false", Boolean),
        entry("aws:CurrentTime", &scope.at.to_string(), Date),
    ];
    for (tag, value) in tags(&question.principal, facts).into_iter().flatten() {
        entries.push(entry(&format!("aws:PrincipalTag/{tag}"), value, String));
    }
    if question.principal.resource().starts_with("user/") {
        entries.push(entry("aws:username", question.principal.name(), String));
    }
    if question.action == "ssm:StartSession" {
        // By which policies ask that the document be checked as well; it always is here.
        entries.push(entry("ssm:SessionDocumentAccessCheck", "true", Boolean));
    }
    if question.action.starts_with("kms:") {
        let target = scope.target.to_string();
        entries.push(entry("kms:EncryptionContext:aws:ssm:TargetId", &target, String));
    }
    if let Ok(target) = target_arn(facts, scope) {
        if question.resource == target
            && let Some(id) = scope.target.instance()
            && let Ok(Some(instance)) = facts.instance(id).optional()
        {
            for (tag, value) in &instance.tags {
                for key in ["aws:ResourceTag", "ssm:resourceTag", "ec2:ResourceTag"] {
                    entries.push(entry(&format!("{key}/{tag}"), value, String));
                }
            }
        }
        if !is_operator(question, facts, scope) {
            entries.push(entry("ssm:SourceInstanceARN", &target, String));
            if scope.target.instance().is_some() {
                entries.push(entry("ec2:SourceInstanceARN", &target, String));
            }
        }
    }
    entries
}

fn entry(key: &str, value: &str, kind: ContextKind) -> ContextEntry {
    ContextEntry { key: key.into(), values: vec![value.into()], kind }
}

/// The tags of a user or role, once known.
fn tags<'a>(principal: &Arn, facts: &'a Facts) -> Option<&'a BTreeMap<String, String>> {
    let (kind, _) = principal.resource().split_once('/')?;
    match kind {
        "role" => Some(&facts.role(&principal.name().parse().ok()?).optional().ok()??.tags),
        "user" => Some(&facts.user(&principal.name().parse().ok()?).optional().ok()??.tags),
        _ => None,
    }
}

fn is_operator(question: &Question, facts: &Facts, scope: &Scope) -> bool {
    matches!(operator::principal(facts, scope), Ok(operator::Principal::Named(arn)) if arn == question.principal)
}

/// The ARN that a session's target has in policies.
///
/// # Errors
/// [`Unknown`] when our account is.
pub fn target_arn(facts: &Facts, scope: &Scope) -> Result<String, Unknown> {
    let caller = facts.caller(&Ourselves::Us).required()?;
    let (partition, account, region) = (caller.arn.partition(), &caller.account, &scope.region);
    Ok(match &scope.target {
        Target::Instance(id) => format!("arn:{partition}:ec2:{region}:{account}:instance/{id}"),
        Target::Node(id) => format!("arn:{partition}:ssm:{region}:{account}:managed-instance/{id}"),
    })
}

/// The simulator's answer, with the layer that said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub layer: Layer,
    /// No resource policy can override it.
    pub explicit: bool,
    /// The policies whose statements decided.
    pub policies: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Organization,
    Boundary,
    Identity,
}

impl Denial {
    /// For a sentence: `AppRole has no ssm:StartSession (<phrase>)`.
    #[must_use]
    pub fn phrase(&self) -> String {
        let by = if self.policies.is_empty() {
            String::new()
        } else {
            format!(" in {}", self.policies.join(", "))
        };
        match (self.layer, self.explicit) {
            (Layer::Organization, _) => "refused by an organization's policy (SCP)".into(),
            (Layer::Boundary, _) => "its permissions boundary does not allow it".into(),
            (Layer::Identity, true) => format!("an explicit Deny{by}"),
            (Layer::Identity, false) => "no statement of its policies allows it".into(),
        }
    }
}

/// May `principal` do `action` to `resource`, as far as its own policies, boundary and organization go?
///
/// # Errors
/// [`Unknown`] when the simulator could not be asked, or its answer hangs on a key not known here.
pub fn ask(
    facts: &Facts,
    scope: &Scope,
    principal: &Arn,
    action: &str,
    resource: &str,
) -> Result<Result<(), Denial>, Unknown> {
    let question =
        Question { principal: principal.clone(), action: action.into(), resource: resource.into() };
    context_known(&question, facts, scope)?;
    let simulation = facts.simulation(&question).required()?;
    let missing = missing(&question, simulation, facts, scope);
    if !missing.is_empty() {
        return Err(Unknown::limit(format!(
            "whether {} may {action} hangs on {}, which is not known here",
            principal.name(),
            missing.join(", ")
        )));
    }
    let explicit = match &simulation.decision {
        Decision::Allowed => return Ok(Ok(())),
        Decision::ExplicitDeny => true,
        Decision::ImplicitDeny => false,
        Decision::Other(word) => {
            return Err(Unknown::limit(format!("the simulator answered {word:?} for {action}")));
        }
    };
    let layer = if simulation.allowed_by_organizations == Some(false) {
        Layer::Organization
    } else if simulation.allowed_by_boundary == Some(false) {
        Layer::Boundary
    } else {
        Layer::Identity
    };
    Ok(Err(Denial { layer, explicit, policies: simulation.policies.clone() }))
}

/// What [`context`] draws on comes before the question, or the answer would depend on which was
/// asked first.
fn context_known(question: &Question, facts: &Facts, scope: &Scope) -> Result<(), Unknown> {
    let principal = &question.principal;
    match principal.resource().split_once('/').map(|it| (it.0, principal.name())) {
        Some(("role", name)) => {
            if let Ok(name) = name.parse() {
                let _ = facts.role(&name).hint()?;
            }
        }
        Some(("user", name)) => {
            if let Ok(name) = name.parse() {
                let _ = facts.user(&name).hint()?;
            }
        }
        _ => {}
    }
    let _ = facts.caller(&Ourselves::Us).hint()?;
    if let Some(id) = scope.target.instance()
        && question.resource.ends_with(id.as_str())
    {
        let _ = facts.instance(id).hint()?;
    }
    Ok(())
}

/// Keys that the answer hangs on, without those that are known to be absent from the request: a
/// tag that the instance or principal does not have, and any tag of a document that AWS owns.
///
/// A role that somebody assumes may have been given tags for the session; one that the agent uses
/// has none but its own.
fn missing<'a>(
    question: &Question,
    simulation: &'a Simulation,
    facts: &Facts,
    scope: &Scope,
) -> Vec<&'a str> {
    let is_target = target_arn(facts, scope).is_ok_and(|it| it == question.resource);
    let instance =
        scope.target.instance().and_then(|id| facts.instance(id).optional().ok().flatten());
    let resource_tags = instance.filter(|_| is_target).map(|it| &it.tags);
    let owned_by_aws = question.resource.contains("::document/");
    let is_user = question.principal.resource().starts_with("user/");
    let is_somebody_else = matches!(
        operator::principal(facts, scope),
        Ok(it) if it != operator::Principal::Named(question.principal.clone())
    );
    let principal_tags = tags(&question.principal, facts).filter(|_| is_user || is_somebody_else);
    let lacks = |tags: Option<&BTreeMap<String, String>>, name: &str| {
        tags.is_some_and(|it| !it.keys().any(|tag| tag.eq_ignore_ascii_case(name)))
    };
    let absent = |key: &str| match key.split_once('/') {
        Some((kind, tag)) if is_resource_tag(kind) => owned_by_aws || lacks(resource_tags, tag),
        Some((kind, tag)) if kind.eq_ignore_ascii_case("aws:PrincipalTag") => {
            lacks(principal_tags, tag)
        }
        _ => false,
    };
    simulation.missing_context.iter().map(String::as_str).filter(|it| !absent(it)).collect()
}

fn is_resource_tag(key: &str) -> bool {
    ["aws:ResourceTag", "ssm:resourceTag", "ec2:ResourceTag"]
        .iter()
        .any(|it| key.eq_ignore_ascii_case(it))
}

/// The tags of the resource that the answer to this question asks for, as condition keys.
#[must_use]
pub fn resource_tags_wanted<'f>(
    facts: &'f Facts,
    principal: &Arn,
    action: &str,
    resource: &str,
) -> Vec<&'f str> {
    let question =
        Question { principal: principal.clone(), action: action.into(), resource: resource.into() };
    let simulation = facts.simulation(&question).optional().ok().flatten();
    let keys = simulation.map(|it| it.missing_context.as_slice()).unwrap_or_default();
    let wanted = |key: &&str| key.split_once('/').is_some_and(|it| is_resource_tag(it.0));
    keys.iter().map(String::as_str).filter(wanted).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::worlds;

    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
    const TARGET: &str = "arn:aws:ec2:ap-northeast-1:111122223333:instance/i-0abc123def4567890";

    fn facts(patch: &Value) -> (Facts, Scope) {
        let world = worlds::all().unwrap().into_iter().next().unwrap();
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

    /// `Ok`, the phrase of a denial, or None for unknown.
    fn answer(simulation: &Value, more: &Value) -> Option<String> {
        let key = question(ALICE, "ssm:StartSession", TARGET).to_string();
        let mut patch = json!({ "simulations": { key.as_str(): simulation } });
        json_patch::merge(&mut patch, more);
        let (facts, scope) = facts(&patch);
        ask(&facts, &scope, &ALICE.parse().unwrap(), "ssm:StartSession", TARGET)
            .ok()
            .map(|it| it.map_or_else(|it| it.phrase(), |()| "Ok".into()))
    }

    #[test]
    fn the_layer_that_denied_is_named_and_missing_keys_withhold_the_answer() {
        let no = json!({});
        let denied =
            |missing: &str| json!({ "decision": "implicitDeny", "missing_context": [missing] });
        let rows = [
            (json!({ "decision": "allowed" }), &no, Some("Ok")),
            (
                json!({ "decision": "implicitDeny", "policies": [] }),
                &no,
                Some("no statement of its policies allows it"),
            ),
            (
                json!({ "decision": "explicitDeny", "policies": ["Guard"] }),
                &no,
                Some("an explicit Deny in session-operator, Guard"),
            ),
            (
                json!({ "decision": "implicitDeny", "allowed_by_boundary": false }),
                &no,
                Some("its permissions boundary does not allow it"),
            ),
            (
                json!({ "decision": "explicitDeny", "allowed_by_boundary": false, "allowed_by_organizations": false }),
                &no,
                Some("refused by an organization's policy (SCP)"),
            ),
            (json!({ "decision": "perhaps" }), &no, None),
            (denied("aws:MultiFactorAuthPresent"), &no, None),
            (json!({ "decision": "allowed", "missing_context": ["aws:SourceIp"] }), &no, None),
            // Known not to be there: the instance has no such tag, and the user neither.
            (denied("ssm:resourceTag/Team"), &no, Some("no statement of its policies allows it")),
            (denied("aws:PrincipalTag/Team"), &no, Some("no statement of its policies allows it")),
            // There, yet not supplied: the question was asked too early.
            (denied("ssm:resourceTag/Environment"), &no, None),
            (
                denied("ssm:resourceTag/Team"),
                &json!({ "instances": { "i-0abc123def4567890": { "unknown": "denied" } } }),
                None,
            ),
            (
                denied("aws:PrincipalTag/Team"),
                &json!({ "users": { "alice": { "unknown": "denied" } } }),
                None,
            ),
        ];
        for (simulation, more, expected) in rows {
            let found = answer(&simulation, more);
            let expected = expected.map(|it| it.replace("session-operator, ", ""));
            assert_eq!(found, expected, "{simulation}");
        }
    }

    #[test]
    fn an_aws_document_has_no_tags_and_an_own_one_has_unknown_ones() {
        for (document, expected) in [
            ("::document/AWS-StartSSHSession", true),
            (":111122223333:document/SSM-SessionManagerRunShell", false),
        ] {
            let resource = alloc::format!("arn:aws:ssm:ap-northeast-1{document}");
            let key = question(ALICE, "ssm:StartSession", &resource).to_string();
            let patch = json!({ "simulations": { key: { "decision": "implicitDeny", "missing_context": ["ssm:resourceTag/Team"] } } });
            let (facts, scope) = facts(&patch);
            let alice: Arn = ALICE.parse().unwrap();
            assert_eq!(
                ask(&facts, &scope, &alice, "ssm:StartSession", &resource).is_ok(),
                expected
            );
            assert_eq!(
                resource_tags_wanted(&facts, &alice, "ssm:StartSession", &resource),
                ["ssm:resourceTag/Team"]
            );
        }
    }

    #[test]
    fn context_has_what_is_known_of_each_request() {
        let (facts, scope) = facts(&json!({
            "users": { "alice": { "tags": { "Team": "web" } } },
            "roles": { "EC2RoleforSSM": { "tags": { "App": "shop" } } },
        }));
        let has = |question: &Question, key: &str| {
            let entries = context(question, &facts, &scope);
            entries.into_iter().find(|it| it.key == key).map(|it| it.values.concat())
        };
        let start = question(ALICE, "ssm:StartSession", TARGET);
        assert_eq!(has(&start, "aws:username").unwrap(), "alice");
        assert_eq!(has(&start, "aws:PrincipalTag/Team").unwrap(), "web");
        assert_eq!(has(&start, "ssm:resourceTag/Environment").unwrap(), "production");
        assert_eq!(has(&start, "ssm:SessionDocumentAccessCheck").unwrap(), "true");
        assert_eq!(has(&start, "ec2:SourceInstanceARN"), None);
        let decrypt = question("arn:aws:iam::111122223333:role/EC2RoleforSSM", "kms:Decrypt", "*");
        assert_eq!(has(&decrypt, "aws:username"), None);
        assert_eq!(has(&decrypt, "aws:PrincipalTag/App").unwrap(), "shop");
        assert_eq!(has(&decrypt, "ssm:resourceTag/Environment"), None);
        assert_eq!(has(&decrypt, "ec2:SourceInstanceARN").unwrap(), TARGET);
        assert_eq!(
            has(&decrypt, "kms:EncryptionContext:aws:ssm:TargetId").unwrap(),
            "i-0abc123def4567890"
        );
    }
}
