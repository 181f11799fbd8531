//! The instance may ask the DNS servers that it was told of.
//!
//! Nothing stands between an instance and Amazon's resolver. Another server is a host like any other: a
//! group that lets out tcp/443 alone, as hardened ones do, leaves every name unresolved.

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
    reach::judge(case, &[HopKind::NameQuery])
}
