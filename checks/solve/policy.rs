//! Policies attached to resources: does this one let a principal in by itself, leave it to IAM, or
//! shut it out? And trust policies: does this role let a service assume it?
//!
//! IAM's simulator does not read key and bucket policies for roles, and a key policy may grant what
//! no identity policy does. Only what can be read without guessing counts here: a statement under a
//! condition that cannot be evaluated makes the answer unknown, never yes or no, unless it would not
//! change the answer.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::Value;

use crate::model::{facts::Unknown, ids::Arn, text::Text};

/// What a resource policy says about one principal and one action on its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ruling {
    /// It says nothing about this principal.
    Silent,
    /// An Allow names the account: whatever the principal's own policies allow goes.
    Delegates,
    /// An Allow names the principal: enough within one account.
    Grants,
    /// A Deny matches.
    Denies,
}

/// A request, as far as its context is known before it is made.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// A user or role ARN, or the root user's.
    pub principal: &'a Arn,
    pub action: &'a str,
    pub resource: &'a str,
    /// Beyond what holds of every request of a principal.
    pub context: Vec<(&'a str, Known)>,
}

/// What is known of one condition key in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    Exactly(String),
    /// Begins with this; how it goes on is not known.
    Under(String),
    /// The request does not have it.
    Missing,
}

/// What a policy says, and what it would say if its unreadable conditions held.
#[derive(Clone, Debug)]
pub struct Opinion {
    pub certain: Ruling,
    /// Rulings that would override the certain one, each with what it hangs on.
    pub perhaps: Vec<(Ruling, String)>,
}

impl Opinion {
    pub const SILENT: Self = Self { certain: Ruling::Silent, perhaps: Vec::new() };

    /// Every ruling that could turn out to be the policy's.
    pub fn possible(&self) -> impl Iterator<Item = Ruling> {
        core::iter::once(self.certain).chain(self.perhaps.iter().map(|it| it.0))
    }
}

/// Reads a resource's policy; `what` names it, for the sentence that says it cannot be read.
///
/// # Errors
/// [`Unknown`] when it is no policy.
pub fn judge(policy: &Text, request: &Request, what: &str) -> Result<Opinion, Unknown> {
    let unreadable = || Unknown::limit(format!("{what} is not a policy that can be read"));
    let statements = policy.json().and_then(|it| it.get("Statement")).ok_or_else(unreadable)?;
    let mut context = request.context.clone();
    context.extend([
        ("aws:PrincipalArn", Known::Exactly(request.principal.to_string())),
        ("aws:PrincipalAccount", Known::Exactly(request.principal.account().into())),
        ("aws:SecureTransport", Known::Exactly("true".into())),
    ]);
    let mut opinion = Opinion::SILENT;
    for statement in list(statements) {
        let (who, named) = matched_principal(statement, request.principal);
        let Some(who) = who else { continue };
        if !matches_action(statement, request.action) {
            continue;
        }
        let found = match statement.get("Effect").and_then(Value::as_str) {
            Some("Deny") => Ruling::Denies,
            Some("Allow") if who == Who::Account => Ruling::Delegates,
            Some("Allow") => Ruling::Grants,
            _ => return Err(unreadable()),
        };
        let truths =
            [named, matches_resource(statement, request.resource), condition(statement, &context)];
        match truths.into_iter().fold(Truth::Yes, Truth::and) {
            Truth::Yes => opinion.certain = opinion.certain.max(found),
            Truth::No(_) => {}
            Truth::Unknown(on) => opinion.perhaps.push((found, on)),
        }
    }
    let certain = opinion.certain;
    opinion.perhaps.retain(|(found, _)| *found > certain);
    Ok(opinion)
}

/// Whether a role lets a service assume it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    Given,
    /// Only under conditions on these keys, which do not hold here.
    Elsewhere(String),
    Absent,
}

