//! The services that a gate of this session waits for can be reached from the node.
//!
//! Without a path the agent does not fail at once: it waits for minutes behind a blank screen, and
//! most people close it before the message comes.

use crate::{path, prelude::*};
use ssm_doctor_analysis::network::path::judge_gates;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: path::joined!(
        path::HOPS,
        &[&super::document_readable::CHECK, &crate::target::found_in_region::CHECK],
    ),
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    Ok(match judge_gates(case)? {
        // The agent looks anew for each session.
        Verdict::Fail(evidence, fix) => {
            Verdict::Fail(evidence, Fix { recovery: Recovery::NextSession, ..fix })
        }
        answer => answer,
    })
}
