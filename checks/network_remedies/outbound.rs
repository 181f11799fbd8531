//! The ways out of a VPC: NAT gateways, internet gateways, egress-only internet gateways.

use alloc::{collections::BTreeSet, format, string::String, vec, vec::Vec};

use ipnet::IpNet;
use ssm_doctor_analysis::{answer::FixOption, network::remedy::RouteFault};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, Risk, RouteTarget},
    ec2::*,
    ids::*,
    lookup::{Need, Row},
};

use super::{endpoints, network::Network};
use crate::engine::risks;

/// Does an option come without a charge?
pub(super) fn costs_nothing(option: &FixOption) -> bool {
    !risks::of_option(option).contains(&Risk::Costs)
}

/// A new route, or one in place of the route that the table has for the same destination.
pub(super) fn route(
    network: &Network,
    table: &RouteTableId,
    to: &Destination,
    via: RouteTarget,
) -> Change {
    let of_table = network.table(table).map_or(&[][..], |(_, table)| &table.routes);
    let replaced = of_table.iter().find(|route| route.to == *to && !route.propagated);
    let (table, to) = (table.clone(), to.clone());
    match replaced {
        Some(route) => {
            let is_blackhole = route.state == RouteState::Blackhole;
            Ec2Change::ReplaceRoute { table, to, via, is_blackhole }.into()
        }
        None => Ec2Change::CreateRoute { table, to, via }.into(),
    }
}

fn is_v6(to: &Destination) -> bool {
    matches!(to, Destination::Cidr(IpNet::V6(_)))
}

/// Routes to a NAT gateway: first one that exists, then a new one. Empty if there is nowhere to put one.
pub(super) fn by_nat_gateway(
    network: &Network,
    table: &RouteTableId,
    to: &Destination,
    dead: Option<&NatGatewayId>,
) -> Vec<FixOption> {
    let Some((vpc, _)) = network.table(table) else { return Vec::new() };
    let search = Search { network, vpc, table };
    let (existing, wanted) = search.existing(dead);
    let mut options = Vec::new();
    if let Some(gateway) = existing {
        options.push(
            FixOption::new(format!("route {to} of {table} to the NAT gateway {gateway}"))
                .with(route(network, table, to, RouteTarget::NatGateway(gateway.clone()))),
        );
    }
    if let Some(subnet) = search.public_subnet() {
        let via = RouteTarget::NatGateway(NatGatewayId::created());
        options.push(
            FixOption::new(format!(
                "create a NAT gateway in the public subnet {subnet}; route {to} of {table} to it"
            ))
            .with(Ec2Change::CreateNatGateway { subnet: subnet.clone() })
            .with(route(network, table, to, via)),
        );
    }
    if let Some(first) = options.first_mut() {
        first.wanted.extend(wanted);
    }
    options
}

struct Search<'s, 'a> {
    network: &'s Network<'a>,
    vpc: &'a VpcId,
    /// The route table that needs a way out: a NAT gateway cannot stand behind itself.
    table: &'s RouteTableId,
}

impl<'a> Search<'_, 'a> {
    /// A NAT gateway of the VPC that works, in the instance's Availability Zone if there is one, and what
    /// was not seen of others.
    fn existing(&self, dead: Option<&NatGatewayId>) -> (Option<NatGatewayId>, Vec<Need>) {
        let routes = self.network.tables(self.vpc).iter().flat_map(|table| &table.routes);
        let targets: BTreeSet<NatGatewayId> = routes
            .filter_map(|route| match route.via.kind() {
                TargetKind::NatGateway(id) => Some(id),
                _ => None,
            })
            .collect();
        let known = self.network.facts.nat_gateways.keys().filter(|id| {
            let gateway = self.network.facts.nat_gateways.get(id).and_then(Row::present);
            gateway.and_then(|gateway| gateway.subnet.as_ref()).is_some_and(|subnet| {
                self.network
                    .facts
                    .subnets
                    .get(subnet)
                    .and_then(Row::present)
                    .is_some_and(|subnet| subnet.vpc == *self.vpc)
            })
        });
        let all: BTreeSet<NatGatewayId> = known.cloned().chain(targets).collect();
        let (mut working, mut wanted) = (Vec::new(), Vec::new());
        for id in all.into_iter().filter(|id| Some(id) != dead) {
            match self.network.facts.nat_gateways.get(&id) {
                None => wanted.push(Need::nat_gateway(id)),
                Some(Row::Present(gateway)) if self.works(gateway) => working.push((id, gateway)),
                Some(_) => {}
            }
        }
        let near =
            |gateway: &NatGateway| gateway.subnet.as_ref().is_some_and(|id| self.is_near(id));
        let best = working.iter().find(|row| near(row.1)).or_else(|| working.first());
        (best.map(|row| row.0.clone()), wanted)
    }

    /// Is a subnet in the instance's Availability Zone?
    fn is_near(&self, subnet: &SubnetId) -> bool {
        let own = self.network.own_subnet().and_then(|id| self.network.zone_of(id));
        own.is_some() && self.network.zone_of(subnet) == own
    }

    fn works(&self, gateway: &NatGateway) -> bool {
        let routes_out = gateway.subnet.as_ref().is_none_or(|subnet| {
            self.network.table_of(self.vpc, subnet).is_some_and(|table| {
                table.id != *self.table && self.network.is_public(self.vpc, table)
            })
        });
        gateway.state == NatState::Available
            && gateway.connectivity == Connectivity::Public
            && routes_out
    }

    /// A subnet from which packets leave by an internet gateway, in the instance's Availability Zone if
    /// there is one.
    fn public_subnet(&self) -> Option<&'a SubnetId> {
        let tables = self.network.tables(self.vpc);
        let public = tables
            .iter()
            .filter(|table| table.id != *self.table && self.network.is_public(self.vpc, table));
        let mut subnets: Vec<&SubnetId> = public.clone().flat_map(|table| &table.subnets).collect();
        // The main table is that of every subnet without one.
        if public.clone().any(|table| table.main) {
            let without = self.network.facts.subnets.iter().filter(|(id, row)| {
                row.present().is_some_and(|subnet| subnet.vpc == *self.vpc)
                    && !tables.iter().any(|table| table.subnets.contains(id))
            });
            subnets.extend(without.map(|(id, _)| id));
        }
        let near = subnets.iter().find(|id| self.is_near(id));
        near.or_else(|| subnets.first()).copied()
    }
}

