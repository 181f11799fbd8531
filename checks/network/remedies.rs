//! What to change in a network, in words and changes.

use alloc::{format, string::String, vec, vec::Vec};

use ssm_doctor_analysis::{
    answer::FixOption,
    case::Case,
    network::{
        address_set::shown_ports,
        flow::NAT64,
        remedy::{AttachmentFault, FirewallFault, NetworkRemedy, RouteFault},
        service::CORE,
    },
};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, NetworkFirewallChange, Route53Change, RouteTarget},
    ec2::Destination,
    ids::{Arn, RouteTableId},
};

const HTTPS: u16 = 443;

/// The ways to repair it, the best first.
pub(crate) fn options(of: &NetworkRemedy, _case: &Case) -> Vec<FixOption> {
    let (title, changes) = remedy(of);
    vec![FixOption { title, changes, ..FixOption::default() }]
}

/// What to do, in the imperative, and the changes that do it.
#[rustfmt::skip]
fn remedy(remedy: &NetworkRemedy) -> (String, Vec<Change>) {
    #[allow(clippy::enum_glob_use, reason = "the match has an arm for every variant")]
    use NetworkRemedy::*;
    let one = |summary: String, change: Ec2Change| (summary, vec![change.into()]);
    match remedy.clone() {
        ReplaceRoute { table, to, because } => (replace_route(&to, &because), vec![rerouted(table, to)]),
        AddRouteToVpc { table, to, phrase } => one(
            format!("give {table} a route to {phrase}, to wherever it stands"),
            Ec2Change::CreateRoute { table, to: Destination::Cidr(to), via: RouteTarget::OtherVpc },
        ),
        AddRouteToNatGateway { table, to } => one(
            format!("give {table} a route to a NAT gateway"),
            Ec2Change::CreateRoute { table, to: Destination::Cidr(to), via: RouteTarget::NatGateway },
        ),
        TranslateDns64 { table, to } => one(
            format!("route {to} to a NAT gateway"),
            Ec2Change::CreateRoute { table, to: Destination::Cidr(to), via: RouteTarget::NatGateway },
        ),
        InspectAppliance { via, region } => (
            format!("see that {via} passes tcp/443 to ssm.{region} and ssmmessages.{region}, WebSockets included, and leaves TLS alone"),
            Vec::new(),
        ),
        AttachInternetGateway { gateway, vpc } => one(
            format!("attach {gateway} to {vpc}"),
            Ec2Change::AttachInternetGateway { gateway, vpc },
        ),
        CreateEgressOnlyGateway { vpc } => one(
            "make an egress-only internet gateway for the VPC and route to it".into(),
            Ec2Change::CreateEgressOnlyInternetGateway { vpc },
        ),
        GiveElasticAddress { interface } => (
            "give the instance an Elastic IP address (or move it behind a NAT gateway or endpoints)".into(),
            vec![Ec2Change::AssociateNewAddress { interface }.into()],
        ),
        ExemptFromPublicAccessBlock { vpc } => one(
            "exempt the VPC from VPC Block Public Access (or reach AWS through endpoints)".into(),
            Ec2Change::ExcludeFromPublicAccessBlock { vpc },
        ),
        AddNatGatewayAddress { gateway, zone } => one(
            format!("give {gateway} an address in {zone}"),
            Ec2Change::AssociateNatGatewayAddress { gateway, zone },
        ),
        DisableSourceDestCheck { interface } => one(
            format!("turn off the source/destination check of {interface}"),
            Ec2Change::DisableSourceDestCheck { interface },
        ),
        StartNatInstance { instance } => one(format!("start {instance}"), Ec2Change::StartInstance { instance }),
        AcceptPeering { peering } => one(
            format!("have {peering} accepted by the other side, or made again"),
            Ec2Change::AcceptPeering { peering },
        ),
        RepairAttachment { vpc, because } => one(
            match because {
                AttachmentFault::Missing => "attach the VPC to the transit gateway",
                AttachmentFault::NotAvailable => "have the attachment accepted, or make it again",
                AttachmentFault::NotInZone => "add a subnet of that Availability Zone to the attachment",
            }.into(),
            Ec2Change::DescribeTransitGatewayAttachments { vpc },
        ),
        AssociateAttachment { gateway, attachment } => one(
            format!("associate {attachment} with a route table of {gateway}"),
            Ec2Change::AssociateTransitGatewayRouteTable { attachment },
        ),
        PropagateAttachment { table, attachment } => one(
            format!("let {attachment} announce its VPC to {table}"),
            Ec2Change::EnableTransitGatewayPropagation { table, attachment },
        ),
        AddTransitRoute { table, to, attachment, back, phrase } => one(
            transit_route(&table, back, &phrase),
            Ec2Change::CreateTransitGatewayRoute { table, to, attachment },
        ),
        ReplaceTransitRoute { table, to, attachment, back, phrase } => one(
            transit_route(&table, back, &phrase),
            Ec2Change::ReplaceTransitGatewayRoute { table, to, attachment },
        ),
        AuthorizeEgress { group, protocol, port, to } => one(
            format!("let the security group out on {}/{port}", protocol.as_str()),
            Ec2Change::AuthorizeEgress { group, protocol, port, to },
        ),
        AuthorizeIngress { group, from, interface, is_default } => {
            let target = interface.map_or_else(|| "the endpoint".into(), String::from);
            let own = if is_default {
                " by a rule for the instance's group, or give it a group of its own that does"
            } else {
                ""
            };
            one(
                format!("admit the instance to {target} on tcp/{HTTPS}{own}"),
                Ec2Change::AuthorizeIngress { group, port: HTTPS, from },
            )
        }
        PassInAcl { acl, egress, protocol, ports, peer } => {
            let ends = (ports.first().unwrap_or(0), ports.last().unwrap_or(u16::MAX));
            one(
                format!("let {}/{} through {acl}, both ways", protocol.as_str(), shown_ports(&ports)),
                Ec2Change::CreateNetworkAclEntry { acl, egress, protocol, ports: ends, peer },
            )
        }
        InspectEndpoint { endpoint, state } => one(
            format!("find out why {endpoint} is {state}, and accept or replace it"),
            Ec2Change::DescribeEndpoint { endpoint },
        ),
        AddEndpointSubnet { endpoint, subnet } => one(
            format!("give {endpoint} a subnet to stand in"),
            Ec2Change::AddEndpointSubnet { endpoint, subnet },
        ),
        AddEndpointRouteTable { endpoint, table } => one(
            format!("put {endpoint} on {table}"),
            Ec2Change::AddEndpointRouteTable { endpoint, table },
        ),
        MakeEndpointDualStack { endpoint } => one(
            format!("give {endpoint} addresses of both kinds, where its subnets have them"),
            Ec2Change::MakeEndpointDualStack { endpoint },
        ),
        EnablePrivateDns { endpoint } => one(
            format!("turn on private DNS for {endpoint}"),
            Ec2Change::EnablePrivateDns { endpoint },
        ),
        EnableVpcDns { vpc } => (
            "turn on DNS support and DNS hostnames for the VPC".into(),
            vec![Ec2Change::EnableDnsSupport { vpc: vpc.clone() }.into(), Ec2Change::EnableDnsHostnames { vpc }.into()],
        ),
        CreateGatewayEndpoint { vpc, region, service, table } => one(
            format!("create a gateway endpoint for {service} (or give the subnet a route to a NAT gateway)"),
            Ec2Change::CreateGatewayEndpoint { vpc, service: region.endpoint_service(service), table },
        ),
        CreateInterfaceEndpoint { vpc, region, service, subnet, group } => one(
            format!("create an interface endpoint for {service} (or give the subnet a route to a NAT gateway)"),
            Ec2Change::CreateInterfaceEndpoint { vpc, service: region.endpoint_service(service), subnet, group },
        ),
        ProvideIpv6 { subnet } => one(
            format!(
                "give the subnet DNS64 and a route for {NAT64} to a NAT gateway, or dual-stack endpoints for {}",
                CORE.join(", ")
            ),
            Ec2Change::EnableDns64 { subnet },
        ),
        UseBucketIn { region } => {
            (format!("log to a bucket in {region}, or give the subnet a route to a NAT gateway"), Vec::new())
        }
        RemoveRecordAddress { zone, address } => (
            format!("take {address} off the record in {zone}"),
            vec![Route53Change::RemoveAddress { zone, address }.into()],
        ),
        OpenFirewall { policy, group, because } => open_firewall(policy, group, &because),
    }
}

