//! A probe in a file: `ssm-doctor/probe/v1`, or the JSON of `ssm-cli get-diagnostics`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ssm_doctor_facts::probe::Probe;

use crate::ssm_cli;

const SCHEMA: &str = "ssm-doctor/probe/v1";

/// What `ssm-doctor probe` prints, and `--probe` reads.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(title = "ssm-doctor/probe/v1")
)]
pub struct File {
    schema: SchemaName,
    tool: Tool,
    probe: Probe,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum SchemaName {
    #[serde(rename = "ssm-doctor/probe/v1")]
    ProbeV1,
}

/// What wrote the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Tool {
    version: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("it is damaged: {0}")]
    Damaged(serde_json::Error),
    #[error("its schema is `{0}`, not `{SCHEMA}`")]
    OtherSchema(String),
    #[error("it has neither `\"schema\": \"{SCHEMA}\"` nor the `DiagnosticsOutput` of ssm-cli")]
    Foreign,
}

/// Reads a probe.
///
/// # Errors
/// If the text is neither of the two documents.
pub fn parse(text: &str) -> Result<Probe, ProbeError> {
    // PowerShell puts a byte order mark before a text.
    let text = text.trim_start_matches('\u{feff}').trim();
    let any: Value = serde_json::from_str(text).map_err(ProbeError::Damaged)?;
    if any.get(ssm_cli::KEY).is_some() {
        return serde_json::from_value(any).map(ssm_cli::probe).map_err(ProbeError::Damaged);
    }
    match any.get("schema").and_then(Value::as_str) {
        Some(SCHEMA) => {
            let file: File = serde_json::from_str(text).map_err(ProbeError::Damaged)?;
            Ok(file.probe)
        }
        Some(other) => Err(ProbeError::OtherSchema(other.to_owned())),
        None => Err(ProbeError::Foreign),
    }
}

/// As [`parse`] reads it, on one line or on many.
///
/// # Errors
/// None that is known: every key is a string.
pub fn write(probe: Probe, on_one_line: bool) -> Result<String, serde_json::Error> {
    let tool = Tool { version: env!("CARGO_PKG_VERSION").into() };
    let file = File { schema: SchemaName::ProbeV1, tool, probe };
    let text = if on_one_line {
        serde_json::to_string(&file)
    } else {
        serde_json::to_string_pretty(&file)
    };
    text.map(|it| it + "\n")
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::probe::Source;

    use super::*;

    #[test]
    fn writing_and_reading_is_the_identity() {
        let mut probe = Probe::new(Source::Doctor, None);
        probe.root = true;
        for on_one_line in [true, false] {
            let text = write(probe.clone(), on_one_line).unwrap();
            assert_eq!(parse(&text).unwrap(), probe);
        }
    }

    #[test]
    fn what_is_no_probe_is_refused_with_the_reason() {
        let rows = [
            ("", "damaged"),
            ("{\"schema\":\"ssm-doctor/facts/v2\"}", "facts/v2"),
            ("{}", "neither"),
            ("{\"schema\":1}", "neither"),
            ("[]", "neither"),
            ("{\"schema\":\"ssm-doctor/probe/v1\",\"more\":1}", "damaged"),
        ];
        for (text, expected) in rows {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
