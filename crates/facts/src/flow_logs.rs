//! VPC Flow Logs: which there are, and the packets that they saw rejected.
//!
//! A record is about the packets of one connection at one interface, within a window of one to ten minutes. It comes
//! some minutes after the window. It does not say whether a security group or a network ACL rejected the packets.
//! Source: VPC user guide, "Flow log records".

use alloc::{string::String, vec::Vec};
use core::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{
    ids::*,
    text::{pair, words},
    time::Timestamp,
};

words! {
    /// Which packets a flow log is about.
    TrafficType { All = "ALL", Accept = "ACCEPT", Reject = "REJECT" }
}

/// A flow log that writes to `CloudWatch` Logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlowLog {
    pub id: FlowLogId,
    /// The id of what it is about: a network interface, a subnet or a VPC.
    pub resource: String,
    pub group: LogGroupName,
    pub traffic: TrafficType,
    /// The fields of a record in their order, without `${` and `}`.
    pub fields: Vec<String>,
}

pair! {
    /// Records of a flow log about an interface. Spelled `<flow log> <interface>` in JSON.
    FlowSearch { log: FlowLogId, interface: NetworkInterfaceId }, "<flow log> <interface>"
}

/// A record about packets that were rejected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RejectedFlow {
    /// The end of the window.
    pub at: Timestamp,
    pub source: IpAddr,
    pub source_port: u16,
    pub destination: IpAddr,
    pub destination_port: u16,
    /// Its number: 6 is TCP.
    pub protocol: u8,
    pub packets: u64,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_search_is_spelled_as_it_is_read() {
        let search = FlowSearch::try_from(String::from("fl-0abc eni-0abc")).unwrap();
        assert_eq!(search.to_string(), "fl-0abc eni-0abc");
        for raw in ["fl-0abc", "fl-0abc eni-", "eni-0abc fl-0abc", "fl-0abc  eni-0abc"] {
            assert!(FlowSearch::try_from(String::from(raw)).is_err(), "{raw:?}");
        }
    }
}
