//! Every action and condition key that a check names exists, and every question that a check puts is
//! about a resource that the action knows.
//!
//! Held to the Service Authorization Reference, by the data of the evaluator.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};
use ssm_doctor_analysis::case::Case;
use ssm_doctor_checks::all;
use ssm_doctor_facts::{
    iam::Question,
    lookup::{ACTIONS, Facts, Need},
    scope::Scope,
};
use ssm_doctor_fixtures as fixtures;

use crate::{Evaluator, support};

/// `"ssm:StartSession"` in code and JSON, `ssm:StartSession` between backticks in prose.
fn names_in(folder: &Path, names: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            names_in(&path, names);
        } else if path.extension().is_some_and(|it| it == "rs" || it == "md") {
            let text = fs::read_to_string(&path).unwrap();
            let words = text.split(['"', '`']).filter(|it| is_name(it));
            names.extend(words.map(|it| (it.to_owned(), path.display().to_string())));
        }
    }
}

fn is_name(word: &str) -> bool {
    word.split_once(':').is_some_and(|(service, name)| {
        !service.is_empty()
            && service.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
            && name.starts_with(|it: char| it.is_ascii_uppercase())
            && name.bytes().all(|it| it.is_ascii_alphanumeric())
    })
}

#[test]
fn every_name_exists() {
    let mut evaluator = Evaluator::start().unwrap();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    names_in(Path::new(env!("CARGO_MANIFEST_DIR")), &mut names);
    assert!(names.contains_key("ssm:StartSession") && names.contains_key("aws:SourceIp"));
    let facts = ACTIONS.iter().copied().flatten();
    let mut unknown = Vec::new();
    for action in facts {
        if evaluator.describe(action).0.is_none() {
            unknown.push(format!("{action} of model/facts.rs"));
        }
    }
    for (name, place) in &names {
        let (action, key) = evaluator.describe(name);
        if action.is_none() && !key {
            unknown.push(format!("{name} of {place}"));
        }
    }
    assert!(unknown.is_empty(), "neither actions nor condition keys: {}", unknown.join(", "));
}

/// The questions put to IAM's simulator about a scenario of which no answer of it is known.
fn questions(facts: &Facts, scope: &Scope) -> BTreeSet<Question> {
    let mut facts = facts.clone();
    facts.simulations.clear();
    let mut asked = BTreeSet::new();
    loop {
        let answers = all().map(|it| (it.run)(&Case::new(&facts, scope)));
        let unasked =
            answers.filter_map(Result::err).flat_map(|it| it.unasked().collect::<Vec<_>>());
        let new: BTreeSet<Question> = unasked
            .filter_map(
                |it| if let Need::simulation(question) = it { Some(question) } else { None },
            )
            .filter(|it| !asked.contains(it))
            .collect();
        if new.is_empty() {
            return asked;
        }
        for question in &new {
            let allowed = serde_json::from_value(json!({ "decision": "allowed" })).unwrap();
            facts.simulations.insert(question.clone(), allowed);
        }
        asked.extend(new);
    }
}

/// Could the ARN be of this type? `pattern` is `arn:${Partition}:ssm:${Region}:${Account}:session/${SessionId}`.
fn is_of(arn: &str, pattern: &str) -> bool {
    let mut parts = pattern.split("${").map(|it| it.split_once('}').map_or(it, |it| it.1));
    let Some(mut rest) = parts.next().and_then(|it| arn.strip_prefix(it)) else { return false };
    let parts: Vec<&str> = parts.collect();
    for (at, part) in parts.iter().enumerate() {
        let found = if at + 1 == parts.len() && part.is_empty() {
            Some(rest.len())
        } else {
            rest.find(part)
        };
        let Some(found) = found else { return false };
        rest = &rest[found + part.len()..];
    }
    rest.is_empty()
}

/// Of this action the reference knows no resource, and AWS's sample policies name sessions: both forms
/// are asked about. Source: Systems Manager user guide, "Quickstart default IAM policies for Session
/// Manager".
fn is_of_a_sample(question: &Question) -> bool {
    question.action == "ssmmessages:OpenDataChannel" && question.resource.contains(":session/")
}

/// Of these the reference knows no resource, and AWS's refusals name one, on which statements work:
/// see `solve::credentials::channels_of` and `log_groups_of`.
fn is_as_refusals_have_it(question: &Question) -> bool {
    let Question { action, resource, .. } = question;
    match action.as_str() {
        "logs:DescribeLogGroups" => resource.ends_with(":log-group::log-stream:"),
        action => action.starts_with("ssmmessages:") && resource.ends_with("111122223333:*"),
    }
}

#[test]
fn every_question_is_about_a_resource_that_its_action_knows() {
    let mut evaluator = Evaluator::start().unwrap();
    let built_in = fixtures::all().unwrap();
    let examples = all().flat_map(|it| support::examples(it)).map(|it| it.scenario);
    let scenarios = built_in.into_iter().chain(examples);
    let asked: BTreeSet<Question> =
        scenarios.flat_map(|it| questions(&it.facts, &it.scope)).collect();
    assert!(asked.len() > 20, "{asked:?}");
    let mut wrong = Vec::new();
    for question in &asked {
        let types = evaluator.describe(&question.action).0;
        let fits = types.is_some_and(|types| match question.resource.as_str() {
            "*" => types.is_empty(),
            arn => {
                types.iter().any(|it| is_of(arn, it))
                    || is_of_a_sample(question)
                    || is_as_refusals_have_it(question)
            }
        });
        if !fits {
            wrong.push(question.to_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Evaluator {
    /// The ARNs of an action's resource types, if it is one; and whether it is a condition key.
    fn describe(&mut self, name: &str) -> (Option<Vec<String>>, bool) {
        let reply = self.0.ask(&json!({ "name": name })).unwrap();
        let types = reply["action"]
            .as_array()
            .map(|types| types.iter().filter_map(Value::as_str).map(Into::into).collect());
        (types, reply["key"] == true)
    }
}
