//! The real probe on nodes made for it: what it sees, and what the checks conclude. `scenes.json` lists the scenes.
//!
//! A scene gets namespaces of its own, as those of the workstation do (`tests/workstation/`, whose stage this uses):
//! real DNS, TLS, proxy, packet filter, metadata service and file systems. Besides its own expectations every
//! scene must keep these promises: the output is read back, nothing secret is in it, no request carries a
//! credential, and the probe stays within its limits of time and memory.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

#[path = "../../tests/workstation/stage.rs"]
mod stage;

use std::{collections::BTreeMap, process::ExitCode};

use serde::Deserialize;
use serde_json::Value;
use ssm_doctor_analysis::{answer::Verdict, case::Case};
use ssm_doctor_checks::engine::diagnosis::{diagnose, examine, settle};
use ssm_doctor_facts::{
    lookup::Row,
    probe::Probe,
    ssm::{Connection, Ping},
    time::Timestamp,
};
use ssm_doctor_fixtures as fixtures;

use stage::{NODE, Outcome, SECRETS, Scene, secret_header};

/// In seconds, as promised.
const LONGEST: f64 = 15.0;
/// In KiB, as promised.
const MOST_MEMORY: u64 = 64 << 10;
/// The healthy account whose node the probe runs on; its agent is lost.
const ACCOUNT: &str = "private-endpoints";

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
    stage::run(include_str!("scenes.json"), (NODE, env!("CARGO_BIN_EXE_ssm-doctor-probe")), judge)
}

fn judge(scene: &Scene<Expect>, seen: &Value) -> Outcome<()> {
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
    let (answers, cause) = diagnosed(probe)?;
    for (check, verdict) in &scene.expect.checks {
        let found = answers.get(check).ok_or_else(|| format!("no check {check}"))?;
        unless(found.starts_with(verdict), format!("{check} is not {verdict}: {found}"));
    }
    unless(cause == scene.expect.cause, format!("the first cause is {cause:?}"));

    for secret in SECRETS {
        unless(!text.contains(secret), format!("the output holds {secret}"));
    }
    for request in seen["said"].as_array().ok_or("nothing said")? {
        let secret = secret_header(request);
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
fn diagnosed(mut probe: Probe) -> Outcome<(BTreeMap<String, String>, Option<String>)> {
    let scenario =
        fixtures::all()?.into_iter().find(|it| it.name == ACCOUNT).ok_or("no account")?;
    let (mut facts, mut scope) = (scenario.facts, scenario.scope);
    let target = scope.target.clone();
    if let Some(Row::Present(node)) = facts.nodes.get_mut(&target) {
        node.ping = Ping::ConnectionLost;
        // Before the probe, whose clock may be wrong by hours.
        node.last_ping = Timestamp::from_second(scope.at.as_second() - 6 * 60 * 60);
    }
    facts.connections.insert(target.clone(), Row::Present(Connection::NotConnected));
    // The account is always of the same hour, and the probe is of now.
    probe.at = Some(scope.at);
    // The machine that runs this test may be a container, and stands for the node all the same.
    probe.container = false;
    // The account is in a Region of its own too.
    probe.region = Some(scope.region.to_string());
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
