//! This machine has what sessions are started with; if not, the one that has is not judged here.

use crate::prelude::*;
use ssm_doctor_analysis::workstation::client::{self, Judged};
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
    if let Some(why) = client::left_out(case.scope) {
        return Ok(Verdict::NotApplicable(why));
    }
    let machine = &Machine::Here;
    match client::judged(case)? {
        Judged::Here(_) => client::passes(machine, "is one that sessions start from"),
        Judged::Not(why) => client::fails(
            machine,
            format!("is not taken for the one that starts the session: {why}"),
            "run the doctor where the session starts, or install the Session Manager plugin and the AWS CLI here; `--no-client` leaves this machine out",
        ),
    }
}
