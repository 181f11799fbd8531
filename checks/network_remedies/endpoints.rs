//! Endpoints for the services that a session needs.

use alloc::{format, string::String, vec, vec::Vec};

use ipnet::IpNet;
use ssm_doctor_analysis::{answer::FixOption, network::service::CORE};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, Protocol, Source},
    ec2::*,
    ids::*,
    lookup::{Need, Row},
};

use super::{
    network::{HTTPS, Network},
    quotas,
};
use crate::engine::list::list;

/// Interface endpoints that the VPC lacks: for `service`, or for every session's services but those `reached`. Empty
/// if none is missing, or the VPC was not seen.
pub(super) fn create(
    network: &Network,
    service: Option<&'static str>,
    reached: &[&str],
) -> Vec<FixOption> {
    let (Some((vpc, _)), Some(interface)) = (network.own_vpc(), network.own_interface()) else {
        return Vec::new();
    };
    // An endpoint in a subnet without IPv4 needs IPv6 names, which the agent asks for only by choice.
    if interface.private_ip.is_none() || !network.facts.endpoints.contains_key(vpc) {
        return Vec::new();
    }
    let region = &network.scope.region;
    let served = |service: &str| {
        network.endpoints(vpc).iter().any(|endpoint| {
            endpoint.serves(region) == Some(service)
                && endpoint.kind == EndpointKind::Interface
                && endpoint.state != EndpointState::Deleted
        })
    };
    // S3 has gateway endpoints, which cost nothing.
    let mut services = match service {
        Some(service) if service != "s3" && !CORE.contains(&service) => vec![service],
        _ => CORE.to_vec(),
    };
    // AWS refuses private DNS beside a private hosted zone of the same name ("there is already a
    // conflicting DNS domain", hashicorp/terraform-provider-aws#17535), and the zone serves the name.
    let has_zone = |service: &str| network.has_zone(vpc, &region.service_host(service));
    services.retain(|service| !served(service) && !has_zone(service) && !reached.contains(service));
    if services.is_empty() {
        return Vec::new();
    }
    let what = if services.len() > 1 { "interface endpoints" } else { "an interface endpoint" };
    let mut option = FixOption::new(String::new());
    option.changes = vpc_dns(network, vpc);
    let group = group(network, vpc, &mut option);
    let with = if group.is_created() {
        String::from("with a new security group that admits the VPC")
    } else {
        format!("with the security group {group}, which admits the instance")
    };
    option.title =
        format!("create {what} for {} in {}, {with}", services.join(" and "), interface.subnet);
    for service in services {
        option.changes.push(
            Ec2Change::CreateInterfaceEndpoint {
                vpc: vpc.clone(),
                service: region.endpoint_service(service),
                subnets: vec![interface.subnet.clone()],
                groups: vec![group.clone()],
            }
            .into(),
        );
    }
    vec![option]
}

/// The DNS attributes that private DNS needs and the VPC lacks.
pub(super) fn vpc_dns(network: &Network, vpc: &VpcId) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(dns) = network.facts.vpc_dns.get(vpc).and_then(Row::present) {
        if !dns.support {
            changes.push(Ec2Change::EnableDnsSupport { vpc: vpc.clone() }.into());
        }
        if !dns.hostnames {
            changes.push(Ec2Change::EnableDnsHostnames { vpc: vpc.clone() }.into());
        }
    }
    changes
}

/// AWS refuses the change while a subnet of the endpoint lacks a range of either kind.
pub(super) fn dual_stack(network: &Network, id: &EndpointId) -> FixOption {
    let endpoint = network.endpoint(id);
    let subnets = endpoint.map_or(&[][..], |(_, endpoint)| &endpoint.subnets);
    let lacking = subnets.iter().filter(|subnet| {
        network
            .facts
            .subnets
            .get(subnet)
            .and_then(Row::present)
            .is_none_or(|subnet| subnet.cidr.is_none() || subnet.ipv6_cidrs.is_empty())
    });
    let lacking: Vec<&SubnetId> = lacking.collect();
    let option = FixOption::new(format!("give {id} IPv4 and IPv6 addresses"))
        .with(Ec2Change::MakeEndpointDualStack { endpoint: id.clone() });
    if lacking.is_empty() {
        option
    } else {
        option.after(format!("give {} an IPv4 and an IPv6 CIDR, if one is missing", list(&lacking)))
    }
}

