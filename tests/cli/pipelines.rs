//! The scripts of `ci/` and what its documents show, run with the binary at hand.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{BROKEN, ROOT, facts, folder, json, path};

/// A shell that finds this ssm-doctor, in an environment made from nothing.
fn bash(folder: &Path) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_ssm-doctor")).parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([binary].into_iter().chain(env::split_paths(&path))).unwrap();
    let mut command = Command::new("bash");
    command
        .env_clear()
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", "/nonexistent")
        .current_dir(folder);
    command
}

fn parses(script: &str, place: &str) {
    let done = Command::new("bash").args(["-n", "-c", script]).output().unwrap();
    assert!(done.status.success(), "{place}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn scripts_parse() {
    for file in ["ci/run.sh", "ci/install.sh"] {
        parses(&fs::read_to_string(Path::new(ROOT).join(file)).unwrap(), file);
    }
    let document = fs::read_to_string(Path::new(ROOT).join("ci/README.md")).unwrap();
    let blocks: Vec<&str> =
        document.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        parses(block, "ci/README.md");
    }
    // The action passes its inputs by the environment: an input is no part of a script.
    let action = fs::read_to_string(Path::new(ROOT).join("action.yml")).unwrap();
    for line in action.lines().filter(|line| line.trim_start().starts_with("run:")) {
        assert!(!line.contains("${{"), "{line}");
    }
    for input in
        action.lines().filter_map(|line| line.trim().strip_prefix("INPUT_")?.split(':').next())
    {
        let script = fs::read_to_string(Path::new(ROOT).join("ci/run.sh")).unwrap();
        assert!(script.contains(&format!("INPUT_{input}")), "{input}");
    }
}

#[test]
fn the_github_action_reports_and_ends_as_the_doctor_does() {
    let folder = folder();
    let [summary, output] = ["summary", "output"].map(|name| path(&folder, name));
    for (scenario, fail_on, code) in
        [("private-endpoints", "", 0), (BROKEN, "", 1), (BROKEN, "never", 0)]
    {
        let facts = facts(&folder, scenario, |_| {});
        let done = bash(folder.path())
            .arg(Path::new(ROOT).join("ci/run.sh"))
            .envs([
                ("INPUT_FACTS", facts.as_str()),
                ("INPUT_FAIL_ON", fail_on),
                ("INPUT_FOLDER", "out"),
            ])
            .envs([("INPUT_TARGET", super::TARGET), ("INPUT_REDACT", "false")])
            .envs([("GITHUB_STEP_SUMMARY", &summary), ("GITHUB_OUTPUT", &output)])
            .output()
            .unwrap();
        let out = String::from_utf8(done.stdout).unwrap();
        let err = String::from_utf8(done.stderr).unwrap();
        assert_eq!((done.status.code(), err.as_str()), (Some(code), ""), "{scenario} {fail_on}");
        assert!(out.contains("::notice title=ssm-doctor::"), "{out}");
        let outputs = fs::read_to_string(&output).unwrap();
        assert!(outputs.ends_with(&format!(
            "exit-code={code}\nsarif=out/report.sarif\njson=out/report.json\n"
        )));
        assert!(fs::read_to_string(&summary).unwrap().contains("## "));
        let report: PathBuf = folder.path().join("out/report.json");
        assert_eq!(json(&fs::read_to_string(report).unwrap())["target"]["id"], super::TARGET);
        assert!(
            folder.path().join("out/report.sarif").exists()
                && folder.path().join("out/report.xml").exists()
        );
    }
}

/// Facts of two targets, a line for each.
fn two_targets(folder: &tempfile::TempDir) -> String {
    let line =
        |scenario| json(&fs::read_to_string(facts(folder, scenario, |_| {})).unwrap()).to_string();
    let lines = format!("{}\n{}\n", line("private-endpoints"), line("hybrid"));
    let file = path(folder, "two.ndjson");
    fs::write(&file, lines).unwrap();
    file
}

#[test]
fn the_github_action_takes_several_targets() {
    let folder = folder();
    let targets = format!("{}\nmi-0123456789abcdef0\n", super::TARGET);
    let done = bash(folder.path())
        .arg(Path::new(ROOT).join("ci/run.sh"))
        .envs([("INPUT_FACTS", two_targets(&folder).as_str()), ("INPUT_TARGET", &targets)])
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(out.contains(super::TARGET) && out.contains("mi-0123456789abcdef0"), "{out}");
}

#[test]
fn the_runner_that_has_the_doctor_installs_nothing() {
    let folder = folder();
    let done = bash(folder.path()).arg(Path::new(ROOT).join("ci/install.sh")).output().unwrap();
    assert!(done.status.success() && String::from_utf8_lossy(&done.stdout).contains("ssm-doctor"));
}

#[test]
fn the_gitlab_job_reports_and_ends_as_the_doctor_does() {
    let template = fs::read_to_string(Path::new(ROOT).join("ci/gitlab.yml")).unwrap();
    let (_, rest) = template.split_once("    - |\n").unwrap();
    let lines = rest.lines().map_while(|line| line.strip_prefix("      "));
    let script = lines.fold(String::new(), |text, line| text + line + "\n");
    assert!(script.contains("ssm-doctor \"${args[@]}\""));
    parses(&script, "ci/gitlab.yml");
    let folder = folder();
    let facts = facts(&folder, BROKEN, |_| {});
    let run = |baseline: &str, fail_on: &str| {
        let variables = [
            ("SSM_DOCTOR_FACTS", facts.as_str()),
            ("SSM_DOCTOR_TARGET", ""),
            ("SSM_DOCTOR_FAIL_ON", fail_on),
        ];
        let mut command = bash(folder.path());
        command
            .args(["-euo", "pipefail", "-c", &script])
            .envs(variables)
            .env("SSM_DOCTOR_BASELINE", baseline);
        command.output().unwrap().status.code().unwrap()
    };
    assert_eq!(run("", "blocks"), 1);
    for file in ["ssm-doctor.xml", "ssm-doctor.sarif", "ssm-doctor.json"] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
    let earlier = path(&folder, "earlier.json");
    fs::copy(folder.path().join("ssm-doctor.json"), &earlier).unwrap();
    assert_eq!((run(&earlier, "blocks"), run("", "never")), (0, 0));
}
