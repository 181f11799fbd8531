//! EC2 instances, their status, and the Region they are in.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_ec2::{
    Client,
    config::{Region as SdkRegion, retry::RetryConfig, timeout::TimeoutConfig},
    types as sdk,
};
use ssm_doctor_facts::{
    ec2::{
        AttachedInterface, Instance, InstanceState, InstanceStatus, MetadataOptions, ScheduledEvent,
    },
    ids::{InstanceId, Region, SubnetId},
    lookup::Facts,
};

use super::lists::{Ec2, PAGE, all, by_id, groups, keyed, listed, swept, tags, word};
use crate::collect::{
    aws::why::{Failure, field, maybe, named, row, timestamp},
    chain,
};

/// Beyond this, a slow Region counts as one that does not have the instance.
const GLANCE: Duration = Duration::from_secs(3);

impl Ec2 {
    pub async fn instances(self, ids: BTreeSet<InstanceId>) -> Facts {
        let this = &self;
        let instances = by_id(ids, |ids| async move {
            let call = this
                .client
                .describe_instances()
                .set_instance_ids(Some(ids))
                .into_paginator()
                .items();
            let found =
                all!(this, call, "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")?;
            Ok(found.map(|reservations| {
                let instances: Vec<_> = reservations
                    .into_iter()
                    .flat_map(|it| it.instances.unwrap_or_default())
                    .collect();
                keyed(&instances, sdk::Instance::instance_id, instance)
            }))
        });
        Facts { instances: instances.await, ..Facts::default() }
    }

    pub async fn statuses(self, ids: BTreeSet<InstanceId>) -> Facts {
        let this = &self;
        let rows = by_id(ids, |ids| async move {
            let call = this.client.describe_instance_status().include_all_instances(true);
            let call = call.set_instance_ids(Some(ids)).into_paginator().items();
            let found =
                all!(this, call, "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")?;
            Ok(found.map(|it| keyed(&it, sdk::InstanceStatus::instance_id, instance_status)))
        });
        Facts { instance_statuses: rows.await, ..Facts::default() }
    }

    /// Every instance of the Region. None if that was refused.
    ///
    /// # Errors
    /// AWS's words.
    pub async fn all_instances(self) -> Result<Facts, Failure> {
        let call = self.client.describe_instances().into_paginator().page_size(PAGE).items();
        let reservations = listed(all!(self, call))?;
        let instances: Vec<_> =
            reservations.into_iter().flat_map(|it| it.instances.unwrap_or_default()).collect();
        let rows = keyed(&instances, sdk::Instance::instance_id, instance);
        Ok(Facts { instances: swept(Ok(rows), BTreeSet::new()), ..Facts::default() })
    }

    /// The status of every instance of the Region; of those in `asked`, that it is unknown if that was refused.
    pub async fn all_statuses(self, asked: BTreeSet<InstanceId>) -> Facts {
        let call = self.client.describe_instance_status().include_all_instances(true);
        let rows = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let rows = rows.map(|it| keyed(&it, sdk::InstanceStatus::instance_id, instance_status));
        Facts { instance_statuses: swept(rows, asked), ..Facts::default() }
    }

    /// The Regions that are switched on for the account.
    ///
    /// # Errors
    /// AWS's words.
    pub async fn regions(&self) -> Result<Vec<Region>, Failure> {
        let regions = self.watch.read(self.client.describe_regions().send().await, &[])?;
        let names = regions.into_iter().flat_map(|it| it.regions.unwrap_or_default());
        Ok(names.filter_map(|it| it.region_name?.parse().ok()).collect())
    }

