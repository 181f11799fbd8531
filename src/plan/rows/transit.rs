//! Transit gateways: attachments, associations, propagations and routes.

use ssm_doctor_facts::{
    ec2::*,
    ids::{SubnetId, TransitGatewayId, VpcId},
    lookup::Row,
};

use super::row::{Rows, SUBNETS, VPCS, parsed, range, unknown};
use crate::plan::{
    identity::DEFAULT_TRANSIT_TABLE,
    world::{Home, Known, Resource, World},
};

const GATEWAY: [&str; 1] = ["aws_ec2_transit_gateway"];
const ATTACHMENT: [&str; 1] = ["aws_ec2_transit_gateway_vpc_attachment"];
const TABLE: [&str; 1] = ["aws_ec2_transit_gateway_route_table"];

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &GATEWAY).filter(|gateway| !gateway.data) {
        let Ok(id) = resource.id.parse::<TransitGatewayId>() else { continue };
        let row = gateway(world, home, resource).map_or_else(|unknown| unknown, Row::Present);
        rows.facts.transit_gateways.insert(id, row);
    }
    for resource in world.of(home, &ATTACHMENT) {
        let gateway = world.id_in::<TransitGatewayId>(resource, "transit_gateway_id", &GATEWAY);
        let (Some(gateway), Some(vpc)) = (gateway, vpc_of(world, resource)) else { continue };
        let subnets = world.refers(resource, "subnet_ids", &SUBNETS).value().unwrap_or_default();
        let subnets: Vec<SubnetId> = subnets.iter().filter_map(|id| id.parse().ok()).collect();
        let row = TransitGatewayAttachment {
            id: resource.id.clone(),
            transit_gateway: gateway,
            state: AttachmentState::Available,
            subnets,
            appliance_mode: resource.known("appliance_mode_support").as_deref() == Some("enable"),
        };
        if let Some(list) = rows.list_of(&vpc, |facts| &mut facts.transit_gateway_attachments) {
            list.push(row);
        }
    }
}

/// # Errors
/// The row that says what is not known, where a part of the gateway is not: a route or an attachment that is left out
/// would be one that does not exist.
fn gateway(
    world: &World,
    home: &Home,
    resource: &Resource,
) -> Result<TransitGateway, Row<TransitGateway>> {
    let on = |name: &str| resource.known(name).as_deref() != Some("disable");
    let default = resource
        .known("association_default_route_table_id")
        .unwrap_or_else(|| DEFAULT_TRANSIT_TABLE.id(&resource.id));
    let is_of =
        |other: &&Resource| world.refers_to(other, "transit_gateway_id", &GATEWAY, &resource.id);
    let attachments: Vec<&Resource> = world.of(home, &ATTACHMENT).filter(is_of).collect();
    let associated = |attachment: &Resource| {
        let associations = ["aws_ec2_transit_gateway_route_table_association"];
        let explicit = world.of(home, &associations).find_map(|association| {
            let id = &attachment.id;
            world.refers_to(association, "transit_gateway_attachment_id", &ATTACHMENT, id).then(
                || {
                    let table = "transit_gateway_route_table_id";
                    world.refers_to_one(association, table, &TABLE).value()
                },
            )?
        });
        let by_default = on("default_route_table_association")
            && attachment.flag("transit_gateway_default_route_table_association", true);
        explicit.or_else(|| by_default.then(|| default.clone()))
    };
    let own_tables = world.of(home, &TABLE).filter(is_of);
    let mut ids: Vec<String> = own_tables.map(|table| table.id.clone()).collect();
    if on("default_route_table_association") || on("default_route_table_propagation") {
        ids.push(default.clone());
    }
    let tables = ids.into_iter().map(|id| {
        let propagates = id == default && on("default_route_table_propagation");
        let routes = routes(world, home, &id, &attachments, propagates)?;
        Ok(TransitTable { id, default_propagation: propagates, routes })
    });
    let attachment = |attachment: &&Resource| {
        Ok(TransitAttachment {
            id: attachment.id.clone(),
            vpc: parsed(world, attachment, "vpc_id", &VPCS)?,
            vpn: None,
            owner: Some(home.account.clone()),
            association: associated(attachment).map(|table| TransitAssociation {
                table: Some(table),
                state: AssociationState::Associated,
            }),
        })
    };
    Ok(TransitGateway {
        tables: tables.collect::<Result<_, Row<_>>>()?,
        attachments: attachments.iter().map(attachment).collect::<Result<_, Row<_>>>()?,
    })
}

fn vpc_of(world: &World, attachment: &Resource) -> Option<VpcId> {
    world.id_in(attachment, "vpc_id", &VPCS)
}

fn routes(
    world: &World,
    home: &Home,
    table: &str,
    attachments: &[&Resource],
    propagates: bool,
) -> Result<Vec<TransitRoute>, Row<TransitGateway>> {
    let mut routes = Vec::new();
    for route in world.of(home, &["aws_ec2_transit_gateway_route"]) {
        let kinds = [TABLE[0], GATEWAY[0]];
        let of: Option<String> = parsed(world, route, "transit_gateway_route_table_id", &kinds)?;
        if of.as_deref() != Some(table) {
            continue;
        }
        let to = match route.text("destination_cidr_block") {
            Known::Value(text) => range(&text),
            Known::None => None,
            Known::Unknown(why, address) => return Err(unknown(why, &address)),
        };
        let Some(to) = to else { continue };
        let via: Option<String> =
            parsed(world, route, "transit_gateway_attachment_id", &ATTACHMENT)?;
        let blackhole = route.flag("blackhole", false);
        routes.push(TransitRoute {
            to: Destination::Cidr(to),
            state: if blackhole { RouteState::Blackhole } else { RouteState::Active },
            via: via.into_iter().collect(),
            propagated: false,
        });
    }
    let explicit: Vec<String> = world
        .of(home, &["aws_ec2_transit_gateway_route_table_propagation"])
        .filter(|propagation| {
            world.refers_to(propagation, "transit_gateway_route_table_id", &TABLE, table)
        })
        .filter_map(|propagation| {
            world.refers_to_one(propagation, "transit_gateway_attachment_id", &ATTACHMENT).value()
        })
        .collect();
    for attachment in attachments {
        let by_default =
            propagates && attachment.flag("transit_gateway_default_route_table_propagation", true);
        if !by_default && !explicit.contains(&attachment.id) {
            continue;
        }
        let vpc = vpc_of(world, attachment).and_then(|id| world.with_id(id.as_str()));
        let range = vpc.and_then(|vpc| range(&vpc.known("cidr_block")?));
        routes.extend(range.map(|to| TransitRoute {
            to: Destination::Cidr(to),
            state: RouteState::Active,
            via: vec![attachment.id.clone()],
            propagated: true,
        }));
    }
    Ok(routes)
}
