//! The instance's profile is in force, not on its way in or out.
//!
//! EC2 shows a profile with its instance from the moment it was asked to attach it. That one was
//! attached a moment ago, and the agent may still sleep, is said where the agent is missed.

use crate::prelude::*;
use ssm_doctor_facts::ssm::Ping;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Degrades,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::profile_attached::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some(id) = case.scope.target.instance() else {
        return Ok(Verdict::NotApplicable("a hybrid node has no instance profile"));
    };
    let Some(profile) = &case.facts.instance(id).required()?.profile else {
        return Ok(Verdict::NotApplicable("the instance has no profile"));
    };
    if case.facts.node(&case.scope.target).optional()?.is_some_and(|it| it.ping == Ping::Online) {
        return Ok(Verdict::NotApplicable("the agent is Online, so it has credentials"));
    }
    let name = profile.name();
    let Some(association) = case.facts.profile_association(id).optional()? else {
        return Err(Unknown::limit(format!("whether {name} is in force for {id} yet")));
    };
    let filter = format!("Name=instance-id,Values={id}");
    match association.state.as_str() {
        "associated" => Ok(Verdict::Pass(observed(name, format!("is associated with {id}")))),
        "associating" | "disassociating" | "disassociated" => Ok(Verdict::Fail(
            observed(name, format!("is {} with {id}, so it is not in force", association.state)),
            Fix::new(
                "wait until it is associated, or attach it again; then restart the agent",
                Recovery::Agent,
            )
            .aws([
                "ec2",
                "describe-iam-instance-profile-associations",
                "--filters",
                &filter,
            ]),
        )),
        other => {
            Err(Unknown::limit(format!("{name} is {other:?} with {id}, a state not known here")))
        }
    }
}
