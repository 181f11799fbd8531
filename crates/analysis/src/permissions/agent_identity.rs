//! Which identity the agent uses.
//!
//! On EC2 the instance profile comes first: if its role can call `ssm:UpdateInstanceInformation` it
//! is used for everything, and Default Host Management (DHMC) is never tried, even where the role
//! lacks the session channel's actions. Refused credentials lead to DHMC; other failures, such as a
//! profile that holds no role, may not. Source: amazon-ssm-agent
//! `common/identity/availableidentities/ec2/ec2roleprovider/ec2_role_provider.go`.

use alloc::{format, string::String};
use core::cell::OnceCell;

use crate::case::Case;
use crate::permissions::{
    actions::{ASSUME, CHANNELS, EC2, REGISTER, channels_of, target_arn},
    decision::is_allowed,
    identity::{AgentRole, CredentialSource, PermissionQuestion},
    instance_profile::profile_role,
    simulator,
};
use ssm_doctor_facts::{
    ids::*,
    limit::{PermissionLimit, ProfileProblem},
    lookup::{Facts, Unknown, Unknowns, both},
    ssm::{Ping, ServiceSetting, SettingId},
};
use ssm_doctor_iam_policy as policy;
use ssm_doctor_iam_policy::ServiceTrust;

/// `None` when the agent has no identity at all.
///
/// # Errors
/// [`Unknown`] when what decides between the candidates was not seen.
pub fn agent_role(case: &Case) -> Result<Option<AgentRole>, Unknown> {
    case.results::<KnownRole>().0.get_or_init(|| look_up(case)).clone()
}

/// [`agent_role`], as a case keeps it.
#[derive(Default)]
struct KnownRole(OnceCell<Result<Option<AgentRole>, Unknown>>);

fn look_up(case: &Case) -> Result<Option<AgentRole>, Unknown> {
    let Some((name, source)) = agent_role_name(case)? else { return Ok(None) };
    let arn = case.facts.role(&name).required()?.arn.clone();
    Ok(Some(AgentRole { name, arn, source }))
}

/// As [`agent_role`], of a role that may have been deleted since.
///
/// # Errors
/// As there.
pub fn agent_role_name(case: &Case) -> Result<Option<(RoleName, CredentialSource)>, Unknown> {
    let Some(id) = case.scope.target.instance() else {
        let node = case.facts.node(&case.scope.target).required()?;
        let Some(raw) = &node.role else {
            let target = case.scope.target.clone();
            return Err(Unknown::limit(PermissionLimit::ActivationRole { target }));
        };
        return Ok(Some((named(raw)?, CredentialSource::Activation)));
    };
    let given = given_by_host_management(case);
    let instance = case.facts.instance(id).required();
    let setting = host_management(case.facts);
    if instance.is_err() || is_unasked(&given) || is_unasked(&setting) {
        // All that are needed in any case are asked for in one go.
        let mut unseen = Unknowns::default();
        unseen.keep(given.clone());
        unseen.keep(instance.clone());
        unseen.keep(setting.clone());
        unseen.none()?;
    }
    let instance = instance?;
    if let Ok(Some(name)) = given {
        return Ok(Some((name, CredentialSource::HostManagement)));
    }
    // Systems Manager has given no role, or that was not seen. Either way the agent uses the profile's
    // role within an hour, if that role may register.
    let fallback =
        |profile: ProfileProblem| -> Result<Option<(RoleName, CredentialSource)>, Unknown> {
            let unseen = |unknown| host_management_not_seen(id, profile, unknown);
            let Some(raw) = setting.clone().map_err(unseen)? else {
                return Ok(None);
            };
            Ok(Some((named(raw)?, CredentialSource::HostManagement)))
        };
    let profile = profile_role(case)?;
    match (profile, &setting) {
        (Some(role), Ok(None)) => Ok(Some((role.name, CredentialSource::InstanceProfile))),
        (Some(role), _) => {
            if may_register(case, &role)? {
                Ok(Some((role.name, CredentialSource::InstanceProfile)))
            } else {
                fallback(ProfileProblem::CannotRegister { role: role.name })
            }
        }
        (None, Ok(Some(_))) if instance.profile.is_some() => Err(profile_without_role(id)),
        (None, _) if instance.profile.is_some() => fallback(ProfileProblem::NoRole),
        (None, _) => fallback(ProfileProblem::NoProfile),
    }
}

