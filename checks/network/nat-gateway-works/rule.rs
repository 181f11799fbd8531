//! The NAT gateway that the route names works, and has a way on.
//!
//! It is a public one, it is available, and it stands in a subnet that an internet gateway serves: a NAT
//! gateway in a private subnet drops everything, in silence.

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
    reach::judge(case, &[HopKind::NatGateway])
}
