//! The outcomes of name resolution, in words.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use ssm_doctor_analysis::{
    answer::FixOption,
    case::Case,
    dns::{EndpointFault, Remedy, Statement},
    network::service,
};
use ssm_doctor_facts::{
    change::{Risk, Route53Change, Route53ResolverChange},
    ids::{EndpointId, FirewallGroupId, VpcId, ZoneId},
    limit::{
        Answerer, DnsFirewallLimit, DnsLimit, HostedZoneLimit, RecordFault, ResolverRuleLimit,
    },
    lookup::Row,
    route53::{FirewallAction, RecordType, ZoneRecord},
};

use crate::{engine::list::list, network_remedies::enable_vpc_dns};

/// A clause whose subject is the observation's.
pub(crate) fn statement(statement: &Statement) -> String {
    match statement {
        Statement::DnsSupportOn => "has DNS support on".into(),
        Statement::DnsSupportOff { host } => {
            format!("has DNS support off, so that {host} does not resolve at all")
        }
        Statement::NoForwardingRule { host } => {
            format!("has no Resolver rule that sends {host} to other DNS servers")
        }
        Statement::ZonesNotAsked => {
            "has DNS support or DNS hostnames off, so its private hosted zones are not asked".into()
        }
        Statement::NoCoveringZone { host } => {
            format!("has no private hosted zone that covers {host}")
        }
        Statement::NoFirewallRule { host } => {
            format!("has no DNS Firewall rule that matches {host}")
        }
        Statement::AnswersByPrivateDns { host } => format!("answers {host} by its private DNS"),
        Statement::AnswersByProfile { host } => {
            format!("answers {host} here by a Route 53 Profile")
        }
        Statement::IsZoneOf { endpoint } => format!("is the zone of {endpoint}"),
        Statement::HasNoRecord { vpc, host } => format!(
            "is a private hosted zone of {vpc} without a record for {host}, so the name does not exist there"
        ),
        Statement::ResolvesToVacantAddresses { vpc, host, addresses } => {
            format!("leads {host} to {}, where nothing is that {vpc} reaches", list(addresses))
        }
        Statement::ResolvesToWrongEndpoint { host, endpoint, fault } => {
            let fault = match fault {
                EndpointFault::State(state) => format!("is {state}"),
                EndpointFault::Service(service) => format!("is an endpoint for {service}"),
            };
            format!("leads {host} to {endpoint}, which {fault}")
        }
        Statement::ResolvesToEndpoint { host, endpoint } => format!("leads {host} to {endpoint}"),
        Statement::ResolvesToAddresses { host, addresses } => {
            format!("leads {host} to {}", list(addresses))
        }
        Statement::ResolvesToName { host, target } => format!("leads {host} to {target}"),
        Statement::FirewallAllows { host, entry } => {
            format!("lets {host} through, by {} in {}", entry.domain, entry.list)
        }
        Statement::FirewallBlocks { host, entry } => {
            format!("blocks {host}, by {} in {}", entry.domain, entry.list)
        }
        Statement::FirewallBlocksTarget { host, zone, target, entry } => format!(
            "blocks {target}, to which {zone} leads {host}, by {} in {}",
            entry.domain, entry.list
        ),
    }
}

/// What no call can tell, as a clause.
pub(crate) fn limit(limit: &DnsLimit) -> String {
    match limit {
        DnsLimit::UnsupportedEndpoint { endpoint, service, kind } => {
            format!("{endpoint} ({service}) is an endpoint of an unrecognized kind: {kind}")
        }
        DnsLimit::OnlyIfForwarded { vpc, server, host, answerer } => {
            let instead_of = match answerer {
                Answerer::PrivateDns(endpoint) => endpoint.to_string(),
                Answerer::ProfileEndpoint(endpoint) => format!("where {endpoint} leads it"),
                Answerer::Zone(zone) => format!("where {zone} leads it"),
            };
            format!(
                "instances of {vpc} ask the DNS server {server}: unless it forwards {host} to the VPC's own resolver, the name resolves to public addresses instead of {instead_of}"
            )
        }
        DnsLimit::AnswerOfOtherServer { vpc, server, host } => format!(
            "instances of {vpc} ask the DNS server {server}, and what it answers for {host} is not visible"
        ),
        DnsLimit::NoServersInDhcpOptions { options, vpc } => format!(
            "{options} names no DNS servers, so the instances of {vpc} have those of their images, if any"
        ),
        DnsLimit::UnsupportedProfileResource { arn } => format!("{arn} is not understood here"),
        DnsLimit::ProfileMayCover { profile, host } => {
            format!("{profile}, a Route 53 Profile, may bring a zone or a rule for {host}")
        }
    }
}

pub(crate) fn rule_limit(limit: &ResolverRuleLimit) -> String {
    match limit {
        ResolverRuleLimit::ForwardedQueries { rule, domain, targets } => format!(
            "{rule} forwards queries for {} to {}, and what is answered there is not visible",
            shown(domain),
            list(targets)
        ),
        ResolverRuleLimit::UnsupportedRule { rule, domain, kind } => {
            let domain = shown(domain);
            format!("{rule} is a Resolver rule for {domain} of a kind not judged here: {kind}")
        }
        ResolverRuleLimit::SystemRuleOrZone { rule, domain, zone_name } => format!(
            "{rule} keeps {domain} in the VPC, and whether the private hosted zone {zone_name} answers then is not documented"
        ),
    }
}

