//! KMS: the key that sessions are encrypted with.

use aws_sdk_kms::{
    Client,
    types::{KeySpec, KeyState, KeyUsageType},
};
use ssm_doctor_checks::model::{
    facts::Facts,
    iam::Key,
    ids::{Arn, KeyName},
    text::Text,
};

use super::{
    Service,
    why::{Outcome, field, named, row},
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
        let policy = field("Policy", self.watch.read(output, &[])?.and_then(|it| it.policy))?;
        Ok(Some(Key {
            arn,
            state: field("KeyState", key.key_state().map(KeyState::as_str))?.into(),
            usage: field("KeyUsage", usage.map(KeyUsageType::as_str))?.into(),
            policy: Text::parse(&policy),
        }))
    }
}
