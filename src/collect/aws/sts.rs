//! STS: who we are. Needs no permission, so it fails only with the credentials themselves.

use aws_sdk_sts::Client;
use ssm_doctor_facts::{
    iam::Caller,
    lookup::{Facts, Ourselves},
};

use super::{
    service::Service,
    why::{field, named, row},
};

pub type Sts = Service<Client>;

impl Sts {
    /// `temporary`: do these credentials expire?
    pub async fn caller(self, temporary: bool) -> Facts {
        let output = self.watch.read(self.client.get_caller_identity().send().await, &[]);
        let caller = output.and_then(|output| {
            let output = field("GetCallerIdentityResult", output)?;
            Ok(Some(Caller {
                account: named("Account", output.account())?,
                arn: named("Arn", output.arn())?,
                user_id: field("UserId", output.user_id())?.into(),
                temporary: Some(temporary),
                mfa: None,
            }))
        });
        Facts { caller: [(Ourselves::Us, row(caller))].into(), ..Facts::default() }
    }
}
