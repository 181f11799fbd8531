//! No input makes a parser panic, whoever wrote it.
//!
//! `cargo test` edits the seeds some thousand times, in the same ways each time. `PROPTEST_CASES=1000000` looks for
//! longer, and `PROPTEST_RNG_SEED` elsewhere. What fails is shrunk and printed.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::hint::black_box;

use proptest::prelude::*;
use ssm_doctor_analysis::{
    case::Case,
    error_message::{self, Claim},
    node::{
        agent_log::{Kind, Matcher, Scanner, judge, merge},
        serial_console,
    },
};
use ssm_doctor_checks::engine::diagnosis::{diagnose, examine};
use ssm_doctor_facts::{ec2::Console, ids::Arn, lookup::Row, text::Text, time::Timestamp};
use ssm_doctor_fixtures as fixtures;
use ssm_doctor_fuzz::{check, edited, seeds};
use ssm_doctor_iam_policy::{
    AttachedPolicy, PolicyDocument, PolicyLayer, PolicyLayers, PolicyType, Principal, Request,
    RequestContext, RequestResource, ResourceOwner, evaluate, pattern_covers,
};

/// Each takes much longer than an edit.
const DIAGNOSES: u32 = 100;
const TEXTS: u32 = 2_000;

/// Facts that somebody saved, edited or made up. What can be read is judged.
#[test]
fn facts() {
    let scenarios = fixtures::all().unwrap();
    let texts: Vec<String> =
        scenarios.iter().map(|scenario| fixtures::to_json(&scenario.facts).unwrap()).collect();
    check(DIAGNOSES, edited(), |edited| {
        let Ok(facts) = fixtures::from_json(&edited.text(&texts)) else { return };
        for scenario in scenarios.iter().step_by(8) {
            black_box(diagnose(&examine(&Case::new(&facts, &scenario.scope))));
        }
    });
}

/// A session document in the place of the account's preferences.
#[test]
fn preferences() {
    let scenario = fixtures::named("private-nat/logging-without-rights").unwrap();
    let documents = scenario.facts.documents.values().filter_map(|row| match row {
        Row::Present(document) => document.content.json().map(ToString::to_string),
        _ => None,
    });
    let texts: Vec<String> = documents.collect();
    assert!(!texts.is_empty());
    check(DIAGNOSES, edited(), |edited| {
        let mut facts = scenario.facts.clone();
        for row in facts.documents.values_mut() {
            if let Row::Present(document) = row {
                document.content = Text::parse(&edited.text(&texts));
            }
        }
        black_box(diagnose(&examine(&Case::new(&facts, &scenario.scope))));
    });
}

#[test]
fn policy() {
    let texts = seeds("tests/fuzz/corpus/policy", ".json");
    let role: Arn = "arn:aws:iam::111122223333:role/App".parse().unwrap();
    let principal = Principal::RoleSession { role: &role, name: Some("i-0abc123def4567890") };
    let context = RequestContext::for_principal(&principal);
    check(TEXTS, edited(), |edited| {
        let text = Text::parse(&edited.text(&texts));
        let attached = |policy_type| AttachedPolicy {
            id: "edited".into(),
            attached_to: "somebody".into(),
            document: Ok(PolicyDocument::parse(&text, policy_type)),
        };
        let layers = PolicyLayers {
            identity: PolicyLayer::Policies(vec![attached(PolicyType::IdentityBased)]),
            ..PolicyLayers::default()
        };
        for action in ["ssm:StartSession", "s3:PutObject"] {
            let request = Request {
                principal,
                action,
                resource: RequestResource::Exact("arn:aws:s3:::logs/sessions/1"),
                owner: ResourceOwner::SameAccount,
                context: &context,
            };
            black_box(evaluate(&request, &layers));
        }
    });
}

/// Any pattern, and any text.
#[test]
fn pattern() {
    check(TEXTS, (any::<String>(), any::<String>()), |(pattern, text)| {
        black_box(pattern_covers(&pattern, &text));
        assert!(pattern_covers("*", &text));
    });
}

#[test]
fn console() {
    let texts = seeds("tests/fuzz/corpus/console", ".txt");
    check(TEXTS, edited(), |edited| {
        let lines = serial_console::excerpt(&edited.text(&texts));
        // What is kept is shown to people, and saved.
        assert!(lines.iter().all(|line| !line.chars().any(char::is_control)));
        let at = Timestamp::from_second(1_796_007_600);
        black_box(serial_console::signs(&Console { at, lines }, at));
    });
}

/// However the file's bytes arrive, they say the same.
#[test]
fn agent_log() {
    let texts = seeds("fixtures/logs", ".log");
    let matcher = Matcher::new().unwrap();
    let read = |bytes: &[u8], chunk: usize| {
        let mut scanner = Scanner::new(&matcher);
        bytes.chunks(chunk).for_each(|part| scanner.push(part));
        merge(vec![scanner.finish(Kind::of("amazon-ssm-agent.log"))], None)
    };
    check(TEXTS / 4, (edited(), any::<u8>()), |(edited, chunk)| {
        let bytes = edited.bytes(&texts);
        let whole = read(&bytes, bytes.len().max(1));
        black_box(judge(&whole));
        assert_eq!(whole, read(&bytes, 1024 + usize::from(chunk)));
    });
}

/// What people paste. The message of an event of `CloudTrail` is read as well.
#[test]
fn error_message() {
    let texts = seeds("tests/fuzz/corpus/message", ".txt");
    check(TEXTS, edited(), |edited| {
        let text = edited.text(&texts);
        let claims = error_message::read(&text);
        // Claims are made of the text's own words.
        for claim in &claims {
            if let Claim::Refused(refusal) = claim {
                let operation = refusal.denial.action.rsplit(':').next().unwrap_or_default();
                assert!(text.contains(operation), "{claims:?}");
            }
        }
    });
}

/// Probes, and what `ssm-cli get-diagnostics` prints. What can be read is judged.
#[test]
fn probe() {
    let texts = seeds("tests/fuzz/corpus/probe", ".json");
    let scenario = fixtures::named("private-nat/logging-without-rights").unwrap();
    check(DIAGNOSES, edited(), |edited| {
        let Ok(probe) = ssm_doctor_probe::parse(&edited.text(&texts)) else { return };
        let (mut facts, mut scope) = (scenario.facts.clone(), scenario.scope.clone());
        scope.probe = true;
        facts.probes.insert(scope.target.clone(), Row::Present(probe));
        black_box(diagnose(&examine(&Case::new(&facts, &scope))));
    });
}

/// Names and addresses: what is accepted is printed as it was read.
#[test]
fn ids() {
    let texts = seeds("tests/fuzz/corpus/ids", ".txt");
    let lines: Vec<String> =
        texts.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
    check(TEXTS, edited(), |edited| {
        let text = edited.text(&lines);
        if let Ok(arn) = text.parse::<Arn>() {
            assert_eq!(arn.to_string(), text);
            let _ = (arn.account(), arn.resource(), arn.name());
        }
        if let Ok(net) = text.parse::<ipnet::IpNet>() {
            assert_eq!(net.to_string().parse(), Ok(net));
        }
    });
}
