//! A NAT instance on the way may forward, as far as AWS can tell.
//!
//! Source/destination check, groups and a way on are AWS's to show; forwarding itself is a matter of the
//! system on it, so this fails or is unknown and passes only beside an unknown.

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
    reach::judge(case, &[HopKind::NatInstance])
}
