//! Whole evaluations: every policy type, within an account and across accounts, with the explanation.

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use serde_json::{Value, json};
use ssm_doctor_facts::{
    ids::Arn,
    limit::{Limit, PermissionLimit},
    lookup::{Gap, Unknown},
    text::Text,
};

use super::*;
use crate::{
    AttachedPolicy, HierarchyLevel, KeyValue, LayerDecision, LayerDenial, PolicyDocument,
    PolicyLayer, PolicyType, Principal, RequestContext, RequestResource, ResourceOwner,
    StatementRef,
};

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/k-1";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const ROLE: &str = "arn:aws:iam::111122223333:role/AppRole";
const SERVICE_LINKED: &str =
    "arn:aws:iam::111122223333:role/aws-service-role/ssm.amazonaws.com/Linked";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/AppRole/i-1";
const USER: &str = "arn:aws:iam::111122223333:user/ana";

fn allow(action: &str) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": "*" })
}

fn deny(action: &str) -> Value {
    json!({ "Sid": "No", "Effect": "Deny", "Action": action, "Resource": "*" })
}

/// An Allow of everything to `principal`.
fn grant(principal: &str) -> Value {
    json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "*", "Resource": "*" })
}

fn for_everyone(mut statement: Value) -> Value {
    statement["Principal"] = "*".into();
    statement
}

fn with_condition(mut statement: Value, condition: &Value) -> Value {
    statement["Condition"] = condition.clone();
    statement
}

/// A layer from its statements. A string is the decision of IAM's simulator, or `"?"` for unknown policies.
fn layer(raw: &Value, policy_type: PolicyType) -> PolicyLayer<'static> {
    match raw.as_str() {
        Some("allow") => PolicyLayer::Decided(LayerDecision::Allow),
        Some("implicit deny") => PolicyLayer::Decided(LayerDecision::ImplicitDeny),
        Some("explicit deny") => PolicyLayer::Decided(LayerDecision::ExplicitDeny),
        Some(_) => PolicyLayer::Unknown(Unknown::limit("what it says")),
        None if raw.is_null() => PolicyLayer::Absent,
        None => {
            let document = json!({ "Version": "2012-10-17", "Statement": raw });
            let text = Box::leak(Box::new(Text::from(document)));
            PolicyLayer::Policies(vec![AttachedPolicy {
                id: "p".into(),
                attached_to: "it".into(),
                document: Ok(PolicyDocument::parse(text, policy_type)),
            }])
        }
    }
}

/// All layers from an object with the statements of each.
fn layers(policies: &Value) -> PolicyLayers<'static> {
    let levels = |raw: &Value, policy_type| -> Vec<HierarchyLevel<'static>> {
        let levels = raw.as_array().into_iter().flatten().enumerate();
        let level = |(index, statements)| HierarchyLevel {
            id: format!("level {index}"),
            layer: layer(statements, policy_type),
        };
        levels.map(level).collect()
    };
    PolicyLayers {
        identity: layer(&policies["identity"], PolicyType::IdentityBased),
        boundary: layer(&policies["boundary"], PolicyType::PermissionsBoundary),
        session: layer(&policies["session"], PolicyType::Session),
        service_control: levels(&policies["scps"], PolicyType::ServiceControl),
        resource_control: levels(&policies["rcps"], PolicyType::ResourceControl),
        resource: layer(&policies["resource"], PolicyType::ResourceBased),
        endpoint: layer(&policies["endpoint"], PolicyType::VpcEndpoint),
    }
}

fn describe(decision: &AccessDecision, request: &Request) -> String {
    match decision {
        AccessDecision::Allowed(statements) if statements.is_empty() => "allowed".into(),
        AccessDecision::Allowed(statements) => format!("allowed by{}", locations(statements)),
        AccessDecision::Denied(denials) => {
            denials.iter().map(describe_denial).collect::<Vec<_>>().join(", ")
        }
        AccessDecision::Undecided(undecided) => {
            let unknown = undecided.to_unknown(request);
            let gaps = unknown.gaps().map(|gap| match gap {
                Gap::Limit(Limit::Permission(PermissionLimit::DependsOnKeys { keys, .. })) => {
                    keys.join(", ")
                }
                Gap::Limit(Limit::Words(words)) => words.clone(),
                Gap::Limit(_) | Gap::Fact { .. } => String::new(),
            });
            format!("unknown: {}", gaps.collect::<Vec<_>>().join("; "))
        }
    }
}

