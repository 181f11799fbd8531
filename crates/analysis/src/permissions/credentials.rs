//! Which identity the agent uses.
//!
//! On EC2 the instance profile comes first: if its role can call `ssm:UpdateInstanceInformation` it
//! is used for everything, and Default Host Management (DHMC) is never tried, even where the role
//! lacks the session channel's actions. Refused credentials lead to DHMC; other failures, such as a
//! profile that holds no role, may not. Source: amazon-ssm-agent
//! `common/identity/availableidentities/ec2/ec2roleprovider/ec2_role_provider.go`.

use alloc::{
    format,
    string::{String, ToString},
};

use crate::answer::Fix;
use crate::case::Case;
use crate::permissions::{
    context::target_arn,
    judge::{Question, may},
    who::{Side, Who},
};
use ssm_doctor_facts::{
    ids::*,
    lookup::{Facts, Unknown},
    scope::Scope,
    ssm::{Ping, ServiceSetting, SettingId},
    time::span,
};
use ssm_doctor_iam_policy as policy;
use ssm_doctor_iam_policy::ServiceTrust;

/// The role that the agent acts as, and how it came by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRole {
    pub name: RoleName,
    pub arn: Arn,
    pub source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    InstanceProfile,
    /// Default Host Management Configuration.
    HostManagement,
    /// The activation a hybrid node was registered with.
    Activation,
}

impl AgentRole {
    /// The sessions of such a role bear the node's id. Source: the callers that agents'
    /// error messages name.
    #[must_use]
    pub fn who(&self, scope: &Scope) -> Who {
        let session = Some(scope.target.to_string());
        Who { arn: self.arn.clone(), side: Side::Agent(self.source), session }
    }
}

/// `None` when the agent has no identity at all.
///
/// # Errors
/// [`Unknown`] when what decides between the candidates was not seen.
pub fn agent_role(case: &Case) -> Result<Option<AgentRole>, Unknown> {
    let Some((name, source)) = agent_role_name(case)? else { return Ok(None) };
    let arn = case.facts.role(&name).required()?.arn.clone();
    Ok(Some(AgentRole { name, arn, source }))
}

/// As [`agent_role`], of a role that may have been deleted since.
///
/// # Errors
/// As there.
pub fn agent_role_name(case: &Case) -> Result<Option<(RoleName, Source)>, Unknown> {
    let Some(id) = case.scope.target.instance() else {
        let node = case.facts.node(&case.scope.target).required()?;
        let Some(raw) = &node.role else {
            return Err(Unknown::limit(format!(
                "which role {} was activated with",
                case.scope.target
            )));
        };
        return Ok(Some((named(raw)?, Source::Activation)));
    };
    let given = given_by_host_management(case);
    let instance = case.facts.instance(id).required();
    let setting = host_management(case.facts);
    let (given, instance, setting) = match (given, instance, setting) {
        (given, Ok(instance), setting) if !unasked(&given) && !unasked(&setting) => {
            (given, instance, setting)
        }
        // All that are needed in any case, in one go.
        (given, instance, setting) => {
            let gaps = [given.err(), instance.err(), setting.err()].into_iter().flatten();
            return Err(gaps.reduce(Unknown::and).unwrap_or_else(|| Unknown::limit("nothing")));
        }
    };
    if let Ok(Some(name)) = given {
        return Ok(Some((name, Source::HostManagement)));
    }
    // Whether Systems Manager has given a role was seen to be no, or not seen. Either way the agent
    // comes to use a profile's role that may register, within an hour at most.
    let fallback = |profile: &str| -> Result<Option<(RoleName, Source)>, Unknown> {
        let Some(raw) = setting.clone().map_err(|it| beside(id, profile, it))? else {
            return Ok(None);
        };
        Ok(Some((named(raw)?, Source::HostManagement)))
    };
    let profile = profile_role(case)?;
    match (profile, &setting) {
        (Some(role), Ok(None)) => Ok(Some((role.name, Source::InstanceProfile))),
        (Some(role), _) => {
            if may_register(case, &role)? {
                Ok(Some((role.name, Source::InstanceProfile)))
            } else {
                fallback(&unfit(&role.name))
            }
        }
        (None, Ok(Some(_))) if instance.profile.is_some() => Err(empty_profile(id)),
        (None, _) if instance.profile.is_some() => fallback(NO_ROLE),
        (None, _) => fallback(NO_PROFILE),
    }
}

/// What an instance has, for [`beside`].
pub const NO_PROFILE: &str = "no instance profile";
pub const NO_ROLE: &str = "an instance profile that gives it no role";

