//! Every format over every scenario: what it is meant for can read it, it says the same as the exit code,
//! and nothing that AWS was told to keep reaches a reader as anything but text.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use html5gum::{Token, Tokenizer};
use pulldown_cmark::{Event, Parser, Tag};
use serde_json::Value;

use super::{
    BROKEN, Edit, ROOT, Run, TARGET,
    browser::{self, Shown},
    facts, folder, json, misfits, path, run, scenarios, words,
};

const HOSTILE: &str = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\u{1b}]0;owned\u{7}\u{202e}\n::error::fake\n[link](https://evil.example) ]]> & \" ' ` ``` *b* <!-- {{ x }}";

/// The report in each format; `args` choose what it is about. One run writes all that files have.
fn reports(args: &[&str]) -> Vec<(&'static str, i32, String)> {
    const FILES: [(&str, &str); 5] = [
        ("json", "report.json"),
        ("markdown", "report.md"),
        ("junit", "report.xml"),
        ("sarif", "report.sarif"),
        ("html", "report.html"),
    ];
    let folder = folder();
    let files = FILES.map(|(format, name)| (format, path(&folder, name)));
    let outputs: Vec<&str> = files.iter().flat_map(|it| ["--output", it.1.as_str()]).collect();
    let print = |format, args: Vec<&str>| {
        let ran = run(&args);
        assert_eq!(ran.err, "", "{args:?}");
        (format, ran.code, ran.out)
    };
    let mut reports = vec![print("table", [args, &outputs].concat())];
    let code = reports[0].1;
    reports.extend(files.iter().map(|it| (it.0, code, fs::read_to_string(&it.1).unwrap())));
    for format in ["short", "github"] {
        reports.push(print(format, [args, &["--format", format]].concat()));
    }
    reports
}

/// Facts with hostile text wherever AWS lets anybody write.
fn hostile_facts(folder: &tempfile::TempDir) -> Vec<String> {
    let edits: [(&str, Edit); 3] = [
        (BROKEN, |_| {}),
        ("private-endpoints", super::hide_acls),
        ("private-nat", |facts| {
            facts["facts"]["nodes"][TARGET] = json!("absent");
            facts["facts"]["connections"][TARGET] = json!("notconnected");
            facts["facts"]["consoles"][TARGET]["lines"] =
                json!([format!("Kernel panic {HOSTILE}")]);
        }),
    ];
    let write = |(at, (scenario, edit)): (usize, (&str, Edit))| {
        let inner = path(folder, &format!("{at}"));
        fs::create_dir(&inner).unwrap();
        let made = facts(folder, scenario, |facts| {
            edit(facts);
            facts["facts"]["instances"][TARGET]["name"] = json!(HOSTILE);
            for row in facts["facts"]["network_acls"].as_object_mut().unwrap().values_mut() {
                if row.get("detail").is_some() {
                    row["detail"] = json!(HOSTILE);
                }
            }
        });
        let file = format!("{inner}/facts.json");
        fs::rename(made, &file).unwrap();
        file
    };
    edits.into_iter().enumerate().map(write).collect()
}

/// The reader that a format is for.
type Reader = fn(&Value, &str);

fn reader(format: &str) -> Reader {
    match format {
        "github" => github,
        "html" => html,
        "junit" => junit,
        "markdown" => markdown,
        "sarif" => sarif,
        "short" => short,
        "table" => table,
        // `tests/cli/main.rs` reads it.
        "json" => |_, _| {},
        other => panic!("{other} has no reader"),
    }
}

/// The formats that the help lists, and what it says of each.
pub fn listed() -> Vec<(String, String)> {
    let help = run(&["demo", "--help"]).out;
    let format = help.split("--format <FORMAT>").nth(1).unwrap();
    let format = format.split("\n      --").next().unwrap();
    let listed = format.lines().filter_map(|line| line.trim().strip_prefix("- ")?.split_once(':'));
    listed.map(|(name, says)| (name.to_owned(), says.trim().to_owned())).collect()
}

#[test]
fn every_format_is_read() {
    let tested: BTreeSet<_> = reports(&["demo"]).iter().map(|report| report.0.to_owned()).collect();
    let listed: BTreeSet<_> = listed().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        tested, listed,
        "`reports` in this file has to write every format that the help lists"
    );
}

