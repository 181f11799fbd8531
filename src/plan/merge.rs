//! Facts that were collected, with what a plan changes in them.
//!
//! Three versions meet: the facts, and the plan's resources before and after. What the plan leaves as it is
//! stays as the facts have it. What it changes is changed in the facts, item by item: a list of the facts may
//! have more than the plan knows of. This works on rows as they are saved, so that each kind of row is merged
//! alike.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use ssm_doctor_facts::{
    ec2::Endpoint,
    lookup::{Facts, Row},
};

use super::rows::Rows;

/// The facts after the plan.
///
/// # Errors
/// None that is known: facts become JSON, and a row stays a row.
pub fn changed(base_facts: &Facts, before: &Rows, after: &Rows) -> serde_json::Result<Facts> {
    let base = tables(base_facts)?;
    let (before_tables, after_tables) = (tables(&before.facts)?, tables(&after.facts)?);
    let mut merged = base.clone();
    let none = Map::new();
    for name in keys(&before_tables, &after_tables) {
        // A table without rows is left out.
        let [base, before_rows, after_rows] = [&base, &before_tables, &after_tables]
            .map(|tables| tables.get(name).and_then(Value::as_object).unwrap_or(&none));
        let mut rows = base.clone();
        for key in keys(before_rows, after_rows) {
            let (was, is) = (before_rows.get(key), after_rows.get(key));
            let part = || {
                before.partly_seen.iter().chain(&after.partly_seen).any(|vpc| vpc.as_str() == key)
            };
            let row = match (base.get(key), is) {
                (Some(base), _) if was == is => Some(base.clone()),
                (Some(base), Some(is)) => Some(merge(base, was.unwrap_or(&Value::Null), is)),
                // Of a list that the facts lack, the plan shows a part.
                (None, Some(is)) => (!(is.is_array() && part())).then(|| is.clone()),
                (_, None) => Some(Value::String("absent".into())),
            };
            if let Some(row) = row {
                rows.insert(key.clone(), row);
            }
        }
        merged.insert(name.clone(), Value::Object(rows));
    }
    let mut facts: Facts = serde_json::from_value(Value::Object(merged))?;
    forget_simulations(&mut facts, before, after);
    group_interfaces(&mut facts, base_facts);
    Ok(facts)
}

/// The keys of both, each once.
fn keys<'m>(one: &'m Map<String, Value>, other: &'m Map<String, Value>) -> BTreeSet<&'m String> {
    one.keys().chain(other.keys()).collect()
}

fn tables(facts: &Facts) -> serde_json::Result<Map<String, Value>> {
    Ok(match serde_json::to_value(facts)? {
        Value::Object(tables) => tables,
        _ => Map::new(),
    })
}

/// What changed from `was` to `is`, made in `base`.
fn merge(base: &Value, was: &Value, is: &Value) -> Value {
    if was == is {
        return base.clone();
    }
    match (base, was, is) {
        // A list that was not seen is not seen with one more item either.
        (Value::Object(base), _, Value::Array(_)) if base.contains_key("unknown") => {
            Value::Object(base.clone())
        }
        (Value::Object(base), Value::Object(was), Value::Object(is)) => {
            let mut merged = base.clone();
            for key in keys(was, is) {
                let (before, after) = (was.get(key), is.get(key));
                match after {
                    _ if before == after => {}
                    None => {
                        merged.remove(key);
                    }
                    Some(after) => {
                        let own = base.get(key).unwrap_or(&Value::Null);
                        merged
                            .insert(key.clone(), merge(own, before.unwrap_or(&Value::Null), after));
                    }
                }
            }
            Value::Object(merged)
        }
        (Value::Array(base), Value::Array(was), Value::Array(is)) => {
            Value::Array(items(base, was, is))
        }
        _ => is.clone(),
    }
}

