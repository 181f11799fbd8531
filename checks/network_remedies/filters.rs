//! Rules of security groups and network ACLs.
//!
//! A rule is for what the team needs next: for the instance's group, or its subnet, not for one address.
//! The narrower and the wider rule are options of their own.

use alloc::{format, string::String, vec, vec::Vec};
use core::net::IpAddr;

use ipnet::IpNet;
use ssm_doctor_analysis::{
    answer::FixOption,
    case::Case,
    network::{
        NEGLIGIBLE,
        address_set::{Ports, shown_ports},
        remedy::IngressTarget,
    },
};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, Protocol, Risk, Source},
    ec2::*,
    ids::*,
};

use super::{
    endpoints,
    network::{HTTPS, Network, direction},
    quotas,
};
use crate::engine::list::list;

const DNS: u16 = 53;

/// The ports from which systems and NAT gateways open connections, and to which replies come. Source: VPC
/// guide, "Ephemeral ports".
const EPHEMERAL: (u16, u16) = (1024, u16::MAX);

/// Lets the instance's group out.
pub(super) fn egress(
    network: &Network,
    group: Option<&SecurityGroupId>,
    protocol: Protocol,
    port: u16,
    to: IpNet,
) -> Vec<FixOption> {
    let Some(group) = group else {
        return vec![
            FixOption::new(format!("let the instance out on {}/{port}", protocol.as_str())).after(
                format!("give the instance's network interface a security group that lets it out to {to} on {}/{port}", protocol.as_str()),
            ),
        ];
    };
    let what = format!("let {group} out on {}/{port}", protocol.as_str());
    let option = |title: String, to: Source| {
        FixOption::new(title).with(Ec2Change::AuthorizeEgress {
            group: group.clone(),
            protocol,
            port,
            to,
        })
    };
    if to.prefix_len() == 0 {
        return vec![option(
            format!("{what} to {to}: AWS may change the addresses of the service at any time"),
            Source::Range(to),
        )];
    }
    let mut options = Vec::new();
    if port == HTTPS {
        // One group is enough where the endpoints share it.
        if let [shared] = groups_at(network, to).as_slice() {
            options.push(option(
                format!("{what} to the endpoints' security group {shared}"),
                Source::Group(shared.clone()),
            ));
        }
        let (subnet, vpc) = network.ranges_around(to.addr());
        if options.is_empty()
            && let Some(subnet) = subnet
        {
            options.push(option(format!("{what} to the subnet {subnet}"), Source::Range(subnet)));
        }
        if let Some(vpc) = vpc {
            options.push(option(format!("{what} to all of the VPC, {vpc}"), Source::Range(vpc)));
        }
    }
    if options.is_empty() {
        options.push(option(format!("{what} to {to}"), Source::Range(to)));
    }
    options
}

/// The groups of the endpoints of the instance's VPC that are in a range: an address of one, or a subnet.
fn groups_at(network: &Network, range: IpNet) -> Vec<SecurityGroupId> {
    let Some((vpc, _)) = network.own_vpc() else { return Vec::new() };
    let one = range.prefix_len() == range.max_prefix_len();
    let is_there = |endpoint: &&Endpoint| {
        let mut interfaces = endpoint
            .interfaces
            .iter()
            .filter_map(|id| network.facts.network_interfaces.get(id)?.present());
        let mut subnets =
            endpoint.subnets.iter().filter_map(|id| network.facts.subnets.get(id)?.present());
        interfaces
            .any(|interface| interface.private_ips.iter().any(|address| range.contains(address)))
            || !one && subnets.any(|subnet| subnet.cidr.map(IpNet::V4) == Some(range))
    };
    let mut groups: Vec<SecurityGroupId> = Vec::new();
    for endpoint in network.endpoints(vpc).iter().filter(is_there) {
        groups.extend(endpoint.security_groups.first().cloned());
    }
    groups.sort();
    groups.dedup();
    groups
}

