//! Changes to identities, policies and keys.

use alloc::{collections::BTreeMap, format, string::ToString, vec::Vec};

use serde_json::json;

use ssm_doctor_facts::{
    change::{
        CREATED_ROLE, EndpointPolicyChange, IamChange, InstanceProfileChange, KmsChange,
        PolicyHolder, S3Change, StsChange, TagChange,
    },
    iam::{AttachedPolicies, Caller, InstanceProfile, Key, ManagedPolicy, Role},
    ids::*,
    lookup::{Absent, Facts, Ourselves, Row},
    s3::{Bucket, BucketEncryption},
    scope::Scope,
    text::Text,
};

use super::{row::change_endpoint, simulations};
use crate::permissions::managed_policies;

pub(super) fn iam(facts: &mut Facts, change: &IamChange) -> Option<()> {
    match change {
        IamChange::AttachPolicy { to, policy } => {
            let document = remember_managed(facts, policy);
            if let Some(policies) = policies(facts, to)
                && !policies.managed.contains(policy)
            {
                policies.managed.push(policy.clone());
            }
            simulations::grant(facts, to, document.as_ref());
            Some(())
        }
        IamChange::DetachPolicy { from, policy } => {
            if let Some(policies) = policies(facts, from) {
                policies.managed.retain(|attached| attached != policy);
            }
            let document = remember_managed(facts, policy);
            simulations::replace(facts, from, document.as_ref(), None);
            Some(())
        }
        IamChange::PutInlinePolicy { of, name, document } => {
            let document = Text::parse(document);
            let replaced = policies(facts, of)
                .and_then(|policies| policies.inline.insert(name.clone(), document.clone()));
            match replaced {
                Some(replaced) if !simulations::keeps(&document, &replaced) => {
                    simulations::replace(facts, of, Some(&replaced), Some(&document));
                }
                _ => simulations::grant(facts, of, Some(&document)),
            }
            Some(())
        }
        IamChange::DeleteInlinePolicy { of, name } => {
            let removed = policies(facts, of)?.inline.remove(name);
            simulations::replace(facts, of, removed.as_ref(), None);
            Some(())
        }
        IamChange::CreatePolicyVersion { policy, document } => {
            let before = remember_managed(facts, policy);
            let after = Text::parse(document);
            let row = ManagedPolicy { version: "(new)".into(), document: after.clone() };
            facts.managed_policies.insert(policy.clone(), Row::Present(row));
            for holder in holders(facts, policy) {
                simulations::replace(facts, &holder, before.as_ref(), Some(&after));
            }
            Some(())
        }
        IamChange::CreateRole { role, path, trust } => {
            let caller = caller(facts)?;
            let path = path.as_deref().unwrap_or("/");
            let arn =
                format!("arn:{}:iam::{}:role{path}{role}", caller.arn.partition(), caller.account);
            let row = Role {
                arn: arn.parse().ok()?,
                id: Some(CREATED_ROLE.into()),
                trust: Text::parse(trust),
                boundary: None,
            };
            let policies = AttachedPolicies {
                managed: Vec::new(),
                inline: BTreeMap::default(),
                groups: Vec::new(),
                boundary: Row::Absent(Absent::Absent),
            };
            facts.roles.insert(role.clone(), Row::Present(row));
            facts.role_policies.insert(role.clone(), Row::Present(policies));
            facts.role_tags.insert(role.clone(), Row::Present(BTreeMap::default()));
            Some(())
        }
        IamChange::UpdateAssumeRolePolicy { role, trust } => {
            facts.roles.get_mut(role)?.present_mut()?.trust = Text::parse(trust);
            Some(())
        }
        IamChange::CreateInstanceProfile { profile, role } => {
            let row = InstanceProfile { id: None, roles: Vec::from([role.clone()]) };
            facts.instance_profiles.insert(profile.clone(), Row::Present(row));
            Some(())
        }
        IamChange::AddRoleToInstanceProfile { profile, role } => {
            let roles = &mut facts.instance_profiles.get_mut(profile)?.present_mut()?.roles;
            // A profile has one role at most.
            roles.is_empty().then_some(())?;
            roles.push(role.clone());
            Some(())
        }
        IamChange::TagUser { user, key, value } => {
            let tags = &mut facts.users.get_mut(user)?.present_mut()?.tags;
            tags.insert(key.clone(), value.clone());
            let arn = facts.users.get_mut(user)?.present_mut()?.arn.clone();
            simulations::with_principal_tag(facts, &arn, key, value);
            Some(())
        }
        IamChange::TagRole { role, key, value } => {
            facts.role_tags.get_mut(role)?.present_mut()?.insert(key.clone(), value.clone());
            let arn = facts.roles.get_mut(role)?.present_mut()?.arn.clone();
            simulations::with_principal_tag(facts, &arn, key, value);
            Some(())
        }
    }
}

