//! EC2, of an instance whose agent is silent: its console, and when it got its profile.

use aws_sdk_ec2::types::{Filter, IamInstanceProfileAssociationState};
use aws_smithy_types::{DateTime, base64, error::metadata::ProvideErrorMetadata as _};
use ssm_doctor_checks::{
    model::{
        ec2::{Console, ProfileAssociation},
        facts::Facts,
        ids::InstanceId,
    },
    solve::console::excerpt,
};

use super::{
    ec2::{Ec2, timestamp},
    why::{Failure, Outcome, field, row, unreadable},
};

impl Ec2 {
    /// Nothing is kept but the lines that mean something: the output may hold secrets.
    pub async fn console(self, id: InstanceId) -> Facts {
        let output = self.output(&id).await;
        Facts { consoles: [(id, row(output))].into(), ..Facts::default() }
    }

    /// The latest output is to be had of some instance types only, and the rest refuse to be asked.
    async fn output(&self, id: &InstanceId) -> Outcome<Console> {
        let call = self.client.get_console_output().instance_id(id.as_str());
        let output = match call.clone().latest(true).send().await {
            Err(error) if error.code() == Some("UnsupportedOperation") => call.send().await,
            output => output,
        };
        let Some(output) = self.watch.read(output, &[])? else { return Ok(None) };
        let lines = output.output().map(decoded).transpose()?;
        Ok(Some(Console {
            at: timestamp(output.timestamp()),
            lines: lines.map(|it| excerpt(&it)).unwrap_or_default(),
        }))
    }

    pub async fn profile_association(self, id: InstanceId) -> Facts {
        let association = self.association(&id).await;
        Facts { profile_associations: [(id, row(association))].into(), ..Facts::default() }
    }

    async fn association(&self, id: &InstanceId) -> Outcome<ProfileAssociation> {
        let only = Filter::builder().name("instance-id").values(id.as_str()).build();
        let call = self.client.describe_iam_instance_profile_associations().filters(only);
        let output = self.watch.read(call.send().await, &[])?;
        let rows = output.and_then(|it| it.iam_instance_profile_associations);
        // Of several, one is on its way out.
        let newest = rows.into_iter().flatten().max_by_key(|it| it.timestamp().map(DateTime::secs));
        newest
            .map(|it| {
                let state = it.state().map(IamInstanceProfileAssociationState::as_str);
                Ok(ProfileAssociation {
                    state: field("state", state)?.into(),
                    at: timestamp(it.timestamp()),
                })
            })
            .transpose()
    }
}

/// Machines write what they like, so what is no text is replaced.
fn decoded(output: &str) -> Result<String, Failure> {
    let joined: String = output.split_whitespace().collect();
    let bytes = base64::decode(joined).map_err(|_| unreadable("`output` is not in Base64"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_comes_in_base64() {
        assert_eq!(decoded("S2VybmVsIHBh\nbmlj").unwrap(), "Kernel panic");
        assert_eq!(decoded("/w==").unwrap(), "\u{fffd}");
        assert!(decoded("?").is_err());
    }
}
