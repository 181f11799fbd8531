//! An endpoint gets the traffic that is meant for it.
//!
//! Without private DNS the agent asks for the public name and gets public addresses, which is fine
//! where those can be reached: only then is it no fault.

use crate::{endpoint::policy_allows_agent::and_beyond, prelude::*};
use ssm_doctor_analysis::network::{hop::HopKind, path};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Dns,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    and_beyond(path::judge(case, &[HopKind::PrivateDns]), case)
}
