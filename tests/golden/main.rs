//! The report of every built-in scenario, for every kind of session, and of every incident, held to a
//! record, so that a change of the code that is to change no report can prove that it changes none.
//!
//! The record is beside this file: `scenarios/`, `baselines/` (which incidents patch),
//! `incidents/`, `checks.txt` and `shared.txt`. It has all that the JSON reports have, in lines. To stay
//! small, a report names a baseline and leaves out each block that is the same there; a block that only
//! the baseline has stands as a line `without`. The baseline of a broken scenario is its healthy one,
//! and that of an incident the nearest scenario that it is laid over, for the same kind of session; for
//! the baseline of the other kinds of session see `expected`. What is the same in all reports is in
//! `checks.txt`, and every report is held to that; `shared.txt` has the lines that several reports
//! have. The only thing that is not recorded is the order of the findings that pass or do not apply.
//!
//! A change of a baseline may bring blocks into the reports that are recorded by it, or take them out:
//! these reports have not changed, and the record has.
//!
//! `cargo xtask golden` accepts the reports as they are now, and writes the record anew.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]

#[path = "../support/escape.rs"]
mod escape;
#[path = "../incidents/load.rs"]
mod load;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use ssm_doctor_facts::scope::Session;
use ssm_doctor_fixtures::{self as fixtures, Scenario};
use tempfile::TempDir;

use self::escape::escaped;

const ACCEPT: &str = "UPDATE_GOLDEN=1 cargo test --no-default-features --test golden";

/// How many lines of a file's difference are shown.
const SHOWN: usize = 40;

// ---------------------------------------------------------------- the report

