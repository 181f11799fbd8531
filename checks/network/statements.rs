//! What was observed of a network, in words.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use ssm_doctor_analysis::network::{
    address_set::shown_ports,
    flow::NAT64,
    service::DUAL_STACK,
    statement::{AclPackets, Admitted, NetworkStatement, Opaque},
};
use ssm_doctor_facts::ec2::Rule;

/// A clause; its subject is the observation's.
#[rustfmt::skip]
pub(crate) fn statement(statement: &NetworkStatement) -> String {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use NetworkStatement::*;
    match statement {
        VpcDnsOn => "has DNS support and DNS hostnames on".into(),
        VpcDnsOff { endpoint, prevents_private_dns } => {
            let off = format!("has DNS support or DNS hostnames off, so the private names of {endpoint} do not work");
            if *prevents_private_dns { off + ", and AWS turns private DNS on only in a VPC with both" } else { off }
        }
        PrivateDnsOn => "has private DNS on".into(),
        PrivateDnsOff => "has private DNS off, so the service's name resolves to public addresses".into(),
        PrivateDnsReplaced => "has private DNS off, and a private hosted zone replaces it".into(),
        ResolvesService(service) => format!("tells where {service} is"),
        VacantAddress { service, address, vpc } => {
            format!("leads {service} to {address} too, where {vpc} has no network interface: connections that try it fail")
        }
        RouteActive(to) => format!("is the active route for {to}"),
        RouteBlackhole(to) => format!("is a blackhole for {to}: the route's target is gone"),
        InterfaceBlackhole(to) => {
            format!("is a blackhole for {to}: the interface is gone or attached to nothing, or its instance is stopped")
        }
        CarriedByLocalRoute => "carries it by the VPC's local route".into(),
        CarriedBy(to) => format!("carries it by the route for {to}"),
        NoRoute { phrase, but: None } => format!("has no route to {phrase}"),
        NoRoute { phrase, but: Some((to, via)) } => {
            format!("has no route to {phrase} but that for {to}, by {via} to the internet")
        }
        NoRouteToDnsServer(server) => {
            format!("has no route to {server}, which DHCP hands out as DNS server, so names do not resolve")
        }
        SubnetHasRouteOut(subnet) => format!("of {subnet} has a way out"),
        RoutesBack(table) => format!("leads back by {table}"),
        NoPath { service, vpc } => format!("has no way to {service}: no endpoint for it in {vpc}, and no route out"),
        NoPathToRegion { service, region } => format!(
            "has no way to {service} in {region}, where the bucket is: endpoints serve the buckets of their own Region, and there is no route out"
        ),
        CarriesAgentTraffic => "carries what the agent sends".into(),
        VpnTunnels { connection, up: 0, down_since, .. } => {
            let since = down_since.map_or(String::new(), |at| format!(", the last one since {at}"));
            format!("has the VPN connection {connection}, whose tunnels are all down{since}")
        }
        VpnTunnels { connection, up, of, .. } => {
            format!("has the VPN connection {connection}, with {up} of {of} tunnels up")
        }
        NoStaticVpnRoute { connection, to } => {
            format!("has the VPN connection {connection}, whose static routes do not lead to {to}")
        }
        MustPassTraffic { to, what } => {
            format!("carries the traffic for {to}, {}, and has to let it through and its replies back", opaque(what))
        }
        Attached(vpc) => format!("is attached to {vpc}"),
        NotAttached(vpc) => format!("is not attached to {vpc}"),
        HasIpv6Address(address) => format!("has the IPv6 address {address}"),
        HasPublicAddress(address) => format!("has the public address {address}"),
        NoPublicAddress { to, gateway, has_ipv6 } => {
            let ipv6 = if *has_ipv6 {
                "; its IPv6 address does not help, since the agent asks for IPv4 endpoints by default"
            } else {
                ""
            };
            format!("has no public IPv4 address, and its route for {to} is the internet gateway {gateway}{ipv6}")
        }
        DoesNotTranslateDns64 => format!(
            "is no NAT gateway, and does not translate the addresses in {NAT64} that DNS64 gives to names with IPv4 addresses alone"
        ),
        ReachesByIpv6(service) => format!("is seen to reach {service} by IPv6"),
        OnlyIpv6 { host } => format!(
            "has IPv6 addresses alone, and {host} has none: without DNS64 on the subnet and a route for {NAT64} to a NAT gateway nothing translates"
        ),
        NoDualStackNames(version) => {
            format!("has agent {version}, which knows no dual-stack names ({DUAL_STACK} does)")
        }
        HasAddresses(family) => format!("has {} addresses", family.as_str()),
        NoAddresses { family, interface } => {
            format!("has no {} address under the service's name, and {interface} has no other", family.as_str())
        }
        NoPublicAccessBlock => "has no VPC Block Public Access".into(),
        PublicAccessBlockOff => "has VPC Block Public Access off".into(),
        PublicAccessBlockIngressOnly => {
            "blocks public access, but not connections that NAT and egress-only gateways open".into()
        }
        PublicAccessExempt { exclusion, mode } => {
            format!("is exempt from VPC Block Public Access by {exclusion} ({mode})")
        }
        PublicAccessBlocked { mode, vpc, subnet } => {
            format!("blocks public access ({mode}), and neither {vpc} nor {subnet} is exempt")
        }
        NatGatewayGone => "does not exist any more".into(),
        NatGatewayState { state, failure: None } => format!("is {state}"),
        NatGatewayState { state, failure: Some(why) } => format!("is {state}: {why}"),
        NatGatewayPrivate => "is a private NAT gateway, which leads to no public address".into(),
        NatGatewayHasNoRoute { subnet, table } => format!("is in {subnet}, whose route table {table} has no route out"),
        NatGatewayRoutesToItself { subnet } => {
            format!("is in {subnet}, a private subnet whose route out points back to it")
        }
        NatGatewayRoutesTo(gateway) => format!("is available, and routes to {gateway}"),
        NatGatewayRoutesToDetached(gateway) => format!("routes to {gateway}, which is not attached"),
        RegionalNatGateway => "is an available regional NAT gateway".into(),
        RegionalNatGatewayOf { zone, zones } => format!(
            "is an available regional NAT gateway, which serves {zone} from {} until it has grown there",
            zones.join(", ")
        ),
        RegionalNatGatewayNotIn { zone, zones } => format!(
            "is a regional NAT gateway that was given addresses in {} alone, and does not serve {zone}, where the instance is",
            zones.join(", ")
        ),
        ForwardsOthersPackets => "takes packets that are not its own".into(),
        ChecksSourceAndDestination => "checks source and destination, so it drops what it should forward".into(),
        InstanceRuns(instance) => format!("belongs to {instance}, which runs"),
        InstanceIs(instance, state) => format!("belongs to {instance}, which is {state}"),
        HasRouteOut(table) => format!("has a way on by {table}"),
        NatInstanceHasNoRoute(subnet) => format!(
            "has no way on: its subnet {subnet} needs a route to an internet gateway, and it a public address"
        ),
        PeeringActive => "is an active peering connection".into(),
        PeeringIs(state) => format!("is a peering connection that is {state}"),
        PeeringIsNotTransitive => "is a peering connection, by which nothing gets to the peer's own gateways".into(),
        NoAttachment(vpc) => format!("has no attachment of {vpc}"),
        AttachmentIs { vpc, attachment, state } => format!("has an attachment of {vpc}, {attachment}, that is {state}"),
        AttachmentServesZone { zone, attachment } => format!("takes packets from {zone} by {attachment}"),
        AttachmentNotInZone { zone, subnet, attachment } => {
            format!("has no subnet in {zone}, the zone of {subnet}: {attachment} has subnets in other zones only")
        }
        AttachmentHasNoTable(attachment) => {
            format!("has no route table for {attachment}, so it drops what comes in by it")
        }
        SendsOn { to, vpc, attachment } => format!("sends {to} on to {vpc} by {attachment}"),
        TransitBlackhole { to, back, phrase } => {
            format!("is a blackhole for {to}, on the way {} {phrase}", direction(*back))
        }
        NoTransitRoute { back, phrase } => format!("has no route {} {phrase}", direction(*back)),
        NoRouteOutOf { vpc, gateway, phrase } => format!("of {vpc}, where {gateway} leads, has no route to {phrase}"),
        NoNatIn { vpc, gateway, internet_gateway } => format!(
            "of {vpc}, where {gateway} leads, routes to {internet_gateway}, which has no public address for packets of another VPC"
        ),
        LetsOut(rule) => format!("lets it out to {}", shown_rule(rule)),
        LetsNothingOut { phrase, protocol, port } => {
            format!("lets nothing out to {phrase} on {}/{port}", protocol.as_str())
        }
        Admits(rule) => format!("admits {}", shown_rule(rule)),
        DoesNotAdmit { phrase, protocol, port, groups } => {
            let groups = groups.iter().map(admitted).collect::<Vec<_>>().join("; ");
            format!("has no security group that admits {phrase} on {}/{port}: {groups}", protocol.as_str())
        }
        AclPasses(packets) => {
            let (ports, way) = acl_packets(packets);
            format!("of {} passes {ports} {way}", packets.subnet)
        }
        AclDrops(packets, rule) => {
            let (ports, way) = acl_packets(packets);
            let rule = match rule {
                // The number that AWS gives the rule at the end of every list.
                None | Some(32_767) => "its last rule".into(),
                Some(number) => format!("rule {number}"),
            };
            format!("of {} drops {ports} {way} by {rule}", packets.subnet)
        }
        EndpointAvailable => "is available".into(),
        EndpointAvailableIn(subnets) => {
            let subnets = subnets.iter().map(ToString::to_string).collect::<Vec<_>>();
            format!("is available in {}", subnets.join(", "))
        }
        EndpointHasNoSubnet => "has no subnet, so nothing in the VPC leads to it".into(),
        EndpointIs(state) => format!("is {state}, not available"),
        PublicPathServes(service) => format!("and the public path serves instead for {service}"),
        GatewayEndpoint { service, table } => format!("is a gateway endpoint for {service} on {table}"),
        GatewayEndpointNotOn { service, table } => format!("is a gateway endpoint for {service}, but not on {table}"),
        FirewallIsBeingDeleted { route } => format!("is being deleted, and {route}"),
        FirewallDecides { host, route, how } => format!("is on the way to {host} ({route}), and {how}"),
    }
}

