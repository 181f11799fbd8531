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

use crate::network::address_set::{Addresses, Family, Ports};
use ssm_doctor_facts::{
    ids::Arn,
    lookup::{Facts, Unknown},
    network_firewall::*,
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
    pub to: Addresses,
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

/// How a rule meets a connection.
#[derive(Clone, Debug)]
enum Match {
    Yes,
    No,
    Maybe(Unknown),
}

impl Match {
    fn of(whole: bool, none: bool, doubt: impl FnOnce() -> Unknown) -> Self {
        match (whole, none) {
            (true, _) => Self::Yes,
            (_, true) => Self::No,
            _ => Self::Maybe(doubt()),
        }
    }

    /// Both have to hold.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Maybe(one), Self::Maybe(two)) => Self::Maybe(one.and(two)),
            (Self::Maybe(it), Self::Yes) | (Self::Yes, Self::Maybe(it)) => Self::Maybe(it),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// One is enough.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Maybe(one), Self::Maybe(two)) => Self::Maybe(one.and(two)),
            (Self::Maybe(it), Self::No) | (Self::No, Self::Maybe(it)) => Self::Maybe(it),
            (Self::No, Self::No) => Self::No,
        }
    }
}

/// What may be decided by rules asked in turn: the first that matches decides, and of those before it
/// each that may match may.
struct Tally<T> {
    possible: Vec<T>,
    doubts: Option<Unknown>,
}

impl<T> Tally<T> {
    fn new() -> Self {
        Self { possible: Vec::new(), doubts: None }
    }

    fn doubt(&mut self, doubt: Unknown) {
        self.doubts = Some(match self.doubts.take() {
            Some(so_far) => so_far.and(doubt),
            None => doubt,
        });
    }

    /// Does `matches` decide for certain?
    fn add(&mut self, matches: Match, outcomes: impl IntoIterator<Item = T>) -> bool {
        match matches {
            Match::No => false,
            Match::Maybe(doubt) => {
                self.possible.extend(outcomes);
                self.doubt(doubt);
                false
            }
            Match::Yes => {
                self.possible.extend(outcomes);
                true
            }
        }
    }

    /// The last that was added, if all others say the same.
    fn settled(mut self, same: impl Fn(&T, &T) -> bool) -> Result<T, Unknown> {
        let nothing = || Unknown::limit("what the firewall's rules say is not known");
        let Some(last) = self.possible.pop() else {
            return Err(self.doubts.unwrap_or_else(nothing));
        };
        if self.possible.iter().all(|it| same(it, &last)) {
            return Ok(last);
        }
        Err(self.doubts.unwrap_or_else(nothing))
    }
}

impl Tally<Handling> {
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
struct Bounds {
    least: Addresses,
    most: Addresses,
}

impl Bounds {
    fn exactly(addresses: Addresses) -> Self {
        Self { least: addresses.clone(), most: addresses }
    }

    fn somewhere(family: Family) -> Self {
        Self { least: Addresses::none(family), most: everything(family) }
    }

    fn outside(&self) -> Self {
        let all = everything(self.least.family());
        Self { least: all.without(&self.most), most: all.without(&self.least) }
    }

