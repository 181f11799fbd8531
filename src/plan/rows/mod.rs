//! A plan's resources as rows of facts: a file for each area of AWS.
//!
//! What AWS makes by itself belongs to the rows: a VPC has a main route table, a default network ACL and a
//! default security group. A VPC that the configuration manages has only what the configuration gives it. Of
//! any other VPC the plan shows a part, so that what is listed by VPC is not known.

mod dns;
mod dns_firewall;
mod endpoint;
mod gateways;
mod iam;
mod instance;
mod network_acl;
mod policy_document;
mod routes;
mod row;
mod security_group;
mod services;
mod ssm;
mod transit;
mod unplaced;
mod vpc;

use std::collections::BTreeSet;

use ssm_doctor_facts::lookup::{Facts, Why};

use self::row::{VPCS, unknown};
use super::world::{Home, Resource, World};

pub use self::{instance::KINDS as INSTANCES, row::Rows};

/// The resources that manage what a VPC comes with: the id of that, and the resource's address.
#[must_use]
pub fn defaults(world: &World) -> Vec<(String, String)> {
    let id = |resource: &Resource| match resource.kind {
        "aws_default_security_group" => {
            security_group::group_id(world, resource).map(|id| id.to_string())
        }
        "aws_default_network_acl" => network_acl::place(world, resource).map(|it| it.1.to_string()),
        "aws_default_route_table" => routes::place(world, resource).map(|it| it.1.to_string()),
        _ => None,
    };
    let found = world.resources.iter().filter_map(|resource| Some((id(resource)?, resource)));
    found.map(|(id, resource)| (id, resource.address.clone())).collect()
}

impl Rows {
    #[must_use]
    pub fn of(world: &World, home: &Home) -> Self {
        let mut rows = Self {
            facts: Facts::default(),
            partly_seen: BTreeSet::new(),
            managed: BTreeSet::new(),
            instances: Vec::new(),
            assumed: BTreeSet::new(),
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
        dns_firewall::add(&mut rows, world, home);
        iam::add(&mut rows, world, home);
        services::add(&mut rows, world, home);
        ssm::add(&mut rows, world, home);
        instance::add(&mut rows, world, home);
        unplaced::add(&mut rows, world, home);
        rows.name_ignored(world, home);
        rows
    }

    fn name_ignored(&mut self, world: &World, home: &Home) {
        const KINDS: [(&str, &str); 8] = [
            (
                "aws_networkfirewall_firewall",
                "the rules of Network Firewall are not read from a plan",
            ),
            (
                "aws_route53profiles_association",
                "what a Route 53 Profile contains is not read from a plan",
            ),
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
            ("aws_eks_node_group", "the nodes of a cluster are not judged"),
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
        for profile in world.of(home, &["aws_route53profiles_association"]) {
            let vpc = world.refers_to_one(profile, "resource_id", &VPCS).value();
            for id in self
                .facts
                .vpcs
                .keys()
                .filter(|id| vpc.as_ref().is_none_or(|vpc| id.as_str() == vpc))
            {
                let row = unknown(Why::Unreadable, &profile.address);
                self.facts.profiles.insert(id.clone(), row);
            }
        }
    }
}
