//! To what a private hosted zone or a Profile says: mostly an endpoint that another VPC shares.

use alloc::{format, vec::Vec};
use core::net::IpAddr;

use ssm_doctor_facts::{ec2::*, lookup::Unknown};

use crate::{
    answer::*,
    case::Case,
    dns::{self, Elsewhere},
    network::{
        address_set::Family,
        flow::{PathTrace, Remote, ServiceInterface, join},
        hop::{Hop, HopKind, Place, any_address},
        interface_endpoint::unless_translated,
        remedy::{IngressTarget, NetworkRemedy},
        route_table::table_of,
        security_group::PeerGroups,
        statement::NetworkStatement,
    },
};

/// The endpoint for the service with this address, in any VPC of the account.
pub(super) fn shared_endpoint<'a>(
    case: &Case<'a>,
    service: &str,
    address: IpAddr,
) -> Result<Option<(&'a Endpoint, &'a NetworkInterface)>, Unknown> {
    let service = case.scope.region.endpoint_service(service);
    // Their network interfaces show which endpoint has the address.
    any_of(case.facts.service_endpoints(&service).required()?, |endpoint| {
        any_of(&endpoint.interfaces, |id| {
            let row = case.facts.network_interface(id).required()?;
            Ok(row.private_ips.contains(&address).then_some((endpoint, row)))
        })
    })
}

impl PathTrace<'_> {
    /// To what a private hosted zone or a Profile says: as a rule an endpoint that a hub VPC shares,
    /// behind a peering connection or a transit gateway.
    pub(super) fn to_elsewhere(
        &self,
        there: &Elsewhere,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        let of_ours = |it: &&IpAddr| Family::of(it) == self.family();
        let addresses: Vec<IpAddr> = there.addresses.iter().filter(of_ours).copied().collect();
        if addresses.is_empty() {
            let target = there.target.as_deref().unwrap_or("addresses of another kind");
            return Err(Unknown::limit(format!(
                "{} leads {} to {target}, and what owns that address is not visible",
                there.by, self.service
            )));
        }
        let in_use: Result<Vec<_>, Unknown> =
            addresses.iter().map(|it| self.is_in_use(there, *it)).collect();
        let in_use = in_use?;
        let vacant = |it: &Result<bool, Unknown>| matches!(it, Ok(false));
        // If nothing is at any of the addresses, the check of the hosted zone says so.
        let some = !in_use.iter().all(vacant);
        let (mut ways, mut partly) = (Vec::new(), Vec::new());
        for (address, in_use) in addresses.into_iter().zip(in_use) {
            if some && vacant(&in_use) {
                partly.push(self.vacant_address(there, address));
                continue;
            }
            ways.push(self.to_shared_address(address, &there.by)?);
            if let Err(unknown) = in_use {
                partly.push(Hop::new(HopKind::SomeAddresses, &address, Err(unknown)));
            }
        }
        hops.extend(any_address(ways));
        hops.extend(partly);
        Ok(())
    }

    /// Is there anything at an address that a zone's record has? In other networks that does not show,
    /// and is taken for granted here.
    ///
    /// # Errors
    /// Outer error: not requested yet. Inner error: it was not seen.
    fn is_in_use(
        &self,
        there: &Elsewhere,
        address: IpAddr,
    ) -> Result<Result<bool, Unknown>, Unknown> {
        if !there.is_by_address() {
            return Ok(Ok(true));
        }
        let in_use = dns::stands_at(self.facts, self.from.vpc, self.from.host.own, address);
        seen(in_use)
    }

    /// One of several addresses of a record, at which nothing is: each connection that tries it fails.
    fn vacant_address(&self, there: &Elsewhere, address: IpAddr) -> Hop {
        let (zone, vpc) = (&there.by, self.from.vpc);
        let evidence = observed(
            zone,
            NetworkStatement::VacantAddress { service: self.service, address, vpc: vpc.clone() },
        );
        let fix = Fix::of(
            NetworkRemedy::RemoveRecordAddress { zone: zone.clone(), address },
            Recovery::Agent,
        );
        Hop::new(HopKind::SomeAddresses, &address, Ok(Verdict::Fail(evidence, fix)))
    }

    /// Some networks use public addresses of others for themselves: a route of their own leads there.
    fn is_used_inside(&self, destination: &Remote) -> Result<bool, Unknown> {
        let table = table_of(self.facts, self.from.vpc, &self.from.interface.subnet)?;
        let route_matches = self.route_matches(self.from.vpc, table, destination)?;
        let is_default =
            |it: &Route| matches!(&it.to, Destination::Cidr(net) if net.prefix_len() == 0);
        let mut routes = route_matches.iter().filter_map(|it| it.route);
        Ok(routes.any(|it| it.leads_to_other_networks() && !is_default(it)))
    }

    fn to_shared_address(&self, address: IpAddr, by: &str) -> Result<Vec<Hop>, Unknown> {
        let destination = Remote::one(address);
        let shared_endpoint = shared_endpoint(self.case, self.service, address);
        let is_public = self.internet(self.family()).addresses.meets(&destination.addresses);
        if is_public && matches!(shared_endpoint, Ok(None)) && !self.is_used_inside(&destination)? {
            let mut hops = Vec::new();
            self.to_internet(&destination, &mut hops)?;
            return Ok(hops);
        }
        let Some((endpoint, interface)) = shared_endpoint.as_ref().ok().copied().flatten() else {
            let whose = format!("what {by} leads to");
            let location = shared_endpoint.as_ref().map(|_| None).map_err(Unknown::clone);
            let (mut hops, _) = self.to_interface(
                &ServiceInterface { destination, location },
                PeerGroups::Unseen(&whose),
            );
            let (kinds, unknown): (Vec<HopKind>, _) = match shared_endpoint {
                // Nothing of the other side was seen: neither the endpoint's interface nor the way back.
                Err(unknown) => (HopKind::at(Place::ToSharedEndpoint).collect(), unknown),
                Ok(_) => (
                    Vec::from([HopKind::Endpoint, HopKind::EndpointGroup]),
                    Unknown::limit(format!(
                        "{address}, where {by} leads {}, is no endpoint of this account: whether it answers is not visible",
                        self.service
                    )),
                ),
            };
            hops.extend(
                kinds.into_iter().map(|kind| Hop::new(kind, &address, Err(unknown.clone()))),
            );
            return Ok(hops);
        };
        let subject = self.subject(endpoint);
        let groups = match endpoint.security_groups.as_slice() {
            [] => &interface.security_groups,
            _ => &endpoint.security_groups,
        };
        let vpc = endpoint.vpc.as_ref().unwrap_or(self.from.vpc);
        let remote_interface =
            ServiceInterface { destination, location: Ok(Some((vpc, interface.subnet.clone()))) };
        let near = self.relation_to(vpc, &remote_interface.destination);
        let (mut hops, translated) = self.to_interface(&remote_interface, near.members(groups));
        hops.push(Hop::new(HopKind::Endpoint, &endpoint.id, self.available(endpoint)));
        let admits = self.admits(&subject, groups, near, IngressTarget::Endpoint);
        let admits = unless_translated(translated.as_ref(), admits);
        hops.push(Hop::new(HopKind::EndpointGroup, &join(groups), admits));
        Ok(hops)
    }
}
