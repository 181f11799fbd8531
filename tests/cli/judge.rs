//! `judge`, the filter: the same reports as one run for each target, in order, whatever a line holds.

use std::{
    fs,
    io::{Read as _, Write as _},
    process::Stdio,
};

use serde_json::{Value, json as value};

use super::{
    BROKEN, Edit, Run, TARGET, document, facts, folder, json, path, run, scenarios, schema, words,
};

/// The facts of every scenario, and the report of a run for each.
fn singles() -> Vec<(Value, Value)> {
    let folder = folder();
    let file = path(&folder, "facts.json");
    let single = |scenario: &String| {
        run(&["demo", scenario, "--save-facts", &file]);
        let report = run(&["--facts", &file, "--format", "json"]);
        (json(&fs::read_to_string(&file).unwrap()), json(&report.out))
    };
    scenarios().iter().map(single).collect()
}

/// A document of facts as a line of shared facts and one of the target's own.
pub fn split(document: &Value) -> (Value, Value) {
    let target = document["scope"]["target"].as_str().unwrap();
    let (mut shared, mut own) = (serde_json::Map::new(), serde_json::Map::new());
    for (table, rows) in document["facts"].as_object().unwrap() {
        for (key, row) in rows.as_object().unwrap() {
            let to = if key.contains(target) { &mut own } else { &mut shared };
            to.entry(table).or_insert_with(|| value!({}))[key] = row.clone();
        }
    }
    let shared = value!({
        "schema": "ssm-doctor/shared-facts/v1", "region": document["scope"]["region"], "facts": shared,
    });
    let own = value!({
        "schema": "ssm-doctor/target-facts/v1", "scope": document["scope"], "facts": own,
        "calls": document["calls"], "rounds": document["rounds"],
    });
    (shared, own)
}

pub fn lines(documents: impl IntoIterator<Item = Value>) -> String {
    documents.into_iter().fold(String::new(), |text, document| text + &document.to_string() + "\n")
}

fn judged(args: &[&str], input: &str) -> (i32, Vec<Value>, String) {
    let ran = Run::new(&[&["judge"], args].concat()).fed(input);
    (ran.code, ran.out.lines().map(json).collect(), ran.err)
}

#[test]
fn a_line_gets_the_report_of_a_run_of_its_own() {
    let singles = singles();
    let expected: Vec<_> = singles.iter().map(|it| it.1.clone()).collect();
    let complete = lines(singles.iter().map(|it| it.0.clone()));
    let parts = lines(singles.iter().flat_map(|it| <[Value; 2]>::from(split(&it.0))));
    for (input, jobs) in [(&complete, "1"), (&complete, "3"), (&parts, "1"), (&parts, "3")] {
        let (code, reports, err) = judged(&["--jobs", jobs], input);
        assert_eq!((code, err.as_str()), (1, ""));
        for (report, expected) in reports.iter().zip(&expected) {
            assert_eq!(report, expected);
        }
        assert_eq!(reports.len(), expected.len());
    }
}

#[test]
fn one_target_leaves_no_trace_in_the_next() {
    // The same shared facts, and targets that differ: the second must not see the rows of the first.
    let folder = folder();
    let edited = |edit: Edit| split(&document(&folder, "private-endpoints", edit));
    let stopped: Edit = |it| {
        it["facts"]["instances"][TARGET]["state"] = value!("stopped");
        it["facts"]["nodes"][TARGET] = value!("absent");
        it["facts"]["connections"][TARGET] = value!("notconnected");
    };
    let (shared, healthy) = edited(|_| {});
    let (_, broken) = edited(stopped);
    // Nothing is known of this one.
    let mut unseen = healthy.clone();
    unseen["facts"] = value!({});
    let input = lines([shared, broken, healthy.clone(), unseen, healthy]);
    let (code, reports, _) = judged(&["--jobs", "1"], &input);
    let verdicts: Vec<_> = reports.iter().map(|it| it["verdict"].as_str().unwrap()).collect();
    assert_eq!(code, 1);
    assert_eq!(verdicts, ["blocked", "healthy", "inconclusive", "healthy"]);
}

