//! What cannot be in any account, so that a story that has it was written wrong.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use ssm_doctor_facts::{
    ec2::Destination,
    ids::SubnetId,
    lookup::Row,
    ssm::{Connection, Ping},
};
use ssm_doctor_fixtures::Scenario;

#[must_use]
pub fn contradictions(scenario: &Scenario) -> Vec<String> {
    let (facts, target) = (&scenario.facts, &scenario.scope.target);
    let mut wrong = Vec::new();
    let mut say = |what: String| wrong.push(format!("{}: {what}", scenario.name));
    let online =
        matches!(facts.nodes.get(target), Some(Row::Present(it)) if it.ping == Ping::Online);
    let connected =
        matches!(facts.connections.get(target), Some(Row::Present(Connection::Connected)));
    if connected && !online {
        say("a session channel, and no heartbeat".into());
    }
    // Every address is of its subnet, every subnet of its VPC.
    for (id, row) in &facts.subnets {
        let Row::Present(row) = row else { continue };
        let Some(Row::Present(vpc)) = facts.vpcs.get(&row.vpc) else { continue };
        let v4 = row.cidr.map(IpNet::V4);
        for net in v4.into_iter().chain(row.ipv6_cidrs.iter().copied().map(IpNet::V6)) {
            if !vpc.cidrs.iter().any(|it| it.contains(&net)) {
                say(format!("{id} has {net}, which is not of {}", row.vpc));
            }
        }
    }
    let mut placed: Vec<(String, SubnetId, IpAddr)> = Vec::new();
    for row in facts.instances.values() {
        let Row::Present(row) = row else { continue };
        if row.primary_interface().map(|it| &it.subnet) != row.subnet.as_ref() {
            say(format!("the instance is in {:?}, and its first interface is not", row.subnet));
        }
        for it in &row.interfaces {
            let v4 = it.private_ip.map(IpAddr::V4);
            let addresses = v4.into_iter().chain(it.ipv6.iter().copied().map(IpAddr::V6));
            placed.extend(addresses.map(|ip| (it.id.to_string(), it.subnet.clone(), ip)));
            for group in
                it.security_groups.iter().filter(|it| !facts.security_groups.contains_key(it))
            {
                say(format!("{group} of the instance is nowhere"));
            }
        }
    }
    for (id, row) in &facts.network_interfaces {
        let Row::Present(row) = row else { continue };
        placed.extend(row.private_ips.iter().map(|ip| (id.to_string(), row.subnet.clone(), *ip)));
    }
    for (id, place, ip) in placed {
        let Some(row) = facts.subnets.get(&place).and_then(present) else { continue };
        let v4 = row.cidr.map(IpNet::V4);
        if !v4
            .into_iter()
            .chain(row.ipv6_cidrs.iter().copied().map(IpNet::V6))
            .any(|it| it.contains(&ip))
        {
            say(format!("{id} has {ip}, which is not of {place}"));
        }
    }
    // An interface of an endpoint has the endpoint's groups, and stands in one of its subnets.
    for endpoint in facts.endpoints.values().filter_map(present).flatten() {
        for id in &endpoint.interfaces {
            let Some(Row::Present(row)) = facts.network_interfaces.get(id) else { continue };
            if row.security_groups != endpoint.security_groups {
                say(format!("{id} has other groups than {}", endpoint.id));
            }
            if !endpoint.subnets.contains(&row.subnet) {
                say(format!("{id} stands in {}, and {} does not", row.subnet, endpoint.id));
            }
        }
        for group in
            endpoint.security_groups.iter().filter(|it| !facts.security_groups.contains_key(it))
        {
            say(format!("{group} of {} is nowhere", endpoint.id));
        }
    }
    // A subnet has one table and one ACL, and every table the VPC's own CIDRs.
    for (vpc, row) in &facts.route_tables {
        let Row::Present(tables) = row else { continue };
        once(tables.iter().flat_map(|it| &it.subnets), "route tables", &mut say);
        let Some(Row::Present(row)) = facts.vpcs.get(vpc) else { continue };
        for (table, net) in tables.iter().flat_map(|it| row.cidrs.iter().map(move |net| (it, net)))
        {
            if !table.routes.iter().any(|it| it.to == Destination::Cidr(*net)) {
                say(format!("{} has no route for {net}", table.id));
            }
        }
    }
    for acls in facts.network_acls.values().filter_map(present) {
        once(acls.iter().flat_map(|it| &it.subnets), "network ACLs", &mut say);
    }
    wrong
}

fn present<T>(row: &Row<T>) -> Option<&T> {
    match row {
        Row::Present(row) => Some(row),
        _ => None,
    }
}

fn once<'a>(subnets: impl Iterator<Item = &'a SubnetId>, of: &str, say: &mut impl FnMut(String)) {
    let mut seen = BTreeSet::new();
    for subnet in subnets {
        if !seen.insert(subnet) {
            say(format!("{subnet} has two {of}"));
        }
    }
}
