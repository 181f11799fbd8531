//! `ssm-doctor plan`: what a Terraform plan does to sessions, before it is applied.
//!
//! The resources of a plan become rows of facts, once as they are and once as they will be, and the checks
//! judge both. Nothing below this module knows of Terraform.

mod complete;
mod contents;
pub mod document;
mod homes;
mod identity;
mod judge;
mod merge;
mod naming;
mod owner;
mod reference;
mod render;
pub mod report;
mod resource;
mod rows;
mod snippet;
mod source;
mod values;
mod world;

use std::{io, path::Path};

use self::document::PlanError;
use crate::{
    cli::PlanArgs,
    config::Config,
    failure::Failure,
    judge::line,
    output::{self, Outputs},
    render::{Format, Screen},
    report_options::runbook_base,
    screen::screen,
    snapshot::Snapshot,
    usage,
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
    usage::outputs(&args.output)?;
    let written = args.output.iter().map(|file| ("--output", file));
    let read = args.facts.iter().map(|file| ("--facts", file));
    usage::once(
        &[("PLAN.json", &args.plan)].into_iter().chain(read).chain(written).collect::<Vec<_>>(),
    )?;
    let outputs = Outputs::open(&args.output, args.format.unwrap_or_default(), Format::of_file)?;
    let document = document::Document::load(&args.plan)?;
    let base = args.facts.as_deref().map(base).transpose()?;
    let region = args.region.as_ref().or(base.as_ref().map(|base| &base.scope.region));
    let plan = contents::Plan::new(document, region);
    let asked = judge::Asked {
        targets: &args.targets,
        session: args.session,
        agent: args.assume_agent.version(),
        runbooks: runbook_base(&args.runbooks, config),
        base,
    };
    let judged = judge::judge(&plan, &asked)?;
    let report = report::report(&plan, &judged, &args.source);
    let here = screen(&io::stdout());
    let in_file = Screen { colour: false, ..here };
    for (format, file) in outputs.files {
        file.write(&render::render(&plan, &report, format, in_file)?)?;
    }
    if let Some(format) = outputs.printed {
        output::print(&render::render(&plan, &report, format, here)?)?;
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
            let plan = contents::Plan::new(document, None);
            let asked = judge::Asked {
                targets: &[],
                session: None,
                agent: Some("3.3.859.0"),
                runbooks: String::new(),
                base: None,
            };
            let Ok(judged) = judge::judge(&plan, &asked) else { return };
            let report = report::report(&plan, &judged, Path::new("."));
            report::to_json(&plan, &report).unwrap();
        });
    }
}
