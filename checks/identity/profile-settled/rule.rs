//! The instance's profile is in force, not on its way in or out.
//!
//! EC2 shows a profile with its instance from the moment it was asked to attach it. That one was
//! attached a moment ago, and the agent may still sleep, is said where the agent is missed.

use crate::prelude::*;
use ssm_doctor_facts::{change::InstanceProfileChange, ssm::Ping};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Degrades,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::profile_attached::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let id = instance(case, "a hybrid node has no instance profile")?;
    let profile = case
        .facts
        .instance(id)
        .required()?
        .profile
        .as_ref()
        .or_not_applicable("the instance has no profile")?;
    if case.facts.node(&case.scope.target).optional()?.is_some_and(|node| node.ping == Ping::Online)
    {
        return Ok(Verdict::NotApplicable("the agent is Online, so it has credentials"));
    }
    let name = profile.name();
    let Some(association) = case.facts.profile_association(id).optional()? else {
        return Err(Unknown::limit(format!("whether {name} is in force for {id} yet")).into());
    };
    match association.state.as_str() {
        "associated" => Ok(Verdict::Pass(observed(name, format!("is associated with {id}")))),
        "associating" | "disassociating" | "disassociated" => Ok(Verdict::Fail(
            observed(name, format!("is {} with {id}, so it is not in force", association.state)),
            match (association.state.as_str(), name.parse()) {
                ("associating", _) | (_, Err(_)) => {
                    Fix::new(format!("wait until {name} is associated with {id}"), Recovery::Agent)
                }
                (_, Ok(profile)) => Fix::options(
                    [FixOption::new(format!("attach {name} to {id} again"))
                        .after(format!("wait until {id} has no association any more"))
                        .with(InstanceProfileChange::Associate { instance: id.clone(), profile })],
                    Recovery::Agent,
                ),
            },
        )),
        other => {
            Err(Unknown::limit(format!("{name} is {other:?} with {id}, an unrecognized state"))
                .into())
        }
    }
}
