//! VPC peering connections.

use alloc::format;

use ssm_doctor_facts::{ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{
        flow::PathTrace,
        remedy::{NetworkRemedy, RouteFault},
        route_table::{reroute, route_label},
        statement::NetworkStatement,
    },
};

impl PathTrace<'_> {
    /// Source: VPC peering guide, "VPC peering limitations": no edge to edge routing through a gateway.
    pub(super) fn not_transitive(&self, table: &RouteTable, route: &Route) -> Verdict {
        Verdict::Fail(
            observed(
                &route_label(table, route),
                NetworkStatement::PeeringIsNotTransitive.for_service(self.service),
            ),
            reroute(table, route, RouteFault::Peering),
        )
    }

    pub(super) fn peering(&self, table: &RouteTable, route: &Route, id: &PeeringId) -> Answer {
        let subject = route_label(table, route);
        let peering = self.facts.peering(id).required()?;
        Ok(match &peering.state {
            PeeringState::Active => {
                Verdict::Pass(observed(&subject, NetworkStatement::PeeringActive))
            }
            PeeringState::Other(word) => {
                return Err(Unknown::limit(format!("{id} is in an unrecognized state: {word}")));
            }
            state => Verdict::Fail(
                observed(
                    &subject,
                    NetworkStatement::PeeringIs(state.clone()).for_service(self.service),
                ),
                Fix::of(NetworkRemedy::AcceptPeering { peering: id.clone() }, Recovery::Agent),
            ),
        })
    }
}
