//! Redaction: redacted facts give the same verdicts, causes and paths.

use super::{built_in, examples, support::redaction::differences};

#[test]
fn redaction_changes_no_verdict_cause_or_path() {
    let examples = examples().iter().map(|(_, example)| &example.scenario);
    let mut differences: Vec<String> =
        built_in().iter().chain(examples).flat_map(differences).collect();
    let count = differences.len();
    differences.truncate(60);
    assert!(differences.is_empty(), "{count} differences\n{}", differences.join("\n"));
}
