//! VPC peering connections.

use alloc::format;

use ssm_doctor_facts::{ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{
        flow::{FlowTarget, PathTrace},
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

    /// A peering connection that packets take to `target`.
    pub(super) fn peering(
        &self,
        table: &RouteTable,
        route: &Route,
        id: &PeeringId,
        target: FlowTarget,
    ) -> Answer {
        let subject = route_label(table, route);
        let peering = self.facts.peering(id).required()?;
        Ok(match &peering.state {
            PeeringState::Active => {
                let sides = [&peering.requester.vpc, &peering.accepter.vpc];
                if let FlowTarget::Subnet((vpc, _)) = target
                    && !sides.contains(&vpc)
                {
                    return Err(Unknown::limit(format!(
                        "{id} leads to another VPC than {vpc}, and what lies beyond is not visible"
                    )));
                }
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
