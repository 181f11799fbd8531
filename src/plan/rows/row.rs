//! The rows themselves, and how an attribute of a resource becomes a part of one.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ssm_doctor_facts::{
    ids::{InstanceId, VpcId},
    lookup::{Facts, Need, Row, Why},
};

use crate::plan::world::{Home, Known, Resource, World};

pub(super) const VPCS: [&str; 2] = ["aws_vpc", "aws_default_vpc"];
pub(super) const SUBNETS: [&str; 2] = ["aws_subnet", "aws_default_subnet"];
pub(super) const TABLES: [&str; 2] = ["aws_route_table", "aws_default_route_table"];
pub(super) const GROUPS: [&str; 2] = ["aws_security_group", "aws_default_security_group"];
pub(super) const ACLS: [&str; 2] = ["aws_network_acl", "aws_default_network_acl"];

/// What resources of one home are as facts.
pub struct Rows {
    pub facts: Facts,
    /// The VPCs of which the plan shows a part only.
    pub partly_seen: BTreeSet<VpcId>,
    /// The VPCs that the configuration manages.
    pub managed: BTreeSet<VpcId>,
    /// The instances, with the address of what makes them.
    pub instances: Vec<(String, InstanceId)>,
    /// What is assumed where the plan does not show it, as sentences.
    pub assumed: BTreeSet<String>,
    /// What may matter to sessions, and is not judged: its address, and why.
    pub ignored: BTreeSet<(String, &'static str)>,
}

impl Rows {
    /// What these rows add to facts that were collected: no list of which they show a part, and nothing that
    /// was not seen.
    #[must_use]
    pub fn added_to(&self, collected: &Facts) -> Facts {
        let (mut facts, nothing) = (self.facts.clone(), Facts::default());
        let parts = self.partly_seen.iter().flat_map(needs_of_lists);
        for need in parts.chain(collected.unseen()) {
            facts.copy_from(&nothing, &need);
        }
        facts
    }

    /// The facts where none were collected: a list of which these rows show a part is not known.
    #[must_use]
    pub fn alone(&self) -> Facts {
        let mut facts = self.facts.clone();
        for need in self.partly_seen.iter().flat_map(needs_of_lists) {
            facts.give_up(&need, Why::NotInPlan, "");
        }
        facts
    }

    /// The list in which AWS has a VPC's resources of one kind. Of a VPC that the configuration does not manage,
    /// the plan then shows a part.
    pub(super) fn list_of<T>(&mut self, vpc: &VpcId, table: ListsByVpc<T>) -> Option<&mut Vec<T>> {
        if !self.managed.contains(vpc) {
            part_of(self, vpc);
        }
        table(&mut self.facts).get_mut(vpc)?.present_mut()
    }
}

/// A VPC of which the plan does not show everything.
pub(super) fn part_of(rows: &mut Rows, id: &VpcId) {
    if rows.partly_seen.insert(id.clone()) {
        lists(rows, id);
    }
}

/// What AWS lists by VPC, as far as a plan may show a part of it: see [`lists`].
fn needs_of_lists(id: &VpcId) -> [Need; 9] {
    [
        Need::route_tables(id.clone()),
        Need::network_acls(id.clone()),
        Need::endpoints(id.clone()),
        Need::internet_gateways(id.clone()),
        Need::egress_only_gateways(id.clone()),
        Need::transit_gateway_attachments(id.clone()),
        Need::hosted_zones(id.clone()),
        Need::resolver_rules(id.clone()),
        Need::firewall_groups(id.clone()),
    ]
}

/// An empty list for each of [`needs_of_lists`].
pub(super) fn lists(rows: &mut Rows, id: &VpcId) {
    let facts = &mut rows.facts;
    facts.route_tables.insert(id.clone(), Row::Present(Vec::new()));
    facts.network_acls.insert(id.clone(), Row::Present(Vec::new()));
    facts.endpoints.insert(id.clone(), Row::Present(Vec::new()));
    facts.internet_gateways.insert(id.clone(), Row::Present(Vec::new()));
    facts.egress_only_gateways.insert(id.clone(), Row::Present(Vec::new()));
    facts.transit_gateway_attachments.insert(id.clone(), Row::Present(Vec::new()));
    facts.hosted_zones.insert(id.clone(), Row::Present(Vec::new()));
    facts.resolver_rules.insert(id.clone(), Row::Present(Vec::new()));
    facts.firewall_groups.insert(id.clone(), Row::Present(Vec::new()));
}

/// Where the facts have lists by VPC.
pub(super) type ListsByVpc<T> = fn(&mut Facts) -> &mut BTreeMap<VpcId, Row<Vec<T>>>;

pub(super) fn unknown<T>(why: Why, detail: &str) -> Row<T> {
    Row::Unknown { unknown: why, detail: detail.into() }
}

/// The id that an attribute refers to, or the row that says why there is none.
pub(super) fn parsed<T: std::str::FromStr, R>(
    world: &World,
    resource: &Resource,
    name: &str,
    kinds: &[&str],
) -> Result<Option<T>, Row<R>> {
    match world.refers_to_one(resource, name, kinds) {
        Known::None => Ok(None),
        Known::Value(text) => match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(unknown(Why::Unreadable, &resource.attribute_address(name))),
        },
        Known::Unknown(why, address) => Err(unknown(why, &address)),
    }
}

/// A route's or rule's range, with the bits behind the prefix at zero, as AWS keeps it.
pub(super) fn range(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().map(|net| net.trunc())
}

pub(super) fn range4(text: &str) -> Option<Ipv4Net> {
    text.parse::<Ipv4Net>().ok().map(|net| net.trunc())
}

pub(super) fn range6(text: &str) -> Option<Ipv6Net> {
    text.parse::<Ipv6Net>().ok().map(|net| net.trunc())
}

/// `aws`, `aws-cn`…
pub(super) fn partition(home: &Home) -> &'static str {
    home.region.partition()
}
