//! Paths, as they are drawn: what each hop is, and whether it lets packets through.

use ssm_doctor_analysis::{
    answer::Verdict,
    network::hop::{Hop, HopKind, Path},
};
use ssm_doctor_checks::path::row;

use super::{Report, mark::Mark};

/// A path, as it is drawn.
#[derive(PartialEq, Eq)]
pub struct Drawing {
    pub from: String,
    pub hops: Vec<DrawnHop>,
    /// Its course could not be followed to the end.
    pub unfollowed: bool,
    /// `ssm`, or several services whose paths look alike.
    pub services: Vec<&'static str>,
}

#[derive(PartialEq, Eq)]
pub struct DrawnHop {
    pub mark: Mark,
    /// `security group`
    pub kind: String,
    /// `sg-0app`; empty if the kind says it all. Several where several services differ here.
    pub ids: Vec<String>,
}

impl DrawnHop {
    #[must_use]
    pub fn text(&self) -> String {
        match (self.kind.as_str(), self.ids.as_slice()) {
            (kind, []) => kind.to_owned(),
            ("", ids) => ids.join(", "),
            (kind, ids) => format!("{kind} {}", ids.join(", ")),
        }
    }
}

impl Report {
    /// All paths, as they are drawn; those that look alike are drawn once.
    #[must_use]
    pub fn drawings(&self) -> Vec<Drawing> {
        alike(self.paths.iter().map(|path| self.drawing(path)).collect())
    }

    pub(super) fn drawing(&self, path: &Path) -> Drawing {
        let (names, packets): (Vec<&Hop>, Vec<&Hop>) =
            path.hops.iter().partition(|hop| row(hop.kind).of_names);
        let mut hops = Vec::new();
        // That a name leads where it should takes many steps and is told in one.
        if !names.is_empty() && names.iter().all(|hop| is_in_order(hop)) {
            hops.push(DrawnHop { mark: Mark::Good, kind: "DNS".into(), ids: Vec::new() });
        } else {
            hops.extend(names.into_iter().filter(|hop| !is_in_order(hop)).map(drawn));
        }
        hops.extend(packets.into_iter().filter(|hop| !is_tacit(hop)).map(drawn));
        // What is unknown of a hop by several rules is one unknown.
        hops.dedup();
        Drawing {
            from: self.scope.target.to_string(),
            hops,
            unfollowed: path.unfollowed.is_some(),
            services: vec![path.service],
        }
    }
}

/// Drawings that differ by nothing but ids and the service, drawn as one.
pub(super) fn alike(drawings: Vec<Drawing>) -> Vec<Drawing> {
    let mut groups: Vec<Drawing> = Vec::new();
    for drawing in drawings {
        let like = groups.iter_mut().find(|known| {
            known.unfollowed == drawing.unfollowed
                && known.hops.len() == drawing.hops.len()
                && known.hops.iter().zip(&drawing.hops).all(|(one, other)| {
                    one.mark == other.mark
                        && one.kind == other.kind
                        && one.ids.is_empty() == other.ids.is_empty()
                })
        });
        let Some(known) = like else {
            groups.push(drawing);
            continue;
        };
        known.services.extend(drawing.services);
        for (hop, other) in known.hops.iter_mut().zip(drawing.hops) {
            for id in other.ids {
                if !hop.ids.contains(&id) {
                    hop.ids.push(id);
                }
            }
        }
    }
    groups
}

fn is_in_order(hop: &Hop) -> bool {
    matches!(hop.answer, Ok(Verdict::Pass(_) | Verdict::NotApplicable(_)))
}

/// What is not worth a word as long as it is in order.
fn is_tacit(hop: &Hop) -> bool {
    row(hop.kind).hidden_in_order && is_in_order(hop)
        || matches!(hop.answer, Ok(Verdict::NotApplicable(_)))
}

fn drawn(hop: &Hop) -> DrawnHop {
    let row = row(hop.kind);
    let name = if is_in_order(hop) { row.drawn_in_order_as } else { row.drawn_as };
    let (kind, ids) = match name {
        Some(name) => (name, Vec::new()),
        None if hop.kind == HopKind::NextHop => (kind_of(&hop.id), vec![hop.id.clone()]),
        None => (row.kind, vec![hop.id.clone()]),
    };
    DrawnHop { mark: Mark::of(&hop.answer), kind: kind.to_owned(), ids }
}

/// What an id is the id of.
fn kind_of(id: &str) -> &'static str {
    const KINDS: [(&str, &str); 9] = [
        ("nat-", "NAT gateway"),
        ("igw-", "internet gateway"),
        ("eigw-", "egress-only internet gateway"),
        ("vpce-", "endpoint"),
        ("tgw-", "transit gateway"),
        ("pcx-", "peering connection"),
        ("eni-", "network interface"),
        ("vgw-", "virtual private gateway"),
        ("i-", "instance"),
    ];
    KINDS.into_iter().find(|it| id.starts_with(it.0)).map_or("next hop", |it| it.1)
}
