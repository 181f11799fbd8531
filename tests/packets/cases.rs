//! What AWS documents, one change of a built-in scenario at a time.

use serde_json::{Value, json};
use ssm_doctor_facts::{lookup::Facts, scope::Scope};
use ssm_doctor_fixtures as fixtures;

use crate::reference::Arrival::{self, Everywhere, Nowhere, Uncertain};

pub struct Case {
    pub name: &'static str,
    /// For names of namespaces.
    pub short: &'static str,
    ground: &'static str,
    pub service: &'static str,
    pub arrival: Arrival,
    patch: Value,
}

impl Case {
    pub fn scenario(&self) -> (Facts, Scope) {
        let scenario = fixtures::named(self.ground).unwrap();
        let mut facts = serde_json::to_value(scenario.facts).unwrap();
        json_patch::merge(&mut facts, &self.patch);
        (serde_json::from_value(facts).unwrap(), scenario.scope)
    }
}

const VPC: &str = "vpc-0a1b2c3d";

fn entry(number: i32, egress: bool, allow: bool, ports: (u16, u16), cidr: &str) -> Value {
    json!({
        "number": number, "egress": egress, "allow": allow,
        "traffic": {"tcp": [ports.0, ports.1]}, "peer": {"cidr": cidr},
    })
}

/// An ACL that lets everything pass, behind these entries.
fn acl(id: &str, subnets: &[&str], mut entries: Vec<Value>) -> Value {
    for egress in [true, false] {
        entries.push(entry(1000, egress, true, (0, 65535), "0.0.0.0/0"));
    }
    json!({"id": id, "default": id == "acl-0default", "subnets": subnets, "entries": entries})
}

fn table(id: &str, subnets: &[&str], routes: &[(Value, &str, &str)]) -> Value {
    let local = json!({"to": {"cidr": "10.0.0.0/16"}, "via": "local", "state": "active"});
    let routes =
        routes.iter().map(|(to, via, state)| json!({"to": to, "via": via, "state": state}));
    json!({
        "id": id, "main": id == "rtb-0main", "subnets": subnets,
        "routes": std::iter::once(local).chain(routes).collect::<Vec<_>>(),
    })
}

fn cidr(cidr: &str) -> Value {
    json!({"cidr": cidr})
}

fn group(ingress: &[(Value, Value)], egress: &[(Value, Value)]) -> Value {
    let rules = |all: &[(Value, Value)]| {
        all.iter()
            .map(|(traffic, peer)| json!({"traffic": traffic, "peer": peer}))
            .collect::<Vec<_>>()
    };
    json!({"ingress": rules(ingress), "egress": rules(egress)})
}

fn tcp(low: u16, high: u16) -> Value {
    json!({"tcp": [low, high]})
}

