//! Changes to VPC endpoints.
//!
//! Up to three tables of facts have a row for an endpoint: by VPC, by service and by id.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_facts::{
    change::Ec2Change,
    ec2::*,
    ids::*,
    lookup::{Facts, Row, Why},
};

use crate::what_if::row::{
    active_route, change_endpoint, endpoint_lists, route_table, route_tables,
};

/// None if the effect is not modelled, or AWS refuses the change.
pub(super) fn edit(facts: &mut Facts, change: &Ec2Change) -> Option<()> {
    #[allow(clippy::enum_glob_use, reason = "most variants are named")]
    use Ec2Change::*;
    match change {
        DeleteEndpoint { endpoint } => delete(facts, endpoint),
        CreateGatewayEndpoint { vpc, service, tables } => {
            let endpoint = Endpoint {
                kind: EndpointKind::Gateway,
                route_tables: tables.clone(),
                private_dns: false,
                ..new(vpc, service)?
            };
            let id = endpoint.id.clone();
            create(facts, vpc, endpoint)?;
            tables.iter().try_for_each(|table| route_to(facts, table, &id))
        }
        CreateInterfaceEndpoint { vpc, service, subnets, groups } => {
            let endpoint = Endpoint {
                subnets: subnets.clone(),
                security_groups: groups.clone(),
                ..new(vpc, service)?
            };
            create(facts, vpc, endpoint)
        }
        AddEndpointSubnet { endpoint, subnet } => {
            change_endpoint(facts, endpoint, |row| row.subnets.push(subnet.clone()))
        }
        AddEndpointSecurityGroup { endpoint, group } => {
            change_endpoint(facts, endpoint, |row| row.security_groups.push(group.clone()))
        }
        AddEndpointRouteTable { endpoint, table } => {
            change_endpoint(facts, endpoint, |row| row.route_tables.push(table.clone()))?;
            route_to(facts, table, endpoint)
        }
        EnablePrivateDns { endpoint } => {
            change_endpoint(facts, endpoint, |row| row.private_dns = true)
        }
        MakeEndpointDualStack { endpoint } => change_endpoint(facts, endpoint, |row| {
            row.ip_address_type = Some(AddressFamily::Dual);
            row.dns_record_ip_type = Some(AddressFamily::Dual);
        }),
        _ => None,
    }
}

/// With private DNS and the default policy, which allows everything. AWS chooses the addresses of its
/// interfaces, so that they are not known beyond their subnet.
fn new(vpc: &VpcId, service: &ServiceName) -> Option<Endpoint> {
    let short = service.as_str().rsplit('.').next()?;
    Some(Endpoint {
        id: format!("{}-{short}", EndpointId::created()).parse().ok()?,
        service: service.as_str().into(),
        kind: EndpointKind::Interface,
        state: EndpointState::Available,
        subnets: Vec::new(),
        interfaces: Vec::new(),
        security_groups: Vec::new(),
        private_dns: true,
        route_tables: Vec::new(),
        policy: None,
        service_region: None,
        vpc: Some(vpc.clone()),
        ip_address_type: None,
        dns_record_ip_type: None,
        private_dns_for_inbound_only: false,
        names: Vec::new(),
    })
}

fn create(facts: &mut Facts, vpc: &VpcId, endpoint: Endpoint) -> Option<()> {
    let of_vpc = facts.endpoints.get_mut(vpc)?.present_mut()?;
    let gone =
        |other: &Endpoint| matches!(other.state, EndpointState::Deleting | EndpointState::Deleted);
    of_vpc.retain(|other| other.service != endpoint.service || !gone(other));
    // AWS refuses a second one with the same private names.
    let same_names = |other: &Endpoint| {
        endpoint.private_dns && other.private_dns && other.service == endpoint.service
    };
    (!of_vpc.iter().any(same_names)).then_some(())?;
    of_vpc.push(endpoint.clone());
    let service: ServiceName = endpoint.service.parse().ok()?;
    if let Some(of_service) = facts.service_endpoints.get_mut(&service).and_then(Row::present_mut) {
        of_service.push(endpoint);
    }
    Some(())
}

/// AWS deletes the routes to a gateway endpoint with it, and refuses to delete a Gateway Load Balancer endpoint
/// that a route leads to. Source: EC2 API reference, `DeleteVpcEndpoints`.
fn delete(facts: &mut Facts, id: &EndpointId) -> Option<()> {
    let mut found = facts.distant_endpoints.remove(id).map(|_| ());
    for list in endpoint_lists(facts) {
        let before = list.len();
        list.retain(|endpoint| endpoint.id != *id);
        found = found.or((list.len() < before).then_some(()));
    }
    for table in route_tables(facts) {
        table.routes.retain(|route| route.via.0 != id.as_str());
    }
    found
}

/// AWS adds the route to a gateway endpoint, by a list of the service's addresses. Their values are not
/// known.
fn route_to(facts: &mut Facts, table: &RouteTableId, endpoint: &EndpointId) -> Option<()> {
    let list: PrefixListId = "pl-created".parse().ok()?;
    let unseen = Row::Unknown { unknown: Why::HiddenByOwner, detail: String::new() };
    facts.prefix_lists.insert(list.clone(), unseen);
    let table = route_table(facts, table)?;
    table.routes.push(active_route(&Destination::List(list), endpoint.as_str()));
    Some(())
}
