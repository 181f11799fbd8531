//! The real binary against a real AWS API server on loopback: builds an account through the API,
//! breaks it, asks the doctor, and compares what it says. `cases.json` holds the cases.
//!
//! A server (`server.py`) for each core serves the cases, each in an AWS account of its own, so they run side by
//! side; a process beside it (`worlds.py serve`) builds the accounts. A case with faults gets its own
//! `fault_proxy.py` in between. All of them end when this process does: their stdin closes.
//!
//! Python's and node's packages are pinned by hash, installed once under `target/aws-test/` and kept.
//! `python3` (3.11 or newer; another one by `SSM_DOCTOR_TEST_PYTHON`), `node` and `npm` must be there.
//!
//! `SSM_DOCTOR_LATENCY=500` delays every answer by so many milliseconds and prints for each case how long the
//! diagnosis took, in units of that delay.
//!
//! Beside its own expectations every case must keep these promises: stdout is one JSON document, the
//! exit code agrees with the verdict, every call only reads, every answer has its evidence, and what
//! is unknown says which call would tell and why it could not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod bench;
#[path = "../support/escape.rs"]
mod escape;
mod fleet;
#[path = "../packages.rs"]
mod packages;
mod several;
mod terraform;
mod waits;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, ExitCode},
    sync::LazyLock,
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use serde_json::{Value, json};

use bench::{Bench, accepted, http, run, selftest};
use packages::Outcome;

/// Calls that one diagnosis may make.
const CALLS: usize = 60;
/// Rounds of calls that wait for each other, as the server sees them.
const ROUNDS: u64 = 4;
/// The longest chain of calls that wait for each other, as the report counts it. A policy takes three, after
/// the question that the simulator does not allow.
const CHAIN: u64 = 5;

/// One server answers on one core, so each core has one.
static BENCHES: LazyLock<Result<Vec<Bench>, String>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let benches = (0..cores.min(4)).map(|_| Bench::start()).collect::<Outcome<Vec<_>>>();
    benches.map_err(|error| format!("the test bench did not start: {error}"))
});

