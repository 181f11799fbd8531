//! The agent is new enough for Default Host Management.
//!
//! Where no profile's role serves, the agent asks Systems Manager itself for a role. It has been able
//! to since 3.2.582.0 (Systems Manager user guide, "Default Host Management Configuration"), and only
//! by version 2 of the instance metadata service, which agents of that age speak.

use crate::agent_words::update;
use crate::identity_remedies::{attach_profile, listed};
use crate::prelude::*;
use ssm_doctor_facts::ssm::AgentVersion;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &crate::target::metadata_service_enabled::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

const FLOOR: AgentVersion = AgentVersion([3, 2, 582, 0]);

fn run(case: &Case) -> Judged {
    let id = instance(case, "Default Host Management is for EC2 instances")?;
    // Only hybrid nodes have a role by an activation.
    let (role, _) = role_by_systems_manager(case)?;
    let node = case.facts.node(&case.scope.target).optional()?;
    let Some(node) = node.filter(|node| node.agent_version.is_some()) else {
        return Err(Unknown::limit(format!(
            "whether the agent on {id} is of {FLOOR} or newer, as Default Host Management asks, shows only once it has registered"
        ))
        .into());
    };
    let version = node.version()?;
    let serves = format!("is the role that Default Host Management gives {id}");
    let evidence = observed(id, format!("has agent {version}")).and(observed(&role, serves));
    if version >= FLOOR {
        return Ok(Verdict::Pass(evidence));
    }
    let needs = format!("has agent {version}, and Default Host Management needs {FLOOR}");
    Ok(Verdict::Fail(
        observed(id, needs),
        Fix::options(
            listed([Some(update(case)), attach_profile(id, false, case)]),
            Recovery::Agent,
        ),
    ))
}
