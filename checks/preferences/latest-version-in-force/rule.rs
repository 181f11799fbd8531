//! The session's document has no version that is later than its default version.
//!
//! `aws ssm update-document` saves a version and leaves the default as it is. AWS does not document which of the two
//! sessions use, and what was seen contradicts itself: see [`session::with_later_version`]. So this is advice, and a
//! check on which the two versions disagree is unknown.

use crate::preferences_words::get_document;
use crate::prelude::*;
use ssm_doctor_analysis::session;
use ssm_doctor_facts::change::SsmChange;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some((name, document, later)) = session::later_version(case)? else {
        return Ok(Verdict::NotApplicable("the account has no session document of its own here"));
    };
    let default = document.version.as_deref().unwrap_or("(unknown)");
    let Some(later) = later else {
        let what = format!("has no version that is later than version {default}, its default");
        return Ok(Verdict::Pass(observed(&name, what)));
    };
    let saved = later
        .created_at
        .map_or(String::new(), |at| format!(", saved {} (at {at}),", at.ago(case.scope.at)));
    if later.content == document.content {
        let what = format!("has the same content as version {default}, its default");
        return Ok(Verdict::Pass(observed(&format!("version {} of {name}", later.version), what)));
    }
    let evidence = observed(
        &name,
        format!(
            "has version {default} as its default, and version {}{saved} differs and was not made the default",
            later.version
        ),
    );
    let region = &case.scope.region;
    let show = |version: &str| get_document(&name, version, region);
    let promote = FixOption::new(format!("make version {} of {name} the default", later.version))
        .after(format!("compare the two: run {} and {}", show(default), show(&later.version)))
        .with(SsmChange::SetDefaultDocumentVersion {
            name: name.clone(),
            version: later.version.clone(),
        });
    Ok(Verdict::Fail(evidence, Fix::options([promote], Recovery::NextSession)))
}
