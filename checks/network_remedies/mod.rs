//! What to change in a network: the ways to repair what [`NetworkRemedy`] names, the best first.
//!
//! Endpoints come before gateways that are new, and a public address comes last: the less an instance
//! may reach, and the less reaches it, the better. A NAT gateway that exists costs nothing more.

mod endpoints;
mod filters;
mod firewall;
mod network;
mod outbound;
mod quotas;
mod transit;

use alloc::{format, string::String, vec, vec::Vec};
use core::net::IpAddr;

use ssm_doctor_analysis::{
    answer::FixOption,
    case::Case,
    network::{flow::NAT64, hop::Reachable, path, remedy::NetworkRemedy, service::CORE},
};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, Route53Change},
    ec2::{Destination, ExclusionMode, TargetKind},
    ids::{RouteTableId, SubnetId, VpcId},
    lookup::{Need, Row},
    route53::{Place, RecordType, ZoneRecord},
    ssm::{Connection, Ping},
};

use network::Network;

pub(crate) use filters::number_acl_rules;
pub(crate) use quotas::look_after;

/// The ways to repair it, the best first. INVARIANT: never empty.
#[rustfmt::skip]
pub(crate) fn options(of: &NetworkRemedy, case: &Case) -> Vec<FixOption> {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use NetworkRemedy::*;
    let network = Network::of(case);
    let one = |title: String, change: Ec2Change| vec![FixOption::new(title).with(change)];
    match of {
        ReplaceRoute { table, to, because } => outbound::replace_route(&network, table, to, because),
        AddRouteToVpc { table, to, phrase } => transit::route_to_vpc(&network, table, *to, phrase),
        ReachDnsServer { vpc, table, server } => reach_dns_server(&network, vpc, table, *server),
        AddRouteToNatGateway { table, to } | TranslateDns64 { table, to } => {
            let mut options = outbound::by_nat_gateway(&network, table, &Destination::Cidr(*to), None);
            if options.is_empty() {
                options.push(no_nat_gateway(table, to));
            }
            options
        }
        InspectAppliance { via, region } if matches!(via.kind(), TargetKind::Interface(_)) => vec![
            FixOption::new(format!("let the instance behind {via} forward the traffic of Systems Manager"))
                .after("on that instance, see whether it forwards: `sysctl net.ipv4.ip_forward` prints 1, and a NAT instance has a rule that translates addresses (`iptables -t nat -S` or `nft list ruleset`)")
                .after(format!("if it filters, allow tcp/443 to ssm.{region}.{suffix} and ssmmessages.{region}.{suffix}, WebSockets included, without TLS inspection", suffix = region.dns_suffix())),
        ],
        InspectAppliance { via, region } => vec![
            FixOption::new(format!(
                "let the {what} behind {via} pass the traffic of Systems Manager",
                what = if matches!(via.kind(), TargetKind::Endpoint(_)) { "appliance" } else { "network" },
            ))
                .after(format!("allow tcp/443 to ssm.{region}.{suffix} and ssmmessages.{region}.{suffix}, WebSockets included", suffix = region.dns_suffix()))
                .after("exempt both names from TLS inspection"),
        ],
        AttachInternetGateway { gateway, vpc } => outbound::attach(&network, gateway, vpc),
        CreateEgressOnlyGateway { vpc } => outbound::egress_only(&network, vpc),
        GiveElasticAddress { interface } => {
            let mut options = endpoints::create(&network, None, &[]);
            options.push(
                FixOption::new(format!("give {interface} an Elastic IP address, which the internet reaches as far as its security groups allow"))
                    .with(Ec2Change::AssociateNewAddress { interface: interface.clone() }),
            );
            options
        }
        ExemptFromPublicAccessBlock { subnet } => exempt(&network, subnet),
        AddNatGatewayAddress { gateway, zone } => one(
            format!("give {gateway} an Elastic IP address in {zone}"),
            Ec2Change::AssociateNatGatewayAddress { gateway: gateway.clone(), zone: zone.clone() },
        ),
        DisableSourceDestCheck { interface } => one(
            format!("turn off the source/destination check of {interface}"),
            Ec2Change::DisableSourceDestCheck { interface: interface.clone() },
        ),
        StartNatInstance { instance } => one(
            format!("start the NAT instance {instance}"),
            Ec2Change::StartInstance { instance: instance.clone() },
        ),
        StartForwardingInstance { instance } => one(
            format!("start {instance}, which forwards the packets"),
            Ec2Change::StartInstance { instance: instance.clone() },
        ),
        StartDnsServer { instance } => one(
            format!("start the DNS server {instance}"),
            Ec2Change::StartInstance { instance: instance.clone() },
        ),
        AcceptPeering { peering } => transit::peering(&network, peering),
        RepairAttachment { vpc, gateway, subnet, attachment, because } => {
            vec![transit::attachment(vpc, gateway, subnet, attachment.as_deref(), *because)]
        }
        AssociateAttachment { gateway, attachment } => transit::associate(&network, gateway, attachment),
        PropagateAttachment { table, attachment } => one(
            format!("let {attachment} announce its VPC to {table}"),
            Ec2Change::EnableTransitGatewayPropagation { table: table.clone(), attachment: attachment.clone() },
        ),
        AddTransitRoute { table, to, attachment, back, phrase } => {
            transit::transit_route(&network, table, to, attachment.as_deref(), (*back, phrase), false)
        }
        ReplaceTransitRoute { table, to, attachment, back, phrase } => {
            transit::transit_route(&network, table, to, attachment.as_deref(), (*back, phrase), true)
        }
        AuthorizeEgress { group, protocol, port, to } => filters::egress(&network, group.as_ref(), *protocol, *port, *to),
        AuthorizeIngress { group, protocol, port, from, to } => {
            filters::ingress(&network, group.as_ref(), (*protocol, *port), from, to)
        }
        PassInAcl { acl, egress, protocol, ports, peer } => {
            filters::acl(&network, acl, *egress, *protocol, ports, *peer)
        }
        InspectEndpoint { endpoint, state } => endpoints::replace(&network, endpoint, state),
        AddEndpointSubnet { endpoint, subnet } => one(
            format!("give {endpoint} a network interface in {subnet}"),
            Ec2Change::AddEndpointSubnet { endpoint: endpoint.clone(), subnet: subnet.clone() },
        ),
        AddEndpointRouteTable { endpoint, table } => one(
            format!("put the gateway endpoint {endpoint} on the route table {table}"),
            Ec2Change::AddEndpointRouteTable { endpoint: endpoint.clone(), table: table.clone() },
        ),
        MakeEndpointDualStack { endpoint } => vec![endpoints::dual_stack(&network, endpoint)],
        EnablePrivateDns { endpoint } => vec![endpoints::private_dns(&network, endpoint)],
        EnableVpcDns { vpc } => vec![enable_vpc_dns(vpc, case)],
        CreateGatewayEndpoint { vpc, region, service, table } => {
            let mut options = one(
                format!("create a gateway endpoint for {service}, which costs nothing"),
                Ec2Change::CreateGatewayEndpoint {
                    vpc: vpc.clone(), service: region.endpoint_service(service), tables: vec![table.clone()],
                },
            );
            options.extend(outbound::by_nat_gateway(&network, table, &network.everything(), None));
            options
        }
        CreateInterfaceEndpoint { vpc, service, subnet } => {
            let reached: Vec<&str> =
                CORE.into_iter().filter(|service| is_reached(case, service)).collect();
            create_endpoint(&network, vpc, service, subnet, &reached)
        }
        ProvideIpv6 { subnet } => provide_ipv6(&network, subnet),
        UseBucketIn { region } => use_bucket(&network, region),
        RemoveRecordAddress { zone, address: _ } => vec![remove_vacant(&network, zone)],
        OpenFirewall { policy, group, because } => {
            vec![firewall::open(&network, policy, group.as_ref(), because)]
        }
    }
}