/// Lets the instance in to an endpoint, to the interface of a router, or to a DNS server.
pub(super) fn ingress(
    network: &Network,
    group: Option<&SecurityGroupId>,
    (protocol, port): (Protocol, u16),
    from: &Source,
    to: &IngressTarget,
) -> Vec<FixOption> {
    let target = match to {
        IngressTarget::Endpoint => String::from("the endpoint"),
        IngressTarget::Interface(id) => format!("{id}"),
        IngressTarget::DnsServer(address) => format!("the DNS server {address}"),
    };
    let what = format!("{}/{port}", protocol.as_str());
    let Some(group) = group else {
        return vec![
            FixOption::new(format!("admit the instance to {target} on {what}")).after(format!(
                "give {target} a security group that admits the instance on {what}"
            )),
        ];
    };
    let option = |who: String, from: Source| {
        FixOption::new(format!("let {group} admit {who} to {target} on {what}"))
            .with(Ec2Change::AuthorizeIngress { group: group.clone(), protocol, port, from })
    };
    let own = network.own_interface().and_then(|interface| interface.private_ip).map(IpAddr::V4);
    let mut options = match from {
        Source::Group(id) => {
            let mut options = vec![option(
                format!("every member of the instance's security group {id}"),
                from.clone(),
            )];
            let vpc = own.and_then(|address| network.vpc_with(address));
            options.extend(vpc.map(|(_, range)| {
                option(format!("all of the VPC, {range},"), Source::Range(range))
            }));
            options
        }
        Source::Range(range) => {
            let (subnet, vpc) = network.ranges_around(range.addr());
            let mut options = Vec::new();
            options.extend(subnet.map(|range| {
                option(format!("the instance's subnet {range}"), Source::Range(range))
            }));
            options.push(option(format!("the instance alone, {range},"), from.clone()));
            options.extend(vpc.map(|range| {
                option(format!("all of the instance's VPC, {range},"), Source::Range(range))
            }));
            options
        }
    };
    if *to == IngressTarget::Endpoint && quotas::is_full(network, &options) {
        let beside = endpoints::another_group(network, group, (protocol, port), &options);
        options.splice(0..0, beside);
    }
    options
}

/// The direction and the ports of a rule.
type Packets = (bool, (u16, u16));

/// Lets a connection and its replies through an ACL, which is stateless.
pub(super) fn acl(
    network: &Network,
    acl: &NetworkAclId,
    egress: bool,
    protocol: Protocol,
    ports: &Ports,
    peer: IpNet,
) -> Vec<FixOption> {
    let (first, last) = (ports.first().unwrap_or(0), ports.last().unwrap_or(u16::MAX));
    let to_service = first == last && (first == HTTPS || first == DNS);
    let service = match (to_service, protocol) {
        (true, _) => first,
        (false, Protocol::Udp) => DNS,
        (false, Protocol::Tcp) => HTTPS,
    };
    let outward = egress == to_service;
    let failing: Packets = (egress, if to_service { (service, service) } else { EPHEMERAL });
    let opposite: Packets = (!egress, if to_service { EPHEMERAL } else { (service, service) });
    let row = network.acl(acl);
    let option = |scope: IpNet, what: &str| {
        let (way, name) = (if outward { "to" } else { "from" }, protocol.as_str());
        let mut option = FixOption::new(format!(
            "let {acl} pass {name}/{service} {way} {what}{scope}, and the replies ({name}/{})",
            shown_ports_of(EPHEMERAL)
        ));
        for (egress, ports) in [failing, opposite] {
            let entry = Entry { egress, protocol, ports, peer: scope };
            if (egress, ports) == failing || !row.is_some_and(|row| allows(row, &entry)) {
                option.changes.push(entry.change(acl));
            }
        }
        option
    };
    if peer.prefix_len() == 0 {
        return vec![option(peer, "")];
    }
    let (subnet, vpc) = network.ranges_around(peer.addr());
    let several = endpoint_subnets(network) > 1;
    let mut options = Vec::new();
    match (subnet, vpc) {
        (_, Some(vpc)) if several && outward => options.push(option(vpc, "all of the VPC, ")),
        (Some(subnet), _) => options.push(option(subnet, "the subnet ")),
        _ => {}
    }
    let narrow = option(peer, "");
    if !options.iter().any(|other| other.changes == narrow.changes) {
        options.push(narrow);
    }
    if let Some(vpc) = vpc {
        let wide = option(vpc, "all of the VPC, ");
        if !options.iter().any(|other| other.changes == wide.changes) {
            options.push(wide);
        }
    }
    options
}

fn shown_ports_of((first, last): (u16, u16)) -> String {
    shown_ports(&ssm_doctor_analysis::network::address_set::ports(first..=last))
}