/// `ServiceControl level 0 denies statement 1 (No)`, or `IdentityBased does not allow (the actions s3:Get*)`
/// with the mismatches of each near miss.
fn describe_denial(denial: &LayerDenial) -> String {
    let mut text = format!("{:?}", denial.layer.policy_type);
    if let Some(level) = denial.layer.level {
        text += " ";
        text += level;
    }
    text += if denial.explicit { " denies" } else { " does not allow" };
    text += &locations(&denial.statements);
    for near_miss in &denial.near_misses {
        let mismatches: Vec<String> =
            near_miss.mismatches.iter().map(ToString::to_string).collect();
        text += &[" (", &mismatches.join("; "), ")"].concat();
    }
    text
}

fn locations(statements: &[StatementRef]) -> String {
    let locations = statements.iter().map(|reference| reference.statement.location().to_string());
    locations.flat_map(|location| [" ".into(), location]).collect()
}

/// The decision about the KMS key, in words.
fn decision(principal: &str, action: &str, owner: ResourceOwner, policies: &Value) -> String {
    let arn: Arn = principal.parse().unwrap();
    let principal = match arn.resource().split_once('/') {
        Some(("user", _)) => Principal::User(&arn),
        Some(_) => Principal::RoleSession { role: &arn, name: Some("i-1") },
        None => Principal::Root(&arn),
    };
    let context = RequestContext::for_principal(&principal)
        .with("aws:SecureTransport", KeyValue::Exact("true".into()))
        .with("aws:PrincipalTag/team", KeyValue::Prefix("op".into()))
        .with("aws:ResourceTag/env", KeyValue::Unknown(Unknown::limit("the tags of the key")))
        .with_others("aws:RequestTag/", KeyValue::Absent);
    let resource = RequestResource::Exact(KEY);
    let request = Request { principal, action, resource, owner, context: &context };
    describe(&evaluate(&request, &layers(policies)), &request)
}

const KMS: &str = "kms:Decrypt";
/// For this service an identity-based policy is enough.
const SQS: &str = "sqs:SendMessage";

#[test]
fn within_an_account() {
    let empty = json!([]);
    let rows = [
        (ROLE, SQS, json!({}), "IdentityBased does not allow"),
        (ROLE, SQS, json!({ "identity": [allow("*")] }), "allowed by statement 1"),
        (
            ROLE,
            SQS,
            json!({ "identity": [deny("sqs:*"), allow("*")] }),
            "IdentityBased denies statement 1 (No)",
        ),
        (
            ROLE,
            SQS,
            json!({ "identity": [allow("*")], "resource": empty }),
            "allowed by statement 1",
        ),
        (ROLE, SQS, json!({ "resource": [grant(ROLE)] }), "allowed by statement 1"),
        (ROLE, SQS, json!({ "resource": [grant(ROOT)] }), "IdentityBased does not allow"),
        (
            ROLE,
            SQS,
            json!({ "identity": [allow("*")], "resource": [for_everyone(deny("*"))] }),
            "ResourceBased denies statement 1 (No)",
        ),
        // A boundary limits what identity-based policies and grants to the role allow, not what is granted to
        // a session.
        (
            ROLE,
            SQS,
            json!({ "identity": [allow("*")], "boundary": empty }),
            "PermissionsBoundary does not allow",
        ),
        (
            ROLE,
            SQS,
            json!({ "identity": [allow("*")], "boundary": [allow("sqs:*")] }),
            "allowed by statement 1",
        ),
        (
            ROLE,
            SQS,
            json!({ "boundary": empty }),
            "PermissionsBoundary does not allow, IdentityBased does not allow",
        ),
        (
            ROLE,
            SQS,
            json!({ "boundary": empty, "resource": [grant(ROLE)] }),
            "PermissionsBoundary does not allow",
        ),
        (
            ROLE,
            SQS,
            json!({ "boundary": empty, "resource": [grant(SESSION)] }),
            "allowed by statement 1",
        ),
        (
            ROLE,
            SQS,
            json!({ "boundary": empty, "resource": [grant("*")] }),
            "allowed by statement 1",
        ),
        (
            ROLE,
            SQS,
            json!({ "boundary": [deny("*")], "resource": [grant(SESSION)] }),
            "PermissionsBoundary denies statement 1 (No)",
        ),
        (
            USER,
            SQS,
            json!({ "boundary": empty, "resource": [grant(USER)] }),
            "allowed by statement 1",
        ),
        // A session policy limits like a boundary.
        (
            ROLE,
            SQS,
            json!({ "identity": [allow("*")], "session": [allow("s3:*")] }),
            "Session does not allow",
        ),
        (
            ROLE,
            SQS,
            json!({ "session": empty, "resource": [grant(ROLE)] }),
            "Session does not allow",
        ),
        (
            ROLE,
            SQS,
            json!({ "session": empty, "resource": [grant(SESSION)] }),
            "allowed by statement 1",
        ),
        // For a KMS key identity-based policies alone are not enough.
        (
            ROLE,
            KMS,
            json!({ "identity": [allow("*")], "resource": empty }),
            "ResourceBased does not allow",
        ),
        (
            ROLE,
            KMS,
            json!({ "identity": [allow("*")], "resource": [grant(ROOT)] }),
            "allowed by statement 1 statement 1",
        ),
        (ROLE, KMS, json!({ "resource": [grant(ROOT)] }), "IdentityBased does not allow"),
        (ROLE, KMS, json!({ "resource": [grant(ROLE)] }), "allowed by statement 1"),
        (
            ROLE,
            KMS,
            json!({ "resource": empty }),
            "ResourceBased does not allow, IdentityBased does not allow",
        ),
        // The root user may do everything that no other layer denies.
        (ROOT, SQS, json!({}), "allowed"),
        (
            ROOT,
            KMS,
            json!({ "resource": [grant(ROLE)] }),
            "ResourceBased does not allow (the principals arn:aws:iam::111122223333:role/AppRole)",
        ),
        (ROOT, KMS, json!({ "resource": [grant(ROOT)] }), "allowed by statement 1"),
        (
            ROOT,
            SQS,
            json!({ "scps": [[deny("sqs:*"), allow("*")]] }),
            "ServiceControl level 0 denies statement 1 (No)",
        ),
    ];
    for (principal, action, policies, expected) in rows {
        assert_eq!(
            decision(principal, action, ResourceOwner::SameAccount, &policies),
            expected,
            "{principal} {policies}"
        );
    }
}

