//! Ways to other VPCs: peering connections and transit gateways.

use alloc::{format, string::String, vec, vec::Vec};

use ipnet::IpNet;
use ssm_doctor_analysis::{answer::FixOption, network::remedy::AttachmentFault};
use ssm_doctor_facts::{
    change::{Change, Ec2Change, RouteTarget},
    ec2::*,
    ids::*,
    lookup::{Need, Ourselves, Row},
};

use super::{network::Network, outbound};

/// A route to a private address in another VPC, as wide as the range of that VPC.
pub(super) fn route_to_vpc(
    network: &Network,
    table: &RouteTableId,
    to: IpNet,
    phrase: &str,
) -> Vec<FixOption> {
    let other = network.vpc_with(to.addr());
    let range = other.map_or(to, |(_, range)| range);
    let destination = Destination::Cidr(range);
    let of_table = network.table(table).map(|(vpc, _)| vpc);
    let targets =
        of_table.map_or_else(Vec::new, |vpc| targets(network, vpc, other.map(|(vpc, _)| vpc)));
    let mut options: Vec<FixOption> = targets
        .into_iter()
        .map(|via| {
            FixOption::new(format!("route {range} of {table}, where {phrase} is, to {via}"))
                .with(outbound::route(network, table, &destination, via))
        })
        .collect();
    if options.is_empty() {
        let mut option = FixOption::new(format!("give {table} a route to {phrase}")).after(format!(
            "find the peering connection or the transit gateway that connects the VPC of {table} with the network of {phrase}, and add a route for {range} to it to {table}"
        ));
        if let Some(vpc) = of_table {
            let attachments = Need::transit_gateway_attachments(vpc.clone());
            option = option.wanting(Some(attachments));
        }
        options.push(option);
    }
    options
}

