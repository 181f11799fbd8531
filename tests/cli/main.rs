//! The binary as people and pipelines meet it: built-in scenarios, saved facts, and every way to be wrong.
//!
//! Nothing of the machine leaks in: the environment is made from nothing. `UPDATE_DOCS=1` rewrites
//! the committed help, and the README's transcript and index.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]

mod browser;
mod docs;
mod error_message;
mod fleet;
mod formats;
mod gate;
mod judge;
mod links;
mod log;
#[path = "../packages.rs"]
mod packages;
mod packaging;
mod pipelines;
mod plan;
mod probe;
mod redaction;
mod several;
mod site;

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use jsonschema::Validator;
use serde_json::{Value, json};
use tempfile::TempDir;
use unicode_width::UnicodeWidthStr as _;

/// What a run left behind.
#[derive(Debug, PartialEq)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

struct Run(Command);

impl Run {
    fn new(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssm-doctor"));
        command.args(args).env_clear().env("LC_ALL", "C.UTF-8").env("HOME", "/nonexistent");
        // Windows finds its system libraries by it.
        command.envs(std::env::var_os("SYSTEMROOT").map(|it| ("SYSTEMROOT", it)));
        Self(command)
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// In a working directory of its own.
    fn inside(mut self, folder: impl AsRef<Path>) -> Self {
        self.0.current_dir(folder);
        self
    }

    fn fed(mut self, text: &str) -> Ran {
        self.0.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.0.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let done = thread::scope(|scope| {
            // At the same time as the output is read: a filter writes while it reads.
            scope.spawn(move || input.write_all(text.as_bytes()).unwrap());
            child.wait_with_output().unwrap()
        });
        Ran {
            code: done.status.code().unwrap(),
            out: String::from_utf8(done.stdout).unwrap(),
            err: String::from_utf8(done.stderr).unwrap(),
        }
    }

    fn go(self) -> Ran {
        self.fed("")
    }
}

fn run(args: &[&str]) -> Ran {
    Run::new(args).go()
}

fn scenarios() -> &'static [String] {
    static SCENARIOS: OnceLock<Vec<String>> = OnceLock::new();
    SCENARIOS.get_or_init(|| {
        let listed = run(&["demo", "--list"]);
        assert_eq!(listed.code, 0);
        let names = listed.out.lines().filter(|it| !it.starts_with(' '));
        names.map(str::to_owned).collect()
    })
}

