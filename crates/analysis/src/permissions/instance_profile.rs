//! The instance's profile, and the role in it.

use crate::case::Case;
use crate::permissions::identity::{AgentRole, CredentialSource};
use ssm_doctor_facts::{ids::*, limit::PermissionLimit, lookup::Unknown};

/// The role in the instance's profile, whether or not the agent uses it.
///
/// # Errors
/// [`Unknown`] when the profile or its role was not seen.
pub fn profile_role(case: &Case) -> Result<Option<AgentRole>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let Some(profile) = &case.facts.instance(id).required()?.profile else { return Ok(None) };
    let Some(row) = case.facts.instance_profile(&profile_name(profile)?).optional()? else {
        return Ok(None);
    };
    let Some(name) = row.roles.first() else { return Ok(None) };
    let arn = case.facts.role(name).required()?.arn.clone();
    Ok(Some(AgentRole { name: name.clone(), arn, source: CredentialSource::InstanceProfile }))
}

/// A profile's name is the last part of its ARN, and not its role's name.
///
/// # Errors
/// [`Unknown`] for an ARN without a name.
pub fn profile_name(arn: &Arn) -> Result<ProfileName, Unknown> {
    arn.name().parse().map_err(|_| Unknown::limit(PermissionLimit::NotProfile { arn: arn.clone() }))
}
