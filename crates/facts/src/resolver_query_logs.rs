//! Queries that the VPC's resolver logged.
//!
//! It logs no query that it answers from its cache. Source: Route 53 Developer Guide, "Resolver query logging", and
//! "Values that appear in VPC Resolver query logs".

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{
    ids::*,
    route53::{FirewallAction, RecordType},
    time::Timestamp,
};

/// Queries of an instance in a log group. Spelled `<log group> <instance>` in JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct QuerySearch {
    pub group: LogGroupName,
    pub instance: InstanceId,
}

impl fmt::Display for QuerySearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.group, self.instance)
    }
}

impl From<QuerySearch> for String {
    fn from(search: QuerySearch) -> Self {
        search.to_string()
    }
}

impl TryFrom<String> for QuerySearch {
    type Error = String;
    fn try_from(raw: String) -> Result<Self, String> {
        let parts = raw.split_once(' ');
        let (group, instance) =
            parts.ok_or_else(|| format!("{raw:?} is not `<log group> <instance>`"))?;
        Ok(Self { group: group.parse()?, instance: instance.parse()? })
    }
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
