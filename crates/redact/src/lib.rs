//! Facts without what identifies their owner, so that they can be shown to others.
//!
//! [`redact`] replaces by pseudonyms: accounts, ids, ARNs, names, tags, addresses, principals and free text. The
//! redacted facts give the same verdicts, causes and paths, because the replacement keeps every relation that
//! analysis reads:
//!
//! * The same text has the same pseudonym everywhere, so what was equal stays equal.
//! * A text is replaced word by word. What is between words stays, so an ARN stays an ARN, a domain stays
//!   within its parent domain, and a path keeps its folders.
//! * Addresses keep their common prefixes and their special ranges ([`address`]).
//! * Wildcards keep what they match: a word is divided where a pattern of the same facts divides it ([`word`]).
//!
//! A word stays as it is only if it is in the [vocabulary](word) of AWS, of its policies, and of the agent's log.
//! Everything else is replaced, so a field that is added to the facts cannot leak a name. Names that consist of
//! such words, such as `default`, stay as they are. Regions, Availability Zones, points in time, ports, short
//! numbers and versions stay too.
//!
//! The vocabulary has words in ASCII letters only. An error message in Japanese is replaced whole, and no longer
//! explains anything. The program then warns that answers differ.
//!
//! Of a policy document stay the effects, the actions, the condition operators, the condition keys up to the name
//! of a tag, and the numbers and dates of conditions. Statement ids, principals, resources and the other values
//! are replaced.
//!
//! The key of all pseudonyms is a hash of the facts themselves: the same facts always give the same
//! pseudonyms, two runs give different ones, and nobody who has only the redacted facts can compute the key.

#![no_std]
extern crate alloc;

mod address;
mod secret;
mod text;
mod word;

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Map, Value};

use ssm_doctor_facts::{iam::Question, lookup::Facts, scope::Scope};

use address::Addresses;
use secret::Secret;
use word::Words;

/// The facts that cannot be redacted, and why: a replaced value does not have the form of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactError(pub String);

/// The facts and their scope, with pseudonyms in place of what identifies their owner.
///
/// # Errors
/// [`RedactError`] if a pseudonym does not fit, such as a name that becomes too long.
pub fn redact(facts: &Facts, scope: &Scope) -> Result<(Facts, Scope), RedactError> {
    let failed = |error: serde_json::Error| RedactError(error.to_string());
    let facts = serde_json::to_value(facts).map_err(failed)?;
    let scope = serde_json::to_value(scope).map_err(failed)?;
    let mut redaction = Redaction::new(&format!("{facts}{scope}"));
    redaction.learn(&facts, "");
    redaction.learn(&scope, "");
    let facts = redaction.value(&facts, Place::default());
    let scope = redaction.value(&scope, Place::default());
    Ok((
        serde_json::from_value(facts).map_err(failed)?,
        serde_json::from_value(scope).map_err(failed)?,
    ))
}

/// What all replacements of one set of facts share.
struct Redaction {
    words: Words,
    addresses: Addresses,
}

/// Where a value is, as far as it matters to its replacement.
#[derive(Clone, Copy, Default)]
struct Place<'v> {
    /// The name of the field.
    field: &'v str,
    /// Below a condition operator that compares numbers or dates.
    is_number: bool,
}

impl Redaction {
    fn new(content: &str) -> Self {
        let secret = Secret::of(content);
        Self { words: Words::new(secret), addresses: Addresses::new(secret) }
    }