pub(super) fn private_dns(network: &Network, endpoint: &EndpointId) -> FixOption {
    let vpc = network.endpoint(endpoint).and_then(|(vpc, _)| vpc);
    let mut option = FixOption::new(format!("turn on private DNS for {endpoint}"));
    option.changes = vpc.map_or_else(Vec::new, |vpc| vpc_dns(network, vpc));
    option.with(Ec2Change::EnablePrivateDns { endpoint: endpoint.clone() })
}

/// A group for endpoints that admits the instance: one that endpoints of the VPC have, or a new one. The
/// changes that create it, and that let the instance's own group out to it, are added to `option`.
fn group(network: &Network, vpc: &VpcId, option: &mut FixOption) -> SecurityGroupId {
    let in_use = network.endpoints(vpc).iter().flat_map(|endpoint| &endpoint.security_groups);
    let mut admitting = None;
    for id in in_use {
        match network.facts.security_groups.get(id).and_then(Row::present) {
            Some(group) if admits(network, group) => admitting = admitting.or(Some(id)),
            Some(_) => {}
            None if network.facts.security_groups.contains_key(id) => {}
            None => option.wanted.push(Need::security_group(id.clone())),
        }
    }
    let group = admitting.cloned().unwrap_or_else(SecurityGroupId::created);
    if group.is_created() {
        option.changes.push(Ec2Change::CreateSecurityGroup { vpc: vpc.clone() }.into());
        // With private DNS the names lead every instance of the VPC to the new endpoints. A group that
        // admits one instance alone would shut out the others.
        let ranges =
            network.facts.vpcs.get(vpc).and_then(Row::present).map_or(&[][..], |vpc| &vpc.cidrs);
        let ranges = ranges.iter().map(|range| Source::Range(*range));
        let from: Vec<Source> = match network.own_group() {
            Some(own) if ranges.len() == 0 => vec![Source::Group(own.clone())],
            _ => ranges.collect(),
        };
        let admit = |from| Ec2Change::AuthorizeIngress {
            group: group.clone(),
            protocol: Protocol::Tcp,
            port: HTTPS,
            from,
        };
        option.changes.extend(from.into_iter().map(admit).map(Change::from));
    }
    if let Some(own) = network.own_group()
        && lets_nothing_out(network, &group)
    {
        option.changes.push(
            Ec2Change::AuthorizeEgress {
                group: own.clone(),
                protocol: ssm_doctor_facts::change::Protocol::Tcp,
                port: HTTPS,
                to: Source::Group(group.clone()),
            }
            .into(),
        );
    }
    group
}

/// A group more for the endpoints that have this one, with the rule that the first option adds to this one.
pub(super) fn another_group(
    network: &Network,
    full: &SecurityGroupId,
    (protocol, port): (Protocol, u16),
    options: &[FixOption],
) -> Option<FixOption> {
    let changes = options.first().map(|option| option.changes.as_slice());
    let Some([Change::Ec2(Ec2Change::AuthorizeIngress { from, .. })]) = changes else {
        return None;
    };
    let all = network.facts.endpoints.iter().flat_map(|(vpc, row)| {
        row.present().into_iter().flatten().map(move |endpoint| (vpc, endpoint))
    });
    let of_group: Vec<(&VpcId, &Endpoint)> =
        all.filter(|(_, endpoint)| endpoint.security_groups.contains(full)).collect();
    let (vpc, _) = of_group.first()?;
    let is_core = |endpoint: &Endpoint| {
        endpoint.serves(&network.scope.region).is_some_and(|service| CORE.contains(&service))
    };
    let needs_all = !of_group.iter().any(|(_, endpoint)| is_core(endpoint));
    let of_group = of_group.iter().map(|(_, endpoint)| *endpoint);
    let endpoints: Vec<&Endpoint> =
        of_group.filter(|endpoint| needs_all || is_core(endpoint)).collect();
    if endpoints.iter().any(|endpoint| endpoint.security_groups.len() >= quotas::GROUPS) {
        return None;
    }
    let ids: Vec<&EndpointId> = endpoints.iter().map(|endpoint| &endpoint.id).collect();
    let group = SecurityGroupId::created();
    let admitted = match from {
        Source::Group(id) => format!("every member of {id}"),
        Source::Range(range) => format!("{range}"),
    };
    let mut option = FixOption::new(format!(
        "give {} a new security group beside {full}, which admits {admitted} on {}/{port}",
        list(&ids),
        protocol.as_str()
    ))
    .with(Ec2Change::CreateSecurityGroup { vpc: (*vpc).clone() })
    .with(Ec2Change::AuthorizeIngress {
        group: group.clone(),
        protocol,
        port,
        from: from.clone(),
    });
    for endpoint in ids {
        let (endpoint, group) = (endpoint.clone(), group.clone());
        option = option.with(Ec2Change::AddEndpointSecurityGroup { endpoint, group });
    }
    Some(option)
}

