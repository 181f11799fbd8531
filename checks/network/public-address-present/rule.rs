//! An instance behind an internet gateway has a public IPv4 address.
//!
//! The classic trap: the subnet is public, nothing needs to come in, and still no packet leaves.

use crate::prelude::*;
use ssm_doctor_analysis::network::reach::{self, HopKind};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Route,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::route_alive::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    reach::judge(case, &[HopKind::PublicAddress])
}
