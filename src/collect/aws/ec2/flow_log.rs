//! EC2: the flow logs of an instance.

use aws_sdk_ec2::types::{self as sdk, Filter, LogDestinationType};
use ssm_doctor_analysis::network::flow_log::fields;
use ssm_doctor_facts::{ec2::Instance, flow_logs::FlowLog, ids::InstanceId, lookup::Facts};

use super::lists::{Ec2, all};
use crate::collect::aws::why::{Failure, field, named, row};

impl Ec2 {
    /// Those of the instance's first interface, of its subnet and of its VPC.
    pub async fn flow_logs(self, id: InstanceId, instance: Option<Instance>) -> Facts {
        let interface = instance.as_ref().and_then(Instance::primary_interface);
        let resources = [
            interface.map(|it| it.id.to_string()),
            interface.map(|it| it.subnet.to_string()),
            instance.as_ref().and_then(|it| it.vpc.as_ref()).map(ToString::to_string),
        ];
        let resources = resources.into_iter().flatten().collect();
        let only = Filter::builder().name("resource-id").set_values(Some(resources)).build();
        let call = self.client.describe_flow_logs().filter(only).into_paginator().items();
        let logs = all!(self, call).and_then(|logs| {
            let logs = logs.iter().flatten().filter(|log| delivers_to_us(log));
            logs.map(flow_log).collect::<Result<Vec<_>, Failure>>().map(Some)
        });
        Facts { flow_logs: [(id, row(logs))].into(), ..Facts::default() }
    }
}

/// Does it write to `CloudWatch` Logs of this account? A log that cannot be delivered records nothing.
fn delivers_to_us(log: &sdk::FlowLog) -> bool {
    let destination = log.log_destination_type().unwrap_or(&LogDestinationType::CloudWatchLogs);
    *destination == LogDestinationType::CloudWatchLogs
        && log.log_group_name().is_some()
        && log.deliver_cross_account_role().is_none()
        && log.flow_log_status() == Some("ACTIVE")
        && log.deliver_logs_status() != Some("FAILED")
}

fn flow_log(log: &sdk::FlowLog) -> Result<FlowLog, Failure> {
    Ok(FlowLog {
        id: named("flowLogId", log.flow_log_id())?,
        resource: field("resourceId", log.resource_id())?.into(),
        group: named("logGroupName", log.log_group_name())?,
        traffic: field("trafficType", log.traffic_type())?.as_str().to_owned().into(),
        fields: fields(log.log_format()),
    })
}