fn read_all(args: &[&str]) {
    let reports = reports(args);
    let data = json(&reports.iter().find(|it| it.0 == "json").unwrap().2);
    let code = reports[0].1;
    for (format, this, text) in &reports {
        assert_eq!(*this, code, "{args:?} {format}");
        let acts =
            |it: char| it.is_control() && it != '\n' || ('\u{202a}'..='\u{202e}').contains(&it);
        assert!(!text.contains(acts), "{args:?} {format}: {text:?}");
        reader(format)(&data, text);
    }
}

#[test]
fn every_format_of_every_scenario_can_be_read() {
    for scenario in scenarios() {
        read_all(&["demo", scenario]);
    }
}

#[test]
fn hostile_text_is_text_in_every_format() {
    let folder = folder();
    for file in hostile_facts(&folder) {
        read_all(&["--facts", &file]);
    }
}

fn short(_: &Value, text: &str) {
    assert!(text.lines().count() <= 6, "{text}");
}

fn markdown(_: &Value, text: &str) {
    for event in Parser::new(text) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => panic!("{html}: {text}"),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                assert!(dest_url.contains("/checks/"), "{dest_url}: {text}");
            }
            _ => {}
        }
    }
}

fn github(data: &Value, text: &str) {
    for line in text.lines() {
        let levels = ["error", "warning", "notice"];
        let is_command = |level: &&str| line.starts_with(&format!("::{level} title="));
        assert!(levels.iter().any(is_command), "{line}");
    }
    assert_eq!(text.contains("::error "), data["verdict"] == "blocked" && certain(data), "{text}");
}

/// Is one of the causes certain to block?
fn certain(data: &Value) -> bool {
    data["findings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|it| it["standing"] == "cause" && it["impact"] == "blocks")
}

fn junit(data: &Value, text: &str) {
    let report = quick_junit::Report::deserialize_from_str(text).unwrap();
    let suite = &report.test_suites[0];
    assert_eq!(suite.test_cases.len(), data["findings"].as_array().unwrap().len());
    assert_eq!(suite.failures > 0, data["verdict"] == "blocked", "{text}");
    assert_eq!(
        suite.errors > 0 && suite.failures == 0,
        data["verdict"] == "inconclusive",
        "{text}"
    );
}

pub fn sarif(_: &Value, text: &str) {
    let log = json(text);
    if let Some(schema) = sarif_schema() {
        assert_eq!(misfits(schema, &log), [""; 0], "{text}");
    }
    let run = &log["runs"][0];
    let rules: Vec<_> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    for result in run["results"].as_array().unwrap() {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
        assert!(result["partialFingerprints"]["ssmDoctor/v1"].is_string());
    }
}

/// The official schema: the package that our types come from has it. Cargo.lock pins it, with its hash.
fn sarif_schema() -> Option<&'static jsonschema::Validator> {
    static SCHEMA: std::sync::OnceLock<Option<jsonschema::Validator>> = std::sync::OnceLock::new();
    let read = || {
        let done = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--locked", "--offline"])
            .current_dir(ROOT)
            .output()
            .ok()?;
        let metadata: Value = serde_json::from_slice(&done.stdout).ok()?;
        let packages = metadata["packages"].as_array()?.iter();
        let package = packages.clone().find(|it| it["name"] == "serde-sarif")?;
        let source = PathBuf::from(package["manifest_path"].as_str()?).parent()?.join("src");
        let schema = fs::read_to_string(source.join("schema.json")).ok()?;
        let mut schema = json(&schema);
        // The schema's own mistake: this pattern has a bracket too many, and is no regular expression to
        // our validator. We name no language.
        for holder in ["run", "toolComponent"] {
            let language = &mut schema["definitions"][holder]["properties"]["language"];
            language.as_object_mut().unwrap().remove("pattern");
        }
        Some(jsonschema::validator_for(&schema).unwrap())
    };
    let schema = SCHEMA.get_or_init(read).as_ref();
    if schema.is_none() {
        eprintln!("skipped: cargo does not tell where serde-sarif's schema is");
    }
    schema
}

