//! Several files become one fact.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{
    reading::Event,
    record::{Micros, timestamp},
    scanner::{Kind, Place, Scan, Tally},
};
use ssm_doctor_facts::agent_log::{AgentLog, LogLine};

/// The nodes that the files name, the newest first.
#[must_use]
pub fn nodes(scans: &[Scan]) -> Vec<&str> {
    let mut named: Vec<&(Place, String)> =
        scans.iter().flat_map(|scan| &scan.findings.nodes).collect();
    named.sort_by_key(|(place, _)| core::cmp::Reverse(*place));
    let mut ids: Vec<&str> = Vec::new();
    for (_, id) in named {
        if !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    ids
}

/// Are both ids of instances, or both of hybrid registrations?
///
/// An instance with a leftover hybrid registration has one of each, and its agent may name only one of them.
#[must_use]
pub fn is_same_kind(a: &str, b: &str) -> bool {
    a.starts_with("mi-") == b.starts_with("mi-")
}

/// The files of one node: the one that is asked about, or else the one whose file ends last. Ids of other nodes
/// come second. A file that names no node belongs to every node.
fn of_one_node(scans: Vec<Scan>, asked: Option<&str>) -> (Vec<Scan>, Vec<String>) {
    let names = |scan: &Scan, id: &str| scan.findings.nodes.iter().any(|(_, known)| known == id);
    let ids: Vec<String> = match asked.filter(|id| scans.iter().any(|scan| names(scan, id))) {
        Some(id) => Vec::from([id.into()]),
        None => scans
            .iter()
            .filter(|scan| !scan.findings.nodes.is_empty())
            .max_by_key(|scan| scan.findings.ends)
            .map(|scan| scan.findings.nodes.iter().map(|(_, id)| id.clone()).collect())
            .unwrap_or_default(),
    };
    let is_of_another = |scan: &Scan| {
        let comparable = |(_, id): &(Place, String)| ids.iter().any(|own| is_same_kind(own, id));
        scan.findings.nodes.iter().any(comparable) && !ids.iter().any(|id| names(scan, id))
    };
    let (others, own): (Vec<Scan>, Vec<Scan>) = scans.into_iter().partition(is_of_another);
    let others = nodes(&others).into_iter().map(String::from).collect();
    (own, others)
}

/// The files of one node together, as facts: of the node that is `asked` about, if a file names it, and otherwise
/// of the node whose file ends last.
///
/// The same line can be in several kinds of files, so that the kind with the most of them counts.
#[must_use]
pub fn merge(scans: Vec<Scan>, asked: Option<&str>) -> AgentLog {
    let (scans, other_nodes) = of_one_node(scans, asked);
    let mut log = AgentLog { other_nodes, ..AgentLog::default() };
    let newest = |values: Vec<&Option<(Place, String)>>| {
        values.into_iter().flatten().max_by_key(|(place, _)| place.at).map(|(_, word)| word.clone())
    };
    log.version = newest(scans.iter().map(|scan| &scan.findings.version).collect());
    log.os = newest(scans.iter().map(|scan| &scan.findings.os).collect());
    log.instance = nodes(&scans).first().map(|id| (*id).into());
    log.is_cut_off = scans.iter().any(|scan| scan.cut_off);
    let set_back = scans.iter().filter_map(|scan| scan.findings.set_back).max();
    log.clock_set_back_to = set_back.and_then(timestamp);
    let started = scans.iter().filter_map(|scan| scan.findings.started?.at).max();
    log.started_at = started.and_then(timestamp);
    log.begins_at = scans.iter().filter_map(|scan| scan.findings.begins).min().and_then(timestamp);
    log.ends_at = ends(&scans).and_then(timestamp);

    let mut merged: BTreeMap<Event, (Tally, BTreeMap<Kind, u64>)> = BTreeMap::new();
    for scan in scans {
        for (event, tally) in scan.findings.tallies {
            match merged.get_mut(&event) {
                None => {
                    let counts = BTreeMap::from([(scan.kind, tally.count)]);
                    merged.insert(event, (tally, counts));
                }
                Some((known, counts)) => {
                    *counts.entry(scan.kind).or_default() += tally.count;
                    known.first = earlier(known.first, tally.first);
                    // The same line in another file, where more lines show that the clock was set back.
                    if tally.last.stamp == known.last.stamp && tally.last.at < known.last.at {
                        known.since = tally.since;
                        known.last = tally.last;
                    } else if tally.last.at == known.last.at
                        || tally.last.at > known.last.at && tally.last.stamp != known.last.stamp
                    {
                        // The newest lines know best since when.
                        if tally.since.at > known.last.at || tally.since.at < known.since.at {
                            known.since = tally.since;
                        }
                        known.text = tally.text;
                        known.last = Place {
                            at: tally.last.at,
                            number: known.last.number.max(tally.last.number),
                            stamp: tally.last.stamp,
                        };
                    }
                }
            }
        }
    }
    let mut tallies: Vec<Tally> = merged
        .into_values()
        .map(|(mut tally, counts)| {
            tally.count = counts.into_values().max().unwrap_or(tally.count);
            tally
        })
        .collect();
    tallies.sort_by_key(|tally| tally.last);
    log.lines = tallies
        .into_iter()
        .map(|tally| LogLine {
            text: tally.text,
            first: tally.first.at.and_then(timestamp),
            since: tally.since.at.and_then(timestamp),
            last: tally.last.at.and_then(timestamp),
            count: tally.count,
        })
        .collect();
    log
}

/// When the log ends. errors.log repeats lines of the main log, without those that show that the clock was set back.
fn ends(scans: &[Scan]) -> Option<Micros> {
    let is_repeated = scans.iter().any(|scan| scan.kind == Kind::Main);
    let counted = scans.iter().filter(|scan| !is_repeated || scan.kind != Kind::Errors);
    counted.filter_map(|scan| scan.findings.ends).max()
}

/// Of a line without a time it is not known when it was written.
fn earlier(a: Place, b: Place) -> Place {
    if a.at.is_none() || b.at.is_some_and(|at| Some(at) < a.at) { b } else { a }
}
