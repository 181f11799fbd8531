//! The peering connection that the route names is active.
//!
//! A peering connection outlives its other side as a route that leads nowhere, and is not transitive: it
//! leads to endpoints in the peer VPC, never through the peer's own gateways.

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
    reach::judge(case, &[HopKind::Peering])
}