// A field that is not here stops the test, so that nothing of a report goes unrecorded.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    schema: String,
    tool: Tool,
    target: Target,
    session: String,
    verdict: String,
    causes: Vec<String>,
    note: Option<String>,
    findings: Vec<Finding>,
    prescription: Option<Prescription>,
    paths: Vec<Way>,
    other_sessions: Vec<OtherSession>,
    client: Client,
    facts: Facts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    id: String,
    kind: String,
    account: Option<String>,
    region: String,
    partition: String,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    check: String,
    title: String,
    verdict: String,
    impact: String,
    standing: Option<String>,
    layer: String,
    open: bool,
    evidence: Vec<Observation>,
    missing: Vec<Missing>,
    fix: Option<Fix>,
    runbook: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Observation {
    subject: String,
    observed: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Missing {
    action: Option<String>,
    subject: Option<String>,
    reason: String,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fix {
    summary: String,
    commands: Vec<String>,
    recovery: String,
    options: Vec<FixOption>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FixOption {
    title: String,
    /// Commands and Terraform show them.
    #[serde(rename = "changes")]
    _changes: Vec<serde_json::Value>,
    commands: Vec<String>,
    /// `tests/terraform` shows them.
    #[serde(rename = "terraform")]
    _terraform: Option<String>,
    #[serde(rename = "console")]
    _console: Vec<String>,
    risks: Vec<String>,
    manual: Vec<String>,
    takes_effect: String,
    verified: String,
    why: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prescription {
    options: Vec<Prescribed>,
    steps: Vec<Step>,
    verified: String,
    why: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prescribed {
    check: String,
    title: String,
    /// Those of the steps.
    #[serde(rename = "commands")]
    _commands: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    title: String,
    commands: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    service: String,
    needed: bool,
    reachable: String,
    lost: Option<String>,
    hops: Vec<Hop>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hop {
    component: String,
    id: String,
    verdict: String,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherSession {
    session: String,
    verdict: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    judged: bool,
    why: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    collected_at: String,
    calls: u32,
    rounds: u32,
    seen: Vec<Seen>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    from: String,
    by: String,
    at: Option<String>,
}

/// A check, as `checks --format json` lists it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    title: String,
    area: String,
    layer: String,
    impact: String,
    actions: Vec<String>,
}

// ---------------------------------------------------------------- runs

/// The exit code of a run, and what it printed.
struct Ran {
    code: i32,
    out: String,
}

impl Ran {
    fn json<T: DeserializeOwned>(&self, run: &str) -> T {
        serde_json::from_str(&self.out).unwrap_or_else(|error| {
            panic!("{run}: {error}: does tests/golden/main.rs know every field?\n{}", self.out)
        })
    }
}

/// One run of the binary. Nothing of the machine leaks in: the environment is made from nothing.
fn run(args: &[String]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssm-doctor"));
    command.args(args).env_clear().env("LC_ALL", "C.UTF-8").env("HOME", "/nonexistent");
    // Windows finds its system libraries by it.
    command.envs(std::env::var_os("SYSTEMROOT").map(|root| ("SYSTEMROOT", root)));
    let done = command.output().unwrap();
    let errors = String::from_utf8(done.stderr).unwrap();
    assert!(errors.is_empty(), "{args:?}: {errors}");
    Ran { code: done.status.code().unwrap(), out: String::from_utf8(done.stdout).unwrap() }
}

/// All of them, on as many threads as the machine has processors.
fn run_all(runs: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Ran> {
    let queue: Vec<_> = runs.iter().collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let threads = thread::available_parallelism().map_or(2, Into::into);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((name, args)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ran = run(args);
                    done.lock().unwrap().insert((*name).clone(), ran);
                }
            });
        }
    });
    done.into_inner().unwrap()
}

const CHECKS: &str = "checks";

/// What a scenario's run is called, whose name is `demo <account>`, `baseline <name>` or `incident <name>`.
fn named(scenario: &str, session: Session) -> String {
    format!("{scenario} --session {session}")
}

/// A report that is to be recorded in a file.
struct Entry {
    file: String,
    run: String,
    baseline: Baseline,
}

/// Runs whose reports say what to expect.
enum Baseline {
    None,
    /// This one of the same scenario.
    Own(String),
    /// Of this healthier scenario, the one for the same kind of session.
    Healthier(String),
    /// The one of the same scenario for a kind of session that is much like this one; and a healthier
    /// scenario, which shows what differs between the two kinds.
    Both(Session, String, String),
}

/// Every report, and the arguments of every run that they take.
#[derive(Default)]
struct Plan {
    entries: Vec<Entry>,
    runs: BTreeMap<String, Vec<String>>,
}

impl Plan {
    fn add(&mut self, file: &str, run: String, args: &[&str], baseline: Baseline) {
        let args = args.iter().copied().chain(["--format", "json"]).map(str::to_owned).collect();
        self.runs.insert(run.clone(), args);
        self.entries.push(Entry { file: file.to_owned(), run, baseline });
    }

    /// A scenario for every kind of session.
    fn add_each_session(
        &mut self,
        file: &str,
        scenario: &str,
        args: &[&str],
        healthier: Option<&str>,
    ) {
        for session in Session::ALL {
            let like = like(session);
            let baseline = match (like, healthier.map(str::to_owned)) {
                (None, None) => Baseline::None,
                (Some(like), None) => Baseline::Own(named(scenario, like)),
                (None, Some(healthier)) => Baseline::Healthier(healthier),
                (Some(like), Some(healthier)) => {
                    Baseline::Both(like, named(scenario, like), healthier)
                }
            };
            let args = [args, &["--session", session.as_str()]].concat();
            self.add(file, named(scenario, session), &args, baseline);
        }
    }
}

/// The kind of session whose report is the baseline for this kind; none for shells.
fn like(session: Session) -> Option<Session> {
    match session {
        Session::Shell => None,
        Session::Ssh | Session::Command => Some(Session::Shell),
        Session::Port | Session::RemotePort => Some(Session::Ssh),
    }
}

/// The name of the run's scenario that a baseline of an incident is; none for another incident.
fn scenario(baseline: &str, incidents: &BTreeSet<String>) -> Option<String> {
    match baseline.strip_prefix("baselines/") {
        Some(name) => Some(format!("baseline {name}")),
        None if incidents.contains(baseline) => None,
        None => Some(format!("demo {baseline}")),
    }
}

/// Writes the facts of an account, as `--save-facts` does.
fn save(account: &Scenario, folder: &TempDir) -> String {
    let file = folder.path().join(format!("{}.json", account.name.replace('/', ".")));
    let text = json!({
        "schema": "ssm-doctor/facts/v2",
        "tool": { "version": env!("CARGO_PKG_VERSION") },
        "scope": account.scope,
        "facts": account.facts,
    });
    fs::write(&file, text.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

fn plan(folder: &TempDir) -> Plan {
    let mut plan = Plan::default();
    plan.runs.insert(CHECKS.to_owned(), [CHECKS, "--format", "json"].map(str::to_owned).into());
    for account in fixtures::all().unwrap() {
        let name = &account.name;
        let file = format!("scenarios/{}.txt", name.replace('/', "."));
        let scenario = format!("demo {name}");
        let healthy = name.split_once('/').map(|(healthy, _)| format!("demo {healthy}"));
        plan.add_each_session(&file, &scenario, &["demo", name], healthy.as_deref());
        let own = Baseline::Own(named(&scenario, account.scope.session));
        plan.add(&file, scenario, &["demo", name], own);
    }
    let (baselines, incidents) = (load::folder().join("baselines"), load::incidents());
    for name in load::names(&baselines) {
        let file = baselines.join(&name);
        let name = name.trim_end_matches(".json");
        let (account, below) = load::scenario(&format!("baselines/{name}"), &file);
        let facts = save(&account, folder);
        let below = below.iter().find_map(|baseline| scenario(baseline, &incidents));
        plan.add_each_session(
            &format!("baselines/{name}.txt"),
            &format!("baseline {name}"),
            &["--facts", &facts],
            below.as_deref(),
        );
    }
    for name in &incidents {
        let (account, below) = load::scenario(name, &load::folder().join(name).join("facts.json"));
        let facts = save(&account, folder);
        let below = below.iter().find_map(|baseline| scenario(baseline, &incidents)).unwrap();
        plan.add(
            &format!("incidents/{name}.txt"),
            format!("incident {name}"),
            &["--facts", &facts],
            Baseline::Healthier(below),
        );
    }
    plan
}

// ---------------------------------------------------------------- reports in lines

/// Values side by side.
fn line(label: &str, values: &[&str]) -> String {
    let values: Vec<_> = values.iter().map(|value| escaped(value)).collect();
    format!("{label} {}", values.join(" | "))
}

fn or_null(value: Option<&String>) -> &str {
    value.map_or("null", String::as_str)
}

/// A part of a report that is left out if the baseline has the same.
#[derive(Clone, PartialEq)]
struct Block {
    name: String,
    lines: Vec<String>,
}

impl Block {
    /// The lines, without the first and the last ones that are the same in the baseline's block.
    fn differing(&self, other: Option<&Self>) -> String {
        let (heading, lines) = self.lines.split_first().unwrap();
        let others = other.map_or(&[][..], |other| &other.lines[1..]);
        // A single line is better shown.
        let several = |count: usize| if count > 1 { count } else { 0 };
        let alike = |pair: &(&String, &String)| pair.0 == pair.1;
        let first = lines.iter().zip(others).take_while(alike).count();
        let first = several(first);
        let (rest, other_rest) = (&lines[first..], &others[first..]);
        let last = rest.iter().rev().zip(other_rest.iter().rev()).take_while(alike).count();
        let last = several(last);
        let mut text = format!("{heading}\n");
        if first > 0 {
            let _ = writeln!(text, "  (the first {first} lines are the baseline's)");
        }
        text.extend(rest[..rest.len() - last].iter().map(|line| format!("{line}\n")));
        if last > 0 {
            let _ = writeln!(text, "  (the last {last} lines are the baseline's)");
        }
        text
    }
}

impl Report {
    fn blocks(&self) -> Vec<Block> {
        let block = |name: &str, line: String| Block { name: name.to_owned(), lines: vec![line] };
        let Target { id, kind, account, region, partition, name } = &self.target;
        let target =
            [id, kind, or_null(account.as_ref()), region, partition, or_null(name.as_ref())];
        let Facts { collected_at, calls, rounds, seen } = &self.facts;
        let mut facts = vec![collected_at.clone(), calls.to_string(), rounds.to_string()];
        facts.extend(seen.iter().map(|seen| {
            let at = seen.at.as_ref().filter(|at| *at != collected_at);
            let at = at.map_or_else(String::new, |at| format!(" at {at}"));
            format!("{} by {}{at}", seen.from, seen.by)
        }));
        let judged = if self.client.judged { "judged" } else { "not judged" };
        let mut blocks = vec![
            block("schema", line("schema", &[&self.schema])),
            block("target", line("target", &target)),
            block("facts", line("facts", &facts.iter().map(String::as_str).collect::<Vec<_>>())),
            block("client", line("client", &[judged, or_null(self.client.why.as_ref())])),
            block("note", line("note", &[or_null(self.note.as_ref())])),
        ];
        if let Some(first) = self.other_sessions.first() {
            let others = self.other_sessions.iter();
            let same = others.clone().all(|other| other.verdict == first.verdict);
            let others: Vec<_> = if same && others.len() == Session::ALL.len() - 1 {
                vec![format!("all {}", first.verdict)]
            } else {
                others.map(|other| format!("{} {}", other.session, other.verdict)).collect()
            };
            let others: Vec<_> = others.iter().map(String::as_str).collect();
            blocks.push(block("other sessions", line("other sessions", &others)));
        }
        let services: Vec<_> = self.paths.iter().map(|path| path.service.as_str()).collect();
        blocks.extend(self.prescription.iter().map(Prescription::block));
        blocks.push(block("paths", line("paths", &services)));
        let (mut first, mut rest): (Vec<_>, Vec<_>) = self
            .findings
            .iter()
            .partition(|finding| !["pass", "not-applicable"].contains(&finding.verdict.as_str()));
        let mut order = vec!["order of failures and unknowns".to_owned()];
        order.extend(first.iter().map(|finding| format!("  {}", finding.check)));
        blocks.push(Block { name: "order of failures and unknowns".into(), lines: order });
        blocks.extend(self.path_blocks());
        rest.sort_by_key(|finding| &finding.check);
        first.append(&mut rest);
        blocks.extend(first.into_iter().map(Finding::block));
        number(&mut blocks);
        blocks
    }
    /// A path that is the same as an earlier one, but for the name of the service, only says so.
    fn path_blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut whole: Vec<(&str, Vec<String>)> = Vec::new();
        for path in &self.paths {
            let (service, lines) = (path.service.as_str(), path.lines());
            let same = whole.iter().find(|(other, others)| {
                others.iter().map(|line| line.replace(other, service)).eq(lines.iter().cloned())
            });
            let name = format!("path {service}");
            if let Some((other, _)) = same {
                let text =
                    format!("path {service}: as that to {other}, with {service} for {other}");
                blocks.push(Block { name, lines: vec![text] });
            } else {
                whole.push((service, lines.clone()));
                blocks.push(Block { name, lines });
            }
        }
        blocks
    }
}

/// Numbers the blocks that have the same name, from the second on.
fn number(blocks: &mut [Block]) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for block in blocks {
        let count = seen.entry(block.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            let _ = write!(block.name, " ({count})");
        }
    }
}

impl Way {
    fn lines(&self) -> Vec<String> {
        let Self { service, needed, reachable, lost, hops } = self;
        let needed = if *needed { "needed" } else { "not needed" };
        let reachable = format!("reachable: {reachable}");
        let mut lines = vec![line("path", &[service, needed, &reachable])];
        lines.extend(lost.iter().map(|why| line("  lost", &[why])));
        for Hop { component, id, verdict, why } in hops {
            lines.push(line("  hop", &[component, id, verdict, why]));
        }
        lines
    }
}

impl Finding {
    /// All but what [`Static`] has.
    fn block(&self) -> Block {
        let Self { check, verdict, standing, open, evidence, missing, fix, .. } = self;
        let verdict = if verdict == "not-applicable" { "n/a" } else { verdict };
        let standing = standing.iter().map(|standing| format!(", {standing}"));
        let open = open.then(|| ", open".to_owned());
        let words: String = standing.chain(open).collect();
        let mut lines = vec![format!("{check}: {verdict}{words}")];
        for Observation { subject, observed } in evidence {
            lines.push(line("  evidence", &[subject, observed]));
        }
        for Missing { action, subject, reason, why } in missing {
            let values = [or_null(action.as_ref()), or_null(subject.as_ref()), reason, why];
            lines.push(line("  missing", &values));
        }
        if let Some(Fix { summary, commands, recovery, options }) = fix {
            assert_eq!(Some((summary, commands, recovery)), options.first().map(FixOption::head));
            lines.extend(options.iter().flat_map(FixOption::lines));
        }
        Block { name: check.clone(), lines }
    }
}

impl FixOption {
    /// What the fix repeats of its first option.
    fn head(&self) -> (&String, &Vec<String>, &String) {
        (&self.title, &self.commands, &self.takes_effect)
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![line("  option", &[&self.title, &self.takes_effect])];
        lines.extend(self.manual.iter().map(|step| line("    first", &[step])));
        lines.extend(self.commands.iter().map(|command| line("    command", &[command])));
        lines.extend(self.risks.iter().map(|risk| line("    risk", &[risk])));
        lines.push(line("    verified", &[&self.verified, or_null(self.why.as_ref())]));
        lines
    }
}

impl Prescription {
    fn block(&self) -> Block {
        let mut lines = vec![format!("prescription: {}", self.verified)];
        lines.extend(self.why.iter().map(|why| line("  why", &[why])));
        for Prescribed { check, title, .. } in &self.options {
            lines.push(line("  option", &[check, title]));
        }
        for Step { title, commands } in &self.steps {
            lines.push(line("  step", &[title]));
            lines.extend(commands.iter().map(|command| line("    command", &[command])));
        }
        Block { name: "prescription".into(), lines }
    }
}

/// What every report says in the same way.
struct Static {
    version: String,
    runbooks: String,
    checks: Vec<Listed>,
}

impl Static {
    fn new(checks: Vec<Listed>, any: &Report) -> Self {
        let Finding { runbook, check, .. } = &any.findings[0];
        let runbooks = runbook.strip_suffix(check.as_str()).unwrap().to_owned();
        Self { version: any.tool.version.clone(), runbooks, checks }
    }

    /// How `checks.txt` has it.
    fn lines(&self) -> String {
        let mut lines =
            vec![line("version", &[&self.version]), line("runbooks", &[&self.runbooks])];
        for Listed { name, title, area, layer, impact, actions } in &self.checks {
            lines.push(name.clone());
            lines.push(line("  title", &[title]));
            lines.push(line("  area, layer, impact", &[area, layer, impact]));
            let actions: Vec<_> = actions.iter().map(String::as_str).collect();
            lines.push(line("  actions", &actions));
        }
        lines.join("\n") + "\n"
    }

    /// Stops the test at a report that says something else.
    fn hold(&self, run: &str, report: &Report) {
        assert_eq!(report.tool.version, self.version, "{run}");
        for finding in &report.findings {
            let Finding { check, title, impact, layer, runbook, .. } = finding;
            let listed = self.checks.iter().find(|listed| listed.name == *check);
            let listed = listed.unwrap_or_else(|| panic!("{run}: `checks` does not list {check}"));
            let expected = (&listed.title, &listed.impact, &listed.layer);
            assert_eq!((title, impact, layer), expected, "{run}: {check}");
            assert_eq!(*runbook, format!("{}{check}", self.runbooks), "{run}");
        }
    }
}

/// The block of this name, if there is one.
fn find<'a>(blocks: &'a [Block], name: &str) -> Option<&'a Block> {
    blocks.iter().find(|block| block.name == name)
}

