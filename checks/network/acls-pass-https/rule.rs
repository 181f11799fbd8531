//! Network ACLs pass tcp/443 one way and the replies the other.
//!
//! ACLs are stateless: replies come back to a high port of the system, which needs a rule of its own.
//! They stand at the edge of subnets, so between two hosts of one subnet there is none.

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
    reach::judge(case, &[HopKind::Acl])
}
