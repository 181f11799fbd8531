//! There is a terminal to have a shell in.
//!
//! Advice only: the doctor's own surroundings may be others than the session's. One terminal among
//! standard input, output and error is enough, since the doctor's output is often piped.

use crate::client_words::{fails, of_workstation, passes};
use crate::prelude::*;
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
    of_workstation(case, |workstation| match case.scope.session {
        Session::Ssh | Session::Port | Session::RemotePort => {
            Ok(Verdict::NotApplicable("this kind of session needs no terminal"))
        }
        Session::Shell | Session::Command if workstation.surroundings.terminal => {
            passes(&Machine::Here, "has a terminal at hand")
        }
        Session::Shell | Session::Command => fails(
            &Machine::Here,
            "runs the doctor without a terminal; a shell started like this ends at once",
            "start the shell from a terminal (`ssh -t`, `docker run -it`), or use Run Command for what runs unattended",
        ),
    })
}
