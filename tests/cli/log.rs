//! `ssm-doctor log`: every form in which a log arrives, and the exit codes.

use std::{fs, io::Write as _, path::PathBuf};

use serde_json::Value;

use super::{ROOT, Run, facts, folder, json, misfits, path, run, schema};

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

/// What could be read of an archive that ends too early counts, and the report says that lines are missing.
#[test]
fn an_archive_that_is_cut_off_is_judged_as_far_as_it_goes() {
    let folder = folder();
    let name = format!("{}/amazon-ssm-agent.log", case("denied-report"));
    // What does not compress follows what matters.
    let mut text = fs::read(&name).unwrap();
    let mut random = 1_u32;
    for _ in 0..2_000 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.extend(format!("{random}\n").bytes());
    }
    let gzip = path(&folder, "amazon-ssm-agent.log.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&text).unwrap();
    let packed = encoder.finish().unwrap();
    fs::write(&gzip, &packed[..packed.len() * 2 / 3]).unwrap();

    let tar = path(&folder, "logs.tar");
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_path_with_name(&name, "amazon-ssm-agent.log").unwrap();
    archive.append_path_with_name(&name, "amazon-ssm-agent.log.1").unwrap();
    let packed = archive.into_inner().unwrap();
    fs::write(&tar, &packed[..packed.len() * 2 / 3]).unwrap();

    for file in [&gzip, &tar] {
        let ran = run(&["log", file, "--format", "json"]);
        assert_eq!(ran.code, 1, "{file}: {}", ran.err);
        let report = json(&ran.out);
        assert_eq!(causes(&report), ["identity/role-may-register"], "{file}");
        assert_eq!(report["is_cut_off"], true, "{file}");
        assert!(run(&["log", file]).out.contains("is cut off"), "{file}");
    }
    // Nothing of the log is left.
    let head = fs::read(&gzip).unwrap()[..20].to_vec();
    fs::write(&gzip, head).unwrap();
    let ran = run(&["log", &gzip]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
}

#[test]
fn of_several_nodes_the_newest_is_judged_and_the_report_says_so() {
    let folder = case("two-nodes");
    let report = json(&run(&["log", &folder, "--format", "json"]).out);
    assert_eq!(report["agent"]["instance"], "i-0aaaaaaaaaaaaaaaa");
    assert_eq!(report["other_nodes"], serde_json::json!(["i-0bbbbbbbbbbbbbbbb"]));
    let text = run(&["log", &folder]).out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("the log of i-0aaaaaaaaaaaaaaaa ends with a working agent"), "{text}");
    assert!(text.contains("not those of i-0bbbbbbbbbbbbbbbb"), "{text}");
}

#[test]
fn a_log_of_another_node_is_refused() {
    let folder = folder();
    let facts = facts(&folder, "private-endpoints", |_| {});
    let refused = run(&["--facts", &facts, "--agent-log", &case("two-nodes")]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    assert!(refused.err.contains("is of `i-0aaaaaaaaaaaaaaaa`, not of"), "{}", refused.err);

    // A log of that node beside others is judged alone.
    let logs = PathBuf::from(path(&folder, "logs"));
    fs::create_dir(&logs).unwrap();
    let copy = |from: &str, to: &str| {
        fs::copy(format!("{}/{from}", case("")), logs.join(to)).unwrap();
    };
    copy("stopped/amazon-ssm-agent.log", "own.log");
    copy("two-nodes/b.log", "other.log");
    let logs = logs.to_str().unwrap();
    let ran = run(&["--facts", &facts, "--agent-log", logs, "--format", "json"]);
    assert_ne!(ran.code, 2, "{}", ran.err);
    assert!(ran.out.contains("not those of i-0bbbbbbbbbbbbbbbb"), "{}", ran.out);
}