/// Does this trust policy let a service, by one of the names in `hosts` (`ec2.amazonaws.com`), do
/// `action`?
///
/// # Errors
/// [`Unknown`] when it depends on a condition that cannot be evaluated.
pub fn trusts(
    policy: &Text,
    hosts: &[&str],
    action: &str,
    context: &[(&str, Known)],
) -> Result<Trust, Unknown> {
    let unreadable = || Unknown::limit("the trust policy is not a policy that can be read");
    let statements = policy.json().and_then(|it| it.get("Statement")).ok_or_else(unreadable)?;
    let (mut allowed, mut denied) = (Truth::No(String::new()), Truth::No(String::new()));
    for statement in list(statements) {
        if !matches_action(statement, action) {
            continue;
        }
        let deny = match statement.get("Effect").and_then(Value::as_str) {
            Some("Deny") => true,
            Some("Allow") => false,
            _ => return Err(unreadable()),
        };
        let Some(named) = matched_service(statement, hosts, deny) else { continue };
        let holds = named.and(condition(statement, context));
        if deny {
            denied = denied.or(holds);
        } else {
            allowed = allowed.or(holds);
        }
    }
    match (allowed, denied) {
        (_, Truth::Yes) => Ok(Trust::Absent),
        (Truth::No(on), _) if on.is_empty() => Ok(Trust::Absent),
        (Truth::No(on), _) => Ok(Trust::Elsewhere(on)),
        (Truth::Yes, Truth::No(_)) => Ok(Trust::Given),
        (Truth::Unknown(on), _) | (_, Truth::Unknown(on)) => Err(Unknown::limit(format!(
            "the trust policy hangs on {on}, which is not evaluated here"
        ))),
    }
}

/// Everybody whom a trust policy names, for evidence.
#[must_use]
pub fn trusted(policy: &Text) -> Vec<String> {
    let statements = policy.json().and_then(|it| it.get("Statement"));
    let principals = statements.into_iter().flat_map(list).filter_map(|it| it.get("Principal"));
    let named = principals.flat_map(|it| match it {
        Value::Object(kinds) => kinds.values().flat_map(strings).collect::<Vec<_>>(),
        other => strings(other).collect(),
    });
    named.map(Into::into).collect()
}

