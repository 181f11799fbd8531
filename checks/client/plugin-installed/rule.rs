//! The Session Manager plugin is on this machine and runs.
//!
//! The AWS CLI starts the session first and then looks for the plugin. Without it the CLI terminates the
//! session before it says so, and who may not do that sees an `AccessDeniedException` instead.

use crate::client_words::{fails, of_workstation, passes};
use crate::prelude::*;
use ssm_doctor_facts::workstation::Program;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    of_workstation(case, |workstation| {
        let plugin = &Program::Plugin;
        let fix = "install the Session Manager plugin on this machine, or start the session from one that has it";
        let Some(found) = workstation.plugin else {
            let what = "is not on the PATH of this machine, from which the AWS CLI starts sessions";
            return fails(plugin, what, fix);
        };
        let place = format!("is {} on this machine", found.path);
        if let Some(trouble) = &found.trouble {
            return fails(plugin, format!("{place} and cannot be run: {trouble}"), fix);
        }
        let untold = "it did not tell its version in time";
        passes(plugin, format!("{place}: {}", found.version.as_deref().unwrap_or(untold).trim()))
    })
}
