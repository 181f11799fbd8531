//! Route tables and managed prefix lists.

use aws_sdk_ec2::types as sdk;
use ssm_doctor_facts::{
    ec2::{Destination, NextHop, PrefixList, Route, RouteTable},
    ids::PrefixListId,
    lookup::Facts,
};

use super::lists::{Ec2, SMALL_PAGE, all, ids, word};
use crate::collect::aws::why::{Failure, named, row};

impl Ec2 {
    pub async fn prefix_list(self, id: PrefixListId) -> Facts {
        let call = self.client.get_managed_prefix_list_entries().prefix_list_id(id.as_str());
        let call = call.into_paginator().page_size(SMALL_PAGE).items();
        let found =
            all!(self, call, "InvalidPrefixListID.NotFound", "InvalidPrefixListId.NotFound");
        let list = found.and_then(|entries| {
            let cidrs = |it: Vec<sdk::PrefixListEntry>| {
                it.iter().map(|it| named("cidr", it.cidr())).collect()
            };
            Ok(entries.map(cidrs).transpose()?.map(|cidrs| PrefixList { cidrs }))
        });
        Facts { prefix_lists: [(id, row(list))].into(), ..Facts::default() }
    }
}

pub(super) fn route_table(it: &sdk::RouteTable) -> Result<RouteTable, Failure> {
    // An association that is on its way out does not route any more.
    let stands = |it: &&sdk::RouteTableAssociation| {
        use sdk::RouteTableAssociationStateCode::{Disassociated, Disassociating, Failed};
        let state = it.association_state().and_then(|it| it.state());
        !matches!(state, Some(Disassociated | Disassociating | Failed))
    };
    let associations = || it.associations().iter().filter(stands);
    Ok(RouteTable {
        id: named("routeTableId", it.route_table_id())?,
        main: associations().any(|it| it.main() == Some(true)),
        subnets: ids("subnetId", associations().filter_map(|it| it.subnet_id()))?,
        routes: it.routes().iter().map(route).collect(),
    })
}

fn route(it: &sdk::Route) -> Route {
    let cidr = it.destination_cidr_block().or(it.destination_ipv6_cidr_block());
    let to = match (cidr, it.destination_prefix_list_id()) {
        (Some(raw), _) => {
            raw.parse().map_or_else(|_| Destination::Unreadable(raw.into()), Destination::Cidr)
        }
        (None, Some(raw)) => {
            raw.parse().map_or_else(|_| Destination::Unreadable(raw.into()), Destination::List)
        }
        (None, None) => Destination::Unreadable("a destination of an unknown kind".into()),
    };
    // An instance's route names its interface too, which is the one that receives the packets.
    let via = it
        .gateway_id()
        .or(it.nat_gateway_id())
        .or(it.transit_gateway_id())
        .or(it.vpc_peering_connection_id())
        .or(it.egress_only_internet_gateway_id())
        .or(it.network_interface_id())
        .or(it.instance_id())
        .or(it.local_gateway_id())
        .or(it.carrier_gateway_id())
        .or(it.core_network_arn())
        .or(it.odb_network_arn())
        .unwrap_or("a target of an unknown kind");
    Route {
        to,
        via: NextHop(via.into()),
        state: word(it.state().map(sdk::RouteState::as_str)),
        propagated: it.origin() == Some(&sdk::RouteOrigin::EnableVgwRoutePropagation),
    }
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::ec2::RouteState;

    use super::*;

    #[test]
    fn no_route_is_dropped() {
        let rows = [
            (
                sdk::Route::builder().destination_cidr_block("0.0.0.0/0").nat_gateway_id("nat-1"),
                Destination::Cidr("0.0.0.0/0".parse().unwrap()),
                "nat-1",
            ),
            (
                sdk::Route::builder()
                    .destination_ipv6_cidr_block("::/0")
                    .egress_only_internet_gateway_id("eigw-1"),
                Destination::Cidr("::/0".parse().unwrap()),
                "eigw-1",
            ),
            (
                sdk::Route::builder().destination_prefix_list_id("pl-1").gateway_id("vpce-1"),
                Destination::List("pl-1".parse().unwrap()),
                "vpce-1",
            ),
            (
                sdk::Route::builder()
                    .destination_cidr_block("10.0.0.0/8")
                    .instance_id("i-1")
                    .network_interface_id("eni-1"),
                Destination::Cidr("10.0.0.0/8".parse().unwrap()),
                "eni-1",
            ),
            (
                sdk::Route::builder(),
                Destination::Unreadable("a destination of an unknown kind".into()),
                "a target of an unknown kind",
            ),
        ];
        for (row, to, via) in rows {
            let read = route(&row.state(sdk::RouteState::Blackhole).build());
            assert_eq!(
                (read.to, read.via.0.as_str(), read.state),
                (to, via, RouteState::Blackhole)
            );
        }
    }
}
