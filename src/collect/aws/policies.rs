//! The policies of a role, user or group: their lists, and every document in force.
//!
//! They are read only where the simulator does not settle a question. Then one document waits for another, so the
//! lists that name them are read ahead, at the same time as the simulator is asked. A document that AWS refuses is a
//! row of its own, so that the others remain readable.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::AttachedPolicy;
use ssm_doctor_facts::{
    iam::{AttachedPolicies, ManagedPolicy},
    ids::{Arn, GroupName, RoleName, UserName},
    lookup::{Absent, Facts, Row},
    text::Text,
};

use super::{
    iam::{GONE, Iam, decoded},
    shared::{Lists, Owner, Shared},
    why::{Failure, Outcome, field, named, read, row},
};
use crate::collect::chain::{all, both};

/// The lists of one kind of owner.
macro_rules! lists {
    ($iam:expr, $key:ident($name:expr), $attached:ident, $inline:ident) => {{
        let attached = $iam.client.$attached().$key($name).into_paginator().items().send();
        let inline = $iam.client.$inline().$key($name).into_paginator().items().send();
        let (attached, inline) =
            both(attached.collect::<Result<Vec<_>, _>>(), inline.collect::<Result<Vec<_>, _>>())
                .await;
        let (attached, inline) =
            ($iam.watch.read(attached, &GONE)?, $iam.watch.read(inline, &GONE)?);
        let (Some(attached), Some(inline)) = (attached, inline) else { return Ok(None) };
        Ok(Some(Lists { managed: arns(&attached)?, inline, groups: Vec::new() }))
    }};
}

/// An inline policy of one kind of owner.
macro_rules! inline {
    ($iam:expr, $key:ident($name:expr), $get:ident, $policy:expr) => {{
        let output = $iam.client.$get().$key($name.as_str()).policy_name($policy).send().await;
        let output = $iam.watch.read(output, &GONE)?;
        Ok(output.map(|it| Text::parse(&decoded(it.policy_document()))))
    }};
}

impl Iam {
    pub async fn role_policies(
        self,
        name: RoleName,
        known: BTreeSet<Arn>,
        shared: Shared,
    ) -> Facts {
        // The role that comes with a profile may lack its boundary.
        let (lists, role) =
            both(self.lists(Owner::Role(name.clone()), &shared), self.tagged_role(&name, &shared))
                .await;
        let boundary = row(role.clone().map(|it| it.and_then(|(role, _)| role.boundary)));
        let mut facts = Self::role_rows(name.clone(), role);
        let attached = self.documents(Owner::Role(name.clone()), lists, boundary, &known);
        let (attached, managed) = attached.await;
        facts.managed_policies = managed.into();
        facts.role_policies.insert(name, row(attached));
        facts
    }

    /// With those of the user's groups.
    pub async fn user_policies(
        self,
        name: UserName,
        known: BTreeSet<Arn>,
        shared: Shared,
    ) -> Facts {
        let (lists, user) =
            both(self.lists(Owner::User(name.clone()), &shared), self.read_user(&name, &shared))
                .await;
        let boundary = row(user.map(|it| it.and_then(|(_, boundary)| boundary)));
        let groups = lists.iter().flatten().flat_map(|it| it.groups.clone()).collect::<Vec<_>>();
        let own = self.documents(Owner::User(name.clone()), lists, boundary, &known);
        let groups = groups
            .into_iter()
            .map(|group| self.clone().group_policies(group, known.clone(), shared.clone()));
        let ((attached, managed), groups) = both(own, all(groups)).await;
        let mut facts = Facts { managed_policies: managed.into(), ..Facts::default() };
        facts.user_policies.insert(name, row(attached));
        for group in groups {
            facts.absorb(group);
        }
        facts
    }

    pub async fn group_policies(
        self,
        name: GroupName,
        known: BTreeSet<Arn>,
        shared: Shared,
    ) -> Facts {
        let owner = Owner::Group(name.clone());
        let lists = self.lists(owner.clone(), &shared).await;
        let boundary = Row::Absent(Absent::Absent);
        let (attached, managed) = self.documents(owner, lists, boundary, &known).await;
        let group_policies = [(name, row(attached))].into();
        Facts { group_policies, managed_policies: managed.into(), ..Facts::default() }
    }

    pub async fn managed_policy(self, arn: Arn) -> Facts {
        let policy = self.document(&arn).await;
        Facts { managed_policies: [(arn, row(policy))].into(), ..Facts::default() }
    }