fn replace_route(to: &Destination, because: &RouteFault) -> String {
    match because {
        RouteFault::Blackhole => format!("point the route for {to} at something that exists"),
        RouteFault::NatGatewayGone(id) => {
            format!("point the route at a NAT gateway that exists; {id} does not")
        }
        RouteFault::NatGatewayFailed(id) => format!("replace the NAT gateway {id}"),
        RouteFault::NatGatewayIsPrivate => "use a public NAT gateway, or endpoints".into(),
        RouteFault::NatGatewayHasNoRoute => {
            "give the NAT gateway's subnet a route to an internet gateway".into()
        }
        RouteFault::NatGatewayRoutesToItself => {
            "put the NAT gateway into a subnet with a route to an internet gateway".into()
        }
        RouteFault::InternetGatewayDetached(id) => {
            format!("attach {id}, or use another NAT gateway")
        }
        RouteFault::NatInstanceHasNoRoute(via) => {
            format!("use a NAT gateway instead, or give {via} a way out")
        }
        RouteFault::Peering => format!("route {to} to a NAT gateway of this VPC"),
        RouteFault::FirewallIsBeingDeleted => {
            format!("point the route for {to} at something that stays")
        }
    }
}

fn rerouted(table: RouteTableId, to: Destination) -> Change {
    let v6 = matches!(&to, Destination::Cidr(range) if range.addr().is_ipv6());
    let via = if v6 { RouteTarget::EgressOnlyInternetGateway } else { RouteTarget::NatGateway };
    Ec2Change::ReplaceRoute { table, to, via }.into()
}

