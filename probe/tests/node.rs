//! The real probe on nodes made for it: what it sees, and what the checks conclude. `scenes.json` holds them.
//!
//! A scene gets namespaces of its own, as those of the workstation do (`tests/probe/`, whose stage this uses):
//! real DNS, TLS, proxy, packet filter, metadata service and file systems. Beside its own expectations every
//! scene must keep these promises: the output is read back, nothing secret is in it, no request carries a
//! credential, and the probe stays within its limits of time and memory.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

#[path = "../../tests/probe/certificates.rs"]
mod certificates;

use std::{
    collections::BTreeMap,
    error::Error,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use ssm_doctor_analysis::{answer::Verdict, case::Case};
use ssm_doctor_checks::engine::diagnosis::{diagnose, examine, settle};
use ssm_doctor_facts::{
    lookup::Row,
    probe::Probe,
    ssm::{Connection, Ping},
};
use ssm_doctor_fixtures as fixtures;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// In seconds, as promised.
const LONGEST: f64 = 15.0;
/// In KiB, as promised.
const MOST_MEMORY: u64 = 64 << 10;
/// The healthy account whose node the probe runs on; its agent is lost.
const ACCOUNT: &str = "private-endpoints";

#[derive(Deserialize)]
struct Scene {
    name: String,
    expect: Expect,
    /// For `stage.py`, which says what may stand here.
    #[serde(flatten)]
    stage: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// Verdict by check: `pass`, `fail`, `unknown` or `not-applicable`.
    checks: BTreeMap<String, String>,
    /// The first cause, if there is one.
    cause: Option<String>,
    /// The output by JSON pointer into its `probe`; null where there must be nothing.
    #[serde(default)]
    sees: BTreeMap<String, Value>,
}

fn main() -> ExitCode {
    let args = Arguments::from_args();
    if !cfg!(target_os = "linux") {
        println!("networks of their own are made on Linux only");
        return ExitCode::SUCCESS;
    }
    let scenes: Vec<Scene> = serde_json::from_str(include_str!("scenes.json")).unwrap();
    // It goes when the last scene has ended.
    let certificates = certificates::made().unwrap();
    let trials = scenes.into_iter().map(|scene| {
        let certificates = certificates.path().to_owned();
        Trial::test(scene.name.clone(), move || play(&scene, &certificates).map_err(Failed::from))
    });
    libtest_mimic::run(&args, trials.collect()).exit_code()
}

fn play(scene: &Scene, certificates: &Path) -> Outcome<()> {
    let seen = staged(scene, certificates)?;
    let text = seen["out"].as_str().unwrap_or_default();
    let probe = ssm_doctor_probe::parse(text).map_err(|error| format!("{error}: {seen}"))?;
    let mut complaints = Vec::new();
    let mut unless = |holds: bool, complaint: String| {
        if !holds {
            complaints.push(complaint);
        }
    };
    let output: Value = serde_json::from_str(text)?;
    for (place, value) in &scene.expect.sees {
        let found = output["probe"].pointer(place).unwrap_or(&Value::Null);
        unless(found == value, format!("{place} is {found}, not {value}"));
    }
    let (answers, cause) = judged(probe)?;
    for (check, verdict) in &scene.expect.checks {
        let found = answers.get(check).ok_or_else(|| format!("no check {check}"))?;
        unless(found.starts_with(verdict), format!("{check} is not {verdict}: {found}"));
    }
    unless(cause == scene.expect.cause, format!("the first cause is {cause:?}"));

    for secret in ["SCENESECRET", "AKIDSCENE", "hunter2", "METADATATOKEN"] {
        unless(!text.contains(secret), format!("the output holds {secret}"));
    }
    for request in seen["said"].as_array().ok_or("nothing said")? {
        let headers = request["headers"].as_object().into_iter().flatten();
        let secret = headers.map(|it| it.0.to_lowercase()).find(|it| {
            it.contains("authorization") || it.contains("token") || it.contains("cookie")
        });
        unless(secret.is_none(), format!("a request carries {secret:?}: {request}"));
    }
    let seconds = seen["seconds"].as_f64().unwrap_or_default();
    unless(seconds < LONGEST, format!("{seconds} seconds"));
    if let Some(kib) = seen["kib"].as_str().and_then(|it| it.parse::<u64>().ok()) {
        unless(kib < MOST_MEMORY, format!("{kib} KiB"));
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("{}\n{text}", complaints.join("\n")).into())
    }
}

/// What every check says of the account with this probe, and the first cause.
fn judged(mut probe: Probe) -> Outcome<(BTreeMap<String, String>, Option<String>)> {
    let scenario =
        fixtures::all()?.into_iter().find(|it| it.name == ACCOUNT).ok_or("no account")?;
    let (mut facts, mut scope) = (scenario.facts, scenario.scope);
    let target = scope.target.clone();
    if let Some(Row::Present(node)) = facts.nodes.get_mut(&target) {
        node.ping = Ping::ConnectionLost;
    }
    facts.connections.insert(target.clone(), Row::Present(Connection::NotConnected));
    // The account is always of the same hour, and the probe is of now.
    probe.at = Some(scope.at);
    scope.probe = true;
    facts.probes.insert(target, Row::Present(probe));
    settle(&mut facts, &scope);
    let answers = examine(&Case::new(&facts, &scope));
    let said = answers.iter().map(|(check, answer)| {
        let text = match answer {
            Ok(Verdict::Pass(evidence)) => format!("pass: {evidence:?}"),
            Ok(Verdict::Fail(evidence, _)) => format!("fail: {evidence:?}"),
            Ok(Verdict::NotApplicable(why)) => format!("not-applicable: {why}"),
            Err(unknown) => format!("unknown: {unknown:?}"),
        };
        (check.name(), text)
    });
    let said = said.collect();
    let first = diagnose(&answers).causes.first().map(|it| it.name());
    Ok((said, first))
}

/// Runs the probe on a scene's stage.
fn staged(scene: &Scene, certificates: &Path) -> Outcome<Value> {
    let mut stage = scene.stage.clone();
    stage.insert("probe".into(), json!(env!("CARGO_BIN_EXE_ssm-doctor-probe")));
    stage.insert("certificates".into(), json!(certificates));
    let mut child = Command::new("unshare")
        .args(["--map-root-user", "--net", "--mount", "python3", "-B"])
        .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/probe/stage.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("no stdin")?.write_all(Value::from(stage).to_string().as_bytes())?;
    let done = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        return Err(format!(
            "the stage did not come up; it takes root or user namespaces, overlayfs, dnsmasq, ip and nft: {complaint}"
        )
        .into());
    }
    Ok(serde_json::from_slice(&done.stdout)?)
}