/// The setting of Default Host Management was not seen, and the instance's profile gives the agent no
/// credentials.
#[must_use]
pub fn host_management_not_seen(
    id: &InstanceId,
    profile: ProfileProblem,
    unseen: Unknown,
) -> Unknown {
    let instance = id.clone();
    Unknown::limit(PermissionLimit::HostManagementNotSeen { instance, profile }).and(unseen)
}

/// Why an instance's profile does not give its agent credentials with which it can register.
///
/// # Errors
/// [`Unknown`] when the profile, its role or the role's permissions were not seen.
pub fn profile_problem(case: &Case) -> Result<Option<ProfileProblem>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    if case.facts.instance(id).required()?.profile.is_none() {
        return Ok(Some(ProfileProblem::NoProfile));
    }
    let Some(role) = profile_role(case)? else { return Ok(Some(ProfileProblem::NoRole)) };
    let problem = ProfileProblem::CannotRegister { role: role.name.clone() };
    Ok((!may_register(case, &role)?).then_some(problem))
}

fn is_unasked<T>(answer: &Result<T, Unknown>) -> bool {
    answer.as_ref().is_err_and(Unknown::is_unasked)
}

/// An empty list from the metadata service is not among the failures that lead to DHMC, a missing
/// list is. Which of them a profile without a role gives is not documented.
#[must_use]
pub fn profile_without_role(id: &InstanceId) -> Unknown {
    Unknown::limit(PermissionLimit::ProfileWithoutRole { instance: id.clone() })
}

/// The role that Systems Manager says it has given an instance. It names one only for credentials
/// of its own, and the name outlives the agent that used them, so it counts while that one reports.
///
/// # Errors
/// [`Unknown`] when the node was not seen.
pub fn given_by_host_management(case: &Case) -> Result<Option<RoleName>, Unknown> {
    match case.facts.node(&case.scope.target).optional()? {
        Some(node) if node.ping == Ping::Online => {
            node.role.as_deref().filter(|role| !role.is_empty()).map(named).transpose()
        }
        _ => Ok(None),
    }
}

/// May the profile's role register, so that the agent keeps using it?
///
/// # Errors
/// [`Unknown`] when its trust policy or its permissions were not seen.
pub fn may_register(case: &Case, role: &AgentRole) -> Result<bool, Unknown> {
    let trust = case.facts.role(&role.name).required()?;
    let trusted = policy::service_trust(&trust.trust, &EC2, ASSUME, &[])
        .map(|trust| trust == ServiceTrust::Trusted);
    let allowed = target_arn(case).and_then(|target| {
        let identity = role.identity(case.scope);
        is_allowed(
            PermissionQuestion { identity: &identity, action: REGISTER, resource: &target },
            case,
        )
        // A role that may register is the one the agent uses, and then its channels count.
        .map_err(|unknown| with_channels(unknown, role, case))
    });
    match (trusted, allowed) {
        (Ok(false), _) | (_, Ok(false)) => Ok(false),
        (trusted, allowed) => both(trusted, allowed).map(|_| true),
    }
}

/// While the question whether a role may register is open, the questions about its channels with it: they
/// cost no round of their own.
fn with_channels(unknown: Unknown, role: &AgentRole, case: &Case) -> Unknown {
    if !unknown.is_unasked() {
        return unknown;
    }
    let (identity, resource) = (role.identity(case.scope), channels_of(&role.arn, case.scope));
    let open = CHANNELS.iter().filter_map(|action| {
        let question = PermissionQuestion { identity: &identity, action, resource: &resource };
        simulator::still_open(question, case)
    });
    open.fold(unknown, Unknown::and)
}

/// The role of Default Host Management, if it is on in this Region: a name, or a path and a name.
///
/// # Errors
/// [`Unknown`] when the setting was not seen.
pub fn host_management(facts: &Facts) -> Result<Option<&str>, Unknown> {
    let setting = facts.service_setting(&SettingId::DefaultHostManagementRole).optional()?;
    Ok(setting.and_then(ServiceSetting::role))
}

