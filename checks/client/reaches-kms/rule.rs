//! Where sessions are encrypted with a KMS key, this machine reaches `kms`: the plugin asks for the
//! session's data key itself.

use crate::prelude::*;
use ssm_doctor_analysis::workstation::client;

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
    client::network(case, |here| {
        if !client::is_encrypted(case)? {
            return Ok(Verdict::NotApplicable(client::NOT_ENCRYPTED));
        }
        client::reach(
            case.facts,
            &client::host("kms", case.scope),
            &client::api_host(&here, case.scope),
        )
    })
}
