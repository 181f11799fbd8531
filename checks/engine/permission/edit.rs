//! Policy documents with a statement more, or with a Deny that covers less.
//!
//! Every edit returns a complete document: AWS replaces a policy as a whole. AWS refuses a document that names a
//! user or role that was deleted, although it keeps such a document, so no edit returns one.

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
    fn every_other_action_stays_denied_where_the_resource_is_any() {
        let condition = json!({ "StringNotEquals": { "aws:SourceVpc": "vpc-1" } });
        let deny =
            json!({ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition });
        let actions = ["ssmmessages:OpenDataChannel"];
        let rest = json!({
            "Effect": "Deny", "NotAction": actions, "Resource": "*", "Condition": condition,
        });
        assert_eq!(edit(&deny, &actions, "*"), (json!([rest]), false));
    }

    #[test]
    fn patterns_that_do_not_cover_the_action_stay() {
        let deny =
            json!({ "Effect": "Deny", "Action": ["s3:*", "ssmmessages:*"], "Resource": "*" });
        let rest = json!({ "Effect": "Deny", "Action": ["s3:*"], "Resource": "*" });
        assert_eq!(edit(&deny, &["ssmmessages:OpenDataChannel"], "*"), (json!([rest]), true));
    }

    #[test]
    fn a_principal_that_is_exempted_from_one_action_stays_denied_every_other() {
        let role: Arn = "arn:aws:iam::111122223333:role/Agent".parse().unwrap();
        let bucket = "arn:aws:s3:::logs";
        let deny =
            json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": bucket });
        let document = Text::Json(json!({ "Statement": deny }));
        let actions = ["s3:PutObject"];
        let exemption = Exemption { actions: &actions, resource: bucket, principal: Some(&role) };
        let edited = exempting(&document, &[1], exemption).unwrap();
        assert!(!edited.widens);
        assert_eq!(
            edited.document["Statement"],
            json!([
                {
                    "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": bucket,
                    "Condition": { "ArnNotEquals": { "aws:PrincipalArn": [role.as_str()] } },
                },
                {
                    "Effect": "Deny", "Principal": "*", "NotAction": actions, "Resource": bucket,
                    "Condition": { "ArnEquals": { "aws:PrincipalArn": role.as_str() } },
                },
            ])
        );
    }

    #[test]
    fn a_statement_that_covered_nothing_else_goes() {
        let deny =
            json!({ "Effect": "Deny", "Action": "ssmmessages:OpenDataChannel", "Resource": "*" });
        assert_eq!(edit(&deny, &["ssmmessages:OpenDataChannel"], "*"), (json!([]), false));
    }

    #[test]
    fn no_edit_names_a_principal_that_was_deleted() {
        let (role, root) = ("arn:aws:iam::111122223333:role/Agent", "111122223333");
        let (deleted, another) = ("AROAJ2UCCR6DPCEXAMPLE", "AIDAJQABLZS4A3QDU576Q");
        let statement = |effect: &str, element: &str, principal: Value| {
            let mut statement =
                json!({ "Effect": effect, "Action": "kms:Decrypt", "Resource": "*" });
            statement[element] = principal;
            statement
        };
        let document = Text::Json(json!({ "Statement": [
            statement("Allow", "Principal", json!({ "AWS": deleted })),
            statement("Allow", "Principal", json!({ "AWS": [another, root] })),
            statement("Allow", "Principal", json!({ "AWS": deleted, "Service": "logs.amazonaws.com" })),
            statement("Deny", "NotPrincipal", json!({ "AWS": [deleted] })),
            statement("Allow", "Principal", json!("*")),
        ] }));
        assert_eq!(deleted_principals(&document), [deleted, another]);
        let added = statement("Allow", "Principal", json!({ "AWS": role }));
        let edited = with_statements(Some(&document), core::slice::from_ref(&added)).unwrap();
        assert_eq!(
            edited["Statement"],
            json!([
                statement("Allow", "Principal", json!({ "AWS": [root] })),
                statement("Allow", "Principal", json!({ "Service": "logs.amazonaws.com" })),
                statement("Deny", "Principal", json!("*")),
                statement("Allow", "Principal", json!("*")),
                added,
            ])
        );
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