/// Lists of rows are merged by the rows' ids, all others by their items.
fn items(base: &[Value], was: &[Value], is: &[Value]) -> Vec<Value> {
    let same = |a: &Value, b: &Value| match (a.get("id"), b.get("id")) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    };
    let find =
        |list: &'_ [Value], item: &Value| list.iter().find(|other| same(other, item)).cloned();
    let mut merged = Vec::new();
    for item in base {
        match (find(was, item), find(is, item)) {
            (Some(was), Some(is)) => merged.push(merge(item, &was, &is)),
            (None, Some(is)) if item.is_object() => merged.push(is),
            (Some(_), None) => {}
            (None, _) => merged.push(item.clone()),
        }
    }
    for item in is {
        if find(was, item).is_none() && find(&merged, item).is_none() {
            merged.push(item.clone());
        }
    }
    merged
}

/// The interfaces of an endpoint have its security groups.
fn group_interfaces(facts: &mut Facts, base: &Facts) {
    let mut changed = Vec::new();
    for (vpc, row) in &facts.endpoints {
        let (Row::Present(now), Some(Row::Present(then))) = (row, base.endpoints.get(vpc)) else {
            continue;
        };
        for endpoint in now {
            let same = |other: &&Endpoint| {
                other.id == endpoint.id && other.security_groups != endpoint.security_groups
            };
            if then.iter().any(|other| same(&other)) {
                changed.push((endpoint.interfaces.clone(), endpoint.security_groups.clone()));
            }
        }
    }
    for (interfaces, groups) in changed {
        for id in interfaces {
            if let Some(Row::Present(interface)) = facts.network_interfaces.get_mut(&id) {
                interface.security_groups.clone_from(&groups);
            }
        }
    }
}

/// IAM's simulator answered before the change: what it said of a role whose policies change is not used.
fn forget_simulations(facts: &mut Facts, before: &Rows, after: &Rows) {
    let (was, is) = (&before.facts, &after.facts);
    let names = was.role_policies.keys().chain(is.role_policies.keys());
    let changed: Vec<_> = names
        .filter(|name| {
            let managed = match is.role_policies.get(name) {
                Some(Row::Present(policies)) => policies.managed.as_slice(),
                _ => &[],
            };
            was.role_policies.get(name) != is.role_policies.get(name)
                || was.roles.get(name) != is.roles.get(name)
                || managed
                    .iter()
                    .any(|arn| was.managed_policies.get(arn) != is.managed_policies.get(arn))
        })
        .cloned()
        .collect();
    facts.simulations.retain(|question, _| {
        !changed.iter().any(|name| {
            question.principal.resource().starts_with("role/")
                && question.principal.name() == name.as_str()
        })
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_made_in_what_was_seen() {
        let rows = [
            // What the plan does not change stays, even where the facts differ.
            (json!([1, 2]), json!([3]), json!([3]), json!([1, 2])),
            (json!([1, 2, 3]), json!([2]), json!([4]), json!([1, 3, 4])),
            (
                json!([{ "id": "a", "n": 1, "m": 2 }, { "id": "b" }]),
                json!([{ "id": "a", "n": 1 }]),
                json!([{ "id": "a", "n": 5 }, { "id": "c" }]),
                json!([{ "id": "a", "n": 5, "m": 2 }, { "id": "b" }, { "id": "c" }]),
            ),
            (
                json!([{ "id": "a" }, { "id": "b" }]),
                json!([{ "id": "a" }]),
                json!([]),
                json!([{ "id": "b" }]),
            ),
            (
                json!({ "x": 1, "y": 2 }),
                json!({ "x": 0 }),
                json!({ "x": 3 }),
                json!({ "x": 3, "y": 2 }),
            ),
            (json!({ "unknown": "denied" }), json!([]), json!([1]), json!({ "unknown": "denied" })),
        ];
        for (base, was, is, expected) in rows {
            assert_eq!(merge(&base, &was, &is), expected, "{base} {was} {is}");
        }
    }
}
