//! A plan's resources as rows of facts: a file for each area of AWS.
//!
//! What AWS makes by itself belongs to the rows: a VPC has a main route table, a default network ACL and a
//! default security group. A VPC that the configuration manages has only what the configuration gives it. Of
//! any other VPC the plan shows a part, so that what is listed by VPC is not known.

mod dns;
mod endpoint;
mod gateways;
mod iam;
mod instance;
mod network_acl;
mod routes;
mod security_group;
mod services;
mod ssm;
mod transit;
mod vpc;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ssm_doctor_facts::{
    ids::{InstanceId, VpcId},
    lookup::{Facts, Row, Why},
};

use super::world::{Home, Known, Resource, World};

pub use instance::KINDS as INSTANCES;

const VPCS: [&str; 2] = ["aws_vpc", "aws_default_vpc"];
const SUBNETS: [&str; 2] = ["aws_subnet", "aws_default_subnet"];
const TABLES: [&str; 2] = ["aws_route_table", "aws_default_route_table"];
const GROUPS: [&str; 2] = ["aws_security_group", "aws_default_security_group"];
const ACLS: [&str; 2] = ["aws_network_acl", "aws_default_network_acl"];

/// What resources of one home are as facts.
pub struct Rows {
    pub facts: Facts,
    /// The VPCs of which the plan shows a part only.
    pub partly_seen: BTreeSet<VpcId>,
    /// The VPCs that the configuration manages.
    pub managed: BTreeSet<VpcId>,
    /// The instances, with the address of what makes them.
    pub instances: Vec<(String, InstanceId)>,
    /// What may matter to sessions, and is not judged: its address, and why.
    pub ignored: BTreeSet<(String, &'static str)>,
}

impl Rows {
    #[must_use]
    pub fn of(world: &World, home: &Home) -> Self {
        let mut rows = Self {
            facts: Facts::default(),
            partly_seen: BTreeSet::new(),
            managed: BTreeSet::new(),
            instances: Vec::new(),
            ignored: BTreeSet::new(),
        };
        vpc::add(&mut rows, world, home);
        security_group::add(&mut rows, world, home);
        network_acl::add(&mut rows, world, home);
        gateways::add(&mut rows, world, home);
        endpoint::add(&mut rows, world, home);
        transit::add(&mut rows, world, home);
        // Routes depend on what they lead to.
        routes::add(&mut rows, world, home);
        dns::add(&mut rows, world, home);
        iam::add(&mut rows, world, home);
        services::add(&mut rows, world, home);
        ssm::add(&mut rows, world, home);
        instance::add(&mut rows, world, home);
        rows.name_ignored(world, home);
        rows
    }

    /// What these rows add to facts that were collected: no list of which they show a part, and nothing that
    /// was not seen.
    #[must_use]
    pub fn added_to(&self, collected: &Facts) -> Facts {
        let (mut facts, nothing) = (self.facts.clone(), Facts::default());
        let parts = self.partly_seen.iter().flat_map(vpc::needs_of_lists);
        for need in parts.chain(collected.unseen()) {
            facts.copy_from(&nothing, &need);
        }
        facts
    }

    /// The facts where none were collected: a list of which these rows show a part is not known.
    #[must_use]
    pub fn alone(&self) -> Facts {
        let mut facts = self.facts.clone();
        for need in self.partly_seen.iter().flat_map(vpc::needs_of_lists) {
            facts.give_up(&need, Why::NotInPlan, "");
        }
        facts
    }

    /// The list in which AWS has a VPC's resources of one kind. Of a VPC that the configuration does not manage,
    /// the plan then shows a part.
    fn list_of<T>(&mut self, vpc: &VpcId, table: ListsByVpc<T>) -> Option<&mut Vec<T>> {
        if !self.managed.contains(vpc) {
            vpc::part_of(self, vpc);
        }
        table(&mut self.facts).get_mut(vpc)?.present_mut()
    }

    fn name_ignored(&mut self, world: &World, home: &Home) {
        const KINDS: [(&str, &str); 9] = [
            (
                "aws_networkfirewall_firewall",
                "the rules of Network Firewall are not read from a plan",
            ),
            (
                "aws_route53_resolver_firewall_rule_group_association",
                "the rules of DNS Firewall are not read from a plan",
            ),
            (
                "aws_route53profiles_association",
                "what a Route 53 Profile contains is not read from a plan",
            ),
            ("aws_vpc_block_public_access_options", "Block Public Access is not read from a plan"),
            (
                "aws_organizations_policy_attachment",
                "the organization's policies are not read from a plan",
            ),
            (
                "aws_ec2_transit_gateway_peering_attachment",
                "a transit gateway of another Region is not followed",
            ),
            ("aws_vpn_gateway_attachment", "what a virtual private gateway leads to is not known"),
            ("aws_spot_instance_request", "spot requests are not judged"),
            ("aws_spot_fleet_request", "spot fleets are not judged"),
        ];
        for (kind, why) in KINDS {
            let kinds = [kind];
            self.ignored
                .extend(world.of(home, &kinds).map(|resource| (resource.address.clone(), why)));
        }
        if let Some(firewall) = world.of(home, &["aws_networkfirewall_firewall"]).next() {
            for vpc in self.facts.vpcs.keys() {
                let row = unknown(Why::Unreadable, &firewall.address);
                self.facts.network_firewalls.insert(vpc.clone(), row);
            }
        }
    }
}

/// Where the facts have lists by VPC.
type ListsByVpc<T> = fn(&mut Facts) -> &mut BTreeMap<VpcId, Row<Vec<T>>>;

fn unknown<T>(why: Why, detail: &str) -> Row<T> {
    Row::Unknown { unknown: why, detail: detail.into() }
}

/// The id that an attribute refers to, or the row that says why there is none.
fn parsed<T: std::str::FromStr, R>(
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
fn range(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().map(|net| net.trunc())
}

fn range4(text: &str) -> Option<Ipv4Net> {
    text.parse::<Ipv4Net>().ok().map(|net| net.trunc())
}

fn range6(text: &str) -> Option<Ipv6Net> {
    text.parse::<Ipv6Net>().ok().map(|net| net.trunc())
}

/// `aws`, `aws-cn`…
fn partition(home: &Home) -> &'static str {
    home.region.partition()
}
