//! Policy documents with a statement more, or with a Deny that covers less.
//!
//! Every edit returns a complete document: AWS replaces a policy as a whole. AWS refuses a document that names a
//! user or role that was deleted, although it keeps such a document, so no edit returns one.

use alloc::{string::String, vec::Vec};

use serde_json::{Map, Value, json};

use ssm_doctor_facts::{ids::Arn, text::Text};
use ssm_doctor_iam_policy::pattern_covers;

/// What a Deny must no longer cover.
#[derive(Clone, Copy, Debug)]
pub struct Exemption<'a> {
    pub actions: &'a [&'a str],
    /// An ARN, or `*`.
    pub resource: &'a str,
    /// Whom the edit is for, where the policy applies to others, too.
    pub principal: Option<&'a Arn>,
}

impl Exemption<'_> {
    /// Is it about every resource? AWS gives the actions of `ssmmessages` none of their own.
    fn is_any_resource(&self) -> bool {
        self.resource == "*" || self.resource.contains(":ssmmessages:")
    }
}

/// A document after an edit.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    pub document: Value,
    /// Does it allow something else as well?
    pub widens: bool,
    /// Does it exempt from a statement on all that the statement covers, and not on the one resource only?
    pub every_resource: bool,
}

/// The document with these statements after its own. Without a document, one that has them alone.
pub fn with_statements(document: Option<&Text>, added: &[Value]) -> Option<Value> {
    let Some(document) = document else {
        return Some(json!({ "Version": "2012-10-17", "Statement": added }));
    };
    let mut statements = statements(document)?;
    // What is there already need not come twice.
    let new: Vec<Value> =
        added.iter().filter(|statement| !statements.contains(statement)).cloned().collect();
    statements.extend(new);
    replaced(document, statements)
}

/// The document without its denial of some requests: what each statement, by its number, must no longer deny. Numbers
/// count from 1. None if the document cannot be read, or if a statement denies nothing of that: then the number is one
/// of another document.
pub fn exempting(document: &Text, exemptions: &[(usize, Exemption)]) -> Option<Edited> {
    let statements = statements(document)?;
    if exemptions.iter().any(|(number, _)| !(1..=statements.len()).contains(number)) {
        return None;
    }
    let (mut kept, mut widens, mut every_resource) = (Vec::new(), false, false);
    for (number, statement) in (1..).zip(statements) {
        let Some((_, exemption)) = exemptions.iter().find(|(edited, _)| *edited == number) else {
            kept.push(statement);
            continue;
        };
        let statement = statement.as_object()?;
        let actions = denied(statement, exemption.actions);
        if actions.is_empty() || !is_about(statement, exemption) {
            return None;
        }
        let (rest, wider) = exempt(statement, Exemption { actions: &actions, ..*exemption });
        widens |= wider;
        every_resource |=
            !exemption.is_any_resource() && exempts_every_resource(statement, exemption);
        kept.extend(rest.into_iter().map(Value::Object));
    }
    Some(Edited { document: replaced(document, kept)?, widens, every_resource })
}

/// The document with another value among those that a condition of a statement accepts.
pub fn accepting(
    document: &Text,
    number: usize,
    operator: &str,
    key: &str,
    value: &str,
) -> Option<Value> {
    let mut statements = statements(document)?;
    let statement = statements.get_mut(number.checked_sub(1)?)?;
    let values = statement.get_mut("Condition")?.get_mut(operator)?.get_mut(key)?;
    let mut accepted = listed(values);
    accepted.push(value.into());
    *values = json!(accepted);
    replaced(document, statements)
}

/// The document with a Deny that spares one more value of a key: the first key that the Deny spares values of (by an
/// operator such as `StringNotEquals`), and whose value in the request `value_of` knows. With that key and value.
pub fn sparing(
    document: &Text,
    number: usize,
    value_of: impl Fn(&str) -> Option<String>,
) -> Option<(Value, String, String)> {
    let statements = statements(document)?;
    let conditions = statements.get(number.checked_sub(1)?)?.get("Condition")?.as_object()?;
    let is_negated = |operator: &str| {
        ["StringNotEquals", "StringNotLike", "StringNotEqualsIgnoreCase", "NotIpAddress"]
            .contains(&operator.strip_suffix("IfExists").unwrap_or(operator))
    };
    let negated = conditions.iter().filter(|(operator, _)| is_negated(operator));
    let mut keys = negated.flat_map(|(operator, keys)| {
        keys.as_object().into_iter().flat_map(Map::keys).map(move |key| (operator, key))
    });
    let (operator, key, value) =
        keys.find_map(|(operator, key)| Some((operator, key, value_of(key)?)))?;
    Some((accepting(document, number, operator, key, &value)?, key.clone(), value))
}

