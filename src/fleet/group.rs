//! Nodes with the same fault: what to change once for many of them.
//!
//! A group is a check and a fix. Where the fix names the node itself, such as a profile to attach, there is one
//! change for each node. Otherwise one change is for all, such as a rule of a security group.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use schemars::JsonSchema;
use serde::Serialize;

use super::node::{Cause, Node, Status};
use crate::render::json_v1::Conclusion;

/// Replaces a node's id, so that changes of different nodes can be compared.
const NODE: &str = "<node>";

/// How many nodes there are of each kind. Every node has one status, and one verdict on a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Counts {
    pub nodes: usize,
    pub managed: usize,
    pub unmanaged: usize,
    pub stopped: usize,
    /// It was not seen whether these are managed.
    pub unknown: usize,
    /// A session can start.
    pub session_can_start: usize,
    /// A session cannot start, though the node runs.
    pub session_blocked: usize,
    /// It was not seen whether a session can start.
    pub session_unknown: usize,
}

impl Counts {
    pub fn add(&mut self, node: &Node) {
        self.nodes += 1;
        *match node.status {
            Status::Managed => &mut self.managed,
            Status::Unmanaged => &mut self.unmanaged,
            Status::Stopped => &mut self.stopped,
            Status::Unknown => &mut self.unknown,
        } += 1;
        if node.status == Status::Stopped {
            return;
        }
        *match node.session {
            Conclusion::Healthy | Conclusion::Degraded => &mut self.session_can_start,
            Conclusion::Blocked => &mut self.session_blocked,
            Conclusion::Inconclusive => &mut self.session_unknown,
        } += 1;
    }
}

/// Nodes that need the same fix.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    pub check: String,
    /// What was observed at the first of the nodes.
    pub statement: String,
    /// What to do, for the first of the nodes.
    pub fix: String,
    /// How often it has to be done.
    pub changes: usize,
    /// Of these nodes, how many can start a session after this change alone, on the doctor's model.
    pub heals: usize,
    /// Their ids. A node with several faults is in several groups.
    pub nodes: Vec<String>,
    /// For the first of the nodes.
    pub commands: Vec<String>,
    pub runbook: String,
}

/// Collects nodes into groups.
#[derive(Default)]
pub struct Grouping(BTreeMap<(String, String, String), (Group, BTreeSet<String>)>);

impl Grouping {
    pub fn add(&mut self, node: &Node) {
        for cause in &node.causes {
            let Cause { check, statement, fix, commands, suffices, runbook, changes } = cause;
            let same = |text: &str| text.replace(node.target.as_str(), NODE);
            let key = (check.clone(), same(fix), same(changes));
            let (group, distinct) = self.0.entry(key).or_insert_with(|| {
                let group = Group {
                    check: check.clone(),
                    statement: statement.clone(),
                    fix: fix.clone(),
                    changes: 0,
                    heals: 0,
                    nodes: Vec::new(),
                    commands: commands.clone(),
                    runbook: runbook.clone(),
                };
                (group, BTreeSet::new())
            });
            // What a person does has no changes: its text shows whether it names the node.
            distinct.insert(if changes.is_empty() { fix.clone() } else { changes.clone() });
            group.changes = distinct.len();
            group.heals += usize::from(*suffices);
            group.nodes.push(node.target.clone());
        }
    }

    /// The groups, the one that heals most nodes per change first.
    #[must_use]
    pub fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.0.into_values().map(|it| it.0).collect();
        // In thousandths, because ratios of integers have no order in Rust.
        let per_change = |nodes: usize, group: &Group| nodes * 1000 / group.changes.max(1);
        groups.sort_by_cached_key(|group| {
            let (heals, blocks) = (per_change(group.heals, group), group.nodes.len());
            Reverse((heals, per_change(blocks, group), blocks))
        });
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, status: Status, session: Conclusion, causes: &[Cause]) -> Node {
        Node {
            target: id.into(),
            name: None,
            account: None,
            region: "eu-west-1".into(),
            vpc: None,
            subnet: None,
            auto_scaling_group: None,
            platform: None,
            state: None,
            status,
            session,
            causes: causes.to_vec(),
            unseen: Vec::new(),
        }
    }

    fn cause(check: &str, fix: &str, changes: &str, suffices: bool) -> Cause {
        Cause {
            check: check.into(),
            statement: format!("{check} fails"),
            fix: fix.into(),
            commands: Vec::new(),
            suffices,
            runbook: String::new(),
            changes: changes.into(),
        }
    }

    #[test]
    fn the_change_that_heals_most_comes_first() {
        let blocked =
            |id: &str, causes: &[Cause]| node(id, Status::Unmanaged, Conclusion::Blocked, causes);
        let profile =
            |id: &str| cause("profile", &format!("attach to {id}"), &format!("attach {id}"), true);
        let endpoint = |suffices| cause("endpoint", "admit the VPC", "rule sg-1", suffices);
        let by_hand = cause("agent", "look at the console", "", false);
        let mut grouping = Grouping::default();
        for id in ["i-1", "i-2", "i-3"] {
            grouping.add(&blocked(id, &[profile(id)]));
        }
        grouping.add(&blocked("i-4", &[endpoint(true)]));
        grouping.add(&blocked("i-5", &[endpoint(true)]));
        grouping.add(&blocked("i-6", &[endpoint(false), profile("i-6")]));
        grouping.add(&blocked("i-7", &[cause("endpoint", "admit the VPC", "rule sg-2", true)]));
        for id in ["i-8", "i-9"] {
            grouping.add(&blocked(id, std::slice::from_ref(&by_hand)));
        }
        let groups = grouping.finish();
        let rows: Vec<_> = groups
            .iter()
            .map(|it| (it.check.as_str(), it.nodes.len(), it.changes, it.heals))
            .collect();
        // One rule heals two of three; a profile for each node heals one per change; a person's look heals none.
        assert_eq!(
            rows,
            [
                ("endpoint", 3, 1, 2),
                ("profile", 4, 4, 4),
                ("endpoint", 1, 1, 1),
                ("agent", 2, 1, 0)
            ]
        );
    }

    #[test]
    fn every_node_is_counted_once_and_unknown_is_not_healthy() {
        let mut counts = Counts::default();
        for (status, session) in [
            (Status::Managed, Conclusion::Healthy),
            (Status::Managed, Conclusion::Blocked),
            (Status::Unmanaged, Conclusion::Blocked),
            (Status::Stopped, Conclusion::Blocked),
            (Status::Unknown, Conclusion::Inconclusive),
        ] {
            counts.add(&node("i-1", status, session, &[]));
        }
        let Counts { nodes, managed, unmanaged, stopped, unknown, .. } = counts;
        assert_eq!((nodes, managed, unmanaged, stopped, unknown), (5, 2, 1, 1, 1));
        let Counts { session_can_start, session_blocked, session_unknown, .. } = counts;
        assert_eq!((session_can_start, session_blocked, session_unknown), (1, 2, 1));
    }
}
