//! What is known of a policy that an `aws_iam_policy_document` data source makes, before it is applied.
//!
//! The text of such a policy is known only after apply if it names a resource of the same plan. Its statements are in
//! the plan nevertheless, each with the actions that it is about.

use serde_json::{Map, Value, json};
use ssm_doctor_facts::text::Text;

use crate::plan::{
    values::{Attribute, attribute},
    world::{Resource, World},
};

const DOCUMENT: [&str; 1] = ["aws_iam_policy_document"];

/// What stands for a policy of which nothing is known. `principal`: does it name principals?
pub(super) fn open(address: &str, principal: bool) -> Text {
    let mut statement = Map::new();
    statement.insert("Effect".into(), "Allow".into());
    statement.insert("Action".into(), "*".into());
    statement.insert("Resource".into(), "*".into());
    statement.insert("Condition".into(), json!({ "StringEquals": { address: "known" } }));
    if principal {
        statement.insert("Principal".into(), "*".into());
    }
    Text::Json(json!({ "Version": "2012-10-17", "Statement": [statement] }))
}

/// The policy that an attribute takes from a data source. Whether a statement applies whose resources or conditions are
/// not known, is not known either. None where a statement is not visible.
pub(super) fn planned(world: &World, resource: &Resource, attribute: &str) -> Option<Text> {
    let id = world.refers_to_one(resource, attribute, &DOCUMENT).value()?;
    let data = world.with_id(&id).filter(|data| DOCUMENT.contains(&data.kind))?;
    let others =
        ["source_json", "source_policy_documents", "override_json", "override_policy_documents"];
    if others.iter().any(|name| is_given(data.values.get(*name))) {
        return None;
    }
    let Attribute::Known(Value::Array(statements)) = self::attribute(data.values.get("statement"))
    else {
        return None;
    };
    let statements: Option<Vec<Value>> =
        statements.iter().map(|statement| planned_statement(statement, &data.address)).collect();
    Some(Text::Json(json!({ "Version": "2012-10-17", "Statement": statements? })))
}

fn planned_statement(statement: &Value, address: &str) -> Option<Value> {
    let part = |name: &str| attribute(statement.get(name));
    let mut made = Map::new();
    let effect = match part("effect") {
        Attribute::None => "Allow",
        Attribute::Known(effect) => effect.as_str()?,
        Attribute::Unknown(_) => return None,
    };
    made.insert("Effect".into(), effect.into());
    let (name, actions) = match (texts(part("actions")), texts(part("not_actions"))) {
        (Some(actions), Some(none)) if none.is_empty() => ("Action", actions),
        (Some(none), Some(actions)) if none.is_empty() => ("NotAction", actions),
        _ => return None,
    };
    made.insert(name.into(), actions.into());
    let resources = texts(part("resources")).filter(|all| !all.is_empty());
    let principal = principals(part("principals"));
    let is_known = resources.is_some()
        && principal.is_some()
        && !is_given(statement.get("condition"))
        && !is_given(statement.get("not_principals"))
        && !is_given(statement.get("not_resources"));
    match principal {
        Some(Value::Null) => {}
        principal => _ = made.insert("Principal".into(), principal.unwrap_or_else(|| "*".into())),
    }
    made.insert("Resource".into(), resources.unwrap_or_else(|| vec!["*".into()]).into());
    if !is_known {
        made.insert("Condition".into(), json!({ "StringEquals": { address: "known" } }));
    }
    Some(made.into())
}

/// Whom a statement is about: `null` where it does not say, as in a role's policy. None if it is not known.
fn principals(blocks: Attribute) -> Option<Value> {
    let blocks = match blocks {
        Attribute::None => return Some(Value::Null),
        Attribute::Known(blocks) => blocks.as_array()?,
        Attribute::Unknown(_) => return None,
    };
    let mut all = Map::new();
    for block in blocks {
        let kind = block.get("type")?.as_str()?;
        let named = texts(attribute(block.get("identifiers")))?;
        if kind == "*" {
            return Some("*".into());
        }
        all.insert(kind.into(), named.into());
    }
    Some(if all.is_empty() { Value::Null } else { all.into() })
}

fn is_given(value: Option<&Value>) -> bool {
    match attribute(value) {
        Attribute::None => false,
        Attribute::Known(Value::Array(items)) => !items.is_empty(),
        Attribute::Known(Value::String(text)) => !text.is_empty(),
        Attribute::Known(_) | Attribute::Unknown(_) => true,
    }
}

/// The texts of a list; None if one of them is not known.
fn texts(list: Attribute) -> Option<Vec<String>> {
    match list {
        Attribute::None => Some(Vec::new()),
        Attribute::Known(list) => {
            list.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        }
        Attribute::Unknown(_) => None,
    }
}
