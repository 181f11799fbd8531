//! Where sessions are encrypted with a KMS key, this machine reaches `kms`: the plugin asks for the
//! session's data key itself.

use crate::client_words::{NOT_ENCRYPTED, of_network, reaches};
use crate::prelude::*;
use ssm_doctor_analysis::workstation;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[&crate::preferences::document_readable::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    of_network(case, |workstation| {
        if !workstation::calls_kms(case)? {
            return Ok(Verdict::NotApplicable(NOT_ENCRYPTED));
        }
        reaches(
            case.facts,
            &workstation::host("kms", case.scope),
            &workstation::api_host(workstation.surroundings, case.scope),
        )
    })
}
