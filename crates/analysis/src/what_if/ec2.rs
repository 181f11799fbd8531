//! Changes to instances and networks.

mod endpoint;
mod transit_gateway;

use alloc::{string::String, vec::Vec};
use core::net::Ipv4Addr;

use ssm_doctor_facts::{
    change::{Ec2Change, Protocol, RouteTarget, Source},
    ec2::*,
    ids::*,
    lookup::{Facts, Row},
    scope::Scope,
};

use crate::network::address_set::Family;
use crate::what_if::row::{active_route, reactivate_routes, route_table};

/// None if the effect is not modelled, or AWS refuses the change.
pub(super) fn edit(facts: &mut Facts, change: &Ec2Change, scope: &Scope) -> Option<()> {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use Ec2Change::*;
    match change {
        CreateRoute { table, to, via } => create_route(route_table(facts, table)?, to, via),
        ReplaceRoute { table, to, via, .. } => {
            let routes = &mut route_table(facts, table)?.routes;
            let route = routes.iter_mut().find(|route| route.to == *to && !route.propagated)?;
            *route = active_route(to, via.as_str());
            Some(())
        }
        DeleteRoute { table, to } => {
            let routes = &mut route_table(facts, table)?.routes;
            let before = routes.len();
            routes.retain(|route| route.to != *to || route.propagated);
            (routes.len() < before).then_some(())
        }
        CreateInternetGateway => Some(()),
        AttachInternetGateway { gateway, vpc } => attach_internet_gateway(facts, gateway, vpc),
        CreateEgressOnlyInternetGateway { vpc } => {
            let row = EgressOnlyGateway {
                id: EgressOnlyGatewayId::created(),
                state: String::from("attached"),
            };
            facts.egress_only_gateways.get_mut(vpc)?.present_mut()?.push(row);
            Some(())
        }
        CreateNatGateway { subnet } => {
            facts.nat_gateways.insert(NatGatewayId::created(), Row::Present(new_nat(subnet)));
            Some(())
        }
        AssociateNatGatewayAddress { gateway, zone } => {
            facts.nat_gateways.get_mut(gateway)?.present_mut()?.zones.push(zone.clone());
            Some(())
        }
        AcceptPeering { peering, .. } => {
            let row = facts.peerings.get_mut(peering)?.present_mut()?;
            (row.state == PeeringState::PendingAcceptance).then_some(())?;
            row.state = PeeringState::Active;
            reactivate_routes(facts, peering.as_str());
            Some(())
        }
        ExcludeFromPublicAccessBlock { subnet, mode } => {
            let block = facts.public_access_blocks.get_mut(&scope.region)?.present_mut()?;
            block.exclusions.push(Exclusion {
                id: String::from("vpcbpa-exclude-created"),
                mode: mode.clone(),
                resource: String::from(subnet.as_str()),
            });
            Some(())
        }
        CreateTransitGatewayAttachment { .. }
        | AcceptTransitGatewayAttachment { .. }
        | AddTransitGatewayAttachmentSubnet { .. }
        | AssociateTransitGatewayRouteTable { .. }
        | EnableTransitGatewayPropagation { .. }
        | CreateTransitGatewayRoute { .. }
        | ReplaceTransitGatewayRoute { .. } => transit_gateway::edit(facts, change),
        AssociateNewAddress { interface } => set_public_address(facts, interface),
        DisableSourceDestCheck { interface } => {
            facts.network_interfaces.get_mut(interface)?.present_mut()?.source_dest_check =
                Some(false);
            Some(())
        }
        EnableDns64 { subnet } => {
            facts.subnets.get_mut(subnet)?.present_mut()?.dns64 = true;
            Some(())
        }
        StartInstance { instance } => start(facts, instance),
        StopAndStartInstance { instance } => {
            let status = facts.instance_statuses.get_mut(instance)?.present_mut()?;
            status.system = CheckStatus::Ok;
            // They were for the host that the instance leaves.
            status.events.clear();
            Some(())
        }
        // Whether the system comes up again, no fact shows.
        RebootInstance { .. } => None,
        EnableMetadataService { instance } => {
            facts.instances.get_mut(instance)?.present_mut()?.metadata.enabled = true;
            Some(())
        }
        CreateSecurityGroup { .. } => {
            let row = new_group();
            facts.security_groups.insert(SecurityGroupId::created(), Row::Present(row));
            Some(())
        }
        AuthorizeEgress { group, protocol, port, to } => {
            let group = facts.security_groups.get_mut(group)?.present_mut()?;
            group.egress.push(Rule { traffic: traffic(*protocol, (*port, *port)), peer: peer(to) });
            Some(())
        }
        AuthorizeIngress { group, protocol, port, from } => {
            let group = facts.security_groups.get_mut(group)?.present_mut()?;
            let traffic = traffic(*protocol, (*port, *port));
            group.ingress.push(Rule { traffic, peer: peer(from) });
            Some(())
        }
        CreateNetworkAclEntry { acl, egress, number, protocol, ports, peer } => {
            let entry = AclEntry {
                number: *number,
                egress: *egress,
                allow: true,
                traffic: traffic(*protocol, *ports),
                peer: Peer::Cidr(*peer),
            };
            create_acl_entry(facts, acl, entry)
        }
        DeleteEndpoint { .. }
        | CreateGatewayEndpoint { .. }
        | CreateInterfaceEndpoint { .. }
        | AddEndpointSubnet { .. }
        | AddEndpointSecurityGroup { .. }
        | AddEndpointRouteTable { .. }
        | EnablePrivateDns { .. }
        | MakeEndpointDualStack { .. } => endpoint::edit(facts, change),
        EnableDnsSupport { vpc } => {
            facts.vpc_dns.get_mut(vpc)?.present_mut()?.support = true;
            Some(())
        }
        EnableDnsHostnames { vpc } => {
            facts.vpc_dns.get_mut(vpc)?.present_mut()?.hostnames = true;
            Some(())
        }
        AssociateDhcpOptions { vpc } => {
            let options = DhcpOptions { name_servers: [String::from("AmazonProvidedDNS")].into() };
            facts.vpcs.get_mut(vpc)?.present_mut()?.dhcp_options = Some(DhcpOptionsId::created());
            facts.dhcp_options.insert(DhcpOptionsId::created(), Row::Present(options));
            Some(())
        }
    }
}

