//! Every action and condition key that a check names exists, and every simulation that a check needs is about
//! a resource type of its action.
//!
//! The truth is the Service Authorization Reference, from the data of the npm packages in `evaluator.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot continue panics"
)]

mod evaluator;
#[path = "../packages.rs"]
mod packages;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};
use ssm_doctor_analysis::case::Case;
use ssm_doctor_checks::{all, engine::diagnosis::ask};
use ssm_doctor_facts::{
    iam::Question,
    lookup::{ACTIONS, Facts, Need},
    scope::Scope,
};
use ssm_doctor_fixtures as fixtures;

use packages::Dialogue;

/// The Service Authorization Reference.
struct Reference(Dialogue);

impl Reference {
    fn open() -> Self {
        Self(evaluator::start().unwrap())
    }

    /// The ARNs of an action's resource types, if `name` is an action; and whether it is a condition key.
    fn describe(&mut self, name: &str) -> (Option<Vec<String>>, bool) {
        let reply = self.0.ask(&json!({ "name": name })).unwrap();
        let types = reply["action"]
            .as_array()
            .map(|types| types.iter().filter_map(Value::as_str).map(Into::into).collect());
        (types, reply["key"] == true)
    }
}

/// Collects names: `"ssm:StartSession"` in code and JSON, `ssm:StartSession` between backticks in prose.
fn names_in(folder: &Path, names: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            names_in(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "md") {
            let text = fs::read_to_string(&path).unwrap();
            let words = text.split(['"', '`']).filter(|word| is_name(word));
            names.extend(words.map(|word| (word.to_owned(), path.display().to_string())));
        }
    }
}

fn is_name(word: &str) -> bool {
    word.split_once(':').is_some_and(|(service, name)| {
        !service.is_empty()
            && service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && name.starts_with(|char: char| char.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[test]
fn every_name_exists() {
    let mut reference = Reference::open();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    names_in(Path::new(env!("CARGO_MANIFEST_DIR")), &mut names);
    assert!(names.contains_key("ssm:StartSession") && names.contains_key("aws:SourceIp"));
    let facts = ACTIONS.iter().copied().flatten();
    let mut unknown = Vec::new();
    for action in facts {
        if reference.describe(action).0.is_none() {
            unknown.push(format!("{action} of the facts table"));
        }
    }
    for (name, place) in &names {
        let (action, key) = reference.describe(name);
        if action.is_none() && !key {
            unknown.push(format!("{name} of {place}"));
        }
    }
    assert!(unknown.is_empty(), "neither actions nor condition keys: {}", unknown.join(", "));
}

/// All simulations that the checks need in a scenario without simulations.
fn simulations(facts: &Facts, scope: &Scope) -> BTreeSet<Question> {
    let mut facts = facts.clone();
    facts.simulations.clear();
    let mut asked = BTreeSet::new();
    loop {
        let answers = all().map(|check| ask(check, &Case::new(&facts, scope)));
        let unasked = answers
            .filter_map(Result::err)
            .flat_map(|unknown| unknown.unasked().collect::<Vec<_>>());
        let new: BTreeSet<Question> = unasked
            .filter_map(
                |need| if let Need::simulation(question) = need { Some(question) } else { None },
            )
            .filter(|question| !asked.contains(question))
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

/// Whether the ARN fits this resource type. `pattern` is `arn:${Partition}:ssm:${Region}:${Account}:session/${SessionId}`.
fn fits(arn: &str, pattern: &str) -> bool {
    let mut parts =
        pattern.split("${").map(|part| part.split_once('}').map_or(part, |(_, text)| text));
    let Some(mut rest) = parts.next().and_then(|start| arn.strip_prefix(start)) else {
        return false;
    };
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

/// The reference has no resource types for this action, but AWS's sample policies name sessions. The checks ask
/// about both forms. Source: Systems Manager user guide, "Quickstart default IAM policies for Session
/// Manager".
fn is_session_of_sample_policy(question: &Question) -> bool {
    question.action == "ssmmessages:OpenDataChannel" && question.resource.contains(":session/")
}

/// The reference has no resource types for these actions, but AWS's error messages name a resource, and statements
/// for it work: see `channels_of` and `log_groups_of` in `permissions::credentials`.
fn is_resource_of_error_message(question: &Question) -> bool {
    let Question { action, resource, .. } = question;
    match action.as_str() {
        "logs:DescribeLogGroups" => resource.ends_with(":log-group::log-stream:"),
        action => action.starts_with("ssmmessages:") && resource.ends_with("111122223333:*"),
    }
}

#[test]
fn every_simulation_is_about_a_resource_type_of_its_action() {
    let mut reference = Reference::open();
    let built_in = fixtures::all().unwrap();
    let examples = all().flat_map(support::cases::examples).map(|example| example.scenario);
    let scenarios = built_in.into_iter().chain(examples);
    let asked: BTreeSet<Question> =
        scenarios.flat_map(|scenario| simulations(&scenario.facts, &scenario.scope)).collect();
    assert!(asked.len() > 20, "{asked:?}");
    let mut wrong = Vec::new();
    for question in &asked {
        let types = reference.describe(&question.action).0;
        let is_known = types.is_some_and(|types| match question.resource.as_str() {
            "*" => types.is_empty(),
            arn => {
                types.iter().any(|pattern| fits(arn, pattern))
                    || is_session_of_sample_policy(question)
                    || is_resource_of_error_message(question)
            }
        });
        if !is_known {
            wrong.push(question.to_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
