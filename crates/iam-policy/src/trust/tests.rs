//! Trust policies of roles, as services see them.

use serde_json::{Value, json};

use super::*;

#[test]
fn trust_policies() {
    let context = [
        ("aws:SourceAccount", KeyValue::Exact("111122223333".into())),
        ("aws:SourceArn", KeyValue::Prefix("arn:aws:ssm:eu-west-1:111122223333:".into())),
    ];
    let trust = |statement: Value| {
        let policy = Text::Json(json!({ "Statement": statement }));
        service_trust(&policy, &["ssm.amazonaws.com"], "sts:AssumeRole", &context).ok()
    };
    let allow = |condition: Value| {
        json!({ "Effect": "Allow", "Principal": { "Service": ["ec2.amazonaws.com", "ssm.amazonaws.com"] },
            "Action": "sts:AssumeRole", "Condition": condition })
    };
    let not_met = |key: &str| Some(ServiceTrust::ConditionsNotMet(Vec::from([key.into()])));
    let rows = [
        (json!([]), Some(ServiceTrust::NotTrusted)),
        (allow(json!({})), Some(ServiceTrust::Trusted)),
        (
            json!({ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }),
            Some(ServiceTrust::NotTrusted),
        ),
        (
            json!({ "Effect": "Allow", "Principal": { "Service": "ssm.amazonaws.com" }, "Action": "sts:TagSession" }),
            Some(ServiceTrust::NotTrusted),
        ),
        (
            allow(json!({ "StringEquals": { "aws:SourceAccount": "111122223333" } })),
            Some(ServiceTrust::Trusted),
        ),
        (
            allow(json!({ "StringEquals": { "aws:SourceAccount": ["444455556666"] } })),
            not_met("aws:SourceAccount"),
        ),
        (
            allow(
                json!({ "ArnEquals": { "aws:SourceArn": "arn:aws:ssm:eu-west-1:111122223333:*" } }),
            ),
            Some(ServiceTrust::Trusted),
        ),
        (
            allow(json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ssm:*:111122223333:*" } })),
            Some(ServiceTrust::Trusted),
        ),
        (
            allow(
                json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ssm:us-east-1:111122223333:*" } }),
            ),
            not_met("aws:SourceArn"),
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
            Some(ServiceTrust::Trusted),
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
            not_met("aws:SourceAccount"),
        ),
        (
            json!([allow(json!({})), { "Effect": "Deny", "Principal": "*", "Action": "*" }]),
            Some(ServiceTrust::NotTrusted),
        ),
        (
            json!([allow(json!({})), { "Effect": "Deny", "NotPrincipal": { "Service": "ssm.amazonaws.com" }, "Action": "*" }]),
            Some(ServiceTrust::Trusted),
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