pub(super) fn tag(facts: &mut Facts, change: &TagChange) -> Option<()> {
    let TagChange::TagTarget { target, key, value } = change;
    let tags = match target {
        Target::Instance(id) => &mut facts.instances.get_mut(id)?.present_mut()?.tags,
        Target::Node(id) => {
            let name = format!("managed-instance/{id}").parse::<TaggedName>().ok()?;
            let tags = facts.resource_tags.get_mut(&name)?;
            if matches!(tags, Row::Absent(_)) {
                *tags = Row::Present(BTreeMap::new());
            }
            tags.present_mut()?
        }
    };
    tags.insert(key.clone(), value.clone());
    simulations::with_target_tag(facts, target, key, value);
    Some(())
}

/// What a session with MFA adds to the requests of the user whose keys are at hand.
pub(super) fn sts(facts: &mut Facts, change: &StsChange) -> Option<()> {
    let StsChange::GetSessionToken { user } = change;
    let caller = facts.caller.get_mut(&Ourselves::Us)?.present_mut()?;
    if caller.arn.name() != user.as_str() {
        return None;
    }
    caller.temporary = Some(true);
    caller.mfa = Some(true);
    let arn = caller.arn.clone();
    simulations::with_mfa(facts, &arn);
    Some(())
}

pub(super) fn instance_profile(facts: &mut Facts, change: &InstanceProfileChange) -> Option<()> {
    let (id, profile) = match change {
        InstanceProfileChange::Associate { instance, profile }
        | InstanceProfileChange::Replace { instance, profile } => (instance, Some(profile)),
        InstanceProfileChange::Disassociate { instance } => (instance, None),
    };
    let arn = match profile {
        None => None,
        Some(profile) => {
            let caller = caller(facts)?;
            let (partition, account) = (caller.arn.partition(), &caller.account);
            let arn = format!("arn:{partition}:iam::{account}:instance-profile/{profile}");
            Some(arn.parse().ok()?)
        }
    };
    let attached = arn.is_some();
    let instance = facts.instances.get_mut(id)?.present_mut()?;
    instance.profile = arn;
    instance.profile_id = None;
    if attached {
        if let Some(association) = facts.profile_associations.get_mut(id).and_then(Row::present_mut)
        {
            association.state = "associated".into();
            association.at = None;
        }
    } else {
        facts.profile_associations.insert(id.clone(), Row::Absent(Absent::Absent));
    }
    Some(())
}

pub(super) fn endpoint_policy(facts: &mut Facts, change: &EndpointPolicyChange) -> Option<()> {
    let (id, policy) = match change {
        EndpointPolicyChange::Put { endpoint, policy } => (endpoint, Text::parse(policy)),
        EndpointPolicyChange::Reset { endpoint } => {
            let open =
                json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" });
            (endpoint, Text::Json(json!({ "Statement": [open] })))
        }
    };
    change_endpoint(facts, id, |endpoint| endpoint.policy = Some(policy.clone()))
}

pub(super) fn kms(facts: &mut Facts, change: &KmsChange, scope: &Scope) -> Option<()> {
    let (name, edit): (&str, &dyn Fn(&mut Key)) = match change {
        KmsChange::CreateKey { policy } => return create_key(facts, policy, &scope.region),
        KmsChange::EnableKey { key } => (key, &|key| key.state = "Enabled".into()),
        KmsChange::CancelKeyDeletion { key } => (key, &|key| key.state = "Disabled".into()),
        KmsChange::PutKeyPolicy { key, policy } => {
            (key, &|key| key.policy = Row::Present(Text::parse(policy)))
        }
    };
    let mut found = None;
    for (id, row) in &mut facts.keys {
        if let Some(key) = row.present_mut()
            && (id.as_str() == name || key.arn.as_str() == name)
        {
            edit(key);
            found = Some(());
        }
    }
    found
}

