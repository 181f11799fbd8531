//! Quotas that a new rule of a security group or of a network ACL meets.
//!
//! AWS raises them on request, and does not show here whether it did. So a full list is something to look after first.
//! Source: VPC user guide, "Amazon VPC quotas".

use alloc::{format, string::String, vec::Vec};

use ipnet::IpNet;
use ssm_doctor_analysis::{answer::FixOption, case::Case};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, Source},
    ec2::*,
    ids::SecurityGroupId,
    lookup::Row,
};

use super::network::{Network, direction};

/// Rules of a security group in one direction, counted apart for IPv4 and IPv6.
const OF_GROUP: usize = 60;
/// Rules of a network ACL in one direction, counted apart too, with the last one that denies everything.
const OF_ACL: usize = 20;
/// Security groups of a network interface.
pub(super) const GROUPS: usize = 5;

/// The rules of one direction in a security group or a network ACL.
struct Rules {
    of: String,
    egress: bool,
    number: usize,
    quota: usize,
}

/// Says what a person has to look after first where the rules of an option may be too many.
pub(crate) fn look_after(option: &mut FixOption, case: &Case) {
    let network = Network::of(case);
    let mut rules: Vec<Rules> = Vec::new();
    for change in &option.changes {
        let Some(more) = rules_of(&network, change) else { continue };
        let known = rules.iter_mut().find(|it| it.of == more.of && it.egress == more.egress);
        match known {
            Some(known) => known.number = known.number.max(more.number) + 1,
            None => rules.push(more),
        }
    }
    for Rules { of, egress, number, quota } in rules.into_iter().filter(Rules::is_full) {
        let step = format!(
            "delete a rule of {of} or have the quota raised: it has {number} {} rules, and AWS allows {quota} by default",
            direction(egress)
        );
        if !option.manual.contains(&step) {
            option.manual.push(step);
        }
    }
}

/// Does each of these options need a rule for which there may be no room?
pub(super) fn is_full(network: &Network, options: &[FixOption]) -> bool {
    let full = |change| rules_of(network, change).is_some_and(|rules| rules.is_full());
    options.iter().all(|option| option.changes.iter().any(full))
}

impl Rules {
    fn is_full(&self) -> bool {
        self.number >= self.quota
    }
}

/// The rules that a new one comes to.
fn rules_of(network: &Network, change: &Change) -> Option<Rules> {
    let Change::Ec2(change) = change else { return None };
    match change {
        Ec2Change::AuthorizeIngress { group, from: peer, .. } => {
            of_group(network, group, false, peer)
        }
        Ec2Change::AuthorizeEgress { group, to: peer, .. } => of_group(network, group, true, peer),
        Ec2Change::CreateNetworkAclEntry { acl, egress, peer, .. } => {
            let rules = network.acl(acl)?.entries.iter();
            let counts = |rule: &&AclEntry| rule.egress == *egress && is_of(&rule.peer, *peer);
            let number = rules.filter(counts).count();
            Some(Rules { of: format!("{acl}"), egress: *egress, number, quota: OF_ACL })
        }
        _ => None,
    }
}

fn of_group(
    network: &Network,
    group: &SecurityGroupId,
    egress: bool,
    peer: &Source,
) -> Option<Rules> {
    let row = network.facts.security_groups.get(group).and_then(Row::present)?;
    let rules = if egress { &row.egress } else { &row.ingress };
    let number = match peer {
        Source::Range(range) => rules.iter().filter(|rule| is_of(&rule.peer, *range)).count(),
        // Of which of the two such a rule counts is not documented.
        Source::Group(_) => rules.len(),
    };
    Some(Rules { of: format!("{group}"), egress, number, quota: OF_GROUP })
}

/// Does a rule count with those for ranges of this family?
fn is_of(peer: &Peer, range: IpNet) -> bool {
    match peer {
        Peer::Cidr(of_rule) => of_rule.addr().is_ipv6() == range.addr().is_ipv6(),
        Peer::Group(_) | Peer::List(_) | Peer::Unreadable(_) => true,
    }
}
