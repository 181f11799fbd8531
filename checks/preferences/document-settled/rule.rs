//! Nobody has changed the preferences within the last day.
//!
//! One document serves a whole account and Region. A stack of somebody else's that saves it changes
//! every session there, and what worked yesterday does not. All that shows is the version and its date.

use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Gates};
use ssm_doctor_facts::{change::SsmChange, time::span};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[],
    proves: &[],
    run,
};

/// As far back as one remembers what worked.
const RECENT: i64 = 24 * 60 * 60;

fn run(case: &Case) -> Answer {
    let name = match session::gates(case)? {
        Gates::Apply(preferences) => preferences.name,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let document = case.facts.document(&name).required()?;
    let Some(at) = document.created_at else {
        return Ok(Verdict::NotApplicable("AWS gives no date for the document"));
    };
    let age = at.until(case.scope.at);
    let version = document.version.as_deref().unwrap_or("(unknown)");
    let evidence = observed(
        &name,
        format!("is in force as version {version}, saved {} ago (at {at})", span(age.max(0))),
    );
    if age >= RECENT {
        return Ok(Verdict::Pass(evidence));
    }
    let fix = Fix::new(
        "if sessions worked before that, compare the version with the one before it",
        Recovery::NextSession,
    );
    let before = version.parse::<u32>().ok().and_then(|it| it.checked_sub(1)).filter(|it| *it > 0);
    let fix = match before {
        Some(before) => {
            let show =
                |version| SsmChange::GetDocument { name: name.clone(), version: Some(version) };
            fix.with(show(version.into())).with(show(before.to_string()))
        }
        None => fix.with(SsmChange::GetDocument { name: name.clone(), version: None }),
    };
    Ok(Verdict::Fail(evidence, fix))
}