/// What a report is expected to have, by the scenario's own report for a kind of session that is much
/// like this one: the same blocks, except those in which the two kinds differ in the healthier scenario,
/// and these as in the healthier scenario.
fn expected(own: &[Block], healthier: &[Block], healthier_like: &[Block]) -> Vec<Block> {
    let all = own.iter().chain(healthier).chain(healthier_like);
    let names: BTreeSet<_> = all.map(|block| block.name.as_str()).collect();
    let blocks = names.into_iter().filter_map(|name| {
        let same = find(healthier, name) == find(healthier_like, name);
        find(if same { own } else { healthier }, name).cloned()
    });
    blocks.collect()
}

/// What a run left, in blocks.
struct Left {
    code: i32,
    report: Report,
    blocks: Vec<Block>,
}

/// A report in lines, without the blocks that the baseline has as well.
fn recorded(entry: &Entry, all: &BTreeMap<&str, Left>) -> String {
    let Left { code, report, blocks } = &all[entry.run.as_str()];
    let blocks_of = |run: &str| all[run].blocks.clone();
    let same_session = |scenario: &str| format!("{scenario} --session {}", report.session);
    let (name, below) = match &entry.baseline {
        Baseline::None => (None, Vec::new()),
        Baseline::Own(run) => (Some(run.clone()), blocks_of(run)),
        Baseline::Healthier(scenario) => {
            let run = same_session(scenario);
            (Some(run.clone()), blocks_of(&run))
        }
        Baseline::Both(like, own, scenario) => {
            let run = same_session(scenario);
            let healthier_like = blocks_of(&named(scenario, *like));
            let below = expected(&blocks_of(own), &blocks_of(&run), &healthier_like);
            (Some(format!("--session {like}, and {scenario}")), below)
        }
    };
    let mut text = format!("== {}\n", entry.run);
    if let Some(name) = name {
        let _ = writeln!(text, "compared with {name}");
    }
    let _ = writeln!(text, "{} session {}, exit code {code}", report.session, report.verdict);
    for cause in &report.causes {
        let _ = writeln!(text, "cause {cause}");
    }
    for block in blocks {
        let other = find(&below, &block.name);
        if other != Some(block) {
            text.push_str(&block.differing(other));
        }
    }
    for block in below.iter().filter(|block| find(blocks, &block.name).is_none()) {
        let _ = writeln!(text, "without {}", block.name);
    }
    text
}