fn create_key(facts: &mut Facts, policy: &str, region: &Region) -> Option<()> {
    let name = KeyName::created();
    let caller = caller(facts)?;
    let (partition, account) = (caller.arn.partition(), &caller.account);
    let arn: Arn = format!("arn:{partition}:kms:{region}:{account}:key/{name}").parse().ok()?;
    let key = Key {
        arn,
        state: "Enabled".into(),
        usage: "ENCRYPT_DECRYPT".into(),
        spec: Some("SYMMETRIC_DEFAULT".into()),
        manager: None,
        policy: Row::Present(Text::parse(policy)),
    };
    facts.key_grants.insert(key.arn.clone(), Row::Present(Vec::new()));
    facts.keys.insert(name, Row::Present(key));
    Some(())
}

pub(super) fn s3(facts: &mut Facts, change: &S3Change) -> Option<()> {
    let sse_s3 = || Vec::from([BucketEncryption { algorithm: "AES256".into(), key: None }]);
    match change {
        // S3 encrypts every new bucket. Source: S3 user guide, "Setting default server-side encryption".
        S3Change::CreateBucket { bucket } => {
            let row = Bucket { region: None, encryption: sse_s3() };
            facts.buckets.insert(bucket.clone(), Row::Present(row));
            facts.bucket_policies.insert(bucket.clone(), Row::Absent(Absent::Absent));
        }
        S3Change::PutBucketPolicy { bucket, policy } => {
            facts.bucket_policies.insert(bucket.clone(), Row::Present(Text::parse(policy)));
        }
        S3Change::EncryptBucket { bucket } => {
            facts.buckets.get_mut(bucket)?.present_mut()?.encryption = sse_s3();
        }
    }
    Some(())
}

fn caller(facts: &Facts) -> Option<&Caller> {
    facts.caller(&Ourselves::Us).optional().ok().flatten()
}

/// The policies of a role, user or group, if they were seen.
fn policies<'f>(facts: &'f mut Facts, holder: &PolicyHolder) -> Option<&'f mut AttachedPolicies> {
    match holder {
        PolicyHolder::Role(name) => facts.role_policies.get_mut(&name.parse().ok()?)?.present_mut(),
        PolicyHolder::User(name) => facts.user_policies.get_mut(&name.parse().ok()?)?.present_mut(),
        PolicyHolder::Group(name) => {
            facts.group_policies.get_mut(&name.parse().ok()?)?.present_mut()
        }
    }
}

/// A managed policy's document, if it was seen, or is one of AWS's for nodes.
fn remember_managed(facts: &mut Facts, policy: &Arn) -> Option<Text> {
    if let Some(known) = facts.managed_policies.get_mut(policy).and_then(Row::present_mut) {
        return Some(known.document.clone());
    }
    let document = Text::Json(managed_policies::for_nodes(policy)?);
    let row = ManagedPolicy { version: "(current)".into(), document: document.clone() };
    facts.managed_policies.insert(policy.clone(), Row::Present(row));
    Some(document)
}

/// Everybody who has a managed policy, attached or as a boundary, as far as that was seen.
fn holders(facts: &Facts, policy: &Arn) -> Vec<PolicyHolder> {
    let has = |row: &Row<AttachedPolicies>| {
        row.present().is_some_and(|policies| {
            policies.managed.contains(policy) || policies.boundary.present() == Some(policy)
        })
    };
    let roles = facts.role_policies.iter().filter(|(_, row)| has(row));
    let roles = roles.map(|(name, _)| PolicyHolder::Role(name.to_string()));
    let limited = facts.roles.iter().filter(
        |(_, row)| matches!(row, Row::Present(role) if role.boundary.as_ref() == Some(policy)),
    );
    let limited = limited.map(|(name, _)| PolicyHolder::Role(name.to_string()));
    let users = facts.user_policies.iter().filter(|(_, row)| has(row));
    let users = users.map(|(name, _)| PolicyHolder::User(name.to_string()));
    let groups = facts.group_policies.iter().filter(|(_, row)| has(row));
    let groups = groups.map(|(name, _)| PolicyHolder::Group(name.to_string()));
    roles.chain(limited).chain(users).chain(groups).collect()
}
