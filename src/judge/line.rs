//! Facts of many targets, a line of JSON for each: what `judge` reads.
//!
//! The targets of an account and Region share most facts. So a line of shared facts holds for the lines of
//! targets after it, until the next such line. A complete document of facts is a line of its own.

use std::{collections::BTreeMap, fmt, path::Path};

use memchr::memmem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ssm_doctor_facts::{ids::Region, lookup::Facts, scope::Scope};

use crate::{
    render::json_line,
    snapshot::{self, File, Snapshot, SnapshotError, Wrong, schema_of, text_of, typed},
};

const SHARED: &str = "ssm-doctor/shared-facts/v1";
const TARGET: &str = "ssm-doctor/target-facts/v1";

/// A line that `ssm-doctor judge` reads.
#[derive(JsonSchema)]
#[schemars(title = "ssm-doctor/judge/v1", untagged)]
#[expect(dead_code, reason = "the schema of what the functions below read by its name")]
pub enum Line {
    Complete(File),
    Shared(SharedFacts),
    Target(TargetFacts),
}

/// Facts that hold for the targets on the following lines.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedFacts {
    schema: SharedName,
    /// Of the targets too. Facts of one Region say nothing about another.
    pub region: Region,
    /// The run that collected them was interrupted, and has not asked everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    pub facts: Facts,
}

/// A target, and the facts about it alone. Where they differ from the shared ones, they count.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetFacts {
    schema: TargetName,
    scope: Scope,
    /// API calls that the collection took, and in how many dependent rounds.
    #[serde(default)]
    calls: u32,
    #[serde(default)]
    rounds: u32,
    facts: Facts,
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum SharedName {
    #[serde(rename = "ssm-doctor/shared-facts/v1")]
    SharedFactsV1,
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum TargetName {
    #[serde(rename = "ssm-doctor/target-facts/v1")]
    TargetFactsV1,
}

impl TargetFacts {
    fn snapshot(self) -> Snapshot {
        let Self { scope, calls, rounds, facts, .. } = self;
        Snapshot { scope, facts, calls, rounds }
    }
}

/// What a line says.
pub enum Read {
    Shared(SharedFacts),
    /// Without the shared facts.
    Target(Snapshot),
    Complete(Snapshot),
}

/// Which kind of line it is, by its schema.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Shared,
    Target,
    Complete,
}

/// Why a line cannot be judged.
#[derive(Debug)]
pub struct LineError(String);

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of line it is.
///
/// # Errors
/// If it is no JSON, or of another schema.
pub fn kind(text: &str) -> Result<Kind, LineError> {
    let schema = schema_of(text)?;
    match schema.as_deref() {
        Some(TARGET) => Ok(Kind::Target),
        Some(SHARED) => Ok(Kind::Shared),
        Some(snapshot::SCHEMA) => Ok(Kind::Complete),
        Some(other) => Err(LineError(format!(
            "its schema is `{other}`, not `{}`, `{SHARED}` or `{TARGET}`",
            snapshot::SCHEMA
        ))),
        None => Err(LineError("it has no `schema`".into())),
    }
}

/// A line of shared facts.
///
/// # Errors
/// The first value that does not fit.
pub fn shared(text: &str) -> Result<SharedFacts, LineError> {
    Ok(typed(text)?)
}

/// Any line.
///
/// # Errors
/// If it is no JSON, or of another schema; the first value that does not fit.
pub fn read(text: &str) -> Result<Read, LineError> {
    // Most lines are about targets. To look for the schema first would read each of them twice.
    if let Ok(line) = serde_json::from_str::<TargetFacts>(text) {
        return Ok(Read::Target(line.snapshot()));
    }
    Ok(match kind(text)? {
        Kind::Target => Read::Target(typed::<TargetFacts>(text)?.snapshot()),
        Kind::Shared => Read::Shared(shared(text)?),
        Kind::Complete => Read::Complete(typed::<File>(text)?.snapshot()),
    })
}

/// Can this be a line of shared facts? Takes much less time than [`kind`].
#[must_use]
pub fn may_be_shared(text: &[u8]) -> bool {
    // JSON may write the slash with a backslash, and every letter as an escape.
    memmem::find(text, b"shared-facts").is_some() || memmem::find(text, b"\\u00").is_some()
}

/// What targets of one Region have in common, and what is about each alone. A fact is about a target if its key
/// names it.
fn parts(scopes: &[Scope], facts: &Facts) -> (Facts, BTreeMap<String, Facts>) {
    let mut own: BTreeMap<String, Facts> =
        scopes.iter().map(|scope| (scope.target.to_string(), Facts::default())).collect();
    let mut shared = facts.clone();
    for need in facts.answered() {
        // The whole key names more than what a person is shown of it.
        let key = format!("{need:?}");
        let mut words = key.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
        if let Some(target) = words.find(|word| own.contains_key(*word))
            && let Some(own) = own.get_mut(target)
        {
            own.copy_from(facts, &need);
            shared.copy_from(&Facts::default(), &need);
        }
    }
    (shared, own)
}