/// A domain; the root is a dot.
pub(crate) fn shown(domain: &str) -> &str {
    if domain.is_empty() { "." } else { domain }
}

pub(crate) fn zone_limit(limit: &HostedZoneLimit) -> String {
    match limit {
        HostedZoneLimit::PrivateDnsOrZone { endpoint, state, zone, zone_name, host } => format!(
            "{endpoint} is {state}, and whether its private DNS or the private hosted zone {zone} ({zone_name}) answers {host} is not visible"
        ),
        HostedZoneLimit::PrivateDnsAndZone { endpoint, zone, host } => format!(
            "both {endpoint} and the private hosted zone {zone} claim {host}, which AWS refuses"
        ),
        HostedZoneLimit::MayLeadToEndpoint { endpoint, host } => format!(
            "{endpoint} has private DNS off, and a private hosted zone may lead {host} to it"
        ),
        HostedZoneLimit::MayLeadToOtherNetwork { host, via } => {
            format!("a private hosted zone may lead {host} to endpoints beyond {via}")
        }
        HostedZoneLimit::MayLeadToBlockedName { host } => {
            format!("a private hosted zone may lead {host} on to a name that DNS Firewall blocks")
        }
        HostedZoneLimit::LeadsToFipsEndpoint { zone, endpoint, host } => format!(
            "{zone} leads {host} to {endpoint}, and whether a FIPS endpoint and another one of the same service stand in for each other is not documented"
        ),
        HostedZoneLimit::OfService { zone, zone_name, service, host } => format!(
            "{zone} ({zone_name}), a private hosted zone of {service}, decides where {host} leads, and AWS does not show its records"
        ),
        HostedZoneLimit::RecordsUnseen { zone, zone_name, owner, host } => {
            let owner = owner.as_ref().map(|id| format!(" of account {id}")).unwrap_or_default();
            format!(
                "{zone} ({zone_name}), a private hosted zone{owner}, decides where {host} leads, and its records were not seen"
            )
        }
        HostedZoneLimit::Records { zone, zone_name, fault } => {
            let fault = match fault {
                RecordFault::Loop { host } => format!("resolves {host} in a circle"),
                RecordFault::Delegated { name } => {
                    format!("delegates {name} to other DNS servers")
                }
                RecordFault::Address { value, name } => {
                    format!("has the address {value:?} for {name}")
                }
                RecordFault::SeveralTargets { name } => {
                    format!("leads {name} to several places")
                }
            };
            format!("{zone} ({zone_name}) {fault}")
        }
    }
}

pub(crate) fn firewall_limit(limit: &DnsFirewallLimit) -> String {
    match limit {
        DnsFirewallLimit::UnsupportedAction { rule, action } => {
            format!("{rule} has an unrecognized action: {action}")
        }
        DnsFirewallLimit::UnsupportedRedirection { rule, redirection } => {
            format!("{rule} has an unrecognized redirection action: {redirection}")
        }
        DnsFirewallLimit::GroupsDisagree { vpc, name } => format!(
            "of the DNS Firewall groups of {vpc} and of its Route 53 Profile one allows {name} and one blocks it"
        ),
        DnsFirewallLimit::ListNotRead { host, name, list } => format!(
            "a CNAME record of {host} points to {name}, and whether it is in {list}, of which only names of AWS were read, is not known"
        ),
        DnsFirewallLimit::BlockedBehindAlias { rule, target, zone, host } => format!(
            "{rule} blocks {target}, to which an alias record of {zone} leads {host}, and whether DNS Firewall looks at such a name is not documented"
        ),
        DnsFirewallLimit::BlockedUnlessTrusted { rule, target, zone, host, allowing } => format!(
            "{rule} blocks {target}, to which {zone} leads {host}, and whether {allowing} lets the names through that it is redirected to is not known"
        ),
    }
}

/// The ways to repair it, the best first.
pub(crate) fn options(of: &Remedy, case: &Case) -> Vec<FixOption> {
    match of {
        Remedy::EnableDnsSupport { vpc } => vec![enable_vpc_dns(vpc, case)],
        Remedy::CorrectZone { zone, zone_name, vpc, host, endpoint } => {
            correct_zone((zone, zone_name), vpc, host, endpoint.as_ref(), case)
        }
        Remedy::AllowName { name, group, rule, priority, entry } => {
            let mut option = allow(name, group, (rule, *priority), case);
            if option.changes.is_empty() {
                option = option.after(format!(
                    "give `{rule}` of {group} a higher priority number, so that a rule that allows {name} can come before it"
                ));
            }
            let removed =
                FixOption::new(format!("take {} off the domain list {}", entry.domain, entry.list))
                    .after(format!(
                        "remove {} from {}: every rule with this list stops blocking it",
                        entry.domain, entry.list
                    ))
                    .risking(Risk::WidensAccess);
            vec![option, removed]
        }
        Remedy::TrustRedirection { name, group, rule, list, query_type } => {
            let trust = Route53ResolverChange::TrustRedirection {
                group: group.clone(),
                list: list.clone(),
                query_type: query_type.clone(),
            };
            vec![
                FixOption::new(format!(
                    "let `{rule}` of {group} trust the names that its own names are redirected to"
                ))
                .with(trust),
                FixOption::new(format!("put {name} on the domain list {list}"))
                    .after(format!("add {name} to {list}")),
            ]
        }
    }
}

