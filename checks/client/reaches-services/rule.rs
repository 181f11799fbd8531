//! This machine reaches `ssm`, which is asked for the session, and `ssmmessages`, which carries it over
//! a WebSocket.
//!
//! Nothing is signed and no session is touched: any HTTP answer shows a way, and no more than that.

use crate::client_words::{of_network, reaches};
use crate::prelude::*;
use ssm_doctor_analysis::workstation;
use ssm_doctor_facts::workstation::Outcome;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[&super::service_names_resolve::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    of_network(case, |workstation| {
        let (api, channel) = (
            workstation::api_host(workstation.surroundings, case.scope),
            workstation::host("ssmmessages", case.scope),
        );
        all_of([(&api, &channel), (&channel, &api)], "", |(host, other)| {
            // The CLI has certificates of its own, and may be told of more; the plugin goes by the system's.
            if host == &api
                && case.facts.here_contact(host).required()?.outcome == Outcome::Untrusted
            {
                return Err(Unknown::limit(format!(
                    "{host} shows this machine a certificate that the system does not trust; whether the AWS CLI does, its AWS_CA_BUNDLE decides"
                )));
            }
            reaches(case.facts, host, other)
        })
    })
}
