//! What `~/.ssh/config` says of the target starts the right session.

use crate::prelude::*;
use ssm_doctor_analysis::workstation::{
    client,
    ssh::{self, Way},
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
    client::here(case, |_| {
        if case.scope.session != Session::Ssh {
            return Ok(Verdict::NotApplicable(ssh::NOT_READ));
        }
        let Some(entry) = client::ssh_entry(case)? else {
            return Ok(Verdict::NotApplicable(
                "the SSH configuration of this machine says nothing of the target",
            ));
        };
        let defect = match ssh::way(entry, case.scope)? {
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
            None => client::passes(place, format!("sends `ssh {typed}` through an SSH session")),
            Some(defect) => client::fails(
                place,
                format!("{defect} (`ssh {typed}`)"),
                format!("put there, in plain quotes: {}", ssh::COMMAND),
            ),
        }
    })
}
