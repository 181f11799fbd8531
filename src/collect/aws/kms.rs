//! KMS: the key that sessions are encrypted with.

use aws_sdk_kms::{
    Client,
    types::{GrantListEntry, KeySpec, KeyState, KeyUsageType},
};
use ssm_doctor_facts::{
    iam::{Grant, Key},
    ids::{Arn, KeyName},
    lookup::Facts,
    text::Text,
};

use super::{
    service::Service,
    why::{Failure, Outcome, field, named, row},
};
use crate::collect::chain::both;

pub type Kms = Service<Client>;

impl Kms {
    /// State and policy together: judging a key takes both.
    pub async fn key(self, name: KeyName) -> Facts {
        let key = self.describe(&name).await;
        Facts { keys: [(name, row(key))].into(), ..Facts::default() }
    }

    async fn describe(&self, name: &KeyName) -> Outcome<Key> {
        let describe = self.client.describe_key().key_id(name.as_str()).send();
        // The policy's call takes no alias, for which it has to wait.
        let (output, policy) = if name.as_str().contains("alias/") {
            (describe.await, None)
        } else {
            let (output, policy) = both(describe, self.policy(name.as_str())).await;
            (output, Some(policy))
        };
        let Some(output) = self.watch.read(output, &["NotFoundException"])? else {
            return Ok(None);
        };
        let key = field("KeyMetadata", output.key_metadata())?;
        let arn: Arn = named("Arn", key.arn())?;
        // Optional in the answer; a symmetric key has no other use.
        let symmetric = key.key_spec() == Some(&KeySpec::SymmetricDefault);
        let usage = key.key_usage().or(symmetric.then_some(&KeyUsageType::EncryptDecrypt));
        let policy = match policy {
            Some(policy) => policy,
            None => self.policy(arn.as_str()).await,
        };
        Ok(Some(Key {
            arn,
            state: field("KeyState", key.key_state().map(KeyState::as_str))?.into(),
            usage: field("KeyUsage", usage.map(KeyUsageType::as_str))?.into(),
            spec: key.key_spec().map(|it| it.as_str().into()),
            manager: key.key_manager().map(|it| it.as_str().into()),
            policy: row(policy.map(Some)),
        }))
    }

    async fn policy(&self, key: &str) -> Result<Text, Failure> {
        let output = self.client.get_key_policy().key_id(key).policy_name("default").send().await;
        let output = self.watch.read(output, &[])?;
        field("Policy", output.and_then(|it| it.policy)).map(|it| Text::parse(&it))
    }

    pub async fn grants(self, key: Arn) -> Facts {
        let call = self.client.list_grants().key_id(key.as_str());
        let grants: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let grants = self.watch.read(grants, &["NotFoundException"]);
        let grants = grants.and_then(|it| {
            it.map(|it| it.iter().map(grant).collect::<Result<Vec<_>, _>>()).transpose()
        });
        Facts { key_grants: [(key, row(grants))].into(), ..Facts::default() }
    }
}

fn grant(it: &GrantListEntry) -> Result<Grant, Failure> {
    let (principal, service) = (it.grantee_principal(), it.grantee_service_principal());
    Ok(Grant {
        id: field("GrantId", it.grant_id())?.into(),
        grantee: field("GranteePrincipal", principal.or(service))?.into(),
        operations: it.operations().iter().map(|it| it.as_str().into()).collect(),
        constrained: it.constraints().is_some(),
    })
}
