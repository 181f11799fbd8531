//! The stateful rules of a policy: lists of domains, and rules with a header.

use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;

use ssm_doctor_facts::{domain_name::is_within, ids::Arn, lookup::Unknown, network_firewall::*};

use super::inspection::{
    Bounds, Connection, Drop, Inspection, Outcome, Sni, everything, listed, unread,
};
use crate::network::{
    address_set::{Addresses, Family, Ports},
    first_match::{FirstMatch, Match},
    flow::Remote,
};

impl Inspection<'_> {
    pub(super) fn stateful(&self, connection: &Connection) -> Result<Outcome, Unknown> {
        let policy = self.policy;
        let strict = match &policy.order {
            RuleOrder::Strict => true,
            RuleOrder::Action => false,
            RuleOrder::Other(word) => {
                return Err(Unknown::limit(format!(
                    "{} orders its stateful rules in an unrecognized way: {word}",
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
        let mut tally = FirstMatch::new();
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
                "{name} has an unrecognized default action: {odd}"
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
                    Unknown::limit(format!("{name} is a list of an unrecognized kind: {word}"));
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
            Unknown::limit(format!("whether {what} is what {name} looks at is not visible"))
        };
        let from_home = |connection: &Connection| {
            let from = self.variable(group, "HOME_NET", family);
            from.matching(&Remote::one(connection.from), || {
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
                let what = format!("{place} has an unrecognized action: {word}");
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
            |what: &str| Unknown::limit(format!("whether {place} is for {what} is not visible"));
        let family = Family::of(&connection.from);
        let own = Remote::one(connection.from);
        let to_port = Ports::from_iter([connection.to_port]);
        let header = |from: &Remote, from_ports: &Ports, to: &Remote, to_ports: &Ports| {
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

/// A list that has the name does not help if it is for other sources. One more list would not help
/// either.
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
pub(super) fn names(target: &str, sni: &Sni, list: &str) -> Match {
    let target = target.trim().to_ascii_lowercase();
    let doubt =
        || Unknown::limit(format!("whether `{target}` in {list} is for the name is not visible"));
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    if target.is_empty() || !target.chars().all(plain) {
        return Match::Maybe(doubt());
    }
    let below = |name: &str, domain: &str| !domain.is_empty() && is_within(name, domain);
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
