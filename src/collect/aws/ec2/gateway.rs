//! Ways out of a VPC: NAT gateways, internet gateways, peering, and Block Public Access.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use aws_sdk_ec2::types as sdk;
use ssm_doctor_facts::{
    ec2::{
        BlockMode, EgressOnlyGateway, Exclusion, InternetGateway, NatGateway, Peering, PeeringSide,
        PublicAccessBlock,
    },
    ids::{AccountId, NatGatewayId, PeeringId, Region, TargetGatewayId, VpcId},
    lookup::{Facts, Row},
    vpn::{TunnelStatus, VpnConnection, VpnTunnel},
};

use super::lists::{Ec2, PAGE, PAGE_OF_FEW, all, by_id, filter, keyed, listed, swept, word};
use crate::collect::aws::why::{Failure, field, hidden_by, maybe, named, row, timestamp};

impl Ec2 {
    /// `hidden` are those to which a VPC's routes lead that another account shares: its owner's, which AWS
    /// does not show.
    pub async fn nat_gateways(
        self,
        ids: BTreeSet<NatGatewayId>,
        hidden: BTreeMap<NatGatewayId, AccountId>,
    ) -> Facts {
        let this = &self;
        let rows = by_id(ids, |ids| async move {
            let call = this
                .client
                .describe_nat_gateways()
                .set_nat_gateway_ids(Some(ids))
                .into_paginator()
                .items();
            let found = all!(this, call, "NatGatewayNotFound", "InvalidNatGatewayID.NotFound")?;
            Ok(found.map(|it| keyed(&it, sdk::NatGateway::nat_gateway_id, nat_gateway)))
        });
        let mut rows = rows.await;
        for (id, owner) in &hidden {
            if let Some(gateway @ Row::Absent(_)) = rows.get_mut(id) {
                *gateway = row(Err(hidden_by(owner)));
            }
        }
        Facts { nat_gateways: rows, ..Facts::default() }
    }