/// What leads nowhere is replaced by a way out that works, or repaired itself.
pub(super) fn replace_route(
    network: &Network,
    table: &RouteTableId,
    to: &Destination,
    because: &RouteFault,
) -> Vec<FixOption> {
    let mut options = Vec::new();
    let target = network.table(table).and_then(|(_, table)| {
        table.routes.iter().find(|route| route.to == *to).map(|route| route.via.kind())
    });
    let dead = match target {
        Some(TargetKind::NatGateway(id)) => Some(id),
        _ => None,
    };
    match because {
        RouteFault::InternetGatewayDetached(gateway) => {
            if let Some((vpc, _)) = network.table(table) {
                options.extend(attach(network, gateway, vpc));
            }
        }
        RouteFault::NatGatewayHasNoRoute => {
            options.extend(dead.as_ref().and_then(|id| give_nat_a_route(network, table, id)));
        }
        _ => {}
    }
    if let Some(option) = delete_route(network, table, to) {
        return vec![option];
    }
    if is_v6(to) {
        if let Some((vpc, _)) = network.table(table) {
            options.push(by_egress_only(network, vpc, table, to));
        }
    } else if let Some(option) = by_internet_gateway(network, table, to) {
        options.push(option);
    } else {
        let (free, new): (Vec<_>, Vec<_>) =
            by_nat_gateway(network, table, to, dead.as_ref()).into_iter().partition(costs_nothing);
        let narrower = endpoints::create(network, None, &[]);
        options.extend(free);
        // What the subnet had comes back. Elsewhere the option that grants less comes first.
        let was_there = matches!(because, RouteFault::Blackhole | RouteFault::NatGatewayGone(_));
        let (first, then) =
            if dead.is_some() && was_there { (new, narrower) } else { (narrower, new) };
        options.extend(first);
        options.extend(then);
    }
    if options.is_empty() {
        options.push(by_hand(table, to, because));
    }
    options
}

/// Without a route of its own, a part of the VPC's range is reached by the local route.
fn delete_route(network: &Network, table: &RouteTableId, to: &Destination) -> Option<FixOption> {
    let (vpc, _) = network.table(table)?;
    let Destination::Cidr(range) = to else { return None };
    let cidrs = &network.facts.vpcs.get(vpc)?.present()?.cidrs;
    cidrs.iter().any(|cidr| cidr.contains(range)).then(|| {
        FixOption::new(format!(
            "delete the route for {to} from {table}, so that the local route of {vpc} carries it"
        ))
        .with(Ec2Change::DeleteRoute { table: table.clone(), to: to.clone() })
    })
}

/// A subnet whose instances have public addresses stays public.
fn by_internet_gateway(
    network: &Network,
    table: &RouteTableId,
    to: &Destination,
) -> Option<FixOption> {
    let (vpc, _) = network.table(table)?;
    let interface = network.own_interface()?;
    let own = network.table_of(vpc, &interface.subnet)?.id == *table;
    let gateway = network.internet_gateway(vpc)?;
    (own && interface.public_ip.is_some()).then(|| {
        FixOption::new(format!("route {to} of {table} to the internet gateway {}", gateway.id))
            .with(route(network, table, to, RouteTarget::InternetGateway(gateway.id.clone())))
    })
}

fn give_nat_a_route(
    network: &Network,
    table: &RouteTableId,
    gateway: &NatGatewayId,
) -> Option<FixOption> {
    let (vpc, _) = network.table(table)?;
    let subnet = network.facts.nat_gateways.get(gateway)?.present()?.subnet.as_ref()?;
    let of_gateway = network.table_of(vpc, subnet)?;
    (of_gateway.id != *table).then_some(())?;
    let attached = network.internet_gateway(vpc)?;
    let to = network.everything();
    let change =
        route(network, &of_gateway.id, &to, RouteTarget::InternetGateway(attached.id.clone()));
    Some(
        FixOption::new(format!(
            "route {to} of {}, the route table of {gateway}, to the internet gateway {}",
            of_gateway.id, attached.id
        ))
        .with(change),
    )
}

