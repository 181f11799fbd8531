//! What to change in AWS Network Firewall.
//!
//! The facts have the names of AWS alone, not whole rule groups. So a change is made by a command that
//! edits what AWS has, or by a person.

use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;

use ipnet::IpNet;
use ssm_doctor_analysis::{
    answer::FixOption,
    network::{remedy::FirewallFault, service::CORE},
};
use ssm_doctor_facts::{
    change::NetworkFirewallChange,
    ids::Arn,
    lookup::Row,
    network_firewall::{GroupRules, ListKind, NetworkFirewallPolicy, RuleGroup},
};

use super::network::{HTTPS, Network};

pub(super) fn open(
    network: &Network,
    policy: &Arn,
    group: Option<&Arn>,
    because: &FirewallFault,
) -> FixOption {
    let row = group.and_then(|group| network.facts.rule_groups.get(group)?.present());
    match (group, because) {
        (Some(group), FirewallFault::NameNotListed { host, suffix: _ }) => {
            let title = format!(
                "add the names of Systems Manager to the domain list of the rule group {}",
                group.name()
            );
            if row.is_some_and(is_allow_list) {
                FixOption::new(title).with(NetworkFirewallChange::AddDomains {
                    group: group.clone(),
                    domains: unlisted(network, row, host),
                })
            } else {
                FixOption::new(format!("let the rule group {} pass {host}", group.name())).after(format!(
                    "add a rule to the rule group {} that passes TLS with the server name {host} on port {HTTPS}",
                    group.name()
                ))
            }
        }
        (None, FirewallFault::NameNotListed { host, suffix }) => {
            let sources = beyond_home_net(network, policy).map_or_else(String::new, |range| {
                format!(", source IP addresses (HOME_NET) {range}")
            });
            let policy = policy.name();
            FixOption::new(format!("let the firewall policy {policy} pass {host}"))
                .after(format!(
                    "create a stateful rule group with a domain list: action Allow, protocol HTTPS, domain {host} (or .{suffix}, for all of AWS){sources}"
                ))
                .after(format!("add the rule group to the firewall policy {policy}"))
        }
        (group, FirewallFault::SourceOutsideHomeNet(address)) => {
            let policy_row =
                network.facts.network_firewall_policies.get(policy).and_then(Row::present);
            let ranges = home_net(network, policy, policy_row, row, *address);
            let title =
                |of: &Arn| format!("set HOME_NET of {} to {}", of.name(), ranges.join(", "));
            match group {
                Some(group) => {
                    FixOption::new(title(group)).with(NetworkFirewallChange::SetHomeNet {
                        group: group.clone(),
                        ranges: ranges.clone(),
                    })
                }
                None => {
                    FixOption::new(title(policy)).with(NetworkFirewallChange::SetPolicyHomeNet {
                        policy: policy.clone(),
                        ranges: ranges.clone(),
                    })
                }
            }
        }
        (Some(group), FirewallFault::Drops { host }) => {
            let name = group.name();
            let step = match row.map(|row| &row.rules) {
                Some(GroupRules::Domains(list)) if list.kind != ListKind::Allow => {
                    format!(
                        "remove the entry that matches {host} from the domain list of the rule group {name}"
                    )
                }
                Some(GroupRules::Stateless(_)) => format!(
                    "add a stateless rule to the rule group {name}, with a lower priority number than the rule that drops, which forwards or passes tcp/{HTTPS} to 0.0.0.0/0 and its replies"
                ),
                _ => format!(
                    "add a rule to the rule group {name} that passes TLS with the server name {host} on port {HTTPS}, before the rule that drops it"
                ),
            };
            FixOption::new(format!("let the rule group {name} pass tcp/{HTTPS} to {host}"))
                .after(step)
        }
        (None, FirewallFault::Drops { host }) => {
            let name = policy.name();
            FixOption::new(format!("let the firewall policy {name} pass tcp/{HTTPS} to {host}"))
                .after(format!(
                    "change the default actions of {name}: forward stateless traffic to the stateful rules (aws:forward_to_sfe), or pass tcp/{HTTPS} and its replies by a rule"
                ))
        }
    }
}

fn is_allow_list(group: &RuleGroup) -> bool {
    matches!(&group.rules, GroupRules::Domains(list) if list.kind == ListKind::Allow)
}

/// The names of every session that a list lacks, and the one that was asked for.
fn unlisted(network: &Network, group: Option<&RuleGroup>, host: &str) -> Vec<String> {
    let listed = |name: &String| match group.map(|group| &group.rules) {
        Some(GroupRules::Domains(list)) => list.targets.contains(name),
        _ => false,
    };
    let core = CORE.map(|service| network.scope.region.service_host(service));
    let mut names: Vec<String> = core.into_iter().filter(|name| !listed(name)).collect();
    if !names.iter().any(|name| name == host) {
        names.push(host.into());
    }
    names
}

/// What `HOME_NET` is now, and the range of the VPC that the address is in. By default it is the range of
/// the firewall's own VPC.
fn home_net(
    network: &Network,
    policy: &Arn,
    policy_row: Option<&NetworkFirewallPolicy>,
    group: Option<&RuleGroup>,
    address: IpAddr,
) -> Vec<String> {
    let of_group = group.and_then(|group| group.variables.get("HOME_NET"));
    let of_policy = policy_row.and_then(|policy| policy.variables.get("HOME_NET"));
    let mut ranges = match of_group.or(of_policy) {
        Some(ranges) => ranges.clone(),
        None => default_home_net(network, policy),
    };
    let own = format!("{}", range_around(network, address));
    if !ranges.contains(&own) {
        ranges.push(own);
    }
    ranges
}

/// The ranges of the VPCs that have a firewall with this policy.
fn default_home_net(network: &Network, policy: &Arn) -> Vec<String> {
    let firewalls = network.facts.network_firewalls.iter();
    let of_vpcs = firewalls.filter_map(|(vpc, row)| {
        let used = row.present()?.iter().any(|firewall| firewall.policy == *policy);
        network.facts.vpcs.get(vpc).and_then(Row::present).filter(|_| used)
    });
    of_vpcs.flat_map(|vpc| vpc.cidrs.iter().map(|range| format!("{range}"))).collect()
}

fn range_around(network: &Network, address: IpAddr) -> IpNet {
    network.vpc_with(address).map_or_else(|| IpNet::from(address), |(_, range)| range)
}

/// The instance's range, if a new rule group would not be for it: a domain list holds for what comes from the
/// firewall's own VPC, unless `HOME_NET` says otherwise. Source: Network Firewall developer guide, "Domain list
/// rule groups in AWS Network Firewall".
fn beyond_home_net(network: &Network, policy: &Arn) -> Option<IpNet> {
    let address = IpAddr::V4(network.own_interface()?.private_ip?);
    let row = network.facts.network_firewall_policies.get(policy).and_then(Row::present);
    let ranges = match row.and_then(|policy| policy.variables.get("HOME_NET")) {
        Some(ranges) => ranges.clone(),
        None => default_home_net(network, policy),
    };
    // An entry is a range or one address.
    let holds = |entry: &String| {
        entry.parse::<IpNet>().is_ok_and(|range| range.contains(&address))
            || entry.parse() == Ok(address)
    };
    (!ranges.iter().any(holds)).then(|| range_around(network, address))
}
