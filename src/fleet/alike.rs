//! Nodes that are alike: one of them is judged for all.
//!
//! Most nodes of a fleet differ from others in nothing that matters to the verdict: an id, an address in the same ranges,
//! the time of the last ping. So the line of a node's own facts, without these, is its class. A line that is written in
//! another way (with spaces, or with keys in another order) is a class of its own, which costs time and no more.
//!
//! Two addresses are alike if the shared facts name no range that has only one of them. What a node of the same class
//! says of itself (its id, its name) is taken from its own facts. Where a cause names anything else of the node, each
//! node is judged.

use std::{collections::BTreeSet, net::Ipv4Addr};

use ipnet::Ipv4Net;
use serde::Serialize;
use ssm_doctor_facts::{
    lookup::{Facts, Row},
    scope::Scope,
    ssm::{Connection, Ping},
};

use super::node::{Cause, Node};
use crate::{snapshot::Snapshot, word::replaced};

/// What shared facts say of single nodes and addresses.
#[derive(Default)]
pub struct Mentioned {
    /// The first address of each range, and the next one after it, in order.
    boundaries: Vec<u64>,
    /// Instances and interfaces, such as those that routes lead to.
    ids: BTreeSet<String>,
}

impl Mentioned {
    /// In the text of a line of shared facts, policies included.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let is_of_id = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let ids = text
            .split(|letter| !is_of_id(letter))
            .filter(|word| word.starts_with("i-") || word.starts_with("eni-"));
        Self { boundaries: boundaries(text), ids: ids.map(str::to_owned).collect() }
    }

    fn place(&self, address: Ipv4Addr) -> usize {
        let number = u64::from(u32::from(address));
        self.boundaries.partition_point(|boundary| *boundary <= number)
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

/// What a node is called, and what stands for it in its class.
struct Name {
    own: String,
    common: String,
}

/// The class of a target; None if it has to be judged by itself. `snapshot` has only its own facts, those of the line
/// `text`.
#[must_use]
pub fn class(snapshot: &Snapshot, shared: &Mentioned, text: &str) -> Option<String> {
    let Snapshot { scope, facts, .. } = snapshot;
    facts.nodes.get(&scope.target)?;
    // The node's own view has times too.
    if scope.probe || scope.agent_log {
        return None;
    }
    let names = names(snapshot, shared)?;
    if names.iter().any(|name| shared.ids.contains(&name.own)) {
        return None;
    }
    let ignored = ignored(scope, facts);
    let text =
        ignored.iter().fold(text.trim_end().to_owned(), |text, field| text.replace(field, ""));
    Some(
        names.iter().fold(text, |text, Name { own, common }| replaced(&text, own, common, is_part)),
    )
}

/// The id, the interfaces and the addresses of an instance. IPv6 addresses are not compared.
fn names(snapshot: &Snapshot, shared: &Mentioned) -> Option<Vec<Name>> {
    let Snapshot { scope, facts, .. } = snapshot;
    let id = scope.target.instance()?;
    let Some(Row::Present(instance)) = facts.instances.get(id) else { return None };
    let mut names = vec![Name { own: id.to_string(), common: "i-this".into() }];
    for (at, interface) in instance.interfaces.iter().enumerate() {
        if !interface.ipv6.is_empty() {
            return None;
        }
        names.push(Name { own: interface.id.to_string(), common: format!("eni-{at}") });
        for address in [interface.private_ip, interface.public_ip].into_iter().flatten() {
            let common = format!("address {at} between {}", shared.place(address));
            names.push(Name { own: address.to_string(), common });
        }
    }
    Some(names)
}

/// What matters to no verdict on an agent that is connected, as the line has it: its name, when it reported last, and since
/// when it runs. The serial console is judged by the time of the launch.
fn ignored(scope: &Scope, facts: &Facts) -> Vec<String> {
    let target = &scope.target;
    let connected =
        matches!(facts.connections.get(target), Some(Row::Present(Connection::Connected)));
    let Some(Row::Present(node)) = facts.nodes.get(target) else { return Vec::new() };
    if !connected || node.ping != Ping::Online {
        return Vec::new();
    }
    let id = target.instance();
    let has_console = id.is_some_and(|id| matches!(facts.consoles.get(id), Some(Row::Present(_))));
    let instance = id.and_then(|id| facts.instances.get(id)?.present());
    let launched = instance.filter(|_| !has_console).and_then(|it| it.launched_at);
    let name = node.computer_name.as_ref().map(|name| field("computer_name", name));
    let times = [
        node.last_ping.map(|at| field("last_ping", &at)),
        node.registered_at.map(|at| field("registered_at", &at)),
        launched.map(|at| field("launched_at", &at)),
    ];
    [name].into_iter().chain(times).flatten().flatten().collect()
}

/// A field of a line, as the doctor writes it.
fn field(name: &str, value: &impl Serialize) -> Option<String> {
    Some(format!("\"{name}\":{}", serde_json::to_string(value).ok()?))
}

/// A dot is a part of an address.
fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '.'
}

/// Can other nodes of its class have the causes of this one? Not if these name more of it than its id.
#[must_use]
pub fn is_common(node: &Node, snapshot: &Snapshot) -> bool {
    let Some(names) = names(snapshot, &Mentioned::default()) else { return false };
    let texts = || {
        let of_cause = |cause: &Cause| {
            let Cause { statement, fix, commands, changes, .. } = cause;
            [statement, fix, changes].into_iter().chain(commands).cloned().collect::<Vec<_>>()
        };
        node.causes.iter().flat_map(of_cause).chain(node.unseen.iter().cloned())
    };
    let own = names.iter().skip(1).map(|name| &name.own);
    let own = own.chain(&node.name).collect::<Vec<_>>();
    !texts().any(|text| own.iter().any(|own| text.contains(own.as_str())))
}

/// What was found for a node, adapted to another node of its class.
#[must_use]
pub fn adapted(known: &Node, snapshot: &Snapshot) -> Node {
    let target = snapshot.scope.target.to_string();
    let of = |text: &String| replaced(text, &known.target, &target, is_part);
    let cause = |cause: &Cause| Cause {
        statement: of(&cause.statement),
        fix: of(&cause.fix),
        commands: cause.commands.iter().map(of).collect(),
        changes: of(&cause.changes),
        ..cause.clone()
    };
    Node {
        account: known.account.clone(),
        session: known.session,
        causes: known.causes.iter().map(cause).collect(),
        unseen: known.unseen.iter().map(of).collect(),
        ..Node::unjudged(snapshot)
    }
}
