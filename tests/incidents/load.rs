//! The files of `fixtures/incidents/`, for every test that reads them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde::de::DeserializeOwned;
use serde_json::Value;
use ssm_doctor_analysis::node::agent_log::{Kind, Matcher, Scan, Scanner, merge};
use ssm_doctor_facts::{agent_log::AgentLog, lookup::Row};
use ssm_doctor_fixtures::{self as fixtures, Scenario};

/// `fixtures/incidents/`. Tests of both packages include this file, and only one of the packages has
/// its manifest at the root of the repository.
pub fn folder() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = package.ancestors().map(|above| above.join("fixtures/incidents"));
    folders.find(|folder| folder.is_dir()).unwrap()
}

/// The name of every incident, in order.
pub fn incidents() -> BTreeSet<String> {
    let mut names = names(&folder());
    names.retain(|name| name != "baselines" && folder().join(name).is_dir());
    names
}

/// Of the files in a folder, in order.
pub fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

pub fn read<T: DeserializeOwned>(file: &Path) -> T {
    let text = fs::read_to_string(file).unwrap_or_else(|it| panic!("{}: {it}", file.display()));
    parse(&text, file)
}

pub fn parse<T: DeserializeOwned>(text: &str, file: &Path) -> T {
    serde_json::from_str(text).unwrap_or_else(|it| panic!("{}: {it}", file.display()))
}

/// What the doctor reads of the agent's log files that are beside a file; None without such files.
fn agent_log(file: &Path) -> Option<AgentLog> {
    static MATCHER: OnceLock<Matcher> = OnceLock::new();
    let matcher = MATCHER.get_or_init(|| Matcher::new().unwrap());
    let folder = file.parent().unwrap();
    let files = names(folder)
        .into_iter()
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "log"));
    let scans = files.map(|name| {
        let mut scanner = Scanner::new(matcher);
        scanner.push(&fs::read(folder.join(&name)).unwrap());
        let scan = scanner.finish(Kind::of(&name));
        assert!(scan.is_recognized(), "{}: {name} is no log of the agent", folder.display());
        scan
    });
    let scans: Vec<Scan> = scans.collect();
    (!scans.is_empty()).then(|| merge(scans, None))
}

/// The scenario of a file: its patch over its baseline, which is another file or at last a built-in
/// scenario, with the agent's log of the nearest folder that has one. Then the names of all its
/// baselines, the nearest first: `baselines/<name>`, an incident's or a built-in scenario's.
pub fn scenario(name: &str, file: &Path) -> (Scenario, Vec<String>) {
    let (mut file, mut patches, mut baselines) = (file.to_owned(), Vec::new(), Vec::new());
    let mut log = None;
    loop {
        log = log.or_else(|| agent_log(&file));
        let mut patch: Value = read(&file);
        let baseline = patch.as_object_mut().and_then(|fields| fields.remove("baseline"));
        let baseline = baseline.as_ref().and_then(Value::as_str).map(str::to_owned);
        let baseline = baseline.unwrap_or_else(|| panic!("{}: no baseline", file.display()));
        patches.insert(0, patch);
        let grown = folder().join("baselines").join(&baseline).with_extension("json");
        let incident = folder().join(&baseline).join("facts.json");
        if grown.exists() {
            baselines.push(format!("baselines/{baseline}"));
            file = grown;
        } else if incident.exists() {
            baselines.push(baseline);
            file = incident;
        } else {
            let mut scenario = fixtures::patched(name.into(), &baseline, &patches).unwrap();
            if let Some(log) = log {
                let target = scenario.scope.target.clone();
                scenario.scope.agent_log = true;
                scenario.facts.agent_logs.insert(target, Row::Present(log));
            }
            baselines.push(baseline);
            return (scenario, baselines);
        }
    }
}
