//! SARIF 2.1.0, for code scanning: the lines of the configuration that decide whether a session can start.

use std::collections::BTreeMap;

use serde_sarif::sarif::{ResultKind, ResultLevel};
use ssm_doctor_checks::all;

use super::{
    super::report::Document,
    words::{name, notes_on, problems},
};
use crate::render::sarif::{Subject, level, log, result, rule};

/// # Errors
/// Never: a log has no map whose keys are not strings.
pub fn render(document: &Document) -> serde_json::Result<String> {
    let mut rules = BTreeMap::new();
    let mut results = Vec::new();
    for (target, problem) in problems(document) {
        let subject = Subject {
            name: name(target),
            place: format!("plan/{}/{}", target.region, name(target)),
            session: &document.session,
            declared: target.place(),
        };
        let mut lines = problem.statements.clone();
        lines.extend(notes_on(target));
        let says = lines.join("\n");
        // Each problem has a check.
        let Some(check) = all().find(|other| problem.checks.first() == Some(&other.name())) else {
            continue;
        };
        rules.entry(check.name()).or_insert_with(|| rule(check, problem.runbook.clone()));
        let (kind, level) = if problem.is_unknown {
            (ResultKind::Open, ResultLevel::None)
        } else {
            (ResultKind::Fail, level(problem.severity_in(target)))
        };
        results.push(result(&subject, &check.name(), kind, level, &says));
    }
    log("ssm-doctor/plan".into(), rules, results)
}
