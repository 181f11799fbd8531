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

pub type Kms = Service<Client>;

impl Kms {
    /// State and policy together: judging a key takes both.
    pub async fn key(self, name: KeyName) -> Facts {
        let key = self.describe(&name).await;
        Facts { keys: [(name, row(key))].into(), ..Facts::default() }
    }

    async fn describe(&self, name: &KeyName) -> Outcome<Key> {
        let output = self.client.describe_key().key_id(name.as_str()).send().await;
        let Some(output) = self.watch.read(output, &["NotFoundException"])? else {
            return Ok(None);
        };
        let key = field("KeyMetadata", output.key_metadata())?;
        let arn: Arn = named("Arn", key.arn())?;
        // Optional in the answer; a symmetric key has no other use.
        let symmetric = key.key_spec() == Some(&KeySpec::SymmetricDefault);
        let usage = key.key_usage().or(symmetric.then_some(&KeyUsageType::EncryptDecrypt));
        // Takes no alias, which the name may well be.
        let output =
            self.client.get_key_policy().key_id(arn.as_str()).policy_name("default").send().await;
        let policy = self.watch.read(output, &[]);
        let policy = policy.and_then(|it| field("Policy", it.and_then(|it| it.policy)));
        Ok(Some(Key {
            arn,
            state: field("KeyState", key.key_state().map(KeyState::as_str))?.into(),
            usage: field("KeyUsage", usage.map(KeyUsageType::as_str))?.into(),
            spec: key.key_spec().map(|it| it.as_str().into()),
            policy: row(policy.map(|it| Some(Text::parse(&it)))),
        }))
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