/// What the page is made of, by a parser that follows the standard.
pub fn html(_: &Value, text: &str) {
    const LARGEST: usize = 200_000;
    const EMPTY: [&[u8]; 4] = [b"meta", b"line", b"circle", b"br"];
    assert!(text.len() <= LARGEST, "{} bytes", text.len());
    let mut open: Vec<Vec<u8>> = Vec::new();
    for token in Tokenizer::new(text) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = tag.name.to_vec();
                assert!(!["script", "img", "iframe", "link"].contains(&utf8(&name)), "{tag:?}");
                for (key, value) in &tag.attributes {
                    let (key, value) = (utf8(key), utf8(value));
                    assert!(!key.starts_with("on") && key != "src", "{tag:?}");
                    let ours = ["#", "https://"].iter().any(|start| value.starts_with(start));
                    assert!(key != "href" || ours, "{tag:?}");
                }
                if !tag.self_closing && !EMPTY.contains(&name.as_slice()) {
                    open.push(name);
                }
            }
            Token::EndTag(tag) => {
                assert_eq!(open.pop().as_deref(), Some(tag.name.as_slice()), "{text}");
            }
            Token::Error(error) => panic!("{error:?}: {text}"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for part in ["lang=\"en\"", "<title>", "<main", "prefers-color-scheme", "@media print"] {
        assert!(text.contains(part), "{part}");
    }
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// In a real browser, where there is one.
#[test]
fn a_browser_shows_the_page_and_asks_for_nothing() {
    let Some(browser) = browser::find() else { return };
    let folder = folder();
    let facts = hostile_facts(&folder).remove(0);
    let page = path(&folder, "report.html");
    run(&["--facts", &facts, "--output", &page]);
    let profile = folder.path().join("profile");
    let Shown { dom, log } = browser::show(browser, page.as_ref(), &profile, &[]);
    assert!(dom.contains("<main") && dom.contains("</svg>"), "{dom}{log}");
    assert!(!dom.contains("<script") && !dom.contains("<img"), "{dom}");
    assert!(!log.contains("CONSOLE"), "{log}");
}

// ---------------------------------------------------------------- files

#[test]
fn a_files_ending_chooses_its_format_and_the_table_is_printed_beside_it() {
    let folder = folder();
    let file = |name: &str| path(&folder, name);
    let names = ["r.json", "r.md", "r.html", "r.sarif", "r.sarif.json", "r.xml"].map(file);
    let formats = ["json", "markdown", "html", "sarif", "sarif", "junit"];
    let outputs: Vec<&str> = names.iter().flat_map(|name| ["--output", name]).collect();
    let ran = run(&[&["demo"], outputs.as_slice()].concat());
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert_eq!(ran.out, run(&["demo"]).out);
    for (name, format) in names.iter().zip(formats) {
        let printed = run(&["demo", "--format", format]).out;
        assert_eq!(fs::read_to_string(name).unwrap(), printed, "{name}");
    }
    // Any other name has the format that is asked for.
    let text = file("r.txt");
    let ran = run(&["demo", "--output", &text]);
    assert_eq!((ran.out.as_str(), fs::read_to_string(&text).unwrap()), ("", run(&["demo"]).out));
}

#[test]
fn a_format_is_no_file_and_no_file_is_written_twice() {
    let folder = folder();
    let file = facts(&folder, "private-endpoints", |_| {});
    let rows: &[(&[&str], &[&str])] = &[
        (&["demo", "--output", "json"], &["`--format json`", "./json"]),
        (&["demo", "--output", "text"], &["`--format` takes table, short, ", "./text"]),
        (&["demo", "--output", "a.txt", "--output", "a.txt"], &["`a.txt` is named twice"]),
        (&["demo", "--output", "f", "--save-facts", "f"], &["--output and --save-facts"]),
        (&["--facts", &file, "--output", &file], &["--facts and --output"]),
    ];
    for (args, says) in rows {
        let ran = run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        for part in *says {
            assert!(ran.err.contains(part), "{args:?}: {}", ran.err);
        }
    }
    assert!(json(&fs::read_to_string(&file).unwrap())["facts"].is_object());
}

// ---------------------------------------------------------------- the table

/// Whoever follows the list finds every command, above it or in it.
fn table(data: &Value, text: &str) {
    let found = &data["prescription"];
    let steps = found["steps"].as_array().filter(|_| found["verified"] != "no");
    for command in steps.into_iter().flatten().flat_map(|it| it["commands"].as_array().unwrap()) {
        let command = command.as_str().unwrap();
        assert!(command.lines().all(|line| text.contains(line)), "{command}\n{text}");
    }
}

#[test]
fn a_consequence_that_needs_a_fix_has_its_commands_in_the_list() {
    let folder = folder();
    let file = facts(&folder, "private-endpoints", |facts| {
        facts["facts"]["roles"]["EC2RoleforSSM"]["trust"] = json!({ "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole"
        }] });
        for (question, answer) in facts["facts"]["simulations"].as_object_mut().unwrap() {
            if question.contains(" ssmmessages:") && question.contains("role/") {
                *answer = json!({ "decision": "implicitDeny" });
            }
        }
        facts["facts"]["nodes"][TARGET] = json!("absent");
        facts["facts"]["connections"][TARGET] = json!("notconnected");
    });
    let args = ["--facts", &file];
    let data = json(&run(&[&args[..], &["--format", "json"]].concat()).out);
    assert_eq!(data["causes"], json!(["identity/role-trusts-ec2"]));
    let options = data["prescription"]["options"].as_array().unwrap();
    assert!(options.iter().any(|it| it["check"] == "identity/role-may-open-channels"), "{data}");
    read_all(&args);
}

