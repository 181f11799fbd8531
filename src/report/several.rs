//! What several reports say in all: one line, and a row for each.

use ssm_doctor_checks::engine::diagnosis::Overall;

use super::{Report, mark::Mark};

/// A report in a row.
pub struct Row {
    pub mark: Mark,
    /// `i-0abc… (web-1, eu-west-1)`.
    pub place: String,
    /// `a shell session cannot start`.
    pub says: String,
    /// The root cause, or what was not seen, and its check; empty if there is neither.
    pub why: String,
}

#[must_use]
pub fn rows(reports: &[Report]) -> Vec<Row> {
    let row = |report: &Report| {
        let (mark, says) = report.conclusion();
        Row { mark, place: report.place(), says, why: report.why_in_a_line().unwrap_or_default() }
    };
    reports.iter().map(row).collect()
}

#[must_use]
pub fn count(reports: &[Report], overall: Overall) -> usize {
    reports.iter().filter(|report| report.diagnosis.overall == overall).count()
}

/// `3 targets: a session can start to 1, cannot to 2`. None about a single one.
#[must_use]
pub fn headline(reports: &[Report]) -> Option<String> {
    if reports.len() == 1 {
        return None;
    }
    let count = |overall| count(reports, overall);
    let can = count(Overall::Healthy) + count(Overall::Degraded);
    let parts = [
        (can, "a session can start to"),
        (count(Overall::Blocked), "none to"),
        (count(Overall::Inconclusive), "unknown for"),
    ];
    let some = parts.iter().filter(|it| it.0 > 0);
    let words: Vec<_> = some.map(|(number, what)| format!("{what} {number}")).collect();
    Some(format!("{} targets: {}", reports.len(), words.join(", ")))
}
