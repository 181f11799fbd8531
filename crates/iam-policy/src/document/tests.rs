//! What of documents and statements cannot be parsed.

use alloc::{
    format,
    string::{String, ToString},
    vec,
};

use serde_json::json;

use super::*;

/// The errors of the document and of its statements, each with its place.
fn errors(document: Value, policy_type: PolicyType) -> Vec<String> {
    let text = Text::from(document);
    let document = PolicyDocument::parse(&text, policy_type);
    let mut errors: Vec<String> = document.error().map(ToString::to_string).into_iter().collect();
    for statement in document.statements().unwrap_or_default() {
        let location = statement.location();
        errors.extend(statement.errors().map(|error| format!("{location}: {error}")));
    }
    errors
}

#[test]
fn documents() {
    let rows = [
        (json!("no JSON"), "is not a JSON object"),
        (json!([]), "is not a JSON object"),
        (json!({}), "has no Statement"),
        (json!({ "Version": "2012-10-17", "Statements": [] }), "has an element \"Statements\""),
        (json!({ "Version": "2020-01-01", "Statement": [] }), "has an unknown Version"),
        (json!({ "Version": 2012, "Statement": [] }), "has an unknown Version"),
    ];
    for (document, expected) in rows {
        assert_eq!(errors(document, PolicyType::IdentityBased), [expected]);
    }
    for version in ["2008-10-17", "2012-10-17"] {
        let document = json!({ "Version": version, "Id": "x", "Statement": [] });
        assert_eq!(errors(document, PolicyType::ResourceBased), Vec::<String>::new());
    }
}

#[test]
fn statements() {
    let good = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
    let with = |changes: Value| {
        let mut statement = good.clone();
        json_patch::merge(&mut statement, &changes);
        statement
    };
    let rows = [
        (good.clone(), None),
        (with(json!({ "Sid": "", "Action": ["s3:*"], "Resource": ["*"] })), None),
        (with(json!({ "Action": null, "NotAction": "s3:*" })), None),
        (with(json!({ "Resource": null, "NotResource": "arn:aws:s3:::b" })), None),
        (with(json!({ "Resource": "arn:aws:s3" })), None),
        (with(json!({ "Condition": {} })), None),
        (json!("Allow"), Some("is not an object")),
        (with(json!({ "Effect": "allow" })), Some("Effect is neither Allow nor Deny")),
        (with(json!({ "Effect": null })), Some("Effect is neither Allow nor Deny")),
        (with(json!({ "Conditions": {} })), Some("unknown element \"Conditions\"")),
        (with(json!({ "Action": null })), Some("no Action")),
        (with(json!({ "NotAction": "s3:*" })), Some("both Action and NotAction")),
        (with(json!({ "Action": 5 })), Some("Action 5")),
        (with(json!({ "Action": ["s3:*", 5] })), Some("Action 5")),
        (with(json!({ "Resource": null })), Some("no Resource")),
        (with(json!({ "Resource": {} })), Some("Resource {}")),
        (with(json!({ "Resource": "bucket" })), Some("Resource \"bucket\"")),
        (
            with(json!({ "Resource": ["*", "arn:aws:s3:::${aws:x"] })),
            Some("Resource \"arn:aws:s3:::${aws:x\""),
        ),
        (with(json!({ "NotResource": "*" })), Some("both Resource and NotResource")),
        (with(json!({ "Principal": "*" })), Some("a Principal")),
        (with(json!({ "Condition": [] })), Some("Condition is not an object")),
        (
            with(json!({ "Condition": { "StringMaybe": { "aws:x": "y" } } })),
            Some("Condition operator \"StringMaybe\""),
        ),
    ];
    for (statement, expected) in rows {
        let document = json!({ "Version": "2012-10-17", "Statement": [good, statement] });
        let expected: Vec<String> =
            expected.iter().map(|error| format!("statement 2: {error}")).collect();
        assert_eq!(errors(document, PolicyType::IdentityBased), expected, "{statement}");
    }
    // The place includes the Sid. A single statement needs no list.
    let single = json!({ "Statement": with(json!({ "Sid": "Mine", "Effect": "Maybe" })) });
    assert_eq!(
        errors(single, PolicyType::IdentityBased),
        ["statement 1 (Mine): Effect is neither Allow nor Deny"]
    );
}

#[test]
fn each_policy_type_has_its_own_elements() {
    let (principal, resource) = (json!({ "Principal": "*" }), json!({ "Resource": "*" }));
    let rows = [
        (PolicyType::IdentityBased, vec![&resource], vec![]),
        (PolicyType::PermissionsBoundary, vec![&resource], vec![]),
        (PolicyType::ServiceControl, vec![&resource, &principal], vec!["a Principal"]),
        (PolicyType::ResourceControl, vec![&resource, &principal], vec![]),
        (PolicyType::ResourceBased, vec![&resource, &principal], vec![]),
        (PolicyType::ResourceBased, vec![&resource], vec!["no Principal"]),
        (PolicyType::VpcEndpoint, vec![&principal], vec!["no Resource"]),
        (PolicyType::RoleTrust, vec![&principal], vec![]),
        (PolicyType::RoleTrust, vec![&principal, &resource], vec!["a Resource"]),
    ];
    for (policy_type, elements, expected) in rows {
        let mut statement = json!({ "Effect": "Allow", "Action": "*" });
        for element in elements {
            json_patch::merge(&mut statement, element);
        }
        let expected: Vec<String> =
            expected.iter().map(|error| format!("statement 1: {error}")).collect();
        assert_eq!(
            errors(json!({ "Statement": statement }), policy_type),
            expected,
            "{policy_type:?}"
        );
    }
    // A session policy must not have an incomplete ARN.
    let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3" });
    assert_eq!(
        errors(json!({ "Statement": statement }), PolicyType::Session),
        ["statement 1: Resource \"arn:aws:s3\""]
    );
    let rows = [
        (json!("ana"), "Principal is neither \"*\" nor an object"),
        (json!({ "AWS": 5 }), "Principal \"AWS\" is not a list of strings"),
        (
            json!({ "AWS": "arn:aws:iam::*:root" }),
            "Principal \"arn:aws:iam::*:root\" has a wildcard",
        ),
        (json!({ "Group": "ops" }), "Principal of unknown kind \"Group\""),
    ];
    for (principal, expected) in rows {
        let statement = json!({ "Effect": "Allow", "Action": "*", "Principal": principal });
        let found = errors(json!({ "Statement": statement }), PolicyType::RoleTrust);
        assert_eq!(found, [format!("statement 1: {expected}")]);
    }
    let mut statement = json!({ "Effect": "Allow", "Action": "*", "NotPrincipal": "*" });
    let found = errors(json!({ "Statement": statement }), PolicyType::RoleTrust);
    assert_eq!(found, ["statement 1: NotPrincipal with Allow"]);
    statement["Principal"] = "*".into();
    let found = errors(json!({ "Statement": statement }), PolicyType::RoleTrust);
    assert_eq!(found, ["statement 1: both Principal and NotPrincipal"]);
}
