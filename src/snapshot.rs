//! Facts in a file: `ssm-doctor/facts/v2`.
//!
//! A run's facts can be sent to a colleague and judged again, with the same report. A file is read by
//! someone who did not write it, so whatever is wrong with one is said with the file, the place and
//! the next step. The facts name what an attacker would like to know; the file is its owner's only.

use std::{borrow::Cow, io, path::Path};

use schemars::JsonSchema;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::error::Category;
use ssm_doctor_analysis::{
    answer::{Answer, Verdict},
    case::Case,
};
use ssm_doctor_checks::engine::diagnosis::examine;
use ssm_doctor_facts::{lookup::Facts, scope::Scope};
use ssm_doctor_redact::redact;

use crate::{
    input,
    render::safe::{json, json_line},
};

/// Facts, and the question for which they were collected.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub scope: Scope,
    pub facts: Facts,
    pub calls: u32,
    pub rounds: u32,
}

pub const SCHEMA: &str = "ssm-doctor/facts/v2";
const FAMILY: &str = "ssm-doctor/facts/v";
/// The version in [`SCHEMA`].
const VERSION: u32 = 2;

/// Facts of one run of ssm-doctor, as `--save-facts` writes and `--facts` reads them.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "ssm-doctor/facts/v2")]
pub struct File {
    schema: SchemaName,
    tool: Tool,
    scope: Scope,
    /// API calls that the collection took, and in how many dependent rounds.
    #[serde(default)]
    calls: u32,
    #[serde(default)]
    rounds: u32,
    facts: Facts,
}

impl File {
    /// Without its schema and tool.
    #[must_use]
    pub fn snapshot(self) -> Snapshot {
        let Self { scope, facts, calls, rounds, .. } = self;
        Snapshot { scope, facts, calls, rounds }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum SchemaName {
    #[serde(rename = "ssm-doctor/facts/v2")]
    FactsV2,
}

/// What wrote the file.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tool {
    version: String,
}

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("cannot read the facts file `{file}`: {error}")]
    Unreadable { file: String, error: io::Error },
    #[error("the facts file `{file}` is damaged: {what} (line {line}, column {column})")]
    Damaged { file: String, what: String, line: usize, column: usize },
    #[error("the facts file `{file}` is damaged: it is not UTF-8 text from byte {byte} on")]
    NotText { file: String, byte: usize },
    #[error("`{file}` is not a facts file: {what}")]
    Foreign { file: String, what: String },
    #[error("`{file}` is a facts file of version {found}, and this ssm-doctor {} reads version {VERSION}", env!("CARGO_PKG_VERSION"))]
    OtherVersion { file: String, found: u32 },
    #[error(
        "the facts file `{file}` has a wrong value at `{path}`: {what} (line {line}, column {column})"
    )]
    Field { file: String, path: String, what: String, line: usize, column: usize },
    #[error("the facts file `{file}` is about the {what} `{found}`, not `{asked}`")]
    Mismatch { file: String, what: &'static str, found: String, asked: String },
    #[error("the facts file `{file}` cannot be read: line {line}: {what}")]
    Line { file: String, line: usize, what: String },
    #[error("cannot write the facts: {0}")]
    Unwritable(serde_json::Error),
    #[error("cannot redact the facts: {0}")]
    Unredactable(String),
}

impl SnapshotError {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unreadable { .. } => "`--save-facts FILE` writes such a file".into(),
            Self::Damaged { .. } | Self::NotText { .. } => {
                "it may be cut off or edited: get it again, or collect the facts again with `--save-facts FILE`".into()
            }
            Self::Foreign { .. } => "give a file that `ssm-doctor <target> --save-facts FILE` wrote".into(),
            Self::OtherVersion { found, .. } if *found < VERSION => {
                "collect the facts again with `--save-facts FILE`".into()
            }
            Self::OtherVersion { .. } => {
                "use the ssm-doctor that wrote the file, or a newer one".into()
            }
            Self::Field { .. } => {
                "correct the value, or collect the facts again with `--save-facts FILE`; schemas/facts-v2.json describes the format".into()
            }
            Self::Line { .. } => {
                "correct the line, or collect the facts again; schemas/judge-v1.json describes a line".into()
            }
            Self::Mismatch { what, found, .. } => match *what {
                "target" => format!("ask about `{found}`, or leave the target out"),
                what => format!("leave out --{what}, or collect the facts for the one you mean"),
            },
            Self::Unwritable(_) | Self::Unredactable(_) => {
                "this is a defect of ssm-doctor: please report it".into()
            }
        }
    }
}

