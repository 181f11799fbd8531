//! Agent logs: what each case must conclude, each row of the table of signatures, and text that is no log.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    reason = "a test that cannot go on stops here"
)]

use std::{collections::BTreeSet, fs, path::PathBuf, sync::OnceLock};

use proptest::prelude::*;
use serde_json::Value;
use ssm_doctor_analysis::node::agent_log::{
    Kind, Matcher, Outcome, SIGNATURES, Scanner, judge, merge, read,
};
use ssm_doctor_facts::{
    agent_log::AgentLog,
    lookup::{Facts, Row},
    scope::Scope,
};
use ssm_doctor_redact::redact;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/logs")
}

fn cases() -> Vec<(String, PathBuf)> {
    let mut cases: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    cases.sort();
    cases
}

/// The log files of a case, by name.
fn files(case: &PathBuf) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(case)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|end| end != "json"))
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn scanned(files: &[(String, Vec<u8>)], chunk: usize) -> AgentLog {
    static MATCHER: OnceLock<Matcher> = OnceLock::new();
    let matcher = MATCHER.get_or_init(|| Matcher::new().unwrap());
    let scan = |(name, bytes): &(String, Vec<u8>)| {
        let mut scanner = Scanner::new(matcher);
        bytes.chunks(chunk).for_each(|chunk| scanner.push(chunk));
        scanner.finish(Kind::of(name))
    };
    merge(files.iter().map(scan).collect(), None)
}