#[test]
fn across_accounts() {
    let other = ResourceOwner::Account("444455556666");
    let rows = [
        (ROLE, json!({ "identity": [allow("*")] }), "ResourceBased does not allow"),
        (
            ROLE,
            json!({ "identity": [allow("*")], "resource": [grant(ROOT)] }),
            "allowed by statement 1 statement 1",
        ),
        (
            ROLE,
            json!({ "identity": [allow("*")], "resource": [grant(SESSION)] }),
            "allowed by statement 1 statement 1",
        ),
        (ROLE, json!({ "resource": [grant(SESSION)] }), "IdentityBased does not allow"),
        (
            ROLE,
            json!({ "identity": [allow("*")], "boundary": [], "resource": [grant(SESSION)] }),
            "PermissionsBoundary does not allow",
        ),
        (ROLE, json!({}), "ResourceBased does not allow, IdentityBased does not allow"),
        (ROOT, json!({ "resource": [grant(ROOT)] }), "allowed by statement 1"),
    ];
    for (principal, policies, expected) in rows {
        assert_eq!(decision(principal, SQS, other, &policies), expected, "{principal} {policies}");
    }
    let unseen = Unknown::limit("whose the queue is");
    let both = json!({ "identity": [allow("*")], "resource": [grant(ROOT)] });
    assert_eq!(
        decision(ROLE, SQS, ResourceOwner::Unknown(&unseen), &both),
        "allowed by statement 1 statement 1"
    );
    let alone = json!({ "identity": [allow("*")] });
    assert_eq!(
        decision(ROLE, SQS, ResourceOwner::Unknown(&unseen), &alone),
        "unknown: whose the queue is"
    );
}

