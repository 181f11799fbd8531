//! `CloudWatch` metrics of an instance.
//!
//! EC2 measures CPU from outside of the machine, every five minutes. Memory and disks are seen by the `CloudWatch` agent
//! on the machine, if it is installed. Sources: EC2 user guide, "`CloudWatch` metrics that are available for your
//! instances"; `CloudWatch` user guide, "Metrics collected by the `CloudWatch` agent".

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The last measurements of an instance, of each metric the latest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Metrics {
    /// In percent of the CPUs, the average of five minutes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpu: Vec<Measurement>,
    /// CPU credits left; of burstable instances only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<Measurement>,
    /// In percent of the memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<Measurement>,
    /// In percent of each file system, by the path where it is mounted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disks: BTreeMap<String, Vec<Measurement>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Measurement {
    pub at: Timestamp,
    pub value: f64,
}
