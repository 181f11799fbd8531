//! `--wait`: it ends when the agent reports again, asks again only for what can change, and ends at once where waiting
//! cannot help.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{
    bench::{Bench, http},
    is_read, on_loopback,
    packages::Outcome,
    text,
};

const WORLD: &str = "private-endpoints";

pub fn examine(bench: &Bench) -> Outcome<()> {
    until_the_agent_reports(bench, 100_000_900_011)?;
    not_for_a_stopped_instance(bench, 100_000_900_012)
}

fn waiting(bench: &Bench, world: &Value, home: &tempfile::TempDir) -> Command {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_ssm-doctor"));
    doctor.args([text(&world["target"]), "--wait=5m", "--no-client", "--format", "json"]);
    doctor.args(["--region", text(&world["region"])]);
    on_loopback(&mut doctor, home.path(), bench.port, &world["operator_env"]);
    doctor.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    doctor
}

fn until_the_agent_reports(bench: &Bench, account: u64) -> Outcome<()> {
    let world = bench.build(account, WORLD, &["connection-lost".to_owned()])?;
    let home = tempfile::tempdir()?;
    let mut child = waiting(bench, &world, &home).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().ok_or("no stderr")?).lines();
    let mut said = String::new();
    loop {
        let line = lines.next().ok_or_else(|| format!("it ended without waiting: {said}"))??;
        said.push_str(&line);
        if line.contains("waiting for: ") {
            break;
        }
    }
    let first = bench.log(account)?;
    let region = text(&world["region"]);
    let path = format!("/_test/state?account={account}&region={region}");
    http(bench.port, "PUT", &path, &world["reports"].to_string())?;
    let mut stdout = String::new();
    child.stdout.take().ok_or("no stdout")?.read_to_string(&mut stdout)?;
    for line in lines {
        said.push_str(&line?);
    }
    let exit = child.wait()?.code();
    let report: Value = serde_json::from_str(&stdout)?;
    if exit != Some(0) || report["verdict"] != "healthy" {
        return Err(format!("exit code {exit:?}, {}: {said}", report["verdict"]).into());
    }
    if !said.contains(&format!("aws ssm start-session --target {}", text(&world["target"]))) {
        return Err(format!("it does not end with the command: {said}").into());
    }
    let all = bench.log(account)?;
    if let Some(call) = all.iter().find(|call| !is_read(call)) {
        return Err(format!("more than a read: {call}").into());
    }
    // Two looks follow: a short one for what can change, and a whole one that decides.
    let (first, all) = (first.len(), all.len());
    if all >= 3 * first {
        return Err(format!("{first} calls at first, {all} in all: nothing was kept").into());
    }
    Ok(())
}

fn not_for_a_stopped_instance(bench: &Bench, account: u64) -> Outcome<()> {
    let world = bench.build(account, WORLD, &["instance-stopped".to_owned()])?;
    let home = tempfile::tempdir()?;
    let done = waiting(bench, &world, &home).spawn()?.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.code() != Some(1) || !said.contains("waiting does not help") {
        return Err(format!("exit code {:?}: {said}", done.status.code()).into());
    }
    Ok(())
}