/// The whole record: the text of each file by its name.
fn record() -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let Plan { entries, runs } = plan(&folder);
    let mut ran = run_all(&runs);
    let checks = ran.remove(CHECKS).unwrap().json(CHECKS);
    let left: BTreeMap<&str, Left> = ran
        .iter()
        .map(|(run, ran)| {
            let report: Report = ran.json(run);
            (run.as_str(), Left { code: ran.code, blocks: report.blocks(), report })
        })
        .collect();
    let same = Static::new(checks, &left[entries[0].run.as_str()].report);
    let mut files = BTreeMap::from([("checks.txt".to_owned(), same.lines())]);
    for entry in &entries {
        same.hold(&entry.run, &left[entry.run.as_str()].report);
        files.entry(entry.file.clone()).or_default().push_str(&recorded(entry, &left));
    }
    files
}

// ---------------------------------------------------------------- shared lines

// What many reports say is recorded once, in `shared.txt`: indented lines below `#<hash>`. A heading
// that ends with ` #<hash>` has these lines below it.

const SHARED: &str = "shared.txt";

/// FNV-1a, since the standard library's hashes may differ between its versions.
fn hash(text: &str) -> String {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = text.bytes().fold(0x811c_9dc5, step);
    format!("#{:06x}", (hash >> 24) ^ (hash & 0x00ff_ffff))
}

