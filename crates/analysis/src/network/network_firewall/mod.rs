//! AWS Network Firewall on the way out: what its rules do with the name that the agent asks for.
//!
//! A route leads to it by an endpoint like that of any appliance behind a load balancer. One of the
//! account's own can be read; of another account's firewall, and of an appliance that is none, nothing
//! shows.

use alloc::{format, vec, vec::Vec};

use ssm_doctor_facts::{ec2::*, ids::*, lookup::Unknown, network_firewall::*};

mod inspection;
mod stateful;

use crate::{
    answer::*,
    network::{
        flow::{HTTPS, PathTrace, Remote},
        hop::{Hop, HopKind},
        remedy::{FirewallFault, NetworkRemedy, RouteFault},
        route_table::{active, not_visible, reroute, route_label},
        statement::{NetworkStatement, Opaque},
    },
};
use inspection::{Connection, Drop, Inspection, Outcome, Sni};

/// If the next hop was not requested yet, stay unasked so that the collector fetches it.
fn and_unasked(on: Unknown, unknown: &Unknown) -> Unknown {
    if unknown.is_unasked() { on.and(unknown.clone()) } else { on }
}

impl PathTrace<'_> {
    /// An endpoint that is no gateway endpoint: a firewall of ours, or an appliance that does not show.
    /// What follows is not visible either way.
    pub(in crate::network) fn through_firewall(
        &self,
        vpc: &VpcId,
        table: &RouteTable,
        route: &Route,
        id: &EndpointId,
        destination: &Remote,
    ) -> Vec<Hop> {
        let mut hops = vec![Hop::new(HopKind::NextHop, &route.via, Ok(active(table, route)))];
        let on = not_visible(table, route);
        let firewalls = match self.facts.network_firewalls(vpc).required() {
            Ok(firewalls) => firewalls,
            Err(unknown) => {
                let on = and_unasked(on, &unknown);
                hops.push(Hop::new(HopKind::Firewall, id, Err(unknown)));
                hops.extend(self.beyond_visibility(table, route, on));
                return hops;
            }
        };
        let owner = firewalls.iter().find_map(|firewall| {
            Some((firewall, firewall.endpoints.iter().find(|it| it.id == *id)?))
        });
        let Some((firewall, endpoint)) = owner else {
            hops.extend(self.beyond_visibility(table, route, on));
            return hops;
        };
        let answer = self.firewall(vpc, (table, route), (firewall, endpoint), destination);
        let passes = match &answer {
            Ok(Verdict::Fail(..)) => Some(false),
            Ok(_) => Some(true),
            Err(_) => None,
        };
        let stops = matches!(answer, Ok(Verdict::Fail(..)));
        let on = answer.as_ref().err().map_or_else(|| on.clone(), |it| and_unasked(on.clone(), it));
        let name = format!("firewall {}", firewall.name);
        hops.push(Hop::new(HopKind::Firewall, &name, answer));
        let what = Opaque::Firewall { name: firewall.name.clone(), passes };
        let beyond = self.beyond_visibility_as(table, route, &what, on);
        // If the firewall stops everything, what follows does not matter.
        hops.extend(beyond.into_iter().filter(|it| !stops || it.kind == HopKind::Appliance));
        hops
    }

    pub(in crate::network) fn firewall(
        &self,
        vpc: &VpcId,
        (table, route): (&RouteTable, &Route),
        (firewall, endpoint): (&NetworkFirewall, &FirewallEndpoint),
        destination: &Remote,
    ) -> Answer {
        let name = format!("firewall {}", firewall.name);
        let deleting = firewall.state == FirewallState::Deleting
            || endpoint.state == FirewallEndpointState::Deleting;
        if deleting {
            return Ok(Verdict::Fail(
                observed(
                    &name,
                    NetworkStatement::FirewallIsBeingDeleted { route: route_label(table, route) }
                        .for_service(self.service),
                ),
                reroute(table, route, RouteFault::FirewallIsBeingDeleted),
            ));
        }
        if endpoint.state != FirewallEndpointState::Ready {
            let why = endpoint.message.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
            return Err(Unknown::limit(format!(
                "the endpoint {} of {name} is {}{why}",
                endpoint.id, endpoint.state
            )));
        }
        if firewall.state != FirewallState::Ready {
            return Err(Unknown::limit(format!(
                "{name} is {}, so its rules may not be those that its policy has",
                firewall.state
            )));
        }
        if firewall.proxy {
            return Err(Unknown::limit(format!(
                "{name} is a proxy, and what it passes on is not evaluated"
            )));
        }
        let policy = self.facts.network_firewall_policy(&firewall.policy).required()?;
        let home = if vpc == self.from.vpc {
            self.from.host.own
        } else {
            &self.facts.vpc(vpc).required()?.cidrs
        };
        let inspection = Inspection {
            facts: self.facts,
            policy_arn: &firewall.policy,
            policy,
            home: Some(home).filter(|it| !it.is_empty()),
        };
        let region = &self.scope.region;
        let asked = region.service_host(self.service);
        let of = |sni| {
            inspection.of(&Connection {
                sni,
                from: self.from.address,
                from_ports: self.from.ports(),
                to: destination.clone(),
                to_port: HTTPS,
            })
        };
        // The agent asks S3 by names of buckets.
        let sni = if self.service == "s3" {
            Sni::Below(region.dns_suffix().into())
        } else {
            Sni::Exactly(asked.clone())
        };
        let decides = |how| NetworkStatement::FirewallDecides {
            host: asked.clone(),
            route: route_label(table, route),
            how,
        };
        let drop = match of(sni)? {
            Outcome::Passes(how) => {
                return Ok(Verdict::Pass(observed(&name, decides(how))));
            }
            Outcome::Drops(drop) => drop,
        };
        // If the rules pass another of the service's names, the agent may be configured to use that
        // name.
        let others = region.other_service_hosts(self.service).into_iter();
        for other in others.filter(|_| drop.for_want_of_name) {
            if let Outcome::Passes(how) = of(Sni::Exactly(other.clone()))? {
                return Err(Unknown::limit(format!(
                    "{name} drops {asked} and lets {other} pass ({how}), and by which of them the agent asks is not visible"
                )));
            }
        }
        let fix = self.opening(firewall, &drop, &asked);
        Ok(Verdict::Fail(observed(&name, decides(drop.how)), fix))
    }

    /// What to change so that `asked` gets through.
    fn opening(&self, firewall: &NetworkFirewall, drop: &Drop, asked: &str) -> Fix {
        let host = asked.into();
        let because = if drop.for_want_of_name {
            FirewallFault::NameNotListed { host, suffix: self.scope.region.dns_suffix() }
        } else if drop.from_outside {
            FirewallFault::SourceOutsideHomeNet(self.from.address)
        } else {
            FirewallFault::Drops { host }
        };
        let (policy, group) = (firewall.policy.clone(), drop.group.clone());
        Fix::of(NetworkRemedy::OpenFirewall { policy, group, because }, Recovery::Agent)
    }
}
