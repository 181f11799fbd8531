//! The values of a resource, with what is not known and what nobody may print.
//!
//! A plan keeps three trees of one shape: the values, what is known only after apply, and what is sensitive.
//! Here they are one: a placeholder replaces each value that is not known or not to be shown, so that no code
//! below meets a sensitive value.

use serde_json::{Map, Value, json};
use ssm_doctor_facts::lookup::Why;

/// The key of a placeholder. No attribute of a provider begins with `$`.
const PLACEHOLDER: &str = "$unknown";

/// What an attribute has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attribute<'v> {
    /// No value, or `null`.
    None,
    Known(&'v Value),
    Unknown(Why),
}

/// An attribute's value, or a placeholder.
#[must_use]
pub fn attribute(value: Option<&Value>) -> Attribute<'_> {
    match value {
        None | Some(Value::Null) => Attribute::None,
        Some(value) => why(value).map_or(Attribute::Known(value), Attribute::Unknown),
    }
}

/// Why a value is not known, if it is a placeholder.
#[must_use]
pub fn why(value: &Value) -> Option<Why> {
    match value.get(PLACEHOLDER)?.as_str()? {
        "sensitive" => Some(Why::Sensitive),
        _ => Some(Why::AfterApply),
    }
}

/// One tree of three. A part that a mask lacks is known, or is not sensitive.
#[must_use]
pub fn merged<'m>(value: &Value, unknown: &'m Value, sensitive: &'m Value) -> Value {
    if sensitive == &Value::Bool(true) {
        return placeholder("sensitive");
    }
    if unknown == &Value::Bool(true) {
        return placeholder("after-apply");
    }
    match value {
        Value::Object(fields) => {
            let mut all: Map<String, Value> = fields
                .iter()
                .map(|(name, value)| {
                    let part = |mask: &'m Value| mask.get(name).unwrap_or(&Value::Null);
                    (name.clone(), merged(value, part(unknown), part(sensitive)))
                })
                .collect();
            // The values leave out what is not known.
            for (name, mask) in unknown.as_object().into_iter().flatten() {
                let sensitive = sensitive.get(name).unwrap_or(&Value::Null);
                if !all.contains_key(name) && mask == &Value::Bool(true) {
                    all.insert(name.clone(), merged(&Value::Null, mask, sensitive));
                }
            }
            Value::Object(all)
        }
        Value::Array(items) => {
            let part = |mask: &'m Value, at: usize| mask.get(at).unwrap_or(&Value::Null);
            let longest = items.len().max(unknown.as_array().map_or(0, Vec::len));
            let all = (0..longest).map(|at| {
                let value = items.get(at).unwrap_or(&Value::Null);
                merged(value, part(unknown, at), part(sensitive, at))
            });
            Value::Array(all.collect())
        }
        value => value.clone(),
    }
}

fn placeholder(why: &str) -> Value {
    json!({ PLACEHOLDER: why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_trees_become_one() {
        let value = json!({ "a": 1, "secret": "x", "list": ["p", null], "empty": null });
        let unknown = json!({ "id": true, "list": [false, true] });
        let sensitive = json!({ "secret": true });
        let all = merged(&value, &unknown, &sensitive);
        assert_eq!(attribute(all.get("a")), Attribute::Known(&json!(1)));
        assert_eq!(attribute(all.get("secret")), Attribute::Unknown(Why::Sensitive));
        assert_eq!(attribute(all.get("id")), Attribute::Unknown(Why::AfterApply));
        assert_eq!(attribute(all.get("empty")), Attribute::None);
        assert_eq!(attribute(all.get("other")), Attribute::None);
        assert_eq!(attribute(all["list"].get(1)), Attribute::Unknown(Why::AfterApply));
        assert!(!all.to_string().contains('x'));
    }
}