/// Is it certain that an EC2 instance's agent has no role of Default Host Management? Then its credentials are
/// those of its instance profile, if it has any.
#[must_use]
pub fn host_management_gives_none(case: &Case) -> bool {
    case.scope.target.instance().is_some()
        && matches!(host_management(case.facts), Ok(None))
        && matches!(given_by_host_management(case), Ok(None))
}

/// How long a change of Default Host Management may take to reach the nodes. Source: Systems Manager
/// User Guide, "Managing EC2 instances automatically with Default Host Management Configuration".
const SPREAD: i64 = 30 * 60;

/// A reason to wait, while Default Host Management is new here and nothing else gives the instance's
/// agent credentials.
///
/// # Errors
/// [`Unknown`] when the instance or the setting was not seen.
pub fn host_management_spreads(case: &Case) -> Result<Option<Unknown>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    if case.facts.instance(id).required()?.profile.is_some() {
        return Ok(None);
    }
    let setting = case.facts.service_setting(&SettingId::DefaultHostManagementRole).optional()?;
    let Some(setting) = setting.filter(|setting| setting.role().is_some()) else { return Ok(None) };
    let age = setting.changed_at.map(|at| at.until(case.scope.at));
    let age = age.filter(|age| (0..SPREAD).contains(age));
    if age.is_none() && setting.status != "PendingUpdate" {
        return Ok(None);
    }
    Ok(Some(Unknown::limit(PermissionLimit::HostManagementSpreads {
        instance: id.clone(),
        region: case.scope.region.clone(),
        role: setting.value.clone(),
        age,
        takes: SPREAD,
    })))
}

/// The path of the agent's role if it was named with one, as IAM writes it: `/service-role/`. For a role
/// that may have been deleted, so that IAM does not show its path any more.
#[must_use]
pub fn agent_role_path(case: &Case, name: &RoleName, source: CredentialSource) -> Option<String> {
    // The facts that named the role are known already.
    let node = case
        .facts
        .node(&case.scope.target)
        .optional()
        .ok()
        .flatten()
        .and_then(|it| it.role.as_deref());
    let setting = match source {
        CredentialSource::HostManagement => host_management(case.facts).ok().flatten(),
        CredentialSource::Activation | CredentialSource::InstanceProfile => None,
    };
    let mut paths = [node, setting].into_iter().flatten().filter_map(|it| it.rsplit_once('/'));
    let (path, _) = paths.find(|(_, last)| *last == name.as_str())?;
    let path = path.trim_start_matches('/');
    (!path.is_empty()).then(|| format!("/{path}/"))
}

