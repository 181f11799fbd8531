//! `fleet`: counts, groups, exit code, saved facts, and how many calls it takes; by roles of other accounts; interrupted
//! and continued.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    bench::{Bench, http, run, run_json},
    is_read, list, on_loopback,
    packages::{Outcome, finish},
    text,
};

/// Accounts, each with a break of `worlds.py`: how many instances of the Region work, are blocked, and are stopped.
const FLEETS: [(u64, &str, [u64; 3]); 2] =
    [(100_000_910_001, "small-fleet", [2, 1, 1]), (100_000_910_002, "larger-fleet", [6, 3, 2])];

pub fn region(bench: &Bench) -> Outcome<()> {
    let mut calls = Vec::new();
    for (account, breaks, [healthy, blocked, stopped]) in FLEETS {
        let world = bench.build(account, "private-endpoints", &[breaks.to_owned()])?;
        let home = tempfile::tempdir()?;
        let facts = home.path().join("facts.ndjson");
        let save: [&Path; 2] = [Path::new("--save-facts"), &facts];
        let (exit, fleet) = ask(bench, &world, &save.map(|word| word.display().to_string()))?;
        let expected = json!({
            "nodes": healthy + blocked + stopped,
            "managed": healthy,
            "unmanaged": blocked,
            "stopped": stopped,
            "unknown": 0,
            "session_can_start": healthy,
            "session_blocked": blocked,
            "session_unknown": 0,
        });
        same("counts", &fleet["summary"], &expected)?;
        same("exit code", &json!(exit), &json!(1))?;
        let groups = list(&fleet["groups"]);
        let rows: Vec<Value> = groups
            .iter()
            .map(|group| {
                json!([
                    group["check"],
                    list(&group["nodes"]).len(),
                    group["changes"],
                    group["heals"]
                ])
            })
            .collect();
        // A profile has to be attached to each instance.
        same(
            "groups",
            &json!(rows),
            &json!([["identity/profile-attached", blocked, blocked, blocked]]),
        )?;

        let log = bench.log(account)?;
        if let Some(call) = log.iter().find(|call| !is_read(call)) {
            return Err(format!("more than a read: {call}").into());
        }
        let questions: BTreeSet<String> = log.iter().map(question).collect();
        let twice = log.len() - questions.len();
        same("calls that were made before", &json!(twice), &json!(0))?;
        let mut count: BTreeMap<String, u64> = BTreeMap::new();
        for call in &log {
            *count.entry(text(&call["action"]).to_owned()).or_default() += 1;
        }
        calls.push(count);

        // The saved facts say the same, and a node that is no longer examined is not asked about.
        let saved = fs::read_to_string(&facts)?;
        let lines: Vec<&str> = saved.lines().collect();
        same("lines of facts", &json!(lines.len()), &json!(1 + healthy + blocked + stopped))?;
        let file = facts.display().to_string();
        let (again, regrouped) = ask(bench, &world, &["--facts".into(), file.clone()])?;
        same("exit code of saved facts", &json!(again), &json!(exit))?;
        same("saved facts", &regrouped, &fleet)?;
        let (all_work, managed) = ask(bench, &world, &["--managed".into(), "yes".into()])?;
        same("exit code without the blocked", &json!(all_work), &json!(0))?;
        same("managed nodes", &managed["summary"]["nodes"], &json!(healthy))?;
    }
    // A node that reports takes a call for its session channel. The simulator is asked what the role and the operator may
    // do with each node. Nothing else grows with the nodes.
    for (count, (_, _, [healthy, _, _])) in calls.iter_mut().zip(FLEETS) {
        same("calls for channels", &json!(count.remove("GetConnectionStatus")), &json!(healthy))?;
        count.remove("SimulatePrincipalPolicy");
    }
    same("calls for more nodes", &json!(calls[1]), &json!(calls[0]))
}

/// The account of a role instead of our own.
pub fn accounts(bench: &Bench) -> Outcome<()> {
    let (own, other) = (100_000_920_001, 100_000_920_002);
    let ours = bench.build(own, "private-endpoints", &[])?;
    let breaks = ["small-fleet", "assumable"].map(str::to_owned);
    let theirs = bench.build(other, "private-endpoints", &breaks)?;
    let role = format!("arn:aws:iam::{other}:role/ssm-doctor");
    let args = ["--assume-role".to_owned(), role.clone()];
    let (exit, fleet) = ask(bench, &ours, &args)?;
    same("exit code", &json!(exit), &json!(1))?;
    let counts = ["nodes", "managed", "unmanaged", "stopped", "session_can_start"]
        .map(|name| &fleet["summary"][name]);
    same("counts", &json!(counts), &json!([4, 2, 1, 1, 2]))?;
    for node in list(&fleet["nodes"]) {
        same("the account of a node", &node["account"], &theirs["account"])?;
    }
    for (account, may_assume) in [(own, true), (other, false)] {
        let log = bench.log(account)?;
        let wrong = log
            .iter()
            .find(|call| !(is_read(call) || may_assume && text(&call["action"]) == "AssumeRole"));
        if let Some(call) = wrong {
            return Err(format!("more than a read: {call}").into());
        }
    }

    let region = text(&ours["region"]);
    let path = format!("/_test/state?account={own}&region={region}");
    http(bench.port, "PUT", &path, &json!({ "deny": ["sts:AssumeRole"] }).to_string())?;
    let home = tempfile::tempdir()?;
    let (exit, _, stderr) = run(doctor(bench.port, &ours, home.path(), &args))?;
    same("exit code if the role is refused", &json!(exit), &json!(2))?;
    let says = format!("`{role}` cannot be assumed");
    if stderr.contains(&says) { Ok(()) } else { Err(format!("no `{says}`: {stderr}").into()) }
}

