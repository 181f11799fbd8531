//! Every folder of a check has all its parts, and what its pages point to exists.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ssm_doctor_checks::{all, engine::check::Check};

use super::examples;

/// The headings of a runbook, in their order.
const HEADINGS: [&str; 6] =
    ["## Recognise it", "## Fix", "## After the fix", "## Confirm", "## Seen as", "## See also"];
/// Those that every runbook has. Some faults show no message, so "Seen as" can be missing.
const REQUIRED: [&str; 5] =
    ["## Recognise it", "## Fix", "## After the fix", "## Confirm", "## See also"];

/// Where the folders of checks are: the last part of a runbook's address is a path in here.
fn checks() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder(check: &Check) -> PathBuf {
    checks().join(check.name())
}

#[test]
fn wholeness_every_runbook_has_all_its_parts() {
    let mut wrong = Vec::new();
    for check in all() {
        let name = check.name();
        let title = check.title();
        if title.is_empty() || !title.ends_with(char::is_alphanumeric) {
            wrong.push(format!("{name}: a title is a claim, without punctuation at its end"));
        }
        let found: Vec<&str> = prose(check.runbook).filter(|l| l.starts_with("## ")).collect();
        for heading in REQUIRED.iter().filter(|heading| !found.contains(heading)) {
            wrong.push(format!("{name}: no heading `{heading}`"));
        }
        let in_order: Vec<&str> = HEADINGS.into_iter().filter(|h| found.contains(h)).collect();
        if found != in_order {
            wrong.push(format!("{name}: headings are to be once, in this order: {in_order:?}"));
        }
        for expects in ["passes", "fails", "unknown"] {
            let is_case = |(other, case): &(&Check, super::Example)| {
                core::ptr::eq(*other, check) && case.expects == expects
            };
            if !examples().iter().any(is_case) {
                wrong.push(format!("{name}: no case is **{expects}**"));
            }
        }
        let cases = fs::read_to_string(folder(check).join("cases.md")).unwrap();
        if !cases.starts_with(&format!("# Cases of {name}\n\nEach ")) {
            wrong.push(format!("{name}: cases.md begins with its name, and with how to read it"));
        }
        if !cases.contains("](README.md)") {
            wrong.push(format!("{name}: cases.md has no link to README.md"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The report's link to a runbook ends with the check's name, and `checks/` is where the link leads.
#[test]
fn wholeness_the_link_of_every_runbook_leads_to_its_file() {
    for check in all() {
        let file = folder(check).join("README.md");
        let text = fs::read_to_string(&file).unwrap_or_default();
        assert!(text == check.runbook, "{}: is not the runbook", file.display());
    }
}

#[test]
fn wholeness_every_relative_link_leads_to_a_file() {
    let mut wrong = Vec::new();
    let root = checks().join("..");
    let mut pages: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .iter()
        .map(|page| root.join(page))
        .collect();
    for check in all() {
        pages.extend(["README.md", "cases.md"].map(|page| folder(check).join(page)));
    }
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let targets = prose(&text).flat_map(|line| line.split("](").skip(1));
        for target in targets.filter_map(|rest| rest.split([')', ' ', '#']).next()) {
            let relative = !target.is_empty() && !target.contains("://");
            if relative && !page.parent().unwrap().join(target).exists() {
                wrong.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "no such file:\n{}", wrong.join("\n"));
}

/// A reader copies commands. Their placeholders are quoted, or the shell would take them for redirections.
#[test]
fn wholeness_every_command_of_a_runbook_parses() {
    if !has_bash() {
        println!("skipped: bash is missing");
        return;
    }
    let mut wrong = Vec::new();
    for check in all() {
        let file = folder(check).join("README.md");
        // Each line stays where it is, so that bash's message has its number.
        let mut inside = false;
        let mut script = String::new();
        for line in check.runbook.lines() {
            if line.starts_with("```") {
                inside = line == "```sh";
            } else if inside {
                script.push_str(line);
            }
            script.push('\n');
        }
        let bash = Command::new("bash").args(["-n", "-c"]).arg(&script).output().unwrap();
        if !bash.status.success() {
            let says = String::from_utf8_lossy(&bash.stderr).into_owned();
            wrong.push(format!("{}: {}", file.display(), says.trim_end()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_bash() -> bool {
    let mut bash = Command::new("bash");
    bash.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    bash.status().is_ok_and(|status| status.success())
}

/// The lines outside of fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// What a check's passing proves must be something it rests on, or a contradiction proves nothing.
#[test]
fn wholeness_a_check_proves_only_what_it_depends_on() {
    for check in all() {
        for proven in check.proves {
            assert!(check.follows_from(proven), "{} proves {}", check.name(), proven.name());
        }
    }
}
