//! Policy documents with a statement more, or with a Deny that covers less.
//!
//! Every edit returns a complete document: AWS replaces a policy as a whole.

use alloc::{string::String, vec::Vec};

use serde_json::{Map, Value, json};

use ssm_doctor_facts::{ids::Arn, text::Text};
use ssm_doctor_iam_policy::pattern_covers;

/// What a Deny must no longer cover.
#[derive(Clone, Copy)]
pub struct Exemption<'a> {
    pub actions: &'a [&'a str],
    /// An ARN, or `*`.
    pub resource: &'a str,
    /// Whom the edit is for, where the policy applies to others, too.
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
    let Some(others) = without_actions(deny, exemption.actions) else {
        // A pattern of actions: whatever else it covers is exempted too.
        let (rest, exact) = without_resource(deny.clone(), exemption);
        let mut left: Vec<Statement> = rest.into_iter().collect();
        if !is_every_action(deny) {
            return (left, true);
        }
        // `*` denies every other action still, on the resource or for the principal that is exempted.
        let mut other_actions = deny.clone();
        other_actions.remove("Action");
        other_actions.insert("NotAction".into(), json!(exemption.actions));
        if exemption.principal.is_none() && !left.is_empty() {
            other_actions.remove("NotResource");
            other_actions.insert("Resource".into(), json!(exemption.resource));
        }
        left.push(other_actions);
        return (left, !exact);
    };
    // Its other actions stay denied by a statement of their own.
    let mut narrowed = deny.clone();
    narrowed.remove("NotAction");
    narrowed.insert("Action".into(), json!(exemption.actions));
    let (rest, exact) = without_resource(narrowed, exemption);
    (others.into_iter().chain(rest).collect(), !exact)
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
            if !values.iter().any(|value| value == principal.as_str()) {
                values.push(principal.as_str().into());
            }
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
    fn every_action_stays_denied_but_some_on_every_resource() {
        let condition = json!({ "StringNotEquals": { "aws:SourceVpce": "vpce-1" } });
        let deny = json!({
            "Sid": "OnlyOurEndpoints", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition,
        });
        let (left, widens) = edit(&deny, &["ssmmessages:OpenDataChannel"], "*");
        assert!(!widens);
        assert_eq!(
            left,
            json!([{
                "Sid": "OnlyOurEndpoints", "Effect": "Deny", "NotAction": ["ssmmessages:OpenDataChannel"],
                "Resource": "*", "Condition": condition,
            }])
        );
    }

    #[test]
    fn every_action_stays_denied_to_others_and_every_other_action_to_the_principal() {
        let role: Arn = "arn:aws:iam::111122223333:role/Agent".parse().unwrap();
        let deny = json!({ "Sid": "NoNodes", "Effect": "Deny", "Action": "*", "Resource": "*" });
        let document = Text::Json(json!({ "Statement": deny }));
        let exemption = Exemption {
            actions: &["ssm:UpdateInstanceInformation"],
            resource: INSTANCE,
            principal: Some(&role),
        };
        let edited = exempting(&document, &[1], exemption).unwrap();
        assert!(!edited.widens);
        let condition = json!({ "ArnNotEquals": { "aws:PrincipalArn": [role.as_str()] } });
        assert_eq!(
            edited.document["Statement"],
            json!([
                { "Sid": "NoNodes", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition },
                { "Effect": "Deny", "NotAction": ["ssm:UpdateInstanceInformation"], "Resource": "*" },
            ])
        );
    }

    #[test]
    fn the_name_of_a_statement_stays_unique() {
        let deny = json!({ "Sid": "NoShells", "Effect": "Deny", "Action": ["ssm:StartSession", "ssm:SendCommand"], "Resource": "*" });
        let (left, _) = edit(&deny, &["ssm:StartSession"], INSTANCE);
        assert_eq!(left[0]["Sid"], "NoShells");
        assert_eq!(left[1].get("Sid"), None);
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
    fn a_principal_is_exempted_once() {
        let role: Arn = "arn:aws:iam::111122223333:role/Agent".parse().unwrap();
        let deny = json!({
            "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
            "Condition": { "ArnNotEquals": { "aws:PrincipalArn": role.as_str() } },
        });
        let document = Text::Json(json!({ "Statement": deny }));
        let exemption =
            Exemption { actions: &["kms:Decrypt"], resource: "*", principal: Some(&role) };
        let edited = exempting(&document, &[1], exemption).unwrap();
        let condition = &edited.document["Statement"][0]["Condition"];
        assert_eq!(*condition, json!({ "ArnNotEquals": { "aws:PrincipalArn": [role.as_str()] } }));
    }

    #[test]
    fn sparing_services_says_whether_a_deny_covers_less_than_before() {
        let trust = |spared: Option<&str>| {
            let mut deny =
                json!({ "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole" });
            if let Some(spared) = spared {
                deny["Condition"] =
                    json!({ "BoolIfExists": { "aws:PrincipalIsAWSService": spared } });
            }
            Text::Json(json!({ "Statement": [deny] }))
        };
        for (before, widens) in [(None, true), (Some("true"), true), (Some("false"), false)] {
            let edited = sparing_services(&trust(before), "sts:AssumeRole").unwrap();
            assert_eq!(edited.widens, widens, "{before:?}");
            assert_eq!(Text::Json(edited.document), trust(Some("false")), "{before:?}");
        }
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