/// The name of a file and its text; of standard input if it is `-`.
///
/// # Errors
/// If it cannot be read.
pub fn text_of(path: &Path) -> Result<(String, String), SnapshotError> {
    let file = input::name(path);
    let bytes = input::read(path)
        .map_err(|error| SnapshotError::Unreadable { file: file.clone(), error })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((file, text)),
        Err(error) => Err(SnapshotError::NotText { file, byte: error.utf8_error().valid_up_to() }),
    }
}

impl Snapshot {
    /// From a document.
    ///
    /// # Errors
    /// Whatever is wrong with it. `file` is its name.
    pub fn parse(file: &str, text: &str) -> Result<Self, SnapshotError> {
        let file = || file.to_owned();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let schema = schema_of(text).map_err(|Wrong { what, line, column, .. }| {
            SnapshotError::Damaged { file: file(), what, line, column }
        })?;
        let schema = schema.as_deref();
        let version = schema.and_then(|schema| schema.strip_prefix(FAMILY)?.parse::<u32>().ok());
        match (schema, version) {
            (Some(SCHEMA), _) => {}
            (_, Some(found)) => {
                return Err(SnapshotError::OtherVersion { file: file(), found });
            }
            (Some(other), None) => {
                return Err(SnapshotError::Foreign {
                    file: file(),
                    what: format!("its schema is `{other}`, not `{SCHEMA}`"),
                });
            }
            (None, None) => {
                return Err(SnapshotError::Foreign {
                    file: file(),
                    what: format!("it has no `\"schema\": \"{SCHEMA}\"`"),
                });
            }
        }
        let read: Result<File, Wrong> = typed(text);
        read.map(File::snapshot).map_err(|Wrong { path, what, line, column }| {
            SnapshotError::Field { file: file(), path, what, line, column }
        })
    }

    /// As [`parse`](Self::parse) reads it.
    ///
    /// # Errors
    /// None that is known: every key of the facts is a string.
    pub fn to_json(&self) -> Result<String, SnapshotError> {
        json(&self.file()).map_err(SnapshotError::Unwritable)
    }

    /// As [`to_json`](Self::to_json), on one line.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_line(&self) -> Result<String, SnapshotError> {
        json_line(&self.file()).map_err(SnapshotError::Unwritable)
    }

    fn file(&self) -> File {
        let Self { scope, facts, calls, rounds } = self.clone();
        let tool = Tool { version: env!("CARGO_PKG_VERSION").into() };
        File { schema: SchemaName::FactsV2, tool, scope, calls, rounds, facts }
    }

    /// The instance's Name tag, or the name that a node reported.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let Self { facts, scope, .. } = self;
        let instance = scope.target.instance();
        let tag = instance.and_then(|id| facts.instance(id).hint().ok().flatten()?.name.clone());
        let node = || facts.node(&scope.target).hint().ok().flatten()?.computer_name.clone();
        tag.or_else(node)
    }

    /// With pseudonyms in place of what identifies the owner.
    ///
    /// # Errors
    /// [`SnapshotError::Unredactable`] if a pseudonym does not fit.
    pub fn redacted(&self) -> Result<Self, SnapshotError> {
        let (facts, scope) = redact(&self.facts, &self.scope)
            .map_err(|error| SnapshotError::Unredactable(error.0))?;
        Ok(Self { scope, facts, ..self.clone() })
    }

    /// The checks that answer differently for `other`: the rare cases in which redaction loses a relation.
    #[must_use]
    pub fn differing_checks(&self, other: &Self) -> Vec<String> {
        let answers = |of: &Self| examine(&Case::new(&of.facts, &of.scope));
        let (ours, theirs) = (answers(self), answers(other));
        let pairs = ours.iter().zip(&theirs);
        pairs.filter(|(a, b)| !is_same(&a.1, &b.1)).map(|(a, _)| a.0.name()).collect()
    }

    /// Refuses facts that are about something else than the command line.
    ///
    /// # Errors
    /// [`SnapshotError::Mismatch`].
    pub fn expect(
        &self,
        path: &Path,
        what: &'static str,
        asked: Option<&str>,
    ) -> Result<(), SnapshotError> {
        let found = match what {
            "target" => self.scope.target.to_string(),
            _ => self.scope.region.to_string(),
        };
        match asked {
            Some(asked) if asked != found => Err(SnapshotError::Mismatch {
                file: path.display().to_string(),
                what,
                found,
                asked: asked.into(),
            }),
            _ => Ok(()),
        }
    }
}