fn by_hand(table: &RouteTableId, to: &Destination, because: &RouteFault) -> FixOption {
    let step = match because {
        RouteFault::Peering => {
            format!(
                "point the route for {to} in {table} at a NAT gateway of the same VPC: a peering connection does not lead to the internet"
            )
        }
        _ => format!("point the route for {to} in {table} at a gateway that exists"),
    };
    FixOption::new(format!("replace the route for {to} in {table}")).after(step)
}

/// The gateway that routes name, or the one that the VPC has in its place.
pub(super) fn attach(
    network: &Network,
    gateway: &InternetGatewayId,
    vpc: &VpcId,
) -> Vec<FixOption> {
    let Some(other) = network.internet_gateway(vpc) else {
        let attach = FixOption::new(format!("attach the internet gateway {gateway} to {vpc}"))
            .with(Ec2Change::AttachInternetGateway { gateway: gateway.clone(), vpc: vpc.clone() });
        let mut replaced = FixOption::new(format!(
            "if {gateway} is deleted: create an internet gateway, attach it to {vpc}, and route to it"
        ))
        .with(Ec2Change::CreateInternetGateway)
        .with(Ec2Change::AttachInternetGateway {
            gateway: InternetGatewayId::created(),
            vpc: vpc.clone(),
        });
        replaced.changes.extend(rerouted(
            network,
            vpc,
            gateway.as_str(),
            &RouteTarget::InternetGateway(InternetGatewayId::created()),
        ));
        return vec![attach, replaced];
    };
    let mut option =
        FixOption::new(format!("route to {}, the internet gateway that {vpc} has", other.id));
    let via = RouteTarget::InternetGateway(other.id.clone());
    option.changes = rerouted(network, vpc, gateway.as_str(), &via);
    vec![option]
}

/// Every route of the VPC that leads to `from` leads to `via` instead.
fn rerouted(network: &Network, vpc: &VpcId, from: &str, via: &RouteTarget) -> Vec<Change> {
    let mut changes = Vec::new();
    for table in network.tables(vpc) {
        for route in table.routes.iter().filter(|route| route.via.0 == from) {
            let (table, to) = (table.id.clone(), route.to.clone());
            let is_blackhole = route.state == RouteState::Blackhole;
            let via = via.clone();
            changes.push(Ec2Change::ReplaceRoute { table, to, via, is_blackhole }.into());
        }
    }
    changes
}

/// For routes to an egress-only internet gateway that the VPC does not have.
pub(super) fn egress_only(network: &Network, vpc: &VpcId) -> Vec<FixOption> {
    let gateways = network.facts.egress_only_gateways.get(vpc).and_then(Row::present);
    let known = |id: &EgressOnlyGatewayId| {
        gateways.is_some_and(|all| {
            all.iter().any(|gateway| gateway.id == *id && gateway.state == "attached")
        })
    };
    let routes = network.tables(vpc).iter().flat_map(|table| &table.routes);
    let gone: BTreeSet<String> = routes
        .filter(
            |route| matches!(route.via.kind(), TargetKind::EgressOnlyGateway(id) if !known(&id)),
        )
        .map(|route| route.via.0.clone())
        .collect();
    let (mut option, via) = new_egress_only(network, vpc);
    for from in gone {
        option.changes.extend(rerouted(network, vpc, &from, &via));
    }
    vec![option]
}

fn by_egress_only(
    network: &Network,
    vpc: &VpcId,
    table: &RouteTableId,
    to: &Destination,
) -> FixOption {
    let (option, via) = new_egress_only(network, vpc);
    option.with(route(network, table, to, via))
}

/// The egress-only internet gateway of the VPC, or a new one.
fn new_egress_only(network: &Network, vpc: &VpcId) -> (FixOption, RouteTarget) {
    let gateways = network.facts.egress_only_gateways.get(vpc).and_then(Row::present);
    let existing = gateways.and_then(|all| all.iter().find(|gateway| gateway.state == "attached"));
    match existing {
        Some(gateway) => (
            FixOption::new(format!("route to the egress-only internet gateway {}", gateway.id)),
            RouteTarget::EgressOnlyInternetGateway(gateway.id.clone()),
        ),
        None => (
            FixOption::new(format!(
                "create an egress-only internet gateway for {vpc}, and route to it"
            ))
            .with(Ec2Change::CreateEgressOnlyInternetGateway { vpc: vpc.clone() })
            .wanting(
                (!network.facts.egress_only_gateways.contains_key(vpc))
                    .then(|| Need::egress_only_gateways(vpc.clone())),
            ),
            RouteTarget::EgressOnlyInternetGateway(EgressOnlyGatewayId::created()),
        ),
    }
}
