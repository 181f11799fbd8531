//! One message for a chat: the verdict, the cause, the first thing to do, and where to read on.

use std::fmt::Write as _;

use super::{View, safe::shown};
use crate::report::{
    Repair, Report, several,
    steps::steps,
    summary::{Role, counted},
};

/// A message for each report, after a line about all of several.
#[must_use]
pub fn render(reports: &[Report], view: View) -> String {
    let all =
        several::headline(reports).map(|says| format!("{}\n", shown(&says, view.screen.unicode)));
    all.into_iter().chain(reports.iter().map(|report| message(report, view))).collect()
}

fn message(report: &Report, view: View) -> String {
    let (mark, says) = report.conclusion();
    let mut lines = vec![format!("{} {}: {says}", mark.symbol(), report.place())];
    let problems = report.problems();
    if let Some(problem) = problems.iter().find(|it| it.role == Role::Root) {
        let name = problem.check.name();
        lines.push(format!("{}: {} [{name}]", problem.title(), problem.statement()));
        lines.extend(problem.repairs.first().map(|repair| format!("Fix: {}", fix(repair))));
        lines.extend(problem.excuse.as_ref().map(|note| format!("Note: {note}")));
        lines.push(format!("Runbook: {}", problem.runbook));
    } else if let Some(unseen) = report.unseen().into_iter().find(|it| it.decisive) {
        lines.push(format!("Not seen: {} {}", unseen.what, unseen.why).trim_end().to_owned());
        lines.push(format!("Next: {}", unseen.next));
    }
    lines.extend(report.excuses.expired_in_words());
    let more = report.counts();
    if problems.len() > 1 {
        lines.push(format!("In all: {more}"));
    }
    let mut text = String::new();
    for line in lines {
        // A `String` takes everything.
        let _ = writeln!(text, "{}", shown(&line, view.screen.unicode));
    }
    text
}

/// Prints a fix; nothing else in this format does.
fn fix(repair: &Repair) -> String {
    let steps = steps(&repair.title);
    let first = steps.first().map_or("", |it| it.text.trim_end_matches(':'));
    match steps.len().saturating_sub(1) {
        0 => first.to_owned(),
        more => format!("{first} (and {})", counted(more, "more step", "more steps")),
    }
}