/// A role by its name, or by a path and a name.
fn named(raw: &str) -> Result<RoleName, Unknown> {
    let name = raw.rsplit('/').next().unwrap_or(raw);
    name.parse().map_err(|_| Unknown::limit(PermissionLimit::NotRole { name: raw.into() }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use ssm_doctor_fixtures as fixtures;

    #[allow(clippy::option_option, reason = "unknown, none, or one")]
    /// Which role, in the first healthy world with `patch` over its facts; None for unknown.
    fn role(patch: &Value) -> Option<Option<(CredentialSource, alloc::string::String)>> {
        let patch = json!({ "facts": patch });
        let world = fixtures::patched("test".into(), "private-endpoints", &[patch]).unwrap();
        let facts = world.facts;
        agent_role_name(&Case::new(&facts, &world.scope))
            .ok()
            .map(|it| it.map(|(name, source)| (source, name.into())))
    }

    const SETTING: &str = "/ssm/managed-instance/default-ec2-instance-management-role";
    const QUESTION: &str = "arn:aws:iam::111122223333:role/EC2RoleforSSM ssm:UpdateInstanceInformation arn:aws:ec2:ap-northeast-1:111122223333:instance/i-0abc123def4567890";

    #[test]
    fn a_setting_takes_its_time_while_it_is_on_and_alone() {
        let spreads = |profile: bool, setting: Value| {
            let mut world = fixtures::named("private-endpoints").unwrap();
            let mut facts = serde_json::to_value(&world.facts).unwrap();
            let bare = if profile { json!({}) } else { json!({ "profile": null }) };
            let patch = json!({
                "instances": { "i-0abc123def4567890": bare },
                "service_settings": { SETTING: setting },
            });
            json_patch::merge(&mut facts, &patch);
            world.facts = serde_json::from_value(facts).unwrap();
            host_management_spreads(&Case::new(&world.facts, &world.scope)).unwrap().is_some()
        };
        let changed = |value: &str| json!({ "value": value, "status": "Customized", "changed_at": "2026-11-23T02:48:00Z" });
        let pending = |value: &str| json!({ "value": value, "status": "PendingUpdate" });
        assert!(spreads(false, changed("Dhmc")) && spreads(false, pending("Dhmc")));
        assert!(!spreads(true, changed("Dhmc")) && !spreads(true, pending("Dhmc")));
        assert!(!spreads(false, changed("$None")) && !spreads(false, pending("$None")));
        assert!(!spreads(false, json!({ "value": "Dhmc", "status": "Customized" })));
    }

    #[test]
    fn the_profile_comes_first_and_default_host_management_second() {
        let id = "i-0abc123def4567890";
        let on = json!({ SETTING: { "value": "service-role/Dhmc" } });
        let profile = Some(Some((CredentialSource::InstanceProfile, "EC2RoleforSSM".into())));
        let dhmc = Some(Some((CredentialSource::HostManagement, "Dhmc".into())));
        let denied = json!({ QUESTION: { "decision": "implicitDeny" } });
        let bare = json!({ id: { "profile": null } });
        let empty = json!({ "EC2RoleforSSMProfile": { "roles": [] } });
        let hidden = json!({ SETTING: { "unknown": "denied" } });
        let untrusting = json!({ "EC2RoleforSSM": { "trust": { "Statement": null } } });
        let rows = [
            (json!({}), profile.clone()),
            (json!({ "service_settings": on }), profile.clone()),
            (json!({ "service_settings": hidden }), profile.clone()),
            (json!({ "simulations": denied }), profile.clone()),
            (json!({ "service_settings": on, "simulations": denied }), dhmc.clone()),
            (json!({ "service_settings": hidden, "simulations": denied }), None),
            (
                json!({ "service_settings": on, "simulations": { QUESTION: { "unknown": "denied" } } }),
                None,
            ),
            (
                json!({ "service_settings": on, "roles": { "EC2RoleforSSM": { "trust": { "Statement": [] } } } }),
                dhmc.clone(),
            ),
            (
                json!({ "service_settings": on, "roles": untrusting, "simulations": denied }),
                dhmc.clone(),
            ),
            (json!({ "service_settings": on, "roles": untrusting }), None),
            (json!({ "instances": bare }), Some(None)),
            (
                json!({ "instances": bare, "service_settings": { SETTING: { "value": "$None" } } }),
                Some(None),
            ),
            (json!({ "instances": bare, "service_settings": on }), dhmc.clone()),
            (json!({ "instance_profiles": empty }), Some(None)),
            (json!({ "instance_profiles": empty, "service_settings": on }), None),
            (json!({ "nodes": { id: { "role": "service-role/Dhmc" } } }), dhmc),
            (
                json!({ "nodes": { id: { "role": "service-role/Dhmc", "ping": "ConnectionLost" } } }),
                profile.clone(),
            ),
            // The node is not seen: a profile whose role may register is used whatever it says, and with
            // the setting off there is no other candidate.
            (json!({ "nodes": { id: { "unknown": "denied" } } }), profile.clone()),
            (
                json!({ "nodes": { id: { "unknown": "denied" } }, "service_settings": on }),
                profile.clone(),
            ),
            (
                json!({ "nodes": { id: { "unknown": "denied" } }, "simulations": denied }),
                profile.clone(),
            ),
            (
                json!({ "nodes": { id: { "unknown": "refused" } }, "service_settings": hidden }),
                profile.clone(),
            ),
            (
                json!({ "nodes": { id: { "unknown": "denied" } }, "service_settings": hidden, "simulations": denied }),
                None,
            ),
            (json!({ "instances": bare, "service_settings": hidden }), None),
        ];
        for (patch, expected) in rows {
            assert_eq!(role(&patch), expected, "{patch}");
        }
    }
}
