//! Transit gateways, with their attachments and route tables.

use aws_sdk_ec2::{
    operation::search_transit_gateway_routes::SearchTransitGatewayRoutesOutput as Page,
    types::{self as sdk, Filter},
};
use ssm_doctor_facts::{
    ec2::{
        Destination, TransitAssociation, TransitAttachment, TransitGateway,
        TransitGatewayAttachment, TransitRoute, TransitTable,
    },
    ids::{TransitGatewayId, VpcId},
    lookup::Facts,
};

use super::lists::{Ec2, PAGE, all, filter, ids, listed, word};
use crate::collect::{
    aws::why::{Failure, field, maybe, named, row, unreadable},
    chain::{self, both},
};

impl Ec2 {
    pub async fn transit_gateway_attachments(self, vpc: VpcId) -> Facts {
        let call = self
            .client
            .describe_transit_gateway_vpc_attachments()
            .filters(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let attachments = found.and_then(|it| it.iter().map(attachment).collect()).map(Some);
        Facts { transit_gateway_attachments: [(vpc, row(attachments))].into(), ..Facts::default() }
    }

    /// Its attachments and its route tables with all their routes. One answer needs both, so both are
    /// requested at once.
    pub async fn transit_gateway(self, id: TransitGatewayId) -> Facts {
        let attached = self.client.describe_transit_gateway_attachments();
        let attached = attached.filters(filter("transit-gateway-id", id.as_str()));
        let attached = attached.into_paginator().page_size(PAGE).items();
        let (attached, tables) =
            both(async { listed(all!(self, attached)) }, self.transit_tables(&id)).await;
        let attached = attached.and_then(|it| it.iter().map(transit_attachment).collect());
        let gateway = attached
            .and_then(|attachments| Ok(Some(TransitGateway { attachments, tables: tables? })));
        Facts { transit_gateways: [(id, row(gateway))].into(), ..Facts::default() }
    }

    async fn transit_tables(&self, id: &TransitGatewayId) -> Result<Vec<TransitTable>, Failure> {
        let call = self.client.describe_transit_gateway_route_tables();
        let call = call.filters(filter("transit-gateway-id", id.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()))?;
        let tables = chain::all(found.iter().map(|table| self.transit_table(table))).await;
        let mut tables = tables.into_iter().collect::<Result<Vec<_>, _>>()?;
        tables.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(tables)
    }

    async fn transit_table(
        &self,
        it: &sdk::TransitGatewayRouteTable,
    ) -> Result<TransitTable, Failure> {
        let id = field("transitGatewayRouteTableId", it.transit_gateway_route_table_id())?;
        // A search has to be for something: these are all the states that routes packets meet are in.
        let states = Filter::builder().name("state").values("active").values("blackhole").build();
        let call = self.client.search_transit_gateway_routes().transit_gateway_route_table_id(id);
        let pages = all!(self, call.filters(states).into_paginator().page_size(PAGE));
        let pages = listed(pages)?;
        let last = pages.last();
        if last.is_some_and(|it| it.additional_routes_available() == Some(true)) {
            return Err(unreadable(format!("{id} has more routes than AWS lists")));
        }
        Ok(TransitTable {
            id: id.into(),
            default_propagation: it.default_propagation_route_table().unwrap_or_default(),
            routes: pages.iter().flat_map(Page::routes).map(transit_route).collect(),
        })
    }
}

fn attachment(it: &sdk::TransitGatewayVpcAttachment) -> Result<TransitGatewayAttachment, Failure> {
    Ok(TransitGatewayAttachment {
        id: field("transitGatewayAttachmentId", it.transit_gateway_attachment_id())?.into(),
        transit_gateway: named("transitGatewayId", it.transit_gateway_id())?,
        state: word(Some(field("state", it.state())?.as_str())),
        subnets: ids("subnetId", it.subnet_ids().iter().map(String::as_str))?,
        appliance_mode: it.options().and_then(|it| it.appliance_mode_support())
            == Some(&sdk::ApplianceModeSupportValue::Enable),
    })
}

fn transit_attachment(it: &sdk::TransitGatewayAttachment) -> Result<TransitAttachment, Failure> {
    use sdk::TransitGatewayAttachmentResourceType::{Vpc, Vpn};
    let resource_of = |kind| it.resource_id().filter(|_| it.resource_type() == Some(&kind));
    let association = it.association().map(|it| {
        Ok(TransitAssociation {
            table: it.transit_gateway_route_table_id().map(Into::into),
            state: word(Some(field("association state", it.state())?.as_str())),
        })
    });
    Ok(TransitAttachment {
        id: field("transitGatewayAttachmentId", it.transit_gateway_attachment_id())?.into(),
        vpc: maybe("resourceId", resource_of(Vpc))?,
        vpn: resource_of(Vpn).map(Into::into),
        owner: maybe("resourceOwnerId", it.resource_owner_id())?,
        association: association.transpose()?,
    })
}

fn transit_route(it: &sdk::TransitGatewayRoute) -> TransitRoute {
    let to = it.destination_cidr_block().or(it.prefix_list_id()).unwrap_or_default();
    let via = it.transit_gateway_attachments().iter();
    TransitRoute {
        to: to.parse().map_or_else(|_| Destination::Unreadable(to.into()), Destination::Cidr),
        state: word(it.state().map(sdk::TransitGatewayRouteState::as_str)),
        via: via.filter_map(|it| it.transit_gateway_attachment_id()).map(Into::into).collect(),
        propagated: it.r#type() == Some(&sdk::TransitGatewayRouteType::Propagated),
    }
}
