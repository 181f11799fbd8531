//! The real binary in networks made for it: what it sees from where it stands. `scenes.json` holds them.
//!
//! Each scene gets network and mount namespaces of its own, in which `stage.py` puts up a DNS server
//! (dnsmasq), TLS servers on AWS's names, a CONNECT proxy and a packet filter (nftables): nothing is
//! mocked, and nothing of the machine's own network is seen or touched. Namespaces are Linux's; they take
//! root, or a system that lets users have them.
//!
//! Beside its own expectations every scene must keep these promises: the facts replay to the same bytes,
//! no request of the doctor's own carries a credential, nothing secret is in the facts, and looking
//! around takes no longer than its time limits say.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod certificates;

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use serde_json::{Map, Value, json};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// In seconds: DNS, a connection's limit, and what the calls to AWS take that find nobody.
const LONGEST: f64 = 25.0;

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
    /// Verdict by check, without its area.
    #[serde(default)]
    checks: BTreeMap<String, String>,
    /// Words that a check says, in evidence, fix or reason not to know.
    #[serde(default)]
    says: BTreeMap<String, String>,
    /// Saved facts by JSON pointer; null where there must be none.
    #[serde(default)]
    facts: BTreeMap<String, Value>,
    /// Whether the machine was judged.
    judged: Option<bool>,
    /// Words of the error with which the run ends before it has begun.
    refuses: Option<String>,
    /// What the proxy was asked for.
    #[serde(default)]
    connects: Vec<String>,
}

fn main() -> ExitCode {
    let args = Arguments::from_args();
    if !cfg!(target_os = "linux") {
        println!("networks of their own are made on Linux only");
        return ExitCode::SUCCESS;
    }
    let scenes: Vec<Scene> = serde_json::from_str(include_str!("scenes.json")).unwrap();
    // What the servers show, and what a scene's doctor trusts. It goes when the last scene has ended.
    let certificates = certificates::made().unwrap();
    let trials = scenes.into_iter().map(|scene| {
        let certificates = certificates.path().to_owned();
        Trial::test(scene.name.clone(), move || play(&scene, &certificates).map_err(Failed::from))
    });
    libtest_mimic::run(&args, trials.collect()).exit_code()
}

fn play(scene: &Scene, certificates: &Path) -> Outcome<()> {
    let seen = staged(scene, certificates)?;
    let mut complaints = Vec::new();
    let mut unless = |holds: bool, complaint: &dyn Fn() -> String| {
        if !holds {
            complaints.push(complaint());
        }
    };
    let out = seen["out"].as_str().unwrap_or_default();
    let expect = &scene.expect;
    if let Some(words) = &expect.refuses {
        let told = seen["err"].as_str().unwrap_or_default();
        let refused = seen["code"] == 2 && told.starts_with("error: ") && told.contains(words);
        return if refused { Ok(()) } else { Err(format!("not refused: {seen}").into()) };
    }
    let report: Value = serde_json::from_str(out).map_err(|error| format!("{error}: {seen}"))?;
    let findings = report["findings"].as_array().ok_or("no findings")?;
    let finding = |name: &str| {
        let name = format!("client/{name}");
        findings.iter().find(|it| it["check"] == name).cloned().unwrap_or_default()
    };
    for (check, verdict) in &expect.checks {
        let found = finding(check);
        unless(found["verdict"] == verdict.as_str(), &|| {
            format!("{check}: not {verdict}: {found}")
        });
    }
    for (check, words) in &expect.says {
        let found = finding(check).to_string();
        unless(found.contains(words), &|| format!("{check} does not say {words}: {found}"));
    }
    let facts = &seen["facts"]["facts"];
    for (place, value) in &expect.facts {
        let found = facts.pointer(place).unwrap_or(&Value::Null);
        unless(found == value, &|| format!("{place} is {found}, not {value}"));
    }
    if let Some(judged) = expect.judged {
        unless(report["client"]["judged"] == judged, &|| format!("judged: {}", report["client"]));
    }
    let said = seen["said"].as_array().ok_or("nothing said")?;
    for host in &expect.connects {
        let found = said.iter().any(|it| it["connect"] == host.as_str());
        unless(found, &|| format!("the proxy was not asked for {host}: {said:?}"));
    }

    let ours = said.iter().filter(|it| {
        let agent = it["headers"]["user-agent"].as_str().unwrap_or_default();
        agent.starts_with("ssm-doctor/")
    });
    for request in ours {
        let headers = request["headers"].as_object().into_iter().flatten();
        let secret = headers.map(|it| it.0.to_lowercase()).find(|it| {
            it.contains("authorization") || it.contains("token") || it.contains("cookie")
        });
        unless(secret.is_none(), &|| format!("a request carries {secret:?}: {request}"));
    }
    let kept = facts.to_string();
    for secret in ["SCENESECRET", "AKIDSCENE", "hunter2"] {
        unless(!kept.contains(secret), &|| format!("the facts hold {secret}"));
    }
    let seconds = seen["seconds"].as_f64().unwrap_or_default();
    unless(seconds < LONGEST, &|| format!("{seconds} seconds"));
    let again = replayed(&seen["facts"], &scene.stage)?;
    unless(again == out, &|| "the facts do not replay to the same bytes".into());
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

/// Runs the doctor on a scene's stage.
fn staged(scene: &Scene, certificates: &Path) -> Outcome<Value> {
    let mut stage = scene.stage.clone();
    stage.insert("doctor".into(), json!(env!("CARGO_BIN_EXE_ssm-doctor")));
    stage.insert("certificates".into(), json!(certificates));
    let mut child = Command::new("unshare")
        .args(["--map-root-user", "--net", "--mount", "python3", "-B"])
        .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/probe/stage.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("no stdin")?.write_all(Value::from(stage).to_string().as_bytes())?;
    let done = child.wait_with_output()?;
    let told = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        return Err(format!(
            "the stage did not come up; it takes root or user namespaces, dnsmasq, ip and nft: {told}"
        )
        .into());
    }
    Ok(serde_json::from_slice(&done.stdout)?)
}

/// The report on saved facts, elsewhere, for the same kind of session.
fn replayed(facts: &Value, stage: &Map<String, Value>) -> Outcome<String> {
    let args = stage.get("args").and_then(Value::as_array).into_iter().flatten();
    let args = args.filter_map(Value::as_str).skip_while(|it| *it != "--session").take(2);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("facts.json");
    fs::write(&file, facts.to_string())?;
    let done = Command::new(env!("CARGO_BIN_EXE_ssm-doctor"))
        .args(["--format", "json", "--facts"])
        .arg(&file)
        .args(args)
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("CI", "true")
        .output()?;
    Ok(String::from_utf8(done.stdout)?)
}
