//! What name resolution in a VPC comes to: observations and remedies, as data.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use ssm_doctor_facts::{ec2::EndpointState, ids::*};

/// What was observed on the way of a query. The subject of each is named in its comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    // Of the VPC.
    DnsSupportOn,
    /// So the name does not resolve at all.
    DnsSupportOff {
        host: String,
    },
    NoForwardingRule {
        host: String,
    },
    /// With DNS support or DNS hostnames off.
    ZonesNotAsked,
    NoCoveringZone {
        host: String,
    },
    NoFirewallRule {
        host: String,
    },
    // Of an endpoint.
    AnswersByPrivateDns {
        host: String,
    },
    AnswersByProfile {
        host: String,
    },
    // Of a private hosted zone.
    IsZoneOf {
        endpoint: EndpointId,
    },
    HasNoRecord {
        vpc: VpcId,
        host: String,
    },
    /// At the addresses nothing is that the VPC reaches.
    ResolvesToVacantAddresses {
        vpc: VpcId,
        host: String,
        addresses: Vec<IpAddr>,
    },
    ResolvesToWrongEndpoint {
        host: String,
        endpoint: EndpointId,
        fault: EndpointFault,
    },
    ResolvesToEndpoint {
        host: String,
        endpoint: EndpointId,
    },
    ResolvesToAddresses {
        host: String,
        addresses: Vec<IpAddr>,
    },
    ResolvesToName {
        host: String,
        target: String,
    },
    // Of a DNS Firewall rule.
    FirewallAllows {
        host: String,
        entry: ListEntry,
    },
    FirewallBlocks {
        host: String,
        entry: ListEntry,
    },
    /// Not the host itself, but a name that the zone's records redirect it to.
    FirewallBlocksTarget {
        host: String,
        zone: String,
        target: String,
        entry: ListEntry,
    },
}

/// An entry of a DNS Firewall domain list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    pub domain: String,
    pub list: FirewallListId,
}

/// What makes an endpoint the wrong place for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointFault {
    State(EndpointState),
    /// It is an endpoint for this service.
    Service(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    EnableDnsSupport {
        vpc: VpcId,
    },
    /// Correct the zone's record, or take the zone off the VPC.
    CorrectZone {
        zone: ZoneId,
        zone_name: String,
        vpc: VpcId,
        host: String,
        /// The endpoint that the record is to point at, and the endpoint's own DNS name where it shows.
        endpoint: Option<(EndpointId, Option<String>)>,
    },
    AllowName {
        name: String,
        group: FirewallGroupId,
        /// The blocking rule, and its priority.
        rule: String,
        priority: i32,
        entry: ListEntry,
    },
    TrustRedirection {
        name: String,
        group: FirewallGroupId,
        rule: String,
        list: FirewallListId,
        query_type: Option<String>,
    },
}
