//! Annotations of a GitHub workflow, at the lines of the configuration where they are found.

use super::{
    super::report::Document,
    words::{headline, name, notes_on, problems},
};
use crate::render::github::{annotation_at, level};

#[must_use]
pub fn annotations(document: &Document) -> String {
    let mut text = String::new();
    for (target, problem) in problems(document) {
        let mut lines = problem.statements.clone();
        lines.extend(notes_on(target));
        lines.push(problem.runbook.clone());
        let level = level(problem.severity_in(target));
        let title = format!("{}: {}", name(target), problem.checks());
        annotation_at(&mut text, level, target.place(), &title, &lines.join("\n"));
    }
    annotation_at(&mut text, "notice", None, "ssm-doctor plan", &headline(document));
    text
}
