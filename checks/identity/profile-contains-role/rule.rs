//! The attached profile still exists and holds a role.
//!
//! A profile and its role have names of their own, which the console makes equal and Terraform often
//! does not. Deleting a profile leaves it attached; one made later under its name has another id, and is
//! not the one that is attached. Source: IAM User Guide, "IAM identifiers", "Unique identifiers".

use crate::prelude::*;
use ssm_doctor_analysis::permissions::credentials::{
    NO_ROLE, beside, empty_profile, given_by_host_management, host_management, profile_name,
};
use ssm_doctor_facts::ssm::Ping;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::profile_attached::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some(id) = case.scope.target.instance() else {
        return Ok(Verdict::NotApplicable("a hybrid node has the role of its activation"));
    };
    let instance = case.facts.instance(id).required()?;
    let Some(arn) = &instance.profile else {
        return Ok(Verdict::NotApplicable("the instance has no profile"));
    };
    let name = profile_name(arn)?;
    let replace = |what: &str, by: &str| {
        let filter = format!("Name=instance-id,Values={id}");
        Fix::new(what, Recovery::Agent)
            .aws(["ec2", "describe-iam-instance-profile-associations", "--filters", &filter])
            .aws([
                "ec2",
                "replace-iam-instance-profile-association",
                "--association-id",
                "<association-id>",
                "--iam-instance-profile",
                &format!("Name={by}"),
            ])
    };
    let mut remade = false;
    let (evidence, fix) = if let Some(profile) = case.facts.instance_profile(&name).optional()? {
        if let (Some(attached), Some(now)) = (&instance.profile_id, &profile.id)
            && attached != now
        {
            remade = true;
            let evidence = observed(
                &name,
                format!(
                    "has the id {now}, and {attached} is attached to {id}: it was deleted, and made again under its name"
                ),
            );
            (evidence, replace("attach the profile again, as it is now", name.as_str()))
        } else if let Some(role) = profile.roles.first() {
            return Ok(Verdict::Pass(observed(&name, format!("holds role {role}"))));
        } else {
            let fix = Fix::new(format!("put a role into {name}"), Recovery::Agent).aws([
                "iam",
                "add-role-to-instance-profile",
                "--instance-profile-name",
                name.as_str(),
                "--role-name",
                "<role>",
            ]);
            (observed(&name, "holds no role"), fix)
        }
    } else {
        let fix = replace("replace the deleted profile by one that exists", "<profile>");
        (observed(&name, format!("is attached to {id} and does not exist any more")), fix)
    };
    if let Some(role) = given_by_host_management(case)? {
        let served = format!(
            "is what the agent uses instead, by Default Host Management, and {id} is Online with it"
        );
        return Ok(Verdict::Pass(evidence.and(observed(&role, served))));
    }
    // An agent that is Online, and was given no role, lives on what the old profile gave it.
    let online =
        case.facts.node(&case.scope.target).optional()?.is_some_and(|it| it.ping == Ping::Online);
    if remade && online {
        return Ok(Verdict::Fail(evidence, fix));
    }
    match host_management(case.facts).map_err(|it| beside(id, NO_ROLE, it))? {
        Some(_) => Err(empty_profile(id)),
        None => Ok(Verdict::Fail(evidence, fix)),
    }
}
