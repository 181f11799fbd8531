//! An endpoint in another VPC, which a private hosted zone leads to.

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::{likely, no, some_groups, yes};

/// Where the endpoint may have interfaces.
const SUBNETS: &[&[usize]] = &[&[0], &[1], &[0, 1]];

#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "so much can be wrong with it")]
pub struct Hub {
    /// No endpoint of the instance's own VPC stands beside it.
    pub alone: bool,
    /// Where the subnets route the hub's range.
    pub via: &'static str,
    pub zone: &'static str,
    /// How the zone's record names the endpoint.
    pub by: &'static str,
    service: Option<&'static str>,
    state: &'static str,
    subnets: &'static [usize],
    groups: Vec<usize>,
    /// Where the hub's main table routes the range of the instance's VPC.
    pub back: &'static str,
    peering: &'static str,
    /// Does the peering connection lead to the hub?
    joined: bool,
}

pub fn hub() -> impl Strategy<Value = Option<Hub>> {
    let zone = likely("", 5, &["eu-west-1.amazonaws.com", "amazonaws.com"]);
    let hub = (
        (yes(8), likely("pcx-1", 3, &["tgw-1"]), zone, select(&["address", "alias", "CNAME"][..])),
        likely(None, 12, &[Some("ec2")]),
        likely("available", 10, &["pending", "rejected", "partial", "mending"]),
        select(SUBNETS),
        some_groups(4),
        likely("same", 8, &["", "blackhole", "pcx-1", "tgw-1", "nat-e", "vgw-1"]),
        likely("active", 10, &["pending-acceptance", "deleted", "expired", "puzzled"]),
        no(12),
    )
        .prop_map(|(way, service, state, subnets, groups, back, peering, astray)| {
            let (alone, via, zone, by) = way;
            let back = if back == "same" { via } else { back };
            let joined = !astray;
            Hub { alone, via, zone, by, service, state, subnets, groups, back, peering, joined }
        });
    proptest::option::weighted(0.2, hub)
}

impl Hub {
    fn name(&self, service: &str) -> String {
        format!("vpce-77-abcd.{}.eu-west-1.vpce.amazonaws.com", self.service.unwrap_or(service))
    }

    fn addresses(&self) -> Vec<String> {
        self.subnets.iter().map(|at| format!("10.9.{at}.200")).collect()
    }

    /// The record of the instance's zone for the service.
    pub fn record(&self, service: &str) -> Value {
        let name = format!("{service}.eu-west-1.amazonaws.com");
        match self.by {
            "alias" => json!({"name": name, "kind": "A", "alias": self.name(service)}),
            "CNAME" => json!({"name": name, "kind": "CNAME", "values": [self.name(service)]}),
            _ => json!({"name": name, "kind": "A", "values": self.addresses()}),
        }
    }

    pub fn describe(&self, facts: &mut Value, service: &str) {
        let service_name = format!("com.amazonaws.eu-west-1.{}", self.service.unwrap_or(service));
        let groups = super::groups(&self.groups);
        let endpoint = json!({
            "id": "vpce-77", "service": service_name, "kind": "Interface", "state": self.state,
            "private_dns": false, "security_groups": groups, "vpc": "vpc-2",
            "subnets": self.subnets.iter().map(|at| format!("subnet-e{at}")).collect::<Vec<_>>(),
            "interfaces": self.subnets.iter().map(|at| format!("eni-h{at}")).collect::<Vec<_>>(),
            "names": [self.name(service)],
        });
        for (at, address) in self.subnets.iter().zip(self.addresses()) {
            facts["network_interfaces"][format!("eni-h{at}")] = json!({
                "subnet": format!("subnet-e{at}"), "private_ips": [address],
                "security_groups": groups,
            });
        }
        facts["distant_endpoints"] = json!({"vpce-77": endpoint});
        facts["endpoints"]["vpc-2"] = json!([endpoint]);
        match facts["service_endpoints"][&service_name].as_array_mut() {
            Some(all) => all.push(endpoint),
            None => facts["service_endpoints"][&service_name] = json!([endpoint]),
        }
        facts["peerings"]["pcx-1"]["state"] = json!(self.peering);
        if !self.joined {
            facts["peerings"]["pcx-1"]["accepter"]["vpc"] = json!("vpc-3");
        }
    }
}
