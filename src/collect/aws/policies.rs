//! The policies of a role, user or group: their lists, and every document in force.
//!
//! Asked for only where the simulator does not settle a question, so what depends on one list is
//! fetched along with it: groups, managed policies, the boundary. A document that AWS keeps to itself
//! is a row of its own, and so leaves the others readable.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::AttachedPolicy;
use ssm_doctor_facts::{
    iam::{AttachedPolicies, ManagedPolicy},
    ids::{Arn, GroupName, RoleName, UserName},
    lookup::{Absent, Facts, Row},
    text::Text,
};
use tokio::task::JoinSet;

use super::{
    iam::{GONE, Iam, boundary, decoded},
    why::{Failure, Outcome, field, named, read, row},
};

/// Lists of one kind of identity: managed policies, names of inline ones, and the text of each.
macro_rules! lists {
    ($iam:expr, $key:ident($name:expr), $attached:ident, $inline:ident, $get:ident) => {
        async {
            let attached = $iam.client.$attached().$key($name).into_paginator().items().send();
            let names = $iam.client.$inline().$key($name).into_paginator().items().send();
            let (attached, names) = tokio::join!(
                attached.collect::<Result<Vec<_>, _>>(),
                names.collect::<Result<Vec<_>, _>>()
            );
            let attached = $iam.watch.read(attached, &GONE)?;
            let names = $iam.watch.read(names, &GONE)?;
            let (Some(attached), Some(names)) = (attached, names) else { return Ok(None) };
            let mut inline = BTreeMap::new();
            for name in names {
                let policy = $iam.client.$get().$key($name).policy_name(&name).send().await;
                // Deleted since it was listed.
                let Some(policy) = $iam.watch.read(policy, &GONE)? else { continue };
                inline.insert(name, Text::parse(&decoded(policy.policy_document())));
            }
            Ok(Some(AttachedPolicies {
                managed: arns(&attached)?,
                inline,
                groups: Vec::new(),
                boundary: Row::Absent(Absent::Absent),
            }))
        }
    };
}

impl Iam {
    pub async fn role_policies(self, name: RoleName, known: BTreeSet<Arn>) -> Facts {
        let mut facts = Facts::default();
        let lists = lists!(
            self,
            role_name(name.as_str()),
            list_attached_role_policies,
            list_role_policies,
            get_role_policy
        );
        // The role that comes with a profile may lack its boundary.
        let (lists, role) = tokio::join!(lists, self.tagged_role(&name));
        let found = role.clone().map(|found| found.and_then(|(role, _)| role.boundary));
        let boundary = row(found);
        facts.role_tags.insert(name.clone(), row(role.clone().map(|found| Some(found?.1))));
        facts.roles.insert(name.clone(), row(role.map(|found| Some(found?.0))));
        let attached: Outcome<_> = lists.map(|it| it.map(|it| AttachedPolicies { boundary, ..it }));
        self.documents(managed([&attached]), known, &mut facts).await;
        facts.role_policies.insert(name, row(attached));
        facts
    }

    pub async fn user_policies(self, name: UserName, known: BTreeSet<Arn>) -> Facts {
        let mut facts = Facts::default();
        let lists = lists!(
            self,
            user_name(name.as_str()),
            list_attached_user_policies,
            list_user_policies,
            get_user_policy
        );
        let (lists, groups, boundary) =
            tokio::join!(lists, self.groups_of(&name), self.boundary_of(&name));
        let attached: Outcome<_> = match (lists, groups) {
            (Ok(Some(it)), Ok(Some(groups))) => {
                Ok(Some(AttachedPolicies { groups, boundary: row(boundary), ..it }))
            }
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
            (Ok(None), _) | (_, Ok(None)) => Ok(None),
        };
        let groups = attached.iter().flatten().flat_map(|it| it.groups.clone()).collect::<Vec<_>>();
        for group in groups {
            let attached = self.attached_to_group(&group).await;
            facts.group_policies.insert(group, row(attached));
        }
        let of_groups = facts.group_policies.values().filter_map(|it| match it {
            Row::Present(it) => Some(it),
            _ => None,
        });
        let wanted = attached.iter().flatten().chain(of_groups).flat_map(policies).collect();
        self.documents(wanted, known, &mut facts).await;
        facts.user_policies.insert(name, row(attached));
        facts
    }

    pub async fn group_policies(self, name: GroupName, known: BTreeSet<Arn>) -> Facts {
        let mut facts = Facts::default();
        let attached = self.attached_to_group(&name).await;
        self.documents(managed([&attached]), known, &mut facts).await;
        facts.group_policies.insert(name, row(attached));
        facts
    }

    pub async fn managed_policy(self, arn: Arn) -> Facts {
        let policy = self.document(&arn).await;
        Facts { managed_policies: [(arn, row(policy))].into(), ..Facts::default() }
    }

    async fn attached_to_group(&self, name: &GroupName) -> Outcome<AttachedPolicies> {
        lists!(
            self,
            group_name(name.as_str()),
            list_attached_group_policies,
            list_group_policies,
            get_group_policy
        )
        .await
    }

    async fn groups_of(&self, name: &UserName) -> Outcome<Vec<GroupName>> {
        let call = self.client.list_groups_for_user().user_name(name.as_str());
        let groups: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let groups = self.watch.read(groups, &GONE)?;
        groups
            .map(|it| it.iter().map(|it| read("GroupName", it.group_name())).collect())
            .transpose()
    }

    async fn boundary_of(&self, name: &UserName) -> Outcome<Arn> {
        let output = self.client.get_user().user_name(name.as_str()).send().await;
        let Some(output) = self.watch.read(output, &GONE)? else { return Ok(None) };
        boundary(field("User", output.user())?.permissions_boundary())
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

    /// These managed policies, at once, but those already known.
    async fn documents(&self, wanted: BTreeSet<Arn>, known: BTreeSet<Arn>, facts: &mut Facts) {
        let mut calls = JoinSet::new();
        for arn in wanted.difference(&known).cloned() {
            let iam = self.clone();
            calls.spawn(async move { (iam.document(&arn).await, arn) });
        }
        while let Some(done) = calls.join_next().await {
            // A call that broke leaves its policy without a row, to be asked for again.
            if let Ok((policy, arn)) = done {
                facts.managed_policies.insert(arn, row(policy));
            }
        }
    }
}

fn managed<'a>(lists: impl IntoIterator<Item = &'a Outcome<AttachedPolicies>>) -> BTreeSet<Arn> {
    lists.into_iter().flatten().flatten().flat_map(policies).collect()
}

/// Every managed policy, the boundary included.
fn policies(it: &AttachedPolicies) -> Vec<Arn> {
    let boundary = if let Row::Present(it) = &it.boundary { Some(it.clone()) } else { None };
    it.managed.iter().cloned().chain(boundary).collect()
}

fn arns(attached: &[AttachedPolicy]) -> Result<Vec<Arn>, Failure> {
    attached.iter().map(|it| named("PolicyArn", it.policy_arn())).collect()
}