/// Each line that is not indented, and the indented ones below it.
fn sections(text: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        match sections.last_mut() {
            Some((_, below)) if line.starts_with(' ') => below.extend([line, "\n"]),
            _ => sections.push((line, String::new())),
        }
    }
    sections
}

/// The files as they are committed.
fn compact(files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for (_, below) in files.values().flat_map(|text| sections(text)) {
        *counts.entry(below).or_default() += 1;
    }
    // Short ones are better shown than referred to.
    counts.retain(|below, count| *count > 1 && below.len() > 40);
    let shared: BTreeMap<_, _> = counts.keys().map(|below| (hash(below), below)).collect();
    assert_eq!(shared.len(), counts.len(), "two texts have the same hash: take a longer one");
    let file = |text: &String| {
        let lines = sections(text).into_iter().map(|(heading, below)| {
            if counts.contains_key(&below) {
                format!("{heading} {}\n", hash(&below))
            } else {
                format!("{heading}\n{below}")
            }
        });
        lines.collect::<String>()
    };
    let mut compact: BTreeMap<_, _> =
        files.iter().map(|(name, text)| (name.clone(), file(text))).collect();
    let shared = shared.iter().map(|(hash, below)| format!("{hash}\n{below}"));
    compact.insert(SHARED.to_owned(), shared.collect());
    compact
}

