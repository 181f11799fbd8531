//! What AWS Network Firewall does with a TLS connection, by its policy.
//!
//! Packets pass two engines. The stateless one looks at each packet for itself, there and back; what it
//! forwards the stateful one sees as a connection. That one is Suricata, which decides by what a packet
//! shows: at the first packet only rules about addresses and ports can match, and rules about names
//! match at the TLS hello. So a rule that drops TCP drops the first packet, though a later one would
//! have let the name pass.
//!
//! An answer is certain only if it is the same whatever the rules that could not be read, or that match
//! in part, do. Source: Network Firewall guide, "How AWS Network Firewall filters network traffic",
//! "Managing evaluation order for Suricata compatible rules", "Stateful domain list rule groups",
//! "Limitations and caveats for stateful rules".

use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;

use ipnet::IpNet;
use ssm_doctor_facts::{
    ids::Arn,
    lookup::{Facts, Unknown},
    network_firewall::*,
};

use crate::network::{
    address_set::{Addresses, Family, Ports},
    first_match::{FirstMatch, Match},
    flow::Remote,
};

const TCP: i32 = 6;

/// The name that a client asks for, in the clear, at the beginning of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sni {
    /// In lower case.
    Exactly(String),
    /// Some name below this domain.
    Below(String),
}

/// A connection as a firewall sees it: to one of `to`, we do not know which.
#[derive(Clone, Debug)]
pub struct Connection {
    pub sni: Sni,
    pub from: IpAddr,
    pub from_ports: Ports,
    pub to: Remote,
    pub to_port: u16,
}

/// What becomes of a connection, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A clause whose subject is the firewall.
    Passes(String),
    Drops(Drop),
}

/// What drops a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// A clause whose subject is the firewall.
    pub how: String,
    /// The group that the rule stands in; None for what the policy does by default.
    pub group: Option<Arn>,
    /// It would pass if this list of domains, or one more, had the name.
    pub for_want_of_name: bool,
    /// It would pass if this list, which has the name, were for where it comes from.
    pub from_outside: bool,
}

impl FirstMatch<Handling> {
    /// A stateless rule, or what stands in for one.
    fn handle(&mut self, matches: Match, handling: Result<Handling, Unknown>) -> bool {
        match (matches, handling) {
            (Match::No, _) => false,
            (matches, Ok(handling)) => self.add(matches, [handling]),
            (matches, Err(unknown)) => {
                self.doubt(unknown);
                self.add(matches, any_handling())
            }
        }
    }
}

/// What the stateless engine does with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Handling {
    Pass(String),
    Drop(Drop),
    Forward,
}

/// Addresses that a rule is for: at least the first, at most the second.
pub(super) struct Bounds {
    pub(super) least: Addresses,
    pub(super) most: Addresses,
}

impl Bounds {
    pub(super) fn exactly(addresses: Addresses) -> Self {
        Self { least: addresses.clone(), most: addresses }
    }

    pub(super) fn somewhere(family: Family) -> Self {
        Self { least: Addresses::none(family), most: everything(family) }
    }

    pub(super) fn outside(&self) -> Self {
        let all = everything(self.least.family());
        Self { least: all.without(&self.most), most: all.without(&self.least) }
    }

    pub(super) fn matching(&self, remote: &Remote, doubt: impl FnOnce() -> Unknown) -> Match {
        let whole = remote.is_not_in(&remote.addresses.without(&self.least));
        Match::of(whole, remote.is_not_in(&remote.addresses.and(&self.most)), doubt)
    }
}

pub(super) fn everything(family: Family) -> Addresses {
    Addresses::net(&family.everything())
}

/// `10.0.0.0/8` or `10.0.0.1`.
fn net(raw: &str) -> Option<IpNet> {
    raw.parse::<IpNet>().or_else(|_| raw.parse::<IpAddr>().map(IpNet::from)).ok()
}

/// The addresses that are listed; those of the other family are none of this one.
pub(super) fn listed<T: AsRef<str>>(family: Family, raw: &[T]) -> Bounds {
    let nets: Option<Vec<IpNet>> = raw.iter().map(|it| net(it.as_ref().trim())).collect();
    match nets {
        Some(nets) => Bounds::exactly(Addresses::of(family, &nets)),
        None => Bounds::somewhere(family),
    }
}

/// The policy of a firewall, about to be asked.
pub struct Inspection<'a> {
    pub facts: &'a Facts,
    pub policy_arn: &'a Arn,
    pub policy: &'a NetworkFirewallPolicy,
    /// The ranges of the VPC that the firewall stands in; None where they are not known.
    pub home: Option<&'a [IpNet]>,
}

fn alike(one: &Handling, other: &Handling) -> bool {
    core::mem::discriminant(one) == core::mem::discriminant(other)
}

fn any_handling() -> [Handling; 3] {
    let how = String::new();
    let drop = Drop { how: how.clone(), group: None, for_want_of_name: false, from_outside: false };
    [Handling::Pass(how), Handling::Drop(drop), Handling::Forward]
}

/// Of the actions one is AWS's; the others, by which metrics are kept, have names of the owner's.
fn handling(actions: &[String], place: &str, group: Option<&Arn>) -> Result<Handling, Unknown> {
    let mut standard = actions.iter().filter(|it| it.starts_with("aws:"));
    match (standard.next().map(String::as_str), standard.next()) {
        (Some("aws:pass"), None) => Ok(Handling::Pass(format!("lets it pass by the {place}"))),
        (Some("aws:drop"), None) => Ok(Handling::Drop(Drop {
            how: format!("drops it by the {place}"),
            group: group.cloned(),
            for_want_of_name: false,
            from_outside: false,
        })),
        (Some("aws:forward_to_sfe"), None) => Ok(Handling::Forward),
        _ => Err(Unknown::limit(format!(
            "what the {place} does is not known: {}",
            actions.join(", ")
        ))),
    }
}

