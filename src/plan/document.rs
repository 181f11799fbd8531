//! A plan as `terraform show -json PLANFILE` and `tofu show -json PLANFILE` write it.
//!
//! Source: Terraform's documentation, "JSON Output Format". Formats 0.1 and 1.x have the same shape; later
//! ones add fields. Other documents of Terraform look alike, so each is recognized and named.

use std::{collections::BTreeMap, io, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    input,
    snapshot::{Wrong, typed},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Document {
    pub format_version: String,
    pub timestamp: Option<String>,
    pub variables: BTreeMap<String, Variable>,
    pub resource_changes: Vec<ResourceChange>,
    pub prior_state: Option<State>,
    pub configuration: Configuration,
    pub errored: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Variable {
    pub value: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResourceChange {
    pub address: String,
    pub previous_address: Option<String>,
    pub mode: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub index: Option<Value>,
    pub module_address: Option<String>,
    pub provider_name: String,
    /// An object that was replaced before and is still to be destroyed.
    pub deposed: Option<String>,
    pub change: Change,
}

impl ResourceChange {
    /// Does the plan do anything with the resource? To forget it is a change too.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.change.actions.iter().any(|action| action != "no-op" && action != "read")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Change {
    /// `["create"]`, `["delete", "create"]`, `["no-op"]`, `["forget"]`…
    pub actions: Vec<String>,
    pub before: Value,
    pub after: Value,
    /// `true` in the place of what is known only after apply.
    pub after_unknown: Value,
    pub before_sensitive: Value,
    pub after_sensitive: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct State {
    pub values: StateValues,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StateValues {
    pub root_module: StateModule,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StateModule {
    pub address: String,
    pub resources: Vec<StateResource>,
    pub child_modules: Vec<StateModule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StateResource {
    pub address: String,
    pub mode: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub index: Option<Value>,
    pub values: Value,
    pub sensitive_values: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Configuration {
    pub provider_config: BTreeMap<String, ProviderConfig>,
    pub root_module: Module,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProviderConfig {
    pub full_name: String,
    pub name: String,
    pub expressions: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Module {
    pub resources: Vec<ResourceConfig>,
    #[serde(rename = "module_calls")]
    pub calls: BTreeMap<String, ModuleCall>,
    pub outputs: BTreeMap<String, Output>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResourceConfig {
    pub address: String,
    pub provider_config_key: String,
    pub expressions: Map<String, Value>,
    pub for_each_expression: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ModuleCall {
    /// A path if it begins with `.`, else an address.
    pub source: String,
    pub expressions: Map<String, Value>,
    pub count_expression: Value,
    pub for_each_expression: Value,
    pub module: Module,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Output {
    pub expression: Value,
}

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("cannot read the plan `{file}`: {error}")]
    Unreadable { file: String, error: io::Error },
    #[error("`{file}` is a binary plan, not its JSON")]
    Binary { file: String },
    #[error("`{file}` is not a Terraform plan in JSON: it is not UTF-8 text from byte {byte} on")]
    NotText { file: String, byte: usize },
    #[error("the plan `{file}` is damaged: {what} (line {line}, column {column})")]
    Damaged { file: String, what: String, line: usize, column: usize },
    #[error("`{file}` is not a Terraform plan in JSON: it is {what}")]
    Foreign { file: String, what: &'static str },
    #[error("the plan `{file}` has format version `{found}`, and this ssm-doctor {} reads 0.1 to 1.x", env!("CARGO_PKG_VERSION"))]
    OtherVersion { file: String, found: String },
    #[error(
        "the plan `{file}` has a wrong value at `{path}`: {what} (line {line}, column {column})"
    )]
    Field { file: String, path: String, what: String, line: usize, column: usize },
    #[error("the plan `{file}` is incomplete: Terraform stopped with an error while it planned")]
    Incomplete { file: String },
    #[error("the facts file `{file}` is not about one instance")]
    SeveralFacts { file: String },
    #[error("the plan has no target `{asked}`")]
    NoTarget { asked: String, known: Vec<String> },
    #[error("the plan does not show the Region of {address}")]
    NoRegion { address: String },
}

impl PlanError {
    #[must_use]
    pub fn help(&self) -> String {
        const SHOW: &str = "run `terraform plan -out plan.bin`, then `terraform show -json plan.bin > plan.json` (or `tofu`), and give plan.json";
        match self {
            Self::SeveralFacts { .. } => {
                "give the facts of one instance, as `ssm-doctor i-… --save-facts FILE` writes them"
                    .into()
            }
            Self::Unreadable { .. } | Self::Binary { .. } | Self::Foreign { .. } => SHOW.into(),
            Self::NotText { .. } => format!(
                "{SHOW}; in Windows PowerShell 5, `>` writes UTF-16: add `| Out-File -Encoding utf8 plan.json`"
            ),
            Self::Damaged { .. } => format!("it may be cut off: {SHOW}"),
            Self::OtherVersion { .. } => "use a newer ssm-doctor".into(),
            Self::Field { .. } => format!("it may be edited: {SHOW}"),
            Self::Incomplete { .. } => "correct what Terraform reports, and plan again".into(),
            Self::NoTarget { known, .. } if known.is_empty() => {
                "the plan contains no instance; give the facts of one with `--facts FILE`".into()
            }
            Self::NoTarget { known, .. } => format!("its targets are {}", known.join(", ")),
            Self::NoRegion { .. } => "add `--region REGION`".into(),
        }
    }
}

impl Document {
    /// From a file, or from standard input if it is `-`.
    ///
    /// # Errors
    /// Whatever is wrong with the file.
    pub fn load(path: &Path) -> Result<Self, PlanError> {
        let file = input::name(path);
        let bytes = input::read(path)
            .map_err(|error| PlanError::Unreadable { file: file.clone(), error })?;
        Self::parse(&file, &bytes)
    }

    /// # Errors
    /// As [`load`](Self::load).
    pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Self, PlanError> {
        let file = || file.to_owned();
        // A plan file is a zip archive.
        if bytes.starts_with(b"PK\x03\x04") {
            return Err(PlanError::Binary { file: file() });
        }
        let text = str::from_utf8(bytes)
            .map_err(|error| PlanError::NotText { file: file(), byte: error.valid_up_to() })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let any: Value = typed(text).map_err(|Wrong { what, line, column, .. }| {
            if is_log(text) {
                PlanError::Foreign { file: file(), what: LOG }
            } else {
                PlanError::Damaged { file: file(), what, line, column }
            }
        })?;
        if let Some(what) = foreign(&any) {
            return Err(PlanError::Foreign { file: file(), what });
        }
        let version = any.get("format_version").and_then(Value::as_str).unwrap_or_default();
        let (major, minor) = version.split_once('.').unwrap_or((version, ""));
        if !(major == "1" || (major, minor) == ("0", "1") || (major, minor) == ("0", "2")) {
            return Err(PlanError::OtherVersion { file: file(), found: version.into() });
        }
        let document: Self = typed(text).map_err(|Wrong { path, what, line, column }| {
            PlanError::Field { file: file(), path, what, line, column }
        })?;
        if document.errored {
            return Err(PlanError::Incomplete { file: file() });
        }
        Ok(document)
    }
}

/// What a JSON document is, if it is no plan.
fn foreign(any: &Value) -> Option<&'static str> {
    let Value::Object(fields) = any else {
        return Some("JSON, but not an object");
    };
    let has = |name: &str| fields.contains_key(name);
    let schema = any.get("schema").and_then(Value::as_str).unwrap_or_default();
    if schema.starts_with("ssm-doctor/facts/") {
        Some("a file of facts")
    } else if schema.starts_with("ssm-doctor/") {
        Some("a report of ssm-doctor")
    } else if has("lineage") || has("serial") && has("resources") {
        Some("a state file")
    } else if has(LOG_KEY) {
        Some(LOG)
    } else if !has("format_version") {
        Some("the JSON of another tool")
    } else if has("resource_changes") || has("planned_values") || has("configuration") {
        None
    } else if has("values") || has("terraform_version") {
        Some("a state, as `terraform show -json` without a plan file writes it")
    } else {
        Some("another document of Terraform")
    }
}

/// What `terraform plan -json` prints, one message in each line, and the key that each has.
const LOG: &str = "the log of `terraform plan -json`";
const LOG_KEY: &str = "@level";

fn is_log(text: &str) -> bool {
    let first = text.lines().next().and_then(|line| serde_json::from_str::<Value>(line).ok());
    first.is_some_and(|first| first.get(LOG_KEY).is_some())
}
