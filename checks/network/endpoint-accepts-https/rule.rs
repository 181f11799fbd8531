//! Each endpoint's security groups let the instance in.
//!
//! An interface endpoint is a network card in the VPC with security groups of its own, and the
//! default group that the console offers admits only itself. Dropped packets leave no trace: the
//! agent logs a timeout, never a refusal. Only ingress counts: security groups are stateful.

use crate::prelude::*;
use ssm_doctor_analysis::network::reach::{self, HopKind};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Filter,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    reach::judge(case, &[HopKind::EndpointGroup])
}
