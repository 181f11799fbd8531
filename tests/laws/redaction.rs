//! Redaction: redacted facts give the same verdicts, causes and paths.

use ssm_doctor_fixtures::Scenario;

use super::{built_in, examples, support::redaction::differences};

#[test]
fn redaction_changes_no_verdict_cause_or_path() {
    // The vocabulary has no words in other scripts: such a message is replaced whole, which the program says.
    let is_kept = |scenario: &&Scenario| {
        scenario.scope.error.as_ref().is_none_or(|text| text.as_str().is_ascii())
    };
    let examples = examples().iter().map(|(_, example)| &example.scenario).filter(is_kept);
    let mut differences: Vec<String> =
        built_in().iter().chain(examples).flat_map(differences).collect();
    let count = differences.len();
    differences.truncate(60);
    assert!(
        differences.is_empty(),
        "{count} differences\n{}\nif a rule compares with a word that is new, run `cargo xtask vocabulary`",
        differences.join("\n")
    );
}
