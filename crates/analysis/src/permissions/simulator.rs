//! IAM's policy simulator: what to supply with a question, and when its answer can be used.
//!
//! A condition on a key that was not supplied does not match, so the simulator ignores an Allow or a
//! Deny that depends on it. So it is asked twice at most. The first question supplies what is known of every
//! such request. If the answer lists a key as missing whose value is known by then, the second question
//! supplies that key too. An answer that depends on yet another key is not used, unless the request is known
//! not to have that key.

use alloc::{
    collections::BTreeMap,
    rc::Rc,
    string::{String, ToString},
    vec::Vec,
};
use core::cell::RefCell;

use crate::{
    case::Case,
    permissions::{
        identity::{Identity, PermissionQuestion},
        request_context,
    },
};
use ssm_doctor_facts::{
    change::CREATED_ROLE,
    iam::{Decision, Question, Simulation},
    limit::PermissionLimit,
    lookup::{Facts, Need, Ourselves, Unknown, Unknowns},
};
use ssm_doctor_iam_policy::{KeyValue, RequestContext};

/// Keys for want of which policies often deny.
const DENIED_WITHOUT: [&str; 3] = [request_context::MFA, "aws:SourceVpce", "aws:SourceVpc"];

/// The simulator's answer to a question.
///
/// # Errors
/// [`Unknown`] when it could not be asked, or its answer depends on a key without a known value.
pub fn answer<'f>(
    question: PermissionQuestion,
    context: &RequestContext,
    case: &Case<'f>,
) -> Result<&'f Simulation, Unknown> {
    let PermissionQuestion { identity, action, .. } = question;
    if identity.is_root() {
        return Err(Unknown::limit(PermissionLimit::RootNotSimulated));
    }
    let role = identity.name().parse().ok().filter(|_| identity.is_role());
    let role = role.and_then(|name| case.facts.role(&name).optional().ok()?);
    if role.is_some_and(|role| role.id.as_deref() == Some(CREATED_ROLE)) {
        let name = identity.name().into();
        return Err(Unknown::limit(PermissionLimit::RoleNotCreated { name }));
    }
    let first = first_question(question, case)?;
    let mut simulation = case.facts.simulation(&first).required()?;
    if let Some(second) = second_question(&first, simulation, context) {
        simulation = case.facts.simulation(&second).required()?;
    }
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

/// What has to be asked before the simulator answers a question, as far as it is not asked yet.
#[must_use]
pub fn still_open(question: PermissionQuestion, case: &Case) -> Option<Unknown> {
    let first = first_question(question, case);
    let answer = first.and_then(|first| case.facts.simulation(&first).optional().map(drop));
    answer.err().filter(Unknown::is_unasked)
}

/// The policies by which the simulator decided; None where it did not answer.
///
/// # Errors
/// [`Unknown`] while it was not asked.
pub fn deciding_policies<'f>(
    case: &Case<'f>,
    question: PermissionQuestion,
) -> Result<Option<&'f [String]>, Unknown> {
    let first = first_question(question, case)?;
    let Some(simulation) = case.facts.simulation(&first).hint()? else { return Ok(None) };
    let context = request_context::of(question, case)?;
    let simulation = match second_question(&first, simulation, &context) {
        Some(second) => case.facts.simulation(&second).hint()?,
        None => Some(simulation),
    };
    Ok(simulation.map(|simulation| simulation.policies.as_slice()))
}

/// The tags of the resource that the answer to this question asks for, as condition keys.
#[must_use]
pub fn resource_tags_wanted<'f>(case: &Case<'f>, question: PermissionQuestion) -> Vec<&'f str> {
    let first = first_question(question, case).ok();
    let simulation =
        first.and_then(|first| case.facts.simulation(&first).optional().ok().flatten());
    let keys = simulation.map(|simulation| simulation.missing_context.as_slice());
    let keys = keys.unwrap_or_default().iter().map(String::as_str);
    keys.filter(|key| request_context::is_resource_tag(key)).collect()
}