/// How many subnets the endpoints of the instance's VPC are in.
fn endpoint_subnets(network: &Network) -> usize {
    let Some((vpc, _)) = network.own_vpc() else { return 0 };
    let mut subnets: Vec<&SubnetId> =
        network.endpoints(vpc).iter().flat_map(|endpoint| &endpoint.subnets).collect();
    subnets.sort();
    subnets.dedup();
    subnets.len()
}

/// What a rule is to allow.
#[derive(Clone, Copy)]
struct Entry {
    egress: bool,
    protocol: Protocol,
    ports: (u16, u16),
    peer: IpNet,
}

impl Entry {
    /// Its number follows once every rule of the option is known: see [`number_acl_rules`].
    fn change(self, acl: &NetworkAclId) -> Change {
        Ec2Change::CreateNetworkAclEntry {
            acl: acl.clone(),
            egress: self.egress,
            number: 0,
            protocol: self.protocol,
            ports: self.ports,
            peer: self.peer,
        }
        .into()
    }

    /// Do an ACL's rule and this one have packets in common, and does that rule cover all of this one?
    fn meets(&self, rule: &AclEntry) -> (bool, bool) {
        let (meets_ports, covers_ports) = match (&rule.traffic, self.protocol) {
            (Traffic::All, _) => (true, true),
            (Traffic::Tcp(first, last), Protocol::Tcp)
            | (Traffic::Udp(first, last), Protocol::Udp) => (
                *first <= self.ports.1 && self.ports.0 <= *last,
                *first <= self.ports.0 && self.ports.1 <= *last,
            ),
            _ => (false, false),
        };
        let (meets_peer, covers_peer) = match &rule.peer {
            Peer::Cidr(range) => {
                let covers = range.contains(&self.peer);
                (covers || self.peer.contains(range), covers)
            }
            Peer::Group(_) | Peer::List(_) | Peer::Unreadable(_) => (true, false),
        };
        (meets_ports && meets_peer, covers_ports && covers_peer)
    }

    /// Is what a rule takes of this so little that it need not be overridden? Such are a Deny of tcp/3389 among
    /// the ports of replies, and one of some network among all addresses.
    fn exempts(&self, rule: &AclEntry) -> bool {
        let few_ports = match rule.traffic {
            Traffic::Tcp(first, last) | Traffic::Udp(first, last) if self.ports == EPHEMERAL => {
                let both = last.min(self.ports.1).saturating_sub(first.max(self.ports.0));
                (u32::from(both) + 1) * NEGLIGIBLE < FEWEST_OF_REPLIES
            }
            _ => false,
        };
        let few_addresses = self.peer.prefix_len() == 0
            && match rule.peer {
                Peer::Cidr(IpNet::V4(range)) => range.prefix_len() >= SMALL.0,
                Peer::Cidr(IpNet::V6(range)) => range.prefix_len() >= SMALL.1,
                Peer::Group(_) | Peer::List(_) | Peer::Unreadable(_) => false,
            };
        few_ports || few_addresses
    }
}

/// How many ports for replies a system has at least: Windows has 49152 to 65535.
const FEWEST_OF_REPLIES: u32 = 1 << 14;

/// With a prefix of this length (IPv4, IPv6) or longer, a Deny takes a small part of all addresses only.
const SMALL: (u8, u8) = (16, 32);

/// The number of the rule that denies everything that no other rule matches.
const LAST: i32 = 32_767;

/// Is it certain that an ACL passes all of this?
fn allows(acl: &NetworkAcl, entry: &Entry) -> bool {
    let mut rules: Vec<&AclEntry> =
        acl.entries.iter().filter(|rule| rule.egress == entry.egress).collect();
    rules.sort_by_key(|rule| rule.number);
    for rule in rules {
        match (entry.meets(rule), rule.allow) {
            ((_, true), allow) => return allow,
            ((true, false), false) => return false,
            _ => {}
        }
    }
    false
}

/// A rule of an ACL, by its direction (`egress`) and number.
type RuleNumber = (NetworkAclId, bool, i32);

