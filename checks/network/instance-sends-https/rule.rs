//! The instance's own security groups let tcp/443 out.
//!
//! New groups allow everything out; a default group that was stripped, or a group made for HTTP
//! only, does not. Nothing has to come in: the agent opens every connection.

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
    reach::judge(case, &[HopKind::InstanceGroup])
}