/// The question as it is put first.
///
/// Its context rests only on facts that are known before it is put, whatever else is known by then: the
/// same request is the same question in every round of the collection, and in every replay.
///
/// # Errors
/// [`Unknown`] while one of those facts is unasked.
pub fn first_question(question: PermissionQuestion, case: &Case) -> Result<Rc<Question>, Unknown> {
    let PermissionQuestion { identity, action, resource } = question;
    let asked = case.results::<FirstQuestions>();
    let same = |known: &&Asked| {
        let of_action = known.identity == *identity && known.action == action;
        of_action && known.resource == resource
    };
    if let Some(known) = asked.questions.borrow().iter().find(same) {
        return known.question.clone();
    }
    let facts = asked.known_before(identity, case);
    let first = request_context::before_path(question, &Case::new(&facts, case.scope));
    let first = first.map(|context| {
        let entries = context.keys().filter_map(|(key, known)| Some((key.into(), values(known)?)));
        Rc::new(Question {
            principal: identity.arn.clone(),
            action: action.into(),
            resource: resource.into(),
            context: entries.collect(),
        })
    });
    asked.questions.borrow_mut().push(Asked {
        identity: identity.clone(),
        action: action.into(),
        resource: resource.into(),
        question: first.clone(),
    });
    first
}

/// [`first_question`], as a case keeps it.
#[derive(Default)]
struct FirstQuestions {
    questions: RefCell<Vec<Asked>>,
    /// By identity: the rows on which they rest.
    facts: RefCell<Vec<(Identity, Rc<Facts>)>>,
}

struct Asked {
    identity: Identity,
    action: String,
    resource: String,
    question: Result<Rc<Question>, Unknown>,
}

impl FirstQuestions {
    fn known_before(&self, identity: &Identity, case: &Case) -> Rc<Facts> {
        let mut all = self.facts.borrow_mut();
        if let Some((_, known)) = all.iter().find(|(of, _)| of == identity) {
            return Rc::clone(known);
        }
        let facts = Rc::new(known_before(identity, case));
        all.push((identity.clone(), Rc::clone(&facts)));
        facts
    }
}

/// The question once more, with the keys that the answer lacks and that are known: None if there are none.
#[must_use]
pub fn second_question(
    first: &Question,
    answer: &Simulation,
    context: &RequestContext,
) -> Option<Question> {
    let given = |key: &str| first.context.keys().any(|other| other.eq_ignore_ascii_case(key));
    let missing = answer.missing_context.iter().filter(|key| !given(key));
    let known = missing.filter_map(|key| Some((key.clone(), values(context.get(key)?)?)));
    let known: BTreeMap<String, Vec<String>> = known.collect();
    if known.is_empty() {
        return None;
    }
    let mut second = first.clone();
    second.context.extend(known);
    Some(second)
}

/// The rows on which the first question rests.
fn known_before(identity: &Identity, case: &Case) -> Facts {
    let mut known = Facts::default();
    let name = if identity.is_role() {
        identity.name().parse().ok().map(Need::role)
    } else {
        identity.name().parse().ok().map(Need::user)
    };
    let instance = case.scope.target.instance().cloned().map(Need::instance);
    let needs = [Some(Need::caller(Ourselves::Us)), name, instance];
    for need in needs.iter().flatten() {
        known.copy_from(case.facts, need);
    }
    known
}

