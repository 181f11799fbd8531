//! JUnit XML: a case for each instance, which fails where the exit code is 1, and is an error where it is 3.

use quick_junit::{
    NonSuccessKind, Report as Suites, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use super::{
    super::report::{Document, Outcome, Problem, Target},
    words::{name, notes_on},
};
use crate::render::safe::{clean, clean_lines};

/// # Errors
/// If the XML cannot be written, which is a defect.
pub fn render(document: &Document) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new("ssm-doctor plan");
    suite.add_property(("session", document.session.as_str()));
    suite.add_test_cases(document.targets.iter().map(|target| case(document, target)));
    let mut suites = Suites::new("ssm-doctor");
    suites.add_test_suite(suite);
    suites.to_string()
}

fn case(document: &Document, target: &Target) -> TestCase {
    let says = target.result.says(&document.session);
    let runbooks = target.problems.iter().map(|problem| problem.runbook.clone());
    let problems = target.problems.iter().map(Problem::says);
    let lines: Vec<String> = problems.chain(notes_on(target)).chain(runbooks).collect();
    let lines = clean_lines(&lines.join("\n"));
    let mut output = None;
    let mut status = match target.result {
        Outcome::Breaks | Outcome::StartsBroken => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        Outcome::Unknown => TestCaseStatus::non_success(NonSuccessKind::Error),
        Outcome::Removed => TestCaseStatus::skipped(),
        Outcome::StaysBroken | Outcome::Works => {
            output = Some(format!("{says}\n{lines}"));
            TestCaseStatus::success()
        }
    };
    if output.is_none() {
        status.set_message(says);
        status.set_description(lines);
    }
    let mut case = TestCase::new(clean(&name(target)), status);
    case.set_classname("plan");
    if let Some(output) = output {
        case.set_system_out(output);
    }
    case
}