fn transit_route(table: &str, back: bool, phrase: &str) -> String {
    let direction = if back { "back to" } else { "to" };
    format!("give {table} a route {direction} {phrase}")
}

fn open_firewall(
    policy: Arn,
    group: Option<Arn>,
    because: &FirewallFault,
) -> (String, Vec<Change>) {
    use NetworkFirewallChange::{DescribePolicy, DescribeRuleGroup, UpdatePolicy, UpdateRuleGroup};
    let summary = match (&group, because) {
        (Some(group), FirewallFault::NameNotListed { host, suffix }) => format!(
            "add {host} to the targets of {} (or `.{suffix}`, for all of AWS)",
            group.name()
        ),
        (None, FirewallFault::NameNotListed { host, suffix }) => format!(
            "add an allow list with {host} (or `.{suffix}`, for all of AWS) to {}",
            policy.name()
        ),
        (group, FirewallFault::SourceOutsideHomeNet(address)) => format!(
            "set the variable HOME_NET of {} to ranges that {address} is in too (by default it is the range of the firewall's own VPC)",
            group.as_ref().unwrap_or(&policy).name()
        ),
        (Some(group), FirewallFault::Drops { host }) => {
            format!("have {} let tcp/{HTTPS} to {host} pass", group.name())
        }
        (None, FirewallFault::Drops { host }) => format!(
            "have {} pass tcp/{HTTPS} to {host} and its replies, or forward them to its stateful rules",
            policy.name()
        ),
    };
    let changes = match group {
        Some(group) => [DescribeRuleGroup { group: group.clone() }, UpdateRuleGroup { group }],
        None => [DescribePolicy { policy: policy.clone() }, UpdatePolicy { policy }],
    };
    (summary, changes.map(Change::from).into())
}