/// A route disturbs nothing, where it is visible by what the network of the DNS server is reached. Without a route the
/// server serves nobody here, and Amazon's can take its place.
fn reach_dns_server(
    network: &Network,
    vpc: &VpcId,
    table: &RouteTableId,
    server: IpAddr,
) -> Vec<FixOption> {
    let phrase = format!("the DNS server {server}");
    let mut options = transit::route_to_vpc(network, table, server.into(), &phrase);
    options.retain(|option| !option.changes.is_empty());
    let provide = amazon_provided_dns(vpc);
    options.push(if options.is_empty() {
        let route = format!(
            "if {server} is the server to ask, give {table} a route to its network instead"
        );
        provide.after(route)
    } else {
        provide
    });
    options
}

/// DHCP options that hand out Amazon's resolver.
pub(crate) fn amazon_provided_dns(vpc: &VpcId) -> FixOption {
    FixOption::new(format!(
        "hand out AmazonProvidedDNS to {vpc} by new DHCP options, which replace all settings of the old ones"
    ))
    .with(Ec2Change::AssociateDhcpOptions { vpc: vpc.clone() })
}

/// Turns on what the VPC lacks of the two attributes that private DNS needs.
pub(crate) fn enable_vpc_dns(vpc: &VpcId, case: &Case) -> FixOption {
    let network = Network::of(case);
    let mut changes = endpoints::vpc_dns(&network, vpc);
    // Only private names take DNS hostnames too. Source: VPC user guide, "DNS attributes for your VPC".
    let zones = case
        .facts
        .hosted_zones
        .get(vpc)
        .and_then(Row::present)
        .is_some_and(|zones| !zones.is_empty());
    if changes.len() > 1
        && !zones
        && !network.endpoints(vpc).iter().any(|endpoint| endpoint.private_dns)
    {
        changes.truncate(1);
    }
    let what = match changes.as_slice() {
        [Change::Ec2(Ec2Change::EnableDnsSupport { .. })] => "DNS support",
        [Change::Ec2(Ec2Change::EnableDnsHostnames { .. })] => "DNS hostnames",
        _ => "DNS support and DNS hostnames",
    };
    FixOption { changes, ..FixOption::new(format!("turn on {what} for {vpc}")) }
}