#[test]
fn above_the_account() {
    let own = |more: Value| {
        let mut policies = json!({ "identity": [allow("*")] });
        json_patch::merge(&mut policies, &more);
        policies
    };
    let (all, kms) = (json!([allow("*")]), json!([allow("kms:*")]));
    let rows = [
        (ROLE, json!({ "scps": [all, all] }), "allowed by statement 1"),
        // Every level has to allow.
        (ROLE, json!({ "scps": [all, kms] }), "ServiceControl level 1 does not allow"),
        (
            ROLE,
            json!({ "scps": [kms, kms] }),
            "ServiceControl level 0 does not allow, ServiceControl level 1 does not allow",
        ),
        (
            ROLE,
            json!({ "scps": [[deny("sqs:*"), allow("*")], kms] }),
            "ServiceControl level 0 denies statement 1 (No), ServiceControl level 1 does not allow",
        ),
        (ROLE, json!({ "rcps": [[for_everyone(allow("*"))]] }), "allowed by statement 1"),
        (
            ROLE,
            json!({ "rcps": [[for_everyone(allow("*")), for_everyone(deny("sqs:*"))]] }),
            "ResourceControl level 0 denies statement 2 (No)",
        ),
        (
            SERVICE_LINKED,
            json!({ "scps": [kms], "rcps": [[for_everyone(deny("*"))]] }),
            "allowed by statement 1",
        ),
        (ROLE, json!({ "endpoint": [for_everyone(allow("sqs:*"))] }), "allowed by statement 1"),
        (ROLE, json!({ "endpoint": [for_everyone(allow("kms:*"))] }), "VpcEndpoint does not allow"),
        (ROLE, json!({ "endpoint": [for_everyone(deny("kms:*"))] }), "VpcEndpoint does not allow"),
        (
            ROLE,
            json!({ "endpoint": [for_everyone(deny("*"))] }),
            "VpcEndpoint denies statement 1 (No), VpcEndpoint does not allow",
        ),
        (
            ROLE,
            json!({ "endpoint": [grant(USER)] }),
            "VpcEndpoint does not allow (the principals arn:aws:iam::111122223333:user/ana)",
        ),
        // Decided by IAM's simulator.
        (ROLE, json!({ "identity": "allow" }), "allowed"),
        (ROLE, json!({ "identity": "implicit deny" }), "IdentityBased does not allow"),
        (
            ROLE,
            json!({ "identity": "explicit deny" }),
            "IdentityBased denies, IdentityBased does not allow",
        ),
        (
            ROLE,
            json!({ "identity": "implicit deny", "resource": [grant(ROLE)] }),
            "allowed by statement 1",
        ),
        // Whether the role has a boundary is unknown.
        (
            ROLE,
            json!({ "identity": "allow", "resource": [{ "Effect": "Deny", "NotPrincipal": { "AWS": [ROLE, ROOT] }, "Action": "*", "Resource": "*" }] }),
            "unknown: the principals all but arn:aws:iam::111122223333:role/AppRole, arn:aws:iam::111122223333:root",
        ),
    ];
    for (principal, more, expected) in rows {
        assert_eq!(
            decision(principal, SQS, ResourceOwner::SameAccount, &own(more.clone())),
            expected,
            "{principal} {more}"
        );
    }
    let context = RequestContext::for_principal(&Principal::Anonymous);
    let request = Request {
        principal: Principal::Anonymous,
        action: SQS,
        resource: RequestResource::Exact(KEY),
        owner: ResourceOwner::Account("111122223333"),
        context: &context,
    };
    let open = json!({ "resource": [grant("*")], "scps": [[]] });
    assert_eq!(describe(&evaluate(&request, &layers(&open)), &request), "allowed by statement 1");
    let perimeter = with_condition(
        for_everyone(deny("*")),
        &json!({ "StringNotEquals": { "aws:PrincipalAccount": "111122223333" } }),
    );
    let closed = json!({ "resource": [grant("*")], "endpoint": [grant("*"), perimeter] });
    assert_eq!(
        describe(&evaluate(&request, &layers(&closed)), &request),
        "VpcEndpoint denies statement 2 (No)"
    );
}

