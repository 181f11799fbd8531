//! The independent evaluator: npm packages that share nothing with this project, in a Node process.
//!
//! See `evaluate.mjs` for what it answers.

use std::process::Command;

use crate::packages::{Dialogue, Outcome, folder, node_packages, store};

/// Starts the process; installs the packages first if necessary.
pub fn start() -> Outcome<Dialogue> {
    let modules = node_packages(&store()?)?;
    let script = folder().with_file_name("policy").join("evaluate.mjs");
    Dialogue::open(Command::new("node").arg(script).arg(modules))
}