/// The values of a key, if all of them are known: the simulator would take a part for the whole.
fn values(known: &KeyValue) -> Option<Vec<String>> {
    match known {
        KeyValue::Exact(value) => Some(Vec::from([value.clone()])),
        KeyValue::Multiple(values) if !values.is_empty() => Some(values.clone()),
        KeyValue::Multiple(_)
        | KeyValue::AtLeast(_)
        | KeyValue::Between { .. }
        | KeyValue::Prefix(_)
        | KeyValue::Absent
        | KeyValue::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use ssm_doctor_facts::scope::Scope;

    use super::*;
    use crate::permissions::identity::{CredentialSource, Side};
    use ssm_doctor_fixtures as fixtures;

    const TARGET: &str = "arn:aws:ec2:ap-northeast-1:111122223333:instance/i-0abc123def4567890";

    fn facts(patch: &Value) -> (Facts, Scope) {
        let patch = json!({ "facts": patch });
        let scenario = fixtures::patched("test".into(), "private-endpoints", &[patch]).unwrap();
        (scenario.facts, scenario.scope)
    }

    fn alice() -> Identity {
        let arn = "arn:aws:iam::111122223333:user/alice".parse().unwrap();
        Identity { arn, side: Side::Operator, session: None }
    }

    fn agent() -> Identity {
        Identity {
            arn: "arn:aws:iam::111122223333:role/EC2RoleforSSM".parse().unwrap(),
            side: Side::Agent(CredentialSource::InstanceProfile),
            session: Some("i-0abc123def4567890".into()),
        }
    }

    #[test]
    fn what_is_known_of_each_request_is_supplied() {
        let (facts, scope) = facts(&json!({
            "users": { "alice": { "tags": { "Team": "web" } } },
            "roles": { "EC2RoleforSSM": { "id": "AROAEXAMPLE" } },
            "role_tags": { "EC2RoleforSSM": { "App": "shop" } },
        }));
        let (alice, agent) = (alice(), agent());
        let start =
            PermissionQuestion { identity: &alice, action: "ssm:StartSession", resource: TARGET };
        let decrypt = PermissionQuestion { identity: &agent, action: "kms:Decrypt", resource: "*" };
        let rows = [
            (start, "aws:username", Some("alice")),
            (start, "aws:userid", Some("AIDAEXAMPLEALICE")),
            (start, "aws:PrincipalTag/Team", Some("web")),
            (start, "ssm:resourceTag/Environment", Some("production")),
            (start, "ssm:SessionDocumentAccessCheck", Some("true")),
            (start, "ec2:SourceInstanceARN", None),
            (start, "aws:SourceIp", None),
            (start, "aws:MultiFactorAuthPresent", None),
            (decrypt, "aws:username", None),
            (decrypt, "aws:userid", Some("AROAEXAMPLE:i-0abc123def4567890")),
            // Known only once somebody has asked for it.
            (decrypt, "aws:PrincipalTag/App", None),
            (decrypt, "ssm:resourceTag/Environment", None),
            (decrypt, "ec2:SourceInstanceARN", Some(TARGET)),
            (decrypt, "aws:Ec2InstanceSourceVpc", Some("vpc-0a1b2c3d")),
            (decrypt, "aws:Ec2InstanceSourcePrivateIPv4", Some("10.0.11.23")),
            (decrypt, "kms:EncryptionContext:aws:ssm:TargetId", Some("i-0abc123def4567890")),
            (decrypt, "kms:ViaService", None),
        ];
        for (question, key, expected) in rows {
            let first = first_question(question, &Case::new(&facts, &scope)).unwrap();
            let value = first.context.get(key).map(|values| values.concat());
            assert_eq!(value.as_deref(), expected, "{key} of {first}");
        }
    }

    #[test]
    fn nothing_is_supplied_before_what_every_request_has_is_known() {
        let (mut facts, scope) = facts(&json!({}));
        facts.users.clear();
        let alice = alice();
        let start =
            PermissionQuestion { identity: &alice, action: "ssm:StartSession", resource: TARGET };
        assert!(first_question(start, &Case::new(&facts, &scope)).unwrap_err().is_unasked());
    }

    #[test]
    fn a_key_that_the_answer_lacks_is_supplied_once_it_is_known() {
        let agent = agent();
        let question =
            PermissionQuestion { identity: &agent, action: "kms:Decrypt", resource: "*" };
        let (mut facts, scope) =
            facts(&json!({ "role_tags": { "EC2RoleforSSM": { "App": "shop" } } }));
        let first = first_question(question, &Case::new(&facts, &scope)).unwrap();
        let lacking: Simulation = serde_json::from_value(json!({
            "decision": "implicitDeny",
            "missing_context": ["aws:PrincipalTag/App", "aws:SourceIp"],
        }))
        .unwrap();
        let put = |facts: &Facts| {
            let context = request_context::of(question, &Case::new(facts, &scope)).unwrap();
            second_question(&first, &lacking, &context)
        };
        let second = put(&facts).unwrap();
        assert_eq!(second.context.get("aws:PrincipalTag/App"), Some(&["shop".into()].into()));
        assert_eq!(second.context.len(), first.context.len() + 1);

        facts.role_tags.clear();
        assert_eq!(put(&facts), None);
        facts.simulations.insert(
            Question::clone(&first),
            ssm_doctor_facts::lookup::Row::Present(lacking.clone()),
        );
        let case = Case::new(&facts, &scope);
        let context = request_context::of(question, &case).unwrap();
        let unknown = answer(question, &context, &case).unwrap_err();
        let needs: Vec<Need> = unknown.unasked().collect();
        assert_eq!(needs, [Need::role_tags("EC2RoleforSSM".parse().unwrap())]);
    }
}
