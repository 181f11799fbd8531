//! JUnit XML: a suite for each target, and a case for each check.
//!
//! A case fails if the session is blocked by it, so that a test report agrees with the exit code. What the
//! verdict depends on and was not seen is an error. What is accepted, and what follows from it alone, is skipped.
//! Other faults and unknowns are in the case's output.

use quick_junit::{
    NonSuccessKind, Report as Suites, SerializeError, TestCase, TestCaseStatus, TestSuite,
};
use ssm_doctor_analysis::answer::Verdict;
use ssm_doctor_checks::engine::{check::Impact, diagnosis::Finding, words};

use super::{
    View,
    safe::{clean, clean_lines},
};
use crate::report::{
    Report,
    summary::{in_plain_text, statement},
};

/// # Errors
/// If the XML cannot be written, which is a defect.
pub fn render(reports: &[Report], _: View) -> Result<String, SerializeError> {
    let mut suites = Suites::new("ssm-doctor");
    suites.add_test_suites(reports.iter().map(suite));
    suites.to_string()
}

fn suite(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new(clean(&report.place()));
    suite.add_property(("session", report.scope.session.as_str()));
    suite.add_property(("verdict", report.diagnosis.overall.as_str()));
    for expired in report.excuses.expired_in_words() {
        suite.add_property(("expired-suppression", clean(&expired).as_str()));
    }
    for finding in &report.diagnosis.findings {
        suite.add_test_case(case(report, finding));
    }
    suite
}

fn case(report: &Report, finding: &Finding) -> TestCase {
    let says = clean(&statement(finding));
    let blocks = finding.check.impact == Impact::Blocks && !finding.open;
    let non_success = |kind, description: Option<String>| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(says.as_str());
        status.set_type(finding.check.impact.as_str());
        if let Some(description) = description {
            status.set_description(description);
        }
        status
    };
    let runbook = report.runbook(finding.check);
    let mut output = None;
    let note = report.excuses.note(finding).map(|note| clean(&note));
    let is_excused = report.excuses.of(finding).is_some();
    let accepted = report.excuses.accepted_causes(finding, &report.diagnosis.findings);
    let status = match &finding.answer {
        Ok(Verdict::Fail(..)) | Err(_) if is_excused => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {says}", note.unwrap_or_default()));
            status
        }
        Ok(Verdict::Fail(..)) | Err(_) if !accepted.is_empty() => {
            let causes: Vec<_> = accepted.iter().map(|cause| cause.check.name()).collect();
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!(
                "follows only from what is accepted ({}): {says}",
                causes.join(", ")
            ));
            status
        }
        Ok(Verdict::Fail(evidence, _)) => {
            let evidence: Vec<_> = evidence.iter().map(|it| clean(&words::sentence(it))).collect();
            let fix = clean_lines(&in_plain_text(report.repairs(finding.check)));
            let note = note.map(|note| format!("\nNote: {note}")).unwrap_or_default();
            let told = format!("{}{note}\n{fix}\n{runbook}", evidence.join("\n"));
            if blocks {
                non_success(NonSuccessKind::Failure, Some(told))
            } else if finding.open {
                non_success(NonSuccessKind::Error, Some(told))
            } else {
                output = Some(format!("{}: {told}", finding.check.impact.as_str()));
                TestCaseStatus::success()
            }
        }
        Ok(Verdict::Pass(_)) => TestCaseStatus::success(),
        Err(_) if finding.open => non_success(NonSuccessKind::Error, Some(runbook)),
        Ok(Verdict::NotApplicable(_)) | Err(_) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(says.as_str());
            status
        }
    };
    let mut case = TestCase::new(finding.check.name(), status);
    case.set_classname(finding.check.area());
    if let Some(output) = output {
        case.set_system_out(output);
    }
    case
}
