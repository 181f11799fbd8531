//! `CloudWatch` Logs: the group that session logs go to, and what flow logs and query logs recorded.
//!
//! A log can be of any size. So of these logs the last hour is read, in some pages, or nothing of them is known.

use std::{
    cmp::Reverse,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_sdk_cloudwatchlogs::{
    Client, operation::filter_log_events::builders::FilterLogEventsFluentBuilder,
};
use ssm_doctor_analysis::{dns::query_log, network::flow_log};
use ssm_doctor_facts::{
    cloudwatch_logs::{LogGroup, READ_BACK},
    flow_logs::{FlowLog, FlowSearch, RejectedFlow},
    ids::{LogGroupName, Region},
    lookup::Facts,
    resolver_query_logs::{LoggedQuery, QuerySearch},
};

use super::{
    service::Service,
    why::{Failure, Outcome, row, unreadable},
};

pub type Logs = Service<Client>;

/// So many pages of a log are read. A page has up to 1 MB. Source: `CloudWatch` Logs API reference, `FilterLogEvents`.
const MOST_PAGES: u32 = 5;

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

    /// The records of rejected packets of an interface, in a log of which `log` says group and fields.
    pub async fn rejected_packets(self, search: FlowSearch, log: Option<FlowLog>) -> Facts {
        let packets = match log {
            Some(log) => self.rejected(&search, &log).await,
            None => Ok(None),
        };
        Facts { rejected_packets: [(search, row(packets))].into(), ..Facts::default() }
    }

    async fn rejected(&self, search: &FlowSearch, log: &FlowLog) -> Outcome<Vec<RejectedFlow>> {
        // A stream is named after its interface.
        let call = self.client.filter_log_events().log_group_name(log.group.as_str());
        let call = call.log_stream_name_prefix(search.interface.as_str()).filter_pattern("REJECT");
        let records = self.last_hour(call).await?;
        let records = records.iter().filter_map(|record| flow_log::parse(record, &log.fields));
        let mut packets: Vec<RejectedFlow> = records.filter(flow_log::concerns_https).collect();
        packets.sort_by_key(|packet| Reverse(packet.at));
        Ok(Some(packets))
    }

    /// The queries of an instance for names of the Region's services.
    pub async fn queries(self, search: QuerySearch, region: Region) -> Facts {
        let queries = self.logged(&search, &region).await;
        Facts { queries: [(search, row(queries))].into(), ..Facts::default() }
    }

    async fn logged(&self, search: &QuerySearch, region: &Region) -> Outcome<Vec<LoggedQuery>> {
        let call = self.client.filter_log_events().log_group_name(search.group.as_str());
        // Both have to occur.
        let call = call.filter_pattern(format!(r#""{}" "{region}""#, search.instance));
        let events = self.last_hour(call).await?;
        let queries = events.iter().filter_map(|event| query_log::parse(event));
        let suffixes = [region.dns_suffix(), region.dual_stack_suffix()];
        let suffixes = suffixes.map(|suffix| format!(".{region}.{suffix}"));
        let of_service = |query: &LoggedQuery| suffixes.iter().any(|it| query.name.ends_with(it));
        let mut queries: Vec<LoggedQuery> = queries.filter(of_service).collect();
        queries.sort_by_key(|query| Reverse(query.at));
        Ok(Some(queries))
    }

    /// The messages that a search finds within [`READ_BACK`].
    async fn last_hour(
        &self,
        search: FilterLogEventsFluentBuilder,
    ) -> Result<Vec<String>, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let mut pages = search.start_time(now - READ_BACK * 1000).into_paginator().send();
        let mut messages = Vec::new();
        for _ in 0..MOST_PAGES {
            let Some(page) = pages.next().await else { return Ok(messages) };
            let page = self.watch.read(page, &[])?;
            let events = page.and_then(|page| page.events).into_iter().flatten();
            messages.extend(events.filter_map(|event| event.message));
        }
        match pages.next().await {
            None => Ok(messages),
            Some(_) => Err(unreadable(format!("more than {MOST_PAGES} pages of the log match"))),
        }
    }
}
