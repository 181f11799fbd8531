//! The law Prescription: a prescription has nothing superfluous, and its changes do not collide. It is tried
//! for every scenario and incident, and for a sample of pairs of faults.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use ssm_doctor_analysis::{answer::FixOption, case::Case};
use ssm_doctor_checks::engine::{
    check::Check,
    diagnosis::{Overall, diagnose, examine},
    fix::writes,
    prescription::{Prescription, prescribe},
    verification::{Trial, Verified},
};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, KmsChange},
    lookup::Need,
    scope::Session,
};
use ssm_doctor_fixtures as fixtures;
use ssm_doctor_fixtures::Scenario;

use super::{Example, built_in, changed, examples, healthy};

#[path = "../incidents/load.rs"]
mod load;

/// Of so many pairs of failing cases one is tried.
const STRIDE: usize = 149;

#[test]
fn prescription_has_nothing_superfluous_and_no_collision() {
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in sample() {
        let case = Case::new(&scenario.facts, &scenario.scope);
        let before = examine(&case);
        let diagnosis = diagnose(&before);
        let Some(prescription) = prescribe(&case, &before, &diagnosis) else { continue };
        let Prescription { options, verified } = &prescription;
        *counts.entry(verified.as_str()).or_default() += 1;
        if options.len() > 1 {
            *counts.entry("with several options").or_default() += 1;
        }
        let found = |what: String| format!("{}: {what}", scenario.name);
        let all: Vec<&Change> = options.iter().flat_map(|(_, option)| &option.changes).collect();
        wrong.extend(collisions(&all).into_iter().map(found));
        if *verified != Verified::Yes {
            continue;
        }
        let degraded = diagnosis.overall == Overall::Degraded;
        let to_repair: &[&Check] = if degraded { &diagnosis.causes } else { &[] };
        // What fails after these changes; None if they do not suffice.
        let left = |changes: &[&Change]| {
            let trial = Trial::of(changes.iter().copied(), &case, &before).ok()?;
            let suffice = trial.verdict(to_repair, &[]) == Verified::Yes;
            let failing = trial.diagnosis.findings.iter().filter(|row| row.standing.is_some());
            let failing: BTreeSet<String> = failing.map(|row| row.check.name()).collect();
            (suffice && !changes.is_empty()).then_some(failing)
        };
        let after = left(&all);
        for (at, (check, option)) in options.iter().enumerate() {
            let others = options.iter().enumerate().filter(|(other, _)| *other != at);
            let rest: Vec<&Change> = others.flat_map(|(_, (_, option))| &option.changes).collect();
            *counts.entry("options left out").or_default() += 1;
            if left(&rest).is_some() {
                wrong.push(found(format!("superfluous for {}: {}", check.name(), option.title)));
            }
        }
        for (at, change) in all.iter().enumerate().filter(|(_, change)| shows_in_model(change)) {
            let mut rest = all.clone();
            rest.remove(at);
            *counts.entry("changes left out").or_default() += 1;
            // A session may start without it, and less well.
            if left(&rest).is_some_and(|failing| Some(failing) == after) {
                wrong.push(found(format!("superfluous change: {change:?}")));
            }
        }
    }
    println!("{counts:#?}");
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert!(counts["yes"] > 100 && counts["with several options"] > 50, "{counts:?}");
}

