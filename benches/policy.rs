//! Evaluations per second on the policies that Session Manager meets.
//!
//! `cargo bench -p ssm-doctor-iam-policy --bench policy`. The goal is 200,000 evaluations per second on one
//! core, with policies that are already parsed. Parsing is measured separately.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot continue panics")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use ssm_doctor_facts::{ids::Arn, text::Text};
use ssm_doctor_iam_policy::{
    AccessDecision, AttachedPolicy, HierarchyLevel, KeyValue, PolicyDocument, PolicyLayer,
    PolicyLayers, PolicyType, Principal, Request, RequestContext, RequestResource, ResourceOwner,
    evaluate,
};

const INSTANCE: &str = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc123def4567890";
const SHELL: &str = "arn:aws:ssm:eu-west-1:111122223333:document/SSM-SessionManagerRunShell";
const SESSION: &str = "arn:aws:ssm:eu-west-1:111122223333:session/ana-0123456789abcdef0";

/// What `AmazonSSMManagedInstanceCore` allows.
fn core() -> Text {
    let ssm = [
        "DescribeAssociation",
        "DescribeDocument",
        "GetDeployablePatchSnapshotForInstance",
        "GetDocument",
        "GetManifest",
        "GetParameter",
        "GetParameters",
        "ListAssociations",
        "ListInstanceAssociations",
        "PutComplianceItems",
        "PutConfigurePackageResult",
        "PutInventory",
        "UpdateAssociationStatus",
        "UpdateInstanceAssociationStatus",
        "UpdateInstanceInformation",
    ];
    let channels =
        ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"];
    let messages = [
        "AcknowledgeMessage",
        "DeleteMessage",
        "FailMessage",
        "GetEndpoint",
        "GetMessages",
        "SendReply",
    ];
    let allow = |service: &str, actions: &[&str]| {
        let actions: Vec<String> =
            actions.iter().map(|action| format!("{service}:{action}")).collect();
        json!({ "Effect": "Allow", "Action": actions, "Resource": "*" })
    };
    let statements =
        [allow("ssm", &ssm), allow("ssmmessages", &channels), allow("ec2messages", &messages)];
    json!({ "Version": "2012-10-17", "Statement": statements }).into()
}

/// What an operator may do: start sessions with MFA, and end her own sessions.
fn operator() -> Text {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["ssm:StartSession", "ssm:GetConnectionStatus"],
          "Resource": ["arn:aws:ec2:eu-west-1:111122223333:instance/*", "arn:aws:ssm:eu-west-1:*:document/*"],
          "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "true" } } },
        { "Effect": "Allow", "Action": "ssm:DescribeInstanceInformation", "Resource": "*" },
        { "Effect": "Allow", "Action": ["ssm:ResumeSession", "ssm:TerminateSession"],
          "Resource": "arn:aws:ssm:*:*:session/${aws:username}-*" },
    ] })
    .into()
}

/// What organizations often set for their accounts: all actions, in two Regions only, and no leaving.
fn control() -> Text {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Sid": "Regions", "Effect": "Deny", "NotAction": ["iam:*", "sts:*", "organizations:*", "support:*"],
          "Resource": "*",
          "Condition": { "StringNotEquals": { "aws:RequestedRegion": ["eu-west-1", "eu-central-1"] },
                         "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/admin/*" } } },
        { "Sid": "Leave", "Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*" },
    ] })
    .into()
}

fn layer<'t>(id: &str, text: &'t Text, policy_type: PolicyType) -> PolicyLayer<'t> {
    PolicyLayer::Policies(vec![AttachedPolicy {
        id: id.into(),
        attached_to: "here".into(),
        document: Ok(PolicyDocument::parse(text, policy_type)),
    }])
}

