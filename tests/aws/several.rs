//! Targets by name, address and tag, and a whole Region: the same verdicts as for an id.

use std::process::Command;

use serde_json::Value;

use super::{
    bench::{Bench, run_json},
    is_read, list, on_loopback,
    packages::Outcome,
    text,
};

/// An account with a healthy instance; the server takes its time for each answer.
const WORLD: (&str, &str) = ("private-endpoints", "slow-answers");

pub fn examine(bench: &Bench) -> Outcome<()> {
    let account = 100_000_900_001;
    let world = bench.build(account, WORLD.0, &[WORLD.1.to_owned()])?;
    let ask = |args: &[&str]| -> Outcome<(Option<i32>, Value)> {
        let home = tempfile::tempdir()?;
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_ssm-doctor"));
        doctor.args(args).args(["--format", "json", "--region", text(&world["region"])]);
        on_loopback(&mut doctor, home.path(), bench.port, &world["operator_env"]);
        run_json(doctor).map_err(|error| format!("{args:?}: {error}").into())
    };
    let target = text(&world["target"]);
    let (exit, by_id) = ask(&[target, "--no-client"])?;
    let (_, fleet) = ask(&["fleet"])?;
    let node = list(&fleet["nodes"]).iter().find(|node| text(&node["target"]) == target);
    let node = node.ok_or_else(|| format!("the fleet lacks {target}: {fleet}"))?;
    if node["session"] != by_id["verdict"] {
        return Err(
            format!("the fleet says {}, and a run {}", node["session"], by_id["verdict"]).into()
        );
    }
    if let Some(name) = by_id["target"]["name"].as_str() {
        let (by_name_exit, by_name) = ask(&[name, "--no-client"])?;
        if (by_name_exit, &by_name["target"], &by_name["causes"])
            != (exit, &by_id["target"], &by_id["causes"])
        {
            return Err(format!("by name: {}", by_name["target"]).into());
        }
    }
    // Two targets, of which one does not exist: the worst code counts, and neither hides the other.
    let (exit, both) = ask(&[target, "i-0123456789abcdef0", "--no-client"])?;
    let verdicts: Vec<&Value> = list(&both["reports"]).iter().map(|it| &it["verdict"]).collect();
    if exit != Some(2) || verdicts.first() != Some(&&by_id["verdict"]) || verdicts.len() != 2 {
        return Err(format!("two targets: exit code {exit:?}, {verdicts:?}").into());
    }
    match bench.log(account)?.iter().find(|call| !is_read(call)) {
        Some(call) => Err(format!("more than a read: {call}").into()),
        None => Ok(()),
    }
}