/// What leads from one VPC to another: active peering connections between them, then transit gateways to
/// which both are attached. Without a row for the other VPC, those that the VPC has.
fn targets(network: &Network, from: &VpcId, to: Option<&VpcId>) -> Vec<RouteTarget> {
    let mut targets = Vec::new();
    for (id, row) in &network.facts.peerings {
        let Some(peering) = row.present() else { continue };
        let sides = [&peering.requester.vpc, &peering.accepter.vpc];
        let joins = sides.contains(&from) && to.is_some_and(|to| sides.contains(&to));
        if joins && peering.state == PeeringState::Active {
            targets.push(RouteTarget::Peering(id.clone()));
        }
    }
    let attached = |vpc: &VpcId| {
        network.facts.transit_gateway_attachments.get(vpc).and_then(Row::present).map_or_else(
            Vec::new,
            |attachments| {
                attachments.iter().map(|attachment| &attachment.transit_gateway).collect()
            },
        )
    };
    for id in attached(from) {
        let reaches = to.is_none_or(|to| {
            let of_gateway = network.facts.transit_gateways.get(id).and_then(Row::present);
            attached(to).contains(&id)
                || of_gateway.is_some_and(|gateway| {
                    gateway.attachments.iter().any(|attachment| attachment.vpc.as_ref() == Some(to))
                })
        });
        if reaches {
            targets.push(RouteTarget::TransitGateway(id.clone()));
        }
    }
    // What other routes of the VPC name.
    if targets.is_empty() {
        let routes = network.tables(from).iter().flat_map(|table| &table.routes);
        for route in routes.filter(|route| route.state == RouteState::Active) {
            let target = match route.via.kind() {
                TargetKind::TransitGateway(id) => RouteTarget::TransitGateway(id),
                _ => continue,
            };
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
    }
    targets
}

/// Only the accepter can accept. A connection that failed or was deleted is created again.
pub(super) fn peering(network: &Network, id: &PeeringId) -> Vec<FixOption> {
    let row = network.facts.peerings.get(id).and_then(Row::present);
    let owner = row.and_then(|row| row.accepter.owner.as_ref());
    let region = row.and_then(|row| row.accepter.region.as_ref());
    match row.map(|row| &row.state) {
        Some(PeeringState::PendingAcceptance) | None => {
            let us = network.facts.caller.get(&Ourselves::Us).and_then(Row::present);
            let other = owner.filter(|owner| us.is_some_and(|us| us.account != **owner));
            if let Some(owner) = other {
                return vec![
                    FixOption::new(format!("have account {owner} accept {id}"))
                        .after(format!("ask the owner of account {owner} to accept {id}")),
                ];
            }
            let other_region = region.filter(|region| **region != network.scope.region).cloned();
            let place = other_region.as_ref().map_or_else(String::new, |region| {
                format!(" in {region}, where the accepter's VPC is")
            });
            let title = format!("accept the peering connection {id}{place}");
            let (peering, region) = (id.clone(), other_region);
            vec![FixOption::new(title).with(Ec2Change::AcceptPeering { peering, region })]
        }
        Some(state) => vec![
            FixOption::new(format!("create a peering connection in place of {id}, which is {state}"))
                .after(format!(
                    "create a new peering connection between the two VPCs, accept it, and replace {id} in the routes of both VPCs"
                )),
        ],
    }
}

pub(super) fn attachment(
    vpc: &VpcId,
    gateway: &TransitGatewayId,
    subnet: &SubnetId,
    attachment: Option<&str>,
    because: AttachmentFault,
) -> FixOption {
    match (because, attachment) {
        (AttachmentFault::NotInZone, Some(attachment)) => {
            FixOption::new(format!("add {subnet} to the transit gateway attachment {attachment}"))
                .with(Ec2Change::AddTransitGatewayAttachmentSubnet {
                    attachment: attachment.into(),
                    subnet: subnet.clone(),
                })
        }
        (AttachmentFault::NotAccepted, Some(attachment)) => {
            FixOption::new(format!("accept the transit gateway attachment {attachment}"))
                .after(format!("run the command as the owner of {gateway}"))
                .with(Ec2Change::AcceptTransitGatewayAttachment { attachment: attachment.into() })
        }
        (AttachmentFault::NotAvailable, Some(attachment)) => FixOption::new(format!(
            "attach {vpc} to {gateway} again, in place of {attachment}"
        ))
        .after(format!(
            "wait until {attachment} is deleted: a VPC has one attachment to a transit gateway"
        ))
        .with(Ec2Change::CreateTransitGatewayAttachment {
            gateway: gateway.clone(),
            vpc: vpc.clone(),
            subnet: subnet.clone(),
        }),
        _ => FixOption::new(format!("attach {vpc} to {gateway}")).with(
            Ec2Change::CreateTransitGatewayAttachment {
                gateway: gateway.clone(),
                vpc: vpc.clone(),
                subnet: subnet.clone(),
            },
        ),
    }
}

/// With the table that the gateway's other attachments use.
pub(super) fn associate(
    network: &Network,
    gateway: &TransitGatewayId,
    attachment: &str,
) -> Vec<FixOption> {
    let row = network.facts.transit_gateways.get(gateway).and_then(Row::present);
    let mut tables: Vec<&TransitTable> =
        row.map_or_else(Vec::new, |row| row.tables.iter().collect());
    tables.sort_by_key(|table| !table.default_propagation);
    if tables.is_empty() {
        return vec![
            FixOption::new(format!("associate {attachment} with a route table of {gateway}"))
                .after(format!("create a route table for {gateway}, with a route to every VPC that {attachment} is to reach, and associate {attachment} with it")),
        ];
    }
    let option = |table: &&TransitTable| {
        FixOption::new(format!(
            "associate {attachment} with {}, a route table of {gateway}",
            table.id
        ))
        .with(Ec2Change::AssociateTransitGatewayRouteTable {
            table: table.id.clone(),
            attachment: attachment.into(),
        })
    };
    tables.iter().map(option).collect()
}

/// A route of a transit gateway, to an attachment that is known or the one that may lead there.
pub(super) fn transit_route(
    network: &Network,
    table: &str,
    to: &Destination,
    attachment: Option<&str>,
    (back, phrase): (bool, &str),
    replace: bool,
) -> Vec<FixOption> {
    let direction = if back { "back to" } else { "to" };
    let what = format!("give {table} a route {direction} {phrase}");
    let option = |attachment: &str, behind: &str| {
        let (table, to, attachment) = (String::from(table), to.clone(), String::from(attachment));
        let change: Change = if replace {
            Ec2Change::ReplaceTransitGatewayRoute { table, to, attachment: attachment.clone() }
                .into()
        } else {
            Ec2Change::CreateTransitGatewayRoute { table, to, attachment: attachment.clone() }
                .into()
        };
        FixOption::new(format!("{what} by {attachment}{behind}")).with(change)
    };
    if let Some(attachment) = attachment {
        return vec![option(attachment, "")];
    }
    let gateways = network.facts.transit_gateways.values().filter_map(Row::present);
    let gateway =
        gateways.into_iter().find(|gateway| gateway.tables.iter().any(|other| other.id == table));
    let own = network.own_vpc().map(|(vpc, _)| vpc);
    let attachments = gateway.map_or(&[][..], |gateway| &gateway.attachments);
    let others = attachments.iter().filter(|other| other.vpc.as_ref() != own || own.is_none());
    let mut options: Vec<FixOption> = others
        .map(|other| {
            let vpc = other.vpc.as_ref();
            let behind = vpc.map_or_else(String::new, |vpc| format!(", behind which {vpc} is"));
            option(&other.id, &behind)
        })
        .collect();
    if options.is_empty() {
        options.push(FixOption::new(what).after(format!(
            "attach the network that leads {direction} {phrase} to the transit gateway, and route {to} of {table} to that attachment"
        )));
    }
    options
}
