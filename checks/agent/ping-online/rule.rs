//! The agent reports.
//!
//! It does every five minutes. When AWS turns silence into `ConnectionLost` is not documented, so no
//! threshold is invented here: the age of the last report is printed and AWS's own word is taken.

use crate::prelude::*;
use ssm_doctor_analysis::node::unresponsive::{Silence, explore};
use ssm_doctor_facts::ssm::Ping;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Blocks,
    depends_on: &[
        &super::registered::CHECK,
        &crate::target::found_in_region::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
    ],
    proves: &[
        &super::registered::CHECK,
        &crate::target::found_in_region::CHECK,
        &crate::target::instance_running::CHECK,
        &crate::target::metadata_service_enabled::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
        &crate::identity::role_trusts_ec2::CHECK,
        &crate::identity::role_may_register::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
        &crate::endpoint::policy_allows_role_token::CHECK,
    ],
    run,
};

fn run(case: &Case) -> Answer {
    let target = &case.scope.target;
    let Some(node) = case.facts.node(target).optional()? else {
        return Ok(Verdict::NotApplicable("the node is not registered"));
    };
    let age = node
        .last_ping
        .map_or("at an unknown time".into(), |at| format!("{}, at {at}", at.ago(case.scope.at)));
    let evidence =
        observed(target, format!("has the ping status {}; its last report came {age}", node.ping));
    Ok(match &node.ping {
        Ping::Online => Verdict::Pass(evidence),
        Ping::ConnectionLost | Ping::Inactive => {
            let (evidence, fix) = explore(Silence::Lost(node), case, evidence)?;
            Verdict::Fail(evidence, fix)
        }
        Ping::Other(word) => {
            return Err(Unknown::limit(format!("the ping status of {target} is {word}")));
        }
    })
}
