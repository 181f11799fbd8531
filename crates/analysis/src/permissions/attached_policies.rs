//! The policies that were collected, as layers to evaluate.
//!
//! Policies are asked for only where IAM's simulator did not settle a question, so most of this stays
//! unasked in a healthy account.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::permissions::identity::Identity;
use ssm_doctor_facts::{
    iam::{AttachedPolicies, OrganizationLevel},
    ids::*,
    limit::PermissionLimit,
    lookup::{Facts, Need, Ourselves, Unknown},
    text::Text,
};
use ssm_doctor_iam_policy::{
    AttachedPolicy, HierarchyLevel, PolicyDocument, PolicyLayer, PolicyLayers, PolicyType,
    service_of,
};

/// The policies of an identity, its boundary and its organization; nothing of any resource.
#[must_use]
pub fn layers<'f>(facts: &'f Facts, identity: &Identity) -> PolicyLayers<'f> {
    let mut layers = PolicyLayers::default();
    if !identity.is_root() {
        (layers.identity, layers.boundary) = match of_principal(facts, identity) {
            Ok((own, to, groups)) => {
                let mut policies = of(facts, own, &to);
                for (name, group) in groups {
                    policies.extend(match group {
                        Ok(group) => of(facts, group, &format!("group {name}")),
                        Err(unknown) => Vec::from([unseen(name.as_str(), &to, unknown)]),
                    });
                }
                (PolicyLayer::Policies(policies), boundary(facts, own, identity))
            }
            // Which policies are attached is not known, and neither is the boundary.
            Err(unknown) => (PolicyLayer::Unknown(unknown.clone()), PolicyLayer::Unknown(unknown)),
        };
    }
    let account = identity.arn.account();
    layers.service_control = match service_control(facts, account) {
        Ok(levels) => levels,
        Err(unknown) => {
            let layer = PolicyLayer::Unknown(unknown);
            Vec::from([HierarchyLevel { id: "the organization".into(), layer }])
        }
    };
    layers
}

/// The policies of the user or role itself.
///
/// # Errors
/// [`Unknown`] if it was not seen.
pub fn attached<'f>(
    facts: &'f Facts,
    identity: &Identity,
) -> Result<&'f AttachedPolicies, Unknown> {
    let name = identity.name();
    let unnamed = |_| Unknown::limit(PermissionLimit::NotUserOrRole { arn: identity.arn.clone() });
    if identity.is_role() {
        facts.role_policies(&name.parse().map_err(unnamed)?).required()
    } else {
        facts.user_policies(&name.parse().map_err(unnamed)?).required()
    }
}

type Groups<'f> = Vec<(&'f GroupName, Result<&'f AttachedPolicies, Unknown>)>;

fn of_principal<'f>(
    facts: &'f Facts,
    identity: &Identity,
) -> Result<(&'f AttachedPolicies, String, Groups<'f>), Unknown> {
    let own = attached(facts, identity)?;
    let kind = if identity.is_role() { "role" } else { "user" };
    let groups = own.groups.iter().map(|name| (name, facts.group_policies(name).required()));
    Ok((own, format!("{kind} {}", identity.name()), groups.collect()))
}

fn of<'f>(facts: &'f Facts, policies: &'f AttachedPolicies, to: &str) -> Vec<AttachedPolicy<'f>> {
    let managed = policies.managed.iter().map(|arn| AttachedPolicy {
        id: arn.to_string(),
        attached_to: to.into(),
        document: managed(facts, arn, PolicyType::IdentityBased),
    });
    let inline = policies.inline.iter().map(|(name, text)| AttachedPolicy {
        id: name.clone(),
        attached_to: to.into(),
        document: Ok(PolicyDocument::parse(text, PolicyType::IdentityBased)),
    });
    managed.chain(inline).collect()
}

fn managed<'f>(
    facts: &'f Facts,
    arn: &Arn,
    kind: PolicyType,
) -> Result<PolicyDocument<'f>, Unknown> {
    let policy = facts.managed_policy(arn).required()?;
    Ok(PolicyDocument::parse(&policy.document, kind))
}