/// A permissions boundary lacks all that the agent needs, and the organization forbids a part of it. What the
/// administrators of the organization do is by hand, and makes none of the boundary's statements superfluous.
#[test]
fn prescription_by_hand_leaves_no_change_out() {
    let question = |action: &str, resource: &str| {
        format!("arn:aws:iam::111122223333:role/EC2RoleforSSM {action} {resource}")
    };
    let target = "arn:aws:ec2:ap-northeast-1:111122223333:instance/i-0abc123def4567890";
    let channels = ["Create", "Open"]
        .map(|verb| ["Control", "Data"].map(|kind| format!("ssmmessages:{verb}{kind}Channel")));
    let channels = channels.concat();
    let mut simulations = json!({
        question("ssm:UpdateInstanceInformation", target): {
            "decision": "implicitDeny", "allowed_by_boundary": false, "allowed_by_organizations": true,
        },
    });
    for action in &channels {
        simulations[question(action, "arn:aws:ssmmessages:ap-northeast-1:111122223333:*")] = json!({
            "decision": "explicitDeny", "allowed_by_boundary": false, "allowed_by_organizations": false,
        });
    }
    let boundary = "arn:aws:iam::111122223333:policy/Boundary";
    let everything = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let deny = json!({ "Effect": "Deny", "Action": "ssmmessages:*", "Resource": "*" });
    let patch = json!({ "facts": {
        "simulations": simulations,
        "roles": { "EC2RoleforSSM": { "boundary": boundary } },
        "role_policies": { "EC2RoleforSSM": {
            "managed": ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"], "boundary": boundary,
        } },
        "managed_policies": { boundary: { "version": "v1", "document": {
            "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }],
        } } },
        "organization": { "us": { "id": "o-example1234", "management": "999988887777" } },
        "organization_policies": { "111122223333": { "levels": [{
            "id": "111122223333", "service": { "p-example1": { "Statement": [everything, deny] } },
        }] } },
        "nodes": { "i-0abc123def4567890": { "ping": "ConnectionLost" } },
        "connections": { "i-0abc123def4567890": "notconnected" },
    } });
    let scenario = fixtures::patched("test".into(), "private-endpoints", &[patch]).unwrap();
    let case = Case::new(&scenario.facts, &scenario.scope);
    let before = examine(&case);
    let prescription = prescribe(&case, &before, &diagnose(&before)).unwrap();
    let changes: Vec<&Change> =
        prescription.options.iter().flat_map(|(_, option)| &option.changes).collect();
    let [change] = changes.as_slice() else { panic!("{prescription:#?}") };
    let text = serde_json::to_string(change).unwrap();
    for action in channels.iter().map(String::as_str).chain(["ssm:UpdateInstanceInformation"]) {
        assert!(text.contains(action), "{action} is missing in {text}");
    }
    let by_hand = |(_, option): &(&Check, FixOption)| option.changes.is_empty();
    assert!(prescription.options.iter().any(by_hand), "{prescription:#?}");
}

fn sample() -> Vec<Scenario> {
    let mut sample: Vec<Scenario> = Vec::new();
    for session in Session::ALL {
        sample.extend(built_in().iter().filter(|scenario| !scenario.healthy).map(|scenario| {
            let mut scenario = scenario.clone();
            scenario.scope.session = session;
            scenario
        }));
    }
    sample.extend(load::incidents().into_iter().map(|name| {
        let file = load::folder().join(&name).join("facts.json");
        load::scenario(&name, &file).0
    }));
    sample.extend(pairs());
    sample
}

/// Two failing cases of different checks in one account, of which no row is changed twice.
fn pairs() -> Vec<Scenario> {
    let fails = |case: &Example| {
        case.expects == "fails" && case.scenario.scope == healthy(&case.baseline).scope
    };
    let failing: Vec<(&Check, &Example, BTreeSet<Need>)> = examples()
        .iter()
        .filter(|(_, case)| fails(case))
        .map(|(check, case)| {
            (*check, case, changed(&case.scenario.facts, &healthy(&case.baseline).facts))
        })
        .collect();
    let all = failing
        .iter()
        .enumerate()
        .flat_map(|(at, first)| failing.iter().skip(at + 1).map(move |second| (first, second)));
    let possible = all.filter(|((check, case, rows), (other, second, more))| {
        check != other && case.baseline == second.baseline && rows.is_disjoint(more)
    });
    let sample = possible.step_by(STRIDE).map(|((_, case, _), (_, second, more))| {
        let mut both = case.scenario.clone();
        both.name = format!("{} and {}", case.scenario.name, second.scenario.name);
        for need in more {
            both.facts.copy_from(&second.scenario.facts, need);
        }
        both
    });
    sample.collect()
}

/// Does the model show what a change is for?
fn shows_in_model(change: &Change) -> bool {
    match change {
        // A new group admits the whole VPC, because its endpoints serve every instance there.
        Change::Ec2(Ec2Change::AuthorizeIngress { group, .. }) => !group.is_created(),
        // A later change names the key. AWS enables no key that is to be deleted.
        Change::Kms(KmsChange::CreateKey { .. } | KmsChange::CancelKeyDeletion { .. }) => false,
        _ => true,
    }
}

/// Changes of which one undoes the other, or that AWS refuses the second time.
fn collisions(changes: &[&Change]) -> Vec<String> {
    let mut collisions = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        for other in &changes[at + 1..] {
            if change == other {
                collisions.push(format!("twice: {change:?}"));
            } else if writes(change).is_some_and(|place| writes(other) == Some(place)) {
                collisions.push(format!("collide: {change:?} and {other:?}"));
            }
        }
    }
    collisions
}