/// What is wrong with a text of JSON, and where.
#[derive(Debug)]
pub struct Wrong {
    /// From the top of the document, such as `facts.vpcs`; empty for what is no JSON.
    pub path: String,
    pub what: String,
    pub line: usize,
    pub column: usize,
}

/// The name of a document's schema, without reading the rest. None if it has no such name.
///
/// # Errors
/// If the text is no JSON.
pub fn schema_of(text: &str) -> Result<Option<Cow<'_, str>>, Wrong> {
    #[derive(Deserialize)]
    struct Head<'t> {
        #[serde(borrow, default)]
        schema: Option<Cow<'t, str>>,
    }
    match serde_json::from_str::<Head>(text) {
        Ok(head) => Ok(head.schema),
        Err(error) if error.is_data() => {
            let any = serde_json::from_str::<IgnoredAny>(text);
            any.map(|_| None).map_err(|error| Wrong::at(String::new(), &error))
        }
        Err(error) => Err(Wrong::at(String::new(), &error)),
    }
}

/// A document whose schema is known.
///
/// # Errors
/// The first value that does not fit.
pub fn typed<T: DeserializeOwned>(text: &str) -> Result<T, Wrong> {
    // To keep track of the place takes time, and most documents are right.
    serde_json::from_str(text).or_else(|_| {
        let mut json = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut json)
            .map_err(|error| Wrong::at(error.path().to_string(), error.inner()))
            .and_then(|value| match json.end() {
                Ok(()) => Ok(value),
                Err(error) => Err(Wrong::at(String::new(), &error)),
            })
    })
}

impl Wrong {
    fn at(path: String, error: &serde_json::Error) -> Self {
        Self { path, what: plain(error), line: error.line(), column: error.column() }
    }
}

/// Are both answers of the same kind?
fn is_same(a: &Answer, b: &Answer) -> bool {
    matches!(
        (a, b),
        (Ok(Verdict::Pass(_)), Ok(Verdict::Pass(_)))
            | (Ok(Verdict::Fail(..)), Ok(Verdict::Fail(..)))
            | (Ok(Verdict::NotApplicable(_)), Ok(Verdict::NotApplicable(_)))
            | (Err(_), Err(_))
    )
}

/// The message alone: `serde_json` ends it with the place, which we say ourselves.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |it| it.0);
    match (error.classify(), what) {
        (Category::Eof, _) => "it ends in the middle".into(),
        (_, what) if what.starts_with("data did not match any variant of untagged enum") => {
            "found neither such a row, nor `\"absent\"`, nor `{\"unknown\": …}`".into()
        }
        (_, what) => what.into(),
    }
}

#[cfg(test)]
mod tests {
    use ssm_doctor_fixtures as fixtures;

    use super::*;

    #[test]
    fn writing_and_reading_is_the_identity() {
        for scenario in fixtures::all().unwrap() {
            let before =
                Snapshot { scope: scenario.scope, facts: scenario.facts, calls: 7, rounds: 3 };
            let text = before.to_json().unwrap();
            let after = Snapshot::parse("x", &text).unwrap();
            assert_eq!(before, after);
            assert_eq!(after.to_json().unwrap(), text);
        }
    }
}