fn benchmarks(criterion: &mut Criterion) {
    let role: Arn = "arn:aws:iam::111122223333:role/AppRole".parse().unwrap();
    let user: Arn = "arn:aws:iam::111122223333:user/ana".parse().unwrap();
    let (core, operator, control) = (core(), operator(), control());
    let agent = Principal::RoleSession { role: &role, name: Some("i-0abc123def4567890") };
    let ana = Principal::User(&user);
    let context = |principal: &Principal| {
        RequestContext::for_principal(principal)
            .with("aws:RequestedRegion", KeyValue::Exact("eu-west-1".into()))
            .with("aws:SecureTransport", KeyValue::Exact("true".into()))
            .with("aws:ViaAWSService", KeyValue::Exact("false".into()))
            .with("aws:MultiFactorAuthPresent", KeyValue::Exact("true".into()))
            .with("aws:CurrentTime", KeyValue::Exact("2026-11-25T12:00:00Z".into()))
            .with_others("aws:PrincipalTag/", KeyValue::Absent)
            .with_others("aws:ResourceTag/", KeyValue::Absent)
    };
    let (agent_context, ana_context) = (context(&agent), context(&ana));
    let without_mfa = ana_context.clone().with("aws:MultiFactorAuthPresent", KeyValue::Absent);
    let mfa_unknown = RequestContext::for_principal(&ana);
    let request = |principal, context, action, resource| Request {
        principal,
        action,
        resource: RequestResource::Exact(resource),
        owner: ResourceOwner::SameAccount,
        context,
    };
    let organization = || HierarchyLevel {
        id: "r-1".into(),
        layer: layer("scp", &control, PolicyType::ServiceControl),
    };
    let layers = |text, id| PolicyLayers {
        identity: layer(id, text, PolicyType::IdentityBased),
        service_control: vec![organization(), organization()],
        ..PolicyLayers::default()
    };
    let node = layers(&core, "AmazonSSMManagedInstanceCore");
    let person = layers(&operator, "sessions");

    let allowed = [
        (request(agent, &agent_context, "ssm:UpdateInstanceInformation", INSTANCE), &node),
        (request(agent, &agent_context, "ssmmessages:CreateControlChannel", "*"), &node),
        (request(agent, &agent_context, "ssmmessages:OpenDataChannel", "*"), &node),
        (request(ana, &ana_context, "ssm:StartSession", INSTANCE), &person),
        (request(ana, &ana_context, "ssm:StartSession", SHELL), &person),
        (request(ana, &ana_context, "ssm:TerminateSession", SESSION), &person),
    ];
    let denied = [
        (
            request(
                agent,
                &agent_context,
                "kms:Decrypt",
                "arn:aws:kms:eu-west-1:111122223333:key/k",
            ),
            &node,
        ),
        (request(agent, &agent_context, "logs:DescribeLogGroups", "*"), &node),
        (request(ana, &without_mfa, "ssm:StartSession", INSTANCE), &person),
    ];
    let undecided = [(request(ana, &mfa_unknown, "ssm:StartSession", INSTANCE), &person)];
    for (request, layers) in &allowed {
        assert!(matches!(evaluate(request, layers), AccessDecision::Allowed(_)));
    }
    for (request, layers) in &denied {
        assert!(matches!(evaluate(request, layers), AccessDecision::Denied(_)));
    }
    for (request, layers) in &undecided {
        assert!(matches!(evaluate(request, layers), AccessDecision::Undecided(_)));
    }

    let mut group = criterion.benchmark_group("evaluate");
    for (name, requests) in [
        ("allowed", &allowed[..]),
        ("refused, with reasons", &denied),
        ("unknown, with keys", &undecided),
    ] {
        group.throughput(Throughput::Elements(requests.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for (request, layers) in requests {
                    black_box(evaluate(black_box(request), layers));
                }
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Elements(3));
    group.bench_function("three policies", |bencher| {
        bencher.iter(|| {
            black_box(PolicyDocument::parse(black_box(&core), PolicyType::IdentityBased));
            black_box(PolicyDocument::parse(black_box(&operator), PolicyType::IdentityBased));
            black_box(PolicyDocument::parse(black_box(&control), PolicyType::ServiceControl));
        });
    });
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
