//! Why it is not known what a name resolves to in a VPC.

use alloc::{string::String, vec::Vec};

use crate::{
    ec2::{EndpointKind, EndpointState},
    ids::*,
    route53::RuleType,
};

/// Why it is not known what the VPC's resolver answers. `host` is the name that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DnsLimit {
    UnsupportedEndpoint {
        endpoint: EndpointId,
        service: String,
        kind: EndpointKind,
    },
    /// Instances ask another DNS server than Amazon's, which alone has this answer.
    OnlyIfForwarded {
        vpc: VpcId,
        server: String,
        host: String,
        answerer: Answerer,
    },
    AnswerOfOtherServer {
        vpc: VpcId,
        server: String,
        host: String,
    },
    NoServersInDhcpOptions {
        options: DhcpOptionsId,
        vpc: VpcId,
    },
    UnsupportedProfileResource {
        arn: Arn,
    },
    ProfileMayCover {
        profile: ProfileId,
        host: String,
    },
}

/// Why a Resolver rule has no certain answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResolverRuleLimit {
    ForwardedQueries {
        rule: ResolverRuleId,
        domain: String,
        /// DNS servers, with ports.
        targets: Vec<String>,
    },
    UnsupportedRule {
        rule: ResolverRuleId,
        domain: String,
        kind: RuleType,
    },
    /// The rule keeps a domain in the VPC that the zone is for, too.
    SystemRuleOrZone {
        rule: ResolverRuleId,
        domain: String,
        zone_name: String,
    },
}

/// Why a private hosted zone has no certain answer; `zone_name` is its domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostedZoneLimit {
    /// Which of the two answers.
    PrivateDnsOrZone {
        endpoint: EndpointId,
        state: EndpointState,
        zone: ZoneId,
        zone_name: String,
        host: String,
    },
    /// Both are there, which AWS refuses.
    PrivateDnsAndZone {
        endpoint: EndpointId,
        zone: ZoneId,
        host: String,
    },
    MayLeadToEndpoint {
        endpoint: EndpointId,
        host: String,
    },
    MayLeadToOtherNetwork {
        host: String,
        /// The route's target.
        via: String,
    },
    MayLeadToBlockedName {
        host: String,
    },
    /// Or the other way round. Which names the certificate of such an endpoint is for, is not documented.
    LeadsToFipsEndpoint {
        zone: ZoneId,
        endpoint: EndpointId,
        host: String,
    },
    /// AWS does not show the records of a zone that a service made.
    OfService {
        zone: ZoneId,
        zone_name: String,
        service: String,
        host: String,
    },
    RecordsUnseen {
        zone: ZoneId,
        zone_name: String,
        owner: Option<AccountId>,
        host: String,
    },
    Records {
        zone: ZoneId,
        zone_name: String,
        fault: RecordFault,
    },
}

/// Why it is not known whether DNS Firewall blocks a name. `rule` is a group's id with the rule's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DnsFirewallLimit {
    UnsupportedAction {
        rule: String,
        action: String,
    },
    UnsupportedRedirection {
        rule: String,
        redirection: String,
    },
    /// The group of the VPC allows what that of its Profile blocks, or the other way round.
    GroupsDisagree {
        vpc: VpcId,
        name: String,
    },
    /// A CNAME record of the host points to a name outside AWS, and only names of AWS were read from this list.
    ListNotRead {
        host: String,
        name: String,
        list: FirewallListId,
    },
    BlockedBehindAlias {
        rule: String,
        target: String,
        zone: String,
        host: String,
    },
    BlockedUnlessTrusted {
        rule: String,
        target: String,
        zone: String,
        host: String,
        allowing: String,
    },
}

/// What has a private answer for a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answerer {
    PrivateDns(EndpointId),
    ProfileEndpoint(EndpointId),
    Zone(ZoneId),
}

/// What of a zone's records has no certain answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordFault {
    Loop {
        host: String,
    },
    Delegated {
        name: String,
    },
    /// It is none.
    Address {
        value: String,
        name: String,
    },
    SeveralTargets {
        name: String,
    },
}