    pub async fn nat_gateways_of(self, vpc: VpcId, asked: BTreeSet<NatGatewayId>) -> Facts {
        let call = self.client.describe_nat_gateways().filter(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let found = found.map(|it| keyed(&it, sdk::NatGateway::nat_gateway_id, nat_gateway));
        Facts { nat_gateways: swept(found, asked), ..Facts::default() }
    }

    /// There is no filter by VPC, and seldom more than a few.
    pub async fn egress_only_gateways(self, vpc: VpcId) -> Facts {
        let call = self.client.describe_egress_only_internet_gateways();
        let found = listed(all!(self, call.into_paginator().page_size(PAGE_OF_FEW).items()));
        let gateways = found
            .and_then(|it| it.iter().filter_map(|it| egress_only_gateway(it, &vpc)).collect())
            .map(Some);
        Facts { egress_only_gateways: [(vpc, row(gateways))].into(), ..Facts::default() }
    }

    pub async fn peering(self, id: PeeringId) -> Facts {
        let this = &self;
        let rows = by_id([id].into(), |ids| async move {
            let call = this.client.describe_vpc_peering_connections();
            let call = call.set_vpc_peering_connection_ids(Some(ids)).into_paginator().items();
            let found = all!(
                this,
                call,
                "InvalidVpcPeeringConnectionID.NotFound",
                "InvalidVpcPeeringConnectionId.NotFound"
            )?;
            Ok(found.map(|it| {
                keyed(&it, sdk::VpcPeeringConnection::vpc_peering_connection_id, peering)
            }))
        });
        Facts { peerings: rows.await, ..Facts::default() }
    }

    /// A gateway has few connections, and the call has no pages.
    pub async fn vpn_connections(self, gateway: TargetGatewayId) -> Facts {
        let is_transit = gateway.as_str().starts_with("tgw-");
        let name = if is_transit { "transit-gateway-id" } else { "vpn-gateway-id" };
        let call = self.client.describe_vpn_connections();
        let call = call.filters(filter(name, gateway.as_str()));
        let output = self.watch.read(call.send().await, &[]);
        let connections = output.and_then(|output| {
            let found = output.and_then(|output| output.vpn_connections).unwrap_or_default();
            found.iter().map(vpn_connection).collect::<Result<Vec<_>, _>>().map(Some)
        });
        Facts { vpn_connections: [(gateway, row(connections))].into(), ..Facts::default() }
    }

    /// The mode, and what is exempt if it blocks anything.
    pub async fn public_access_block(self, region: Region) -> Facts {
        let options = self.client.describe_vpc_block_public_access_options().send().await;
        let mode = self.watch.read(options, &[]).map(|it| {
            let options = it.and_then(|it| it.vpc_block_public_access_options);
            let mode = options.and_then(|it| it.internet_gateway_block_mode);
            mode.map(|it| BlockMode::from(it.as_str().to_owned()))
        });
        let block = match mode {
            Err(failure) => Err(failure),
            Ok(None) => Ok(None),
            Ok(Some(BlockMode::Off)) => {
                Ok(Some(PublicAccessBlock { mode: BlockMode::Off, exclusions: Vec::new() }))
            }
            Ok(Some(mode)) => self
                .exclusions()
                .await
                .map(|exclusions| Some(PublicAccessBlock { mode, exclusions })),
        };
        Facts { public_access_blocks: [(region, row(block))].into(), ..Facts::default() }
    }

    /// The call has pages, but the SDK no paginator for it.
    async fn exclusions(&self) -> Result<Vec<Exclusion>, Failure> {
        let mut exclusions = Vec::new();
        let mut next = None;
        loop {
            let call = self.client.describe_vpc_block_public_access_exclusions();
            let page = call.max_results(PAGE).set_next_token(next).send().await;
            let Some(page) = self.watch.read(page, &[])? else { return Ok(exclusions) };
            let listed = page.vpc_block_public_access_exclusions.unwrap_or_default();
            exclusions.extend(listed.iter().filter_map(exclusion));
            next = page.next_token.filter(|it| !it.is_empty());
            if next.is_none() {
                return Ok(exclusions);
            }
        }
    }
}

fn vpn_connection(it: &sdk::VpnConnection) -> Result<VpnConnection, Failure> {
    let routes = it.routes().iter().filter(|route| {
        !matches!(route.state(), Some(sdk::VpnState::Deleted | sdk::VpnState::Deleting))
    });
    let tunnels = it.vgw_telemetry().iter().map(|tunnel| {
        let status = field("status", tunnel.status())?.as_str().to_owned();
        Ok(VpnTunnel {
            status: TunnelStatus::from(status),
            since: timestamp(tunnel.last_status_change()),
        })
    });
    Ok(VpnConnection {
        id: field("vpnConnectionId", it.vpn_connection_id())?.into(),
        state: field("state", it.state())?.as_str().into(),
        static_routes: routes
            .filter_map(|route| route.destination_cidr_block())
            .map(Into::into)
            .collect(),
        tunnels: tunnels.collect::<Result<_, Failure>>()?,
    })
}

pub(super) fn internet_gateway(
    it: &sdk::InternetGateway,
    vpc: &VpcId,
) -> Result<InternetGateway, Failure> {
    let attachment = it.attachments().iter().find(|it| it.vpc_id() == Some(vpc.as_str()));
    let state = field("attachmentSet", attachment)?.state();
    Ok(InternetGateway {
        id: named("internetGatewayId", it.internet_gateway_id())?,
        state: field("state", state)?.as_str().into(),
    })
}

fn nat_gateway(it: &sdk::NatGateway) -> Result<NatGateway, Failure> {
    let addresses = || it.nat_gateway_addresses().iter();
    let zones: BTreeSet<&str> = addresses().filter_map(|it| it.availability_zone()).collect();
    Ok(NatGateway {
        state: word(Some(field("state", it.state())?.as_str())),
        // The field is younger than NAT gateways, which were all public before it.
        connectivity: word(Some(
            it.connectivity_type().map_or("public", sdk::ConnectivityType::as_str),
        )),
        subnet: maybe("subnetId", it.subnet_id())?,
        public_ips: addresses()
            .filter_map(|it| maybe::<Ipv4Addr>("publicIp", it.public_ip()).transpose())
            .collect::<Result<_, _>>()?,
        failure: it.failure_message().map(Into::into),
        zones: zones.into_iter().map(Into::into).collect(),
        auto_provision_zones: it.auto_provision_zones().map(|it| word(Some(it.as_str()))),
    })
}

fn egress_only_gateway(
    it: &sdk::EgressOnlyInternetGateway,
    vpc: &VpcId,
) -> Option<Result<EgressOnlyGateway, Failure>> {
    let attachment = it.attachments().iter().find(|it| it.vpc_id() == Some(vpc.as_str()))?;
    let read = || {
        Ok(EgressOnlyGateway {
            id: named("egressOnlyInternetGatewayId", it.egress_only_internet_gateway_id())?,
            state: field("state", attachment.state())?.as_str().into(),
        })
    };
    Some(read())
}

fn peering(it: &sdk::VpcPeeringConnection) -> Result<Peering, Failure> {
    fn side(it: Option<&sdk::VpcPeeringConnectionVpcInfo>) -> Result<PeeringSide, Failure> {
        let it = field("vpcInfo", it)?;
        Ok(PeeringSide {
            vpc: named("vpcId", it.vpc_id())?,
            owner: maybe("ownerId", it.owner_id())?,
            region: maybe("region", it.region())?,
        })
    }
    let status = it.status().and_then(sdk::VpcPeeringConnectionStateReason::code);
    Ok(Peering {
        state: word(Some(field("status", status)?.as_str())),
        requester: side(it.requester_vpc_info())?,
        accepter: side(it.accepter_vpc_info())?,
    })
}

/// An exclusion that was deleted stays listed for a while.
fn exclusion(it: &sdk::VpcBlockPublicAccessExclusion) -> Option<Exclusion> {
    let state = it.state().map(sdk::VpcBlockPublicAccessExclusionState::as_str);
    if !matches!(state, Some("create-complete" | "update-complete")) {
        return None;
    }
    let resource = it.resource_arn()?.rsplit('/').next()?;
    Some(Exclusion {
        id: it.exclusion_id().unwrap_or_default().into(),
        mode: word(
            it.internet_gateway_exclusion_mode().map(sdk::InternetGatewayExclusionMode::as_str),
        ),
        resource: resource.into(),
    })
}
