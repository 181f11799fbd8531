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

use self::row::unknown;
use super::world::{Home, World};

pub use self::{instance::KINDS as INSTANCES, row::Rows};

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
        iam::add(&mut rows, world, home);
        services::add(&mut rows, world, home);
        ssm::add(&mut rows, world, home);
        instance::add(&mut rows, world, home);
        unplaced::add(&mut rows, world, home);
        rows.name_ignored(world, home);
        rows
    }

    fn name_ignored(&mut self, world: &World, home: &Home) {
        const KINDS: [(&str, &str); 10] = [
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
    }
}
