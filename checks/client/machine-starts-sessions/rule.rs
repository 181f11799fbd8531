//! This machine has what sessions are started with; if not, the one that has is not judged here.

use crate::client_words::{fails, not_judged, passes};
use crate::prelude::*;
use ssm_doctor_analysis::workstation::{self, Judged};
use ssm_doctor_facts::workstation::Machine;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    if let Some(reason) = workstation::left_out(case.scope) {
        return Ok(Verdict::NotApplicable(not_judged(reason)));
    }
    let machine = &Machine::Here;
    match workstation::judged(case)? {
        Judged::Workstation(_) => passes(machine, "is one that sessions start from"),
        Judged::Not(reason) => fails(
            machine,
            format!("is not taken for the one that starts the session: {}", not_judged(reason)),
            "run the doctor where the session starts, or install the Session Manager plugin and the AWS CLI here; `--no-client` leaves this machine out",
        ),
    }
}