/// A run that the user interrupts, and one that continues it.
pub fn interrupted(bench: &Bench) -> Outcome<()> {
    let account = 100_000_930_001;
    let world = bench.build(account, "private-endpoints", &["small-fleet".to_owned()])?;
    let home = tempfile::tempdir()?;
    let facts = home.path().join("facts.ndjson").display().to_string();
    // In the second Region there is nothing.
    let regions = ["--region", "eu-west-3"].map(str::to_owned);
    let (_, complete) = ask(bench, &world, &regions)?;
    clear(bench, account)?;

    let hang = json!({ "action": "GetConnectionStatus", "fault": "hang" });
    let proxy = bench.proxy(&[hang])?;
    let save = ["--save-facts".to_owned(), facts.clone()];
    let mut command = doctor(proxy.port, &world, home.path(), &[&regions[..], &save].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // By then the answers about the VPC have arrived.
    let asked =
        |log: &[Value]| log.iter().any(|call| text(&call["action"]) == "SimulatePrincipalPolicy");
    let patience = Instant::now() + Duration::from_mins(2);
    while !asked(&bench.log(account)?) && Instant::now() < patience {
        thread::sleep(Duration::from_millis(50));
    }
    finish(Command::new("kill").args(["-INT", &child.id().to_string()]))?;
    let ended = child.wait_with_output()?;
    let stderr = String::from_utf8_lossy(&ended.stderr);
    same("exit code of an interrupted run", &json!(ended.status.code()), &json!(130))?;
    for says in ["a part of ap-northeast-1", "eu-west-3", "--resume"] {
        if !stderr.contains(says) {
            return Err(format!("no `{says}`: {stderr}").into());
        }
    }
    let partial: Value = serde_json::from_slice(&ended.stdout)?;
    same("nodes of an interrupted run", &partial["summary"]["nodes"], &json!(4))?;
    same("healthy by unknown facts", &partial["summary"]["session_can_start"], &json!(0))?;

    clear(bench, account)?;
    let resume = ["--resume".to_owned(), facts.clone()];
    let (exit, resumed) = ask(bench, &world, &[&regions[..], &resume].concat())?;
    same("exit code of the continued run", &json!(exit), &json!(1))?;
    same("the continued run", &resumed, &complete)?;
    let log = bench.log(account)?;
    let count = |action: &str| log.iter().filter(|call| text(&call["action"]) == action).count();
    same("calls that the first run made", &json!(count("GetInstanceProfile")), &json!(0))?;
    same("calls that it lacked", &json!(count("GetConnectionStatus")), &json!(2))?;
    // Now everything is there.
    clear(bench, account)?;
    let (_, again) = ask(bench, &world, &[&regions[..], &resume].concat())?;
    same("a run with nothing to do", &again, &complete)
}

fn clear(bench: &Bench, account: u64) -> Outcome<()> {
    http(bench.port, "DELETE", &format!("/_test/log?account={account}"), "").map(drop)
}

fn ask(bench: &Bench, world: &Value, args: &[String]) -> Outcome<(Option<i32>, Value)> {
    let home = tempfile::tempdir()?;
    let doctor = doctor(bench.port, world, home.path(), args);
    run_json(doctor).map_err(|error| format!("{args:?}: {error}").into())
}

fn doctor(port: u16, world: &Value, home: &Path, args: &[String]) -> Command {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_ssm-doctor"));
    doctor.args(["fleet", "--format", "json", "--region", text(&world["region"])]).args(args);
    on_loopback(&mut doctor, home, port, &world["operator_env"]);
    doctor
}

/// What a call asks, whoever asks it and whenever.
fn question(call: &Value) -> String {
    json!([call["service"], call["action"], call["region"], call["params"]]).to_string()
}

fn same(what: &str, found: &Value, expected: &Value) -> Outcome<()> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: {found}, not {expected}").into())
}
