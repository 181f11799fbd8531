//! AWS Network Firewall: what its rules do with the packets of a TLS connection.
//!
//! Three packets count: the first one to the service, the reply to it, and the TLS hello, which alone shows
//! a name. Source: Network Firewall Developer Guide, "How AWS Network Firewall filters network traffic",
//! "Managing evaluation order for Suricata compatible rules", "Stateful domain list rule groups",
//! "Limitations and caveats for stateful rules".

use ssm_doctor_facts::network_firewall::*;

use super::*;

const TCP: i32 = 6;

#[derive(Clone, Copy)]
struct Packet {
    from: (IpAddr, u16),
    to: (IpAddr, u16),
}

impl Packet {
    fn reply(self) -> Self {
        Self { from: self.to, to: self.from }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Handling {
    Pass,
    Drop,
    Forward,
    Unclear,
}

/// A stateful rule about one connection.
struct Rule {
    action: StatefulAction,
    /// It looks at what the TLS hello alone shows.
    needs_hello: bool,
    /// None where it cannot be told.
    matches: Option<bool>,
}

/// Both hold.
fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn within(raw: &str, address: IpAddr) -> Option<bool> {
    let net = raw.parse::<IpNet>().or_else(|_| raw.parse::<IpAddr>().map(IpNet::from)).ok()?;
    Some(net.contains(&address))
}

/// In one of these ranges at least.
fn within_any(ranges: &[String], address: IpAddr) -> Option<bool> {
    let each: Vec<Option<bool>> = ranges.iter().map(|raw| within(raw, address)).collect();
    if each.contains(&Some(true)) {
        return Some(true);
    }
    if each.contains(&None) { None } else { Some(false) }
}

impl Reference<'_> {
    /// Through a firewall's endpoint in this VPC; None if the endpoint is no firewall's.
    pub(super) fn inspected(&self, id: &str, from: IpAddr, to: IpAddr, port: u16) -> Option<Fate> {
        let Some(firewalls) = seen(self.facts.network_firewalls.get(self.vpc)) else {
            return Some(Unclear("the firewalls of the VPC"));
        };
        let (firewall, endpoint) = firewalls.iter().find_map(|firewall| {
            let mut endpoints = firewall.endpoints.iter();
            Some((firewall, endpoints.find(|endpoint| endpoint.id.as_str() == id)?))
        })?;
        if firewall.state == FirewallState::Deleting
            || endpoint.state == FirewallEndpointState::Deleting
        {
            return Some(self.stop(Hop::NetworkFirewall, "a firewall that is being deleted"));
        }
        if firewall.state != FirewallState::Ready
            || endpoint.state != FirewallEndpointState::Ready
            || firewall.proxy
        {
            return Some(Unclear("a firewall that may not have its rules"));
        }
        let Some(policy) = seen(self.facts.network_firewall_policies.get(&firewall.policy)) else {
            return Some(Unclear("the firewall's policy"));
        };
        let packet = Packet { from: (from, port), to: (to, HTTPS) };
        let unclear = Unclear("the firewall's rules");
        let fate = match (self.stateless(policy, packet), self.stateless(policy, packet.reply())) {
            (Handling::Drop, _) => self.stop(Hop::NetworkFirewall, "a stateless rule"),
            (Handling::Pass, Handling::Pass) => Passes,
            (Handling::Forward, Handling::Forward) => Fate::one_of(
                self.names_asked().iter().map(|name| self.stateful(policy, packet, name)),
            ),
            // Whether replies come back this way other route tables say.
            _ => unclear,
        };
        Some(fate)
    }

    /// The names that TLS shows. S3 is asked by the names of buckets, which are not known here.
    fn names_asked(&self) -> Vec<String> {
        let (service, region) = (self.service, &self.scope.region);
        let host = format!("{service}.{region}.{}", self.suffix);
        if service != "s3" {
            return vec![host];
        }
        vec![format!("logs.{host}"), "logs.s3.amazonaws.com".into(), host]
    }

    /// Groups by priority, in each the rules by theirs, and the first that matches decides.
    fn stateless(&self, policy: &NetworkFirewallPolicy, packet: Packet) -> Handling {
        let mut groups: Vec<&GroupReference> = policy.stateless.iter().collect();
        groups.sort_by_key(|group| group.priority);
        let mut possible = Vec::new();
        for group in groups {
            let rules = seen(self.facts.rule_groups.get(&group.group)).map(|group| &group.rules);
            let Some(GroupRules::Stateless(rules)) = rules else { return Handling::Unclear };
            let mut rules: Vec<&StatelessRule> = rules.iter().collect();
            rules.sort_by_key(|rule| rule.priority);
            for rule in rules {
                match matches_stateless(rule, packet) {
                    Some(false) => continue,
                    None => possible.push(handling(&rule.actions)),
                    Some(true) => {
                        possible.push(handling(&rule.actions));
                        return one_of(&possible);
                    }
                }
            }
        }
        possible.push(handling(&policy.stateless_default));
        one_of(&possible)
    }

    fn stateful(&self, policy: &NetworkFirewallPolicy, packet: Packet, name: &str) -> Fate {
        let strict = match policy.order {
            RuleOrder::Strict => true,
            RuleOrder::Action => false,
            RuleOrder::Other(_) => return Unclear("the order of the firewall's rules"),
        };
        let mut groups: Vec<&GroupReference> = policy.stateful.iter().collect();
        if strict {
            groups.sort_by_key(|group| group.priority);
        }
        let mut rules = Vec::new();
        for reference in groups {
            let group = seen(self.facts.rule_groups.get(&reference.group));
            let Some(group) = group.filter(|_| !reference.is_managed()) else {
                return Unclear("rules of a firewall that do not show");
            };
            match &group.rules {
                GroupRules::Domains(list) => {
                    rules.extend(self.domain_rules(policy, group, list, packet, name));
                }
                GroupRules::Stateful(all) => rules.extend(all.iter().map(|rule| Rule {
                    action: rule.action.clone(),
                    needs_hello: rule.protocol == "TLS",
                    matches: self.matches_stateful(policy, group, rule, packet),
                })),
                _ => return Unclear("rules of a firewall that are not read"),
            }
        }
        rules.retain(|rule| rule.action != StatefulAction::Alert);
        if !strict {
            // What passes before what drops, and what rejects last.
            rules.sort_by_key(|rule| match rule.action {
                StatefulAction::Pass => 0,
                StatefulAction::Drop => 1,
                _ => 2,
            });
        }
        self.by_rules(policy, strict, &rules)
    }

    /// The first packet, then the hello. A rule that passes the first packet passes the connection.
    fn by_rules(&self, policy: &NetworkFirewallPolicy, strict: bool, rules: &[Rule]) -> Fate {
        let drop = |what| self.stop(Hop::NetworkFirewall, what);
        let by_default = |prefix: &str| {
            strict && policy.stateful_default.iter().any(|action| action.starts_with(prefix))
        };
        let fate = |rule: &Rule| match rule.action {
            StatefulAction::Pass => Passes,
            StatefulAction::Drop | StatefulAction::Reject => drop("a stateful rule"),
            _ => Unclear("a rule of a firewall that does something else"),
        };
        let mut possible = Vec::new();
        for needs_hello in [false, true] {
            for rule in rules.iter().filter(|rule| rule.needs_hello == needs_hello) {
                if rule.matches == Some(false) {
                    continue;
                }
                possible.push(fate(rule));
                if rule.matches == Some(true) {
                    // "aws:drop_established" may drop the first part of a hello that takes several packets,
                    // before its name shows (suricata-rule-evaluation-order.html).
                    let cuts =
                        policy.stateful_default.iter().any(|it| it == "aws:drop_established");
                    if needs_hello && strict && cuts {
                        possible.push(drop("the firewall's default"));
                    }
                    return Fate::one_of(possible);
                }
            }
            if !needs_hello && by_default("aws:drop_strict") {
                possible.push(drop("the firewall's default"));
                return Fate::one_of(possible);
            }
            if !needs_hello && policy.tls_inspection.is_some() {
                return Unclear("a firewall that decrypts TLS");
            }
        }
        possible.push(if by_default("aws:drop_established") {
            drop("the firewall's default")
        } else {
            Passes
        });
        Fate::one_of(possible)
    }

    /// For each name a rule about TLS from `$HOME_NET` to `$EXTERNAL_NET`; of a list of what is allowed one
    /// more that drops the rest, of which the guide speaks in action order alone.
    fn domain_rules(
        &self,
        policy: &NetworkFirewallPolicy,
        group: &RuleGroup,
        list: &DomainList,
        packet: Packet,
        name: &str,
    ) -> Vec<Rule> {
        if !list.looks_at.contains(&ListTarget::Sni) {
            return Vec::new();
        }
        let outward = both(
            self.is_home(policy, group, packet.from.0),
            self.is_external(policy, group, packet.to.0),
        );
        let listed = list.targets.iter().any(|target| match target.strip_prefix('.') {
            Some(domain) => name == domain || name.ends_with(target.as_str()),
            None => name == target,
        });
        let rule = |action, matches| Rule { action, needs_hello: true, matches };
        let by_name = |action| rule(action, both(Some(listed), outward));
        match list.kind {
            ListKind::Allow => {
                let strict = policy.order == RuleOrder::Strict;
                let rest = both(outward, if strict { None } else { Some(true) });
                vec![by_name(StatefulAction::Pass), rule(StatefulAction::Drop, rest)]
            }
            ListKind::Deny => vec![by_name(StatefulAction::Drop)],
            ListKind::Reject => vec![by_name(StatefulAction::Reject)],
            ListKind::Alert => Vec::new(),
            ListKind::Other(_) => {
                vec![rule(StatefulAction::Pass, None), rule(StatefulAction::Drop, None)]
            }
        }
    }

    /// A variable of the group's own, then the policy's; by default the range of the firewall's VPC. Which of
    /// several ranges, and whether those of IPv6, the guide does not say.
    fn is_home(
        &self,
        policy: &NetworkFirewallPolicy,
        group: &RuleGroup,
        address: IpAddr,
    ) -> Option<bool> {
        if let Some(own) = group.variables.get("HOME_NET") {
            return within_any(own, address);
        }
        self.is_home_of_policy(policy, address)
    }

    fn is_home_of_policy(&self, policy: &NetworkFirewallPolicy, address: IpAddr) -> Option<bool> {
        if let Some(set) = policy.variables.get("HOME_NET") {
            return within_any(set, address);
        }
        let ranges = &seen(self.facts.vpcs.get(self.vpc))?.cidrs;
        let inside = ranges.iter().any(|net| net.contains(&address));
        let v4 = ranges.iter().filter(|net| net.addr().is_ipv4()).count();
        if inside && (v4 > 1 || address.is_ipv6()) { None } else { Some(inside) }
    }

    fn is_external(
        &self,
        policy: &NetworkFirewallPolicy,
        group: &RuleGroup,
        address: IpAddr,
    ) -> Option<bool> {
        match group.variables.get("EXTERNAL_NET") {
            Some(own) => within_any(own, address),
            None => self.is_home_of_policy(policy, address).map(|home| !home),
        }
    }

    fn matches_stateful(
        &self,
        policy: &NetworkFirewallPolicy,
        group: &RuleGroup,
        rule: &StatefulRule,
        packet: Packet,
    ) -> Option<bool> {
        if !matches!(rule.protocol.as_str(), "IP" | "TCP" | "TLS") {
            return Some(false);
        }
        let address = |raw: &str, address: IpAddr| match raw {
            "ANY" => Some(true),
            "$HOME_NET" => self.is_home(policy, group, address),
            "$EXTERNAL_NET" => self.is_external(policy, group, address),
            raw => within(raw, address),
        };
        let port = |raw: &str, port: u16| match raw {
            "ANY" => Some(true),
            raw => {
                let (low, high) = raw.split_once(':').unwrap_or((raw, raw));
                let (low, high) = (low.parse::<u16>().ok()?, high.parse::<u16>().ok()?);
                Some((low..=high).contains(&port))
            }
        };
        let header = |packet: Packet| {
            let from =
                both(address(&rule.source, packet.from.0), port(&rule.source_port, packet.from.1));
            let to = both(
                address(&rule.destination, packet.to.0),
                port(&rule.destination_port, packet.to.1),
            );
            both(from, to)
        };
        let (there, back) = (header(packet), header(packet.reply()));
        match (&rule.direction, there, back) {
            (_, Some(true), _) | (RuleDirection::Any, _, Some(true)) => Some(true),
            (_, Some(false), Some(false)) => Some(false),
            // A rule for replies alone meets a connection that is open by then.
            _ => None,
        }
    }
}

fn rule_groups(facts: &Facts) -> impl Iterator<Item = &GroupRules> {
    let groups = facts.rule_groups.values().filter_map(|row| seen(Some(row)));
    groups.map(|group| &group.rules)
}

/// Where the ports of a firewall's rules begin, and behind where they end.
pub(super) fn ports(facts: &Facts) -> Vec<u16> {
    let mut ports: Vec<i32> = Vec::new();
    for rules in rule_groups(facts) {
        match rules {
            GroupRules::Stateless(rules) => {
                let of = |rule: &'_ StatelessRule| {
                    [rule.source_ports.clone(), rule.destination_ports.clone()].concat()
                };
                ports.extend(rules.iter().flat_map(of).flat_map(|(low, high)| [low, high + 1]));
            }
            GroupRules::Stateful(rules) => {
                let raw = rules.iter().flat_map(|rule| [&rule.source_port, &rule.destination_port]);
                for (low, high) in raw.map(|raw| raw.split_once(':').unwrap_or((raw, raw))) {
                    ports.extend(low.parse::<i32>());
                    ports.extend(high.parse::<i32>().map(|port| port + 1));
                }
            }
            _ => {}
        }
    }
    ports.into_iter().filter_map(|port| u16::try_from(port).ok()).collect()
}