    /// Learns the words of policies that stay, the patterns, and the ranges of addresses.
    fn learn(&mut self, value: &Value, field: &str) {
        match value {
            Value::String(raw) => self.learn_text(raw, field),
            Value::Array(values) => values.iter().for_each(|value| self.learn(value, field)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    match (field, key.as_str(), value) {
                        ("simulations", _, _) => {
                            if let Ok(question) = Question::try_from(key.clone()) {
                                self.learn_question(&question);
                            }
                        }
                        (_, "Condition", Value::Object(operators)) => {
                            self.learn_condition(operators);
                        }
                        _ => self.learn_text(key, field),
                    }
                    self.learn(value, key);
                }
            }
            _ => {}
        }
    }

    fn learn_text(&mut self, raw: &str, field: &str) {
        match field {
            "Action" | "NotAction" if is_action(raw) => self.words.keep(raw),
            "missing_context" => self.words.keep(condition_key(raw)),
            _ => {}
        }
        // Everybody has the policies of AWS.
        if let Some((_, policy)) = raw.split_once(":iam::aws:policy/") {
            self.words.keep(policy);
        }
        self.words.learn_patterns(raw);
        text::networks(raw, |network| self.addresses.learn(network));
    }

    fn learn_question(&mut self, question: &Question) {
        self.words.keep(&question.action);
        self.learn_text(&question.resource, "");
        for key in question.context.keys() {
            self.words.keep(condition_key(key));
        }
    }

    /// Source: IAM User Guide, "IAM JSON policy elements: Condition".
    fn learn_condition(&mut self, operators: &Map<String, Value>) {
        for (operator, keys) in operators {
            self.words.keep(operator);
            for key in keys.as_object().into_iter().flat_map(Map::keys) {
                self.words.keep(condition_key(key));
            }
        }
    }

    fn value(&self, value: &Value, place: Place) -> Value {
        match value {
            Value::String(raw) if place.is_number && is_number_or_date(raw) => value.clone(),
            Value::String(raw) => Value::String(self.text(raw, place.field)),
            Value::Array(values) => values.iter().map(|value| self.value(value, place)).collect(),
            Value::Object(fields) => {
                let replaced = fields.iter().map(|(key, value)| {
                    let is_number = place.is_number || compares_numbers(key);
                    let inner = Place { field: key, is_number };
                    (self.key(key, place.field), self.value(value, inner))
                });
                Value::Object(replaced.collect())
            }
            // A policy may have an account's id as a number. Its pseudonym has digits only, too.
            Value::Number(number) => match number.as_u64().map(|number| number.to_string()) {
                Some(digits) if digits.len() == word::ACCOUNT => {
                    self.words.replace(&digits).parse::<u64>().map_or(Value::Null, Value::from)
                }
                _ => value.clone(),
            },
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn key(&self, key: &str, field: &str) -> String {
        let question = (field == "simulations").then(|| Question::try_from(key.to_string()).ok());
        let replaced = question.flatten().and_then(|question| self.question(&question));
        replaced.map_or_else(|| self.text(key, field), String::from)
    }

    /// The context is encoded in a question's text, so the question is replaced part by part.
    fn question(&self, question: &Question) -> Option<Question> {
        let mut context = BTreeMap::<String, Vec<String>>::new();
        for (key, values) in &question.context {
            let values = values.iter().map(|value| match key.as_str() {
                // Seconds since 1970 are as long as a telephone number.
                "aws:EpochTime" => value.clone(),
                _ => self.text(value, ""),
            });
            context.insert(self.text(key, ""), values.collect());
        }
        let principal = self.text(question.principal.as_str(), "");
        Some(Question {
            principal: principal.parse().ok()?,
            action: question.action.clone(),
            resource: self.text(&question.resource, ""),
            context,
        })
    }

    fn text(&self, raw: &str, field: &str) -> String {
        // Four numbers are a version here, not an address.
        let addresses = (!field.ends_with("version")).then_some(&self.addresses);
        text::replace(raw, &self.words, addresses)
    }
}

/// `ssm:StartSession`, `ssm:*`, `*`
fn is_action(raw: &str) -> bool {
    let is_word = |part: &str| {
        part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'*' | b'?'))
    };
    raw == "*"
        || raw.split_once(':').is_some_and(|(service, action)| is_word(service) && is_word(action))
}

/// `aws:ResourceTag` of `aws:ResourceTag/Team`: the name of a tag is its owner's.
fn condition_key(key: &str) -> &str {
    key.split_once('/').map_or(key, |(key, _)| key)
}

/// `NumericLessThan`, `ForAllValues:DateGreaterThanIfExists`
fn compares_numbers(operator: &str) -> bool {
    let operator = operator.rsplit_once(':').map_or(operator, |(_, operator)| operator);
    ["Numeric", "Date"].iter().any(|kind| operator.starts_with(kind))
}

fn is_number_or_date(raw: &str) -> bool {
    raw.bytes().all(|b| b.is_ascii_digit() || b"TZ:.+-".contains(&b))
}
