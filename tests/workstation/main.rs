//! The real binary in networks made for it: what it sees of the machine that starts a session. `scenes.json` lists
//! the scenes.
//!
//! Each scene gets network and mount namespaces of its own (`stage.rs`), with a DNS server (dnsmasq), TLS servers on
//! AWS's names, a CONNECT proxy and a packet filter (nftables): nothing is mocked.
//!
//! Besides its own expectations every scene must keep these promises: the facts replay to the same bytes,
//! no request of the doctor's own carries a credential, nothing secret is in the facts, and the doctor
//! ends within its time limits.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod stage;

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, ExitCode},
};

use serde::Deserialize;
use serde_json::{Map, Value};

use stage::{Outcome, SECRETS, Scene, secret_header};

/// In seconds: DNS, a connection's limit, and what the calls to AWS take that find nobody.
const LONGEST: f64 = 25.0;

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
    let doctor = ("doctor", env!("CARGO_BIN_EXE_ssm-doctor"));
    stage::run(include_str!("scenes.json"), doctor, judge)
}

fn judge(scene: &Scene<Expect>, seen: &Value) -> Outcome<()> {
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
        let secret = secret_header(request);
        unless(secret.is_none(), &|| format!("a request carries {secret:?}: {request}"));
    }
    let kept = facts.to_string();
    for secret in SECRETS {
        unless(!kept.contains(secret), &|| format!("the facts hold {secret}"));
    }
    let seconds = seen["seconds"].as_f64().unwrap_or_default();
    unless(seconds < LONGEST, &|| format!("{seconds} seconds"));
    let again = replayed(&seen["facts"], &scene.stage)?;
    unless(again == out, &|| "the facts do not replay to the same bytes".into());
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
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
