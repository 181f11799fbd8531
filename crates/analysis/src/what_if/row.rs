//! Rows that a change edits.

use alloc::vec::Vec;

use ssm_doctor_facts::{
    ec2::{Destination, Endpoint, NextHop, Route, RouteState, RouteTable},
    ids::{EndpointId, RouteTableId},
    lookup::{Facts, Row},
};

/// The route tables of every VPC.
pub(super) fn route_tables(facts: &mut Facts) -> impl Iterator<Item = &mut RouteTable> {
    facts.route_tables.values_mut().filter_map(Row::present_mut).flatten()
}

pub(super) fn route_table<'f>(
    facts: &'f mut Facts,
    id: &RouteTableId,
) -> Option<&'f mut RouteTable> {
    route_tables(facts).find(|table| table.id == *id)
}

pub(super) fn active_route(to: &Destination, via: &str) -> Route {
    Route { to: to.clone(), via: NextHop(via.into()), state: RouteState::Active, propagated: false }
}

/// AWS keeps the routes to a target that is not available, as blackholes, and they are active when it is.
/// Source: EC2 API reference, `Route`, and VPC Peering guide, "Update your route tables".
pub(super) fn reactivate_routes(facts: &mut Facts, target: &str) {
    let routes = route_tables(facts).flat_map(|table| &mut table.routes);
    for route in routes.filter(|route| route.via.0 == target) {
        route.state = RouteState::Active;
    }
}

/// The lists of endpoints: by VPC and by service.
pub(super) fn endpoint_lists(facts: &mut Facts) -> impl Iterator<Item = &mut Vec<Endpoint>> {
    let by_vpc = facts.endpoints.values_mut();
    by_vpc.chain(facts.service_endpoints.values_mut()).filter_map(Row::present_mut)
}

/// Changes every row of an endpoint. None if there is none.
pub(super) fn change_endpoint(
    facts: &mut Facts,
    id: &EndpointId,
    mut change: impl FnMut(&mut Endpoint),
) -> Option<()> {
    let mut found = None;
    for endpoint in endpoint_lists(facts).flatten().filter(|endpoint| endpoint.id == *id) {
        change(endpoint);
        found = Some(());
    }
    if let Some(endpoint) = facts.distant_endpoints.get_mut(id).and_then(Row::present_mut) {
        change(endpoint);
        found = Some(());
    }
    found
}
