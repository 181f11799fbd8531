//! What one resource's policy says of one principal, before it is put together with what IAM's
//! simulator says of the principal.

use alloc::{format, string::String, vec::Vec};

pub use super::context::Known;
use super::{
    context::{Context, Object, Owner, Principal},
    document::{Asked, Effect, Kind, Policy},
    explain,
    truth::Truth,
};
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
    let policy = Policy::read(policy, Kind::Resource);
    let unreadable = || Unknown::limit(format!("{what} is not a policy that can be read"));
    let statements = policy.statements().ok_or_else(unreadable)?;
    let principal = match request.principal.resource().split_once('/') {
        Some(("user", _)) => Principal::User(request.principal),
        Some(("role", _)) => Principal::Session { role: request.principal, name: None },
        _ => Principal::Root(request.principal),
    };
    let mut context =
        Context::of(&principal).with("aws:SecureTransport", Known::Exactly("true".into()));
    for (key, known) in &request.context {
        context.set(key, known.clone());
    }
    let request = super::Request {
        principal,
        action: request.action,
        resource: Object::Exactly(request.resource),
        owner: Owner::Own,
        context: &context,
    };
    let asked = Asked { request: &request, bounded: Truth::Unknown };
    let mut opinion = Opinion::SILENT;
    for statement in statements {
        let covers = statement.matches(asked);
        let found = match statement.effect {
            Some(Effect::Deny) => Vec::from([(Ruling::Denies, covers.any())]),
            Some(Effect::Allow) => Vec::from([
                (Ruling::Delegates, covers.account),
                (Ruling::Grants, covers.role.or(covers.direct)),
            ]),
            None => return Err(unreadable()),
        };
        for (ruling, truth) in found {
            match truth {
                Truth::Yes => opinion.certain = opinion.certain.max(ruling),
                Truth::No => {}
                Truth::Unknown => {
                    let on = explain::hangs(statement, asked);
                    opinion.perhaps.push((ruling, on));
                }
            }
        }
    }
    let certain = opinion.certain;
    opinion.perhaps.retain(|(found, _)| *found > certain);
    Ok(opinion)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use serde_json::{Value, json};

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
        let policy = Text::Json(json!({ "Version": "2012-10-17", "Statement": statement }));
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
}
