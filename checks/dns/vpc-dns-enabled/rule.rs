//! The VPC resolves names, and private ones where they are relied on.
//!
//! `enableDnsSupport` answers queries at all, `enableDnsHostnames` is required for the zones that
//! endpoints bring along; without it the agent is sent to public addresses.

use crate::{endpoint::policy_allows_agent::and_beyond, prelude::*};
use ssm_doctor_analysis::network::{hop::HopKind, path};

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
    and_beyond(path::judge(case, &[HopKind::VpcDns]), case)
}