    /// Looks for an instance in every Region that is switched on but `here`, at once and briefly.
    pub async fn elsewhere(
        self,
        id: InstanceId,
        here: Region,
        sdk_config: aws_config::SdkConfig,
    ) -> Facts {
        let found = match self.regions().await {
            Err(failure) => Err(failure),
            Ok(regions) => {
                let mut looks = Vec::new();
                for region in regions {
                    if region == here {
                        continue;
                    }
                    let config = aws_sdk_ec2::config::Builder::from(&sdk_config)
                        .interceptor(self.watch.clone())
                        .region(SdkRegion::new(region.to_string()))
                        .retry_config(RetryConfig::disabled())
                        .timeout_config(TimeoutConfig::builder().operation_timeout(GLANCE).build());
                    let call = Client::from_conf(config.build())
                        .describe_instances()
                        .instance_ids(id.as_str());
                    looks.push(async move {
                        let output = call.send().await.ok()?;
                        let here =
                            output.reservations().iter().any(|it| !it.instances().is_empty());
                        here.then_some(region)
                    });
                }
                let mut found: Vec<_> = chain::all(looks).await.into_iter().flatten().collect();
                found.sort();
                Ok(Some(found))
            }
        };
        Facts { elsewhere: [(id, row(found))].into(), ..Facts::default() }
    }
}

fn instance(it: &sdk::Instance) -> Result<Instance, Failure> {
    let state =
        word(it.state().and_then(sdk::InstanceState::name).map(sdk::InstanceStateName::as_str));
    // A terminated instance keeps its id and little else, and a stopped one has no address.
    let running = state == InstanceState::Running;
    let vpc = maybe("vpcId", it.vpc_id())?;
    let subnet: Option<SubnetId> = maybe("subnetId", it.subnet_id())?;
    if running {
        field("vpcId", vpc.as_ref())?;
        field("subnetId", subnet.as_ref())?;
        field("metadataOptions", it.metadata_options())?;
    }
    let interfaces =
        it.network_interfaces().iter().map(attached_interface).collect::<Result<Vec<_>, _>>()?;
    let tags = tags(it.tags());
    let platform =
        it.platform().map(sdk::PlatformValues::as_str).into_iter().chain(it.platform_details());
    Ok(Instance {
        name: tags.get("Name").cloned(),
        state,
        vpc,
        subnet,
        interfaces,
        profile: it
            .iam_instance_profile()
            .map(|it| named("iamInstanceProfile", it.arn()))
            .transpose()?,
        profile_id: it
            .iam_instance_profile()
            .and_then(|it| it.id())
            .filter(|it| !it.is_empty())
            .map(Into::into),
        metadata: MetadataOptions {
            enabled: it.metadata_options().and_then(|it| it.http_endpoint())
                != Some(&sdk::InstanceMetadataEndpointState::Disabled),
            tokens_required: it.metadata_options().and_then(|it| it.http_tokens())
                == Some(&sdk::HttpTokensState::Required),
            hop_limit: it
                .metadata_options()
                .and_then(sdk::InstanceMetadataOptionsResponse::http_put_response_hop_limit),
        },
        image: it.image_id().and_then(|it| it.parse().ok()),
        windows: platform.into_iter().any(|it| it.to_ascii_lowercase().starts_with("windows")),
        managed_by: it
            .operator()
            .filter(|operator| operator.managed() == Some(true))
            .map(|operator| operator.principal().unwrap_or("an AWS service").into()),
        launched_at: timestamp(it.launch_time()),
        tags,
    })
}

fn attached_interface(it: &sdk::InstanceNetworkInterface) -> Result<AttachedInterface, Failure> {
    Ok(AttachedInterface {
        id: named("networkInterfaceId", it.network_interface_id())?,
        device_index: it
            .attachment()
            .and_then(sdk::InstanceNetworkInterfaceAttachment::device_index)
            .unwrap_or_default(),
        subnet: named("subnetId", it.subnet_id())?,
        private_ip: maybe("privateIpAddress", it.private_ip_address())?,
        public_ip: maybe("publicIp", it.association().and_then(|it| it.public_ip()))?,
        ipv6: it
            .ipv6_addresses()
            .iter()
            .map(|it| named("ipv6Address", it.ipv6_address()))
            .collect::<Result<_, _>>()?,
        security_groups: groups(it.groups())?,
    })
}

fn instance_status(it: &sdk::InstanceStatus) -> Result<InstanceStatus, Failure> {
    let status = |name, it: Option<&sdk::InstanceStatusSummary>| {
        Ok(word(Some(field(name, it.and_then(sdk::InstanceStatusSummary::status))?.as_str())))
    };
    let ebs = it.attached_ebs_status().and_then(sdk::EbsStatusSummary::status);
    Ok(InstanceStatus {
        instance: status("instanceStatus", it.instance_status())?,
        system: status("systemStatus", it.system_status())?,
        ebs: ebs.map(|it| word(Some(it.as_str()))),
        events: it.events().iter().map(scheduled).collect::<Result<_, _>>()?,
    })
}