#[test]
fn every_case_ends_as_expected() {
    let mut wrong = Vec::new();
    for (name, path) in cases() {
        let expected: Value =
            serde_json::from_slice(&fs::read(path.join("expected.json")).unwrap()).unwrap();
        let log = scanned(&files(&path), 1 << 16);
        let judgement = judge(&log);
        let outcome = match judgement.outcome {
            Outcome::Healthy => "healthy",
            Outcome::Faulty => "faulty",
            Outcome::Undecided => "undecided",
        };
        let causes: Vec<Value> = judgement
            .causes
            .iter()
            .flat_map(|found| {
                let standing = if found.checks.len() > 1 { "possible" } else { "cause" };
                found
                    .checks
                    .iter()
                    .map(move |check| serde_json::json!({ "check": check, "standing": standing }))
            })
            .collect();
        if expected["outcome"] != outcome || expected["causes"] != Value::from(causes.clone()) {
            wrong.push(format!("{name}: {outcome} {causes:?}"));
        }
        for (stage, state) in expected["stages"].as_object().unwrap() {
            let found = judgement.stages.iter().find(|it| it.stage.as_str() == stage).unwrap();
            if state != found.state.as_str() {
                wrong.push(format!("{name}: {stage} is {}", found.state.as_str()));
            }
        }
        // What is saved can be judged again.
        let saved: AgentLog = serde_json::from_str(&serde_json::to_string(&log).unwrap()).unwrap();
        assert_eq!(saved, log, "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of the agent stay, and with them what the log shows; what the log names does not.
#[test]
fn a_redacted_log_is_judged_the_same() {
    let scope: Scope = serde_json::from_value(serde_json::json!({
        "target": "i-0abc123def4567890", "region": "eu-west-1", "at": "2026-11-23T03:00:00Z"
    }))
    .unwrap();
    let conclusions = |log: &AgentLog| {
        let judgement = judge(log);
        let causes = judgement.causes.iter().map(|it| format!("{:?} {:?}", it.stage, it.checks));
        let states =
            judgement.stages.iter().map(|it| format!("{:?} {}", it.stage, it.state.as_str()));
        causes.chain(states).collect::<Vec<_>>()
    };
    let mut wrong = Vec::new();
    for (name, path) in cases() {
        let log = scanned(&files(&path), 1 << 16);
        let mut facts = Facts::default();
        facts.agent_logs.insert(scope.target.clone(), Row::Present(log.clone()));
        let (redacted, scope) = redact(&facts, &scope).unwrap();
        let Some(Row::Present(redacted)) = redacted.agent_logs.get(&scope.target) else {
            panic!("{name}: the log is gone");
        };
        let (before, after) = (conclusions(&log), conclusions(redacted));
        if before != after {
            wrong.push(format!("{name}: {before:?}\nbecame {after:?}\n{:#?}", redacted.lines));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    for (name, path) in cases() {
        let mut files = files(&path);
        let forward = format!("{:?}", judge(&scanned(&files, 1 << 16)).causes);
        files.reverse();
        assert_eq!(format!("{:?}", judge(&scanned(&files, 1 << 16)).causes), forward, "{name}");
    }
}

#[test]
fn every_signature_is_read_from_a_line() {
    let file = folder().join("signatures.txt");
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("  ")).collect();
    let mut written = String::new();
    let mut fitting = BTreeSet::new();
    for line in &lines {
        let first = SIGNATURES.iter().position(|signature| {
            line.contains(signature.text) && signature.also.iter().all(|also| line.contains(also))
        });
        fitting.extend(first);
        let reading = read(line).map_or("of the agent itself".into(), |event| {
            let checks = match &event.what {
                ssm_doctor_analysis::node::agent_log::What::Failed(cause) => {
                    cause.checks(event.stage).join(" or ")
                }
                _ => String::new(),
            };
            format!("{}: {:?} {checks}", event.stage, event.what)
        });
        written += &format!("{line}\n  {}\n", reading.trim_end());
    }
    let missing: Vec<_> = SIGNATURES
        .iter()
        .enumerate()
        .filter(|(at, _)| !fitting.contains(at))
        .map(|(_, signature)| format!("{} {:?}", signature.text, signature.also))
        .collect();
    assert_eq!(missing, [""; 0], "no line of signatures.txt has them");
    if std::env::var_os("UPDATE_LOGS").is_some() {
        fs::write(&file, &written).unwrap();
    }
    assert_eq!(text, written, "run with UPDATE_LOGS=1, and read the difference");
}

#[test]
fn every_signature_names_its_source_and_versions() {
    for signature in SIGNATURES {
        assert!(
            !signature.source.is_empty() && !signature.versions.is_empty(),
            "{}",
            signature.text
        );
    }
}

/// Text on which a search that begins anew at each hit would take hours.
#[test]
fn long_texts_of_one_kind_are_read_in_one_pass() {
    const LENGTH: usize = 4 << 20;
    let hit = "failed to create channel: too many open files";
    let stamp = "2026-11-22 21:00:00 ERROR ";
    let texts = [
        hit.repeat(LENGTH / hit.len()),
        format!("{hit}\n").repeat(LENGTH / hit.len()),
        format!("{stamp}{hit}\n").repeat(LENGTH / 80),
        format!("{stamp}{}", format!("{hit}\n").repeat(LENGTH / hit.len())),
        format!("{stamp}x\n{}", "caused by: x\n".repeat(LENGTH / 16)),
        "x".repeat(LENGTH),
        "\n".repeat(LENGTH),
        "2026-11-22 21:00:00 ".repeat(LENGTH / 20),
    ];
    for text in texts {
        let log = scanned(&[("amazon-ssm-agent.log".into(), text.into_bytes())], 1 << 18);
        assert!(log.lines.len() <= 2);
    }
}

/// The agent writes local times. Where the journal shows the offset, they are known in UTC.
#[test]
fn the_offset_of_a_journal_is_used() {
    let line = "2026-11-22T21:00:05-04:00 ip-10-9-1-5 amazon-ssm-agent[7]: 2026-11-22 21:00:04.0000 INFO [CredentialRefresher] Credentials ready\n";
    for chunk in [7, 1 << 20] {
        let log = scanned(&[("journal.txt".into(), line.repeat(3).into_bytes())], chunk);
        let at = log.lines.first().unwrap().last.unwrap().to_string();
        assert_eq!(at, "2026-11-23T01:00:04Z");
        assert_eq!((log.begins_at, log.ends_at), (log.lines[0].last, log.lines[0].last));
    }
}

/// A reply quotes what a command has printed, and may be longer than what is read of one line.
#[test]
fn a_long_reply_says_nothing() {
    let start = "2026-11-22 21:00:00 INFO [ssm-agent-worker] [MessageService] [MDSInteractor]";
    let own = "2026-11-22 21:00:00 ERROR [ssm-session-worker] [alice-0123456789abcdef0]";
    let quoted = "  \"output\": \"Unable to start command: exit status 1\",\n".repeat(2_000);
    let text = format!("{start} Sending reply {{\n{quoted}}}\n{own} Unable to start command: x\n");
    for chunk in [1 << 10, 1 << 20] {
        let log = scanned(&[("amazon-ssm-agent.log".into(), text.clone().into_bytes())], chunk);
        let counts: Vec<u64> = log.lines.iter().map(|line| line.count).collect();
        assert_eq!(counts, [1], "{:?}", log.lines);
    }
}

/// A new session each time: kinds of lines do not pile up.
#[test]
fn memory_does_not_grow_with_the_kinds_of_lines() {
    let mut text = String::new();
    for at in 0..20_000 {
        text += &format!(
            "2026-11-22 21:00:00 ERROR Unable to start command: failed to start pty since RunAs user u{at} does not exist\n"
        );
    }
    let log = scanned(&[("amazon-ssm-agent.log".into(), text.into_bytes())], 1 << 16);
    assert!(log.lines.len() <= 200, "{}", log.lines.len());
    assert!(log.lines.last().unwrap().text.contains("u19999"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..4_000), chunk in 1_usize..700) {
        let log = scanned(&[("amazon-ssm-agent.log".into(), bytes)], chunk);
        let _ = judge(&log);
    }

    /// Where the file is cut into chunks makes no difference.
    #[test]
    fn chunks_do_not_matter(case in 0_usize..1_000, chunk in 1_usize..3_000) {
        let cases = cases();
        let files = files(&cases[case % cases.len()].1);
        prop_assert_eq!(scanned(&files, chunk), scanned(&files, 1 << 20));
    }

    #[test]
    fn damaged_logs_are_read(
        case in 0_usize..1_000,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..3), 1..40),
        chunk in 1_usize..3_000,
    ) {
        let cases = cases();
        let mut files = files(&cases[case % cases.len()].1);
        for (_, bytes) in &mut files {
            for (at, byte, how) in &edits {
                if bytes.is_empty() { break }
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = *byte,
                    1 => { bytes.remove(at); }
                    _ => bytes.insert(at, *byte),
                }
            }
        }
        let log = scanned(&files, chunk);
        let _ = judge(&log);
    }
}