/// A trust policy whose Deny statements spare the services of AWS, and whether one had to. Source: IAM user
/// guide, "AWS global condition context keys", `aws:PrincipalIsAWSService`.
pub fn sparing_services(trust: &Text, action: &str) -> Option<Edited> {
    const KEY: &str = "aws:PrincipalIsAWSService";
    let mut statements = statements(trust)?;
    let mut widens = false;
    for statement in statements.iter_mut().filter_map(Value::as_object_mut) {
        let patterns = statement.get("Action").map(listed).unwrap_or_default();
        let denied = patterns.iter().any(|pattern| pattern_covers(pattern, action));
        if statement.get("Effect") != Some(&json!("Deny")) || !denied {
            continue;
        }
        let condition = statement.entry("Condition").or_insert_with(|| json!({}));
        let operators = condition.as_object_mut()?.entry("BoolIfExists");
        let keys = operators.or_insert_with(|| json!({})).as_object_mut()?;
        let spared = json!("false");
        widens |= keys.insert(KEY.into(), spared.clone()) != Some(spared);
    }
    Some(Edited { document: replaced(trust, statements)?, widens, every_resource: true })
}

/// Is each statement of the document about all of these actions, or about none of them?
pub fn treats_alike(document: &Text, actions: &[&str]) -> bool {
    let alike = |statement: &Value| {
        let matched = statement.as_object().map(|statement| matched(statement, actions).len());
        matched.is_some_and(|matched| matched == 0 || matched == actions.len())
    };
    statements(document).is_some_and(|statements| statements.iter().all(alike))
}

/// Has the document any statement?
pub fn is_empty(document: &Value) -> bool {
    document.get("Statement").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

fn statements(document: &Text) -> Option<Vec<Value>> {
    match document.json()?.get("Statement")? {
        Value::Array(statements) => Some(statements.clone()),
        statement => Some(Vec::from([statement.clone()])),
    }
}

/// The users and roles that the document names and that were deleted: AWS shows the unique id of each in place
/// of its ARN, and "these unique IDs are never reused, so you can safely remove principals with unique
/// identifiers". Source: S3 user guide, "Principals for bucket policies".
pub fn deleted_principals(document: &Text) -> Vec<String> {
    let mut deleted: Vec<String> = Vec::new();
    for statement in statements(document).unwrap_or_default() {
        for principal in PRINCIPALS.iter().filter_map(|element| statement.get(element)?.get("AWS"))
        {
            for id in listed(principal).into_iter().filter(|id| is_unique_id(id)) {
                if !deleted.contains(&id) {
                    deleted.push(id);
                }
            }
        }
    }
    deleted
}

const PRINCIPALS: [&str; 2] = ["Principal", "NotPrincipal"];

fn is_unique_id(principal: &str) -> bool {
    let of_user_or_role = principal.starts_with("AIDA") || principal.starts_with("AROA");
    let is_id = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    of_user_or_role && principal.len() >= 16 && principal.bytes().all(is_id)
}

/// The statement without principals that were deleted. None if it is about nobody else.
fn without_deleted(mut statement: Value) -> Option<Value> {
    for element in PRINCIPALS {
        let Some(named) = statement.get_mut(element).and_then(Value::as_object_mut) else {
            continue;
        };
        let Some(all) = named.get("AWS").map(listed) else { continue };
        let left: Vec<&String> = all.iter().filter(|id| !is_unique_id(id)).collect();
        if left.len() == all.len() {
            continue;
        }
        if left.is_empty() {
            named.remove("AWS");
        } else {
            named.insert("AWS".into(), json!(left));
        }
        if named.is_empty() {
            if element == "Principal" {
                return None;
            }
            // What is about all but a user who was deleted is about everybody.
            let statement = statement.as_object_mut()?;
            statement.remove("NotPrincipal");
            statement.insert("Principal".into(), json!("*"));
        }
    }
    Some(statement)
}

fn replaced(document: &Text, statements: Vec<Value>) -> Option<Value> {
    let statements = statements.into_iter().filter_map(without_deleted).collect();
    let mut document = document.json()?.clone();
    document.as_object_mut()?.insert("Statement".into(), Value::Array(statements));
    Some(document)
}

type Statement = Map<String, Value>;

/// Which of these actions a statement denies.
fn denied<'a>(statement: &Statement, actions: &[&'a str]) -> Vec<&'a str> {
    if statement.get("Effect") == Some(&json!("Deny")) {
        matched(statement, actions)
    } else {
        Vec::new()
    }
}

