//! Nobody has changed the preferences within the last day.
//!
//! One document serves a whole account and Region. A stack of somebody else's that saves it changes
//! every session there, and what worked yesterday does not. All that shows is the version and its date.

use crate::preferences_words::get_document;
use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Gates};
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
        format!("is in force as version {version}, saved {} (at {at})", at.ago(case.scope.at)),
    );
    if age >= RECENT {
        return Ok(Verdict::Pass(evidence));
    }
    let region = &case.scope.region;
    let show = |version: &str| get_document(&name, version, region);
    let before = version.parse::<u32>().ok().and_then(|version| version.checked_sub(1));
    let before = before.filter(|before| *before > 0).map(|before| before.to_string());
    let compare =
        FixOption::new("compare the version with the one before it, if sessions worked before");
    let Some(before) = before else {
        let read = FixOption::new(format!("read {name}, if sessions worked before it was saved"));
        let fix =
            Fix::options([read.after(format!("run {}", show(version)))], Recovery::NextSession);
        return Ok(Verdict::Fail(evidence, fix));
    };
    let compare = compare.after(format!("run {} and {}", show(version), show(&before)));
    let back = FixOption::new(format!("put version {before} of {name} in force again"))
        .with(SsmChange::SetDefaultDocumentVersion { name: name.clone(), version: before });
    Ok(Verdict::Fail(evidence, Fix::options([compare, back], Recovery::NextSession)))
}