    fn matching(&self, addresses: &Addresses, doubt: impl FnOnce() -> Unknown) -> Match {
        let whole = addresses.without(&self.least).is_empty();
        Match::of(whole, addresses.and(&self.most).is_empty(), doubt)
    }
}

fn everything(family: Family) -> Addresses {
    Addresses::net(&family.everything())
}

/// `10.0.0.0/8` or `10.0.0.1`.
fn net(raw: &str) -> Option<IpNet> {
    raw.parse::<IpNet>().or_else(|_| raw.parse::<IpAddr>().map(IpNet::from)).ok()
}

/// The addresses that are listed; those of the other family are none of this one.
fn listed<T: AsRef<str>>(family: Family, raw: &[T]) -> Bounds {
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

impl Inspection<'_> {
    /// What becomes of a connection.
    ///
    /// # Errors
    /// [`Unknown`] when that hangs on what was not seen or is not evaluated.
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

    // ------------------------------------------------------------ stateless rules

    /// Groups by priority, in each the rules by priority; the first that matches decides. Source: Network
    /// Firewall guide, "How AWS Network Firewall filters network traffic".
    fn stateless(&self, connection: &Connection, back: bool) -> Result<Handling, Unknown> {
        let mut tally = Tally::new();
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

    // ------------------------------------------------------------ stateful rules

    fn stateful(&self, connection: &Connection) -> Result<Outcome, Unknown> {
        let policy = self.policy;
        let strict = match &policy.order {
            RuleOrder::Strict => true,
            RuleOrder::Action => false,
            RuleOrder::Other(word) => {
                return Err(Unknown::limit(format!(
                    "{} orders its stateful rules in a way not known here: {word}",
                    self.policy_arn.name()
                )));
            }
        };
        let mut references: Vec<_> = policy.stateful.iter().collect();
        if strict {
            references.sort_by_key(|it| it.priority);
        }
        let mut rules: Vec<Stateful> =
            references.iter().flat_map(|it| self.rules_of(it, connection)).collect();
        if !strict {
            rules.sort_by_key(Stateful::rank);
        }
        let mut tally = Tally::new();
        // The first packet shows addresses and ports alone.
        for rule in rules.iter().filter(|it| !it.needs_hello) {
            if tally.add(rule.matches.clone(), [rule.outcome()]) {
                return tally.settled(same);
            }
        }
        let by_default = |action| if strict { self.by_default(action) } else { None };
        if let Some(drop) = by_default("aws:drop_strict") {
            tally.add(Match::Yes, [Outcome::Drops(drop)]);
            return tally.settled(same);
        }
        if let Some(arn) = &policy.tls_inspection {
            let decrypts = Unknown::limit(format!(
                "{} decrypts TLS ({arn}), which the agent takes only where the node trusts its certificates, and WebSockets may not survive",
                self.policy_arn.name()
            ));
            tally.doubt(decrypts.clone());
            return Err(tally.doubts.unwrap_or(decrypts));
        }
        // The TLS hello shows the name, and is a packet of an established connection.
        for rule in rules.iter().filter(|it| it.needs_hello) {
            if !tally.add(rule.matches.clone(), [rule.outcome()]) {
                continue;
            }
            // Source: the guide, "Strict evaluation order": this default "can apply to a single packet"
            // before those are complete that a rule looks for.
            if let (StatefulAction::Pass, Some(drop)) =
                (&rule.action, by_default("aws:drop_established"))
            {
                tally.doubt(Unknown::limit(format!(
                    "{} drops a TLS hello of several packets before its name shows to {} (aws:drop_established)",
                    self.policy_arn.name(),
                    rule.place
                )));
                tally.possible.insert(0, Outcome::Drops(drop));
            }
            return tally.settled(same);
        }
        match self.unmatched(strict) {
            Ok(Outcome::Drops(drop)) => {
                let drop = despite_lists(drop, &rules, connection.from);
                tally.add(Match::Yes, [Outcome::Drops(drop)]);
            }
            Ok(outcome) => _ = tally.add(Match::Yes, [outcome]),
            Err(unknown) => {
                tally.doubt(unknown.clone());
                return Err(tally.doubts.unwrap_or(unknown));
            }
        }
        // A list that lacks the name is where to add it, whoever then drops.
        let lacking = tally.possible.iter().find_map(|it| match it {
            Outcome::Drops(drop) if drop.for_want_of_name => drop.group.clone(),
            _ => None,
        });
        tally.settled(same).map(|outcome| match outcome {
            Outcome::Drops(drop) => {
                Outcome::Drops(Drop { group: drop.group.clone().or(lacking), ..drop })
            }
            passes @ Outcome::Passes(_) => passes,
        })
    }

    /// What becomes of what no rule matches. In action order it passes; in strict order the policy says.
    /// Source: the guide, "Strict evaluation order".
    fn unmatched(&self, strict: bool) -> Result<Outcome, Unknown> {
        const DROPS: [&str; 4] = [
            "aws:drop_strict",
            "aws:drop_established",
            "aws:drop_established_app_layer",
            "aws:drop_established_app_layer_to_server",
        ];
        let name = self.policy_arn.name();
        if !strict {
            return Ok(Outcome::Passes(format!("has no rule in {name} that stops it")));
        }
        if let Some(drop) = DROPS.into_iter().find_map(|it| self.by_default(it)) {
            return Ok(Outcome::Drops(drop));
        }
        if let Some(odd) =
            self.policy.stateful_default.iter().find(|it| !it.starts_with("aws:alert_"))
        {
            return Err(Unknown::limit(format!(
                "{name} does what is not known here with what no rule matches: {odd}"
            )));
        }
        Ok(Outcome::Passes(format!("has no rule in {name} that stops it, nor a default that does")))
    }

    fn by_default(&self, action: &str) -> Option<Drop> {
        let is_set = self.policy.stateful_default.iter().any(|it| it == action);
        is_set.then(|| Drop {
            how: format!(
                "drops it, since no rule of {} lets it pass ({action})",
                self.policy_arn.name()
            ),
            group: None,
            for_want_of_name: true,
            from_outside: false,
        })
    }

    /// The rules of a group, as they meet the connection.
    fn rules_of(&self, reference: &GroupReference, connection: &Connection) -> Vec<Stateful> {
        let arn = &reference.group;
        let opaque = |unknown: Unknown| Vec::from(Stateful::opaque(arn, &unknown));
        if reference.is_managed() {
            return opaque(Unknown::limit(format!(
                "{} is one of AWS's own rule groups, and its rules do not show",
                arn.name()
            )));
        }
        let group = match self.facts.rule_group(arn).required() {
            Ok(group) => group,
            Err(unknown) => return opaque(unknown),
        };
        match &group.rules {
            GroupRules::Domains(list) => self.domain_rules(arn, group, list, connection),
            GroupRules::Stateful(rules) => {
                let rules = rules.iter().enumerate();
                rules.flat_map(|it| self.stateful_rule(arn, group, it, connection)).collect()
            }
            other => opaque(unread(arn, other)),
        }
    }

    /// The rules that Network Firewall makes of a list of domains: for each name one that passes or stops
    /// TLS from `$HOME_NET` to `$EXTERNAL_NET`, and of a list of what is allowed one more that drops the
    /// rest. Source: the guide, "Examples of stateful rules".
    fn domain_rules(
        &self,
        arn: &Arn,
        group: &RuleGroup,
        list: &DomainList,
        connection: &Connection,
    ) -> Vec<Stateful> {
        if !list.looks_at.iter().any(|it| *it != ListTarget::Host) {
            return Vec::new();
        }
        let name = arn.name();
        let action = match &list.kind {
            ListKind::Allow => StatefulAction::Pass,
            ListKind::Deny => StatefulAction::Drop,
            ListKind::Reject => StatefulAction::Reject,
            ListKind::Alert => return Vec::new(),
            ListKind::Other(word) => {
                let unknown =
                    Unknown::limit(format!("{name} is a list of a kind not known here: {word}"));
                return Stateful::opaque(arn, &unknown).into();
            }
        };
        let odd = list.looks_at.iter().find(|it| !matches!(it, ListTarget::Sni | ListTarget::Host));
        if let Some(odd) = odd {
            let unknown = Unknown::limit(format!("{name} looks at {odd}, which is not evaluated"));
            return Stateful::opaque(arn, &unknown).into();
        }
        let family = Family::of(&connection.from);
        let doubt = |what: &str| {
            Unknown::limit(format!("whether {what} is what {name} looks at does not show"))
        };
        let from_home = |connection: &Connection| {
            let from = self.variable(group, "HOME_NET", family);
            from.matching(&Addresses::one(connection.from), || {
                doubt(&format!("{}, by its HOME_NET,", connection.from))
            })
        };
        let between =
            |connection: &Connection| {
                let to = self.variable(group, "EXTERNAL_NET", family);
                from_home(connection).and(to.matching(&connection.to, || {
                    doubt("the service's address, by its EXTERNAL_NET,")
                }))
            };
        let matching = list.targets.iter().map(|it| (it, names(it, &connection.sni, name))).fold(
            (None, Match::No),
            |(found, so_far), (target, it)| {
                let found = found.or_else(|| matches!(it, Match::Yes).then_some(target));
                (found, so_far.or(it))
            },
        );
        let place = match matching.0 {
            Some(target) => format!("`{target}` in the {} {name}", shown(&list.kind)),
            None => format!("the {} {name}", shown(&list.kind)),
        };
        let rule = |place: String, action, matches, for_want_of_name| Stateful {
            place,
            group: arn.clone(),
            action,
            matches,
            needs_hello: true,
            for_want_of_name,
            is_for_others: false,
        };
        let is_for_others = action == StatefulAction::Pass
            && matches!(matching.1, Match::Yes)
            && matches!(from_home(connection), Match::No);
        let first = rule(place, action.clone(), between(connection).and(matching.1), false);
        let mut rules = Vec::from([Stateful { is_for_others, ..first }]);
        if action == StatefulAction::Pass {
            let place = format!("the allow list {name} has no target for it");
            // That the rest is dropped the guide says of action order; of strict order it says nothing, and
            // has the policy's default do it. Source: the guide, "Stateful domain list rule groups".
            let by_itself = match &self.policy.order {
                RuleOrder::Action => Match::Yes,
                _ => Match::Maybe(Unknown::limit(format!(
                    "whether the allow list {name} drops what it does not name in strict order too is not documented"
                ))),
            };
            let rest = between(connection).and(by_itself);
            rules.push(rule(place, StatefulAction::Drop, rest, true));
        }
        rules
    }

    fn stateful_rule(
        &self,
        arn: &Arn,
        group: &RuleGroup,
        (index, rule): (usize, &StatefulRule),
        connection: &Connection,
    ) -> Vec<Stateful> {
        let number = rule.sid().map_or_else(|| format!("{}", index + 1), |it| format!("sid {it}"));
        let place = format!("rule {number} of {}", arn.name());
        let matches = self.stateful_match(group, rule, connection, &place);
        let action = match &rule.action {
            StatefulAction::Alert => return Vec::new(),
            StatefulAction::Other(_) if matches!(matches, Match::No) => return Vec::new(),
            StatefulAction::Other(word) => {
                let what = format!("{place} does what is not known here: {word}");
                return Stateful::opaque(arn, &Unknown::limit(what)).into();
            }
            known => known.clone(),
        };
        Vec::from([Stateful {
            place,
            group: arn.clone(),
            action,
            matches,
            needs_hello: rule.protocol.eq_ignore_ascii_case("TLS"),
            for_want_of_name: false,
            is_for_others: false,
        }])
    }

    fn stateful_match(
        &self,
        group: &RuleGroup,
        rule: &StatefulRule,
        connection: &Connection,
        place: &str,
    ) -> Match {
        // What TLS over TCP never is.
        const OTHERS: [&str; 17] = [
            "UDP", "ICMP", "HTTP", "HTTP2", "FTP", "SSH", "SMTP", "IMAP", "SMB", "DCERPC", "DNS",
            "DHCP", "NTP", "TFTP", "KRB5", "IKEV2", "QUIC",
        ];
        // What says something about a rule, and nothing about packets.
        const NOTES: [&str; 8] =
            ["sid", "gid", "rev", "msg", "metadata", "reference", "classtype", "priority"];
        let protocol = rule.protocol.to_ascii_uppercase();
        if OTHERS.contains(&protocol.as_str()) {
            return Match::No;
        }
        let doubt =
            |what: &str| Unknown::limit(format!("whether {place} is for {what} does not show"));
        let family = Family::of(&connection.from);
        let own = Addresses::one(connection.from);
        let to_port = Ports::from_iter([connection.to_port]);
        let header = |from: &Addresses, from_ports: &Ports, to: &Addresses, to_ports: &Ports| {
            let source = self.addresses(group, &rule.source, family);
            let destination = self.addresses(group, &rule.destination, family);
            source
                .matching(from, || doubt("its source"))
                .and(destination.matching(to, || doubt("its destination")))
                .and(ports(group, &rule.source_port, from_ports, || doubt("its source port")))
                .and(ports(group, &rule.destination_port, to_ports, || {
                    doubt("its destination port")
                }))
        };
        let there = header(&own, &connection.from_ports, &connection.to, &to_port);
        let back = header(&connection.to, &to_port, &own, &connection.from_ports);
        let by_header = match &rule.direction {
            RuleDirection::Any => there.or(back),
            // Without more a rule is for replies too, of a connection that is open by then.
            RuleDirection::Forward => match (there, back) {
                (Match::No, Match::No) => Match::No,
                (Match::No, _) => Match::Maybe(doubt("replies")),
                (there, _) => there,
            },
            RuleDirection::Other(_) => match there.or(back) {
                Match::No => Match::No,
                _ => Match::Maybe(doubt("its direction")),
            },
        };
        let known = matches!(protocol.as_str(), "IP" | "TCP" | "TLS");
        let more = rule
            .options
            .iter()
            .find(|it| !NOTES.iter().any(|note| it.keyword.trim().eq_ignore_ascii_case(note)));
        match (by_header, known, more) {
            (Match::No, ..) => Match::No,
            (it, true, None) => it,
            (_, false, _) => Match::Maybe(doubt(&format!("the protocol {}", rule.protocol))),
            (_, _, Some(more)) => Match::Maybe(Unknown::limit(format!(
                "{place} has the option `{}`, which is not evaluated",
                more.keyword
            ))),
        }
    }

    /// The addresses in a rule's header: all, some, or those of a variable.
    fn addresses(&self, group: &RuleGroup, raw: &str, family: Family) -> Bounds {
        let raw = raw.trim();
        if raw.eq_ignore_ascii_case("any") {
            return Bounds::exactly(everything(family));
        }
        if let Some(name) = raw.strip_prefix('$') {
            return self.variable(group, name, family);
        }
        let inner = raw.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(raw);
        listed(family, &inner.split(',').collect::<Vec<_>>())
    }

    /// A group's own variables count, then the policy's. What the policy sets as `HOME_NET` is by default
    /// the CIDR of the firewall's VPC, and its `EXTERNAL_NET` is everything else. Source: the guide,
    /// "Limitations and caveats for stateful rules".
    fn variable(&self, group: &RuleGroup, name: &str, family: Family) -> Bounds {
        if let Some(own) = group.variables.get(name) {
            return listed(family, own);
        }
        match name {
            "HOME_NET" => self.home(family),
            "EXTERNAL_NET" => self.home(family).outside(),
            _ => Bounds::somewhere(family),
        }
    }

    fn home(&self, family: Family) -> Bounds {
        if let Some(set) = self.policy.variables.get("HOME_NET") {
            return listed(family, set);
        }
        let Some(ranges) = self.home else { return Bounds::somewhere(family) };
        let all = Addresses::of(family, ranges);
        // Which of several, and whether those of IPv6 too, is not documented.
        let of_family = ranges.iter().filter(|it| Family::of(&it.addr()) == family).count();
        if family == Family::V4 && of_family == 1 {
            Bounds::exactly(all)
        } else {
            Bounds { least: Addresses::none(family), most: all }
        }
    }
}

/// A stateful rule, as it meets a connection.
struct Stateful {
    /// Where it stands, for sentences.
    place: String,
    group: Arn,
    action: StatefulAction,
    matches: Match,
    /// Nothing shows whether it matches before the TLS hello.
    needs_hello: bool,
    for_want_of_name: bool,
    /// A list that has the name, for sources that this connection's is none of.
    is_for_others: bool,
}

impl Stateful {
    /// Rules of a group that are not known: they may pass what they like, and stop it.
    fn opaque(group: &Arn, unknown: &Unknown) -> [Self; 2] {
        [StatefulAction::Pass, StatefulAction::Drop].map(|action| Self {
            place: format!("a rule of {}", group.name()),
            group: group.clone(),
            action,
            matches: Match::Maybe(unknown.clone()),
            needs_hello: false,
            for_want_of_name: false,
            is_for_others: false,
        })
    }

    fn outcome(&self) -> Outcome {
        let place = &self.place;
        if self.action == StatefulAction::Pass {
            return Outcome::Passes(format!("lets it pass by {place}"));
        }
        let by = if self.for_want_of_name { "drops it:" } else { "drops it by" };
        Outcome::Drops(Drop {
            how: format!("{by} {place}"),
            group: Some(self.group.clone()),
            for_want_of_name: self.for_want_of_name,
            from_outside: false,
        })
    }

    /// In action order: what passes before what drops, before what rejects.
    fn rank(&self) -> u8 {
        match self.action {
            StatefulAction::Pass => 0,
            StatefulAction::Drop => 1,
            _ => 2,
        }
    }
}

/// A list that has the name does not help where it is for other sources, and nor would one more.
fn despite_lists(drop: Drop, rules: &[Stateful], from: IpAddr) -> Drop {
    let Some(list) = rules.iter().find(|it| it.is_for_others) else { return drop };
    let name = list.group.name();
    Drop {
        how: format!(
            "{}: the allow list {name} has the name, but is for what comes from its HOME_NET alone, where {from} is not",
            drop.how
        ),
        group: Some(list.group.clone()),
        for_want_of_name: false,
        from_outside: true,
    }
}

fn same(one: &Outcome, other: &Outcome) -> bool {
    matches!(one, Outcome::Drops(_)) == matches!(other, Outcome::Drops(_))
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
            "what the {place} does is not known here: {}",
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
        |what: &str| Unknown::limit(format!("whether the {place} is for {what} does not show"));
    if !rule.protocols.is_empty() && !rule.protocols.contains(&TCP) {
        return Match::No;
    }
    let here = (Addresses::one(connection.from), connection.from_ports.clone());
    let there = (connection.to.clone(), Ports::from_iter([connection.to_port]));
    let ((from, from_ports), (to, to_ports)) = if back { (there, here) } else { (here, there) };
    let addresses = |raw: &[String], own: &Addresses, what| {
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

/// Ports in a stateful rule's header: `ANY`, `443`, `1990:1994`, several in brackets, or a variable.
fn ports(group: &RuleGroup, raw: &str, own: &Ports, doubt: impl FnOnce() -> Unknown) -> Match {
    let raw = raw.trim();
    if raw.eq_ignore_ascii_case("any") {
        return Match::Yes;
    }
    let inner = raw.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(raw);
    let parts: Vec<&str> = match raw.strip_prefix('$').map(|it| group.ports.get(it)) {
        Some(Some(set)) => set.iter().map(String::as_str).collect(),
        Some(None) => return Match::Maybe(doubt()),
        None => inner.split(',').collect(),
    };
    let range = |it: &str| {
        let (first, last) = it.split_once(':').unwrap_or((it, it));
        Some(first.trim().parse::<u16>().ok()?..=last.trim().parse::<u16>().ok()?)
    };
    let Some(ranges) = parts.into_iter().map(range).collect::<Option<Vec<_>>>() else {
        return Match::Maybe(doubt());
    };
    let set: Ports = ranges.into_iter().filter(|it| !it.is_empty()).collect();
    Match::of((own - &set).is_empty(), (own & &set).is_empty(), doubt)
}

/// Does a target of a list match the name? With a leading dot it is for a name and all below it. Source:
/// Network Firewall API reference, `RulesSourceList`.
fn names(target: &str, sni: &Sni, list: &str) -> Match {
    let target = target.trim().to_ascii_lowercase();
    let doubt =
        || Unknown::limit(format!("whether `{target}` in {list} is for the name does not show"));
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    if target.is_empty() || !target.chars().all(plain) {
        return Match::Maybe(doubt());
    }
    let below = |name: &str, domain: &str| {
        name.strip_suffix(domain).is_some_and(|it| it.is_empty() || it.ends_with('.'))
    };
    match (target.strip_prefix('.'), sni) {
        (Some(domain), Sni::Exactly(name)) => {
            let yes = below(name, domain);
            Match::of(yes, !yes, doubt)
        }
        (None, Sni::Exactly(name)) => Match::of(*name == target, *name != target, doubt),
        (Some(domain), Sni::Below(name)) => {
            Match::of(below(name, domain), !below(domain, name), doubt)
        }
        (None, Sni::Below(name)) => Match::of(false, !below(&target, name), doubt),
    }
}

fn shown(kind: &ListKind) -> &str {
    match kind {
        ListKind::Allow => "allow list",
        ListKind::Deny => "deny list",
        ListKind::Reject => "reject list",
        ListKind::Alert => "alert list",
        ListKind::Other(word) => word,
    }
}

fn unread(group: &Arn, rules: &GroupRules) -> Unknown {
    let name = group.name();
    Unknown::limit(match rules {
        GroupRules::Suricata(_) => {
            format!("the rules of {name} are Suricata's own, and not evaluated here")
        }
        GroupRules::Unreadable(what) => {
            format!("the rules of {name} are of a kind not known here: {what}")
        }
        _ => format!("the rules of {name} are not of the kind that its place asks for"),
    })
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::{Value, json};

    use super::*;

    const POLICY: &str = "arn:aws:network-firewall:eu-west-1:111122223333:firewall-policy/p";
    const HOST: &str = "ssm.eu-west-1.amazonaws.com";

    fn arn(name: &str) -> String {
        format!("arn:aws:network-firewall:eu-west-1:111122223333:stateful-rulegroup/{name}")
    }

    fn connection(from: &str) -> Connection {
        let from: IpAddr = from.parse().unwrap();
        Connection {
            sni: Sni::Exactly(HOST.into()),
            from,
            from_ports: Ports::from_iter([32_768..=60_999]),
            to: Addresses::public(Family::of(&from), &["10.0.0.0/16".parse().unwrap()]),
            to_port: 443,
        }
    }

    /// What becomes of a connection, by a policy and its groups by name, and by what.
    fn asked(policy: &Value, groups: &Value, connection: &Connection) -> (&'static str, String) {
        let mut policy = policy.clone();
        for kind in ["stateless", "stateful"] {
            for it in policy.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
                let name = it["group"].as_str().unwrap();
                it["group"] = if name.starts_with("arn:") { name.into() } else { arn(name).into() };
            }
        }
        let groups = groups.as_object().unwrap().iter();
        let groups: serde_json::Map<_, _> =
            groups.map(|(name, it)| (arn(name), it.clone())).collect();
        let facts =
            json!({ "network_firewall_policies": { POLICY: policy }, "rule_groups": groups });
        let facts: Facts = serde_json::from_value(facts).unwrap();
        let policy_arn: Arn = POLICY.parse().unwrap();
        let home = ["10.0.0.0/16".parse().unwrap(), "2001:db8::/56".parse().unwrap()];
        let inspection = Inspection {
            facts: &facts,
            policy_arn: &policy_arn,
            policy: facts.network_firewall_policy(&policy_arn).required().unwrap(),
            home: Some(&home),
        };
        match inspection.of(connection) {
            Ok(Outcome::Passes(how)) => ("passes", how),
            Ok(Outcome::Drops(drop)) => ("drops", drop.how),
            Err(unknown) => ("unknown", format!("{unknown:?}")),
        }
    }

    fn policy(more: &Value) -> Value {
        let mut policy =
            json!({ "stateless_default": ["aws:forward_to_sfe"], "order": "DEFAULT_ACTION_ORDER" });
        policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        policy
    }

    fn using(names: &[&str]) -> Value {
        let references =
            names.iter().zip(1..).map(|(it, at)| json!({ "group": it, "priority": at }));
        references.collect()
    }

    fn list(kind: &str, targets: &[&str]) -> Value {
        json!({ "rules": { "domains": { "kind": kind, "looks_at": ["TLS_SNI"], "targets": targets } } })
    }

    fn rule(action: &str, protocol: &str, from: &str, to: &str, port: &str) -> Value {
        json!({
            "action": action, "protocol": protocol, "source": from, "source_port": "ANY",
            "direction": "FORWARD", "destination": to, "destination_port": port,
            "options": [{ "keyword": "sid", "settings": ["1"] }],
        })
    }

    fn rules(rules: &[Value]) -> Value {
        json!({ "rules": { "stateful": rules } })
    }

    #[test]
    fn action_order_lets_any_pass_win() {
        let all = list("ALLOWLIST", &[".amazonaws.com"]);
        let none = list("ALLOWLIST", &[]);
        let deny = list("DENYLIST", &[HOST]);
        let drop = rules(&[rule("DROP", "TCP", "$HOME_NET", "ANY", "443")]);
        let tls = rules(&[rule("DROP", "TLS", "ANY", "ANY", "ANY")]);
        let open = rules(&[rule("PASS", "IP", "ANY", "ANY", "ANY")]);
        let text = json!({ "rules": { "suricata": "" } });
        let some = rules(&[rule("DROP", "TCP", "ANY", "52.0.0.0/8", "443")]);
        let rows: [(&[&str], &str); 13] = [
            (&[], "passes"),
            (&["all"], "passes"),
            (&["none"], "drops"),
            (&["none", "all"], "passes"),
            (&["deny"], "drops"),
            (&["deny", "all"], "passes"),
            // What sees the first packet decides before any name shows.
            (&["all", "drop"], "drops"),
            (&["tls", "open"], "passes"),
            (&["all", "tls"], "passes"),
            (&["text", "open"], "passes"),
            (&["text", "none"], "unknown"),
            (&["some"], "unknown"),
            (&["some", "none"], "drops"),
        ];
        let groups = json!({
            "all": all, "none": none, "deny": deny, "drop": drop, "tls": tls, "open": open,
            "text": text, "some": some,
        });
        for (names, expected) in rows {
            let policy = policy(&json!({ "stateful": using(names) }));
            let (is, why) = asked(&policy, &groups, &connection("10.0.11.23"));
            assert_eq!(is, expected, "{names:?}: {why}");
        }
    }

    #[test]
    fn strict_order_goes_by_priority() {
        let groups = json!({
            "all": list("ALLOWLIST", &[".amazonaws.com"]),
            "none": list("ALLOWLIST", &["example.amazonaws.com"]),
            "deny": list("DENYLIST", &["ssm.eu-west-1.amazonaws.com"]),
            "other": list("DENYLIST", &["ssmmessages.eu-west-1.amazonaws.com"]),
            "two": rules(&[
                rule("ALERT", "IP", "ANY", "ANY", "ANY"),
                rule("PASS", "TCP", "10.0.0.0/16", "ANY", "[80,443]"),
                rule("DROP", "IP", "ANY", "ANY", "ANY"),
            ]),
            "shut": rules(&[rule("REJECT", "TCP", "ANY", "$EXTERNAL_NET", "1:1024")]),
            "http": rules(&[rule("DROP", "HTTP", "ANY", "ANY", "ANY")]),
            "text": json!({ "rules": { "suricata": "" } }),
        });
        let app = "aws:drop_established_app_layer_to_server";
        let rows: [(&[&str], &[&str], &str); 17] = [
            (&[], &[], "passes"),
            (&[], &["aws:alert_strict"], "passes"),
            (&[], &["aws:drop_strict"], "drops"),
            (&[], &["aws:drop_established"], "drops"),
            (&[], &["aws:something_new"], "unknown"),
            (&["all"], &[app], "passes"),
            (&["all"], &["aws:drop_strict"], "drops"),
            (&["all"], &["aws:drop_established"], "unknown"),
            (&["none", "all"], &[], "unknown"),
            (&["none"], &[], "unknown"),
            (&["none"], &[app], "drops"),
            (&["deny", "all"], &[app], "drops"),
            (&["other", "all"], &[app], "passes"),
            (&["two", "shut"], &["aws:drop_strict"], "passes"),
            (&["shut", "two"], &[], "drops"),
            (&["two", "text"], &["aws:drop_strict"], "passes"),
            (&["http", "text", "all"], &[], "unknown"),
        ];
        for (names, default, expected) in rows {
            let policy = policy(&json!({
                "order": "STRICT_ORDER", "stateful": using(names), "stateful_default": default,
            }));
            let (is, why) = asked(&policy, &groups, &connection("10.0.11.23"));
            assert_eq!(is, expected, "{names:?} {default:?}: {why}");
        }
    }

    #[test]
    fn lists_are_for_the_home_net() {
        let none = |variables: Value| {
            let mut none = list("ALLOWLIST", &[]);
            none["variables"] = variables;
            json!({ "none": none })
        };
        let rows = [
            // The VPC's own range, and none of another's.
            ("10.0.11.23", json!({}), json!({}), "drops"),
            ("10.1.11.23", json!({}), json!({}), "passes"),
            ("2001:db8::5", json!({}), json!({}), "unknown"),
            ("10.1.11.23", json!({ "HOME_NET": ["10.0.0.0/8"] }), json!({}), "drops"),
            ("10.0.11.23", json!({ "HOME_NET": ["10.1.0.0/16"] }), json!({}), "passes"),
            ("10.1.11.23", json!({}), json!({ "HOME_NET": ["10.1.0.0/16"] }), "drops"),
            ("10.0.11.23", json!({}), json!({ "HOME_NET": ["10.1.0.0/16"] }), "passes"),
            // Everything at home, nothing is outside.
            ("10.0.11.23", json!({ "HOME_NET": ["0.0.0.0/0"] }), json!({}), "passes"),
            ("10.0.11.23", json!({}), json!({ "EXTERNAL_NET": ["192.168.0.0/16"] }), "passes"),
            ("10.0.11.23", json!({}), json!({ "HOME_NET": ["!10.0.0.0/8"] }), "unknown"),
        ];
        for (from, of_policy, of_group, expected) in rows {
            let policy =
                policy(&json!({ "stateful": using(&["none"]), "variables": of_policy.clone() }));
            let (is, why) = asked(&policy, &none(of_group.clone()), &connection(from));
            assert_eq!(is, expected, "{from} {of_policy} {of_group}: {why}");
        }
    }

    #[test]
    fn stateless_rules_see_each_packet_both_ways() {
        let group = |rule: Value| {
            json!({ "g": { "rules": { "stateless": [rule, {
            "priority": 9, "actions": ["aws:forward_to_sfe", "CountIt"] }] } } })
        };
        let rows = [
            (json!({ "priority": 1, "actions": ["aws:drop"] }), "drops"),
            (json!({ "priority": 10, "actions": ["aws:drop"] }), "passes"),
            (json!({ "priority": 1, "actions": ["aws:pass"] }), "passes"),
            (json!({ "priority": 1, "actions": ["aws:drop"], "protocols": [17] }), "passes"),
            (json!({ "priority": 1, "actions": ["aws:drop"], "sources": ["10.0.11.23"] }), "drops"),
            (
                json!({ "priority": 1, "actions": ["aws:drop"], "sources": ["10.0.12.0/24"] }),
                "passes",
            ),
            // Of an address that is not known this may be one.
            (
                json!({ "priority": 1, "actions": ["aws:drop"], "destinations": ["52.0.0.0/8"] }),
                "unknown",
            ),
            (
                json!({ "priority": 1, "actions": ["aws:drop"], "protocols": [6], "destination_ports": [[0, 442]] }),
                "passes",
            ),
            (
                json!({ "priority": 1, "actions": ["aws:drop"], "protocols": [6], "flags": true }),
                "unknown",
            ),
            (
                json!({ "priority": 1, "actions": ["aws:drop"], "protocols": [6], "source_ports": [[443, 443]] }),
                "unknown",
            ),
            (
                json!({ "priority": 1, "actions": ["aws:pass"], "protocols": [6], "destination_ports": [[443, 443]] }),
                "unknown",
            ),
            (json!({ "priority": 1, "actions": ["aws:new"] }), "unknown"),
        ];
        for (rule, expected) in rows {
            let policy = policy(&json!({ "stateless": using(&["g"]) }));
            let (is, why) = asked(&policy, &group(rule.clone()), &connection("10.0.11.23"));
            assert_eq!(is, expected, "{rule}: {why}");
        }
    }

    #[test]
    fn what_is_not_known_may_do_anything() {
        let managed = "arn:aws:network-firewall:eu-west-1:aws-managed:stateful-rulegroup/Threats";
        let mut odd = rule("DROP", "TCP", "ANY", "ANY", "443");
        odd["options"] = json!([{ "keyword": "flow", "settings": ["established"] }]);
        let mut away = rule("DROP", "TCP", "ANY", "ANY", "22");
        away["options"] = odd["options"].clone();
        let groups = json!({
            "odd": rules(&[odd]),
            "away": rules(&[away]),
            "new": rules(&[rule("QUARANTINE", "TCP", "ANY", "ANY", "443")]),
            "reply": rules(&[rule("DROP", "IP", "$EXTERNAL_NET", "$HOME_NET", "ANY")]),
            "set": rules(&[rule("DROP", "TCP", "@Partners", "ANY", "443")]),
            "kind": { "rules": { "domains": { "kind": "GREYLIST", "looks_at": ["TLS_SNI"] } } },
            "resolved": { "rules": { "domains": {
                "kind": "ALLOWLIST", "looks_at": ["TLS_SNI", "AWS_ROUTE_53_RESOLVED_DOMAIN"] } } },
            "unreadable": { "rules": { "unreadable": "several at once" } },
            "denied": { "unknown": "denied" },
        });
        let rows = [
            (managed, "unknown"),
            ("odd", "unknown"),
            ("away", "passes"),
            ("new", "unknown"),
            ("reply", "unknown"),
            ("set", "unknown"),
            ("kind", "unknown"),
            ("resolved", "unknown"),
            ("unreadable", "unknown"),
            ("denied", "unknown"),
            ("unasked", "unknown"),
        ];
        for (name, expected) in rows {
            let policy = policy(&json!({ "stateful": using(&[name]) }));
            let (is, why) = asked(&policy, &groups, &connection("10.0.11.23"));
            assert_eq!(is, expected, "{name}: {why}");
        }
        let decrypts = policy(&json!({ "tls_inspection": "arn:aws:network-firewall:x" }));
        assert_eq!(asked(&decrypts, &json!({}), &connection("10.0.11.23")).0, "unknown");
        let order = policy(&json!({ "order": "RANDOM_ORDER" }));
        assert_eq!(asked(&order, &json!({}), &connection("10.0.11.23")).0, "unknown");
    }

    #[test]
    fn targets_are_names_or_ends_of_names() {
        let exactly = Sni::Exactly(HOST.to_string());
        let below = Sni::Below("amazonaws.com".to_string());
        let rows = [
            (HOST, "yes", "maybe"),
            ("SSM.eu-west-1.amazonaws.com", "yes", "maybe"),
            (".ssm.eu-west-1.amazonaws.com", "yes", "maybe"),
            (".amazonaws.com", "yes", "yes"),
            (".com", "yes", "yes"),
            ("amazonaws.com", "no", "maybe"),
            (".example.com", "no", "no"),
            ("xssm.eu-west-1.amazonaws.com", "no", "maybe"),
            (".sm.eu-west-1.amazonaws.com", "no", "maybe"),
            ("*.amazonaws.com", "maybe", "maybe"),
            ("", "maybe", "maybe"),
        ];
        let word = |it| match it {
            Match::Yes => "yes",
            Match::No => "no",
            Match::Maybe(_) => "maybe",
        };
        for (target, one, any) in rows {
            assert_eq!(word(names(target, &exactly, "list")), one, "{target}");
            assert_eq!(word(names(target, &below, "list")), any, "{target}");
        }
    }
}
