//! Queries that the VPC's resolver logged.
//!
//! It logs no query that it answers from its cache. Source: Route 53 Developer Guide, "Resolver query logging", and
//! "Values that appear in VPC Resolver query logs".

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    ids::*,
    route53::{FirewallAction, RecordType},
    text::pair,
    time::Timestamp,
};

pair! {
    /// Queries of an instance in a log group. Spelled `<log group> <instance>` in JSON.
    QuerySearch { group: LogGroupName, instance: InstanceId }, "<log group> <instance>"
}

/// A query and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoggedQuery {
    pub at: Timestamp,
    /// In lower case and without the final dot.
    pub name: String,
    pub kind: RecordType,
    /// The response code: `NOERROR`, `NXDOMAIN`, `SERVFAIL`…
    pub code: String,
    /// The addresses of the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<IpAddr>,
    /// What the DNS Firewall rule did that matched; none if no rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewall: Option<FirewallAction>,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_search_is_spelled_as_it_is_read() {
        let search = QuerySearch::try_from(String::from("/vpc/queries i-0abc")).unwrap();
        assert_eq!(search.to_string(), "/vpc/queries i-0abc");
        for raw in ["/vpc/queries", "/vpc/queries i-", " i-0abc", "/vpc queries i-0abc"] {
            assert!(QuerySearch::try_from(String::from(raw)).is_err(), "{raw:?}");
        }
    }
}
