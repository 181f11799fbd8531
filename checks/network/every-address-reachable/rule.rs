//! Every address that a service's name resolves to is reached, not just some.
//!
//! The agent tries one address after the other. Where one leads to nothing, connections fail now and then, which is
//! worse to find than if they failed always.

use crate::prelude::*;
use ssm_doctor_analysis::network::{hop::HopKind, path, service::CORE};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Route,
    impact: Impact::Degrades,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let of_endpoints = path::judge(case, &[HopKind::Endpoint]);
    if let Ok(none @ Verdict::NotApplicable(_)) = of_endpoints {
        return Ok(none);
    }
    // Where something of the way was not seen, it is not certain which addresses the name has.
    let whole = all_of(CORE, "no path was seen", |service| path::judge_service(case, service))?;
    if let Verdict::Fail(..) = whole {
        return Ok(Verdict::NotApplicable("no address is reached at all"));
    }
    match path::judge(case, &[HopKind::SomeAddresses])? {
        partly @ Verdict::Fail(..) => Ok(partly),
        _ => of_endpoints,
    }
}
