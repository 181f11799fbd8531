//! Targets that are alike: one of them is judged for all.
//!
//! Most nodes of a fleet differ from others in nothing that matters to the verdict: an id, an address in the same ranges,
//! the time of the last ping. So the line of a node's own facts, without these, is its class. A line that is written in
//! another way (with spaces, or with keys in another order) is a class of its own, which costs time and no more.
//!
//! Two addresses are alike if the shared facts name no range that has only one of them. What was made of one target names
//! it, and is adapted to another one of its class. Where it says something else that differs within the class, each target
//! is judged.

use std::{collections::BTreeSet, net::Ipv4Addr};

use ipnet::Ipv4Net;
use memchr::memmem;
use sha2::{Digest as _, Sha256};
use ssm_doctor_facts::{
    ec2::AttachedInterface,
    lookup::{Facts, Row},
    scope::Scope,
    ssm::{Connection, Ping},
    time::Timestamp,
};

use crate::snapshot::Snapshot;

/// What shared facts say of single nodes, addresses and moments.
#[derive(Default)]
pub struct Mentioned {
    /// The first address of each range, and the next one after it, in order.
    boundaries: Vec<u64>,
    /// Instances and interfaces, such as those that routes lead to.
    ids: BTreeSet<String>,
    times: BTreeSet<String>,
}

impl Mentioned {
    /// In the text of a line of shared facts, policies included.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let words = |prefixes: &[&str]| {
            let all = text.split(|letter| !is_of_word(letter));
            let named = all.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)));
            named.map(str::to_owned).collect()
        };
        let is_of_time = |letter: char| is_of_word(letter) || letter == ':' || letter == '.';
        let times = text.split(|letter| !is_of_time(letter));
        let times = times.filter(|word| word.ends_with('Z') && word.contains(':'));
        Self {
            boundaries: boundaries(text),
            ids: words(&["i-", "eni-"]),
            times: times.map(str::to_owned).collect(),
        }
    }

    fn place(&self, address: Ipv4Addr) -> usize {
        let number = u64::from(u32::from(address));
        self.boundaries.partition_point(|boundary| *boundary <= number)
    }

    fn names(&self, word: &str) -> bool {
        self.ids.contains(word) || self.times.contains(word)
    }
}