/// AWS refuses a second route for one destination.
fn create_route(table: &mut RouteTable, to: &Destination, via: &RouteTarget) -> Option<()> {
    let taken = table.routes.iter().any(|route| route.to == *to && !route.propagated);
    (!taken).then_some(())?;
    table.routes.push(active_route(to, via.as_str()));
    Some(())
}

/// A VPC has one internet gateway at most.
fn attach_internet_gateway(facts: &mut Facts, id: &InternetGatewayId, vpc: &VpcId) -> Option<()> {
    let gateways = facts.internet_gateways.get_mut(vpc)?.present_mut()?;
    gateways.retain(|gateway| gateway.state == "available");
    gateways.is_empty().then_some(())?;
    gateways.push(InternetGateway { id: id.clone(), state: String::from("available") });
    reactivate_routes(facts, id.as_str());
    Some(())
}

/// Addresses from the range for documentation (RFC 5737): AWS chooses the real ones.
const NEW_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const ADDRESS_OF_NEW_NAT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);

fn new_nat(subnet: &SubnetId) -> NatGateway {
    NatGateway {
        state: NatState::Available,
        connectivity: Connectivity::Public,
        subnet: Some(subnet.clone()),
        public_ips: [ADDRESS_OF_NEW_NAT].into(),
        failure: None,
        zones: Vec::new(),
        auto_provision_zones: None,
    }
}

/// Two rows have the address: that of the instance and that of the interface.
fn set_public_address(facts: &mut Facts, id: &NetworkInterfaceId) -> Option<()> {
    let mut interfaces = facts
        .instances
        .values_mut()
        .filter_map(Row::present_mut)
        .flat_map(|instance| &mut instance.interfaces);
    interfaces.find(|interface| interface.id == *id)?.public_ip = Some(NEW_ADDRESS);
    if let Some(interface) = facts.network_interfaces.get_mut(id).and_then(Row::present_mut) {
        interface.public_ip = Some(NEW_ADDRESS);
    }
    Some(())
}

/// An instance that starts gets a public address where its subnet gives one.
fn start(facts: &mut Facts, id: &InstanceId) -> Option<()> {
    let instance = facts.instances.get_mut(id)?.present_mut()?;
    instance.state = InstanceState::Running;
    let interfaces = instance.interfaces.clone();
    let primary = instance.primary_interface().cloned();
    let without_address = primary.filter(|interface| interface.public_ip.is_none());
    if let Some(interface) = without_address
        && let Some(Row::Present(subnet)) = facts.subnets.get(&interface.subnet)
        && subnet.maps_public_ip
    {
        set_public_address(facts, &interface.id)?;
    }
    for interface in interfaces {
        reactivate_routes(facts, interface.id.as_str());
    }
    let status = InstanceStatus {
        instance: CheckStatus::Ok,
        system: CheckStatus::Ok,
        ebs: None,
        events: Vec::new(),
    };
    if matches!(facts.instance_statuses.get(id), Some(Row::Absent(_))) {
        facts.instance_statuses.insert(id.clone(), Row::Present(status));
    }
    Some(())
}

/// A new group lets everything out and nothing in. Source: EC2 API reference, `CreateSecurityGroup`.
fn new_group() -> SecurityGroup {
    let everything = Peer::Cidr(Family::V4.everything());
    SecurityGroup {
        name: Some(String::from("ssm-endpoints")),
        ingress: Vec::new(),
        egress: [Rule { traffic: Traffic::All, peer: everything }].into(),
    }
}

fn traffic(protocol: Protocol, (first, last): (u16, u16)) -> Traffic {
    match protocol {
        Protocol::Tcp => Traffic::Tcp(first, last),
        Protocol::Udp => Traffic::Udp(first, last),
    }
}

fn peer(source: &Source) -> Peer {
    match source {
        Source::Group(id) => Peer::Group(id.clone()),
        Source::Range(range) => Peer::Cidr(*range),
    }
}

/// A number may be in use once in each direction.
fn create_acl_entry(facts: &mut Facts, id: &NetworkAclId, entry: AclEntry) -> Option<()> {
    let acls = facts.network_acls.values_mut().filter_map(Row::present_mut).flatten();
    let acl = acls.into_iter().find(|acl| acl.id == *id)?;
    let taken = |other: &AclEntry| other.egress == entry.egress && other.number == entry.number;
    (!acl.entries.iter().any(taken)).then_some(())?;
    acl.entries.push(entry);
    Some(())
}
