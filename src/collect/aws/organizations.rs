//! Organizations: whether the account is in one, and the policies it lays over the account.
//!
//! Policies are shown to the management account and to delegated administrators; for anybody else a
//! refusal is the normal case. An account in no organization is refused with a code of its own.

use std::collections::BTreeMap;

use aws_sdk_organizations::{
    Client,
    operation::{
        list_accounts::ListAccountsOutput, list_policies_for_target::ListPoliciesForTargetOutput,
    },
    types::{AccountState, AccountStatus, ParentType, PolicyType},
};
use ssm_doctor_facts::{
    iam::{Organization, OrganizationLevel, OrganizationPolicies},
    ids::AccountId,
    lookup::{Absent, Facts, Ourselves, Row},
    text::Text,
};

use super::{
    service::Service,
    why::{Failure, Outcome, field, named, row, unreadable},
};
use crate::collect::{
    chain::{all, both},
    once::Once,
};

pub type Organizations = Service<Client>;

const NOT_IN_USE: [&str; 1] = ["AWSOrganizationsNotInUseException"];

/// Organizational units nest five deep, below a root and above the account.
const MOST_LEVELS: usize = 8;

impl Organizations {
    /// The organization, and its policies over our own account. Both are requested at once, although the policies do
    /// not apply to the management account: few accounts are one.
    pub async fn organization(self, account: Option<AccountId>) -> Facts {
        let levels = async {
            match &account {
                Some(account) => Some(self.levels(account).await),
                None => None,
            }
        };
        let (organization, levels) = both(self.describe(), levels).await;
        let mut facts = Facts::default();
        if let (Some(account), Some(levels)) = (account, levels) {
            match &organization {
                Ok(Some(it)) if it.management != account => {
                    facts.organization_policies.insert(account, policies(levels));
                }
                Ok(None) => {
                    facts.organization_policies.insert(account, Row::Absent(Absent::Absent));
                }
                _ => {}
            }
        }
        facts.organization.insert(Ourselves::Us, row(organization));
        facts
    }

    /// The policies over an account, from the root of the organization down.
    pub async fn policies(self, account: AccountId) -> Facts {
        let levels = self.levels(&account).await;
        Facts { organization_policies: [(account, policies(levels))].into(), ..Facts::default() }
    }

    /// Every active account. Only the management account and delegated administrators may ask.
    ///
    /// # Errors
    /// AWS's words.
    pub async fn accounts(&self) -> Result<Vec<AccountId>, Failure> {
        let call = self.client.list_accounts();
        let found: Result<Vec<_>, _> = call.into_paginator().send().collect().await;
        let pages = self.watch.read(found, &[])?.unwrap_or_default();
        let active = pages.iter().flat_map(ListAccountsOutput::accounts).filter(|account| {
            // AWS replaces `Status` by `State`.
            let status = account.status().map(AccountStatus::as_str);
            account.state().map(AccountState::as_str).or(status) == Some("ACTIVE")
        });
        active.map(|account| named("Id", account.id())).collect()
    }

    async fn describe(&self) -> Outcome<Organization> {
        let output = self.client.describe_organization().send().await;
        let Some(output) = self.watch.read(output, &NOT_IN_USE)? else { return Ok(None) };
        let organization = field("Organization", output.organization())?;
        Ok(Some(Organization {
            id: field("Id", organization.id())?.into(),
            management: named("MasterAccountId", organization.master_account_id())?,
        }))
    }

    async fn levels(&self, account: &AccountId) -> Outcome<Vec<OrganizationLevel>> {
        let Some(chain) = self.chain(account).await? else { return Ok(None) };
        // One policy may be attached in many places, and is read once.
        let texts = Once::default();
        let levels = chain.into_iter().map(|id| async {
            let (service, resource) = both(
                self.attached(&id, PolicyType::ServiceControlPolicy, &texts),
                self.attached(&id, PolicyType::ResourceControlPolicy, &texts),
            )
            .await;
            let (Some(service), Some(resource)) = (service?, resource?) else { return Ok(None) };
            Ok(Some(OrganizationLevel { id, service, resource }))
        });
        all(levels).await.into_iter().collect()
    }

    /// Root, organizational units and account.
    async fn chain(&self, account: &AccountId) -> Outcome<Vec<String>> {
        let mut chain = vec![account.to_string()];
        while let Some(child) = chain.first().filter(|_| chain.len() < MOST_LEVELS) {
            let output = self.client.list_parents().child_id(child).send().await;
            let Some(output) = self.watch.read(output, &NOT_IN_USE)? else { return Ok(None) };
            let parent = field("Parent", output.parents().first())?;
            chain.insert(0, field("Id", parent.id())?.into());
            if parent.r#type() == Some(&ParentType::Root) {
                return Ok(Some(chain));
            }
        }
        Err(unreadable("a chain of parents that does not end"))
    }

    /// Policies of one kind attached to a root, unit or account, by name.
    async fn attached(
        &self,
        target: &str,
        kind: PolicyType,
        texts: &Once<String, Result<Text, Failure>>,
    ) -> Outcome<BTreeMap<String, Text>> {
        let call = self.client.list_policies_for_target().target_id(target).filter(kind);
        let found: Result<Vec<_>, _> = call.into_paginator().send().collect().await;
        let Some(pages) = self.watch.read(found, &NOT_IN_USE)? else { return Ok(None) };
        let policies = pages.iter().flat_map(ListPoliciesForTargetOutput::policies);
        let policies = all(policies.map(|it| async {
            let id = field("Id", it.id())?;
            let text = texts.get(id.to_owned(), Box::pin(self.content(id))).await?;
            Ok((format!("{} ({id})", it.name().unwrap_or_default()), text))
        }));
        policies.await.into_iter().collect::<Result<_, _>>().map(Some)
    }

    async fn content(&self, id: &str) -> Result<Text, Failure> {
        let output = self.client.describe_policy().policy_id(id).send().await;
        let output = field("Policy", self.watch.read(output, &[])?.and_then(|it| it.policy))?;
        Ok(Text::parse(field("Content", output.content())?))
    }
}

fn policies(levels: Outcome<Vec<OrganizationLevel>>) -> Row<OrganizationPolicies> {
    row(levels.map(|it| it.map(|levels| OrganizationPolicies { levels })))
}