/// Could somebody tag the session when assuming this role? Such tags cannot be seen beforehand.
#[must_use]
pub fn may_tag_sessions(policy: &Text) -> bool {
    let Some(statements) = policy.json().and_then(|it| it.get("Statement")) else { return true };
    list(statements).any(|it| {
        it.get("Effect").and_then(Value::as_str) != Some("Deny")
            && matches_action(it, "sts:TagSession")
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Principal,
    Account,
}

/// How the statement's principal element covers `principal`, if it may.
fn matched_principal(statement: &Value, principal: &Arn) -> (Option<Who>, Truth) {
    if statement.get("NotPrincipal").is_some() {
        // Exempting a role does not exempt its sessions, nor its account; AWS advises against it.
        return (Some(Who::Principal), Truth::Unknown("NotPrincipal".into()));
    }
    let Some(element) = statement.get("Principal") else { return (None, Truth::Yes) };
    if element.as_str() == Some("*") {
        return (Some(Who::Principal), Truth::Yes);
    }
    let mut best = (None, Truth::Yes);
    for raw in element.get("AWS").into_iter().flat_map(strings) {
        let account = principal.account();
        if raw == "*" || raw == principal.as_str() {
            return (Some(Who::Principal), Truth::Yes);
        }
        if raw == account || raw == format!("arn:{}:iam::{account}:root", principal.partition()) {
            best = (Some(Who::Account), Truth::Yes);
        } else if best.0.is_none() && is_session_of(raw, principal) {
            best = (Some(Who::Principal), Truth::Unknown(format!("the session being {raw}")));
        }
    }
    best
}

/// `arn:aws:sts::111122223333:assumed-role/Name/session`, of the role `principal`.
fn is_session_of(raw: &str, principal: &Arn) -> bool {
    let prefix = format!(
        "arn:{}:sts::{}:assumed-role/{}/",
        principal.partition(),
        principal.account(),
        principal.name()
    );
    raw.starts_with(&prefix)
}

/// How the principal element of a trust policy's statement covers a service, if it may.
fn matched_service(statement: &Value, hosts: &[&str], deny: bool) -> Option<Truth> {
    let names = |element: &Value| {
        element.get("Service").is_some_and(|it| strings(it).any(|it| hosts.contains(&it)))
    };
    if let Some(excepted) = statement.get("NotPrincipal") {
        return (!names(excepted)).then(|| Truth::Unknown("NotPrincipal".into()));
    }
    let element = statement.get("Principal")?;
    if names(element) {
        return Some(Truth::Yes);
    }
    let anyone = element.as_str() == Some("*")
        || element.get("AWS").is_some_and(|it| strings(it).any(|it| it == "*"));
    // Everybody is refused by a Deny; whether an Allow for everybody reaches services is not documented.
    anyone.then(|| if deny { Truth::Yes } else { Truth::Unknown("the principal `*`".into()) })
}

fn matches_action(statement: &Value, action: &str) -> bool {
    let listed = |key: &str| {
        statement.get(key).map(|it| {
            strings(it).any(|it| wildcard(&it.to_ascii_lowercase(), &action.to_ascii_lowercase()))
        })
    };
    match (listed("Action"), listed("NotAction")) {
        (Some(listed), _) => listed,
        (None, Some(excepted)) => !excepted,
        (None, None) => false,
    }
}

fn matches_resource(statement: &Value, resource: &str) -> Truth {
    let listed = |key: &str| {
        statement.get(key).map(|it| {
            strings(it).fold(Truth::No(String::new()), |so_far, pattern| {
                so_far.or(if pattern.contains("${") {
                    Truth::Unknown(format!("the resource {pattern}"))
                } else {
                    Truth::from(wildcard(pattern, resource), "")
                })
            })
        })
    };
    match (listed("Resource"), listed("NotResource")) {
        (Some(listed), _) => listed,
        (None, Some(excepted)) => excepted.not(),
        (None, None) => Truth::Yes,
    }
}

#[derive(Debug)]
enum Truth {
    Yes,
    /// By these condition keys, if by any.
    No(String),
    /// Hangs on this, for a sentence.
    Unknown(String),
}

impl Truth {
    fn from(holds: bool, on: &str) -> Self {
        if holds { Self::Yes } else { Self::No(on.into()) }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No(a), Self::No(b)) => Self::No(both(a, &b)),
            (no @ Self::No(_), _) | (_, no @ Self::No(_)) => no,
            (Self::Unknown(a), Self::Unknown(b)) => Self::Unknown(both(a, &b)),
            (it, Self::Yes) | (Self::Yes, it) => it,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown(a), Self::Unknown(b)) => Self::Unknown(both(a, &b)),
            (it @ Self::Unknown(_), _) | (_, it @ Self::Unknown(_)) => it,
            (Self::No(a), Self::No(b)) => Self::No(both(a, &b)),
        }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No(String::new()),
            Self::No(_) => Self::Yes,
            it @ Self::Unknown(_) => it,
        }
    }
}

fn both(a: String, b: &str) -> String {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.into(),
        (_, true) => a,
        _ => format!("{a}, {b}"),
    }
}

fn condition(statement: &Value, context: &[(&str, Known)]) -> Truth {
    let operators = statement.get("Condition").and_then(Value::as_object);
    let mut truth = Truth::Yes;
    for (operator, keys) in operators.into_iter().flatten() {
        for (key, wanted) in keys.as_object().into_iter().flatten() {
            let known = context.iter().find(|it| it.0.eq_ignore_ascii_case(key)).map(|it| &it.1);
            let holds = known.and_then(|known| evaluate(operator, wanted, known));
            truth = truth.and(match holds {
                Some(holds) => Truth::from(holds, key),
                None => Truth::Unknown(format!("a condition on {key}")),
            });
        }
    }
    truth
}

type Match = fn(&str, &Known) -> Option<bool>;

