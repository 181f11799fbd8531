//! DNS Firewall lets the names of Systems Manager through.
//!
//! It answers before zones and endpoints do, so that it also blocks names with private addresses. The
//! walled garden is the usual case: everything is blocked but a list that lacks AWS's names.

use crate::prelude::*;
use ssm_doctor_analysis::network::reach::{self, HopKind};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Dns,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    reach::judge(case, &[HopKind::DnsFirewall])
}
