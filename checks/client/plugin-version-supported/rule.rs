//! AWS supports this version of the plugin.
//!
//! 1.2.764.0 signs the request that opens the data channel; whether the service already refuses those
//! who do not is not documented, so an older plugin may work for some time yet. Source: version history
//! of the plugin.

use crate::client_words::{NEWER_PLUGIN, NO_PLUGIN, fails, of_workstation, passes};
use crate::prelude::*;
use ssm_doctor_analysis::workstation;
use ssm_doctor_facts::{ssm::AgentVersion, workstation::Program};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Degrades,
    depends_on: &[&super::plugin_installed::CHECK],
    proves: &[],
    run,
};

const FLOOR: AgentVersion = AgentVersion([1, 2, 764, 0]);
const WITHDRAWN: AgentVersion = AgentVersion([1, 2, 889, 0]);

fn run(case: &Case) -> Answer {
    of_workstation(case, |workstation| {
        let Some(plugin) = workstation.plugin else {
            return Ok(Verdict::NotApplicable(NO_PLUGIN));
        };
        let version = workstation::plugin_version(plugin)?;
        let what = format!("is {version} on this machine");
        let fault = if version < FLOOR {
            format!(", and AWS supports {FLOOR} and later only")
        } else if version == WITHDRAWN {
            ", which AWS has withdrawn".into()
        } else {
            return passes(&Program::Plugin, what);
        };
        fails(&Program::Plugin, format!("{what}{fault}"), NEWER_PLUGIN)
    })
}