fn no_nat_gateway(table: &impl core::fmt::Display, to: &impl core::fmt::Display) -> FixOption {
    FixOption::new(format!("create a NAT gateway, and route {to} of {table} to it")).after(
        "create a public subnet: one whose route table sends 0.0.0.0/0 to an internet gateway. The VPC has none that is seen",
    )
}

/// Nothing serves the name here. A NAT gateway that exists serves every name at no further cost.
fn create_endpoint(
    network: &Network,
    vpc: &VpcId,
    service: &'static str,
    subnet: &SubnetId,
    reached: &[&str],
) -> Vec<FixOption> {
    let table = network.table_of(vpc, network.own_subnet().unwrap_or(subnet));
    let to = network.everything();
    let (mut options, new) = table.map_or_else(Default::default, |table| {
        let options = outbound::by_nat_gateway(network, &table.id, &to, None);
        options.into_iter().partition::<Vec<_>, _>(outbound::costs_nothing)
    });
    options.extend(endpoints::create(network, Some(service), reached));
    options.extend(new);
    options
}

/// Is a service reached already, as far as the path or the agent shows? With private DNS, an endpoint for it would
/// lead the VPC's other instances away from what serves it, such as an endpoint of a hub.
fn is_reached(case: &Case, service: &'static str) -> bool {
    let target = &case.scope.target;
    match path::path(case, service).reachable() {
        Reachable::Yes => true,
        Reachable::No => false,
        Reachable::Unknown if service == "ssm" => {
            let node = case.facts.nodes.get(target).and_then(Row::present);
            node.is_some_and(|node| node.ping == Ping::Online)
        }
        Reachable::Unknown => {
            let connection = case.facts.connections.get(target).and_then(Row::present);
            connection == Some(&Connection::Connected)
        }
    }
}

