//! A query for one name from inside one VPC, and what every step of it needs to know.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use ipnet::IpNet;

use crate::answer::{Answer, Evidence, Fix, Verdict, seen};
use crate::case::Case;
use crate::dns::dhcp_options::foreign_resolver;
use ssm_doctor_facts::{
    ec2::{Endpoint, RouteState},
    ids::VpcId,
    limit::{Answerer, DnsLimit},
    lookup::{Facts, Unknown},
    route53::Place,
    scope::Scope,
};

pub(super) struct Query<'a, 'q> {
    pub facts: &'a Facts,
    pub scope: &'q Scope,
    pub vpc: &'q VpcId,
    pub host: String,
    pub question: Question,
}

/// The kind of addresses that a query is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    A,
    Aaaa,
}

/// Is there anything at an address? Of addresses outside the VPC's ranges AWS does not show it: the answer
/// is yes.
///
/// # Errors
/// [`Unknown`] when an address inside was not looked at.
pub(crate) fn stands_at(
    facts: &Facts,
    vpc: &VpcId,
    cidrs: &[IpNet],
    address: IpAddr,
) -> Result<bool, Unknown> {
    if !cidrs.iter().any(|cidr| cidr.contains(&address)) {
        return Ok(true);
    }
    let place = Place { vpc: vpc.clone(), address };
    Ok(facts.interface_at(&place).optional()?.is_some())
}

impl<'a, 'q> Query<'a, 'q> {
    pub fn new(case: &Case<'a>, scope: &'q Scope, vpc: &'q VpcId, service: &str) -> Self {
        let host = scope.region.service_host(service);
        Self { facts: case.facts, scope, vpc, host, question: Question::A }
    }

    /// The query for IPv6 addresses.
    pub fn for_ipv6(&self) -> Self {
        Self { host: self.host.clone(), question: Question::Aaaa, ..*self }
    }
}

impl<'a> Query<'a, '_> {
    /// A failure, if it is Amazon's resolver that instances ask.
    pub fn fails_at_amazons_resolver(
        &self,
        evidence: Evidence,
        fix: Fix,
    ) -> Result<Answer, Unknown> {
        Ok(match seen(foreign_resolver(self.facts, self.vpc))? {
            Ok(None) => Ok(Verdict::Fail(evidence, fix)),
            Ok(Some(server)) => Err(Unknown::limit(DnsLimit::AnswerOfOtherServer {
                vpc: self.vpc.clone(),
                server: server.into(),
                host: self.host.clone(),
            })),
            Err(unknown) => Err(unknown),
        })
    }

    /// Only Amazon's resolver knows the private addresses that `answerer` has for the name.
    pub fn needs_amazons_resolver(&self, answerer: Answerer) -> Result<(), Unknown> {
        match foreign_resolver(self.facts, self.vpc)? {
            None => Ok(()),
            Some(server) => Err(Unknown::limit(DnsLimit::OnlyIfForwarded {
                vpc: self.vpc.clone(),
                server: server.into(),
                host: self.host.clone(),
                answerer,
            })),
        }
    }

    pub fn addresses_of_endpoint(&self, endpoint: &Endpoint) -> Result<Vec<IpAddr>, Unknown> {
        let mut addresses = Vec::new();
        for id in &endpoint.interfaces {
            addresses.extend(&self.facts.network_interface(id).required()?.private_ips);
        }
        Ok(addresses)
    }

    /// A route of the VPC to a peer, a transit or virtual private gateway, a router or the like.
    pub fn route_to_other_networks(&self) -> Result<Option<&'a str>, Unknown> {
        let tables = self.facts.route_tables(self.vpc).required()?;
        let mut routes = tables.iter().flat_map(|table| &table.routes);
        let route = routes
            .find(|route| route.state == RouteState::Active && route.leads_to_other_networks());
        Ok(route.map(|route| route.via.0.as_str()))
    }
}