#[test]
fn lines_stay_in_order() {
    let folder = folder();
    // A broken target takes longer, because its fixes are tried.
    let [quick, slow] = ["private-nat", BROKEN].map(|scenario| document(&folder, scenario, |_| {}));
    let name = |at: usize, document: &Value| {
        let mut document = document.clone();
        document["facts"]["instances"][TARGET]["name"] = value!(format!("web-{at}"));
        document
    };
    let all = (0..120).map(|at| name(at, if at % 7 == 0 { &slow } else { &quick }));
    let (code, reports, _) = judged(&["--jobs", "4", "--session", "shell"], &lines(all));
    assert_eq!(code, 1);
    let names: Vec<_> = reports.iter().map(|it| it["target"]["name"].clone()).collect();
    assert_eq!(names, (0..120).map(|at| value!(format!("web-{at}"))).collect::<Vec<_>>());
}

#[test]
fn a_bad_line_costs_nothing_but_itself() {
    let folder = folder();
    let document = document(&folder, "private-nat", |_| {});
    let (shared, own) = split(&document);
    let mut elsewhere = own.clone();
    elsewhere["scope"]["region"] = value!("us-east-1");
    let mut wrong = own.clone();
    wrong["facts"]["instances"][TARGET]["state"] = value!(7);
    let mut damaged = shared.clone();
    damaged["facts"] = value!("none");
    let good = own.to_string();
    let rows: Vec<(String, Option<&str>)> = vec![
        (good.clone(), Some("no line of shared facts before it")),
        (String::new(), None),
        (shared.to_string(), None),
        (good.clone(), Some("")),
        ("{".into(), Some("it is damaged")),
        ("[]".into(), Some("it has no `schema`")),
        (
            value!({ "schema": "ssm-doctor/report/v1" }).to_string(),
            Some("its schema is `ssm-doctor/report/v1`"),
        ),
        (elsewhere.to_string(), Some("its Region is us-east-1")),
        (wrong.to_string(), Some("wrong value at `facts.instances")),
        (good.clone(), Some("")),
        (document.to_string(), Some("")),
        (damaged.to_string(), Some("wrong value at `facts`")),
        (good.clone(), Some("the shared facts of line 12 cannot be read")),
        (document.to_string(), Some("")),
    ];
    let input = rows.iter().fold(String::new(), |text, row| text + &row.0 + "\n");
    let schema = schema("judge-error-v1.json");
    let (code, records, err) = judged(&["--jobs", "2"], &input);
    let words = words(&err);
    assert_eq!(code, 2);
    assert!(words.contains("8 of 12 lines could not be judged; the first is line 1: "), "{words}");
    let expected = rows.iter().enumerate().filter_map(|(at, it)| Some((at + 1, it.1?)));
    let expected: Vec<_> = expected.collect();
    assert_eq!(records.len(), expected.len());
    for (record, (line, says)) in records.iter().zip(expected) {
        if says.is_empty() {
            assert_eq!(record["verdict"], "healthy");
            continue;
        }
        assert_eq!(record["line"], line);
        assert!(record["error"].as_str().unwrap().contains(says), "{record}");
        assert!(schema.is_valid(record), "{record}");
    }
}

#[test]
fn text_that_is_no_text_and_no_input_are_errors() {
    let mut run = Run::new(&["judge"]);
    run.0.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.0.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{\"a\": \"\xff\"}\n").unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(out.contains("not UTF-8 text from byte 7 on"), "{out}");
    for nothing in ["", "\n\n"] {
        let (code, reports, err) = judged(&[], nothing);
        assert_eq!((code, reports.len()), (2, 0));
        assert!(err.contains("there are no facts to judge"), "{err}");
    }
}

#[test]
fn the_run_ends_when_nobody_reads_its_reports() {
    let folder = folder();
    let text = fs::read_to_string(facts(&folder, "private-nat", |_| {})).unwrap();
    let mut run = Run::new(&["judge", "--jobs", "2"]);
    run.0.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.0.spawn().unwrap();
    // The input stays open, so that only the reader's absence ends the run.
    let mut input = child.stdin.take().unwrap();
    for _ in 0..4 {
        input.write_all(text.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
    }
    let mut one = [0];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut one).unwrap();
    drop(out);
    // The pipe holds some of what was written: more has to come until the run notices.
    while input.write_all(format!("{text}\n").as_bytes()).is_ok() {}
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), done.stderr.len()), (Some(0), 0));
}

#[test]
fn lines_fit_the_committed_schema() {
    let schema = schema("judge-v1.json");
    for (document, _) in singles() {
        let (shared, own) = split(&document);
        for line in [&document, &shared, &own] {
            assert!(schema.is_valid(line));
        }
        assert!(!schema.is_valid(&value!({ "schema": "ssm-doctor/target-facts/v1" })));
    }
}
