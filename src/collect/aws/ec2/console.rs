//! EC2, of an instance whose agent is silent: its console, its user data, its image, when it got its profile, and
//! other ways in.

use std::io::Read as _;

use aws_sdk_ec2::{
    operation::get_serial_console_access_status::GetSerialConsoleAccessStatusOutput as Status,
    types::{Filter, IamInstanceProfileAssociationState, Image as SdkImage, InstanceAttributeName},
};
use aws_smithy_types::{DateTime, base64, error::metadata::ProvideErrorMetadata as _};
use flate2::read::MultiGzDecoder;
use ssm_doctor_analysis::node::{serial_console::excerpt, user_data};
use ssm_doctor_facts::{
    ec2::{ConnectEndpoint, Console, Image, ProfileAssociation, SerialConsole},
    ids::{ImageId, InstanceId, Region, VpcId},
    lookup::Facts,
    user_data::UserData,
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
            lines: lines.map(|it| excerpt(&text(&it))).unwrap_or_default(),
        }))
    }

    /// Nothing is kept but which lines concern the agent.
    pub async fn user_data(self, id: InstanceId) -> Facts {
        let user_data = self.script(&id).await;
        Facts { user_data: [(id, row(user_data))].into(), ..Facts::default() }
    }

    async fn script(&self, id: &InstanceId) -> Outcome<UserData> {
        let call = self.client.describe_instance_attribute().instance_id(id.as_str());
        let call = call.attribute(InstanceAttributeName::UserData);
        let output = self.watch.read(call.send().await, &[])?;
        let script = output.and_then(|it| it.user_data).and_then(|it| it.value);
        let script = script.filter(|it| !it.is_empty());
        script.map(|it| Ok(user_data::read(&unpacked(&decoded(&it)?)?))).transpose()
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

/// The bytes of a field that comes in Base64.
fn decoded(output: &str) -> Result<Vec<u8>, Failure> {
    let joined: String = output.split_whitespace().collect();
    base64::decode(joined).map_err(|_| unreadable("the field is not in Base64"))
}

/// Machines write what they like, so what is no text is replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// More of unpacked user data is not read. EC2 takes 16 kB, and cloud-init unpacks what is compressed.
const LONGEST_SCRIPT: u64 = 4 << 20;

/// User data as text, whether compressed or not.
fn unpacked(bytes: &[u8]) -> Result<String, Failure> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(text(bytes));
    }
    let mut plain = Vec::new();
    let unpacked = MultiGzDecoder::new(bytes).take(LONGEST_SCRIPT).read_to_end(&mut plain);
    unpacked.map_err(|error| unreadable(format!("the user data cannot be unpacked: {error}")))?;
    Ok(text(&plain))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn output_comes_in_base64() {
        assert_eq!(text(&decoded("S2VybmVsIHBh\nbmlj").unwrap()), "Kernel panic");
        assert_eq!(text(&decoded("/w==").unwrap()), "\u{fffd}");
        assert!(decoded("?").is_err());
    }

    #[test]
    fn user_data_may_be_compressed() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(b"#!/bin/sh").unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(unpacked(&packed).unwrap(), "#!/bin/sh");
        assert_eq!(unpacked(b"#!/bin/sh").unwrap(), "#!/bin/sh");
        assert!(unpacked(&packed[..12]).is_err());
    }
}
