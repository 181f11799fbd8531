//! Changes to transit gateways: attachments, and the tables that route between them.

use alloc::{string::String, vec, vec::Vec};

use ssm_doctor_facts::{
    change::Ec2Change,
    ec2::*,
    lookup::{Facts, Row},
};

/// None if the effect is not modelled.
pub(super) fn edit(facts: &mut Facts, change: &Ec2Change) -> Option<()> {
    #[allow(clippy::enum_glob_use, reason = "most variants are named")]
    use Ec2Change::*;
    match change {
        CreateTransitGatewayAttachment { gateway, vpc, subnet } => {
            // Which tables the gateway associates with a new attachment does not show.
            let tables_seen = matches!(facts.transit_gateways.get(gateway), Some(Row::Present(_)));
            (!tables_seen).then_some(())?;
            let attachments = facts.transit_gateway_attachments.get_mut(vpc)?.present_mut()?;
            // A VPC has one attachment to a gateway: the new one takes the place of one that failed.
            attachments.retain(|other| other.transit_gateway != *gateway);
            attachments.push(TransitGatewayAttachment {
                id: String::from("tgw-attach-created"),
                transit_gateway: gateway.clone(),
                state: AttachmentState::Available,
                subnets: vec![subnet.clone()],
                appliance_mode: false,
            });
            Some(())
        }
        AcceptTransitGatewayAttachment { attachment } => {
            // The gateway's own settings decide whether it associates a table at once.
            let row = listed_by_gateway(facts, attachment);
            row.is_none_or(|row| row.association.is_some()).then_some(())?;
            own(facts, attachment)?.state = AttachmentState::Available;
            Some(())
        }
        AddTransitGatewayAttachmentSubnet { attachment, subnet } => {
            own(facts, attachment)?.subnets.push(subnet.clone());
            Some(())
        }
        AssociateTransitGatewayRouteTable { table, attachment } => {
            let gateways = facts.transit_gateways.values_mut().filter_map(Row::present_mut);
            let mut attachments = gateways.flat_map(|gateway| &mut gateway.attachments);
            attachments.find(|row| row.id == *attachment)?.association = Some(TransitAssociation {
                table: Some(table.clone()),
                state: AssociationState::Associated,
            });
            Some(())
        }
        EnableTransitGatewayPropagation { table, attachment } => {
            let ranges = ranges_behind(facts, attachment)?;
            let routes = &mut transit_table(facts, table)?.routes;
            routes.extend(ranges.into_iter().map(|to| TransitRoute {
                to,
                state: RouteState::Active,
                via: vec![attachment.clone()],
                propagated: true,
            }));
            Some(())
        }
        CreateTransitGatewayRoute { table, to, attachment } => {
            let routes = &mut transit_table(facts, table)?.routes;
            let taken = routes.iter().any(|route| route.to == *to && !route.propagated);
            (!taken).then_some(())?;
            routes.push(static_route(to, attachment));
            Some(())
        }
        ReplaceTransitGatewayRoute { table, to, attachment } => {
            let routes = &mut transit_table(facts, table)?.routes;
            let route = routes.iter_mut().find(|route| route.to == *to && !route.propagated)?;
            *route = static_route(to, attachment);
            Some(())
        }
        _ => None,
    }
}

fn static_route(to: &Destination, attachment: &str) -> TransitRoute {
    TransitRoute {
        to: to.clone(),
        state: RouteState::Active,
        via: vec![attachment.into()],
        propagated: false,
    }
}

/// An attachment as the owner of its VPC sees it.
fn own<'f>(facts: &'f mut Facts, id: &str) -> Option<&'f mut TransitGatewayAttachment> {
    let rows = facts.transit_gateway_attachments.values_mut();
    rows.filter_map(Row::present_mut).flatten().find(|row| row.id == id)
}

fn transit_table<'f>(facts: &'f mut Facts, id: &str) -> Option<&'f mut TransitTable> {
    let gateways = facts.transit_gateways.values_mut().filter_map(Row::present_mut);
    gateways.flat_map(|gateway| &mut gateway.tables).find(|table| table.id == id)
}

/// An attachment as the owner of its gateway sees it.
fn listed_by_gateway<'f>(facts: &'f Facts, id: &str) -> Option<&'f TransitAttachment> {
    let gateways = facts.transit_gateways.values().filter_map(Row::present);
    gateways.flat_map(|gateway| &gateway.attachments).find(|row| row.id == id)
}

/// What an attachment announces: the ranges of its VPC.
fn ranges_behind(facts: &Facts, attachment: &str) -> Option<Vec<Destination>> {
    let vpc = listed_by_gateway(facts, attachment)?.vpc.as_ref()?;
    let vpc = facts.vpcs.get(vpc)?.present()?;
    Some(vpc.cidrs.iter().copied().map(Destination::Cidr).collect())
}
