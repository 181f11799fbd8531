//! VPC peering connections.

use alloc::format;

use ssm_doctor_facts::{ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{
        address_set::Addresses,
        flow::{Flow, FlowTarget, PathTrace, Remote, TableRoute},
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

    /// Packets for another VPC than the peer. The peer drops them, unless it has their address too.
    fn beyond_peer(
        &self,
        (table, route): TableRoute,
        [from, peer, wanted]: [&VpcId; 3],
        destination: &Remote,
    ) -> Answer {
        let doubt = |why: &str| {
            Unknown::limit(format!(
                "{} leads to {peer}, which is another VPC than {wanted}, and {why}",
                route.via
            ))
        };
        let Ok(Some(row)) = seen(self.facts.vpc(peer).optional())? else {
            return Err(doubt("its addresses are not visible"));
        };
        if Addresses::of(destination.family(), &row.cidrs).meets(&destination.addresses) {
            return Err(doubt("has the same addresses"));
        }
        let (one, other) = if from < wanted { (from, wanted) } else { (wanted, from) };
        let fix = NetworkRemedy::ConnectVpcs { one: one.clone(), other: other.clone() };
        let (peer, wanted) = (peer.clone(), wanted.clone());
        let elsewhere = NetworkStatement::PeeringLeadsElsewhere { peer, wanted };
        Ok(Verdict::Fail(
            observed(&route_label(table, route), elsewhere.for_service(self.service)),
            Fix::of(fix, Recovery::Agent),
        ))
    }

    /// A peering connection that packets from a VPC take.
    pub(super) fn peering(
        &self,
        from: &VpcId,
        (table, route): TableRoute,
        id: &PeeringId,
        flow: Flow,
    ) -> Answer {
        let subject = route_label(table, route);
        let peering = self.facts.peering(id).required()?;
        Ok(match &peering.state {
            PeeringState::Active => {
                let sides = [&peering.requester.vpc, &peering.accepter.vpc];
                let peer = sides.into_iter().find(|side| *side != from);
                match (flow.target, peer) {
                    (FlowTarget::Subnet((vpc, _)), Some(peer)) if !sides.contains(&vpc) => {
                        return self.beyond_peer(
                            (table, route),
                            [from, peer, vpc],
                            flow.destination,
                        );
                    }
                    // It may be in a third VPC.
                    (FlowTarget::Unseen(unknown), _) => return Err(unknown.clone()),
                    _ => {}
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