/// What to do about a zone that hides a name, where no endpoint is known that a record could lead to. Without the zone
/// the VPC asks elsewhere, but Route 53 takes no private zone off its last VPC. Source: Route 53 API reference,
/// `DisassociateVPCFromHostedZone`.
fn without_endpoint(
    (zone, zone_name): (&ZoneId, &str),
    vpc: &VpcId,
    host: &str,
    case: &Case,
) -> Vec<FixOption> {
    let record = FixOption::new(format!("give {host} a working record in the zone {zone_name}"))
        .after(format!(
            "if an endpoint for {host} exists, create an A record for it in {zone} with the addresses of the endpoint's network interfaces"
        ));
    let leave_or_delete = format!(
        "if none exists, take {zone} off {vpc}; if {vpc} is its last VPC, Route 53 refuses that: delete the records and the zone instead"
    );
    let found = match case.facts.hosted_zone(zone).hint() {
        Ok(found) => found,
        Err(unasked) => return vec![record.after(leave_or_delete).wanting(unasked.unasked())],
    };
    let has_other_vpcs = found.map(|found| found.vpcs.iter().any(|other| other != vpc));
    // A zone that a Route 53 Profile brings along is not associated with the VPC itself.
    let zones = case.facts.hosted_zones(vpc).hint().ok().flatten();
    let is_associated = zones.is_some_and(|zones| zones.iter().any(|found| found.id == *zone));
    match has_other_vpcs {
        Some(true) if is_associated => {
            let leave = FixOption::new(format!(
                "take the zone {zone_name} ({zone}) off {vpc}, where other names of the zone no longer resolve then"
            ));
            let change = Route53Change::DisassociateZone {
                zone: zone.clone(),
                vpc: vpc.clone(),
                region: case.scope.region.clone(),
            };
            vec![leave.with(change), record]
        }
        Some(false) => vec![record.after(format!(
            "if none exists, delete the records of {zone} and the zone: {vpc} is its only VPC, and Route 53 takes no private zone off its last VPC"
        ))],
        _ => vec![record.after(leave_or_delete)],
    }
}

/// Points the name at the endpoint.
fn correct_zone(
    (zone, zone_name): (&ZoneId, &str),
    vpc: &VpcId,
    host: &str,
    endpoint: Option<&(EndpointId, Option<String>)>,
    case: &Case,
) -> Vec<FixOption> {
    let Some((endpoint, dns_name)) = endpoint else {
        return without_endpoint((zone, zone_name), vpc, host, case);
    };
    let (zone, name) = (zone.clone(), String::from(host));
    let (endpoint, dns_name) = (endpoint.clone(), dns_name.clone());
    let title = format!("point {host} in the zone {zone_name} at {endpoint}");
    let records = match case.facts.zone_records.get(&zone) {
        Some(Row::Present(records)) => records.as_slice(),
        _ => &[],
    };
    // A record of another kind may not stand beside a CNAME record, nor a CNAME record at the apex.
    let is_cname = |record: &ZoneRecord| {
        record.name == host && record.kind == RecordType::Cname && record.alias.is_none()
    };
    let change = if records.iter().any(is_cname) {
        Route53Change::UpsertCname { zone, name, endpoint, dns_name }
    } else {
        Route53Change::UpsertAlias { zone, name, endpoint, dns_name }
    };
    vec![FixOption::new(title).with(change)]
}

/// A rule before every rule of the group that blocks. It allows the names of all that a session needs, so
/// that one rule is enough.
fn allow(
    name: &str,
    group: &FirewallGroupId,
    (rule, priority): (&str, i32),
    case: &Case,
) -> FixOption {
    let region = &case.scope.region;
    let mut domains: Vec<String> =
        service::CORE.iter().map(|service| region.service_host(service)).collect();
    if !domains.iter().any(|domain| domain == name) {
        domains.push(name.into());
    }
    let rules = match case.facts.firewall_rules.get(group) {
        Some(Row::Present(rules)) => rules.as_slice(),
        _ => &[],
    };
    let blocking = rules.iter().filter(|rule| rule.action == FirewallAction::Block);
    let first = blocking.map(|rule| rule.priority).min().unwrap_or(priority).min(priority);
    let free = (1..first).rev().find(|number| !rules.iter().any(|rule| rule.priority == *number));
    let option = FixOption::new(format!(
        "allow {} by a new rule before `{rule}` of {group}",
        list(&domains)
    ));
    match free {
        Some(priority) => option.with(Route53ResolverChange::CreateFirewallAllowRule {
            group: group.clone(),
            domains,
            priority,
        }),
        None => option,
    }
}