fn boundaries(text: &str) -> Vec<u64> {
    let is_part = |letter: char| letter.is_ascii_digit() || letter == '.' || letter == '/';
    let words = text.split(|letter| !is_part(letter)).filter(|word| word.contains('.'));
    let range = |word: &str| {
        let range = word.parse::<Ipv4Net>().ok();
        range.or_else(|| Some(Ipv4Net::from(word.parse::<Ipv4Addr>().ok()?)))
    };
    let ends = |range: Ipv4Net| {
        let number = |address: Ipv4Addr| u64::from(u32::from(address));
        [number(range.network()), number(range.broadcast()) + 1]
    };
    let mut all: Vec<u64> = words.filter_map(range).flat_map(ends).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Equal for targets that are alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class([u8; 32]);

/// What a target alone is called: its id, its interfaces and addresses, and when it reported last, in an order that is the
/// same in its class. Each has what stands for it in the class.
pub struct Names(Vec<Name>);

struct Name {
    own: String,
    common: String,
}

/// The class of a target, and its names; None if it has to be judged by itself. `snapshot` has only its own facts, those
/// of the line `text`.
#[must_use]
pub fn class(snapshot: &Snapshot, shared: &Mentioned, text: &str) -> Option<(Class, Names)> {
    let Snapshot { scope, facts, .. } = snapshot;
    facts.nodes.get(&scope.target)?;
    // The node's own view has times too.
    if scope.probe || scope.agent_log {
        return None;
    }
    let names = Names::of(snapshot, shared)?;
    if names.0.iter().any(|name| shared.names(&name.own)) {
        return None;
    }
    let ignored = Ignored::of(scope, facts).fields;
    let text =
        ignored.iter().fold(text.trim_end().to_owned(), |text, field| text.replace(field, ""));
    let Pattern { parts, .. } = Pattern::new(&text, &names);
    let mut hash = Sha256::new();
    for Part { text, name } in &parts {
        hash.update(text);
        // No line has this letter, so that a class cannot be written as text.
        let common = name.and_then(|at| names.0.get(at)).map(|name| name.common.as_str());
        hash.update(format!("\n{}\n", common.unwrap_or_default()));
    }
    Some((Class(hash.finalize().into()), names))
}

impl Names {
    /// None of an instance with IPv6 addresses, which are not compared.
    fn of(snapshot: &Snapshot, shared: &Mentioned) -> Option<Self> {
        let Snapshot { scope, facts, .. } = snapshot;
        let mut names = vec![Name { own: scope.target.to_string(), common: "target".into() }];
        if let Some(id) = scope.target.instance() {
            let Some(Row::Present(instance)) = facts.instances.get(id) else { return None };
            names.extend(Self::of_interfaces(&instance.interfaces, shared)?);
        }
        // The names of Terraform's resources and of hosts are made of ids and addresses.
        let spelled = |letter: &str| {
            let spelled = |name: &Name| Name {
                own: name.own.replace(['.', '-'], letter),
                common: format!("{} with {letter}", name.common),
            };
            names.iter().map(spelled).collect::<Vec<_>>()
        };
        let spelled = [spelled("_"), spelled("-")];
        names.extend(spelled.into_iter().flatten());
        if let Some(at) = last_report(scope, facts) {
            names
                .push(Name { own: format!("{}, at {at}", at.ago(scope.at)), common: "age".into() });
            names.push(Name { own: at.to_string(), common: "last report".into() });
        }
        Some(Self(names))
    }

    fn of_interfaces(interfaces: &[AttachedInterface], shared: &Mentioned) -> Option<Vec<Name>> {
        let mut names = Vec::new();
        // What is listed by an id or an address is in the same order for all of a class.
        let rank = |is_before: &dyn Fn(&AttachedInterface) -> bool| {
            interfaces.iter().filter(|other| is_before(other)).count()
        };
        for (at, interface) in interfaces.iter().enumerate() {
            if !interface.ipv6.is_empty() {
                return None;
            }
            let before = rank(&|other| other.id < interface.id);
            names
                .push(Name { own: interface.id.to_string(), common: format!("eni {at} {before}") });
            for address in [interface.private_ip, interface.public_ip].into_iter().flatten() {
                let before = rank(&|other| other.private_ip < Some(address));
                let common = format!("address {at} {before} between {}", shared.place(address));
                names.push(Name { own: address.to_string(), common });
            }
        }
        Some(names)
    }
}

/// Of an agent that is connected: then its time matters to no verdict.
fn last_report(scope: &Scope, facts: &Facts) -> Option<Timestamp> {
    let target = &scope.target;
    let Some(Row::Present(Connection::Connected)) = facts.connections.get(target) else {
        return None;
    };
    let node = facts.nodes.get(target)?.present()?;
    node.last_ping.filter(|_| node.ping == Ping::Online)
}

/// What matters to no verdict on an agent that is connected, and is no name.
#[derive(Default)]
struct Ignored {
    /// As the line has them.
    fields: Vec<String>,
    values: Vec<String>,
}

impl Ignored {
    /// The node's own name, and since when it runs. The serial console and user data are judged by the time of the launch.
    fn of(scope: &Scope, facts: &Facts) -> Self {
        let mut all = Self::default();
        let Some(_) = last_report(scope, facts) else { return all };
        let Some(node) = facts.nodes.get(&scope.target).and_then(Row::present) else { return all };
        if let Some(name) = &node.computer_name {
            all.add("computer_name", name);
        }
        if let Some(at) = node.registered_at {
            all.add("registered_at", &at.to_string());
        }
        let Some(id) = scope.target.instance() else { return all };
        let has_console = matches!(facts.consoles.get(id), Some(Row::Present(_)));
        let has_user_data = matches!(facts.user_data.get(id), Some(Row::Present(_)));
        let launched = facts.instances.get(id).and_then(|it| it.present()?.launched_at);
        if let Some(at) = launched.filter(|_| !has_console && !has_user_data) {
            all.add("launched_at", &at.to_string());
        }
        all
    }

    /// As the doctor writes a field.
    fn add(&mut self, name: &str, value: &str) {
        if let Ok(text) = serde_json::to_string(value) {
            self.fields.push(format!("\"{name}\":{text}"));
            self.values.push(value.to_owned());
        }
    }
}

/// A text about a target, for any target of its class.
pub struct Pattern {
    parts: Vec<Part>,
    length: usize,
}

/// A text, and the name that follows it.
struct Part {
    text: String,
    name: Option<usize>,
}

impl Pattern {
    /// Of a text about this target; None if it says what differs within a class.
    #[must_use]
    pub fn of(text: &str, names: &Names, snapshot: &Snapshot) -> Option<Self> {
        let Snapshot { scope, facts, .. } = snapshot;
        let pattern = Self::new(text, names);
        let mut ignored = Ignored::of(scope, facts).values;
        ignored.extend(last_report(scope, facts).map(|at| at.ago(scope.at)));
        let quotes = |part: &Part| {
            let part = part.text.as_bytes();
            ignored.iter().any(|value| memmem::find(part, value.as_bytes()).is_some())
        };
        (!pattern.parts.iter().any(quotes)).then_some(pattern)
    }

    #[must_use]
    pub fn new(text: &str, names: &Names) -> Self {
        let found = names.0.iter().enumerate().flat_map(|(at, name)| {
            let own = name.own.as_str();
            let starts = memmem::find_iter(text.as_bytes(), own);
            starts.map(move |start| (start, start + own.len(), at))
        });
        let mut found: Vec<(usize, usize, usize)> =
            found.filter(|(start, end, _)| is_whole(text, *start, *end)).collect();
        found.sort_unstable();
        let (mut parts, mut from) = (Vec::with_capacity(found.len() + 1), 0);
        for (start, end, at) in found {
            let Some(before) = text.get(from..start) else { continue };
            parts.push(Part { text: before.to_owned(), name: Some(at) });
            from = end;
        }
        parts.push(Part { text: text.get(from..).unwrap_or_default().to_owned(), name: None });
        Self { parts, length: text.len() }
    }

    /// The text for the target with these names.
    #[must_use]
    pub fn with(&self, names: &Names) -> String {
        let mut text = String::with_capacity(self.length + 64);
        for Part { text: part, name } in &self.parts {
            text.push_str(part);
            let own = name.and_then(|at| names.0.get(at)).map(|name| name.own.as_str());
            text.push_str(own.unwrap_or_default());
        }
        text
    }
}

/// Is what is between these places no part of a longer name or address?
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    // A dot ends a sentence, or it is within an address.
    let after = bytes.get(end..).unwrap_or_default();
    let goes_on = after.strip_prefix(b".").unwrap_or(after).first().is_some_and(is_part);
    !before.is_some_and(|byte| is_part(byte) || *byte == b'.') && !goes_on
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_are_replaced() {
        let names = |own: [&str; 2]| {
            Names(own.map(|own| Name { own: own.into(), common: String::new() }).into())
        };
        let (ours, theirs) = (names(["10.0.0.1", "10.0.0.2"]), names(["10.0.0.2", "10.9.9.9"]));
        let rows = [
            ("10.0.0.1, 10.0.0.11 and 110.0.0.1.", "10.0.0.2, 10.0.0.11 and 110.0.0.1."),
            ("(10.0.0.1)10.0.0.2. 10.0.0.1/32", "(10.0.0.2)10.9.9.9. 10.0.0.2/32"),
            ("10.0.0.110.0.0.1 4.10.0.0.1", "10.0.0.110.0.0.1 4.10.0.0.1"),
            ("nothing", "nothing"),
            ("to 10.0.0.1.", "to 10.0.0.2."),
        ];
        for (text, expected) in rows {
            assert_eq!(Pattern::new(text, &ours).with(&theirs), expected);
        }
    }
}
