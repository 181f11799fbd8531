//! TODO: what the check looks at, and what a reader could not guess about how AWS behaves.

use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

/// `?` on a fact that is not known makes the answer unknown, and the collector then asks for the fact.
fn run(case: &Case) -> Answer {
    let reason = format!("TODO: the check does not judge {} yet", case.scope.target);
    Err(Unknown::limit(reason))
}
