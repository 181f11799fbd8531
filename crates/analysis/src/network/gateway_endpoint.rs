//! To a gateway endpoint, on the route table of the instance's subnet.

use alloc::{format, string::ToString, vec::Vec};

use ssm_doctor_facts::{ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    case::Case,
    network::{
        address_set::{Addresses, Family},
        flow::{PathTrace, join},
        hop::{Hop, HopKind},
        route_table::table_of,
        security_group::PeerGroups,
        statement::NetworkStatement,
    },
};

/// A gateway endpoint for the service on the route table of a subnet.
pub(super) fn gateway_endpoint<'a>(
    case: &Case<'a>,
    vpc: &VpcId,
    subnet: &SubnetId,
    service: &str,
) -> Result<Option<&'a Endpoint>, Unknown> {
    let table = table_of(case.facts, vpc, subnet)?;
    let endpoints = case.facts.endpoints(vpc).required()?;
    Ok(endpoints.iter().find(|it| {
        let is_listed = it.state != EndpointState::Deleted && it.route_tables.contains(&table.id);
        let target = TargetKind::Endpoint(it.id.clone());
        it.kind == EndpointKind::Gateway
            && it.serves(&case.scope.region) == Some(service)
            && (is_listed || table.routes.iter().any(|route| route.via.kind() == target))
    }))
}

impl<'a> PathTrace<'a> {
    /// A gateway endpoint for the service on the route table of the instance's subnet.
    pub(super) fn gateway_endpoint(&self) -> Result<Option<&'a Endpoint>, Unknown> {
        let PathTrace { case, service, from, .. } = *self;
        gateway_endpoint(case, from.vpc, &from.interface.subnet, service)
    }

    /// Its route names the service's addresses by a prefix list of AWS's.
    pub(super) fn to_gateway_endpoint(
        &self,
        endpoint: &Endpoint,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        let own = &self.from.interface.subnet;
        let table = table_of(self.facts, self.from.vpc, own)?;
        let route = table
            .routes
            .iter()
            .find(|it| it.via.kind() == TargetKind::Endpoint(endpoint.id.clone()));
        let list = route
            .and_then(|it| if let Destination::List(list) = &it.to { Some(list) } else { None });
        let entries = match list {
            Some(list) => self.facts.prefix_list(list).hint()?,
            None => None,
        };
        let mut destination = self.internet(self.family());
        if let Some(entries) = entries {
            let known = Addresses::of(self.family(), &entries.cidrs);
            if known.is_empty() {
                return Err(Unknown::limit(format!(
                    "{} has no {} addresses on its list, and whether the agent has another way is not visible",
                    endpoint.id,
                    self.family().as_str()
                )));
            }
            destination.addresses = known;
            destination.is_any_public = false;
        }
        // A list need not have IPv6 addresses.
        if let (Some(list), None, Family::V6) = (list, entries, self.family()) {
            self.facts.prefix_list(list).required()?;
        }
        destination.phrase = list.map_or(destination.phrase, ToString::to_string);
        destination.list = list.cloned();
        let groups = &self.from.interface.security_groups;
        hops.push(Hop::new(
            HopKind::InstanceGroup,
            &join(groups),
            self.sends(groups, &destination, PeerGroups::Outside),
        ));
        hops.extend(self.acls_of_instance(&destination).hops(own));
        if list.is_none() {
            hops.push(self.on_gateway_endpoint(table, endpoint));
            return Ok(());
        }
        // Routes with longer prefixes take part of the list's addresses.
        let route_matches = self.routes_out(self.from.vpc, table, &destination)?;
        hops.extend(self.by(&route_matches, table, &destination));
        Ok(())
    }

    pub(super) fn on_gateway_endpoint(&self, table: &RouteTable, endpoint: &Endpoint) -> Hop {
        let in_use = observed(
            &endpoint.id,
            NetworkStatement::GatewayEndpoint { service: self.service, table: table.id.clone() },
        );
        let answer = match self.available(endpoint) {
            Ok(Verdict::Pass(_)) => Ok(Verdict::Pass(in_use)),
            other => other,
        };
        Hop::new(HopKind::Endpoint, &endpoint.id, answer)
    }
}