/// A committed file with the shared lines in their places.
fn expanded(text: &str, shared: &BTreeMap<&str, String>) -> String {
    let lines = sections(text).into_iter().map(|(heading, below)| {
        let whole = heading.rsplit_once(' ').and_then(|(heading, hash)| {
            shared.get(hash).map(|lines| format!("{heading}\n{lines}"))
        });
        whole.unwrap_or_else(|| format!("{heading}\n{below}"))
    });
    lines.collect()
}

// ---------------------------------------------------------------- the comparison

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The names of the files of the committed record, with the folder that each is in.
fn committed() -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for name in load::names(&golden()) {
        if golden().join(&name).is_dir() {
            let inner = load::names(&golden().join(&name));
            files.extend(inner.into_iter().map(|file| format!("{name}/{file}")));
        } else if name != "main.rs" {
            files.insert(name);
        }
    }
    files
}

/// The first lines that differ, each group below the headings that it stands under. Empty if none
/// does.
fn difference(before: &str, after: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let (mut at, mut to, mut shown) = (0, 0, 0);
    let mut text = String::new();
    while at < old.len() || to < new.len() {
        if old.get(at) == new.get(to) {
            (at, to) = (at + 1, to + 1);
            continue;
        }
        if shown >= SHOWN {
            return text + "    ... and more\n";
        }
        let heading = |is: fn(&str) -> bool| new[..to].iter().rev().find(|line| is(line));
        if let Some(report) = heading(|line| line.starts_with("== ")) {
            let _ = write!(text, "  {report}");
        }
        let indented = new.get(to).or(old.get(at)).is_some_and(|line| line.starts_with(' '));
        if let Some(block) = heading(|line| !line.starts_with(' ')).filter(|_| indented) {
            let _ = write!(text, ", {block}");
        }
        text.push('\n');
        let (gone, come) = until_the_same(&old[at..], &new[to..]);
        for (sign, lines) in [('-', &old[at..at + gone]), ('+', &new[to..to + come])] {
            for line in lines.iter().take(SHOWN.saturating_sub(shown)) {
                let _ = writeln!(text, "    {sign} {line}");
            }
            shown += lines.len();
        }
        if shown > SHOWN {
            return text + "    ... and more\n";
        }
        (at, to) = (at + gone, to + come);
    }
    text
}

