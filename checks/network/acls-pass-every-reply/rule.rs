//! Network ACLs pass all replies, not just some.
//!
//! Replies come back to any of the ports that the system opens connections from. An ACL that passes part
//! of that range makes connections fail now and then, which is worse to find than one that fails always.

use crate::prelude::*;
use ssm_doctor_analysis::network::{hop::HopKind, path};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Filter,
    impact: Impact::Degrades,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    if let partly @ Verdict::Fail(..) = path::judge(case, &[HopKind::SomeReplies])? {
        return Ok(partly);
    }
    Ok(match path::judge(case, &[HopKind::Acl])? {
        Verdict::Fail(..) => Verdict::NotApplicable("no reply gets through at all"),
        verdict => verdict,
    })
}