fn stateless_match(
    rule: &StatelessRule,
    connection: &Connection,
    back: bool,
    place: &str,
) -> Match {
    let family = Family::of(&connection.from);
    let doubt =
        |what: &str| Unknown::limit(format!("whether the {place} is for {what} is not visible"));
    if !rule.protocols.is_empty() && !rule.protocols.contains(&TCP) {
        return Match::No;
    }
    let here = (Remote::one(connection.from), connection.from_ports.clone());
    let there = (connection.to.clone(), Ports::from_iter([connection.to_port]));
    let ((from, from_ports), (to, to_ports)) = if back { (there, here) } else { (here, there) };
    let addresses = |raw: &[String], own: &Remote, what| {
        if raw.is_empty() || raw.iter().any(|it| it.eq_ignore_ascii_case("any")) {
            return Match::Yes;
        }
        listed(family, raw).matching(own, || doubt(what))
    };
    let ports = |ranges: &[(i32, i32)], own: &Ports, what| {
        if ranges.is_empty() {
            return Match::Yes;
        }
        // What was clamped always fits.
        let port = |it: i32| u16::try_from(it.clamp(0, u16::MAX.into())).unwrap_or_default();
        let ranges = ranges.iter().filter(|it| it.0 <= it.1).map(|it| port(it.0)..=port(it.1));
        let set: Ports = ranges.collect();
        match Match::of((own - &set).is_empty(), (own & &set).is_empty(), || doubt(what)) {
            // Ports are for TCP and UDP, where a rule names these.
            Match::No if rule.protocols.is_empty() => Match::Maybe(doubt("its ports")),
            it => it,
        }
    };
    let flags = if rule.flags { Match::Maybe(doubt("its TCP flags")) } else { Match::Yes };
    addresses(&rule.sources, &from, "its source")
        .and(addresses(&rule.destinations, &to, "its destination"))
        .and(ports(&rule.source_ports, &from_ports, "its source port"))
        .and(ports(&rule.destination_ports, &to_ports, "its destination port"))
        .and(flags)
}

pub(super) fn unread(group: &Arn, rules: &GroupRules) -> Unknown {
    let name = group.name();
    Unknown::limit(match rules {
        GroupRules::Suricata(_) => {
            format!("the rules of {name} are Suricata's own, and not evaluated here")
        }
        GroupRules::Unreadable(what) => {
            format!("the rules of {name} are of an unrecognized kind: {what}")
        }
        _ => format!("the rules of {name} are not of the kind that its place asks for"),
    })
}

impl Inspection<'_> {
    /// What becomes of a connection.
    ///
    /// # Errors
    /// [`Unknown`] when that depends on what was not seen or is not evaluated.
    pub fn of(&self, connection: &Connection) -> Result<Outcome, Unknown> {
        match self.stateless(connection, false)? {
            Handling::Drop(drop) => Ok(Outcome::Drops(drop)),
            Handling::Pass(how) => match self.stateless(connection, true)? {
                Handling::Pass(_) => Ok(Outcome::Passes(how)),
                // Whether replies come back this way routes elsewhere say.
                Handling::Drop(drop) => {
                    Err(Unknown::limit(format!("for the replies it {}", drop.how)))
                }
                Handling::Forward => Err(Unknown::limit(
                    "its stateless rules send the replies alone on to the stateful ones, which then do not see the connection's beginning",
                )),
            },
            Handling::Forward => match self.stateless(connection, true)? {
                Handling::Forward => self.stateful(connection),
                Handling::Drop(drop) => {
                    Err(Unknown::limit(format!("for the replies it {}", drop.how)))
                }
                Handling::Pass(_) => Err(Unknown::limit(
                    "its stateless rules let the replies pass by the stateful ones, which then see half of the connection",
                )),
            },
        }
    }

    /// Groups by priority, in each the rules by priority; the first that matches decides. Source: Network
    /// Firewall guide, "How AWS Network Firewall filters network traffic".
    fn stateless(&self, connection: &Connection, back: bool) -> Result<Handling, Unknown> {
        let mut tally = FirstMatch::new();
        let mut groups: Vec<_> = self.policy.stateless.iter().collect();
        groups.sort_by_key(|it| it.priority);
        for reference in groups {
            let group = match self.facts.rule_group(&reference.group).required() {
                Ok(group) => group,
                Err(unknown) => {
                    tally.doubt(unknown);
                    tally.possible.extend(any_handling());
                    continue;
                }
            };
            let GroupRules::Stateless(rules) = &group.rules else {
                tally.doubt(unread(&reference.group, &group.rules));
                tally.possible.extend(any_handling());
                continue;
            };
            let mut rules: Vec<_> = rules.iter().collect();
            rules.sort_by_key(|it| it.priority);
            for rule in rules {
                let place =
                    format!("stateless rule {} of {}", rule.priority, reference.group.name());
                let matches = stateless_match(rule, connection, back, &place);
                let handling = handling(&rule.actions, &place, Some(&reference.group));
                if tally.handle(matches, handling) {
                    return tally.settled(alike);
                }
            }
        }
        let place = format!("stateless default of {}", self.policy_arn.name());
        tally.handle(Match::Yes, handling(&self.policy.stateless_default, &place, None));
        tally.settled(alike)
    }
}

#[cfg(test)]
mod tests;
