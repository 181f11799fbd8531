//! What a name resolves to by the VPC's endpoints alone.
//!
//! An interface endpoint with private DNS puts a hidden zone of the service's very name on the whole
//! VPC, so that every subnet resolves the name to the endpoint, public ones too.

use crate::dns::{
    dhcp_options::foreign_resolver,
    query::Query,
    resolution::{Defect, Resolution},
};
use ssm_doctor_facts::{
    ec2::{Endpoint, EndpointKind, EndpointState},
    limit::{Answerer, DnsLimit},
    lookup::Unknown,
};

impl<'a> Query<'a, '_> {
    pub(super) fn by_endpoint(&self) -> Result<Resolution<'a>, Unknown> {
        let (facts, vpc) = (self.facts, self.vpc);
        let endpoints = facts.endpoints(vpc).required()?;
        // Listed for a while after it is gone.
        let exists = |endpoint: &&Endpoint| endpoint.state != EndpointState::Deleted;
        let serving = || {
            endpoints
                .iter()
                .filter(exists)
                .filter(|endpoint| endpoint.answers(&self.scope.region, &self.host))
        };
        let candidates = || {
            serving().filter(|endpoint| {
                endpoint.kind == EndpointKind::Interface
                    && !(endpoint.private_dns && endpoint.private_dns_for_inbound_only)
            })
        };
        let Some(any) = candidates().next() else {
            let mut serving = serving();
            return match serving.find(|endpoint| matches!(endpoint.kind, EndpointKind::Other(_))) {
                Some(endpoint) => Err(Unknown::limit(DnsLimit::UnsupportedEndpoint {
                    endpoint: endpoint.id.clone(),
                    service: endpoint.service.clone(),
                    kind: endpoint.kind.clone(),
                })),
                None => Ok(Resolution::Public),
            };
        };
        let available =
            || candidates().filter(|endpoint| endpoint.state == EndpointState::Available);
        let Some(endpoint) = available().find(|endpoint| endpoint.private_dns) else {
            // One that has the name, and may or may not work, goes before one that has not.
            let in_between = |endpoint: &&Endpoint| {
                !matches!(
                    endpoint.state,
                    EndpointState::Failed | EndpointState::Rejected | EndpointState::Expired
                )
            };
            let unsettled = candidates().filter(|endpoint| endpoint.private_dns).find(in_between);
            return Ok(match (unsettled, available().next()) {
                (None, Some(endpoint)) => {
                    Resolution::PublicDespite(endpoint, Defect::PrivateDnsOff)
                }
                (unsettled, _) => {
                    Resolution::PublicDespite(unsettled.unwrap_or(any), Defect::NotAvailable)
                }
            });
        };
        let dns = facts.vpc_dns(vpc).required()?;
        if !dns.support || !dns.hostnames {
            return Ok(Resolution::PublicDespite(endpoint, Defect::VpcDnsOff));
        }
        match foreign_resolver(facts, vpc)? {
            None => Ok(Resolution::Endpoint(endpoint)),
            Some(server) => Err(Unknown::limit(DnsLimit::OnlyIfForwarded {
                vpc: vpc.clone(),
                server: server.into(),
                host: self.host.clone(),
                answerer: Answerer::PrivateDns(endpoint.id.clone()),
            })),
        }
    }
}
