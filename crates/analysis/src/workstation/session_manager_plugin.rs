//! The Session Manager plugin.

use crate::case::Case;
use crate::session::{self, Gates};
use ssm_doctor_facts::{
    limit::WorkstationLimit,
    lookup::Unknown,
    ssm::AgentVersion,
    workstation::{Installed, Program},
};

/// # Errors
/// [`Unknown`] when it did not say its version.
pub fn plugin_version(plugin: &Installed) -> Result<AgentVersion, Unknown> {
    plugin.plugin_version().ok_or_else(|| no_version(Program::Plugin, plugin))
}

/// Of a program whose version is needed.
#[must_use]
pub fn no_version(program: Program, installed: &Installed) -> Unknown {
    let said = installed.version.as_ref().map(|version| version.trim().into());
    Unknown::limit(WorkstationLimit::NoVersion { program, said })
}

/// Does the plugin have to call KMS?
///
/// # Errors
/// [`Unknown`] when the preferences were not seen.
pub fn calls_kms(case: &Case) -> Result<bool, Unknown> {
    match session::gates(case)? {
        Gates::Apply(preferences) => Ok(preferences.text("kmsKeyId")?.is_some()),
        Gates::None(_) => Ok(false),
    }
}
