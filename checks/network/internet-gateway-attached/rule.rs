//! The internet gateway that the route names is attached to the VPC.
//!
//! A detached gateway leaves its routes behind. The same holds for egress-only gateways, by which IPv6
//! goes out and nothing comes in.

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
    reach::judge(case, &[HopKind::InternetGateway])
}