/// The instance has IPv6 addresses alone, and the names have IPv4 ones.
fn provide_ipv6(network: &Network, subnet: &SubnetId) -> Vec<FixOption> {
    let mut options = Vec::new();
    if let Some((vpc, _)) = network.own_vpc()
        && let Some(table) = network.table_of(vpc, subnet)
    {
        let to = Destination::Cidr(NAT64);
        for mut option in outbound::by_nat_gateway(network, &table.id, &to, None) {
            option.title = format!("turn on DNS64 for {subnet}; {}", option.title);
            option.changes.insert(0, Ec2Change::EnableDns64 { subnet: subnet.clone() }.into());
            options.push(option);
        }
    }
    if options.is_empty() {
        options.push(
            FixOption::new(format!("turn on DNS64 for {subnet}, and route {NAT64} to a NAT gateway"))
                .after(format!(
                    "create a NAT gateway in a public subnet, and add a route for {NAT64} to it to the route table of {subnet}"
                ))
                .with(Ec2Change::EnableDns64 { subnet: subnet.clone() }),
        );
    }
    options
}

fn use_bucket(network: &Network, region: &impl core::fmt::Display) -> Vec<FixOption> {
    let own = network.own_subnet().and_then(|subnet| {
        let (vpc, _) = network.own_vpc()?;
        network.table_of(vpc, subnet)
    });
    let mut options = own.map_or_else(Vec::new, |table| {
        outbound::by_nat_gateway(network, &table.id, &network.everything(), None)
    });
    options.push(
        FixOption::new(format!("log sessions to a bucket in {region}")).after(format!(
            "create a bucket in {region}, and name it in the preferences as s3BucketName: endpoints do not reach buckets of other Regions"
        )),
    );
    options
}

/// Endpoints need no internet gateway. Else the subnet that faces the gateway is exempted: for replies
/// alone where a NAT gateway or an egress-only internet gateway is on the way.
fn exempt(network: &Network, subnet: &SubnetId) -> Vec<FixOption> {
    let direct = network.own_subnet() == Some(subnet)
        && network.own_interface().is_some_and(|interface| interface.public_ip.is_some());
    let mode = if direct { ExclusionMode::Bidirectional } else { ExclusionMode::Egress };
    let scope = if direct { "both directions" } else { "outbound connections" };
    let mut options = endpoints::create(network, None, &[]);
    options.push(
        FixOption::new(format!("exempt {subnet} from VPC Block Public Access for {scope}"))
            .with(Ec2Change::ExcludeFromPublicAccessBlock { subnet: subnet.clone(), mode }),
    );
    options
}

/// Takes every address at which nothing is off the records of a zone.
fn remove_vacant(network: &Network, zone: &str) -> FixOption {
    let title = format!("remove the addresses at which nothing answers from the records in {zone}");
    let by_hand = |option: FixOption| {
        option.after(format!(
            "open the records of {zone}, and remove every address that no network interface has"
        ))
    };
    let (Ok(id), Some((vpc, _))) = (zone.parse(), network.own_vpc()) else {
        return by_hand(FixOption::new(title));
    };
    let Some(Row::Present(records)) = network.facts.zone_records.get(&id) else {
        return by_hand(FixOption::new(title).wanting([Need::zone_records(id)]));
    };
    let mut option = FixOption::new(title);
    for record in records {
        let addresses = record.values.iter().filter_map(|value| value.parse().ok());
        let (vacant, left): (Vec<core::net::IpAddr>, Vec<_>) = addresses.partition(|address| {
            let place = Place { vpc: vpc.clone(), address: *address };
            matches!(network.facts.interfaces_at.get(&place), Some(Row::Absent(_)))
        });
        if is_address(record) && !vacant.is_empty() && !left.is_empty() {
            let change: Change = Route53Change::UpsertAddresses {
                zone: id.clone(),
                name: record.name.clone(),
                addresses: left,
            }
            .into();
            option = option.with(change);
        }
    }
    if option.changes.is_empty() { by_hand(option) } else { option }
}

fn is_address(record: &ZoneRecord) -> bool {
    record.alias.is_none() && matches!(record.kind, RecordType::A | RecordType::Aaaa)
}
