//! `--redact`: no format, no saved file and no message has what identifies the owner of the facts.

use std::fs;

use serde_json::{Value, json};

use super::{BROKEN, Run, TARGET, folder, formats, path, run};

/// What the secrets replace in the built-in scenarios.
const PLANTED: [(&str, &str); 8] = [
    ("111122223333", "481516234299"),
    (TARGET, "i-0deadfeed15c0ffee"),
    ("vpc-0a1b2c3d", "vpc-0badcafe0badcafe1"),
    ("10.0.", "10.77."),
    ("alice", "zorroadmin"),
    ("web-1", "umbrella-07"),
    ("production", "projectmanhattan"),
    ("EC2RoleforSSM", "ManhattanRole"),
];

/// Parts of secrets, in lower case: found by whoever searches for them.
const SECRETS: [&str; 14] = [
    "481516234299",
    "0deadfeed15c0ffee",
    "0badcafe",
    "10.77.",
    "54.210.99",
    "54-210-99",
    "zorro",
    "umbrella",
    "manhattan",
    "initech",
    "hunter2",
    "costholder",
    "ops99",
    "11aa22bb-33cc",
];

const LOG: &str = "\
2026-11-23 01:00:00.0000 INFO amazon-ssm-agent - v3.3.1142.0
2026-11-23 01:00:01.0000 ERROR [CredentialRefresher] Retrieve credentials produced error: AccessDeniedException: User: \
arn:aws:sts::481516234299:assumed-role/ManhattanRole/i-0deadfeed15c0ffee is not authorized to perform: \
ssm:UpdateInstanceInformation on resource: arn:aws:ec2:eu-west-1:481516234299:instance/i-0deadfeed15c0ffee, ask initech
2026-11-23 01:00:02.0000 ERROR [MGSInteractor] Failed to dial websocket: dial tcp 54.210.99.77:443: i/o timeout, host \
ip-54-210-99-77.initech.example password hunter2
";

/// Facts of a scenario with secrets in every kind of text that an owner chooses.
fn plant(scenario: &str, file: &str) {
    run(&["demo", scenario, "--save-facts", file]);
    let mut text = fs::read_to_string(file).unwrap();
    for (original, secret) in PLANTED {
        text = text.replace(original, secret);
    }
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let target = document["scope"]["target"].as_str().unwrap().to_owned();
    let facts = &mut document["facts"];
    if facts.pointer(&format!("/instances/{target}")).is_some_and(Value::is_object) {
        let instance = &mut facts["instances"][&target];
        instance["tags"]["CostHolder"] = json!("Initech");
        instance["interfaces"][0]["public_ip"] = json!("54.210.99.77");
        facts["consoles"][&target] = json!({ "lines": [
            "Kernel panic - not syncing: initech-host ip-54-210-99-77 password hunter2",
        ] });
    }
    for role in table(facts, "roles") {
        let statement = json!({
            "Sid": "SidOfInitech", "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "AWS": "arn:aws:iam::481516234299:user/zorroadmin" },
            "Condition": { "StringLike": { "aws:PrincipalTag/CostHolder": "initech*" } },
        });
        if let Some(statements) =
            role.1.pointer_mut("/trust/Statement").and_then(Value::as_array_mut)
        {
            statements.push(statement);
        }
    }
    for name in ["network_acls", "security_groups", "past_sessions"] {
        for row in table(facts, name).take(1) {
            *row.1 = json!({ "unknown": "denied", "detail": "zorroadmin of 481516234299 may not, see Initech OPS99" });
        }
    }
    let inputs = facts.pointer_mut("/documents/SSM-SessionManagerRunShell/content/inputs");
    if let Some(Value::Object(inputs)) = inputs {
        inputs.insert("s3BucketName".into(), json!("initech-session-logs"));
        inputs.insert("cloudWatchLogGroupName".into(), json!("/initech/sessions"));
        inputs.insert("kmsKeyId".into(), json!("11aa22bb-33cc-44dd-55ee-66ff77aa88bb"));
    }
    facts["here_logins"]["here"] =
        json!({ "profiles": [{ "name": "initech-prod", "sets": ["sso"] }] });
    facts["here_surroundings"]["here"] = json!({
        "terminal": true, "proxies": [{ "variable": "HTTPS_PROXY", "host": "proxy.initech.example:3128" }],
    });
    fs::write(file, document.to_string()).unwrap();
}

