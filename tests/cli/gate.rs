//! What a pipeline fails on: suppressions, a baseline, and the settings that files have.

use std::{fs, path::Path};

use jsonschema::Validator;
use serde_json::Value;
use tempfile::TempDir;

use super::{BROKEN, ROOT, Ran, Run, facts, folder, json, path, run, schema};

/// The cause of that scenario.
const CAUSE: &str = "network/endpoint-accepts-https";

fn demo(folder: &TempDir, args: &[&str]) -> Ran {
    Run::new(&[&["demo", BROKEN], args].concat()).inside(folder).go()
}

fn suppress(folder: &TempDir, check: &str, target: &str, expires: &str) {
    let text = format!(
        "[[suppress]]\ncheck = '{check}'\ntarget = '{target}'\nreason = 'moves soon'\nowner = 'network team'\n\
         expires = '{expires}'\n"
    );
    fs::write(path(folder, "ssm-doctor.toml"), text).unwrap();
}

fn finding<'r>(report: &'r Value, check: &str) -> &'r Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|it| it["check"] == check).unwrap()
}

#[test]
fn a_suppressed_finding_stays_and_does_not_count() {
    let folder = folder();
    assert_eq!(demo(&folder, &[]).code, 1);
    for target in ["*", "i-0abc*", "web-?"] {
        suppress(&folder, CAUSE, target, "2026-11-23");
        let ran = demo(&folder, &["--format", "json"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{target}");
        let report = json(&ran.out);
        assert_eq!((&report["verdict"], &report["causes"][0]), (&json!("blocked"), &json!(CAUSE)));
        assert_eq!(finding(&report, CAUSE)["suppressed"]["owner"], "network team");
        assert_eq!(finding(&report, "agent/ping-online").get("suppressed"), None);
    }
    for (format, says) in [
        ("table", "suppressed until 2026-11-23: moves soon (network team)"),
        ("short", "suppressed until 2026-11-23"),
        ("markdown", "suppressed until 2026-11-23"),
        ("html", "suppressed until 2026-11-23"),
        ("github", "::notice title=i-0abc123def4567890%3A network/endpoint-accepts-https::"),
    ] {
        let run = Run::new(&["demo", BROKEN, "--format", format]).set("COLUMNS", "500");
        let ran = run.inside(&folder).go();
        assert!(ran.code == 0 && ran.out.contains(says), "{format}: {}", ran.out);
    }
    let sarif = json(&demo(&folder, &["--format", "sarif"]).out);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let suppressed: Vec<_> = results.iter().filter(|it| it.get("suppressions").is_some()).collect();
    assert_eq!(suppressed.len(), 1);
    assert_eq!(suppressed[0]["suppressions"][0]["kind"], "external");
    let junit = demo(&folder, &["--format", "junit"]).out;
    let case = junit
        .split("<testcase ")
        .find(|it| it.contains("\"network/endpoint-accepts-https\""))
        .unwrap();
    assert!(case.contains("<skipped message=\"suppressed until"), "{case}");
    // What follows from it alone is no failure either: the test report agrees with the exit code.
    assert!(junit.contains("failures=\"0\"") && junit.contains("errors=\"0\""), "{junit}");
    let case = junit.split("<testcase ").find(|it| it.contains("\"agent/ping-online\"")).unwrap();
    let says =
        "<skipped message=\"follows only from what is accepted (network/endpoint-accepts-https): ";
    assert!(case.contains(says), "{case}");
    let github = demo(&folder, &["--format", "github"]).out;
    assert!(!github.contains("::error"), "{github}");
    let line = Run::new(&["demo", BROKEN, "-q"]).set("COLUMNS", "500").inside(&folder).go();
    assert_eq!(line.code, 0);
    assert!(line.out.contains("(accepted: suppressed until 2026-11-23)"), "{}", line.out);
    // Another target, and a threshold that other findings meet.
    suppress(&folder, CAUSE, "i-1*", "2026-11-23");
    assert_eq!(demo(&folder, &[]).code, 1);
    assert!(!demo(&folder, &["-q"]).out.contains("accepted"));
    assert!(!demo(&folder, &["--format", "junit"]).out.contains("failures=\"0\""));
}

#[test]
fn an_expired_suppression_is_reported_and_counts_again() {
    let folder = folder();
    suppress(&folder, CAUSE, "*", "2026-11-22");
    for format in ["table", "short", "markdown", "github", "html"] {
        let ran = demo(&folder, &["--format", format]);
        let text = ran.out.replace('\n', " ");
        assert!(ran.code == 1 && text.contains("expired on"), "{format}: {text}");
    }
    let report = json(&demo(&folder, &["--format", "json"]).out);
    assert_eq!(report["expired_suppressions"][0]["check"], CAUSE);
    assert_eq!(finding(&report, CAUSE).get("suppressed"), None);
}

#[test]
fn wrong_suppressions_are_refused_with_what_was_meant() {
    let folder = folder();
    let file = path(&folder, "ssm-doctor.toml");
    suppress(&folder, "network/endpoint-accepts-http", "*", "2026-11-23");
    let ran = demo(&folder, &[]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("did you mean `network/endpoint-accepts-https`?"), "{}", ran.err);
    for (wrong, says) in [
        ("network", "is an area and no check"),
        ("endpoint-accepts-https", "did you mean `network/endpoint-accepts-https`?"),
        ("network/no-such-thing-at-all", "help: `ssm-doctor checks` lists them"),
    ] {
        suppress(&folder, wrong, "*", "2026-11-23");
        let ran = demo(&folder, &[]);
        assert!(ran.code == 2 && ran.err.contains(says), "{wrong}: {}", ran.err);
    }
    for (text, says) in [
        ("[[suppress]]\ncheck = 'dns/vpc-dns-enabled'\n", "missing field"),
        ("[[suppress]]\nchecks = 'dns/vpc-dns-enabled'\n", "`checks`"),
        ("fail-on = ['sometimes']\n", "sometimes"),
        ("fail-on = 'sometimes'\n", "sometimes"),
    ] {
        fs::write(&file, text).unwrap();
        let ran = demo(&folder, &[]);
        assert!(
            ran.code == 2 && ran.err.contains(says) && ran.err.contains("ssm-doctor.toml"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn a_baseline_leaves_new_findings() {
    let folder = folder();
    for (name, ending) in [("json", "base.json"), ("sarif", "base.sarif")] {
        let base = path(&folder, ending);
        assert_eq!(demo(&folder, &["--format", name, "--output", &base]).code, 1);
        let ran = demo(&folder, &["--baseline", &base, "--format", "json"]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        let line = demo(&folder, &["--baseline", &base, "-q"]).out;
        assert!(line.contains("(accepted: the baseline has it)"), "{line}");
        assert_eq!(finding(&json(&ran.out), CAUSE)["known"], true);
        let sarif = json(&demo(&folder, &["--baseline", &base, "--format", "sarif"]).out);
        assert_eq!(sarif["runs"][0]["results"][0]["baselineState"], "unchanged");
        // The same target with another fault, and another kind of session.
        let other = run(&["demo", "private-endpoints/endpoint-missing", "--baseline", &base]);
        assert_eq!(other.code, 1, "{name}");
        assert_eq!(demo(&folder, &["--baseline", &base, "--session", "ssh"]).code, 1, "{name}");
    }
    let (missing, wrong) = (path(&folder, "missing"), path(&folder, "wrong"));
    fs::write(&wrong, "{}").unwrap();
    for (file, says) in [(missing, "cannot read the baseline"), (wrong, "is no baseline")] {
        let ran = demo(&folder, &["--baseline", &file]);
        assert!(ran.code == 2 && ran.out.is_empty() && ran.err.contains(says), "{}", ran.err);
    }
}

#[test]
fn checking_nothing_is_no_success() {
    let folder = folder();
    let empty = facts(&folder, "private-endpoints", |facts| facts["facts"] = json!({}));
    for args in [&["--facts", empty.as_str()][..], &["--facts", &empty, "--fail-on", "never"]] {
        assert_eq!(run(args).code, 2, "{args:?}");
    }
    assert_eq!(run(&["demo", BROKEN, "--fail-on", "never"]).code, 0);
}

#[test]
fn flags_environment_project_and_user_come_in_this_order() {
    let (project, home) = (folder(), folder());
    let inner = project.path().join("deep/er");
    fs::create_dir_all(&inner).unwrap();
    fs::create_dir(project.path().join(".git")).unwrap();
    fs::create_dir(home.path().join("ssm-doctor")).unwrap();
    let user = home.path().join("ssm-doctor/config.toml");
    fs::write(
        &user,
        "profile = 'user'\nregion = 'eu-west-1'\nfail-on = ['advises']\nformat = 'short'\n",
    )
    .unwrap();
    fs::write(
        path(&project, "ssm-doctor.toml"),
        "profile = 'project'\nfail-on = ['degrades', 'unknown']\n",
    )
    .unwrap();
    let settings = |args: &[&str], set: &[(&str, &str)]| {
        let all = [&["config", "--format", "json"], args].concat();
        let mut run = Run::new(&all).set("XDG_CONFIG_HOME", &home.path().display().to_string());
        for (name, value) in set {
            run = run.set(name, value);
        }
        json(&run.inside(&inner).go().out)
    };
    let is = |settings: &Value, name: &str, value: &str, from: &str| {
        let setting =
            settings.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone();
        assert_eq!(setting["value"], value, "{name}");
        assert!(setting["from"].as_str().unwrap().ends_with(from), "{setting}");
    };
    let files = settings(&[], &[]);
    is(&files, "profile", "project", "ssm-doctor.toml");
    is(&files, "fail-on", "degrades,unknown", "ssm-doctor.toml");
    is(&files, "region", "eu-west-1", "config.toml");
    is(&files, "format", "short", "config.toml");
    assert!(files[0]["from"] == "default" && files[0]["name"] == "runbook-base");
    let environment = settings(
        &[],
        &[("AWS_PROFILE", "variable"), ("SSM_DOCTOR_RUNBOOK_BASE", "https://env.example")],
    );
    is(&environment, "profile", "variable", "AWS_PROFILE");
    is(&environment, "runbook-base", "https://env.example", "SSM_DOCTOR_RUNBOOK_BASE");
    let flags =
        settings(&["--profile", "flag", "--fail-on", "never"], &[("AWS_PROFILE", "variable")]);
    is(&flags, "profile", "flag", "--profile");
    is(&flags, "fail-on", "never", "--fail-on");
    fs::write(path(&project, "ssm-doctor.toml"), "fail-on = 'degrades'\n").unwrap();
    is(&settings(&[], &[]), "fail-on", "degrades", "ssm-doctor.toml");
    // The settings are in force.
    let run = Run::new(&["demo", "private-endpoints"])
        .set("XDG_CONFIG_HOME", &home.path().display().to_string());
    assert!(run.inside(&inner).go().out.lines().count() < 3);
}

#[test]
fn the_documented_file_fits_its_schema_and_is_read() {
    let schema = schema("config-v1.json");
    for document in ["README.md", "ci/README.md"] {
        let document = fs::read_to_string(Path::new(ROOT).join(document)).unwrap();
        let (_, rest) = document.split_once("```toml\n").unwrap();
        documented(&schema, rest.split_once("```").unwrap().0);
    }
}

fn documented(schema: &Validator, text: &str) {
    let value: Value = toml::from_str(text).unwrap();
    assert!(schema.is_valid(&value), "{value}");
    assert!(!schema.is_valid(&json!({ "suppress": [{ "check": "x" }] })));
    let mut wrong = serde_json::to_value(&value).unwrap();
    wrong["suppress"][0]["expires"] = json!("2026-13-01");
    assert!(!schema.is_valid(&wrong), "{wrong}");
    for (fail_on, is_valid) in
        [(json!("degrades"), true), (json!(["degrades"]), true), (json!("x"), false)]
    {
        assert_eq!(schema.is_valid(&json!({ "fail-on": fail_on })), is_valid, "{fail_on}");
    }
    let folder = folder();
    fs::write(path(&folder, "ssm-doctor.toml"), text).unwrap();
    let ran = Run::new(&["config"]).inside(&folder).go();
    assert!(ran.code == 0 && ran.out.contains("until 2027-03-31"), "{}{}", ran.out, ran.err);
}