#[test]
fn the_nearest_miss() {
    let secure = json!({ "Bool": { "aws:SecureTransport": "false" } });
    let elsewhere =
        json!({ "Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:q" });
    let rows = [
        (
            json!([with_condition(allow("sqs:*"), &secure)]),
            "IdentityBased does not allow (Bool aws:SecureTransport false)",
        ),
        // A condition is nearer than another resource, and another resource nearer than other actions.
        (
            json!([elsewhere, with_condition(allow("sqs:*"), &secure)]),
            "IdentityBased does not allow (Bool aws:SecureTransport false)",
        ),
        (
            json!([allow("sqs:Get*"), elsewhere]),
            "IdentityBased does not allow (the resources arn:aws:sqs:*:*:q)",
        ),
        (
            json!([allow("sqs:Get*"), allow("s3:*")]),
            "IdentityBased does not allow (the actions sqs:Get*)",
        ),
        (json!([allow("s3:*")]), "IdentityBased does not allow"),
        (
            json!([with_condition(elsewhere.clone(), &secure)]),
            "IdentityBased does not allow (the resources arn:aws:sqs:*:*:q; Bool aws:SecureTransport false)",
        ),
        (
            json!([{ "Effect": "Allow", "Action": "sqs:*", "NotResource": "arn:aws:kms:*" }]),
            "IdentityBased does not allow (the resources all but arn:aws:kms:*)",
        ),
        // Two that are equally near.
        (
            json!([elsewhere, { "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b" }]),
            "IdentityBased does not allow (the resources arn:aws:sqs:*:*:q) (the resources arn:aws:s3:::b)",
        ),
        (
            json!([with_condition(
                allow("*"),
                &json!({ "StringEquals": { "aws:RequestTag/x": ["a", "b"] } })
            )]),
            "IdentityBased does not allow (StringEquals aws:RequestTag/x a, b)",
        ),
    ];
    for (identity, expected) in rows {
        let policies = json!({ "identity": identity });
        assert_eq!(
            decision(ROLE, SQS, ResourceOwner::SameAccount, &policies),
            expected,
            "{policies}"
        );
    }
}

#[test]
fn what_an_unknown_decision_depends_on() {
    let from = json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } });
    let tagged = json!({ "StringEquals": { "aws:ResourceTag/env": "x" } });
    let team = json!({ "StringEquals": { "aws:PrincipalTag/team": ["ops", "dev"] } });
    let maybe = json!({ "StringMaybe": { "aws:x": "y" } });
    let both = json!([allow("*"), with_condition(deny("*"), &from)]);
    let depends = |on: &str| format!("unknown: {on}");
    let rows = [
        (json!({ "identity": [with_condition(allow("*"), &from)] }), depends("aws:SourceIp")),
        (json!({ "identity": both }), depends("aws:SourceIp")),
        (
            json!({ "identity": [with_condition(allow("*"), &team)] }),
            depends("aws:PrincipalTag/team"),
        ),
        // What was not seen explains itself.
        (
            json!({ "identity": [with_condition(allow("*"), &tagged)] }),
            "unknown: the tags of the key".into(),
        ),
        (json!({ "identity": "?" }), "unknown: what it says".into()),
        (json!({ "identity": [allow("*")], "scps": ["?"] }), "unknown: what it says".into()),
        (
            json!({ "identity": [with_condition(allow("*"), &maybe)] }),
            depends("p statement 1: Condition operator \"StringMaybe\""),
        ),
        (
            json!({ "identity": [{ "Effect": "Perhaps", "Action": "*", "Resource": "*" }] }),
            depends("p statement 1: Effect is neither Allow nor Deny"),
        ),
        (
            json!({ "identity": [{ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:kms:*:*:key/${aws:userid}" }] }),
            depends("aws:userid"),
        ),
        (
            json!({ "identity": [{ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:kms:*:key/k-1" }] }),
            depends("the resources arn:aws:kms:*:key/k-1"),
        ),
        // Something unknown that cannot change the decision does not make it unknown.
        (
            json!({ "identity": [with_condition(allow("*"), &from), allow("*")] }),
            "allowed by statement 2".into(),
        ),
        (
            json!({ "identity": [with_condition(allow("*"), &maybe), deny("*")] }),
            "IdentityBased denies statement 2 (No)".into(),
        ),
        (
            json!({ "identity": [with_condition(allow("*"), &from)], "scps": [[]] }),
            "ServiceControl level 0 does not allow".into(),
        ),
        (
            json!({ "identity": "?", "boundary": [deny("*")] }),
            "PermissionsBoundary denies statement 1 (No), PermissionsBoundary does not allow"
                .into(),
        ),
        (
            json!({ "identity": [with_condition(allow("s3:*"), &from)] }),
            "IdentityBased does not allow".into(),
        ),
        // And the explanation does not name it beside something that can.
        (
            json!({ "identity": [with_condition(allow("*"), &tagged), allow("*"), with_condition(deny("*"), &from)] }),
            depends("aws:SourceIp"),
        ),
        (
            json!({ "identity": [allow("*")], "resource": [with_condition(grant(ROLE), &tagged), for_everyone(with_condition(deny("*"), &from))] }),
            depends("aws:SourceIp"),
        ),
    ];
    for (policies, expected) in rows {
        assert_eq!(
            decision(ROLE, SQS, ResourceOwner::SameAccount, &policies),
            expected,
            "{policies}"
        );
    }
}