/// None for what cannot be told. Source: IAM user guide, "Condition operators".
fn evaluate(operator: &str, wanted: &Value, known: &Known) -> Option<bool> {
    let wanted: Vec<String> = list(wanted)
        .map(|it| it.as_str().map_or_else(|| it.to_string(), ToString::to_string))
        .collect();
    if operator == "Null" {
        let null = wanted.iter().any(|it| it == "true");
        return Some(null == (*known == Known::Missing));
    }
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let (matches, negated): (Match, bool) = match operator {
        "StringEquals" => (equals, false),
        "StringNotEquals" => (equals, true),
        "StringLike" => (like, false),
        "StringNotLike" => (like, true),
        "ArnEquals" | "ArnLike" => (arn_like, false),
        "ArnNotEquals" | "ArnNotLike" => (arn_like, true),
        "Bool" => (|wanted, known| equals(&wanted.to_ascii_lowercase(), known), false),
        _ => return None,
    };
    if *known == Known::Missing {
        return Some(if_exists || negated);
    }
    let mut answers =
        wanted.iter().map(|it| if it.contains("${") { None } else { matches(it, known) });
    let found = if answers.clone().any(|it| it == Some(true)) {
        true
    } else if answers.all(|it| it == Some(false)) {
        false
    } else {
        return None;
    };
    Some(found != negated)
}

fn equals(wanted: &str, known: &Known) -> Option<bool> {
    match known {
        Known::Exactly(value) => Some(wanted == value),
        Known::Under(start) if wanted.starts_with(start.as_str()) => None,
        Known::Under(_) | Known::Missing => Some(false),
    }
}

fn like(pattern: &str, known: &Known) -> Option<bool> {
    match known {
        Known::Exactly(value) => Some(wildcard(pattern, value)),
        // A last star swallows whatever follows.
        Known::Under(start) if pattern.ends_with('*') && wildcard(pattern, start) => Some(true),
        Known::Under(start) if may_begin(pattern, start) => None,
        Known::Under(_) | Known::Missing => Some(false),
    }
}

/// The six parts of an ARN are compared one by one; no star reaches over a colon.
fn arn_like(pattern: &str, known: &Known) -> Option<bool> {
    let parts = |raw: &'_ str| raw.splitn(6, ':').map(String::from).collect::<Vec<_>>();
    let (value, open) = match known {
        Known::Exactly(value) => (value, false),
        Known::Under(start) => (start, true),
        Known::Missing => return Some(false),
    };
    let (pattern, value) = (parts(pattern), parts(value));
    if pattern.len() != 6 || value.len() != 6 {
        return None;
    }
    let last = pattern.len() - 1;
    let mut whole = Some(true);
    for (at, (pattern, value)) in pattern.iter().zip(value).enumerate() {
        let known = if open && at == last { Known::Under(value) } else { Known::Exactly(value) };
        match like(pattern, &known) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => whole = None,
        }
    }
    whole
}

/// IAM's wildcards: `*` any run, `?` any one character.
fn wildcard(pattern: &str, text: &str) -> bool {
    walk(pattern, text).is_some_and(|ends| ends.contains(&pattern.len()))
}

/// Could some text that begins with `start` match?
fn may_begin(pattern: &str, start: &str) -> bool {
    walk(pattern, start).is_some()
}

/// Where in `pattern` one can stand after reading `text`; None when nowhere.
fn walk(pattern: &str, text: &str) -> Option<Vec<usize>> {
    let pattern = pattern.as_bytes();
    let past_stars = |mut at: usize, places: &mut Vec<usize>| loop {
        if !places.contains(&at) {
            places.push(at);
        }
        if pattern.get(at) != Some(&b'*') {
            break;
        }
        at += 1;
    };
    let mut places = Vec::new();
    past_stars(0, &mut places);
    for byte in text.bytes() {
        let mut next = Vec::new();
        for at in places {
            match pattern.get(at) {
                Some(b'*') => past_stars(at, &mut next),
                Some(b'?') => past_stars(at + 1, &mut next),
                Some(wanted) if *wanted == byte => past_stars(at + 1, &mut next),
                _ => {}
            }
        }
        places = next;
    }
    (!places.is_empty()).then_some(places)
}

