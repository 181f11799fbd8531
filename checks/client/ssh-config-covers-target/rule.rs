//! `ssh <target>` goes through Session Manager, with the credentials that were judged.
//!
//! Advice: a command on the command line, or a tool of its own, may do in its place.

use crate::client_words::{NO_SSH_SESSION, fails, of_workstation, passes};
use crate::prelude::*;
use ssm_doctor_analysis::workstation::{
    self,
    ssh_proxy::{self, Way},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[&super::ssh_config_fits::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    of_workstation(case, |_| {
        if case.scope.session != Session::Ssh {
            return Ok(Verdict::NotApplicable(NO_SSH_SESSION));
        }
        let Some(entry) = workstation::ssh_entry(case)? else { return uncovered(case.scope) };
        let tunnel = match ssh_proxy::way(entry, case.scope)? {
            Way::Session(tunnel) => tunnel,
            Way::Elsewhere => return uncovered(case.scope),
            Way::Broken(_) => {
                return Ok(Verdict::NotApplicable("the SSH configuration cannot work as it is"));
            }
        };
        let login = workstation::login(case.facts)?;
        let judged = login.profiles.first().map_or("default", |it| it.name.as_str());
        let other = login.environment_keys && !login.by_flag;
        match tunnel.option("--profile") {
            Some(profile) if other || profile != judged => fails(
                &entry.place,
                format!(
                    "starts the session with the profile `{profile}`, and this run judged other credentials"
                ),
                format!("run the doctor with --profile {profile} too"),
            ),
            _ => passes(&entry.place, "starts the session with the credentials judged here"),
        }
    })
}

fn uncovered(scope: &Scope) -> Answer {
    fails(
        "~/.ssh/config",
        format!("does not send `ssh {}` through a session", scope.target),
        format!("add a `Host i-* mi-*` with {}", ssh_proxy::COMMAND),
    )
}