/// Which of these actions a statement is about.
fn matched<'a>(statement: &Statement, actions: &[&'a str]) -> Vec<&'a str> {
    let patterns = |element: &str| statement.get(element).map(listed);
    let covers = |patterns: &[String], action: &str| {
        patterns.iter().any(|pattern| pattern_covers(pattern, action))
    };
    let is_matched = |action: &&&str| match patterns("NotAction") {
        Some(others) => !covers(&others, action),
        None => covers(&patterns("Action").unwrap_or_default(), action),
    };
    actions.iter().filter(is_matched).copied().collect()
}

/// Is the statement about what the exemption is about? Whom an exemption is for is exempted on every resource.
fn is_about(statement: &Statement, exemption: &Exemption) -> bool {
    if exemption.principal.is_some() || exemption.is_any_resource() {
        return true;
    }
    let covered = |element: &str| {
        let patterns = statement.get(element).map(listed)?;
        Some(patterns.iter().any(|pattern| pattern_covers(pattern, exemption.resource)))
    };
    covered("NotResource").is_some_and(|covered| !covered)
        || covered("Resource").unwrap_or_default()
}

/// Is what the statement covers beyond the resource exempted, too?
fn exempts_every_resource(deny: &Statement, exemption: &Exemption) -> bool {
    let resources = deny.get("Resource").map(listed).unwrap_or_default();
    let is_alone = resources.iter().all(|pattern| pattern == exemption.resource);
    if exemption.principal.is_some() {
        return !is_alone || deny.contains_key("NotResource");
    }
    !is_alone && !without_resource(deny.clone(), *exemption).1
}

/// What is left of a Deny, and whether that exempts more than it should. The first statement keeps the name
/// (`Sid`): names in a policy are unique. Source: IAM user guide, "IAM JSON policy elements: Sid".
fn exempt(deny: &Statement, exemption: Exemption) -> (Vec<Statement>, bool) {
    let (mut left, widens) = left_of(deny, exemption);
    for further in left.iter_mut().skip(1) {
        further.remove("Sid");
    }
    (left, widens)
}

fn left_of(deny: &Statement, exemption: Exemption) -> (Vec<Statement>, bool) {
    if let Some(others) = without_actions(deny, exemption.actions) {
        // Its other actions stay denied by a statement of their own.
        let mut narrowed = deny.clone();
        narrowed.remove("NotAction");
        narrowed.insert("Action".into(), json!(exemption.actions));
        let (rest, exact) = without_resource(narrowed, exemption);
        return (others.into_iter().chain(rest).collect(), !exact);
    }
    let (covering, others) = by_cover(deny, exemption.actions);
    let (mut left, mut narrowed) = (Vec::new(), deny.clone());
    if !others.is_empty() {
        let mut statement = deny.clone();
        statement.insert("Action".into(), json!(others));
        left.push(statement);
        narrowed.insert("Action".into(), json!(covering));
    }
    let every_other = covers_every_action(deny, &covering).then(|| {
        let mut statement = narrowed.clone();
        statement.remove("Action");
        statement.insert("NotAction".into(), json!(exemption.actions));
        statement
    });
    let (rest, exact) = without_resource(narrowed, exemption);
    left.extend(rest);
    // Every other action stays denied where this one no longer is. A pattern that covers only some actions
    // cannot be written without one of them, so whatever else it covers is exempted too.
    match every_other.and_then(|statement| only_where(statement, exemption)) {
        Some(statement) => {
            left.push(statement);
            (left, !exact)
        }
        None => (left, true),
    }
}

/// The patterns of actions that cover one of these, and the other patterns.
fn by_cover(deny: &Statement, actions: &[&str]) -> (Vec<String>, Vec<String>) {
    let patterns = deny.get("Action").map(listed).unwrap_or_default();
    patterns
        .into_iter()
        .partition(|pattern| actions.iter().any(|action| pattern_covers(pattern, action)))
}

/// Do the patterns cover every action that the statement can be about? The policy of a resource is about
/// the actions of one service only.
fn covers_every_action(deny: &Statement, patterns: &[String]) -> bool {
    let of_resource = deny.contains_key("Principal") || deny.contains_key("NotPrincipal");
    let is_every = |pattern: &String| match pattern.split_once(':') {
        None => pattern == "*",
        Some((_, of_service)) => of_service == "*" && of_resource,
    };
    patterns.iter().any(is_every)
}

