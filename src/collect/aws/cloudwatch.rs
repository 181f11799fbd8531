//! `CloudWatch`: the metrics of an instance, in one call.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::{
    Client,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat},
};
use aws_smithy_types::DateTime;
use ssm_doctor_facts::{
    cloudwatch::{Measurement, Metrics},
    ids::InstanceId,
    lookup::Facts,
};

use super::{
    service::Service,
    why::{Outcome, row, timestamp},
};

pub type CloudWatch = Service<Client>;

/// In seconds: EC2 measures that often.
const PERIOD: i32 = 300;

/// A machine that went silent measures nothing more, so its last day is asked for.
const SPAN: Duration = Duration::from_hours(24);

/// So many measurements of each metric are kept: those of an hour.
const KEPT: usize = 12;

const CPU: &str = "cpu";
const CREDITS: &str = "credits";
const MEMORY: &str = "memory";
const DISKS: &str = "disks";

impl CloudWatch {
    pub async fn metrics(self, id: InstanceId) -> Facts {
        let metrics = self.measured(&id).await;
        Facts { metrics: [(id, row(metrics))].into(), ..Facts::default() }
    }

    async fn measured(&self, id: &InstanceId) -> Outcome<Metrics> {
        let now = SystemTime::now();
        let call = self.client.get_metric_data().start_time(DateTime::from(now - SPAN));
        let call = call.end_time(DateTime::from(now)).set_metric_data_queries(Some(queries(id)));
        let output = self.watch.read(call.send().await, &[])?;
        let results = output.and_then(|output| output.metric_data_results);
        Ok(Some(sorted(results.into_iter().flatten())))
    }
}

/// EC2's own metrics have one dimension. Those of the `CloudWatch` agent have as many as its configuration says, so they
/// are searched for. Windows names memory and disks otherwise, and counts what is free; those are not read.
fn queries(id: &InstanceId) -> Vec<MetricDataQuery> {
    let of_ec2 = |query: &str, name: &str| {
        let dimension = Dimension::builder().name("InstanceId").value(id.as_str()).build();
        let metric = Metric::builder().namespace("AWS/EC2").metric_name(name).dimensions(dimension);
        let stat = MetricStat::builder().metric(metric.build()).period(PERIOD).stat("Average");
        MetricDataQuery::builder().id(query).metric_stat(stat.build()).build()
    };
    // The label is the dimension that tells one result of a search from another.
    let of_agent = |query: &str, name: &str, label: &str| {
        let search = format!(
            r#"SEARCH('Namespace="CWAgent" MetricName="{name}" InstanceId="{id}"', 'Maximum', {PERIOD})"#
        );
        MetricDataQuery::builder().id(query).expression(search).label(label).build()
    };
    vec![
        of_ec2(CPU, "CPUUtilization"),
        of_ec2(CREDITS, "CPUCreditBalance"),
        of_agent(MEMORY, "mem_used_percent", MEMORY),
        of_agent(DISKS, "disk_used_percent", "${PROP('Dim.path')}"),
    ]
}

fn sorted(results: impl Iterator<Item = MetricDataResult>) -> Metrics {
    let mut metrics = Metrics::default();
    for result in results {
        let pairs = result.timestamps().iter().zip(result.values());
        let pairs = pairs.filter(|(_, value)| value.is_finite());
        let mut measured: Vec<Measurement> = pairs
            .filter_map(|(at, value)| Some(Measurement { at: timestamp(Some(at))?, value: *value }))
            .collect();
        measured.sort_by_key(|it| std::cmp::Reverse(it.at));
        measured.truncate(KEPT);
        if measured.is_empty() {
            continue;
        }
        match result.id() {
            Some(CPU) => metrics.cpu = measured,
            Some(CREDITS) => metrics.credits = measured,
            Some(MEMORY) => metrics.memory = measured,
            Some(DISKS) => {
                let path = result.label().unwrap_or_default().to_owned();
                metrics.disks.insert(path, measured);
            }
            _ => {}
        }
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_sorted_by_query_and_time() {
        let result = |id: &str, label: &str, values: &[(i64, f64)]| {
            let times = values.iter().map(|it| DateTime::from_secs(it.0)).collect();
            let values = values.iter().map(|it| it.1).collect();
            let result = MetricDataResult::builder().id(id).label(label);
            result.set_timestamps(Some(times)).set_values(Some(values)).build()
        };
        let metrics = sorted(
            [
                result(CPU, "CPUUtilization", &[(300, 4.0), (600, 5.0)]),
                result(DISKS, "/", &[(600, 100.0)]),
                result(DISKS, "/data", &[(600, 7.0)]),
                result(MEMORY, MEMORY, &[]),
            ]
            .into_iter(),
        );
        let values = |measured: &[Measurement]| measured.iter().map(|it| it.value).collect();
        let (cpu, disk): (Vec<f64>, Vec<f64>) = (values(&metrics.cpu), values(&metrics.disks["/"]));
        assert_eq!((cpu, disk, metrics.disks.len()), (vec![5.0, 4.0], vec![100.0], 2));
        assert!(metrics.memory.is_empty() && metrics.credits.is_empty());
    }
}
