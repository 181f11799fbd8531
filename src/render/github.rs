//! Annotations of a GitHub workflow: a line for each failure, and for what the verdict depends on.
//!
//! Source: GitHub's documentation, "Workflow commands for GitHub Actions", and its toolkit's
//! `packages/core/src/command.ts` for what is escaped.

use std::fmt::Write as _;

use super::{
    View,
    safe::{clean, clean_lines},
};
use crate::report::{
    Report,
    summary::{Severity, in_plain_text},
};

#[must_use]
pub fn render(reports: &[Report], _: View) -> String {
    reports.iter().map(annotations).collect()
}

fn annotations(report: &Report) -> String {
    let mut text = String::new();
    let (mark, says) = report.conclusion();
    for problem in report.problems() {
        let level = match problem.severity() {
            _ if report.excuse_of(problem.check).is_some() => "notice",
            severity => level(severity),
        };
        let fix = in_plain_text(problem.repairs);
        let note =
            problem.excuse.as_ref().map_or_else(String::new, |note| format!("Note: {note}\n"));
        let message =
            format!("{}\n{note}{fix}\n{}", problem.statements.join("\n"), problem.runbook);
        annotation(&mut text, level, &title(report, &problem.check.name()), &message);
    }
    for unseen in report.unseen().into_iter().filter(|it| it.decisive) {
        let message = format!("{} {}\nNext: {}", unseen.what, unseen.why, unseen.next);
        annotation(&mut text, "warning", &title(report, "unknown"), &message);
    }
    for expired in report.excuses.expired_in_words() {
        annotation(&mut text, "warning", &title(report, "suppression"), &expired);
    }
    let summary = format!("{} {}: {says}", mark.symbol(), report.place());
    annotation(&mut text, "notice", "ssm-doctor", &summary);
    text
}

#[must_use]
pub fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    }
}

fn title(report: &Report, check: &str) -> String {
    format!("{}: {check}", report.scope.target)
}

fn annotation(text: &mut String, level: &str, title: &str, message: &str) {
    annotation_at(text, level, None, title, message);
}

/// `place`: a file of the repository and its line.
pub fn annotation_at(
    text: &mut String,
    level: &str,
    place: Option<(&str, usize)>,
    title: &str,
    message: &str,
) {
    // Lines are ours; what acts on a terminal is spelled out within each.
    let message = data(&clean_lines(message));
    let place = place.map(|(file, line)| format!("file={},line={line},", property(file)));
    let place = place.unwrap_or_default();
    // A `String` takes everything.
    let _ = writeln!(text, "::{level} {place}title={}::{message}", property(title));
}

fn property(text: &str) -> String {
    data(&clean(text)).replace(':', "%3A").replace(',', "%2C")
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