fn healthy(scenario: &str) -> bool {
    !scenario.contains('/')
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The text of a report without its line breaks and indentation.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A committed JSON Schema.
fn schema(name: &str) -> Validator {
    let file = Path::new(ROOT).join("schemas").join(name);
    jsonschema::validator_for(&json(&fs::read_to_string(file).unwrap())).unwrap()
}

/// What of a document does not fit a schema.
fn misfits(schema: &Validator, document: &Value) -> Vec<String> {
    schema.iter_errors(document).map(|error| error.to_string()).collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// A file of facts, made from a built-in scenario by `edit`.
fn facts(folder: &TempDir, scenario: &str, edit: impl FnOnce(&mut Value)) -> String {
    let file = path(folder, "facts.json");
    run(&["demo", scenario, "--save-facts", &file]);
    let mut facts = json(&fs::read_to_string(&file).unwrap());
    edit(&mut facts);
    fs::write(&file, facts.to_string()).unwrap();
    file
}

/// The same, read back.
fn document(folder: &TempDir, scenario: &str, edit: impl FnOnce(&mut Value)) -> Value {
    json(&fs::read_to_string(facts(folder, scenario, edit)).unwrap())
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const TARGET: &str = "i-0abc123def4567890";

/// A scenario whose cause, `network/endpoint-accepts-https`, blocks the session.
const BROKEN: &str = "private-endpoints/endpoint-without-https";

type Edit = fn(&mut Value);

fn hide_acls(facts: &mut Value) {
    for row in facts["facts"]["network_acls"].as_object_mut().unwrap().values_mut() {
        *row = json!({ "unknown": "denied", "detail": "UnauthorizedOperation" });
    }
    // What would prove the path right, though it was not seen.
    facts["facts"]["connections"] = json!({ TARGET: { "unknown": "denied" } });
    facts["facts"]["nodes"] = json!({ TARGET: { "unknown": "denied" } });
}

fn lose_target(facts: &mut Value) {
    facts["facts"]["instances"][TARGET] = json!("absent");
    facts["facts"]["nodes"][TARGET] = json!("absent");
    facts["facts"]["elsewhere"] = json!({ TARGET: [] });
}

// ---------------------------------------------------------------- reports

#[test]
fn every_scenario_says_the_same_in_every_format() {
    assert!(scenarios().len() > 3);
    for scenario in scenarios() {
        let table = run(&["demo", scenario]);
        let json = run(&["demo", scenario, "--format", "json"]);
        assert_eq!((table.err.as_str(), json.err.as_str()), ("", ""), "{scenario}");
        let verdict = self::json(&json.out)["verdict"].as_str().unwrap().to_owned();
        let (code, says) = match verdict.as_str() {
            "healthy" | "degraded" => (0, "session can start"),
            "blocked" => (1, "session cannot start"),
            "inconclusive" => (3, "cannot tell whether a shell session can start"),
            other => panic!("{scenario}: {other}"),
        };
        assert_eq!(verdict == "healthy", healthy(scenario), "{scenario}");
        assert_eq!((table.code, json.code), (code, code), "{scenario}");
        let words = table.out.lines().take(2).flat_map(str::split_whitespace);
        let headline = words.collect::<Vec<_>>().join(" ");
        assert!(headline.contains(says), "{scenario}: {}", table.out);
    }
    assert_eq!(run(&["demo"]).code, 1);
}

#[test]
fn exit_codes_follow_the_verdict_and_the_threshold_not_the_format() {
    let folder = folder();
    let impaired: Edit =
        |it| it["facts"]["instance_statuses"][TARGET]["system"] = json!("impaired");
    let rows: &[(Edit, &str, i32)] = &[
        (|_| {}, "blocks", 0),
        (|_| {}, "degrades,advises,unknown", 0),
        (impaired, "blocks", 0),
        (impaired, "unknown", 0),
        (impaired, "degrades", 1),
        (impaired, "advises", 1),
        (hide_acls, "blocks", 3),
        (hide_acls, "degrades", 3),
        (hide_acls, "unknown", 1),
        (lose_target, "blocks", 2),
        (lose_target, "unknown", 2),
        (lose_target, "never", 2),
        (hide_acls, "never", 0),
    ];
    for (edit, fail_on, code) in rows {
        let file = facts(&folder, "private-endpoints", edit);
        for format in ["table", "json", "sarif", "github"] {
            let ran = run(&["--facts", &file, "--fail-on", fail_on, "--format", format]);
            assert_eq!(ran.code, *code, "--fail-on {fail_on}: {}", ran.out);
            assert_eq!(ran.err, "");
        }
    }
}

#[test]
fn a_missing_target_is_still_reported() {
    let folder = folder();
    let file = facts(&folder, "private-endpoints", lose_target);
    let ran = run(&["--facts", &file, "--format", "json"]);
    assert_eq!((ran.code, &json(&ran.out)["causes"][0]), (2, &json!("target/found-in-region")));
}

#[test]
fn what_was_denied_is_named_with_the_call_to_grant() {
    let folder = folder();
    let ran = run(&["--facts", &facts(&folder, "private-endpoints", hide_acls)]);
    let words = words(&ran.out);
    for part in [
        "cannot tell whether",
        "ec2:DescribeNetworkAcls was denied",
        "grant ec2:DescribeNetworkAcls to arn:aws:iam::",
        "ssm-doctor policy",
    ] {
        assert!(words.contains(part), "{part}: {}", ran.out);
    }
}

#[test]
fn a_blocked_report_has_what_one_needs_next() {
    let ran = run(&["demo", BROKEN]);
    let command = "            aws ec2 authorize-security-group-ingress --group-id";
    for part in [
        "cause     vpce-",
        "[network/endpoint-accepts-https]",
        "✗ endpoint's security group sg-",
        "fix  ",
        "then  ",
        "more      https://",
        "follows   ",
        "[agent/ping-online]",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(ran.out.lines().any(|it| it.starts_with(command) && it.len() > 80), "{}", ran.out);
}

#[test]
fn every_report_fits_the_committed_schema() {
    let (report, saved) = (schema("report-v1.json"), schema("facts-v2.json"));
    let folder = folder();
    let check = |what: &str, args: &[&str]| {
        let ran = run(args);
        assert_eq!(misfits(&report, &json(&ran.out)), [""; 0], "{what}");
    };
    for scenario in scenarios() {
        let file = path(&folder, "saved.json");
        check(scenario, &["demo", scenario, "--format", "json", "--save-facts", &file]);
        let facts = json(&fs::read_to_string(&file).unwrap());
        assert_eq!(misfits(&saved, &facts), [""; 0], "{scenario}");
    }
    for edit in [hide_acls, lose_target] {
        let file = facts(&folder, "private-endpoints", edit);
        check("edited", &["--facts", &file, "--format", "json"]);
    }
}

#[test]
fn saved_facts_give_the_same_bytes() {
    let folder = folder();
    let (one, two) = (path(&folder, "one.json"), path(&folder, "two.json"));
    for scenario in scenarios() {
        for format in ["table", "json"] {
            let live = run(&["demo", scenario, "--format", format, "--save-facts", &one]);
            let again = run(&["--facts", &one, "--format", format, "--save-facts", &two]);
            assert_eq!(live, again, "{scenario}");
            assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
            let text = fs::read_to_string(&one).unwrap();
            assert_eq!(Run::new(&["--facts", "-", "--format", format]).fed(&text), live);
        }
    }
}

#[test]
fn the_session_asked_for_is_the_one_judged() {
    for kind in ["shell", "ssh", "port", "remote-port", "command"] {
        let report = json(&run(&["demo", "--session", kind, "--format", "json"]).out);
        assert_eq!(report["session"], kind);
        assert_eq!(report["other_sessions"], json!([]));
    }
    assert_eq!(
        json(&run(&["demo", "--format", "json"]).out)["other_sessions"].as_array().unwrap().len(),
        4
    );
}

#[test]
fn what_only_this_machine_lacks_is_said_of_this_machine() {
    let folder = folder();
    let lacking: Edit =
        |it| it["facts"]["here_programs"]["session-manager-plugin"] = json!("absent");
    let file = facts(&folder, "private-endpoints", lacking);
    let ran = run(&["--facts", &file]);
    assert_eq!(ran.code, 1);
    let said = words(&ran.out);
    assert!(said.contains("a shell session cannot start from this machine"), "{}", ran.out);
    assert!(said.contains("[client/plugin-installed]"), "{}", ran.out);
    // The target's own fault comes first, and is not the machine's.
    let file = facts(&folder, BROKEN, lacking);
    let ran = run(&["--facts", &file]);
    let said = words(&ran.out);
    for part in [
        "a shell session cannot start (2 causes, 2 consequences) cause vpce-0ssm (ssm)",
        "also blocking",
        "[client/plugin-installed]",
    ] {
        assert!(said.contains(part), "{part}: {}", ran.out);
    }
}

#[test]
fn a_machine_that_is_left_out_is_named_with_the_reason() {
    let folder = folder();
    let lacking: Edit =
        |it| it["facts"]["here_programs"]["session-manager-plugin"] = json!("absent");
    let ci: Edit = |it| it["scope"]["client"] = json!("ci");
    let before: Edit = |it| {
        it["scope"].as_object_mut().unwrap().remove("client");
        it["facts"].as_object_mut().unwrap().retain(|table, _| !table.starts_with("here_"));
    };
    let bob = "arn:aws:iam::111122223333:user/bob";
    let rows: &[(Edit, &[&str], Option<&str>)] = &[
        (|_| {}, &[], None),
        (lacking, &["--no-client"], Some("left out (--no-client)")),
        (ci, &[], Some("left out (CI is set)")),
        (lacking, &["--operator", bob], Some("somebody else (--operator)")),
        (before, &[], Some("tell nothing of the machine")),
    ];
    for (edit, args, why) in rows {
        let file = facts(&folder, "private-endpoints", edit);
        let table = run(&[&["--facts", &file], *args].concat());
        let report = json(&run(&[&["--facts", &file, "--format", "json"], *args].concat()).out);
        let words = words(&table.out);
        assert_eq!(report["client"]["judged"], why.is_none(), "{args:?}");
        let Some(why) = why else { continue };
        assert!(words.contains(why), "{why}: {}", table.out);
        assert!(report["client"]["why"].as_str().unwrap().contains(why));
        let findings = report["findings"].as_array().unwrap();
        let here: Vec<_> = findings
            .iter()
            .filter(|it| it["check"].as_str().unwrap().starts_with("client/"))
            .collect();
        assert!(here.len() > 10);
        for finding in here {
            assert_eq!(finding["verdict"], "not-applicable", "{finding}");
            assert!(finding["evidence"][0]["observed"].as_str().unwrap().contains(why));
        }
    }
}

#[test]
fn a_look_from_here_that_failed_is_named_without_an_action() {
    let folder = folder();
    let name = "ssmmessages.ap-northeast-1.amazonaws.com";
    let file = facts(&folder, "private-endpoints", |it| {
        it["facts"]["here_names"][name] =
            json!({ "unknown": "refused", "detail": "the DNS server answers Server Failure" });
    });
    let ran = run(&["--facts", &file]);
    assert_eq!(ran.code, 3);
    let words = words(&ran.out);
    let says = format!(
        "the look at {name} from here answered with an error: the DNS server answers Server Failure"
    );
    assert!(words.contains(&says), "{}", ran.out);
    let report = json(&run(&["--facts", &file, "--format", "json"]).out);
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|it| it["check"] == "client/service-names-resolve").unwrap();
    assert_eq!(finding["missing"][0]["action"], Value::Null);
    assert_eq!(
        (&finding["missing"][0]["subject"], &finding["missing"][0]["reason"]),
        (&json!(name), &json!("refused"))
    );
}

// ---------------------------------------------------------------- the screen

#[test]
fn a_pipe_gets_no_escape_codes_and_nothing_but_the_document() {
    for args in [
        &["demo"][..],
        &["checks"],
        &["explain", "target/instance-running"],
        &["explain", "TargetNotConnected"],
        &["i-1"],
    ] {
        let ran = run(args);
        assert!(!format!("{}{}", ran.out, ran.err).contains('\u{1b}'), "{args:?}");
    }
    let coloured = Run::new(&["demo"]).set("CLICOLOR_FORCE", "1").go().out;
    assert!(coloured.contains("\u{1b}["));
    assert!(
        !Run::new(&["demo"])
            .set("CLICOLOR_FORCE", "1")
            .set("NO_COLOR", "1")
            .go()
            .out
            .contains('\u{1b}')
    );
}

#[test]
fn lines_fit_the_screen_but_commands_and_links_are_whole() {
    let reports = scenarios().iter().map(|it| vec!["demo", it.as_str()]);
    let others = [vec!["demo", "--list"], vec!["checks"], vec!["explain", "instance-running"]];
    for args in reports.chain(others) {
        for width in [40, 80, 200] {
            let text = Run::new(&args).set("COLUMNS", &width.to_string()).go().out;
            // Commands, the first line of a Terraform block, and words that are wider than the screen.
            let copied = |line: &str| {
                let room = width - (line.len() - line.trim_start().len());
                let wide = |word: &str| word.width() > room.min(width - 14);
                let start = line.trim_start();
                let command = ["aws ", "ssm-doctor ", "sudo ", "Restart-Service ", "resource \""]
                    .iter()
                    .any(|it| start.starts_with(it))
                    || line.contains('`')
                    || line.contains("$(aws ");
                command || line.split(' ').any(|word| word.contains("://") || wide(word))
            };
            for line in text.lines().filter(|it| !copied(it)) {
                assert!(line.width() <= width, "{args:?} at {width}: {line}");
                assert_eq!(line.trim_end(), line, "{args:?}");
            }
        }
    }
}

#[test]
fn commands_are_quoted_for_the_shell_at_hand() {
    let scenario = ["demo", "public-ip/no-public-address", "--verbose"];
    let posix = run(&scenario).out;
    assert!(posix.contains("security_group=$(aws ec2 create-security-group"), "{posix}");
    assert!(posix.contains("--group-id \"$security_group\""), "{posix}");
    let shell = run(&[scenario.as_slice(), &["--shell", "powershell"]].concat()).out;
    assert!(shell.contains("$security_group = aws ec2 create-security-group"), "{shell}");
    assert!(shell.contains("--group-id \"${security_group}\""), "{shell}");
    for (shell, language) in [("posix", "sh"), ("powershell", "powershell")] {
        let out = run(&["demo", "--format", "markdown", "--shell", shell]).out;
        let opening: Vec<_> = out.lines().filter(|line| line.starts_with("```")).collect();
        assert!(opening.contains(&format!("```{language}").as_str()), "{shell}: {out}");
    }
}

#[test]
fn a_locale_without_utf_8_gets_ascii() {
    for args in [
        &["demo"][..],
        &["demo", "private-endpoints"],
        &["demo", "--list"],
        &["checks"],
        &["explain", "instance-running"],
        &["nonsense"],
    ] {
        let ascii = Run::new(args).set("LC_ALL", "C").go();
        assert!(ascii.out.is_ascii() && ascii.err.is_ascii(), "{args:?}: {ascii:?}");
    }
    // The JSON is UTF-8 whatever the locale: that is what JSON is.
    let json = |locale| Run::new(&["demo", "--format", "json"]).set("LC_ALL", locale).go();
    assert_eq!(json("C"), json("C.UTF-8"));
}

#[test]
fn hostile_names_reach_no_terminal() {
    let folder = folder();
    let hostile = "web\u{1b}]0;owned\u{7}\u{202e}\nfake: healthy\u{200b}";
    let file = facts(&folder, BROKEN, |it| {
        it["facts"]["instances"][TARGET]["name"] = json!(hostile);
    });
    for format in ["table", "json"] {
        let out = run(&["--facts", &file, "--format", format]).out;
        assert!(!out.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{200b}']), "{out:?}");
        assert!(!out.lines().any(|it| it.starts_with("fake")));
    }
    assert_eq!(json(&run(&["--facts", &file, "--format", "json"]).out)["target"]["name"], hostile);
}

/// What the machine wrote to its console is anybody's.
#[test]
fn hostile_consoles_reach_no_terminal() {
    let folder = folder();
    let line = "Kernel panic \u{1b}[2J\u{202e} - \nfake: healthy";
    let file = facts(&folder, "private-nat", |it| {
        it["facts"]["nodes"][TARGET] = json!("absent");
        it["facts"]["connections"][TARGET] = json!("notconnected");
        it["facts"]["consoles"][TARGET]["lines"] = json!([line]);
    });
    let ran = run(&["--facts", &file]);
    assert!(ran.out.contains("shows a kernel panic"), "{}", ran.out);
    assert!(!ran.out.contains(['\u{1b}', '\u{202e}']), "{:?}", ran.out);
    assert!(!ran.out.lines().any(|it| it.trim_start().starts_with("fake")), "{}", ran.out);
}

/// Without a kind of session, the report has a word on each.
#[test]
fn kinds_of_session_are_told_apart() {
    let rows = [
        (
            "private-nat/ssh-only",
            "shell blocked; SSH, port forwarding and remote-host forwarding work; commands unclear",
        ),
        (
            "private-endpoints/logs-unreachable",
            "shell works, with losses; SSH, port forwarding and remote-host forwarding work",
        ),
        ("hybrid", "every other kind of session works"),
        ("hybrid/standard-tier", "every other kind of session blocked"),
    ];
    for (scenario, says) in rows {
        let out = run(&["demo", scenario]).out;
        let words = words(&out);
        assert!(words.contains(says), "{scenario}: {out}");
    }
    assert!(!run(&["demo", "hybrid", "--session", "ssh"]).out.contains("kind of session"));
}

/// Where the doctor has come to its end, it says so and where to look.
#[test]
fn nothing_in_sight_is_said() {
    let folder = folder();
    let silent = |it: &mut Value| {
        it["facts"]["nodes"][TARGET]["ping"] = json!("ConnectionLost");
        it["facts"]["connections"][TARGET] = json!("notconnected");
    };
    let seen = facts(&folder, "private-nat", silent);
    let ran = run(&["--facts", &seen, "--format", "json"]);
    let note = json(&ran.out)["note"].as_str().unwrap().to_owned();
    assert!(note.contains("nothing wrong in sight: all else"), "{note}");
    let unseen = facts(&folder, "private-nat", |it| {
        silent(it);
        for row in it["facts"]["network_acls"].as_object_mut().unwrap().values_mut() {
            *row = json!({ "unknown": "denied" });
        }
    });
    let ran = run(&["--facts", &unseen, "--format", "json"]);
    let note = json(&ran.out)["note"].as_str().unwrap().to_owned();
    assert!(note.contains("nothing wrong in what could be seen"), "{note}");
    for (session, says) in [("shell", "a full disk"), ("ssh", "sshd"), ("port", "listens")] {
        let out = run(&["demo", "private-nat", "-v", "--session", session]).out;
        let words = words(&out);
        assert!(words.contains("nothing wrong in sight; if it fails"), "{out}");
        assert!(words.contains(says), "{out}");
    }
    let caused = run(&["demo", "private-nat/nat-gateway-deleted", "--format", "json"]);
    assert_eq!(json(&caused.out)["note"], Value::Null);
}

// ---------------------------------------------------------------- files

#[test]
fn a_report_in_a_file_is_the_report() {
    let folder = folder();
    let file = path(&folder, "report.json");
    let printed = run(&["demo", "--format", "json"]);
    let written = run(&["demo", "--format", "json", "--output", &file]);
    assert_eq!((written.code, written.out.as_str(), written.err.as_str()), (1, "", ""));
    assert_eq!(fs::read_to_string(&file).unwrap(), printed.out);
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let folder = folder();
    let kept = path(&folder, "kept.json");
    fs::write(&kept, "before").unwrap();
    for option in ["--output", "--save-facts"] {
        let ran = run(&["demo", option, &path(&folder, "no/such/folder/report.txt")]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{option}");
        assert!(
            ran.err.contains("error: cannot write `")
                && ran.err.contains("help: ")
                && !ran.err.contains(".ssm-doctor-"),
            "{}",
            ran.err
        );
        let into_folder = run(&["demo", option, &folder.path().display().to_string()]);
        assert_eq!(into_folder.code, 2);
        // A wrong name found later leaves the earlier file as it was.
        let wrong = run(&["demo", "no-such-scenario", option, &kept]);
        assert_eq!(wrong.code, 2);
    }
    assert_eq!(fs::read_to_string(&kept).unwrap(), "before");
    let left: Vec<PathBuf> =
        fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(left, [PathBuf::from(kept)]);
}

#[cfg(unix)]
#[test]
fn facts_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let file = path(&folder, "facts.json");
    run(&["demo", "--save-facts", &file]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn bad_facts_are_refused_with_the_place_and_the_next_step() {
    let folder = folder();
    let good = facts(&folder, "private-endpoints", |_| {});
    let good = fs::read_to_string(good).unwrap();
    let with = |path: &str, value: Value| {
        let mut facts = json(&good);
        *facts.pointer_mut(path).unwrap() = value;
        facts.to_string()
    };
    let rows = [
        ("empty", String::new(), "damaged: it ends in the middle"),
        ("cut off", good[..good.len() / 2].to_owned(), "it ends in the middle (line 1, column"),
        ("not JSON", "hello".to_owned(), "(line 1, column 1)"),
        ("no schema", "{}".to_owned(), "has no `\"schema\": \"ssm-doctor/facts/v2\"`"),
        ("a list", "[]".to_owned(), "is not a facts file"),
        (
            "a report",
            run(&["demo", "--format", "json"]).out,
            "its schema is `ssm-doctor/report/v1`",
        ),
        (
            "newer",
            with("/schema", json!("ssm-doctor/facts/v3")),
            "is a facts file of version 3, and this ssm-doctor",
        ),
        (
            "older",
            with("/schema", json!("ssm-doctor/facts/v1")),
            "is a facts file of version 1, and this ssm-doctor",
        ),
        ("wrong id", with("/scope/target", json!("web-1")), "`scope.target`: \"web-1\" is neither"),
        ("wrong time", with("/scope/at", json!("yesterday")), "`scope.at`: \"yesterday\" is not"),
        (
            "wrong type",
            with("/calls", json!("three")),
            "`calls`: invalid type: string \"three\", expected u32",
        ),
        (
            "wrong row",
            with(&format!("/facts/instances/{TARGET}/state"), json!(7)),
            "`facts.instances.i-0abc123def4567890",
        ),
        ("unknown table", good.replace("\"vpc_dns\"", "\"vpc_dnf\""), "unknown field `vpc_dnf`"),
    ];
    for (what, text, says) in rows {
        let file = path(&folder, "bad.json");
        fs::write(&file, text).unwrap();
        let ran = run(&["--facts", &file]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{what}");
        assert!(ran.err.contains(says), "{what}: {}", ran.err);
        assert!(ran.err.contains(&file) && ran.err.contains("\nhelp: "), "{what}: {}", ran.err);
    }
}

// ---------------------------------------------------------------- usage

#[test]
fn a_wrong_command_line_says_what_is_wrong_and_what_to_do() {
    let folder = folder();
    let file = facts(&folder, "private-endpoints", |_| {});
    let missing = path(&folder, "missing.json");
    let rows: &[(&[&str], &[&str])] = &[
        (&["dmeo"], &["did you mean `ssm-doctor demo`?"]),
        (&["explan", "foo"], &["did you mean `ssm-doctor explain`?"]),
        (&["lgo"], &["did you mean `ssm-doctor log`?"]),
        (&["nonsense", "--facts", &file], &["answers to `nonsense`", "help: "]),
        (&[TARGET, "--wait", "5m"], &["write `--wait=5m`"]),
        (&["demo", "private-natt"], &["did you mean `private-nat`?"]),
        (&["checks", "--area", "nets"], &["no area `nets`", "network"]),
        (&["i-123"], &["`i-123` is not a complete id", "17 hexadecimal digits"]),
        (&["mi-1234abcd"], &["is not a complete id"]),
        (&["ecs:a_b_c"], &["container"]),
        (&["--session", "tunnel", TARGET], &["tunnel", "remote-port"]),
        (&["--operator", "alice", TARGET], &["\"alice\" is not an ARN"]),
        (&["--wait=never", TARGET], &["`10m`"]),
        (&["--timeout", "0s", TARGET], &["`10m`"]),
        (&["--resolver", "nonsense", TARGET], &["nonsense", "`10.0.0.2:5353`"]),
        (&["--resolver", "10.0.0.2:99999", TARGET], &["`10.0.0.2:5353`"]),
        (&["--resolver", "10.0.0.2", "--no-client", TARGET], &["--no-client"]),
        (&["--resolver", "10.0.0.2", "--facts", &file], &["--facts"]),
        (&["--format", "json"], &["no target was given"]),
        (&["--facts", &missing], &["cannot read the facts file", "help: "]),
        (
            &["i-1234abcd", "--facts", &file],
            &["about the target `i-0abc123def4567890`, not `i-1234abcd`"],
        ),
        (
            &["--facts", &file, "--region", "us-west-2"],
            &["about the region `ap-northeast-1`, not `us-west-2`"],
        ),
        (&["demo", "no-such-scenario"], &["no built-in scenario `no-such-scenario`", "--list"]),
        (&["explain", "target/instance-runing"], &["did you mean `target/instance-running`"]),
        (&["explain", "the dog ate my laptop"], &["no runbook knows the text"]),
        (&["explain"], &["CHECK|AREA|ERROR TEXT|-"]),
        (&[], &["Usage:", "demo"]),
    ];
    for (args, says) in rows {
        let ran = run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        for part in *says {
            assert!(ran.err.contains(part), "{args:?}: {}", ran.err);
        }
    }
    assert_eq!(run(&[TARGET, "--facts", &file]).code, 0);
    // An option does not take the target for its own.
    let log = Path::new(ROOT).join("fixtures/logs/healthy");
    let ran = run(&["--facts", &file, "--agent-log", log.to_str().unwrap(), "i-1234abcd"]);
    assert!(ran.err.contains("not `i-1234abcd`"), "{}", ran.err);
    let arn = format!("arn:aws:ec2:ap-northeast-1:111122223333:instance/{TARGET}");
    assert_eq!(run(&[&arn, "--facts", &file]).code, 0);
}

/// Without AWS: what a first run meets before anything is set up.
#[test]
fn a_live_run_that_cannot_begin_says_why() {
    let folder = folder();
    let saved = path(&folder, "facts.json");
    let live = |args: &[&str]| {
        let all = [&[TARGET, "--save-facts", &saved], args].concat();
        Run::new(&all).set("AWS_EC2_METADATA_DISABLED", "true").go()
    };
    let rows: &[(&[&str], &str)] = if cfg!(feature = "live") {
        &[
            (&[], "no Region is set"),
            (&["--region", "eu-west-1"], "no AWS credentials were found"),
            (&["--region", "eu-west-1", "--profile", "nobody"], "no AWS credentials"),
        ]
    } else {
        &[(&[], "built without live collection")]
    };
    for (args, says) in rows {
        let ran = live(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(ran.err.starts_with("error: ") && ran.err.contains(says), "{args:?}: {}", ran.err);
        assert!(ran.err.contains("\nhelp: "), "{}", ran.err);
    }
    assert!(!Path::new(&saved).exists());
}

#[test]
fn the_configuration_is_read_and_checked() {
    let home = folder();
    let config = home.path().join("ssm-doctor");
    fs::create_dir(&config).unwrap();
    let file = config.join("config.toml");
    let home = home.path().display().to_string();
    let demo = || Run::new(&["demo", "--format", "json"]).set("XDG_CONFIG_HOME", &home);
    let link = |ran: Ran| json(&ran.out)["findings"][0]["runbook"].clone();
    fs::write(&file, "runbook-base = 'https://wiki.example/ssm/'\n").unwrap();
    assert_eq!(link(demo().go()), "https://wiki.example/ssm/network/endpoint-accepts-https");
    let environment = demo().set("SSM_DOCTOR_RUNBOOK_BASE", "https://env.example");
    assert_eq!(link(environment.go()), "https://env.example/network/endpoint-accepts-https");
    let flag = Run::new(&["demo", "--format", "json", "--runbook-base", "https://flag.example"])
        .set("SSM_DOCTOR_RUNBOOK_BASE", "https://env.example");
    assert_eq!(link(flag.go()), "https://flag.example/network/endpoint-accepts-https");
    for (text, says) in
        [("\nrunbook = 'x'\n", "`runbook`"), ("runbook-base = 7", "string"), ("=", "line 1")]
    {
        fs::write(&file, text).unwrap();
        let ran = demo().go();
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(ran.err.contains(says) && ran.err.contains("config.toml"), "{}", ran.err);
    }
}

// ---------------------------------------------------------------- the other commands

#[test]
fn checks_are_listed_for_people_and_machines() {
    let area = json(&run(&["checks", "--area", "dns", "--format", "json"]).out);
    assert!(area.as_array().unwrap().iter().all(|it| it["area"] == "dns"));
    let list = json(&run(&["checks", "--format", "json"]).out);
    let list = list.as_array().unwrap();
    let table = run(&["checks"]).out;
    for check in list {
        let keys: BTreeSet<&str> = check.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(["name", "title", "area", "layer", "impact", "actions"]));
        let name = check["name"].as_str().unwrap();
        assert!(table.contains(name), "{name}");
        // What is seen from the machine at hand or in the agent's log takes no action.
        let here = check["area"] == "client" || check["area"] == "agent";
        assert!(here || !check["actions"].as_array().unwrap().is_empty(), "{name}");
        assert_eq!(run(&["explain", name]).code, 0);
    }
}

#[test]
fn a_pasted_error_finds_its_checks() {
    let pasted = "An error occurred (TargetNotConnected) when calling the StartSession operation: i-1 is not connected.";
    let ran = run(&["explain", pasted]);
    assert_eq!(ran.code, 0);
    let first = "1. The call went to another Region or account than the node's\n";
    assert!(ran.out.contains(first), "{}", ran.out);
    assert!(ran.out.contains("target/instance-running"));
    assert_eq!(run(&["explain", "targetnotconnected"]).code, 0);
    let log = "INFO start\nERROR CreateControlChannel failed with error: Unauthorized request\n";
    let piped = Run::new(&["explain", "-", "--format", "json"]).fed(log);
    let first = &json(&piped.out)["causes"]["candidates"][0];
    assert_eq!(first["checks"][0], "identity/role-may-open-channels", "{}", piped.out);
    let area = run(&["explain", "network"]).out;
    assert!(area.contains("network/route-alive") && !area.contains("agent/"), "{area}");
}

#[test]
fn packages_get_completions_and_a_manual_page() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ran = run(&["completions", shell]);
        assert!(ran.code == 0 && ran.out.contains("save-facts"), "{shell}: {}", ran.out);
    }
    let man = run(&["man"]).out;
    for part in [".TH", "fail\\-on", "SSM-DOCTOR EXPLAIN"] {
        assert!(man.contains(part), "{part}: {man}");
    }
    let version = run(&["--version"]).out;
    for part in [env!("CARGO_PKG_VERSION"), "commit: ", "target: ", "rustc "] {
        assert!(version.contains(part), "{part}: {version}");
    }
}

#[test]
fn a_runbook_is_shown_as_text() {
    let ran = run(&["explain", "target/instance-running"]);
    assert!(ran.out.starts_with("The instance is running\n"), "{}", ran.out);
    assert!(
        ran.out.contains("aws ec2 start-instances")
            && !ran.out.contains("```")
            && !ran.out.contains("\"instances\"")
    );
}

#[test]
fn the_policy_lets_nothing_but_look() {
    let ran = run(&["policy"]);
    assert_eq!(ran.code, 0);
    // Whoever pastes it into a user's inline policy is told before AWS refuses it.
    let length = ran.out.chars().filter(|letter| !letter.is_whitespace()).count();
    let note = format!(
        "{length} characters without white space: too many for the inline policies of a user"
    );
    assert_eq!(ran.err.contains(&note), length > 2048, "{}", ran.err);
    assert!(length <= 6144, "{length}: not even a managed policy");
    let policy = json(&ran.out);
    // The other formats make a managed policy, in which it fits.
    let stack = run(&["policy", "--format", "cloudformation"]);
    assert_eq!(stack.err, "");
    let stack = json(&stack.out);
    let resource = &stack["Resources"]["SsmDoctorReadOnly"];
    assert_eq!(resource["Type"], "AWS::IAM::ManagedPolicy");
    assert_eq!(resource["Properties"]["PolicyDocument"], policy);
    let terraform = run(&["policy", "--format", "terraform"]);
    assert_eq!(terraform.err, "");
    let terraform = terraform.out;
    let quoted =
        terraform.lines().filter_map(|line| line.trim().strip_suffix("\",")?.strip_prefix('"'));
    assert_eq!(json!(quoted.collect::<Vec<_>>()), policy["Statement"][0]["Action"], "{terraform}");
    well_formed(&terraform);
    assert_eq!(policy["Version"], "2012-10-17");
    let statement = &policy["Statement"][0];
    assert_eq!((&statement["Effect"], &statement["Resource"]), (&json!("Allow"), &json!("*")));
    let actions: Vec<&str> =
        statement["Action"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(actions.len() > 10 && actions.is_sorted(), "{actions:?}");
    for action in actions {
        let (_, verb) = action.split_once(':').unwrap();
        assert!(
            ["Describe", "Get", "List", "Lookup", "Search", "Simulate"]
                .iter()
                .any(|it| verb.starts_with(it)),
            "{action}"
        );
    }
}

#[test]
fn the_policy_for_several_accounts_names_the_roles() {
    let role = "arn:aws:iam::*:role/ssm-doctor";
    let ran = run(&["policy", "--assume-role", role, "--organization"]);
    let policy = json(&ran.out);
    let [reads, assumes] = policy["Statement"].as_array().unwrap().as_slice() else {
        panic!("{policy}");
    };
    assert!(reads["Action"].as_array().unwrap().contains(&json!("organizations:ListAccounts")));
    assert_eq!(assumes["Action"], json!(["sts:AssumeRole"]));
    assert_eq!(assumes["Resource"], json!([role]));
    let terraform = run(&["policy", "--assume-role", role, "--format", "terraform"]).out;
    assert!(terraform.contains(&format!("Resource = [\"{role}\"]")), "{terraform}");
    well_formed(&terraform);
    let wrong = run(&["policy", "--assume-role", "ssm-doctor"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("expected the ARN of a role"), "{}", wrong.err);
}

/// By Terraform itself, where it is installed.
fn well_formed(terraform: &str) {
    let mut command = Command::new("terraform");
    command.args(["fmt", "-check", "-diff", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("skipped: there is no Terraform");
        return;
    };
    child.stdin.take().unwrap().write_all(terraform.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut child = Run::new(&["checks", "--format", "json"]);
    let mut child = child.0.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!(
        (done.status.code(), String::from_utf8(done.stderr).unwrap().as_str()),
        (Some(0), "")
    );
}

#[test]
fn the_help_is_the_committed_one() {
    let mut help = String::new();
    let whole = run(&["--help"]).out;
    let listed = whole.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = listed
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"demo") && commands.contains(&"log"), "{commands:?}");
    let of_commands = commands.iter().map(|command| vec![*command, "--help"]);
    for args in std::iter::once(vec!["--help"]).chain(of_commands) {
        let ran = run(&args);
        assert!(ran.code == 0 && ran.out.is_ascii());
        help.extend(["$ ssm-doctor ", &args.join(" "), "\n", &ran.out, "\n"]);
    }
    docs::committed("tests/cli/help.txt", &help);
}

/// What the README quotes is what the binary prints.
#[test]
fn the_readme_tells_the_truth_of_today() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let demo = run(&["demo"]).out;
    let readme = between(&readme, "transcript", &format!("```\n{demo}```\n"));

    let checks: Value = serde_json::from_str(&run(&["checks", "--format", "json"]).out).unwrap();
    let mut index = String::from("| Check | Claims |\n|---|---|\n");
    for check in checks.as_array().unwrap() {
        let (name, title) = (check["name"].as_str().unwrap(), check["title"].as_str().unwrap());
        index.extend(["| [", name, "](checks/", name, "/README.md) | ", title, " |\n"]);
    }
    let readme = between(&readme, "checks", &index);

    let mut table = String::from("| `--format` | What it is |\n|---|---|\n");
    for (name, says) in formats::listed() {
        table.extend(["| `", &name, "` | ", &says, " |\n"]);
    }
    docs::committed("README.md", &between(&readme, "formats", &table));
}

/// `text` with `new` between `<!-- name -->` and `<!-- /name -->`.
fn between(text: &str, name: &str, new: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&open).unwrap();
    let (_, after) = rest.split_once(&close).unwrap();
    [before, &open, new, &close, after].concat()
}
