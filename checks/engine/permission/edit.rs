//! Policy documents with a statement more, or with a Deny that covers less.
//!
//! Every edit returns a complete document: AWS replaces a policy as a whole.

use alloc::{string::String, vec::Vec};

use serde_json::{Map, Value, json};

use ssm_doctor_facts::{ids::Arn, text::Text};
use ssm_doctor_iam_policy::pattern_covers;

/// What a Deny is to cover no more.
#[derive(Clone, Copy)]
pub struct Exemption<'a> {
    pub actions: &'a [&'a str],
    /// An ARN, or `*`.
    pub resource: &'a str,
    /// Of a policy that has principals, or that others have as well: whom alone the edit is for.
    pub principal: Option<&'a Arn>,
}

/// A document after an edit.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    pub document: Value,
    /// Does it allow something else as well?
    pub widens: bool,
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

/// The document without its denial of some requests. `numbers` of statements count from 1. None if it
/// cannot be read.
pub fn exempting(document: &Text, numbers: &[usize], exemption: Exemption) -> Option<Edited> {
    let (mut kept, mut widens) = (Vec::new(), false);
    for (at, statement) in statements(document)?.into_iter().enumerate() {
        if !numbers.contains(&at.saturating_add(1)) {
            kept.push(statement);
            continue;
        }
        let (rest, wider) = exempt(statement.as_object()?, exemption);
        widens |= wider;
        kept.extend(rest.into_iter().map(Value::Object));
    }
    Some(Edited { document: replaced(document, kept)?, widens })
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
        widens |= keys.insert(KEY.into(), json!("false")).is_none();
    }
    Some(Edited { document: replaced(trust, statements)?, widens })
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

fn replaced(document: &Text, statements: Vec<Value>) -> Option<Value> {
    let mut document = document.json()?.clone();
    document.as_object_mut()?.insert("Statement".into(), Value::Array(statements));
    Some(document)
}

type Statement = Map<String, Value>;

/// What is left of a Deny, and whether that exempts more than it should.
fn exempt(deny: &Statement, exemption: Exemption) -> (Vec<Statement>, bool) {
    let (others, covers_others) = without_actions(deny, exemption.actions);
    // The statement for the actions alone, and for everything but the exempted requests.
    let narrowed = |covers_others: bool| {
        let mut narrowed = deny.clone();
        if !covers_others {
            narrowed.remove("NotAction");
            narrowed.insert("Action".into(), json!(exemption.actions));
        }
        narrowed
    };
    let mut left = Vec::new();
    match others {
        // Its other actions stay denied by a statement of their own.
        Some(others) => {
            left.extend(others);
            let (rest, exact) = without_resource(narrowed(false), exemption);
            left.extend(rest);
            (left, !exact)
        }
        // `*` denies every other action on the resource still.
        None if covers_others && is_every_action(deny) && exemption.resource != "*" => {
            let mut on_resource = deny.clone();
            on_resource.remove("Action");
            on_resource.insert("NotAction".into(), json!(exemption.actions));
            on_resource.remove("NotResource");
            on_resource.insert("Resource".into(), json!(exemption.resource));
            let (rest, exact) = without_resource(narrowed(true), exemption);
            left.extend(rest);
            if exemption.principal.is_none() {
                left.push(on_resource);
                (left, !exact)
            } else {
                (left, true)
            }
        }
        // A pattern of actions: those that it covers beside the exempted ones are exempted too.
        None => {
            let (rest, _) = without_resource(narrowed(true), exemption);
            left.extend(rest);
            (left, true)
        }
    }
}

/// The statement without actions that it lists, or names as not covered: `Some` of what is left of it, if
/// that can be written. Then whether it covers other actions.
#[allow(clippy::option_option, reason = "not to be written, and nothing left, differ")]
fn without_actions(deny: &Statement, actions: &[&str]) -> (Option<Option<Statement>>, bool) {
    let is_exempted =
        |listed: &str| actions.iter().any(|action| action.eq_ignore_ascii_case(listed));
    if let Some(not) = deny.get("NotAction") {
        let mut others = listed(not);
        others.extend(actions.iter().map(|action| String::from(*action)));
        let mut statement = deny.clone();
        statement.insert("NotAction".into(), json!(others));
        return (Some(Some(statement)), true);
    }
    let all = deny.get("Action").map(listed).unwrap_or_default();
    let others: Vec<String> = all.into_iter().filter(|listed| !is_exempted(listed)).collect();
    let still =
        others.iter().any(|pattern| actions.iter().any(|action| pattern_covers(pattern, action)));
    if still {
        return (None, true);
    }
    if others.is_empty() {
        return (Some(None), false);
    }
    let mut statement = deny.clone();
    statement.insert("Action".into(), json!(others));
    (Some(Some(statement)), true)
}

