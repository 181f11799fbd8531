//! What several tests need: the cases of a check, the facts that it asks for, and its answers as printed.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "no test needs all of it, and a test that cannot go on stops here"
)]

pub mod cases;
pub mod redaction;

use std::collections::BTreeSet;

use ssm_doctor_analysis::{
    answer::{Answer, Verdict},
    case::Case,
};
use ssm_doctor_checks::engine::{check::Check, command::Shell, diagnosis::ask, fix, words};
use ssm_doctor_facts::{
    change::Risk,
    lookup::{Facts, Gap, Need},
};
use ssm_doctor_fixtures::Scenario;

/// Asks `check` alone, and fetches from the scenario only what it asks for: the needs it met.
pub fn demand(check: &Check, scenario: &Scenario) -> BTreeSet<Need> {
    let mut known = Facts::default();
    let mut asked = BTreeSet::new();
    while let Err(unknown) = ask(check, &Case::new(&known, &scenario.scope)) {
        let needs: Vec<Need> =
            unknown.unasked().filter(|need| asked.insert(need.clone())).collect();
        if needs.is_empty() {
            break;
        }
        for need in &needs {
            known.copy_from(&scenario.facts, need);
        }
    }
    asked
}

/// The verdict of an answer, as in [`cases::VERDICTS`].
pub fn verdict(answer: &Answer) -> &'static str {
    match answer {
        Ok(Verdict::Pass(_)) => "passes",
        Ok(Verdict::Fail(..)) => "fails",
        Ok(Verdict::NotApplicable(_)) => "not applicable",
        Err(_) => "unknown",
    }
}

/// An answer as the report prints it: a line per observation, then the fix, a line per command, and what
/// follows the fix; or a line per fact that is missing.
pub fn printed(check: &Check, answer: &Answer, case: &Case) -> String {
    let lines = match answer {
        Ok(Verdict::Pass(evidence)) => evidence.iter().map(words::sentence).collect(),
        Ok(Verdict::Fail(evidence, fix)) => {
            let mut lines: Vec<String> = evidence.iter().map(words::sentence).collect();
            for (at, option) in fix::options(check, fix, case).iter().enumerate() {
                let label = if at == 0 { "fix" } else { "or" };
                let risks: Vec<&str> = fix::risks(option).into_iter().map(Risk::as_str).collect();
                let risks = if risks.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", risks.join(", "))
                };
                lines.push(format!("{label}: {}{risks}", option.title));
                lines.extend(option.manual.iter().map(|step| format!("first: {step}")));
                let commands = fix::commands(&option.changes, &case.scope.region);
                lines.extend(commands.iter().map(|it| format!("$ {}", it.line(Shell::Posix))));
                lines.push(format!("then: {}", fix::recovery(option, fix).as_str()));
            }
            lines
        }
        Ok(Verdict::NotApplicable(why)) => vec![(*why).into()],
        Err(unknown) => words::gaps(unknown).into_iter().map(gap).collect(),
    };
    lines.join("\n")
}

fn gap(gap: &Gap) -> String {
    match gap {
        Gap::Limit(limit) => format!("undecided: {}", words::limit(limit)),
        Gap::Fact { need, why, detail } => {
            let action = need.actions().first().unwrap_or(&"this machine:");
            let colon = if detail.is_empty() { "" } else { ": " };
            format!("missing: {action} {} {}{colon}{detail}", need.subject(), why.phrase())
        }
    }
}
