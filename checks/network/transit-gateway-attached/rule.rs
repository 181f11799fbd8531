//! The VPC has a foot on the transit gateway, in the instance's zone.
//!
//! An attachment serves the Availability Zones that it has a subnet in, and no others: instances there
//! lose their packets without a trace.

use crate::prelude::*;
use ssm_doctor_analysis::network::reach::{self, HopKind};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Route,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    reach::judge(case, &[HopKind::TransitGateway])
}
