//! Where private DNS names are relied on, the VPC resolves them.
//!
//! `enableDnsSupport` answers queries at all, `enableDnsHostnames` is required for the zones that
//! endpoints bring along; either one off sends the agent to public addresses.

use crate::{
    prelude::*,
    solve::reach::{self, HopKind},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("vpc_dns_enabled.md"),
    layer: Layer::Dns,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(facts: &Facts, scope: &Scope) -> Answer {
    reach::judge(facts, scope, &[HopKind::VpcDns])
}
