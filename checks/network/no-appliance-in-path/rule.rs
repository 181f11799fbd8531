//! Nothing on the way out may stop packets unseen.
//!
//! A firewall, a transit gateway or an office's network on the way is a fact, not a fault: so this never
//! blocks by itself. It is the first thing to look at when the agent stays away.

use crate::prelude::*;
use ssm_doctor_analysis::network::{hop::HopKind, path};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Route,
    impact: Impact::Advises,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    match path::judge(case, &[HopKind::Appliance])? {
        // What is on the way shows in the routes alone, whatever they are worth.
        Verdict::NotApplicable(_) => match path::judge(case, &[HopKind::Route])? {
            Verdict::Fail(..) => Ok(Verdict::NotApplicable("there is no way out at all")),
            verdict => Ok(verdict),
        },
        verdict => Ok(verdict),
    }
}