#[test]
fn one_line_all_checks_and_colours() {
    let quiet = run(&["demo", "-q"]);
    assert_eq!((quiet.code, quiet.out.lines().count()), (1, 1));
    assert!(quiet.out.contains("[network/endpoint-accepts-https]"), "{}", quiet.out);
    let verbose = run(&["demo", "-v"]).out;
    for check in json(&run(&["checks", "--format", "json"]).out).as_array().unwrap() {
        let name = format!("[{}]", check["name"].as_str().unwrap());
        assert!(verbose.contains(&name), "{name}");
    }
    assert!(run(&["demo", "--color", "always"]).out.contains('\u{1b}'));
    let never = Run::new(&["demo", "--color", "never"]).set("CLICOLOR_FORCE", "1").go();
    assert!(!never.out.contains('\u{1b}'));
    assert_eq!(run(&["demo", "private-nat"]).out.lines().count(), 5);
}

#[test]
fn a_fault_of_two_services_is_told_once() {
    let out = run(&["demo", BROKEN]).out;
    let words = words(&out);
    for part in [
        "(1 cause, 2 consequences)",
        "likewise vpce-0ssmmessages (ssmmessages) [network/endpoint-accepts-https]",
        "✗ endpoint's security group sg-0endpoints → ssm, ssmmessages",
    ] {
        assert!(words.contains(part), "{part}: {out}");
    }
    assert_eq!(out.matches("✗ endpoint's").count(), 1, "{out}");
}

#[test]
fn a_saved_report_is_judged_for_the_document_that_is_named() {
    let folder = folder();
    let file = facts(&folder, "private-endpoints", |_| {});
    for (document, session) in
        [("AWS-StartSSHSession", "ssh"), ("AWS-StartPortForwardingSession", "port")]
    {
        let ran = run(&["--facts", &file, "--document", document, "--format", "json"]);
        assert_eq!(json(&ran.out)["session"], session);
    }
}
