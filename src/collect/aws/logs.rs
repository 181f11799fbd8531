//! `CloudWatch` Logs: the group that session logs go to.

use aws_sdk_cloudwatchlogs::Client;
use ssm_doctor_facts::{cloudwatch_logs::LogGroup, ids::LogGroupName, lookup::Facts};

use super::{
    service::Service,
    why::{Outcome, row},
};

pub type Logs = Service<Client>;

impl Logs {
    pub async fn log_group(self, name: LogGroupName) -> Facts {
        let group = self.find(&name).await;
        Facts { log_groups: [(name, row(group))].into(), ..Facts::default() }
    }

    /// There is no asking for one group by its name, only for all that begin with it. They come sorted,
    /// so the one that is meant comes first.
    async fn find(&self, name: &LogGroupName) -> Outcome<LogGroup> {
        let call = self.client.describe_log_groups().log_group_name_prefix(name.as_str());
        let mut groups = call.into_paginator().items().send();
        while let Some(group) = groups.next().await {
            let group = self.watch.read(group, &[])?;
            if let Some(group) = group.filter(|it| it.log_group_name() == Some(name.as_str())) {
                return Ok(Some(LogGroup { key: group.kms_key_id().map(Into::into) }));
            }
        }
        Ok(None)
    }
}
