//! TODO: what it looks at, and the behaviour of AWS that a reader could not guess.

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

/// `?` on a fact that is not known withholds judgement, and has it fetched.
fn run(facts: &Facts, scope: &Scope) -> Answer {
    let _ = facts;
    Err(Unknown::limit(format!("TODO: {} is not judged yet", scope.target)))
}
