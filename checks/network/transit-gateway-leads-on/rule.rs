//! The transit gateway's tables lead on to the service, and back.
//!
//! A route to a transit gateway says only that packets get there. Where they go from there its own tables
//! decide, one for each foot; and the VPC behind the other foot has to lead on in its turn.

use crate::prelude::*;
use ssm_doctor_analysis::network::reach::{self, HopKind};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Route,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::transit_gateway_attached::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    reach::judge(case, &[HopKind::TransitRoute])
}
