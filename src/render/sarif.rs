//! SARIF 2.1.0, for code scanning and whatever else gathers findings.
//!
//! A result's fingerprint is its target and check: it stays while the evidence changes. Its location is
//! the runbook's file, since no file has a session's fault. The path is relative: GitHub refuses a file of results with
//! an address of another scheme than the checkout's. The rule has the runbook's address.

use std::collections::BTreeMap;

use serde_sarif::sarif::{
    ArtifactLocation, Location, LogicalLocation, Message, MultiformatMessageString,
    PhysicalLocation, ReportingDescriptor, Result as Found, ResultKind, ResultLevel, Run,
    RunAutomationDetails, Sarif, Suppression, Tool, ToolComponent, Version,
};
use ssm_doctor_checks::engine::check::Check;

use super::{View, safe::clean_lines};
use crate::{
    gate::Excuse,
    report::{
        self, Report,
        summary::{Problem, Severity, in_plain_text},
    },
};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// # Errors
/// Never: a report has no map whose keys are not strings.
pub fn render(reports: &[Report], _: View) -> serde_json::Result<String> {
    // A rule is described once, however many targets break it.
    let mut rules: BTreeMap<String, ReportingDescriptor> = BTreeMap::new();
    let mut results: Vec<Found> = Vec::new();
    for report in reports {
        let mut found = |check: &Check, result| {
            rules.entry(check.name()).or_insert_with(|| rule(report, check));
            results.push(result);
        };
        for problem in &report.problems() {
            found(problem.check, failure(report, problem));
        }
        for finding in report.diagnosis.findings.iter().filter(|it| it.open && it.answer.is_err()) {
            found(finding.check, open(report, finding.check, &report::in_words(&finding.answer)));
        }
    }
    let id = match reports {
        [report] => format!("ssm-doctor/{}/{}", report.scope.target, report.scope.session),
        _ => "ssm-doctor".to_owned(),
    };
    let driver = ToolComponent::builder()
        .name("ssm-doctor")
        .version(env!("CARGO_PKG_VERSION"))
        .information_uri(env!("CARGO_PKG_REPOSITORY"))
        .rules(rules.into_values().collect::<Vec<_>>())
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .automation_details(RunAutomationDetails::builder().id(id).build())
        .results(results)
        .build();
    let log = Sarif::builder()
        .schema(SCHEMA)
        .version(Version::V2_1_0.to_string())
        .runs(vec![run])
        .build();
    super::json(&log)
}

fn rule(report: &Report, check: &Check) -> ReportingDescriptor {
    let title = MultiformatMessageString::builder().text(check.title()).build();
    ReportingDescriptor::builder()
        .id(check.name())
        .short_description(title)
        .help_uri(report.runbook(check))
        .build()
}

fn failure(report: &Report, problem: &Problem) -> Found {
    let level = match problem.severity() {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Note => ResultLevel::Note,
    };
    let notes = problem.excuse.as_ref().map_or_else(String::new, |note| format!("\nNote: {note}"));
    let message =
        format!("{}\n{}{notes}", problem.statements.join("\n"), in_plain_text(problem.repairs));
    result(report, problem.check, ResultKind::Fail, level, &message)
}

/// SARIF's word for what could not be told.
fn open(report: &Report, check: &Check, says: &str) -> Found {
    result(report, check, ResultKind::Open, ResultLevel::None, says)
}

fn result(report: &Report, check: &Check, kind: ResultKind, level: ResultLevel, says: &str) -> Found {
    let target = report.scope.target.to_string();
    let account = report.account.as_ref().map(ToString::to_string).unwrap_or_default();
    let place = format!("{account}/{}/{target}", report.scope.region);
    let runbook = format!("checks/{}/README.md", check.name());
    let runbook = ArtifactLocation::builder().uri(runbook).build();
    let location = Location::builder()
        .physical_location(PhysicalLocation::builder().artifact_location(runbook).build())
        .logical_locations(vec![
            LogicalLocation::builder()
                .name(target)
                .fully_qualified_name(place.clone())
                .kind("resource")
                .build(),
        ])
        .build();
    let fingerprint = format!("{place}/{}/{}", report.scope.session, check.name());
    let mut found = Found::builder()
        .rule_id(check.name())
        .kind(kind)
        .level(level)
        .message(Message::builder().text(clean_lines(says)).build())
        .locations(vec![location])
        .partial_fingerprints(BTreeMap::from([("ssmDoctor/v1".to_owned(), fingerprint)]))
        .build();
    let excuse = report.excuses.of(check);
    if let (Some(Excuse::Suppressed(_)), Some(note)) = (excuse, report.excuses.note(check)) {
        let justification = clean_lines(&note);
        let suppression = Suppression::builder()
            .kind("external")
            .status("accepted")
            .justification(justification)
            .build();
        found.suppressions = Some(vec![suppression]);
    }
    if report.excuses.has_baseline() {
        let state = if excuse == Some(Excuse::Known) { "unchanged" } else { "new" };
        found.baseline_state = Some(state.into());
    }
    found
}