/// How many lines to skip on each side, together as few as possible, until two lines are the same.
fn until_the_same(old: &[&str], new: &[&str]) -> (usize, usize) {
    for skipped in 1..old.len() + new.len() {
        for gone in skipped.saturating_sub(new.len())..=skipped.min(old.len()) {
            let come = skipped - gone;
            let same = old.get(gone).zip(new.get(come)).is_some_and(|(old, new)| old == new);
            if same {
                return (gone, come);
            }
        }
    }
    (old.len(), new.len())
}

#[test]
fn no_report_differs_from_the_record() {
    let files = record();
    let compact = compact(&files);
    let stale: Vec<_> =
        committed().into_iter().filter(|file| !compact.contains_key(file)).collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        for (file, text) in &compact {
            let file = golden().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        for file in stale {
            fs::remove_file(golden().join(file)).unwrap();
        }
        return;
    }
    let shared = fs::read_to_string(golden().join(SHARED)).unwrap_or_default();
    let shared = sections(&shared).into_iter().collect();
    let mut differing: Vec<_> = stale
        .iter()
        .map(|file| format!("{file}: stale: there is no such scenario or incident\n"))
        .collect();
    for (file, text) in &files {
        let Ok(before) = fs::read_to_string(golden().join(file)) else {
            differing.push(format!("{file}: new: it is not recorded yet\n"));
            continue;
        };
        let difference = difference(&expanded(&before, &shared), text);
        if !difference.is_empty() {
            differing.push(format!("{file}\n{difference}"));
        }
    }
    assert!(
        differing.is_empty(),
        "\n{}\n{} of {} files of tests/golden/ differ (-: recorded, +: now). If they should, accept \
         them: {ACCEPT}\n",
        differing.join("\n"),
        differing.len(),
        files.len() + stale.len()
    );
}