fn is_https(rule: &Rule) -> bool {
    match rule.traffic {
        Traffic::All => true,
        Traffic::Tcp(first, last) => (first..=last).contains(&HTTPS),
        _ => false,
    }
}

fn admits(network: &Network, group: &SecurityGroup) -> bool {
    let Some(interface) = network.own_interface() else { return false };
    group.ingress.iter().filter(|rule| is_https(rule)).any(|rule| match &rule.peer {
        Peer::Cidr(range) => interface
            .private_ip
            .is_some_and(|address| range.contains(&core::net::IpAddr::V4(address))),
        Peer::Group(id) => interface.security_groups.contains(id),
        Peer::List(_) | Peer::Unreadable(_) => false,
    })
}

/// Is it certain that no group of the instance lets it out to an endpoint in its own subnet?
fn lets_nothing_out(network: &Network, endpoint: &SecurityGroupId) -> bool {
    let Some(interface) = network.own_interface() else { return false };
    let subnet = network.facts.subnets.get(&interface.subnet).and_then(Row::present);
    let Some(range) = subnet.and_then(|subnet| subnet.cidr) else { return false };
    let groups: Option<Vec<&SecurityGroup>> = interface
        .security_groups
        .iter()
        .map(|id| network.facts.security_groups.get(id)?.present())
        .collect();
    let Some(groups) = groups else { return false };
    let rules = groups.iter().flat_map(|group| &group.egress);
    !rules.filter(|rule| is_https(rule)).any(|rule| match &rule.peer {
        Peer::Cidr(IpNet::V4(to)) => to.contains(&range),
        Peer::Cidr(IpNet::V6(_)) => false,
        Peer::Group(id) => id == endpoint,
        Peer::List(_) | Peer::Unreadable(_) => true,
    })
}

/// An endpoint that does not work. AWS changes no such state: it is deleted, and created again.
pub(super) fn replace(network: &Network, id: &EndpointId, state: &EndpointState) -> Vec<FixOption> {
    let region = &network.scope.region;
    let describe =
        format!("`aws ec2 describe-vpc-endpoints --vpc-endpoint-ids {id} --region {region}`");
    if *state == EndpointState::Pending {
        return vec![
            FixOption::new(format!("wait until {id} is available"))
                .after(format!("wait until {describe} shows the state available")),
        ];
    }
    let Some((Some(vpc), endpoint)) = network.endpoint(id) else {
        return vec![
            FixOption::new(format!("have {id} created anew by its owner, because it is {state}"))
                .after(format!("ask the owner of {id} to delete it and to create it again")),
        ];
    };
    let gone = matches!(state, EndpointState::Deleting | EndpointState::Deleted);
    let mut option = if gone {
        FixOption::new(format!("create the endpoint for {} again", endpoint.service))
            .after(format!("wait until {describe} no longer finds it"))
    } else {
        FixOption::new(format!("delete {id}, which is {state}, and create it again"))
            .after(format!(
                "after the deletion, wait until {describe} no longer finds it, and create the new endpoint only then"
            ))
    };
    if !gone {
        option = option.with(Ec2Change::DeleteEndpoint { endpoint: id.clone() });
    }
    let Ok(service) = endpoint.service.parse::<ServiceName>() else { return vec![option] };
    let option = if endpoint.kind == EndpointKind::Gateway {
        option.with(Ec2Change::CreateGatewayEndpoint {
            vpc: vpc.clone(),
            service,
            tables: endpoint.route_tables.clone(),
        })
    } else {
        let own = network.own_subnet().into_iter().cloned();
        let subnets =
            if endpoint.subnets.is_empty() { own.collect() } else { endpoint.subnets.clone() };
        option.with(Ec2Change::CreateInterfaceEndpoint {
            vpc: vpc.clone(),
            service,
            subnets,
            groups: endpoint.security_groups.clone(),
        })
    };
    vec![option]
}
