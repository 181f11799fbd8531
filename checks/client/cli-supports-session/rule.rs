//! The AWS CLI knows `ssm start-session`.

use crate::client_words::{fails, of_workstation, passes};
use crate::prelude::*;
use ssm_doctor_analysis::workstation;
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

const FLOOR: [u32; 3] = [1, 16, 12];

fn run(case: &Case) -> Answer {
    of_workstation(case, |workstation| {
        let Some(cli) = workstation.cli.filter(|it| it.trouble.is_none()) else {
            return Ok(Verdict::NotApplicable(
                "the AWS CLI is not on this machine, so another tool starts the session",
            ));
        };
        let version = workstation::cli_version(cli)?;
        let [major, minor, patch] = version;
        let what = format!(
            "is {major}.{minor}.{patch} on this machine; `ssm start-session` came with 1.16.12"
        );
        if version < FLOOR {
            return fails(&Program::Cli, what, "install a current AWS CLI on this machine");
        }
        passes(&Program::Cli, what)
    })
}
