//! How an instance gets a role that its agent can use.
//!
//! The profile for instances without one has a name of its own. Once it exists, the next instance needs
//! the association alone.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use crate::engine::permission::{edit, managed_policy, policy_document};
use ssm_doctor_analysis::{
    answer::FixOption,
    case::Case,
    permissions::{
        actions::ASSUME,
        managed_policies::{DEFAULT_HOST_MANAGEMENT, INSTANCE_CORE},
    },
};
use ssm_doctor_facts::{
    change::{IamChange, InstanceProfileChange, PolicyHolder, Risk, ServiceSettingChange},
    iam::{Caller, InstanceProfile, Role},
    ids::{InstanceId, ProfileName, RoleName},
    lookup::{Need, Ourselves},
    ssm::SettingId,
    text::Text,
};

/// Of the profile and of the role in it.
const NAME: &str = "SessionManagerInstance";
/// As the console names it. Source: Systems Manager user guide, "Managing EC2 instances automatically with
/// Default Host Management Configuration".
const HOST_MANAGEMENT_ROLE: &str = "AWSSystemsManagerDefaultEC2InstanceManagementRole";

/// A statement of a trust policy, without conditions.
pub(crate) fn trust_statement(service: &str) -> Value {
    json!({ "Effect": "Allow", "Principal": { "Service": service }, "Action": ASSUME })
}

/// Lets a service assume a role, by a statement beside those of its trust policy.
/// `goes_around_conditions`: the role trusts the service already, under conditions that do not hold.
pub(crate) fn trusting(
    service: &str,
    statement: Value,
    name: &RoleName,
    role: &Role,
    goes_around_conditions: bool,
) -> FixOption {
    let mut option = FixOption::new(format!("let {service} assume {name}"));
    if goes_around_conditions {
        option = option
            .risking(Risk::WidensAccess)
            .after(format!("ask the owner of the role why its trust in {service} has conditions"));
    }
    let Some(edited) = edit::sparing_services(&role.trust, ASSUME) else {
        return option.after(format!("write the trust policy of {name} anew: it cannot be read"));
    };
    let option = if edited.widens { option.risking(Risk::WidensAccess) } else { option };
    let trust = Text::Json(edited.document);
    match edit::with_statements(Some(&trust), &[statement]) {
        Some(trust) => option.with(IamChange::UpdateAssumeRolePolicy {
            role: name.clone(),
            trust: trust.to_string(),
        }),
        None => option,
    }
}

/// Attaches a profile whose role has what the agent needs; `replaces` what the instance has now.
pub(crate) fn attach_profile(id: &InstanceId, replaces: bool, case: &Case) -> Option<FixOption> {
    let profile: ProfileName = NAME.parse().ok()?;
    let known = case.facts.instance_profile(&profile).optional();
    let option = match known {
        Ok(Some(InstanceProfile { roles, .. })) if !roles.is_empty() => {
            FixOption::new(format!("attach the instance profile {NAME} to {id}"))
        }
        _ => {
            let option = FixOption::new(format!(
                "create the instance profile {NAME} with {INSTANCE_CORE}, and attach it to {id}"
            ));
            let (option, role) = with_role(option, case)?;
            let profile = profile.clone();
            option.with(if matches!(known, Ok(Some(_))) {
                IamChange::AddRoleToInstanceProfile { profile, role }
            } else {
                IamChange::CreateInstanceProfile { profile, role }
            })
        }
    };
    let needs = [Need::instance_profile(profile.clone()), Need::role(NAME.parse().ok()?)];
    let instance = id.clone();
    let change = if replaces {
        InstanceProfileChange::Replace { instance, profile }
    } else {
        InstanceProfileChange::Associate { instance, profile }
    };
    Some(option.with(change).wanting(needs))
}

/// Puts a role into a profile that has none.
pub(crate) fn fill_profile(profile: &ProfileName, case: &Case) -> Option<FixOption> {
    let option = FixOption::new(format!("put a role with {INSTANCE_CORE} into {profile}"));
    let (option, role) = with_role(option, case)?;
    let add = IamChange::AddRoleToInstanceProfile { profile: profile.clone(), role };
    Some(option.with(add).wanting([Need::role(NAME.parse().ok()?)]))
}

/// The role for instances, created if it does not exist.
fn with_role(option: FixOption, case: &Case) -> Option<(FixOption, RoleName)> {
    let role: RoleName = NAME.parse().ok()?;
    if case.facts.role(&role).optional().ok().flatten().is_some() {
        return Some((option, role));
    }
    let policy = managed_policy(case.scope.region.partition(), INSTANCE_CORE)?;
    let trust = policy_document(&[trust_statement("ec2.amazonaws.com")]);
    let option = option
        .with(IamChange::CreateRole { role: role.clone(), path: None, trust })
        .with(IamChange::AttachPolicy { to: PolicyHolder::Role(NAME.into()), policy });
    Some((option, role))
}

/// Gives every instance of the Region a role that has no profile.
pub(crate) fn turn_on_host_management(case: &Case) -> Option<FixOption> {
    let role: RoleName = HOST_MANAGEMENT_ROLE.parse().ok()?;
    let region = &case.scope.region;
    let mut option = FixOption::new(format!(
        "turn on Default Host Management in {region}, for every instance there"
    ))
    .risking(Risk::WidensAccess)
    .after("check that the agent is of version 3.2.582.0 or newer and that the instance has IMDSv2 on; the setting takes up to 30 minutes to reach the instance");
    if !matches!(case.facts.role(&role).optional(), Ok(Some(_))) {
        let policy = managed_policy(region.partition(), DEFAULT_HOST_MANAGEMENT)?;
        option = option
            .with(IamChange::CreateRole {
                role: role.clone(),
                path: Some("/service-role/".into()),
                trust: policy_document(&[trust_statement("ssm.amazonaws.com")]),
            })
            .with(IamChange::AttachPolicy { to: PolicyHolder::Role(role.to_string()), policy });
    }
    let value = format!("service-role/{HOST_MANAGEMENT_ROLE}");
    let setting = setting(SettingId::DefaultHostManagementRole, case);
    Some(option.with(ServiceSettingChange::Update { setting, value }).wanting([Need::role(role)]))
}

/// A setting by its ARN, or by its id where the account is not known.
pub(crate) fn setting(id: SettingId, case: &Case) -> String {
    match caller(case) {
        Some(Caller { arn, account, .. }) => {
            let (partition, region) = (arn.partition(), &case.scope.region);
            format!("arn:{partition}:ssm:{region}:{account}:servicesetting{id}")
        }
        None => id.as_str().into(),
    }
}

/// Takes the profile away, so that the agent turns to Default Host Management.
pub(crate) fn take_profile(id: &InstanceId) -> FixOption {
    FixOption::new(format!(
        "take the instance profile from {id}, so that its agent uses Default Host Management"
    ))
    .after("check that nothing else on the instance uses the profile's role")
    .with(InstanceProfileChange::Disassociate { instance: id.clone() })
}

/// Whose credentials the doctor has, if that is known.
pub(crate) fn caller<'f>(case: &Case<'f>) -> Option<&'f Caller> {
    case.facts.caller(&Ourselves::Us).optional().ok().flatten()
}

/// The options that there are.
pub(crate) fn listed(options: impl IntoIterator<Item = Option<FixOption>>) -> Vec<FixOption> {
    options.into_iter().flatten().collect()
}
