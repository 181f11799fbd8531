//! Trust policies: does this role let a service assume it?

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    context::{Context, Known, Object, Owner, Principal, Request},
    document::{Effect, Kind, Policy, Statement},
    explain::{Outcome, Part},
    layers::{Attached, Layer, Layers, evaluate},
    principal::Named,
};
use ssm_doctor_facts::{lookup::Unknown, text::Text};

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
    let principal = Principal::Service(hosts);
    let context = context
        .iter()
        .fold(unattended(&principal), |so_far, (key, known)| so_far.with(key, known.clone()));
    let request = Request {
        principal,
        action,
        resource: Object::Under(""),
        owner: Owner::Own,
        context: &context,
    };
    let attached = Attached {
        id: "the trust policy".into(),
        to: String::new(),
        policy: Ok(Policy::read(policy, Kind::Trust)),
    };
    let layers = Layers { resource: Layer::Seen(Vec::from([attached])), ..Layers::default() };
    match evaluate(&request, &layers) {
        Outcome::Allowed(_) => Ok(Trust::Given),
        Outcome::Denied(refusal) => {
            let conditions =
                refusal.first.nearest.iter().flat_map(|it| &it.by).map(|it| match it {
                    Part::Condition { key, .. } => Some(key.as_str()),
                    _ => None,
                });
            let keys: Option<Vec<&str>> = conditions.collect();
            Ok(match keys {
                Some(keys) if !keys.is_empty() => Trust::Elsewhere(keys.join(", ")),
                _ => Trust::Absent,
            })
        }
        Outcome::Unknown(undecided) => Err(undecided.unknown(&request)),
    }
}

/// No service types a code: its requests never have the key. Source: IAM user guide, "AWS global
/// condition context keys", on `aws:MultiFactorAuthPresent`.
fn unattended(principal: &Principal) -> Context {
    Context::of(principal).with("aws:MultiFactorAuthPresent", Known::Missing)
}

/// Everybody whom a trust policy names, for evidence.
#[must_use]
pub fn trusted(policy: &Text) -> Vec<String> {
    let policy = Policy::read(policy, Kind::Trust);
    let statements = policy.statements().unwrap_or_default().iter();
    let named = statements.flat_map(|it| it.principals.each());
    named.map(|it: &Named| it.as_str().to_string()).collect()
}

/// Could somebody tag the session when assuming this role? Such tags cannot be seen beforehand.
#[must_use]
pub fn may_tag_sessions(policy: &Text) -> bool {
    let policy = Policy::read(policy, Kind::Trust);
    let Some(statements) = policy.statements() else { return true };
    let allows = |it: &Statement| it.effect != Some(Effect::Deny) && it.lists("sts:TagSession");
    statements.iter().any(allows)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

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
}
