//! An endpoint that the service's name does not resolve to.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use ssm_doctor_facts::{ec2::*, lookup::Unknown};

use crate::{
    answer::*,
    dns::{Defect, Families},
    network::{
        flow::PathTrace,
        hop::{Hop, HopKind, Path, Reachable},
        path::once_led_to,
        remedy::NetworkRemedy,
        statement::NetworkStatement,
    },
};

impl PathTrace<'_> {
    /// There is an endpoint that does not get the traffic: a fault only if the public path does not work
    /// instead.
    pub(super) fn unused_endpoint(
        &self,
        endpoint: &Endpoint,
        defect: Defect,
        hops: &mut Vec<Hop>,
    ) -> Result<(), Unknown> {
        // A custom DNS server may resolve the name to the endpoint all the same, or to something else.
        let unanswered = hops.iter().find(|it| it.kind == HopKind::NameServer);
        let unanswered = unanswered.and_then(|it| it.answer.as_ref().err().cloned());
        let mut way = Vec::new();
        // Gateway endpoints need no name of their own.
        let unfollowed = match self.gateway_endpoint()?.filter(|_| self.service == "s3") {
            Some(gateway) => self.to_gateway_endpoint(gateway, &mut way),
            None => self.to_public(&mut way),
        };
        let public = Path { service: "", hops: way, unfollowed: unfollowed.err() };
        let (kind, id, defective) = self.defective(endpoint, defect);
        let defective = match (unanswered, defective) {
            (Some(unknown), Ok(Verdict::Fail(..))) => Err(unknown),
            (_, defective) => defective,
        };
        // The private zone may exist before its endpoint works, and for a while after.
        let in_between = matches!(
            endpoint.state,
            EndpointState::Pending | EndpointState::Deleting | EndpointState::Partial
        ) && endpoint.private_dns;
        let answer = match (public.reachable(), defective) {
            (_, Err(unknown)) => Err(unknown),
            (Reachable::Yes, _) if in_between => Err(Unknown::limit(format!(
                "{id} is {}, and whether its private DNS already leads to it, or still, is not visible",
                endpoint.state
            ))),
            (Reachable::Yes, Ok(Verdict::Fail(evidence, _))) => Ok(Verdict::Pass(evidence.and(
                observed(&id, NetworkStatement::PublicPathServes(self.service)),
            ))),
            (Reachable::No, Ok(Verdict::Fail(evidence, fix))) => {
                let (evidence, fix) = self.and_beyond(endpoint, defect, evidence, fix);
                Ok(Verdict::Fail(evidence, fix))
            }
            (Reachable::Yes | Reachable::No, defective) => defective,
            (Reachable::Unknown, Ok(_)) => Err(Unknown::limit(format!(
                "{} has to take the public path, since {id} does not serve it, and that path cannot be followed to its end",
                self.service
            ))
            .and(public.unknown())),
        };
        let unclear = answer.as_ref().err().cloned();
        hops.push(Hop { kind, id, answer });
        if public.reachable() == Reachable::Yes {
            hops.extend(public.hops);
        }
        unclear.map_or(Ok(()), Err)
    }

    /// Why an endpoint does not get the traffic: a failure, or an unrecognized state.
    fn defective(&self, endpoint: &Endpoint, defect: Defect) -> (HopKind, String, Answer) {
        let vpc = self.from.vpc;
        let (id, subject) = (endpoint.id.to_string(), self.subject(endpoint));
        match defect {
            Defect::NotAvailable => (HopKind::Endpoint, id, self.available(endpoint)),
            Defect::PrivateDnsOff => {
                let fix = Fix::of(
                    NetworkRemedy::EnablePrivateDns { endpoint: endpoint.id.clone() },
                    Recovery::Agent,
                );
                (
                    HopKind::PrivateDns,
                    id,
                    Ok(Verdict::Fail(observed(&subject, NetworkStatement::PrivateDnsOff), fix)),
                )
            }
            Defect::VpcDnsOff => {
                let (evidence, fix) = self.vpc_dns_off(endpoint, false);
                (HopKind::VpcDns, vpc.to_string(), Ok(Verdict::Fail(evidence, fix)))
            }
        }
    }

    fn vpc_dns_off(&self, endpoint: &Endpoint, prevents_private_dns: bool) -> (Evidence, Fix) {
        let (endpoint, vpc) = (endpoint.id.clone(), self.from.vpc);
        let off = NetworkStatement::VpcDnsOff { endpoint, prevents_private_dns };
        let fix = Fix::of(NetworkRemedy::EnableVpcDns { vpc: vpc.clone() }, Recovery::Agent);
        (observed(vpc, off), fix)
    }

    /// Why the name does not resolve to an endpoint, and what would certainly stop packets on the path
    /// there: without this it would show only after the first fix. What was not seen of that path adds
    /// nothing.
    fn and_beyond(
        &self,
        endpoint: &Endpoint,
        defect: Defect,
        evidence: Evidence,
        fix: Fix,
    ) -> (Evidence, Fix) {
        if defect == Defect::NotAvailable {
            return (evidence, fix);
        }
        let (mut evidence, mut fix) = (evidence, fix);
        let dns = self.facts.vpc_dns(self.from.vpc).required();
        if defect == Defect::PrivateDnsOff && dns.is_ok_and(|it| !it.support || !it.hostnames) {
            let (off, remedy) = self.vpc_dns_off(endpoint, true);
            (evidence, fix) = (evidence.and(off), remedy.and(fix));
        }
        let mut hops = Vec::new();
        let families = Families::of_endpoint(endpoint);
        let unfollowed = self.by_endpoint(endpoint, &[], families, &mut hops).err();
        let unseen = hops.iter().filter_map(|it| it.answer.as_ref().err()).chain(&unfollowed);
        let evidence = evidence.wanting(unseen.cloned().flat_map(Unknown::unasked));
        let stops = hops.into_iter().filter(Hop::stops);
        stops.fold((evidence, fix), |(evidence, fix), hop| match hop.answer {
            // The names change for the whole VPC at once, so the path to the endpoint must work before.
            Ok(Verdict::Fail(more, remedy)) => {
                (evidence.and(once_led_to(endpoint, more)), remedy.and(fix))
            }
            _ => (evidence, fix),
        })
    }
}