/// A Deny only for the exempted resource or principal. None if its conditions leave no room for that.
fn only_where(mut deny: Statement, exemption: Exemption) -> Option<Statement> {
    const OPERATOR: &str = "ArnEquals";
    if let Some(principal) = exemption.principal {
        let condition = deny.entry("Condition").or_insert_with(|| json!({})).as_object_mut()?;
        let keys = condition.entry(OPERATOR).or_insert_with(|| json!({})).as_object_mut()?;
        if keys.keys().any(|key| key.eq_ignore_ascii_case(PRINCIPAL_ARN)) {
            return None;
        }
        keys.insert(PRINCIPAL_ARN.into(), json!(principal));
    } else if !exemption.is_any_resource() {
        deny.remove("NotResource");
        deny.insert("Resource".into(), json!(exemption.resource));
    }
    Some(deny)
}

/// The statement without actions that it lists, or names as not covered: nothing is left if it covers no
/// others. None if it covers them by a pattern, which cannot be written without them.
#[allow(clippy::option_option, reason = "not to be written, and nothing left, differ")]
fn without_actions(deny: &Statement, actions: &[&str]) -> Option<Option<Statement>> {
    let is_exempted =
        |listed: &str| actions.iter().any(|action| action.eq_ignore_ascii_case(listed));
    let mut statement = deny.clone();
    if let Some(not) = deny.get("NotAction") {
        let mut others = listed(not);
        others.extend(actions.iter().map(|action| String::from(*action)));
        statement.insert("NotAction".into(), json!(others));
        return Some(Some(statement));
    }
    let all = deny.get("Action").map(listed).unwrap_or_default();
    let others: Vec<String> = all.into_iter().filter(|listed| !is_exempted(listed)).collect();
    let is_covered =
        |pattern: &String| actions.iter().any(|action| pattern_covers(pattern, action));
    if others.iter().any(is_covered) {
        return None;
    }
    if others.is_empty() {
        return Some(None);
    }
    statement.insert("Action".into(), json!(others));
    Some(Some(statement))
}

/// A Deny of the exempted actions without the exempted resource or principal, and whether nothing else is
/// exempted. Nothing is left if it covered nothing else.
fn without_resource(mut deny: Statement, exemption: Exemption) -> (Option<Statement>, bool) {
    if let Some(principal) = exemption.principal {
        return (Some(except_principal(deny, principal)), true);
    }
    if exemption.is_any_resource() {
        return (None, true);
    }
    if let Some(not) = deny.get("NotResource") {
        let mut others = listed(not);
        others.push(exemption.resource.into());
        deny.insert("NotResource".into(), json!(others));
        return (Some(deny), true);
    }
    let resources = deny.get("Resource").map(listed).unwrap_or_default();
    if resources.iter().any(|resource| resource == "*") {
        deny.remove("Resource");
        deny.insert("NotResource".into(), json!([exemption.resource]));
        return (Some(deny), true);
    }
    let others: Vec<&String> =
        resources.iter().filter(|pattern| !pattern_covers(pattern, exemption.resource)).collect();
    let exact = resources.iter().all(|pattern| {
        pattern == exemption.resource || !pattern_covers(pattern, exemption.resource)
    });
    if others.is_empty() {
        return (None, exact);
    }
    let others = json!(others);
    deny.insert("Resource".into(), others);
    (Some(deny), exact)
}

/// For a session it is the role's ARN. Source: IAM user guide, "AWS global condition context keys".
const PRINCIPAL_ARN: &str = "aws:PrincipalArn";

fn except_principal(mut deny: Statement, principal: &Arn) -> Statement {
    const OPERATOR: &str = "ArnNotEquals";
    let condition = deny.entry("Condition").or_insert_with(|| json!({}));
    if let Some(operators) = condition.as_object_mut() {
        let keys = operators.entry(OPERATOR).or_insert_with(|| json!({}));
        if let Some(keys) = keys.as_object_mut() {
            let mut values = keys.get(PRINCIPAL_ARN).map(listed).unwrap_or_default();
            if !values.iter().any(|value| value == principal.as_str()) {
                values.push(principal.as_str().into());
            }
            keys.insert(PRINCIPAL_ARN.into(), json!(values));
        }
    }
    deny
}

fn listed(value: &Value) -> Vec<String> {
    match value {
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(String::from).collect(),
        Value::String(one) => Vec::from([one.clone()]),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
