//! `ssm-doctor plan`: what a Terraform plan does to sessions, before it is applied.
//!
//! The resources of a plan become rows of facts, once as they are and once as they will be, and the checks
//! judge both. Nothing below this module knows of Terraform.

mod complete;
pub mod document;
mod homes;
mod identity;
mod judge;
mod merge;
mod reference;
mod render;
pub mod report;
mod rows;
mod values;
mod world;

use std::{io, path::Path};

use self::document::PlanError;
use crate::{
    cli::{PlanArgs, PlanFormat},
    config::Config,
    failure::{Failure, as_json},
    judge::line,
    output::{self, Pending, Readers},
    render::Page,
    report_options::runbook_base,
    screen::screen,
    snapshot::Snapshot,
};

/// The facts to which the plan is a change.
fn base(file: &Path) -> Result<Snapshot, Failure> {
    let mut snapshots = line::load(file)?;
    match (snapshots.pop(), snapshots.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(PlanError::SeveralFacts { file: file.display().to_string() }.into()),
    }
}

/// Judges a plan and prints what it does. Returns the exit status.
///
/// # Errors
/// If the plan or the facts cannot be used, or the report cannot be written.
pub fn run(args: &PlanArgs, config: &Config) -> Result<u8, Failure> {
    let output =
        args.output.as_deref().map(|file| Pending::open(file, Readers::Usual)).transpose()?;
    let document = document::Document::load(&args.plan)?;
    let base = args.facts.as_deref().map(base).transpose()?;
    let region = args.region.as_ref().or(base.as_ref().map(|base| &base.scope.region));
    let plan = world::Plan::new(document, region);
    let asked = judge::Asked {
        targets: &args.targets,
        session: args.session,
        agent: args.assume_agent.version(),
        runbooks: runbook_base(&args.runbooks, config),
        base,
    };
    let judged = judge::judge(&plan, &asked)?;
    let report = report::report(&plan, &judged);
    let text = match args.format {
        PlanFormat::Json => {
            let defect = |error: serde_json::Error| Failure::Defect(error.to_string());
            as_json(&report::to_json(&plan, &report).map_err(defect)?)?
        }
        PlanFormat::Markdown => render::markdown(&report),
        PlanFormat::Table => {
            let mut page = Page::new(screen(&io::stdout()));
            render::table(&mut page, &report);
            page.finish()
        }
    };
    match output {
        Some(file) => file.write(&text)?,
        None => output::print(&text)?,
    }
    Ok(report.exit_code())
}

#[cfg(test)]
mod tests {
    use ssm_doctor_fuzz::{check, edited, seeds};

    use super::*;

    /// Each takes much longer than an edit.
    const PLANS: u32 = 60;

    /// What can be read is judged.
    #[test]
    fn no_edited_plan_makes_it_panic() {
        let texts = seeds("fixtures/plans", "plan.json");
        check(PLANS, edited(), |edited| {
            let bytes = edited.bytes(&texts);
            let Ok(document) = document::Document::parse("plan.json", &bytes) else { return };
            let plan = world::Plan::new(document, None);
            let asked = judge::Asked {
                targets: &[],
                session: None,
                agent: Some("3.3.859.0"),
                runbooks: String::new(),
                base: None,
            };
            let Ok(judged) = judge::judge(&plan, &asked) else { return };
            let report = report::report(&plan, &judged);
            report::to_json(&plan, &report).unwrap();
        });
    }
}