fn unseen<'f>(id: &str, to: &str, unknown: Unknown) -> AttachedPolicy<'f> {
    AttachedPolicy { id: id.into(), attached_to: to.into(), document: Err(unknown) }
}

fn boundary<'f>(
    facts: &'f Facts,
    own: &'f AttachedPolicies,
    identity: &Identity,
) -> PolicyLayer<'f> {
    let need = || -> Result<Need, String> {
        let name = identity.name();
        Ok(if identity.is_role() {
            Need::role_policies(name.parse()?)
        } else {
            Need::user_policies(name.parse()?)
        })
    };
    let Ok(need) = need() else { return PolicyLayer::Absent };
    match own.boundary.part(need) {
        Ok(None) => PolicyLayer::Absent,
        Ok(Some(arn)) => PolicyLayer::Policies(Vec::from([AttachedPolicy {
            id: arn.to_string(),
            attached_to: identity.name().into(),
            document: managed(facts, arn, PolicyType::PermissionsBoundary),
        }])),
        Err(unknown) => PolicyLayer::Unknown(unknown),
    }
}

/// Empty where the account is in no organization, or manages it.
fn service_control<'f>(
    facts: &'f Facts,
    account: &str,
) -> Result<Vec<HierarchyLevel<'f>>, Unknown> {
    let Some(organization) = facts.organization(&Ourselves::Us).optional()? else {
        return Ok(Vec::new());
    };
    if organization.management.as_str() == account {
        return Ok(Vec::new());
    }
    let id = account.parse().map_err(|text| Unknown::limit(PermissionLimit::InvalidId(text)))?;
    let policies = facts.organization_policies(&id).required()?;
    Ok(levels(&policies.levels, |level| &level.service, PolicyType::ServiceControl))
}

/// Resource control policies over `account`, where they were seen: AWS shows them to few, and only
/// some services have them.
#[must_use]
pub fn resource_control<'f>(
    facts: &'f Facts,
    action: &str,
    account: &str,
) -> Vec<HierarchyLevel<'f>> {
    let service = service_of(action);
    // Source: AWS Organizations user guide, "Resource control policies", of those used here.
    if !["kms", "logs", "s3", "sts"].contains(&service) {
        return Vec::new();
    }
    let organization = facts.organization(&Ourselves::Us).optional().ok().flatten();
    if organization.is_none_or(|organization| organization.management.as_str() == account) {
        return Vec::new();
    }
    let policies = account
        .parse()
        .ok()
        .and_then(|id: AccountId| facts.organization_policies(&id).optional().ok().flatten());
    policies.map_or_else(Vec::new, |policies| {
        levels(&policies.levels, |level| &level.resource, PolicyType::ResourceControl)
    })
}

fn levels<'f>(
    levels: &'f [OrganizationLevel],
    policies: fn(&OrganizationLevel) -> &BTreeMap<String, Text>,
    kind: PolicyType,
) -> Vec<HierarchyLevel<'f>> {
    if levels.iter().all(|level| policies(level).is_empty()) {
        return Vec::new();
    }
    let as_layer = |level: &'f OrganizationLevel| HierarchyLevel {
        id: level.id.clone(),
        layer: PolicyLayer::Policies(
            policies(level)
                .iter()
                .map(|(name, text)| AttachedPolicy {
                    id: name.clone(),
                    attached_to: level.id.clone(),
                    document: Ok(PolicyDocument::parse(text, kind)),
                })
                .collect(),
        ),
    };
    levels.iter().map(as_layer).collect()
}

/// The questions whose answers would show which statement decides.
#[must_use]
pub fn wanted(facts: &Facts, identity: &Identity, organization: bool) -> Vec<Need> {
    let mut needs = Vec::new();
    let name = identity.name();
    if identity.is_role() {
        needs.extend(name.parse().map(Need::role_policies));
    } else if identity.is_user() {
        needs.extend(name.parse().map(Need::user_policies));
    }
    if organization {
        needs.push(Need::organization(Ourselves::Us));
    }
    needs.retain(|need| !facts.has(need));
    needs
}
