//! `ssm-doctor log`: every form in which a log arrives, and the exit codes.

use std::{fs, io::Write as _, path::PathBuf};

use serde_json::Value;

use super::{ROOT, Run, folder, json, misfits, path, run, schema};

fn case(name: &str) -> String {
    format!("{ROOT}/fixtures/logs/{name}")
}

fn causes(report: &Value) -> Vec<&str> {
    report["causes"].as_array().unwrap().iter().map(|it| it["check"].as_str().unwrap()).collect()
}

#[test]
fn a_log_in_every_form_says_the_same() {
    let folder = folder();
    let plain = fs::read(format!("{}/amazon-ssm-agent.log", case("denied-report"))).unwrap();
    let text = String::from_utf8(plain.clone()).unwrap();

    let gzip = path(&folder, "amazon-ssm-agent.log.1.gz");
    let mut encoder = flate2::write::GzEncoder::new(
        fs::File::create(&gzip).unwrap(),
        flate2::Compression::fast(),
    );
    encoder.write_all(&plain).unwrap();
    encoder.finish().unwrap();

    let tar = path(&folder, "logs.tar");
    let mut archive = tar::Builder::new(fs::File::create(&tar).unwrap());
    archive
        .append_path_with_name(
            format!("{}/amazon-ssm-agent.log", case("denied-report")),
            "var/log/amazon/ssm/amazon-ssm-agent.log",
        )
        .unwrap();
    archive.finish().unwrap();

    let utf16 = path(&folder, "windows.log");
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.replace('\n', "\r\n").encode_utf16().flat_map(u16::to_le_bytes));
    fs::write(&utf16, bytes).unwrap();

    let expected = run(&["log", &case("denied-report"), "--format", "json"]);
    let expected = causes(&json(&expected.out)).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(expected, ["identity/role-may-register"]);
    for file in [&gzip, &tar, &utf16] {
        let ran = run(&["log", file, "--format", "json"]);
        assert_eq!((ran.code, causes(&json(&ran.out))), (1, vec!["identity/role-may-register"]));
    }
    let piped = Run::new(&["log", "-", "--format", "json"]).fed(&text);
    assert_eq!((piped.code, causes(&json(&piped.out))), (1, vec!["identity/role-may-register"]));
}

#[test]
fn the_exit_code_says_what_the_log_shows() {
    let folder = folder();
    let other = path(&folder, "other.log");
    fs::write(&other, "2026-11-22 21:00:00 INFO another program\n").unwrap();
    let rows = [
        (case("healthy"), 0, "NOTHING WRONG"),
        (case("denied-report"), 1, "FAULT"),
        (case("empty"), 3, "CANNOT TELL"),
        (other, 2, ""),
        (path(&folder, "nothing"), 2, ""),
    ];
    for (file, code, word) in rows {
        for format in ["table", "json"] {
            let ran = run(&["log", &file, "--format", format]);
            assert_eq!(ran.code, code, "{file}: {}", ran.err);
            if format == "table" {
                assert!(ran.out.contains(word), "{}", ran.out);
            }
        }
    }
}

/// The checks exist, so that `ssm-doctor explain` knows them, and the document fits its schema.
#[test]
fn every_case_fits_the_schema_and_names_checks_that_exist() {
    let listed = json(&run(&["checks", "--format", "json"]).out);
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    let schema = schema("log-v1.json");
    let logs = PathBuf::from(ROOT).join("fixtures/logs");
    for entry in fs::read_dir(&logs).unwrap() {
        let case = entry.unwrap().path();
        if !case.is_dir() {
            continue;
        }
        let report = json(&run(&["log", case.to_str().unwrap(), "--format", "json"]).out);
        assert_eq!(misfits(&schema, &report), [""; 0], "{}", case.display());
        for check in causes(&report) {
            assert!(names.contains(&check), "{}: {check}", case.display());
        }
    }
    // Also those of single lines.
    let lines = fs::read_to_string(logs.join("signatures.txt")).unwrap();
    let expected = lines.lines().filter(|line| line.starts_with("  "));
    let checks: Vec<_> =
        expected.flat_map(|line| line.split(' ')).filter(|word| word.contains('/')).collect();
    assert!(!checks.is_empty());
    for check in checks {
        assert!(names.contains(&check), "{check}");
    }
}
