//! VPC Block Public Access lets the way out be.
//!
//! One setting of an account and Region shuts all internet gateways at once, whatever routes and groups
//! say; it shows in neither of them.

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
    reach::judge(case, &[HopKind::PublicAccess])
}
