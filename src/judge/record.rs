//! What is written of a line that could not be judged.

use schemars::JsonSchema;
use serde::Serialize;

/// What `judge` writes instead of a report that could not be made.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "ssm-doctor/judge-error/v1")]
pub struct ErrorRecord {
    schema: ErrorSchema,
    /// Of the input, from 1.
    line: usize,
    error: String,
}

#[derive(Serialize, JsonSchema)]
enum ErrorSchema {
    #[serde(rename = "ssm-doctor/judge-error/v1")]
    JudgeErrorV1,
}

impl ErrorRecord {
    #[must_use]
    pub fn new(line: usize, error: String) -> Self {
        Self { schema: ErrorSchema::JudgeErrorV1, line, error }
    }
}