/// A Deny of the exempted actions without the exempted resource or principal, and whether nothing else is
/// exempted. Nothing is left if it covered nothing else.
fn without_resource(mut deny: Statement, exemption: Exemption) -> (Option<Statement>, bool) {
    if let Some(principal) = exemption.principal {
        return (Some(except_principal(deny, principal)), true);
    }
    // AWS gives these actions no resource of their own.
    let any = exemption.resource == "*" || exemption.resource.contains(":ssmmessages:");
    if any {
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

/// Source: IAM user guide, "AWS global condition context keys", `aws:PrincipalArn`: for a session it is the
/// role's ARN.
fn except_principal(mut deny: Statement, principal: &Arn) -> Statement {
    const OPERATOR: &str = "ArnNotEquals";
    const KEY: &str = "aws:PrincipalArn";
    let condition = deny.entry("Condition").or_insert_with(|| json!({}));
    if let Some(operators) = condition.as_object_mut() {
        let keys = operators.entry(OPERATOR).or_insert_with(|| json!({}));
        if let Some(keys) = keys.as_object_mut() {
            let mut values = keys.get(KEY).map(listed).unwrap_or_default();
            values.push(principal.as_str().into());
            keys.insert(KEY.into(), json!(values));
        }
    }
    deny
}

fn is_every_action(deny: &Statement) -> bool {
    deny.get("Action").map(listed).is_some_and(|actions| actions.iter().any(|action| action == "*"))
}

fn listed(value: &Value) -> Vec<String> {
    match value {
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(String::from).collect(),
        Value::String(one) => Vec::from([one.clone()]),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1";

    fn edit(statement: &Value, actions: &[&str], resource: &str) -> (Value, bool) {
        let document = Text::Json(json!({ "Version": "2012-10-17", "Statement": [statement] }));
        let exemption = Exemption { actions, resource, principal: None };
        let edited = exempting(&document, &[1], exemption).unwrap();
        (edited.document["Statement"].clone(), edited.widens)
    }

    #[test]
    fn a_listed_action_is_denied_on_everything_else_still() {
        let deny = json!({ "Effect": "Deny", "Action": ["ssm:StartSession", "ssm:SendCommand"], "Resource": "*" });
        let (left, widens) = edit(&deny, &["ssm:StartSession"], INSTANCE);
        assert!(!widens);
        assert_eq!(
            left,
            json!([
                { "Effect": "Deny", "Action": ["ssm:SendCommand"], "Resource": "*" },
                { "Effect": "Deny", "Action": ["ssm:StartSession"], "NotResource": [INSTANCE] },
            ])
        );
    }

    #[test]
    fn every_action_stays_denied_but_one_on_one_resource() {
        let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
        let (left, widens) = edit(&deny, &["ssm:StartSession"], INSTANCE);
        assert!(!widens);
        assert_eq!(
            left,
            json!([
                { "Effect": "Deny", "Action": "*", "NotResource": [INSTANCE] },
                { "Effect": "Deny", "NotAction": ["ssm:StartSession"], "Resource": INSTANCE },
            ])
        );
    }

    #[test]
    fn a_pattern_of_actions_exempts_more_and_says_so() {
        let deny = json!({ "Effect": "Deny", "Action": "ssm:*", "Resource": "*" });
        let (left, widens) = edit(&deny, &["ssm:StartSession"], INSTANCE);
        assert!(widens);
        assert_eq!(
            left,
            json!([{ "Effect": "Deny", "Action": "ssm:*", "NotResource": [INSTANCE] }])
        );
    }

    #[test]
    fn a_statement_that_covered_nothing_else_goes() {
        let deny =
            json!({ "Effect": "Deny", "Action": "ssmmessages:OpenDataChannel", "Resource": "*" });
        assert_eq!(edit(&deny, &["ssmmessages:OpenDataChannel"], "*"), (json!([]), false));
    }

    #[test]
    fn a_principal_is_exempted_by_a_condition_beside_the_others() {
        let deny = json!({
            "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
            "Condition": { "Bool": { "aws:SecureTransport": "true" } },
        });
        let document = Text::Json(json!({ "Statement": deny }));
        let role: Arn = "arn:aws:iam::111122223333:role/Agent".parse().unwrap();
        let exemption =
            Exemption { actions: &["kms:Decrypt"], resource: "*", principal: Some(&role) };
        let edited = exempting(&document, &[1], exemption).unwrap();
        assert!(!edited.widens);
        assert_eq!(
            edited.document["Statement"][0]["Condition"],
            json!({
                "Bool": { "aws:SecureTransport": "true" },
                "ArnNotEquals": { "aws:PrincipalArn": [role.as_str()] },
            })
        );
    }
}
