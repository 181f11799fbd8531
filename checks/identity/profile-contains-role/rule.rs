//! The attached profile still exists and holds a role.
//!
//! A profile and its role have names of their own, which the console makes equal and Terraform often
//! does not. Deleting a profile leaves it attached; one made later under its name has another id, and is
//! not the one that is attached. Source: IAM User Guide, "IAM identifiers", "Unique identifiers".

use crate::identity_remedies::{attach_profile, fill_profile, listed};
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    agent_identity::{
        given_by_host_management, host_management, host_management_not_seen, profile_without_role,
    },
    instance_profile::profile_name,
};
use ssm_doctor_facts::{change::InstanceProfileChange, limit::ProfileProblem, ssm::Ping};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::profile_attached::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let id = instance(case, "a hybrid node has the role of its activation")?;
    let row = case.facts.instance(id).required()?;
    let arn = row.profile.as_ref().or_not_applicable("the instance has no profile")?;
    let name = profile_name(arn)?;
    let mut remade = false;
    let (evidence, fix) = if let Some(profile) = case.facts.instance_profile(&name).optional()? {
        if let (Some(attached), Some(now)) = (&row.profile_id, &profile.id)
            && attached != now
        {
            remade = true;
            let evidence = observed(
                &name,
                format!(
                    "has the id {now}, and {attached} is attached to {id}: it was deleted, and made again under its name"
                ),
            );
            let fix = Fix::new(format!("attach {name} again, as it is now"), Recovery::Agent);
            let again =
                InstanceProfileChange::Replace { instance: id.clone(), profile: name.clone() };
            (evidence, fix.with(again))
        } else if let Some(role) = profile.roles.first() {
            return Ok(Verdict::Pass(observed(&name, format!("holds role {role}"))));
        } else {
            let options = listed([fill_profile(&name, case), attach_profile(id, true, case)]);
            let fix = Fix::options(options, Recovery::Agent);
            (observed(&name, "holds no role"), fix)
        }
    } else {
        let fix = Fix::options(listed([attach_profile(id, true, case)]), Recovery::Agent);
        (observed(&name, format!("is attached to {id} and does not exist any more")), fix)
    };
    if let Some(role) = given_by_host_management(case)? {
        let served = format!(
            "is what the agent uses instead, by Default Host Management, and {id} is Online with it"
        );
        return Ok(Verdict::Pass(evidence.and(observed(&role, served))));
    }
    // An agent that is Online, and was given no role, lives on what the old profile gave it.
    let online = case
        .facts
        .node(&case.scope.target)
        .optional()?
        .is_some_and(|node| node.ping == Ping::Online);
    if remade && online {
        return Ok(Verdict::Fail(evidence, fix));
    }
    let served = host_management(case.facts)
        .map_err(|unknown| host_management_not_seen(id, ProfileProblem::NoRole, unknown))?;
    match served {
        Some(_) => Err(profile_without_role(id).into()),
        None => Ok(Verdict::Fail(evidence, fix)),
    }
}
