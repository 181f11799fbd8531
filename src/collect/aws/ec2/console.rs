//! EC2, of an instance whose agent is silent: its console, its image, when it got its profile, and other
//! ways in.

use aws_sdk_ec2::{
    operation::get_serial_console_access_status::GetSerialConsoleAccessStatusOutput as Status,
    types::{Filter, IamInstanceProfileAssociationState, Image as SdkImage},
};
use aws_smithy_types::{DateTime, base64, error::metadata::ProvideErrorMetadata as _};
use ssm_doctor_analysis::node::serial_console::excerpt;
use ssm_doctor_facts::{
    ec2::{ConnectEndpoint, Console, Image, ProfileAssociation, SerialConsole},
    ids::{ImageId, InstanceId, Region, VpcId},
    lookup::Facts,
};

use super::lists::Ec2;
use crate::collect::aws::why::{Failure, Outcome, field, row, timestamp, unreadable};

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

    pub async fn image(self, id: ImageId) -> Facts {
        let call = self.client.describe_images().image_ids(id.as_str()).include_deprecated(true);
        let gone = ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"];
        let image = self.watch.read(call.send().await, &gone).map(|it| {
            let images = it.and_then(|it| it.images).into_iter().flatten();
            let name = |it: SdkImage| it.name.filter(|it| !it.is_empty());
            images.map(|it| Image { name: name(it) }).next()
        });
        Facts { images: [(id, row(image))].into(), ..Facts::default() }
    }

    pub async fn connect_endpoints(self, vpc: VpcId) -> Facts {
        let endpoints = self.endpoints_to_connect_by(&vpc).await;
        Facts { connect_endpoints: [(vpc, row(endpoints))].into(), ..Facts::default() }
    }

    async fn endpoints_to_connect_by(&self, vpc: &VpcId) -> Outcome<Vec<ConnectEndpoint>> {
        let only = Filter::builder().name("vpc-id").values(vpc.as_str()).build();
        let call = self.client.describe_instance_connect_endpoints().filters(only);
        let output = self.watch.read(call.send().await, &[])?;
        let rows = output.and_then(|it| it.instance_connect_endpoints).into_iter().flatten();
        let endpoints = rows.map(|it| {
            Ok(ConnectEndpoint {
                id: field("instanceConnectEndpointId", it.instance_connect_endpoint_id())?.into(),
                state: field("state", it.state())?.as_str().into(),
            })
        });
        endpoints.collect::<Result<_, _>>().map(Some)
    }

    pub async fn serial_console(self, region: Region) -> Facts {
        let output = self.client.get_serial_console_access_status().send().await;
        let status = self.watch.read(output, &[]).and_then(|it| {
            let enabled = it.as_ref().and_then(Status::serial_console_access_enabled);
            Ok(Some(SerialConsole {
                enabled: *field("serialConsoleAccessEnabled", enabled.as_ref())?,
            }))
        });
        Facts { serial_consoles: [(region, row(status))].into(), ..Facts::default() }
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
