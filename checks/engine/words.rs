//! Outcomes of the analysis, in words and commands for people.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_analysis::answer::{Fix, Observation, Recovery, Remedy, Statement};
use ssm_doctor_facts::{limit::Limit, scope::Scope};

use super::aws_cli;
use crate::{network_remedies as remedies, network_statements as statements};

/// What was observed, as a clause whose subject is the observation's.
#[must_use]
pub fn observed(observation: &Observation) -> String {
    let words = match &observation.statement {
        Statement::Words(words) => words.clone(),
        Statement::Network(says, None) => statements::statement(says),
        Statement::Network(says, Some(service)) => {
            format!("{} ({service})", statements::statement(says))
        }
    };
    match &observation.once_resolved_to {
        Some(endpoint) => format!("{words}, which blocks once names lead to {endpoint}"),
        None => words,
    }
}

/// Subject and clause: a sentence.
#[must_use]
pub fn sentence(observation: &Observation) -> String {
    format!("{} {}", observation.subject, observed(observation))
}

/// What no call can tell, as a clause.
#[must_use]
pub fn limit(limit: &Limit) -> String {
    match limit {
        Limit::Words(words) => words.clone(),
    }
}

/// A fix as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remediation {
    pub summary: String,
    /// Each a list of words, unquoted: the renderer quotes them for the shell at hand. A value that
    /// is not known is a `<placeholder>`.
    pub commands: Vec<Vec<String>>,
    pub recovery: Recovery,
}

/// A fix in words and commands, no step and no command twice.
#[must_use]
pub fn remediation(fix: &Fix, scope: &Scope) -> Remediation {
    let mut all =
        Remediation { summary: String::new(), commands: Vec::new(), recovery: fix.recovery };
    for remedy in &fix.remedies {
        let (summary, changes) = match remedy {
            Remedy::Words { summary, changes } => (summary.clone(), changes.clone()),
            Remedy::Network(remedy) => remedies::remedy(remedy),
        };
        add_steps(&mut all.summary, &summary);
        for command in changes.iter().map(|change| aws_cli::command(change, &scope.region)) {
            if !all.commands.contains(&command) {
                all.commands.push(command);
            }
        }
    }
    all
}

/// Adds the steps of `more` that `summary` lacks.
fn add_steps(summary: &mut String, more: &str) {
    if summary.is_empty() {
        summary.push_str(more);
    } else if !summary.contains(more) {
        for step in more.split("; ") {
            if !summary.split("; ").any(|known| known == step) {
                summary.push_str("; ");
                summary.push_str(step);
            }
        }
    }
}