pub fn all() -> Vec<Case> {
    let on = |table: &str, row: Value| json!({ table: { VPC: row } });
    let endpoints = |short, name, arrival, patch| Case {
        name,
        short,
        arrival,
        patch,
        ground: "private-endpoints",
        service: "ssm",
    };
    let nat = |short, name, arrival, patch| Case {
        name,
        short,
        arrival,
        patch,
        ground: "private-nat",
        service: "ssm",
    };
    let public = |short, name, arrival, patch| Case {
        name,
        short,
        arrival,
        patch,
        ground: "public-ip",
        service: "ssm",
    };
    let endpoint_acl = |entries| {
        on(
            "network_acls",
            json!([
                acl("acl-0default", &["subnet-0instances"], Vec::new()),
                acl("acl-0endpoints", &["subnet-0endpoints"], entries),
            ]),
        )
    };
    let instance_acl = |entries| {
        on(
            "network_acls",
            json!([
                acl("acl-0default", &["subnet-0endpoints"], Vec::new()),
                acl("acl-0instances", &["subnet-0instances"], entries),
            ]),
        )
    };
    let nat_acl = |entries| {
        on(
            "network_acls",
            json!([
                acl("acl-0default", &["subnet-0private"], Vec::new()),
                acl("acl-0public", &["subnet-0public"], entries),
            ]),
        )
    };
    let s3 = |arrival, short, name, mut patch: Value| {
        patch["prefix_lists"] = json!({"pl-0s3": {"cidrs": ["52.219.0.0/20", "3.5.152.0/21"]}});
        Case { name, short, arrival, patch, ground: "private-endpoints", service: "s3" }
    };
    let instances = "subnet-0instances";
    vec![
        endpoints("e1", "an endpoint in another subnet is reached", Everywhere, json!({})),
        endpoints(
            "e2",
            "a group that admits another range only drops",
            Nowhere,
            json!({
                "security_groups": {"sg-0endpoints": group(&[(tcp(443, 443), cidr("10.0.12.0/24"))], &[])},
            }),
        ),
        endpoints(
            "e3",
            "a group as peer stands for its members",
            Everywhere,
            json!({
                "security_groups": {
                    "sg-0endpoints": group(&[(json!("all"), json!({"group": "sg-0instance"}))], &[]),
                    "sg-0instance": group(&[], &[(tcp(443, 443), json!({"group": "sg-0endpoints"}))]),
                },
            }),
        ),
        endpoints(
            "e4",
            "a default group admits its own members only",
            Nowhere,
            json!({
                "security_groups": {"sg-0endpoints": group(&[(json!("all"), json!({"group": "sg-0endpoints"}))], &[])},
            }),
        ),
        endpoints(
            "e5",
            "ports up to 442 are not 443",
            Nowhere,
            json!({
                "security_groups": {"sg-0instance": group(&[], &[(tcp(0, 442), cidr("0.0.0.0/0"))])},
            }),
        ),
        endpoints(
            "e6",
            "the lower number of two ACL rules decides",
            Nowhere,
            endpoint_acl(vec![
                entry(99, false, false, (443, 443), "10.0.11.23/32"),
                entry(98, false, false, (443, 443), "10.0.11.24/32"),
                entry(100, false, true, (443, 443), "10.0.11.23/32"),
            ]),
        ),
        endpoints(
            "e7",
            "replies from an endpoint's subnet need their ports",
            Nowhere,
            endpoint_acl(vec![entry(10, true, false, (32768, 60999), "10.0.11.0/24")]),
        ),
        endpoints(
            "e8",
            "some ephemeral ports are some connections",
            Everywhere,
            instance_acl(vec![
                entry(10, false, true, (49152, 65535), "0.0.0.0/0"),
                entry(20, false, false, (1024, 65535), "0.0.0.0/0"),
            ]),
        ),
        endpoints(
            "e9",
            "no ACL stands between neighbours",
            Everywhere,
            json!({
                "endpoints": {VPC: [{
                        "id": "vpce-0ssm", "service": "com.amazonaws.ap-northeast-1.ssm", "kind": "Interface",
                        "state": "available", "subnets": [instances], "interfaces": ["eni-0ssm"],
                        "security_groups": ["sg-0endpoints"], "private_dns": true,
                    }]},
                    "network_interfaces": {"eni-0ssm": {"subnet": instances, "private_ips": ["10.0.11.40"]}},
                "network_acls": {VPC: [acl("acl-0instances", &[instances, "subnet-0endpoints"], vec![entry(1, true, false, (0, 65535), "0.0.0.0/0"), entry(1, false, false, (0, 65535), "0.0.0.0/0")])]},
            }),
        ),
        endpoints(
            "e10",
            "a longer prefix than local may be a blackhole",
            Nowhere,
            on(
                "route_tables",
                json!([
                    table("rtb-0main", &["subnet-0endpoints"], &[]),
                    table(
                        "rtb-0instances",
                        &[instances],
                        &[(cidr("10.0.1.0/24"), "eni-0gone", "blackhole")]
                    ),
                ]),
            ),
        ),
        endpoints(
            "e11",
            "the way back may be one too",
            Nowhere,
            on(
                "route_tables",
                json!([
                    table("rtb-0main", &[instances], &[]),
                    table(
                        "rtb-0endpoints",
                        &["subnet-0endpoints"],
                        &[(cidr("10.0.11.0/24"), "eni-0gone", "blackhole")]
                    ),
                ]),
            ),
        ),
        nat("n1", "a NAT gateway leads out", Everywhere, json!({})),
        nat(
            "n2",
            "a NAT gateway takes any port for its replies",
            Everywhere,
            nat_acl(vec![
                entry(10, false, true, (1024, 2047), "0.0.0.0/0"),
                entry(11, false, true, (443, 443), "10.0.0.0/16"),
                entry(20, false, false, (0, 65535), "0.0.0.0/0"),
            ]),
        ),
        nat(
            "n3",
            "a NAT gateway needs the ACL of its subnet for the way home",
            Nowhere,
            nat_acl(vec![entry(10, true, false, (1024, 65535), "10.0.11.0/24")]),
        ),
        nat(
            "n4",
            "a NAT gateway without a route leads nowhere",
            Nowhere,
            on(
                "route_tables",
                json!([
                    table("rtb-0main", &["subnet-0public"], &[]),
                    table(
                        "rtb-0private",
                        &["subnet-0private"],
                        &[(cidr("0.0.0.0/0"), "nat-0gateway", "active")]
                    ),
                ]),
            ),
        ),
        nat(
            "n5",
            "an internet gateway drops what a private NAT gateway sends",
            Nowhere,
            json!({
                "nat_gateways": {"nat-0gateway": {"connectivity": "private", "public_ips": null}},
            }),
        ),
        public("p1", "a public address leads out", Everywhere, json!({})),
        public(
            "p2",
            "an internet gateway drops what has no public address",
            Nowhere,
            json!({
                "instances": {"i-0abc123def4567890": {"interfaces": [{
                    "id": "eni-0instance", "device_index": 0, "subnet": "subnet-0public",
                    "private_ip": "10.0.1.23", "security_groups": ["sg-0instance"],
                }]}},
            }),
        ),
        public(
            "p3",
            "the longest prefix decides and a blackhole drops",
            Uncertain,
            on(
                "route_tables",
                json!([table(
                    "rtb-0main",
                    &[],
                    &[
                        (cidr("0.0.0.0/0"), "igw-0internet", "active"),
                        (cidr("52.0.0.0/8"), "eni-0gone", "blackhole")
                    ]
                ),]),
            ),
        ),
        public(
            "p4",
            "IPv6 leaves by an egress-only internet gateway",
            Everywhere,
            json!({
                // The first that asks for names with IPv6 addresses.
                "nodes": {"i-0abc123def4567890": {"agent_version": "3.3.3270.0"}},
                "vpcs": {VPC: {"cidrs": ["10.0.0.0/16", "2600:1f14:abcd:ef00::/56"]}},
                "egress_only_gateways": {VPC: [{"id": "eigw-0", "state": "attached"}]},
                "subnets": {"subnet-0public": {"cidr": null, "ipv6_cidrs": ["2600:1f14:abcd:ef01::/64"]}},
                "instances": {"i-0abc123def4567890": {"interfaces": [{
                    "id": "eni-0instance", "device_index": 0, "subnet": "subnet-0public",
                    "ipv6": ["2600:1f14:abcd:ef01::17"], "security_groups": ["sg-0instance"],
                }]}},
                "security_groups": {"sg-0instance": group(&[], &[(tcp(443, 443), cidr("2000::/3"))])},
                "network_acls": {VPC: [acl("acl-0default", &["subnet-0public"], vec![
                    entry(101, true, true, (443, 443), "::/0"), entry(101, false, true, (32768, 65535), "::/0"),
                ])]},
                "route_tables": {VPC: [{"id": "rtb-0main", "main": true, "routes": [
                    {"to": {"cidr": "10.0.0.0/16"}, "via": "local", "state": "active"},
                    {"to": {"cidr": "2600:1f14:abcd:ef00::/56"}, "via": "local", "state": "active"},
                    {"to": {"cidr": "::/0"}, "via": "eigw-0", "state": "active"},
                ]}]},
            }),
        ),
        s3(Everywhere, "s1", "a gateway endpoint needs no public address", json!({})),
        s3(
            Nowhere,
            "s2",
            "a gateway endpoint is not past the ACL",
            instance_acl(vec![
                entry(10, false, false, (1024, 65535), "52.219.0.0/20"),
                entry(11, false, false, (1024, 65535), "3.0.0.0/8"),
            ]),
        ),
    ]
}
