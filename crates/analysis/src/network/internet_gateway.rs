//! Internet gateways and egress-only internet gateways, and the addresses that they take.

use alloc::format;

use ssm_doctor_facts::{ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{flow::PathTrace, remedy::NetworkRemedy, statement::NetworkStatement},
};

impl PathTrace<'_> {
    pub(super) fn internet_gateway(
        &self,
        vpc: &VpcId,
        table: &RouteTable,
        id: &InternetGatewayId,
    ) -> Answer {
        let listed = self.facts.internet_gateways(vpc).required()?;
        let ours = listed.iter().find(|it| it.id == *id).map(|it| it.state.as_str());
        let fix = Fix::of(
            NetworkRemedy::AttachInternetGateway { gateway: id.clone(), vpc: vpc.clone() },
            Recovery::Agent,
        );
        self.attached(vpc, &format!("{} → {id}", table.id), ours, fix)
    }

    pub(super) fn egress_only_gateway(
        &self,
        table: &RouteTable,
        id: &EgressOnlyGatewayId,
    ) -> Answer {
        let vpc = self.from.vpc;
        let listed = self.facts.egress_only_gateways(vpc).required()?;
        let ours = listed.iter().find(|it| it.id == *id).map(|it| it.state.as_str());
        let fix =
            Fix::of(NetworkRemedy::CreateEgressOnlyGateway { vpc: vpc.clone() }, Recovery::Agent);
        self.attached(vpc, &format!("{} → {id}", table.id), ours, fix)
    }

    /// A gateway by the state of its attachment to the VPC, if it has one.
    pub(super) fn attached(
        &self,
        vpc: &VpcId,
        subject: &str,
        state: Option<&str>,
        fix: Fix,
    ) -> Answer {
        match state {
            Some("available" | "attached") => {
                Ok(Verdict::Pass(observed(subject, NetworkStatement::Attached(vpc.clone()))))
            }
            // AWS marks the routes to a gateway that is gone as blackholes.
            None => Err(Unknown::limit(format!(
                "{subject} is an active route, and {vpc} has no such gateway: look again in some minutes"
            ))),
            Some("attaching" | "detaching" | "detached") => Ok(Verdict::Fail(
                observed(
                    subject,
                    NetworkStatement::NotAttached(vpc.clone()).for_service(self.service),
                ),
                fix,
            )),
            Some(word) => {
                Err(Unknown::limit(format!("{subject} is attached in an unrecognized way: {word}")))
            }
        }
    }

    /// An internet gateway translates between an instance's public address and its private one; without
    /// a public address there is nothing to translate to. IPv6 addresses are public as they are.
    pub(super) fn public_address(&self, route: &Route) -> Answer {
        let interface = self.from.interface;
        if self.from.address.is_ipv6() {
            return Ok(Verdict::Pass(observed(
                &interface.id,
                NetworkStatement::HasIpv6Address(self.from.address),
            )));
        }
        if let Some(address) = interface.public_ip {
            return Ok(Verdict::Pass(observed(
                &interface.id,
                NetworkStatement::HasPublicAddress(address),
            )));
        }
        if !self.from.host.running {
            // Source: EC2 user guide, "Amazon EC2 instance IP addressing": the address is released when the
            // instance stops, and it may have had none. How it was launched does not show.
            return Err(Unknown::limit(format!(
                "{} is stopped, so it has no public address; whether it gets one when it starts is not visible",
                self.scope.target
            )));
        }
        Ok(Verdict::Fail(
            observed(
                &interface.id,
                NetworkStatement::NoPublicAddress {
                    to: route.to.clone(),
                    gateway: route.via.clone(),
                    has_ipv6: !interface.ipv6.is_empty(),
                },
            ),
            Fix::of(
                NetworkRemedy::GiveElasticAddress { interface: interface.id.clone() },
                Recovery::Agent,
            ),
        ))
    }
}
