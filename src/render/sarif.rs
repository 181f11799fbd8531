//! SARIF 2.1.0, for code scanning and whatever else gathers findings.
//!
//! A result's fingerprint is its target and check: it stays while the evidence changes. Its location is the line that
//! declares the resource, if a plan names one, and else the runbook's file, since no file has a session's fault. Paths
//! are relative: GitHub refuses a file of results with an address of another scheme than the checkout's. The rule has
//! the runbook's address.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_sarif::sarif::{
    ArtifactLocation, Location, LogicalLocation, Message, MultiformatMessageString,
    PhysicalLocation, Region, ReportingDescriptor, Result as Found, ResultKind, ResultLevel, Run,
    RunAutomationDetails, Sarif, Suppression, Tool, ToolComponent, Version,
};
use ssm_doctor_checks::engine::check::Check;

use super::{
    View,
    safe::{clean, clean_lines},
};
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
            rules.entry(check.name()).or_insert_with(|| rule(check, report.runbook(check)));
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
    log(id, rules, results)
}

/// The file. `id`: of the run. `rules`: by check.
///
/// # Errors
/// Never: a log has no map whose keys are not strings.
pub fn log(
    id: String,
    rules: BTreeMap<String, ReportingDescriptor>,
    results: Vec<Found>,
) -> serde_json::Result<String> {
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

/// A check, with the address of its runbook.
#[must_use]
pub fn rule(check: &Check, runbook: String) -> ReportingDescriptor {
    let title = MultiformatMessageString::builder().text(check.title()).build();
    ReportingDescriptor::builder()
        .id(check.name())
        .short_description(title)
        .help_uri(runbook)
        .build()
}

#[must_use]
pub fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Note => ResultLevel::Note,
    }
}

fn failure(report: &Report, problem: &Problem) -> Found {
    let notes = problem.excuse.as_ref().map_or_else(String::new, |note| format!("\nNote: {note}"));
    let message =
        format!("{}\n{}{notes}", problem.statements.join("\n"), in_plain_text(problem.repairs));
    excused(report, problem.check, ResultKind::Fail, level(problem.severity()), &message)
}

/// SARIF's word for what could not be told.
fn open(report: &Report, check: &Check, says: &str) -> Found {
    excused(report, check, ResultKind::Open, ResultLevel::None, says)
}

/// A result of a report, and whether it is accepted.
fn excused(
    report: &Report,
    check: &Check,
    kind: ResultKind,
    level: ResultLevel,
    says: &str,
) -> Found {
    let account = report.account.as_ref().map(ToString::to_string).unwrap_or_default();
    let target = report.scope.target.to_string();
    let subject = Subject {
        place: format!("{account}/{}/{target}", report.scope.region),
        name: target,
        session: report.scope.session.as_str(),
        declared: None,
    };
    let mut found = result(&subject, &check.name(), kind, level, says);
    let excuse = report.excuse_of(check);
    if let (Some(Excuse::Suppressed(_)), Some(note)) =
        (excuse, report.diagnosis.finding(check).and_then(|it| report.excuses.note(it)))
    {
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

/// What a result is about.
pub struct Subject<'a> {
    pub name: String,
    /// The name and what it is in, the same in every run.
    pub place: String,
    pub session: &'a str,
    /// A file of the repository, and its line.
    pub declared: Option<(&'a str, usize)>,
}

#[must_use]
pub fn result(
    subject: &Subject,
    check: &str,
    kind: ResultKind,
    level: ResultLevel,
    says: &str,
) -> Found {
    let runbook = format!("checks/{check}/README.md");
    let (file, line) = subject.declared.map_or((runbook.as_str(), None), |it| (it.0, Some(it.1)));
    let mut physical = PhysicalLocation::builder()
        .artifact_location(ArtifactLocation::builder().uri(uri(file)).build())
        .build();
    physical.region = line
        .and_then(|line| i64::try_from(line).ok())
        .map(|line| Region::builder().start_line(line).build());
    let location = Location::builder()
        .physical_location(physical)
        .logical_locations(vec![
            LogicalLocation::builder()
                .name(clean(&subject.name))
                .fully_qualified_name(clean(&subject.place))
                .kind("resource")
                .build(),
        ])
        .build();
    let fingerprint = format!("{}/{}/{check}", subject.place, subject.session);
    Found::builder()
        .rule_id(check)
        .kind(kind)
        .level(level)
        .message(Message::builder().text(clean_lines(says)).build())
        .locations(vec![location])
        .partial_fingerprints(BTreeMap::from([("ssmDoctor/v1".to_owned(), fingerprint)]))
        .build()
}

/// A path as a relative address.
fn uri(path: &str) -> String {
    /// What a path has that an address may not. Source: RFC 3986, 3.3.
    const NOT_IN_PATHS: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(path, NOT_IN_PATHS).to_string()
}