/// Gives the new rules of ACLs numbers that are free and that no other option has, each before the first rule
/// that denies what the new rule is to allow. Where no number is free, a person has to make room. A Deny that
/// somebody made is a control, so the option says which ones the new rule comes before.
pub(crate) fn number_acl_rules<'o>(
    options: impl IntoIterator<Item = &'o mut FixOption>,
    case: &Case,
) {
    let network = Network::of(case);
    let mut taken: Vec<RuleNumber> = Vec::new();
    for option in options {
        let mut manual = Vec::new();
        let mut overrides = false;
        option.changes.retain_mut(|change| {
            let numbered = number_acl_rule(&network, change, &taken);
            if let Some(step) = overridden(&network, change) {
                if !option.manual.contains(&step) && !manual.contains(&step) {
                    manual.push(step);
                }
                overrides = true;
            }
            match numbered {
                Ok(number) => {
                    taken.extend(number);
                    true
                }
                Err((acl, egress, before)) => {
                    manual.push(format!(
                        "give the {} rule {before} of {acl} a higher number, and put the new rule before it: no lower number is free",
                        direction(egress)
                    ));
                    false
                }
            }
        });
        option.manual.extend(manual);
        // Options are numbered alone, and once more together.
        if overrides && !option.risks.contains(&Risk::WidensAccess) {
            option.risks.push(Risk::WidensAccess);
        }
    }
}

/// Whom to ask before a new rule of an ACL takes effect before a Deny that somebody made.
fn overridden(network: &Network, change: &Change) -> Option<String> {
    let (acl, number, entry) = new_rule(change)?;
    let denies = network.acl(acl)?.entries.iter().filter(|rule| {
        let overrides = rule.egress == entry.egress && number < rule.number && rule.number < LAST;
        overrides && !rule.allow && entry.meets(rule).0
    });
    let mut numbers: Vec<i32> = denies.map(|rule| rule.number).collect();
    numbers.sort_unstable();
    let (rules, them, deny) = match numbers.len() {
        0 => return None,
        1 => ("rule", "it", "it denies"),
        _ => ("rules", "them", "they deny"),
    };
    Some(format!(
        "ask whoever made the {} {rules} {} of {acl} whether a rule may come before {them} that allows some of what {deny}",
        direction(entry.egress),
        list(&numbers),
    ))
}

/// The ACL, the number and the packets of a change that creates a rule of an ACL.
fn new_rule(change: &Change) -> Option<(&NetworkAclId, i32, Entry)> {
    match change {
        Change::Ec2(Ec2Change::CreateNetworkAclEntry {
            acl,
            egress,
            number,
            protocol,
            ports,
            peer,
        }) => {
            let entry = Entry { egress: *egress, protocol: *protocol, ports: *ports, peer: *peer };
            Some((acl, *number, entry))
        }
        _ => None,
    }
}

/// Numbers a change that creates a rule of an ACL, and returns the number.
///
/// # Errors
/// The rule before which no number is free.
fn number_acl_rule(
    network: &Network,
    change: &mut Change,
    taken: &[RuleNumber],
) -> Result<Option<RuleNumber>, RuleNumber> {
    let Some((acl, _, entry)) = new_rule(change) else { return Ok(None) };
    let acl = acl.clone();
    let rules = network.acl(&acl).map_or(&[][..], |row| &row.entries);
    let of_direction = || rules.iter().filter(|rule| rule.egress == entry.egress);
    let denies =
        of_direction().filter(|rule| !rule.allow && entry.meets(rule).0 && !entry.exempts(rule));
    let before = denies.map(|rule| rule.number).min().unwrap_or(LAST).min(LAST);
    let rule = |number: i32| (acl.clone(), entry.egress, number);
    let is_free = |candidate: &i32| {
        !of_direction().any(|rule| rule.number == *candidate) && !taken.contains(&rule(*candidate))
    };
    let highest = of_direction().map(|rule| rule.number).filter(|number| *number < before).max();
    // After the others where there is room, at a round number.
    let next = (highest.unwrap_or(0) / 100 + 1) * 100;
    let after = (0..10).map(|step| next + step * 10).filter(|number| *number < before);
    let tens = (1..before).rev().filter(|number| number % 10 == 0);
    match after.chain(tens).chain((1..before).rev()).find(is_free) {
        Some(free) => {
            if let Change::Ec2(Ec2Change::CreateNetworkAclEntry { number, .. }) = change {
                *number = free;
            }
            Ok(Some(rule(free)))
        }
        None => Err(rule(before)),
    }
}