fn unfit(role: &RoleName) -> String {
    format!("a profile whose role {role} cannot register")
}

/// The setting of Default Host Management was not seen, beside what was seen of the instance.
#[must_use]
pub fn beside(id: &InstanceId, profile: &str, unseen: Unknown) -> Unknown {
    Unknown::limit(format!(
        "{id} has {profile}, and whether Default Host Management gives its agent credentials instead was not seen"
    ))
    .and(unseen)
}

/// How to give an instance a profile.
#[must_use]
pub fn attach_profile(fix: Fix, id: &InstanceId) -> Fix {
    fix.aws([
        "ec2",
        "associate-iam-instance-profile",
        "--instance-id",
        id.as_str(),
        "--iam-instance-profile",
        "Name=<profile>",
    ])
}

/// What keeps an instance's profile from giving its agent credentials that will do, in the words of
/// [`beside`], and what to do about it.
///
/// # Errors
/// [`Unknown`] when the profile, its role or what that may do was not seen.
pub fn lacking(case: &Case) -> Result<Option<(String, String)>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    if case.facts.instance(id).required()?.profile.is_none() {
        let attach = "attach an instance profile whose role has AmazonSSMManagedInstanceCore";
        return Ok(Some((NO_PROFILE.into(), attach.into())));
    }
    let Some(role) = profile_role(case)? else {
        return Ok(Some((NO_ROLE.into(), "give it a profile that holds a role".into())));
    };
    if may_register(case, &role)? {
        return Ok(None);
    }
    let name = &role.name;
    Ok(Some((
        unfit(name),
        format!("let EC2 assume {name}, and attach AmazonSSMManagedInstanceCore to it"),
    )))
}

fn unasked<T>(answer: &Result<T, Unknown>) -> bool {
    matches!(answer, Err(unknown) if unknown.clone().unasked().next().is_some())
}

/// An empty list from the metadata service is not among the failures that lead to DHMC, a missing
/// one is; which of them a profile without a role gives is not documented.
#[must_use]
pub fn empty_profile(id: &InstanceId) -> Unknown {
    Unknown::limit(format!(
        "whether the agent on {id} turns to Default Host Management while its profile holds no role is not documented"
    ))
}

/// The role that Systems Manager says it has given an instance. It names one only for credentials
/// of its own, and the name outlives the agent that used them, so it counts while that one reports.
///
/// # Errors
/// [`Unknown`] when the node was not seen.
pub fn given_by_host_management(case: &Case) -> Result<Option<RoleName>, Unknown> {
    match case.facts.node(&case.scope.target).optional()? {
        Some(node) if node.ping == Ping::Online => {
            node.role.as_deref().filter(|it| !it.is_empty()).map(named).transpose()
        }
        _ => Ok(None),
    }
}

pub const REGISTER: &str = "ssm:UpdateInstanceInformation";
/// The control channel's actions, which carries the call for a session.
pub const CONTROL: [&str; 2] =
    ["ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel"];
/// The data channel's, which carries the session itself.
pub const DATA: [&str; 2] = ["ssmmessages:CreateDataChannel", "ssmmessages:OpenDataChannel"];
/// Both.
pub const CHANNELS: [&str; 4] = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenDataChannel",
];

/// What AWS checks the channels' actions on. The Service Authorization Reference knows no resource of
/// theirs but `*`, which is what its samples grant. Refusals name this ARN, star and all, and roles
/// that grant on nothing else hold their channels open, so a statement on either allows, and a Deny on
/// either denies. Source: refusals that agents' users pasted, "not authorized to perform:
/// ssmmessages:CreateDataChannel on resource: arn:aws:ssmmessages:us-east-1:123456789012:*".
#[must_use]
pub fn channels_of(role: &Arn, scope: &Scope) -> String {
    format!("arn:{}:ssmmessages:{}:{}:*", role.partition(), scope.region, role.account())
}

/// What AWS checks `logs:DescribeLogGroups` on: the stream without a name of the group without a name,
/// although the Service Authorization Reference knows no resource of this action but `*`. A statement
/// on `log-group:*` covers it, one on a named group does not. Source: refusals as in
/// hashicorp/terraform-provider-aws#8804 and maxbanton/cwh#83.
#[must_use]
pub fn log_groups_of(role: &Arn, scope: &Scope) -> String {
    format!(
        "arn:{}:logs:{}:{}:log-group::log-stream:",
        role.partition(),
        scope.region,
        role.account()
    )
}
pub const ASSUME: &str = "sts:AssumeRole";
/// The EC2 service as trust policies spell it; the second in China.
pub const EC2: [&str; 2] = ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"];

