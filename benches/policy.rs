//! Evaluations per second on the policies that Session Manager meets.
//!
//! `cargo bench -p ssm-doctor-checks --bench policy`. The goal is 200,000 a second on one core, policies
//! once read; what reading them costs is measured apart.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops here")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use ssm_doctor_facts::{ids::Arn, text::Text};
use ssm_doctor_iam_policy::{
    Attached, Context, Kind, Known, Layer, Layers, Level, Object, Outcome, Owner, Policy,
    Principal, Request, evaluate,
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
        let actions: Vec<String> = actions.iter().map(|it| format!("{service}:{it}")).collect();
        json!({ "Effect": "Allow", "Action": actions, "Resource": "*" })
    };
    let statements =
        [allow("ssm", &ssm), allow("ssmmessages", &channels), allow("ec2messages", &messages)];
    json!({ "Version": "2012-10-17", "Statement": statements }).into()
}

/// An operator who may start sessions, with MFA, and end those that are hers.
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

/// What organizations lay over their accounts: everything, save a Region or two and the way out.
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

fn seen<'t>(id: &str, text: &'t Text, kind: Kind) -> Layer<'t> {
    let policy = Ok(Policy::read(text, kind));
    Layer::Seen(vec![Attached { id: id.into(), to: "here".into(), policy }])
}

fn benchmarks(criterion: &mut Criterion) {
    let role: Arn = "arn:aws:iam::111122223333:role/AppRole".parse().unwrap();
    let user: Arn = "arn:aws:iam::111122223333:user/ana".parse().unwrap();
    let (core, operator, control) = (core(), operator(), control());
    let agent = Principal::Session { role: &role, name: Some("i-0abc123def4567890") };
    let ana = Principal::User(&user);
    let context = |principal: &Principal| {
        Context::of(principal)
            .with("aws:RequestedRegion", Known::Exactly("eu-west-1".into()))
            .with("aws:SecureTransport", Known::Exactly("true".into()))
            .with("aws:ViaAWSService", Known::Exactly("false".into()))
            .with("aws:MultiFactorAuthPresent", Known::Exactly("true".into()))
            .with("aws:CurrentTime", Known::Exactly("2026-11-25T12:00:00Z".into()))
            .with_rest("aws:PrincipalTag/", Known::Missing)
            .with_rest("aws:ResourceTag/", Known::Missing)
    };
    let (of_agent, of_ana) = (context(&agent), context(&ana));
    let without_mfa = of_ana.clone().with("aws:MultiFactorAuthPresent", Known::Missing);
    let mfa_unknown = Context::of(&ana);
    let request = |principal, context, action, resource| Request {
        principal,
        action,
        resource: Object::Exactly(resource),
        owner: Owner::Own,
        context,
    };
    let organization =
        || Level { name: "r-1".into(), layer: seen("scp", &control, Kind::ServiceControl) };
    let layers = |text, id| Layers {
        identity: seen(id, text, Kind::Identity),
        service_control: vec![organization(), organization()],
        ..Layers::default()
    };
    let node = layers(&core, "AmazonSSMManagedInstanceCore");
    let person = layers(&operator, "sessions");

    let allowed = [
        (request(agent, &of_agent, "ssm:UpdateInstanceInformation", INSTANCE), &node),
        (request(agent, &of_agent, "ssmmessages:CreateControlChannel", "*"), &node),
        (request(agent, &of_agent, "ssmmessages:OpenDataChannel", "*"), &node),
        (request(ana, &of_ana, "ssm:StartSession", INSTANCE), &person),
        (request(ana, &of_ana, "ssm:StartSession", SHELL), &person),
        (request(ana, &of_ana, "ssm:TerminateSession", SESSION), &person),
    ];
    let refused = [
        (
            request(agent, &of_agent, "kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/k"),
            &node,
        ),
        (request(agent, &of_agent, "logs:DescribeLogGroups", "*"), &node),
        (request(ana, &without_mfa, "ssm:StartSession", INSTANCE), &person),
    ];
    let unknown = [(request(ana, &mfa_unknown, "ssm:StartSession", INSTANCE), &person)];
    assert!(allowed.iter().all(|it| matches!(evaluate(&it.0, it.1), Outcome::Allowed(_))));
    assert!(refused.iter().all(|it| matches!(evaluate(&it.0, it.1), Outcome::Denied(_))));
    assert!(unknown.iter().all(|it| matches!(evaluate(&it.0, it.1), Outcome::Unknown(_))));

    let mut group = criterion.benchmark_group("evaluate");
    for (name, requests) in [
        ("allowed", &allowed[..]),
        ("refused, with reasons", &refused),
        ("unknown, with keys", &unknown),
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
            black_box(Policy::read(black_box(&core), Kind::Identity));
            black_box(Policy::read(black_box(&operator), Kind::Identity));
            black_box(Policy::read(black_box(&control), Kind::ServiceControl));
        });
    });
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
