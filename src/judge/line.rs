//! Facts of many targets, a line of JSON for each: what `judge` reads.
//!
//! The targets of an account and Region share most facts. So a line of shared facts holds for the lines of
//! targets after it, until the next such line. A complete document of facts is a line of its own.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ssm_doctor_facts::{ids::Region, lookup::Facts, scope::Scope};

use crate::snapshot::{self, File, Snapshot, Wrong, schema_of, typed};

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

/// What a line says.
pub enum Read {
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

/// A line about a target.
///
/// # Errors
/// The first value that does not fit.
pub fn read(kind: Kind, text: &str) -> Result<Read, LineError> {
    Ok(match kind {
        Kind::Shared | Kind::Target => {
            let TargetFacts { scope, calls, rounds, facts, .. } = typed(text)?;
            Read::Target(Snapshot { scope, facts, calls, rounds })
        }
        Kind::Complete => Read::Complete(typed::<File>(text)?.snapshot()),
    })
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
