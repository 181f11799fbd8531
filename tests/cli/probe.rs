//! `--probe`: the output of a probe and of ssm-cli together with saved facts, and what is refused.

use std::fs;

use serde_json::{Value, json as object};

use super::{Run, TARGET, facts, folder, json, misfits, path, run, schema};

/// A probe of the target, with more in it.
fn probe(more: &Value) -> Value {
    let mut probe = object!({ "source": "doctor", "at": "2026-11-23T02:59:40Z", "root": true,
        "metadata": { "token": { "status": 200 }, "instance": TARGET } });
    for (key, value) in more.as_object().unwrap() {
        probe[key] = value.clone();
    }
    object!({ "schema": "ssm-doctor/probe/v1", "tool": { "version": "0.1.0" }, "probe": probe })
}

fn full_disk() -> Value {
    probe(&object!({ "disks": [{ "path": "/var/lib/amazon/ssm", "free": 0, "size": 8_000_000 }] }))
}

#[test]
fn a_probe_is_judged_with_saved_facts_and_saved_with_them() {
    let folder = folder();
    let facts = facts(&folder, "private-endpoints", |_| {});
    let [file, saved] = ["probe.json", "saved.json"].map(|name| path(&folder, name));
    fs::write(&file, full_disk().to_string()).unwrap();
    let asked = ["--facts", &facts, "--probe", &file, "--format", "json", "--save-facts", &saved];
    let ran = run(&asked);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let report = json(&ran.out);
    assert_eq!(report["causes"][0], "agent/disk-writable", "{report}");
    let says = report["findings"][0]["evidence"].to_string();
    assert!(says.contains("the probe on the node"), "{says}");
    // The probe is a fact, so that a colleague gets the same report without the file.
    assert_eq!(run(&["--facts", &saved, "--format", "json"]).out, ran.out);
    // The same from standard input, in the encoding of Windows PowerShell too.
    let piped = Run::new(&["--facts", &facts, "--probe", "-", "--format", "json"]);
    assert_eq!(piped.fed(&full_disk().to_string()).out, ran.out);
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(full_disk().to_string().encode_utf16().flat_map(u16::to_le_bytes));
    fs::write(&file, bytes).unwrap();
    assert_eq!(run(&asked).out, ran.out);
}

#[test]
fn the_diagnostics_of_ssm_cli_are_a_smaller_probe() {
    let folder = folder();
    let facts = facts(&folder, "private-endpoints", |_| {});
    let file = path(&folder, "probe.json");
    let rows = object!({ "DiagnosticsOutput": [
        { "Check": "EC2 IMDS", "Status": "Success",
          "Note": format!("IMDS is accessible and has instance id {TARGET} in region ap-northeast-1") },
        { "Check": "Connectivity to ssm endpoint", "Status": "Success", "Note": "ssm.ap-northeast-1.amazonaws.com is reachable" },
    ] });
    fs::write(&file, rows.to_string()).unwrap();
    let ran = run(&["--facts", &facts, "--probe", &file, "--format", "json", "--verbose"]);
    let report = json(&ran.out);
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|it| it["check"] == "agent/metadata-reachable").unwrap();
    assert_eq!(found["verdict"], "pass", "{found}");
    assert!(found.to_string().contains("ssm-cli on the node"), "{found}");
}

#[test]
fn what_is_no_probe_of_the_target_is_refused() {
    let folder = folder();
    let facts = facts(&folder, "private-endpoints", |_| {});
    let file = path(&folder, "probe.json");
    let other = probe(
        &object!({ "metadata": { "token": { "status": 200 }, "instance": "i-0123456789abcdef0" } }),
    );
    let rows = [
        (other.to_string(), "is of `i-0123456789abcdef0`"),
        ("{".into(), "is not the output of a probe"),
        ("{}".into(), "is not the output of a probe"),
        ("[1]".into(), "is not the output of a probe"),
    ];
    for (text, expected) in rows {
        fs::write(&file, &text).unwrap();
        let ran = run(&["--facts", &facts, "--probe", &file]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{text}");
        assert!(ran.err.contains(expected), "{text}: {}", ran.err);
    }
    let ran = run(&["--facts", &facts, "--probe", &path(&folder, "nothing")]);
    assert!(ran.code == 2 && ran.err.contains("cannot read the probe"), "{}", ran.err);
}

#[test]
fn the_document_fits_its_schema() {
    let schema = schema("probe-v1.json");
    assert_eq!(misfits(&schema, &full_disk()), [""; 0]);
    assert!(!schema.is_valid(&probe(&object!({ "disks": 1 }))));
}