/// The rows of a table of facts; none if the scenario has no such table.
fn table<'f>(
    facts: &'f mut Value,
    name: &str,
) -> impl Iterator<Item = (&'f String, &'f mut Value)> {
    facts.get_mut(name).and_then(Value::as_object_mut).into_iter().flatten()
}

#[test]
fn planted_secrets_are_in_no_output() {
    let folder = folder();
    let (facts, log) = (path(&folder, "facts.json"), path(&folder, "agent.log"));
    fs::write(&log, LOG).unwrap();
    fs::write(
        path(&folder, "ssm-doctor.toml"),
        "runbook-base = 'https://wiki.initech.example'\n[[suppress]]\ncheck = 'target/instance-running'\n\
         target = '*'\nreason = 'Initech OPS99'\nowner = 'zorro'\nexpires = '2020-01-01'\n",
    )
    .unwrap();
    let files = ["r.json", "r.md", "r.xml", "r.sarif", "r.html", "saved.json"]
        .map(|name| path(&folder, name));
    let [json, markdown, junit, sarif, html, saved] = &files;
    let mut searched = 0;
    for scenario in [
        "private-endpoints",
        BROKEN,
        "public-ip/operator-without-mfa",
        "hub-peering",
        "hybrid",
        "private-nat/ssh-only",
    ] {
        plant(scenario, &facts);
        let planted = fs::read_to_string(&facts).unwrap().to_lowercase();
        let missing: Vec<_> = ["481516234299", "initech", "ops99"]
            .into_iter()
            .filter(|it| !planted.contains(it))
            .collect();
        assert!(missing.is_empty(), "{scenario}: {missing:?} was not planted");
        let with_log =
            if scenario == "hybrid" { vec![] } else { vec!["--agent-log", log.as_str()] };
        let judge = |args: &[&str]| {
            let all = [&["--facts", facts.as_str(), "--redact"], args, &with_log[..]].concat();
            let ran = Run::new(&all).inside(&folder).go();
            assert!(ran.code != 2 && ran.err.is_empty(), "{scenario} {args:?}: {}", ran.err);
            [ran.out, ran.err].concat()
        };
        let outputs =
            [json, markdown, junit, sarif, html].map(|file| ["--output", file.as_str()]).concat();
        let mut texts = vec![
            ("table".to_owned(), judge(&[&outputs[..], &["--save-facts", saved]].concat())),
            ("-v".to_owned(), judge(&["-v"])),
            ("-q".to_owned(), judge(&["-q"])),
        ];
        for (format, _) in &formats::listed() {
            texts.push((format.to_owned(), judge(&["--format", format])));
        }
        texts.extend(files.iter().map(|file| (file.clone(), fs::read_to_string(file).unwrap())));
        for (name, text) in texts {
            searched += 1;
            let lower = text.to_lowercase();
            let found: Vec<_> =
                SECRETS.into_iter().filter(|secret| lower.contains(secret)).collect();
            let line = |secret: &&str| {
                lower
                    .lines()
                    .find(|line| line.contains(secret))
                    .map(|it| it.chars().take(300).collect::<String>())
            };
            assert!(
                found.is_empty(),
                "{scenario} {name}: {found:?}\n{:?}",
                found.first().and_then(line)
            );
        }
        // The saved facts are the redacted ones, and give the same report.
        let again = run(&["--facts", saved, "-v"]);
        let args = [&["--facts", facts.as_str(), "--redact", "-v"], &with_log[..]].concat();
        assert_eq!(again, run(&args), "{scenario}");
    }
    assert_eq!(searched, 6 * (9 + formats::listed().len()));
}

#[test]
fn the_same_facts_have_the_same_pseudonyms_and_the_verdict_stays() {
    for scenario in ["private-endpoints", BROKEN] {
        let plain = run(&["demo", scenario, "--format", "json"]);
        let redacted = run(&["demo", scenario, "--format", "json", "--redact"]);
        assert_eq!(run(&["demo", scenario, "--format", "json", "--redact"]), redacted);
        assert_eq!((plain.code, ""), (redacted.code, redacted.err.as_str()));
        let [plain, redacted] = [plain, redacted].map(|ran| super::json(&ran.out));
        assert_eq!(plain["causes"], redacted["causes"]);
        assert_ne!(plain["target"]["id"], redacted["target"]["id"]);
    }
}