#[test]
fn a_difference_is_shown_below_its_headings() {
    let before = "== demo a\nx: pass\n  evidence 1\n  evidence 2\ny: pass\n";
    let rows = [
        (before.to_owned(), ""),
        (
            before.replace("evidence 1", "evidence 3"),
            "  == demo a, x: pass\n    -   evidence 1\n    +   evidence 3\n",
        ),
        (before.replace("  evidence 1\n", ""), "  == demo a, x: pass\n    -   evidence 1\n"),
        (format!("{before}z: fail\n"), "  == demo a\n    + z: fail\n"),
    ];
    for (after, expected) in rows {
        assert_eq!(difference(before, &after), expected);
    }
    let many = "x\n".repeat(SHOWN + 1);
    let expected = format!("\n{}    ... and more\n", "    + x\n".repeat(SHOWN));
    assert_eq!(difference("", &many), expected);
}

#[test]
fn what_is_compact_can_be_expanded() {
    let shared = "  evidence that is long enough to be recorded only once\n";
    let text = |name: &str| format!("== {name}\nx: pass\n{shared}y: pass\n  evidence\n");
    let files: BTreeMap<_, _> =
        ["a.txt", "b.txt"].into_iter().map(|name| (name.to_owned(), text(name))).collect();
    let mut compact = compact(&files);
    let shared_file = compact.remove(SHARED).unwrap();
    assert_eq!(shared_file, format!("{}\n{shared}", hash(shared)));
    let shared = sections(&shared_file).into_iter().collect();
    for (name, text) in compact {
        assert!(text.len() < files[&name].len(), "{text}");
        assert_eq!(expanded(&text, &shared), files[&name]);
    }
}

#[test]
fn what_is_escaped_can_be_read_back() {
    for value in ["a\\nb", "a\nb\r", "a | b", "\\", "a \\| b", "\\\\n"] {
        assert_eq!(escape::unescaped(&escaped(value)), value);
    }
}