fn scheduled(it: &sdk::InstanceStatusEvent) -> Result<ScheduledEvent, Failure> {
    Ok(ScheduledEvent {
        code: field("code", it.code().map(sdk::EventCode::as_str))?.into(),
        description: it.description().unwrap_or_default().into(),
        not_before: timestamp(it.not_before()),
    })
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;
    use ssm_doctor_facts::ids::Arn;

    use super::*;
    use crate::collect::aws::why::unreadable;

    fn running() -> aws_sdk_ec2::types::builders::InstanceBuilder {
        let state = sdk::InstanceState::builder().name(sdk::InstanceStateName::Running).build();
        let metadata = sdk::InstanceMetadataOptionsResponse::builder()
            .http_tokens(sdk::HttpTokensState::Required)
            .http_endpoint(sdk::InstanceMetadataEndpointState::Enabled);
        sdk::Instance::builder()
            .instance_id("i-1")
            .state(state)
            .vpc_id("vpc-1")
            .subnet_id("subnet-1")
            .private_ip_address("10.0.0.4")
            .public_ip_address("203.0.113.9")
            .security_groups(sdk::GroupIdentifier::builder().group_id("sg-1").build())
            .metadata_options(metadata.build())
    }

    #[test]
    fn an_instance_is_read() {
        let attached = sdk::InstanceNetworkInterface::builder()
            .network_interface_id("eni-1")
            .subnet_id("subnet-2")
            .private_ip_address("10.0.2.4")
            .attachment(sdk::InstanceNetworkInterfaceAttachment::builder().device_index(1).build())
            .association(
                sdk::InstanceNetworkInterfaceAssociation::builder()
                    .public_ip("203.0.113.5")
                    .build(),
            )
            .ipv6_addresses(sdk::InstanceIpv6Address::builder().ipv6_address("2001:db8::4").build())
            .groups(sdk::GroupIdentifier::builder().group_id("sg-2").build());
        let read = instance(
            &running()
                .network_interfaces(attached.build())
                .platform_details("Windows with SQL Server")
                .tags(sdk::Tag::builder().key("Name").value("web-1").build())
                .launch_time(DateTime::from_secs(1_700_000_000))
                .iam_instance_profile(
                    sdk::IamInstanceProfile::builder()
                        .arn("arn:aws:iam::111122223333:instance-profile/Web")
                        .id("AIPAEXAMPLEWEB")
                        .build(),
                )
                .build(),
        )
        .unwrap();
        assert_eq!(read.name.as_deref(), Some("web-1"));
        assert!(read.windows && read.metadata.enabled && read.metadata.tokens_required);
        assert_eq!(read.profile.as_ref().map(Arn::name), Some("Web"));
        assert_eq!(read.profile_id.as_deref(), Some("AIPAEXAMPLEWEB"));
        let interface = read.interfaces.first().unwrap();
        assert_eq!((interface.device_index, interface.subnet.as_str()), (1, "subnet-2"));
        assert_eq!(interface.public_ip, Some("203.0.113.5".parse().unwrap()));
        assert_eq!(interface.ipv6, vec!["2001:db8::4".parse::<std::net::Ipv6Addr>().unwrap()]);
    }

    #[test]
    fn what_a_running_instance_must_have_is_missed() {
        let rows = [
            (running().set_vpc_id(None), "an answer without `vpcId`"),
            (running().set_subnet_id(None), "an answer without `subnetId`"),
            (running().set_metadata_options(None), "an answer without `metadataOptions`"),
            (running().subnet_id("net-1"), "`subnetId`: \"net-1\" is not a subnet id (`subnet-…`)"),
        ];
        for (row, detail) in rows {
            assert_eq!(instance(&row.build()), Err(unreadable(detail)));
        }
        let gone = sdk::InstanceState::builder().name(sdk::InstanceStateName::Terminated).build();
        let gone =
            instance(&sdk::Instance::builder().instance_id("i-1").state(gone).build()).unwrap();
        assert_eq!((gone.state, gone.interfaces.len()), (InstanceState::Terminated, 0));
    }
}