/// The bench that has an account.
fn bench(account: u64) -> Result<&'static Bench, Failed> {
    let benches = BENCHES.as_ref().map_err(Failed::from)?;
    let at = usize::try_from(account).unwrap_or_default().checked_rem(benches.len());
    at.and_then(|at| benches.get(at)).ok_or_else(|| Failed::from("there is no bench"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    world: String,
    #[serde(default)]
    breaks: Vec<String>,
    /// Operations that the operator may not call: `service:Operation`, or `*`.
    #[serde(default)]
    deny: Vec<String>,
    /// Rules of `fault_proxy.py`.
    #[serde(default)]
    faults: Vec<Value>,
    /// `${name}` is an id of the world.
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// In the operator's home: text by path. `bin` is the `PATH`.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Asked for instead of the world's own.
    target: Option<String>,
    region: Option<String>,
    /// Instead of `CALLS`.
    calls: Option<usize>,
    /// Instead of `CHAIN`: policies of a Network Firewall name rule groups, those of an organization are read level
    /// by level, and a page waits for the page before it.
    chain: Option<u64>,
    /// Why the printed commands do not let a session start, where they do not.
    heals_not: Option<String>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    exit: OneOf<i32>,
    verdict: Option<OneOf<String>>,
    /// The first cause.
    cause: Option<OneOf<String>>,
    /// What the first option to repair it comes to on the model: `yes`, `no` or `unknown`.
    tried: Option<String>,
    /// Among the causes.
    #[serde(default)]
    causes: Vec<String>,
    /// Texts in the first cause's evidence; `${name}` is an id of the world.
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    passes: Vec<String>,
    #[serde(default)]
    fails: Vec<String>,
    #[serde(default)]
    unknown: Vec<String>,
    #[serde(default)]
    not_failing: Vec<String>,
    #[serde(default)]
    not_passing: Vec<String>,
    /// Calls that the unknowns of `unknown` say are missing, one at least.
    #[serde(default)]
    missing: Vec<String>,
    /// Reasons, of which each unknown of `unknown` names one at least.
    #[serde(default)]
    why: Vec<String>,
    /// What the report says of other kinds of session.
    #[serde(default)]
    others: BTreeMap<String, String>,
    /// Words that the doctor prints, wherever.
    #[serde(default)]
    says: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOf<T> {
    One(T),
    Any(Vec<T>),
}

impl<T: PartialEq> OneOf<T> {
    fn admits(&self, value: &T) -> bool {
        match self {
            Self::One(one) => one == value,
            Self::Any(any) => any.contains(value),
        }
    }
}

impl<T: ToString> OneOf<T> {
    fn show(&self) -> String {
        match self {
            Self::One(one) => one.to_string(),
            Self::Any(any) => any.iter().map(T::to_string).collect::<Vec<_>>().join(" or "),
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most cases wait for the server, some for a deadline.
    arguments.test_threads.get_or_insert(4);
    let cases: Vec<Case> = match serde_json::from_str(include_str!("cases.json")) {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("tests/aws/cases.json: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials: Vec<Trial> = (100_000_000_001_u64..)
        .zip(cases)
        .map(|(account, case)| {
            Trial::test(case.name.clone(), move || examine(bench(account)?, account, &case))
        })
        .collect();
    trials.push(Trial::test("server/selftest", || {
        selftest(bench(0)?).map_err(|error| Failed::from(error.to_string()))
    }));
    let scenarios = match terraform::scenarios() {
        Ok(scenarios) => scenarios,
        Err(error) => {
            eprintln!("the scenarios: {error}");
            return ExitCode::FAILURE;
        }
    };
    trials.extend((100_000_800_001_u64..).zip(scenarios).map(|(account, scenario)| {
        let trial = Trial::test(format!("terraform/{}", scenario.name), move || {
            terraform::examine(bench(account)?, account, &scenario)
                .map_err(|error| Failed::from(error.to_string()))
        });
        trial.with_ignored_flag(true)
    }));
    for (name, examine) in [
        ("targets/several", several::examine as fn(&Bench) -> Outcome<()>),
        ("targets/waits", waits::examine),
        ("fleet/region", fleet::region),
        ("fleet/accounts", fleet::accounts),
        ("fleet/interrupted", fleet::interrupted),
    ] {
        trials.push(Trial::test(name, move || {
            examine(bench(0)?).map_err(|error| Failed::from(error.to_string()))
        }));
    }
    trials.push(Trial::test("commands/accepted", || {
        let bench = bench(0)?;
        let commands = printed_commands().map_err(|error| Failed::from(error.to_string()))?;
        accepted(bench, &commands).map_err(|error| Failed::from(error.to_string()))
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Every command of every case, scenario and incident: the lines that `cases.md` and the golden reports
/// show.
fn printed_commands() -> Outcome<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut commands) =
        (vec![root.join("checks"), root.join("tests/golden")], Vec::new());
    let mut found = [0, 0];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let (kind, label, read): (_, _, fn(&str) -> String) =
                match path.extension().and_then(|suffix| suffix.to_str()) {
                    Some("md") => (0, "$ ", str::to_owned),
                    Some("txt") => (1, "command ", escape::unescaped),
                    _ => continue,
                };
            let text = fs::read_to_string(path)?;
            let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix(label));
            let before = commands.len();
            commands.extend(lines.map(read));
            found[kind] += commands.len() - before;
        }
    }
    if found.contains(&0) {
        return Err(format!("{found:?} commands in cases and in golden reports").into());
    }
    commands.sort();
    commands.dedup();
    Ok(commands)
}

// What a case sees and how it is judged.

fn examine(bench: &Bench, account: u64, case: &Case) -> Result<(), Failed> {
    let seen = diagnose(bench, account, case).map_err(|error| Failed::from(error.to_string()))?;
    let mut complaints = Complaints::default();
    judge(case, &seen, &mut complaints);
    if complaints.0.is_empty() && (seen.exit == Some(1) || promises(&seen)) {
        let healed = heal(bench, account, case, &seen);
        match (healed.map_err(|error| error.to_string()), &case.heals_not) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(why)) => {
                complaints.0.push(format!("the printed commands heal it, and should not: {why}"));
            }
            (Err(error), None) => complaints.0.push(error),
        }
    }
    if complaints.0.is_empty() {
        return Ok(());
    }
    let log: Vec<String> = seen
        .log
        .iter()
        .map(|call| {
            format!(
                "  {} {}:{} {}",
                call["seq"],
                text(&call["service"]),
                text(&call["action"]),
                call["status"]
            )
        })
        .collect();
    Err(Failed::from(format!(
        "{}\nworld: {}\ncalls:\n{}\nstdout:\n{}\nstderr:\n{}",
        complaints.0.join("\n"),
        seen.world,
        log.join("\n"),
        seen.stdout,
        seen.stderr,
    )))
}

/// One diagnosis: what was asked of the world, what the doctor printed, what the server saw.
struct Seen {
    world: Value,
    exit: Option<i32>,
    stdout: String,
    stderr: String,
    log: Vec<Value>,
}

fn diagnose(bench: &Bench, account: u64, case: &Case) -> Outcome<Seen> {
    let world = bench.build(account, &case.world, &case.breaks)?;
    if !case.deny.is_empty() {
        let region = text(&world["region"]);
        let path = format!("/_test/state?account={account}&region={region}");
        http(bench.port, "PUT", &path, &json!({ "deny": case.deny }).to_string())?;
    }
    let latency = latency();
    let slow =
        latency.map(|delay| json!({ "action": "*", "fault": "slow", "ms": delay.as_millis() }));
    let faults: Vec<Value> = case.faults.iter().cloned().chain(slow).collect();
    let proxy = if faults.is_empty() { None } else { Some(bench.proxy(&faults)?) };
    let port = proxy.as_ref().map_or(bench.port, |proxy| proxy.port);
    let start = Instant::now();
    let (exit, stdout, stderr) = ask(case, &world, port)?;
    let took = start.elapsed();
    let log = bench.log(account)?;
    if let Some(latency) = latency {
        let report: Value = serde_json::from_str(&stdout).unwrap_or_default();
        println!(
            "{:.1} x latency, {} rounds, {} calls: {}",
            took.as_secs_f64() / latency.as_secs_f64(),
            report["facts"]["rounds"],
            log.len(),
            case.name
        );
    }
    Ok(Seen { world, exit, stdout, stderr, log })
}

/// Runs the doctor as the operator: its exit code, standard output and standard error.
fn ask(case: &Case, world: &Value, port: u16) -> Outcome<(Option<i32>, String, String)> {
    let home = tempfile::tempdir()?;
    for (path, text) in &case.files {
        let file = home.path().join(path);
        fs::create_dir_all(file.parent().ok_or("a file at the root")?)?;
        fs::write(&file, text)?;
        #[cfg(unix)]
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    let region = case.region.as_deref().unwrap_or(text(&world["region"]));
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_ssm-doctor"));
    doctor
        .arg(case.target.as_deref().unwrap_or(text(&world["target"])))
        .args(["--format", "json", "--region", region])
        .args(case.args.iter().map(|it| fill(it, world)));
    on_loopback(&mut doctor, home.path(), port, &world["operator_env"]);
    if !case.files.is_empty() {
        doctor.env("PATH", home.path().join("bin"));
    }
    doctor.envs(&case.env);
    run(doctor)
}

/// With credentials of the account, and nothing else of this machine's.
fn on_loopback(command: &mut Command, home: &Path, port: u16, credentials: &Value) {
    command
        .env_clear()
        .env("HOME", home)
        .env("NO_PROXY", "127.0.0.1")
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .current_dir(home);
    for (key, value) in credentials.as_object().into_iter().flatten() {
        command.env(key, text(value));
    }
}

/// Is nothing certain, and does the report say that a session can start after its prescription?
fn promises(seen: &Seen) -> bool {
    let report: Value = serde_json::from_str(&seen.stdout).unwrap_or_default();
    seen.exit == Some(3) && report["prescription"]["verified"] == "yes"
}

/// Carries out the printed commands of the prescription with AWS's command line, and nothing else; lets
/// the node report again; asks the doctor again, who must find that a session can start.
fn heal(bench: &Bench, account: u64, case: &Case, seen: &Seen) -> Outcome<()> {
    let report: Value = serde_json::from_str(&seen.stdout)?;
    let steps = list(&report["prescription"]["steps"]);
    let commands: Vec<&str> = steps
        .iter()
        .flat_map(|step| list(&step["commands"]))
        .map(text)
        .filter(|line| line.starts_with("aws ") || line.contains("=$(aws "))
        .filter(|line| !line.starts_with("aws ssm start-session"))
        .collect();
    if commands.is_empty() {
        return Err(format!("the prescription has no commands: {}", report["prescription"]).into());
    }
    let home = tempfile::tempdir()?;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-euxc", &commands.join("\n")]);
    on_loopback(&mut shell, home.path(), bench.port, &seen.world["administrator_env"]);
    shell.env("PATH", bench.programs(home.path())?).env("AWS_PAGER", "");
    let (exit, stdout, stderr) = run(shell)?;
    if exit != Some(0) {
        return Err(format!("a printed command failed:\n{stderr}\n{stdout}").into());
    }
    let region = text(&seen.world["region"]);
    let path = format!("/_test/state?account={account}&region={region}");
    http(bench.port, "PUT", &path, &seen.world["reports"].to_string())?;
    let (exit, stdout, stderr) = ask(case, &seen.world, bench.port)?;
    if exit == Some(0) {
        return Ok(());
    }
    let after: Value = serde_json::from_str(&stdout).unwrap_or_default();
    Err(format!(
        "after `{}` the verdict is {}, by {}\n{stderr}\nfailing or open: {}",
        commands.join("; "),
        after["verdict"],
        after["causes"],
        list(&after["findings"])
            .iter()
            .filter(|finding| text(&finding["verdict"]) == "fail" || finding["open"] == true)
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    )
    .into())
}

/// How long every answer is delayed, if `SSM_DOCTOR_LATENCY` says so.
fn latency() -> Option<Duration> {
    let milliseconds = std::env::var("SSM_DOCTOR_LATENCY").ok()?.parse().ok()?;
    Some(Duration::from_millis(milliseconds))
}

#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn unless(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.0.push(complaint());
        }
    }
}

fn judge(case: &Case, seen: &Seen, complaints: &mut Complaints) {
    let expect = &case.expect;
    let exit = seen.exit.unwrap_or(-1);
    complaints.unless(expect.exit.admits(&exit), || {
        format!("exit code {exit}, not {}", expect.exit.show())
    });
    for wanted in &expect.says {
        let found = lower(&format!("{}{}", seen.stdout, seen.stderr)).contains(&lower(wanted));
        complaints.unless(found, || format!("no word of `{wanted}`"));
    }
    judge_calls(case, seen, complaints);
    if exit == 2 {
        let said = seen.stdout.len() + seen.stderr.len();
        complaints.unless(said > 0, || "no reason given for exit code 2".into());
        return;
    }
    let report: Value = match serde_json::from_str(&seen.stdout) {
        Ok(report) => report,
        Err(error) => {
            complaints.0.push(format!("stdout is not one JSON document: {error}"));
            return;
        }
    };
    judge_promises(case, seen, &report, complaints);
    judge_findings(expect, seen, &report, complaints);
}

fn judge_calls(case: &Case, seen: &Seen, complaints: &mut Complaints) {
    for call in &seen.log {
        let action = text(&call["action"]);
        complaints.unless(is_read(call), || format!("{action} is more than a read"));
        complaints.unless(call.get("unimplemented").is_none(), || {
            format!("the test server lacks {action}")
        });
        if let Some(trace) = call.get("crashed") {
            complaints.0.push(format!("the test server failed in {action}: {}", text(trace)));
        }
    }
    let most = case.calls.unwrap_or(CALLS);
    // Retries are calls of their own; how many there are is the fault's doing.
    if case.faults.is_empty() {
        complaints.unless(seen.log.len() <= most, || {
            format!("{} calls, more than {most}", seen.log.len())
        });
    }
    // Only if answers take their time do calls that were made at once overlap on the server too.
    if case.breaks.iter().any(|one| one == "slow-answers") {
        let rounds = rounds(&seen.log);
        complaints.unless(rounds <= ROUNDS, || {
            format!("{rounds} rounds seen by the server, more than {ROUNDS}")
        });
    }
}

fn is_read(call: &Value) -> bool {
    const VERBS: [&str; 8] =
        ["Describe", "Filter", "Get", "List", "Lookup", "Search", "Simulate", "Head"];
    VERBS.iter().any(|verb| text(&call["action"]).starts_with(verb))
}

/// Rounds as the server sees them: one ends when no call is under way.
fn rounds(log: &[Value]) -> u64 {
    let mut spans: Vec<(f64, f64)> = log
        .iter()
        .filter_map(|call| Some((call["start"].as_f64()?, call["end"].as_f64()?)))
        .collect();
    spans.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut rounds = 0;
    let mut busy_until = f64::NEG_INFINITY;
    for (start, end) in spans {
        if start >= busy_until {
            rounds += 1;
        }
        busy_until = busy_until.max(end);
    }
    rounds
}

fn judge_promises(case: &Case, seen: &Seen, report: &Value, complaints: &mut Complaints) {
    let schema = text(&report["schema"]);
    complaints.unless(schema == "ssm-doctor/report/v1", || format!("schema `{schema}`"));
    let verdict = text(&report["verdict"]);
    let agrees = match seen.exit {
        Some(0) => matches!(verdict, "healthy" | "degraded"),
        Some(1) => verdict == "blocked",
        Some(3) => verdict == "inconclusive",
        _ => false,
    };
    complaints.unless(agrees, || format!("exit code {:?} with verdict {verdict}", seen.exit));
    let asked = case.target.as_deref().unwrap_or(text(&seen.world["target"]));
    let target = text(&report["target"]["id"]);
    complaints.unless(target == asked, || format!("a report on `{target}`, not {asked}"));
    let passes = list(&report["findings"]).iter().filter(|f| text(&f["verdict"]) == "pass").count();
    complaints.unless(verdict != "healthy" || passes > 10, || {
        format!("healthy by {passes} passing checks")
    });
    let rounds = report["facts"]["rounds"].as_u64().unwrap_or(u64::MAX);
    complaints
        .unless(rounds <= case.chain.unwrap_or(CHAIN), || format!("{rounds} rounds reported"));
    for finding in list(&report["findings"]) {
        let check = text(&finding["check"]);
        match text(&finding["verdict"]) {
            "pass" | "fail" => {
                complaints.unless(!list(&finding["evidence"]).is_empty(), || {
                    format!("{check} has no evidence")
                });
            }
            "unknown" => {
                let missing = list(&finding["missing"]);
                complaints.unless(!missing.is_empty(), || {
                    format!("{check} does not say what is missing")
                });
                for one in missing {
                    complaints.unless(!text(&one["why"]).is_empty(), || {
                        format!("{check} does not say why")
                    });
                }
            }
            "not-applicable" => {}
            other => complaints.0.push(format!("{check} has the verdict `{other}`")),
        }
    }
}

fn judge_findings(expect: &Expect, seen: &Seen, report: &Value, complaints: &mut Complaints) {
    if let Some(wanted) = &expect.verdict {
        let verdict = text(&report["verdict"]).to_owned();
        complaints.unless(wanted.admits(&verdict), || {
            format!("verdict {verdict}, not {}", wanted.show())
        });
    }
    let causes: Vec<&str> = list(&report["causes"]).iter().map(text).collect();
    if let Some(wanted) = &expect.cause {
        let first = (*causes.first().unwrap_or(&"nothing")).to_owned();
        complaints.unless(wanted.admits(&first), || {
            format!("first cause {first}, not {}", wanted.show())
        });
    }
    for wanted in &expect.causes {
        complaints.unless(causes.contains(&wanted.as_str()), || {
            format!("{wanted} is not among the causes {causes:?}")
        });
    }
    for (session, wanted) in &expect.others {
        let other =
            list(&report["other_sessions"]).iter().find(|it| text(&it["session"]) == session);
        let verdict = other.map_or("missing", |it| text(&it["verdict"]));
        complaints.unless(verdict == wanted, || format!("{session} is {verdict}, not {wanted}"));
    }
    let findings = list(&report["findings"]);
    // A check may answer more than once, for instance for each service.
    let verdicts = |check: &str| -> Vec<&Value> {
        findings.iter().filter(|f| text(&f["check"]) == check).collect()
    };
    let says =
        |check: &str, verdict: &str| verdicts(check).iter().any(|f| text(&f["verdict"]) == verdict);
    if let Some(first) = causes.first() {
        let evidence: String =
            verdicts(first).iter().map(|finding| finding["evidence"].to_string()).collect();
        for wanted in &expect.evidence {
            let wanted = fill(wanted, &seen.world);
            let found = lower(&evidence).contains(&lower(&wanted));
            complaints.unless(found, || {
                format!("the evidence of {first} does not name `{wanted}`: {evidence}")
            });
        }
        if let Some(wanted) = &expect.tried {
            let failure = verdicts(first).into_iter().find(|it| text(&it["verdict"]) == "fail");
            let option = failure.map(|it| &it["fix"]["options"][0]);
            let tried = option.map_or("nothing", |it| text(&it["verified"]));
            complaints
                .unless(tried == wanted, || format!("the first option: {tried}, not {wanted}"));
        }
    }
    for (checks, verdict, should) in [
        (&expect.passes, "pass", true),
        (&expect.fails, "fail", true),
        (&expect.unknown, "unknown", true),
        (&expect.not_failing, "fail", false),
        (&expect.not_passing, "pass", false),
    ] {
        for check in checks {
            let found: Vec<&str> =
                verdicts(check).iter().map(|finding| text(&finding["verdict"])).collect();
            complaints.unless(says(check, verdict) == should, || {
                format!(
                    "{check} says {found:?}, and should {}be {verdict}",
                    if should { "" } else { "not " }
                )
            });
        }
    }
    let missing = |check: &String| -> Vec<&Value> {
        verdicts(check).into_iter().flat_map(|finding| list(&finding["missing"])).collect()
    };
    for check in expect.unknown.iter().filter(|_| !expect.why.is_empty()) {
        let whys: Vec<String> =
            missing(check).iter().map(|one| text(&one["reason"]).replace('-', " ")).collect();
        let named =
            expect.why.iter().any(|wanted| whys.iter().any(|why| why.contains(wanted.as_str())));
        complaints.unless(named, || {
            format!("{check} is unknown because {whys:?}, not because {:?}", expect.why)
        });
    }
    for wanted in &expect.missing {
        let named =
            expect.unknown.iter().flat_map(missing).any(|one| text(&one["action"]) == wanted);
        complaints.unless(named, || format!("no unknown names the call {wanted}"));
    }
}

/// Puts the world's ids where `${name}` stands.
fn fill(template: &str, world: &Value) -> String {
    let mut filled = template
        .replace("${target}", text(&world["target"]))
        .replace("${account}", text(&world["account"]));
    for (name, id) in world["ids"].as_object().into_iter().flatten() {
        filled = filled.replace(&format!("${{{name}}}"), text(id));
    }
    filled
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}
