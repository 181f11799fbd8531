//! AWS Network Firewall: firewalls, their policies, and the groups of rules that policies use.
//!
//! Rules are kept as AWS writes them. What is not evaluated here (Suricata's own language, words that
//! AWS may add) is kept as text, and is a reason not to know.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{ids::*, text::words};

words! {
    /// Source: Network Firewall API reference, `FirewallStatus`.
    FirewallState {
        Ready = "READY", Provisioning = "PROVISIONING", Deleting = "DELETING", Failed = "FAILED",
    }
    /// Source: Network Firewall API reference, `Attachment`.
    FirewallEndpointState {
        Ready = "READY", Creating = "CREATING", Scaling = "SCALING", Deleting = "DELETING",
        Failed = "FAILED", Error = "ERROR",
    }
    RuleOrder { Action = "DEFAULT_ACTION_ORDER", Strict = "STRICT_ORDER" }
    ListKind {
        Allow = "ALLOWLIST", Deny = "DENYLIST", Reject = "REJECTLIST", Alert = "ALERTLIST",
    }
    ListTarget {
        Sni = "TLS_SNI", Host = "HTTP_HOST", Resolved = "AWS_ROUTE_53_RESOLVED_DOMAIN",
    }
    StatefulAction { Pass = "PASS", Drop = "DROP", Reject = "REJECT", Alert = "ALERT" }
    RuleDirection { Forward = "FORWARD", Any = "ANY" }
}

/// A firewall in a VPC, with the endpoints that routes name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkFirewall {
    pub name: String,
    pub policy: Arn,
    /// Of the firewall as a whole: ready once every endpoint is and has the policy as it stands.
    pub state: FirewallState,
    pub endpoints: Vec<FirewallEndpoint>,
    /// It sends on what it is asked for from addresses of its own, as a proxy.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub proxy: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FirewallEndpoint {
    pub id: EndpointId,
    pub state: FirewallEndpointState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<SubnetId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Why it is not ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkFirewallPolicy {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stateless: Vec<GroupReference>,
    /// For packets that no stateless rule matches: `aws:pass`, `aws:drop` or `aws:forward_to_sfe`, and
    /// names of the owner's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stateless_default: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stateful: Vec<GroupReference>,
    pub order: RuleOrder,
    /// For packets that no stateful rule matches, in strict order alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stateful_default: Vec<String>,
    /// What the policy sets of Suricata's variables, of which it may set `HOME_NET`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Vec<String>>,
    /// What it decrypts TLS by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_inspection: Option<String>,
}

/// A group of rules that a policy uses; the lowest priority is asked first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupReference {
    pub group: Arn,
    /// None for stateful groups in action order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
}

impl GroupReference {
    /// One of AWS's own, whose rules AWS does not show. Source: Network Firewall guide, "Managed rule
    /// groups": their ARNs have `aws-managed` for an account.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.group.account() == "aws-managed"
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleGroup {
    pub rules: GroupRules,
    /// Addresses by variable: `HOME_NET`, `EXTERNAL_NET` and names of the owner's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Vec<String>>,
    /// Ports by variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ports: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum GroupRules {
    Stateless(Vec<StatelessRule>),
    Domains(DomainList),
    Stateful(Vec<StatefulRule>),
    /// Rules in Suricata's language, or its beginning.
    Suricata(String),
    /// Rules of a kind not known here, as far as they could be told.
    Unreadable(String),
}

/// Source: Network Firewall API reference, `StatelessRule`, `MatchAttributes`. What is empty matches all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatelessRule {
    /// The lowest is asked first.
    pub priority: i32,
    pub actions: Vec<String>,
    /// By number: TCP is 6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<i32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<String>,
    /// First and last port, both included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_ports: Vec<(i32, i32)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destination_ports: Vec<(i32, i32)>,
    /// The rule is for packets with some TCP flags.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub flags: bool,
}

/// Source: Network Firewall API reference, `RulesSourceList`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DomainList {
    pub kind: ListKind,
    pub looks_at: Vec<ListTarget>,
    /// Names, and those with a leading dot for a name and all below it, that can match the name of an
    /// AWS service; others are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
}

/// Source: Network Firewall API reference, `StatefulRule`, `Header`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatefulRule {
    pub action: StatefulAction,
    /// As Suricata names it, in capital letters; `IP` for all.
    pub protocol: String,
    pub source: String,
    pub source_port: String,
    pub direction: RuleDirection,
    pub destination: String,
    pub destination_port: String,
    /// Keywords, with what they are set to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<RuleOption>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleOption {
    pub keyword: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
}

impl StatefulRule {
    /// The number by which logs name it; None without one.
    #[must_use]
    pub fn sid(&self) -> Option<String> {
        let sid = self.options.iter().find(|it| it.keyword.eq_ignore_ascii_case("sid"))?;
        Some(sid.settings.first()?.trim().to_string())
    }
}
