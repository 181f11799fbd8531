//! What decides which address a name leads to inside a VPC, beside the VPC's own endpoints: private
//! hosted zones, Resolver rules, DNS Firewall, and the Route 53 Profiles that bring all of these along.
//!
//! Names are in lower case and without the final dot; the root is the empty name.

use alloc::{string::String, vec::Vec};
use core::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{
    ids::*,
    text::{pair, words},
};

words! {
    RecordType { A = "A", Aaaa = "AAAA", Cname = "CNAME", Ns = "NS" }
    RuleType {
        Forward = "FORWARD", System = "SYSTEM", Recursive = "RECURSIVE", Delegate = "DELEGATE",
    }
    FirewallAction { Allow = "ALLOW", Block = "BLOCK", Alert = "ALERT" }
    Redirection { Inspect = "INSPECT_REDIRECTION_DOMAIN", Trust = "TRUST_REDIRECTION_DOMAIN" }
}

/// A private hosted zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostedZone {
    pub id: ZoneId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
    /// The AWS service that made the zone and keeps its records to itself, as for an endpoint's
    /// private DNS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The VPCs that are associated with it. Empty where it was found by one of them, which does not tell the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vpcs: Vec<VpcId>,
}

/// One record set of a zone: addresses, an alias, or where to ask on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ZoneRecord {
    /// May begin with `*.`.
    pub name: String,
    pub kind: RecordType,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The name whose addresses the record has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

/// A Resolver rule that is associated with a VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResolverRule {
    /// None for a delegation rule, which follows the NS records of a private hosted zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    pub kind: RuleType,
    /// The DNS servers that are asked, with ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
}

/// A DNS Firewall rule group that is associated with a VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FirewallAssociation {
    pub group: FirewallGroupId,
    /// The lowest number is asked first.
    pub priority: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FirewallRule {
    pub name: String,
    /// The lowest number is asked first.
    pub priority: i32,
    pub action: FirewallAction,
    /// None for a rule that looks for threats by AWS's own lights instead of by a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains: Option<FirewallListId>,
    /// The only type of query that the rule is for; none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_type: Option<String>,
    /// Whether the rule is for the names, too, that the one asked for is redirected to by CNAME and DNAME
    /// records, or for the first alone; where it does not say, for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirection: Option<Redirection>,
}

/// The domains of a DNS Firewall list that can match the name of an AWS service; others are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FirewallDomains {
    /// One of AWS's own lists of threats, whose contents AWS does not show.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub managed: bool,
    /// A name, or `*` and the end of names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
}

/// What a Route 53 Profile brings along to its VPCs. What kind of thing it is, its ARN tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProfileResource {
    pub arn: Arn,
    /// Of a DNS Firewall rule group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
}

pair! {
    /// An address inside a VPC. Spelled `<VPC> <address>` in JSON.
    Place { vpc: VpcId, address: IpAddr }, "<VPC id> <address>"
}
