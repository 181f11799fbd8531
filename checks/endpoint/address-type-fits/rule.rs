//! Endpoint and instance have a family of addresses in common.
//!
//! A subnet with IPv6 alone cannot use an endpoint with IPv4 addresses alone, and the agent finds public
//! IPv6 addresses only under other names, which its configuration has to turn on.

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
    reach::judge(case, &[HopKind::AddressType])
}