    /// Reads ahead what policies need in order to be read: the lists of a user or role, and once they are known those
    /// of a user's groups. With a role come its boundary and its tags.
    pub async fn read_ahead(self, owner: Owner, shared: Shared) -> Facts {
        let lists = shared.lists.known(&owner).await;
        match (lists, &owner) {
            (Some(lists), _) => {
                let groups = lists.into_iter().flatten().flat_map(|it| it.groups);
                all(groups.map(|it| self.lists(Owner::Group(it), &shared))).await;
                Facts::default()
            }
            (None, Owner::Role(name)) => {
                let role = self.tagged_role(name, &shared);
                let (_, role) = both(self.lists(owner.clone(), &shared), role).await;
                Self::role_rows(name.clone(), role)
            }
            (None, _) => {
                _ = self.lists(owner, &shared).await;
                Facts::default()
            }
        }
    }

    async fn lists(&self, owner: Owner, shared: &Shared) -> Outcome<Lists> {
        shared.lists.get(owner.clone(), Box::pin(self.read_lists(owner))).await
    }

    async fn read_lists(&self, owner: Owner) -> Outcome<Lists> {
        match owner {
            Owner::Role(name) => lists!(
                self,
                role_name(name.as_str()),
                list_attached_role_policies,
                list_role_policies
            ),
            Owner::Group(name) => lists!(
                self,
                group_name(name.as_str()),
                list_attached_group_policies,
                list_group_policies
            ),
            Owner::User(name) => {
                let own = async {
                    lists!(
                        self,
                        user_name(name.as_str()),
                        list_attached_user_policies,
                        list_user_policies
                    )
                };
                let (own, groups) = both(own, self.groups_of(&name)).await;
                let (Some(own), Some(groups)) = (own?, groups?) else { return Ok(None) };
                Ok(Some(Lists { groups, ..own }))
            }
        }
    }

    async fn groups_of(&self, name: &UserName) -> Outcome<Vec<GroupName>> {
        let call = self.client.list_groups_for_user().user_name(name.as_str());
        let groups: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let groups = self.watch.read(groups, &GONE)?;
        groups
            .map(|it| it.iter().map(|it| read("GroupName", it.group_name())).collect())
            .transpose()
    }

    /// Everything that the lists name: the inline policies, and the managed ones but those already known.
    async fn documents(
        &self,
        owner: Owner,
        lists: Outcome<Lists>,
        boundary: Row<Arn>,
        known: &BTreeSet<Arn>,
    ) -> (Outcome<AttachedPolicies>, BTreeMap<Arn, Row<ManagedPolicy>>) {
        let lists = match lists {
            Ok(Some(lists)) => lists,
            Ok(None) => return (Ok(None), BTreeMap::new()),
            Err(failure) => return (Err(failure), BTreeMap::new()),
        };
        let wanted = lists.managed.iter().chain(boundary.present());
        let wanted: BTreeSet<Arn> = wanted.cloned().collect();
        let managed = wanted.difference(known).cloned();
        let managed = all(managed.map(|arn| async {
            let policy = self.document(&arn).await;
            (arn, row(policy))
        }));
        let names = lists.inline.clone();
        let inline = all(names.into_iter().map(|name| async {
            let text = self.inline(&owner, &name).await;
            (name, text)
        }));
        let (inline, managed) = both(inline, managed).await;
        let mut texts = BTreeMap::new();
        for (name, text) in inline {
            match text {
                Ok(Some(text)) => _ = texts.insert(name, text),
                // Deleted since it was listed.
                Ok(None) => {}
                Err(failure) => return (Err(failure), managed.into_iter().collect()),
            }
        }
        let Lists { managed: attached, groups, .. } = lists;
        let attached = AttachedPolicies { managed: attached, inline: texts, groups, boundary };
        (Ok(Some(attached)), managed.into_iter().collect())
    }

    async fn inline(&self, owner: &Owner, policy: &str) -> Outcome<Text> {
        match owner {
            Owner::Role(name) => inline!(self, role_name(name), get_role_policy, policy),
            Owner::User(name) => inline!(self, user_name(name), get_user_policy, policy),
            Owner::Group(name) => inline!(self, group_name(name), get_group_policy, policy),
        }
    }

    /// The version of a managed policy that is in force.
    async fn document(&self, arn: &Arn) -> Outcome<ManagedPolicy> {
        let output = self.client.get_policy().policy_arn(arn.as_str()).send().await;
        let Some(output) = self.watch.read(output, &GONE)? else { return Ok(None) };
        let policy = field("Policy", output.policy())?;
        let version = field("DefaultVersionId", policy.default_version_id())?;
        let call = self.client.get_policy_version().policy_arn(arn.as_str()).version_id(version);
        let Some(output) = self.watch.read(call.send().await, &GONE)? else { return Ok(None) };
        let document = field("PolicyVersion", output.policy_version())?.document();
        Ok(Some(ManagedPolicy {
            version: version.into(),
            document: Text::parse(&decoded(field("Document", document)?)),
        }))
    }
}

fn arns(attached: &[AttachedPolicy]) -> Result<Vec<Arn>, Failure> {
    attached.iter().map(|it| named("PolicyArn", it.policy_arn())).collect()
}