fn direction(back: bool) -> &'static str {
    if back { "back to" } else { "to" }
}

fn opaque(what: &Opaque) -> String {
    match what {
        Opaque::ApplianceBehindLoadBalancer => "an appliance behind a load balancer".into(),
        Opaque::ForwardingInstance => "an instance that forwards".into(),
        Opaque::TransitGateway => "a transit gateway".into(),
        Opaque::VirtualPrivateGateway => "a virtual private gateway".into(),
        Opaque::Vpn(connection) => {
            format!("a transit gateway that sends it into the VPN connection {connection}")
        }
        Opaque::CarrierGateway => "a carrier gateway".into(),
        Opaque::LocalGateway => "an Outpost's local gateway".into(),
        Opaque::Other => "a hop of another kind".into(),
        Opaque::Firewall { name, passes } => {
            let passes = match passes {
                Some(true) => "whose rules let it through",
                Some(false) => "which does not let it through",
                None => "whose rules may stop it",
            };
            format!("the firewall {name}, {passes}")
        }
    }
}

fn shown_rule(rule: &Rule) -> String {
    format!("{} on {}", rule.peer, rule.traffic)
}

fn admitted(admitted: &Admitted) -> String {
    let Admitted { group, is_default, only_own_members, rules } = admitted;
    if *only_own_members {
        return format!("{group} is the VPC's default group, which admits its own members alone");
    }
    let whose = if *is_default { ", the VPC's default group," } else { "" };
    let rules = rules.iter().map(shown_rule).collect::<Vec<_>>().join(", ");
    let rules = if rules.is_empty() { "nothing" } else { &rules };
    format!("{group}{whose} admits {rules}")
}

fn acl_packets(packets: &AclPackets) -> (String, String) {
    let way = if packets.egress { "out to" } else { "in from" };
    (
        format!("{}/{}", packets.protocol.as_str(), shown_ports(&packets.ports)),
        format!("{way} {}", packets.peer),
    )
}
