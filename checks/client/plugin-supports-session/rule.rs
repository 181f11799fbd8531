//! The plugin knows the kind of session asked for.

use crate::client_words::{NEWER_PLUGIN, NO_PLUGIN, fails, of_workstation, passes};
use crate::prelude::*;
use ssm_doctor_analysis::workstation;
use ssm_doctor_facts::{ssm::AgentVersion, workstation::Program};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[&super::plugin_installed::CHECK],
    proves: &[],
    run,
};

/// A feature, and the version that brought it.
type Floor = (&'static str, AgentVersion);

fn run(case: &Case) -> Answer {
    of_workstation(case, |workstation| {
        let Some(plugin) = workstation.plugin else {
            return Ok(Verdict::NotApplicable(NO_PLUGIN));
        };
        let nothing = "this kind of session asks for nothing that the first plugins did not know";
        all_of([Ok(kind(case.scope)), encryption(case)], nothing, |floor| {
            let Some((feature, floor)) = floor? else {
                return Ok(Verdict::NotApplicable(nothing));
            };
            let version = workstation::plugin_version(plugin)?;
            let what = format!("is {version} on this machine, and {feature} needs {floor}");
            if version < floor {
                return fails(&Program::Plugin, what, NEWER_PLUGIN);
            }
            passes(&Program::Plugin, what)
        })
    })
}

fn kind(scope: &Scope) -> Option<Floor> {
    let command = scope.document.as_ref().map(DocumentName::as_str);
    match scope.session {
        Session::Ssh => Some(("SSH", AgentVersion([1, 1, 23, 0]))),
        Session::Command if command == Some("AWS-StartNonInteractiveCommand") => {
            Some(("a command without interaction", AgentVersion([1, 2, 54, 0])))
        }
        Session::Shell | Session::Command | Session::Port | Session::RemotePort => None,
    }
}

fn encryption(case: &Case) -> Result<Option<Floor>, Unknown> {
    let encrypted = workstation::calls_kms(case)?;
    Ok(encrypted.then_some(("encryption with a KMS key", AgentVersion([1, 1, 17, 0]))))
}
