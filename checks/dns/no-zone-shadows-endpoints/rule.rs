//! A private hosted zone that covers a service's name leads it to something.
//!
//! A zone that lacks the record does not let the question through to the public name: it answers that
//! there is no such name. A zone for a parent (`amazonaws.com`) takes every service's name with it.

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
    reach::judge(case, &[HopKind::HostedZone])
}
