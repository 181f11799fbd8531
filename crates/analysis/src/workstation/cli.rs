//! The AWS CLI.

use ssm_doctor_facts::{
    lookup::Unknown,
    workstation::{Installed, Program},
};

use crate::workstation::session_manager_plugin::no_version;

/// # Errors
/// [`Unknown`] when it did not say its version.
pub fn cli_version(cli: &Installed) -> Result<[u32; 3], Unknown> {
    cli.cli_version().ok_or_else(|| no_version(Program::Cli, cli))
}