/// One or many: IAM lets a lone value stand without its list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let (one, many) = match value {
        Value::Array(many) => (None, many.as_slice()),
        one => (Some(one), [].as_slice()),
    };
    one.into_iter().chain(many)
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    list(value).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use serde_json::json;

    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/app/AppRole";

    #[allow(clippy::needless_pass_by_value, reason = "reads better at the calls")]
    fn ruled(statement: Value) -> Result<Ruling, Vec<Ruling>> {
        let principal: Arn = ROLE.parse().unwrap();
        let request = Request {
            principal: &principal,
            action: "s3:PutObject",
            resource: "arn:aws:s3:::logs/sessions/a.log",
            context: vec![("kms:ViaService", Known::Missing)],
        };
        let policy = Text::Json(json!({ "Statement": statement }));
        let opinion = judge(&policy, &request, "it").unwrap();
        if opinion.perhaps.is_empty() {
            Ok(opinion.certain)
        } else {
            Err(opinion.possible().collect())
        }
    }

    #[test]
    fn resource_policies() {
        let rows = [
            (json!([]), Ok(Ruling::Silent)),
            (
                json!({ "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": "s3:*", "Resource": "*" }),
                Ok(Ruling::Grants),
            ),
            (
                json!({ "Effect": "Allow", "Principal": "*", "Action": "S3:putobject", "Resource": "arn:aws:s3:::logs/*" }),
                Ok(Ruling::Grants),
            ),
            (
                json!({ "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs" }),
                Ok(Ruling::Silent),
            ),
            (
                json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "NotResource": "arn:aws:s3:::logs/sessions/*" }),
                Ok(Ruling::Silent),
            ),
            (
                json!({ "Effect": "Allow", "Principal": { "AWS": "111122223333" }, "Action": "*", "Resource": "*" }),
                Ok(Ruling::Delegates),
            ),
            (
                json!({ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "NotAction": "s3:GetObject", "Resource": "*" }),
                Ok(Ruling::Delegates),
            ),
            (
                json!({ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::444455556666:root" }, "Action": "*", "Resource": "*" }),
                Ok(Ruling::Silent),
            ),
            (
                json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "Bool": { "aws:SecureTransport": "false" } } }),
                Ok(Ruling::Silent),
            ),
            (
                json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "Bool": { "aws:SecureTransport": true } } }),
                Ok(Ruling::Denies),
            ),
            (
                json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "StringNotEquals": { "aws:PrincipalAccount": "111122223333" } } }),
                Ok(Ruling::Silent),
            ),
            (
                json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/app/*" } } }),
                Ok(Ruling::Silent),
            ),
            (
                json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "StringNotEquals": { "aws:SourceVpce": "vpce-1" } } }),
                Err(vec![Ruling::Silent, Ruling::Denies]),
            ),
            (
                json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "StringEquals": { "kms:ViaService": "s3" } } }),
                Ok(Ruling::Silent),
            ),
            (
                json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "StringNotEqualsIfExists": { "kms:ViaService": "s3" } } }),
                Ok(Ruling::Denies),
            ),
            (
                json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "Null": { "kms:ViaService": "true" } } }),
                Ok(Ruling::Denies),
            ),
            (
                json!({ "Effect": "Deny", "NotPrincipal": { "AWS": ROLE }, "Action": "*", "Resource": "*" }),
                Err(vec![Ruling::Silent, Ruling::Denies]),
            ),
            (
                json!({ "Effect": "Allow", "Principal": { "AWS": "arn:aws:sts::111122223333:assumed-role/AppRole/i-1" }, "Action": "*", "Resource": "*" }),
                Err(vec![Ruling::Silent, Ruling::Grants]),
            ),
            (
                json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::logs/${aws:userid}/*" }),
                Err(vec![Ruling::Silent, Ruling::Grants]),
            ),
            // A perhaps that cannot change the answer does not count.
            (
                json!([
                    { "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" },
                    { "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } } },
                ]),
                Ok(Ruling::Denies),
            ),
        ];
        for (statement, expected) in rows {
            assert_eq!(ruled(statement.clone()), expected, "{statement}");
        }
        let principal: Arn = ROLE.parse().unwrap();
        let request =
            Request { principal: &principal, action: "a:b", resource: "*", context: vec![] };
        assert!(judge(&Text::Raw("no".into()), &request, "it").is_err());
    }

    #[test]
    fn trust_policies() {
        let here = [
            ("aws:SourceAccount", Known::Exactly("111122223333".into())),
            ("aws:SourceArn", Known::Under("arn:aws:ssm:eu-west-1:111122223333:".into())),
        ];
        let trust = |statement: Value| {
            let policy = Text::Json(json!({ "Statement": statement }));
            trusts(&policy, &["ssm.amazonaws.com"], "sts:AssumeRole", &here).ok()
        };
        let allow = |condition: Value| {
            json!({ "Effect": "Allow", "Principal": { "Service": ["ec2.amazonaws.com", "ssm.amazonaws.com"] },
                "Action": "sts:AssumeRole", "Condition": condition })
        };
        let elsewhere = |key: &str| Some(Trust::Elsewhere(key.into()));
        let rows = [
            (json!([]), Some(Trust::Absent)),
            (allow(json!({})), Some(Trust::Given)),
            (
                json!({ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }),
                Some(Trust::Absent),
            ),
            (
                json!({ "Effect": "Allow", "Principal": { "Service": "ssm.amazonaws.com" }, "Action": "sts:TagSession" }),
                Some(Trust::Absent),
            ),
            (
                allow(json!({ "StringEquals": { "aws:SourceAccount": "111122223333" } })),
                Some(Trust::Given),
            ),
            (
                allow(json!({ "StringEquals": { "aws:SourceAccount": ["444455556666"] } })),
                elsewhere("aws:SourceAccount"),
            ),
            (
                allow(
                    json!({ "ArnEquals": { "aws:SourceArn": "arn:aws:ssm:eu-west-1:111122223333:*" } }),
                ),
                Some(Trust::Given),
            ),
            (
                allow(json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ssm:*:111122223333:*" } })),
                Some(Trust::Given),
            ),
            (
                allow(
                    json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ssm:us-east-1:111122223333:*" } }),
                ),
                elsewhere("aws:SourceArn"),
            ),
            (
                allow(
                    json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ssm:eu-west-1:111122223333:managed-instance/*" } }),
                ),
                None,
            ),
            (allow(json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ssm:*" } })), None),
            (
                allow(json!({ "StringLike": { "aws:SourceArn": "arn:aws:ssm:*" } })),
                Some(Trust::Given),
            ),
            (allow(json!({ "StringLike": { "aws:SourceArn": "*:us-east-1:*" } })), None),
            (
                allow(
                    json!({ "StringEquals": { "aws:SourceArn": "arn:aws:ssm:eu-west-1:111122223333:*" } }),
                ),
                None,
            ),
            (allow(json!({ "StringEquals": { "aws:SourceOrgID": "o-1" } })), None),
            (
                allow(
                    json!({ "StringEquals": { "aws:SourceOrgID": "o-1", "aws:SourceAccount": "444455556666" } }),
                ),
                elsewhere("aws:SourceAccount"),
            ),
            (
                json!([allow(json!({})), { "Effect": "Deny", "Principal": "*", "Action": "*" }]),
                Some(Trust::Absent),
            ),
            (
                json!([allow(json!({})), { "Effect": "Deny", "NotPrincipal": { "Service": "ssm.amazonaws.com" }, "Action": "*" }]),
                Some(Trust::Given),
            ),
            (
                json!([allow(json!({})), { "Effect": "Deny", "Principal": "*", "Action": "*", "Condition": { "Bool": { "x": "y" } } }]),
                None,
            ),
            (json!({ "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole" }), None),
        ];
        for (statement, expected) in rows {
            assert_eq!(trust(statement.clone()), expected, "{statement}");
        }
    }

    #[test]
    fn tagged_sessions() {
        let of = |action: &str| {
            may_tag_sessions(&Text::Json(
                json!({ "Statement": { "Effect": "Allow", "Principal": "*", "Action": action } }),
            ))
        };
        assert!(of("sts:*") && of("sts:TagSession") && !of("sts:AssumeRole"));
        assert!(may_tag_sessions(&Text::Raw("?".into())));
    }

    #[test]
    fn wildcards() {
        let rows = [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("a**", "a", true),
            ("abc", "ABC", false),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(wildcard(pattern, text), expected, "{pattern} {text}");
        }
        assert!(may_begin("ab*", "a") && may_begin("*", "zzz") && !may_begin("ab", "ac"));
    }
}