/// Would the profile's role do, so that the agent keeps to it?
///
/// # Errors
/// [`Unknown`] when its trust or its rights are.
pub fn may_register(case: &Case, role: &AgentRole) -> Result<bool, Unknown> {
    let trust = case.facts.role(&role.name).required()?;
    let trusted = policy::service_trust(&trust.trust, &EC2, ASSUME, &[])
        .map(|it| it == ServiceTrust::Trusted);
    let allowed = target_arn(case).and_then(|target| {
        let who = role.who(case.scope);
        may(Question { who: &who, action: REGISTER, resource: &target }, case)
    });
    match (trusted, allowed) {
        (Ok(false), _) | (_, Ok(false)) => Ok(false),
        (Ok(true), Ok(true)) => Ok(true),
        (Err(a), Err(b)) => Err(a.and(b)),
        (Err(unknown), _) | (_, Err(unknown)) => Err(unknown),
    }
}

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
    Ok(Some(AgentRole { name: name.clone(), arn, source: Source::InstanceProfile }))
}

/// A profile's name is the last part of its ARN, and not its role's name.
///
/// # Errors
/// [`Unknown`] for an ARN without a name.
pub fn profile_name(arn: &Arn) -> Result<ProfileName, Unknown> {
    arn.name().parse().map_err(|_| Unknown::limit(format!("{arn} does not name a profile")))
}

/// The role of Default Host Management, if it is on in this Region: a name, or a path and a name.
///
/// # Errors
/// [`Unknown`] when the setting was not seen.
pub fn host_management(facts: &Facts) -> Result<Option<&str>, Unknown> {
    let setting = facts.service_setting(&SettingId::DefaultHostManagementRole).optional()?;
    Ok(setting.and_then(ServiceSetting::role))
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
    let Some(setting) = setting.filter(|it| it.role().is_some()) else { return Ok(None) };
    let age =
        setting.changed_at.map(|it| it.until(case.scope.at)).filter(|it| (0..SPREAD).contains(it));
    let what = match age {
        Some(age) => format!("was changed {} ago", span(age)),
        None if setting.status == "PendingUpdate" => "is being changed".into(),
        None => return Ok(None),
    };
    Ok(Some(Unknown::limit(format!(
        "Default Host Management {what} in {} ({}), and takes up to {} to reach {id}: wait, or run again with --wait",
        case.scope.region,
        setting.value,
        span(SPREAD)
    ))))
}

/// The path of the agent's role where it was given with one, as IAM writes it: `/service-role/`. For a role
/// that may have been deleted since, so that nothing else tells it.
#[must_use]
pub fn agent_role_path(case: &Case, name: &RoleName, source: Source) -> Option<String> {
    // Whatever named the role has been asked about already.
    let node = case
        .facts
        .node(&case.scope.target)
        .optional()
        .ok()
        .flatten()
        .and_then(|it| it.role.as_deref());
    let setting = match source {
        Source::HostManagement => host_management(case.facts).ok().flatten(),
        Source::Activation | Source::InstanceProfile => None,
    };
    let mut paths = [node, setting].into_iter().flatten().filter_map(|it| it.rsplit_once('/'));
    let (path, _) = paths.find(|(_, last)| *last == name.as_str())?;
    let path = path.trim_start_matches('/');
    (!path.is_empty()).then(|| format!("/{path}/"))
}

/// A role by its name, or by a path and a name.
fn named(raw: &str) -> Result<RoleName, Unknown> {
    let name = raw.rsplit('/').next().unwrap_or(raw);
    name.parse().map_err(|_| Unknown::limit(format!("{raw:?} does not name a role")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use ssm_doctor_fixtures as fixtures;

    #[allow(clippy::option_option, reason = "unknown, none, or one")]
    /// Which role, in the first healthy world with `patch` over its facts; None for unknown.
    fn role(patch: &Value) -> Option<Option<(Source, alloc::string::String)>> {
        let world = fixtures::named("private-endpoints").unwrap();
        let mut facts = serde_json::to_value(&world.facts).unwrap();
        json_patch::merge(&mut facts, patch);
        let facts: Facts = serde_json::from_value(facts).unwrap();
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
        let profile = Some(Some((Source::InstanceProfile, "EC2RoleforSSM".into())));
        let dhmc = Some(Some((Source::HostManagement, "Dhmc".into())));
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