/// The ranges that a firewall's rules tell apart.
pub(super) fn ranges(facts: &Facts) -> Vec<IpNet> {
    let mut raw: Vec<&String> = Vec::new();
    for rules in rule_groups(facts) {
        match rules {
            GroupRules::Stateless(rules) => {
                raw.extend(
                    rules.iter().flat_map(|rule| rule.sources.iter().chain(&rule.destinations)),
                );
            }
            GroupRules::Stateful(rules) => {
                raw.extend(rules.iter().flat_map(|rule| [&rule.source, &rule.destination]));
            }
            _ => {}
        }
    }
    raw.into_iter().filter_map(|raw| raw.parse().ok()).collect()
}

/// What is empty matches everything; ports are for TCP and UDP alone (API reference, `MatchAttributes`).
fn matches_stateless(rule: &StatelessRule, packet: Packet) -> Option<bool> {
    if !rule.protocols.is_empty() && !rule.protocols.contains(&TCP) {
        return Some(false);
    }
    let address = |ranges: &[String], address| {
        if ranges.is_empty() { Some(true) } else { within_any(ranges, address) }
    };
    let port = |ranges: &[(i32, i32)], port: u16| {
        ranges.is_empty()
            || ranges.iter().any(|&(low, high)| (low..=high).contains(&i32::from(port)))
    };
    let ports =
        port(&rule.source_ports, packet.from.1) && port(&rule.destination_ports, packet.to.1);
    let ports = if rule.protocols.is_empty() && !ports { None } else { Some(ports) };
    let flags = if rule.flags { None } else { Some(true) };
    let addresses =
        both(address(&rule.sources, packet.from.0), address(&rule.destinations, packet.to.0));
    both(both(addresses, ports), flags)
}

fn handling(actions: &[String]) -> Handling {
    let mut standard = actions.iter().filter(|action| action.starts_with("aws:"));
    match (standard.next().map(String::as_str), standard.next()) {
        (Some("aws:pass"), None) => Handling::Pass,
        (Some("aws:drop"), None) => Handling::Drop,
        (Some("aws:forward_to_sfe"), None) => Handling::Forward,
        _ => Handling::Unclear,
    }
}

fn one_of(possible: &[Handling]) -> Handling {
    match possible {
        [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
        _ => Handling::Unclear,
    }
}
