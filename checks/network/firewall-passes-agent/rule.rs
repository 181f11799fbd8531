//! The rules of a Network Firewall on the way let the agent through.
//!
//! A list of what is allowed drops the TLS of every other name, and says so nowhere but in the firewall's
//! own log: the agent sees connections that open and never answer.

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
    reach::judge(case, &[HopKind::Firewall])
}
