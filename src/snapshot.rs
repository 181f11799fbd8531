//! Facts in a file: `ssm-doctor/facts/v2`.
//!
//! A run's facts can be sent to a colleague and judged again, with the same report. A file is read by
//! someone who did not write it, so whatever is wrong with one is said with the file, the place and
//! the next step. The facts name what an attacker would like to know; the file is its owner's only.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use ssm_doctor_analysis::{
    answer::{Answer, Verdict},
    case::Case,
};
use ssm_doctor_checks::engine::diagnosis::examine;
use ssm_doctor_facts::{lookup::Facts, scope::Scope};
use ssm_doctor_redact::redact;

/// Facts, and the question for which they were collected.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub scope: Scope,
    pub facts: Facts,
    pub calls: u32,
    pub rounds: u32,
}

const SCHEMA: &str = "ssm-doctor/facts/v2";
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

impl Snapshot {
    /// From a file, or from standard input if it is `-`.
    ///
    /// # Errors
    /// Whatever is wrong with the file.
    pub fn load(path: &Path) -> Result<Self, SnapshotError> {
        let stdin = path == Path::new("-");
        let file = if stdin { "standard input".into() } else { path.display().to_string() };
        let mut bytes = Vec::new();
        let read = if stdin {
            io::stdin().read_to_end(&mut bytes).map(drop)
        } else {
            fs::read(path).map(|it| bytes = it)
        };
        read.map_err(|error| SnapshotError::Unreadable { file: file.clone(), error })?;
        let text = str::from_utf8(&bytes).map_err(|error| SnapshotError::NotText {
            file: file.clone(),
            byte: error.valid_up_to(),
        })?;
        Self::parse(&file, text)
    }

    fn parse(file: &str, text: &str) -> Result<Self, SnapshotError> {
        let file = || file.to_owned();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let any: serde_json::Value =
            serde_json::from_str(text).map_err(|error| SnapshotError::Damaged {
                file: file(),
                what: plain(&error),
                line: error.line(),
                column: error.column(),
            })?;
        let schema = any.get("schema").map(|schema| schema.as_str().unwrap_or_default());
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
        let mut json = serde_json::Deserializer::from_str(text);
        let File { scope, facts, calls, rounds, .. } = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| {
                let inner = error.inner();
                SnapshotError::Field {
                    file: file(),
                    path: error.path().to_string(),
                    what: plain(inner),
                    line: inner.line(),
                    column: inner.column(),
                }
            })?;
        Ok(Self { scope, facts, calls, rounds })
    }

    /// As [`parse`](Self::parse) reads it.
    ///
    /// # Errors
    /// None that is known: every key of the facts is a string.
    pub fn to_json(&self) -> Result<String, SnapshotError> {
        let Self { scope, facts, calls, rounds } = self.clone();
        let tool = Tool { version: env!("CARGO_PKG_VERSION").into() };
        let file = File { schema: SchemaName::FactsV2, tool, scope, calls, rounds, facts };
        crate::render::safe::json(&file).map_err(SnapshotError::Unwritable)
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
        let [these, those] =
            [self, other].map(|snapshot| examine(&Case::new(&snapshot.facts, &snapshot.scope)));
        let pairs = these.iter().zip(&those);
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
                file: PathBuf::from(path).display().to_string(),
                what,
                found,
                asked: asked.into(),
            }),
            _ => Ok(()),
        }
    }
}

/// Are both answers of the same kind?
fn is_same(a: &Answer, b: &Answer) -> bool {
    match (a, b) {
        (Ok(Verdict::Pass(_)), Ok(Verdict::Pass(_)))
        | (Ok(Verdict::Fail(..)), Ok(Verdict::Fail(..)))
        | (Ok(Verdict::NotApplicable(_)), Ok(Verdict::NotApplicable(_)))
        | (Err(_), Err(_)) => true,
        _ => false,
    }
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
