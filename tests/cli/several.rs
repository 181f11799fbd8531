//! Several targets in one run: which are meant, what is printed of all of them, and how the run ends.

use std::{collections::BTreeSet, fs, path::PathBuf};

use html5gum::{Token, Tokenizer};
use serde_json::{Value, json as value};
use tempfile::TempDir;

use super::{BROKEN, Run, facts, folder, json, path, run, schema};

/// A file of facts for each scenario, with ids and names of their own.
fn files(folder: &TempDir, scenarios: &[&str]) -> Vec<String> {
    let file = |(at, scenario): (usize, &&str)| {
        let made = facts(folder, scenario, |_| {});
        let text = fs::read_to_string(&made).unwrap();
        let text = text.replace(super::TARGET, &format!("i-0abc123def456789{at}"));
        let text = text.replace("web-1", &format!("web-{at}"));
        let file = path(folder, &format!("facts-{at}.json"));
        fs::write(&file, text).unwrap();
        file
    };
    scenarios.iter().enumerate().map(file).collect()
}

fn with<'f>(files: &'f [String], more: &[&'f str]) -> Vec<&'f str> {
    files.iter().flat_map(|file| ["--facts", file]).chain(more.iter().copied()).collect()
}

#[test]
fn every_format_has_all_reports_and_the_worst_exit_code() {
    let folder = folder();
    let files = files(&folder, &["private-endpoints", BROKEN, "private-nat"]);
    let singles: Vec<_> =
        files.iter().map(|file| json(&run(&["--facts", file, "--format", "json"]).out)).collect();
    let document = run(&with(&files, &["--format", "json"]));
    let all = json(&document.out);
    assert!(schema("reports-v1.json").is_valid(&all));
    assert_eq!(all["reports"], value!(singles));
    let expected =
        value!({ "targets": 3, "healthy": 2, "degraded": 0, "blocked": 1, "inconclusive": 0 });
    assert_eq!(all["summary"], expected);
    let names =
        ["report.sarif", "report.xml", "report.md", "report.html"].map(|it| path(&folder, it));
    let outputs: Vec<&str> = names.iter().flat_map(|name| ["--output", name]).collect();
    let table = run(&with(&files, &outputs));
    assert_eq!((document.code, table.code), (1, 1));
    assert!(
        table.out.starts_with("3 targets: a session can start to 2, none to 1\n"),
        "{}",
        table.out
    );
    let [sarif, junit, markdown, html] = names.map(|name| fs::read_to_string(name).unwrap());
    for at in 0..3 {
        let id = format!("i-0abc123def456789{at}");
        for text in [&table.out, &junit, &markdown, &html] {
            assert!(text.contains(&id), "{id}: {text}");
        }
    }
    assert_eq!(json(&sarif)["runs"].as_array().unwrap().len(), 1);
    let suites = quick_junit::Report::deserialize_from_str(&junit).unwrap().test_suites;
    assert_eq!(suites.len(), 3);
    let mut ids = BTreeSet::new();
    for Ok(token) in Tokenizer::new(&html) {
        let Token::StartTag(tag) = token else { continue };
        if let Some(id) = tag.attributes.get(b"id".as_slice()) {
            assert!(ids.insert(format!("{id:?}")), "{id:?} is there twice");
        }
    }
    assert!(ids.len() > 6);
    let quiet = run(&with(&files, &["-q"]));
    assert_eq!((quiet.code, quiet.out.lines().count()), (1, 3));
}

#[test]
fn the_worst_code_is_2_then_1_then_3_then_0() {
    let folder = folder();
    let edited = |name: &str, edit: super::Edit| {
        let file = path(&folder, name);
        fs::rename(facts(&folder, "private-endpoints", edit), &file).unwrap();
        file
    };
    let unseen = edited("unseen.json", super::hide_acls);
    let lost = edited("lost.json", super::lose_target);
    let [good, bad] = <[String; 2]>::try_from(files(&folder, &["private-nat", BROKEN])).unwrap();
    let rows = [
        (vec![&good, &good], 0),
        (vec![&good, &unseen], 3),
        (vec![&unseen, &bad, &good], 1),
        (vec![&bad, &lost, &unseen], 2),
    ];
    for (files, code) in rows {
        let files: Vec<String> = files.into_iter().cloned().collect();
        for format in ["table", "short", "github", "json"] {
            let ran = run(&with(&files, &["--format", format]));
            assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{files:?}");
        }
    }
}

#[test]
fn targets_are_named_as_people_name_them() {
    let folder = folder();
    let files = files(&folder, &["private-endpoints", BROKEN, "private-nat"]);
    let id = |at: usize| format!("i-0abc123def456789{at}");
    let (first, second) = (id(0), id(1));
    let address = "ip-10-0-11-23.ap-northeast-1.compute.internal";
    let rows: &[(&[&str], &str, &[usize])] = &[
        (&[], "", &[0, 1, 2]),
        (&[&second, &first], "", &[1, 0]),
        (&["web-1"], "", &[1]),
        (&[&first, "web-0"], "", &[0]),
        (&["10.0.11.23"], "", &[0, 1, 2]),
        (&[address, "web-2"], "", &[0, 1, 2]),
        (&["--tag", "Name=web-2"], "", &[2]),
        (&["web-0", "--tag", "Name=web-1", "--tag", "Environment=production"], "", &[0, 1]),
        (&["-"], "# the first two\nweb-1\n\ni-0abc123def4567890\n", &[1, 0]),
    ];
    for (args, input, expected) in rows {
        let ran = Run::new(&with(&files, &[*args, &["--format", "json"]].concat())).fed(input);
        let document = json(&ran.out);
        let reports = match document["reports"].as_array() {
            Some(reports) => reports.clone(),
            None => vec![document],
        };
        let found: Vec<_> = reports.iter().map(|it| it["target"]["id"].clone()).collect();
        assert_eq!(
            found,
            expected.iter().map(|at| value!(id(*at))).collect::<Vec<_>>(),
            "{args:?}"
        );
    }
    for (args, says) in [
        (vec!["web-9"], "no instance or node answers to `web-9`"),
        (vec!["10.0.0.1"], "answers to `10.0.0.1`"),
        (vec!["i-1234abcd"], "answers to `i-1234abcd`"),
        (vec!["--tag", "Environment=test"], "answers to `Environment=test`"),
        (vec!["--tag", "Environment"], "expected a tag such as"),
        (
            vec!["--agent-log", "fixtures/logs/denied-report/errors.log"],
            "are of one node, and 3 targets",
        ),
        (vec!["-", "--facts", "-"], "both read standard input"),
    ] {
        let ran = run(&with(&files, &args));
        assert_eq!(ran.code, 2, "{args:?}");
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_wrong_name_does_not_hide_the_other_reports() {
    let folder = folder();
    let files = files(&folder, &["private-endpoints", BROKEN]);
    for wrong in ["wbe-1", "i-1234abcd"] {
        let ran = run(&with(&files, &["web-0", wrong, "--format", "json"]));
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert_eq!(json(&ran.out)["target"]["id"], "i-0abc123def4567890");
        assert!(ran.err.contains(&format!("answers to `{wrong}`")), "{}", ran.err);
    }
    let ran = run(&with(&files, &["wbe-1"]));
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("did you mean `web-1`?"), "{}", ran.err);
}

#[test]
fn saved_facts_of_several_are_lines_and_are_judged_alike() {
    let folder = folder();
    let files = files(&folder, &["private-endpoints", BROKEN]);
    let saved = path(&folder, "saved.ndjson");
    let live = run(&with(&files, &["--format", "json", "--save-facts", &saved]));
    let again = run(&["--facts", &saved, "--format", "json"]);
    assert_eq!(live, again);
    let text = fs::read_to_string(&saved).unwrap();
    let judged = Run::new(&["judge"]).fed(&text);
    let lines: Vec<Value> = judged.out.lines().map(json).collect();
    assert_eq!(value!(lines), json(&live.out)["reports"]);
    // Shared facts and the targets' own count as one.
    let parts: Vec<_> = text.lines().map(|line| super::judge::split(&json(line))).collect();
    let parts = super::judge::lines(parts.into_iter().flat_map(|(shared, own)| [shared, own]));
    let file = PathBuf::from(path(&folder, "parts.ndjson"));
    fs::write(&file, parts).unwrap();
    assert_eq!(run(&["--facts", file.to_str().unwrap(), "--format", "json"]), live);
    fs::write(&file, "{\"schema\": \"ssm-doctor/target-facts/v1\"}\n").unwrap();
    let ran = run(&["--facts", file.to_str().unwrap()]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("line 1: "), "{}", ran.err);
}
