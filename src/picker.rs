//! A list to search, for whoever names no target on a terminal.

use std::io::{self, IsTerminal as _};

use dialoguer::{FuzzySelect, theme::ColorfulTheme};
use ssm_doctor_facts::ids::Target;

use crate::{targets::Candidate, usage::UsageError};

/// Is there somebody to choose? The list is drawn on standard error.
#[must_use]
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// # Errors
/// If nothing was chosen.
pub fn pick(candidates: &[Candidate]) -> Result<Target, UsageError> {
    let lines: Vec<String> = candidates.iter().map(Candidate::line).collect();
    let theme = ColorfulTheme::default();
    let list = FuzzySelect::with_theme(&theme).with_prompt("Target (type to search)").items(&lines);
    let chosen = list.default(0).max_length(15).interact_opt().ok().flatten();
    let candidate = chosen.and_then(|at| candidates.get(at));
    candidate.map(|it| it.target.clone()).ok_or(UsageError::NothingAsked)
}
