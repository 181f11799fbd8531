//! What `~/.ssh/config` says of the target starts the right session.

use crate::client_words::{NO_SSH_SESSION, fails, of_workstation, passes, ssh_defect};
use crate::prelude::*;
use ssm_doctor_analysis::workstation::{
    self,
    ssh_proxy::{self, Way},
};

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
    of_workstation(case, |_| {
        if case.scope.session != Session::Ssh {
            return Ok(Verdict::NotApplicable(NO_SSH_SESSION));
        }
        let Some(entry) = workstation::ssh_entry(case)? else {
            return Ok(Verdict::NotApplicable(
                "the SSH configuration of this machine says nothing of the target",
            ));
        };
        let defect = match ssh_proxy::way(entry, case.scope)? {
            Way::Session(tunnel) => tunnel.defect(entry, case.scope)?,
            Way::Broken(defect) => Some(defect),
            Way::Elsewhere => {
                return Ok(Verdict::NotApplicable(
                    "the SSH configuration of this machine goes another way than by a session",
                ));
            }
        };
        let (place, typed) = (&entry.place, &entry.typed);
        match defect {
            None => passes(place, format!("sends `ssh {typed}` through an SSH session")),
            Some(defect) => fails(
                place,
                format!("{} (`ssh {typed}`)", ssh_defect(&defect)),
                format!("put there, in plain quotes: {}", ssh_proxy::COMMAND),
            ),
        }
    })
}