/// The lines of targets in one Region: their shared facts, then each target.
///
/// # Errors
/// None that is known: every key of the facts is a string.
#[cfg_attr(not(any(test, feature = "live")), expect(dead_code, reason = "of a live run only"))]
pub fn split(
    scopes: &[Scope],
    facts: &Facts,
    calls: u32,
    rounds: u32,
    incomplete: bool,
) -> serde_json::Result<String> {
    let Some(Scope { region, .. }) = scopes.first() else { return Ok(String::new()) };
    let (shared, mut own) = parts(scopes, facts);
    let schema = SharedName::SharedFactsV1;
    let mut text =
        json_line(&SharedFacts { schema, region: region.clone(), incomplete, facts: shared })?;
    for scope in scopes {
        let schema = TargetName::TargetFactsV1;
        let facts = own.remove(&scope.target.to_string()).unwrap_or_default();
        let line = TargetFacts { schema, scope: scope.clone(), calls, rounds, facts };
        text.push_str(&json_line(&line)?);
    }
    Ok(text)
}

/// The shared facts, with a target's own.
fn with_own(shared: &Facts, own: &Facts) -> Facts {
    let mut facts = shared.clone();
    for need in own.answered() {
        facts.copy_from(own, &need);
    }
    facts
}

/// Each target with its own facts and the shared ones, and without those about the other targets.
#[cfg_attr(not(any(test, feature = "live")), expect(dead_code, reason = "of a live run only"))]
pub fn apart(scopes: &[Scope], facts: &Facts, calls: u32, rounds: u32) -> Vec<Snapshot> {
    let (shared, own) = parts(scopes, facts);
    let snapshot = |scope: &Scope| {
        let own = own.get(&scope.target.to_string()).cloned().unwrap_or_default();
        Snapshot { scope: scope.clone(), facts: with_own(&shared, &own), calls, rounds }
    };
    scopes.iter().map(snapshot).collect()
}

/// From a file, or from standard input if it is `-`: a document of facts, or lines.
///
/// # Errors
/// Whatever is wrong with the file.
pub fn load(path: &Path) -> Result<Vec<Snapshot>, SnapshotError> {
    let (file, text) = text_of(path)?;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().and_then(|line| kind(line).ok());
    match first {
        Some(first) if first != Kind::Complete || lines.next().is_some() => snapshots(&text)
            .map_err(|(line, error)| SnapshotError::Line { file, line, what: error.to_string() }),
        _ => Ok(vec![Snapshot::parse(&file, &text)?]),
    }
}

/// Every target of a text of lines, with all its facts.
///
/// # Errors
/// The number of the first line that cannot be read, and what is wrong with it.
fn snapshots(text: &str) -> Result<Vec<Snapshot>, (usize, LineError)> {
    let (mut all, mut common) = (Vec::new(), None);
    for (at, line) in text.lines().enumerate().filter(|it| !it.1.trim().is_empty()) {
        let failed = |error| (at + 1, error);
        all.push(match read(line).map_err(failed)? {
            Read::Shared(shared) => {
                common = Some(shared);
                continue;
            }
            Read::Complete(snapshot) => snapshot,
            Read::Target(target) => {
                let Some(common) = &common else {
                    let what = "there is no line of shared facts before it";
                    return Err(failed(LineError(what.into())));
                };
                Snapshot { facts: with_own(&common.facts, &target.facts), ..target }
            }
        });
    }
    Ok(all)
}

impl From<Wrong> for LineError {
    fn from(Wrong { path, what, column, .. }: Wrong) -> Self {
        Self(if path.is_empty() {
            format!("it is damaged: {what} (column {column})")
        } else {
            format!("wrong value at `{path}`: {what} (column {column})")
        })
    }
}

#[cfg(test)]
mod tests {
    use ssm_doctor_fixtures as fixtures;

    use super::*;

    #[test]
    fn facts_are_split_by_target_and_nothing_is_lost() {
        let scenario = fixtures::named("private-endpoints").unwrap();
        let (one, facts) = (scenario.scope, scenario.facts);
        let mut facts = facts;
        let two =
            Scope { target: "i-0abc123def4567891".to_owned().try_into().unwrap(), ..one.clone() };
        let id = two.target.instance().unwrap().clone();
        let row = facts.instances.values().next().unwrap().clone();
        facts.instances.insert(id.clone(), row);
        let scopes = [one.clone(), two.clone()];
        let text = split(&scopes, &facts, 7, 3, false).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(!lines[0].contains(id.as_str()) && !lines[0].contains(&one.target.to_string()));
        assert!(!lines[1].contains(id.as_str()) && lines[2].contains(id.as_str()));
        let read = snapshots(&text).unwrap();
        assert_eq!(read, apart(&scopes, &facts, 7, 3));
        let mut both = read[0].facts.clone();
        both.absorb(read[1].facts.clone());
        assert_eq!(both, facts);
        assert!(!read[0].facts.instances.contains_key(&id));
    }
}
