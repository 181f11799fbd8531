//! EC2: instances, and the VPC around them.
//!
//! A VPC is asked for whole, by filter, since everything in it is a dozen small calls at once and
//! asking only for what is missing would take a round for each hop. What a filtered answer does
//! not list may still exist (another VPC's, or an answer that lost an item), so it is absent only
//! once AWS has said so when asked by its id.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use aws_sdk_ec2::{
    Client,
    config::{Region as SdkRegion, retry::RetryConfig, timeout::TimeoutConfig},
    operation::search_transit_gateway_routes::SearchTransitGatewayRoutesOutput as Page,
    types::{self as sdk, Filter, VpcAttributeName},
};
use aws_smithy_types::DateTime;
use ssm_doctor_facts::{
    ec2::{
        AclEntry, AttachedInterface, BlockMode, Destination, DhcpOptions, EgressOnlyGateway,
        Endpoint, EndpointKind, Exclusion, Instance, InstanceState, InstanceStatus,
        InternetGateway, MetadataOptions, NatGateway, NetworkAcl, NetworkInterface, NextHop, Peer,
        Peering, PeeringSide, PrefixList, PublicAccessBlock, Route, RouteTable, Rule,
        ScheduledEvent, SecurityGroup, Subnet, Traffic, TransitAssociation, TransitAttachment,
        TransitGateway, TransitGatewayAttachment, TransitRoute, TransitTable, Vpc, VpcDns,
    },
    ids::{
        DhcpOptionsId, EndpointId, InstanceId, NatGatewayId, NetworkInterfaceId, PeeringId,
        PrefixListId, Region, SecurityGroupId, ServiceName, SubnetId, TransitGatewayId, VpcId,
    },
    lookup::{Facts, Row},
    route53::Place,
    text::Text,
    time::Timestamp,
};
use tokio::task::JoinSet;

use super::{
    Service,
    route53::name,
    why::{Failure, Outcome, field, maybe, named, read, row, unreadable},
};

pub type Ec2 = Service<Client>;

/// Beyond this, a slow Region counts as one that does not have the instance.
const GLANCE: Duration = Duration::from_secs(3);

/// The page size that these calls allow at most, and the smaller one of route tables.
const PAGE: i32 = 1000;
const SMALL_PAGE: i32 = 100;
const PAGE_OF_FEW: i32 = 255;

/// All pages of a call, flattened.
macro_rules! all {
    ($self:ident, $call:expr $(, $absent:literal)*) => {
        $self.watch.read($call.send().collect::<Result<Vec<_>, _>>().await, &[$($absent),*])
    };
}

/// The rows of a call that cannot say "there is none".
fn listed<T>(outcome: Outcome<Vec<T>>) -> Result<Vec<T>, Failure> {
    outcome.map(Option::unwrap_or_default)
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Rows by the id they carry. An item without an id has nowhere to go, and its id is then missed.
fn keyed<'a, I: 'a, K, T>(
    items: &'a [I],
    id: impl Fn(&'a I) -> Option<&'a str>,
    map: impl Fn(&'a I) -> Result<T, Failure>,
) -> BTreeMap<K, Result<T, Failure>>
where
    K: Ord + std::str::FromStr,
{
    items.iter().filter_map(|it| Some((id(it)?.parse().ok()?, map(it)))).collect()
}

/// Asks for things by id. One id that does not exist makes EC2 refuse them all.
async fn by_id<K, T, Asked>(
    ids: BTreeSet<K>,
    ask: impl Fn(Vec<String>) -> Asked,
) -> BTreeMap<K, Row<T>>
where
    K: Clone + Ord + ToString,
    Asked: Future<Output = Outcome<BTreeMap<K, Result<T, Failure>>>>,
{
    let mut batches = vec![ids];
    let mut rows = BTreeMap::new();
    while let Some(batch) = batches.pop() {
        match ask(batch.iter().map(ToString::to_string).collect()).await {
            Ok(Some(mut found)) => rows.extend(batch.into_iter().map(|id| {
                let lost = || Err(unreadable(format!("an answer that lacks {}", id.to_string())));
                let found = found.remove(&id).unwrap_or_else(lost);
                (id, row(found.map(Some)))
            })),
            Ok(None) if batch.len() > 1 => {
                batches.extend(batch.into_iter().map(|id| BTreeSet::from([id])));
            }
            Ok(None) => rows.extend(batch.into_iter().map(|id| (id, row(Ok(None))))),
            Err(failure) => {
                rows.extend(batch.into_iter().map(|id| (id, row(Err(failure.clone())))));
            }
        }
    }
    rows
}

/// The rows of a filtered answer; of a refused one, that the ids asked for are unknown.
fn swept<K: Ord, T>(
    outcome: Result<BTreeMap<K, Result<T, Failure>>, Failure>,
    asked: BTreeSet<K>,
) -> BTreeMap<K, Row<T>> {
    match outcome {
        Ok(found) => found.into_iter().map(|(id, it)| (id, row(it.map(Some)))).collect(),
        Err(failure) => asked.into_iter().map(|id| (id, row(Err(failure.clone())))).collect(),
    }
}

impl Ec2 {
    pub async fn instances(self, ids: BTreeSet<InstanceId>) -> Facts {
        let this = &self;
        let instances = by_id(ids, |ids| async move {
            let call = this
                .client
                .describe_instances()
                .set_instance_ids(Some(ids))
                .into_paginator()
                .items();
            let found =
                all!(this, call, "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")?;
            Ok(found.map(|reservations| {
                let instances: Vec<_> = reservations
                    .into_iter()
                    .flat_map(|it| it.instances.unwrap_or_default())
                    .collect();
                keyed(&instances, sdk::Instance::instance_id, instance)
            }))
        });
        Facts { instances: instances.await, ..Facts::default() }
    }

    pub async fn statuses(self, ids: BTreeSet<InstanceId>) -> Facts {
        let this = &self;
        let rows = by_id(ids, |ids| async move {
            let call = this.client.describe_instance_status().include_all_instances(true);
            let call = call.set_instance_ids(Some(ids)).into_paginator().items();
            let found =
                all!(this, call, "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")?;
            Ok(found.map(|it| keyed(&it, sdk::InstanceStatus::instance_id, instance_status)))
        });
        Facts { instance_statuses: rows.await, ..Facts::default() }
    }

    /// Looks for an instance in every Region that is switched on but `here`, at once and briefly.
    pub async fn elsewhere(
        self,
        id: InstanceId,
        here: Region,
        sdk_config: aws_config::SdkConfig,
    ) -> Facts {
        let regions = self.watch.read(self.client.describe_regions().send().await, &[]);
        let found = match regions {
            Err(failure) => Err(failure),
            Ok(output) => {
                let mut looks = JoinSet::new();
                let names = output.into_iter().flat_map(|it| it.regions.unwrap_or_default());
                for region in names.filter_map(|it| it.region_name?.parse::<Region>().ok()) {
                    if region == here {
                        continue;
                    }
                    let config = aws_sdk_ec2::config::Builder::from(&sdk_config)
                        .interceptor(self.watch.clone())
                        .region(SdkRegion::new(region.to_string()))
                        .retry_config(RetryConfig::disabled())
                        .timeout_config(TimeoutConfig::builder().operation_timeout(GLANCE).build());
                    let call = Client::from_conf(config.build())
                        .describe_instances()
                        .instance_ids(id.as_str());
                    looks.spawn(async move {
                        let output = call.send().await.ok()?;
                        let here =
                            output.reservations().iter().any(|it| !it.instances().is_empty());
                        here.then_some(region)
                    });
                }
                let mut found: Vec<_> = looks.join_all().await.into_iter().flatten().collect();
                found.sort();
                Ok(Some(found))
            }
        };
        Facts { elsewhere: [(id, row(found))].into(), ..Facts::default() }
    }

    pub async fn vpc(self, id: VpcId) -> Facts {
        let this = &self;
        let rows = by_id([id].into(), |ids| async move {
            let call = this.client.describe_vpcs().set_vpc_ids(Some(ids)).into_paginator().items();
            let found = all!(this, call, "InvalidVpcID.NotFound")?;
            Ok(found.map(|it| keyed(&it, sdk::Vpc::vpc_id, vpc)))
        });
        Facts { vpcs: rows.await, ..Facts::default() }
    }

    pub async fn vpc_dns(self, id: VpcId) -> Facts {
        let ask =
            |name| self.client.describe_vpc_attribute().vpc_id(id.as_str()).attribute(name).send();
        let (support, hostnames) = tokio::join!(
            ask(VpcAttributeName::EnableDnsSupport),
            ask(VpcAttributeName::EnableDnsHostnames)
        );
        let absent = ["InvalidVpcID.NotFound"];
        let dns = self.watch.read(support, &absent).and_then(|support| {
            let hostnames = self.watch.read(hostnames, &absent)?;
            let (Some(support), Some(hostnames)) = (support, hostnames) else { return Ok(None) };
            let (support, hostnames) =
                (support.enable_dns_support(), hostnames.enable_dns_hostnames());
            Ok(Some(VpcDns {
                support: field(
                    "enableDnsSupport",
                    support.and_then(sdk::AttributeBooleanValue::value),
                )?,
                hostnames: field(
                    "enableDnsHostnames",
                    hostnames.and_then(sdk::AttributeBooleanValue::value),
                )?,
            }))
        });
        Facts { vpc_dns: [(id, row(dns))].into(), ..Facts::default() }
    }

    pub async fn dhcp_options(self, id: DhcpOptionsId) -> Facts {
        let this = &self;
        // The word that stands in a VPC for "no options set".
        let rows = if id.as_str() == "default" {
            [(id, row(Ok(None)))].into()
        } else {
            by_id([id].into(), |ids| async move {
                let call = this
                    .client
                    .describe_dhcp_options()
                    .set_dhcp_options_ids(Some(ids))
                    .into_paginator()
                    .items();
                let found = all!(
                    this,
                    call,
                    "InvalidDhcpOptionID.NotFound",
                    "InvalidDhcpOptionsID.NotFound"
                )?;
                Ok(found.map(|it| {
                    keyed(&it, sdk::DhcpOptions::dhcp_options_id, |it| Ok(dhcp_options(it)))
                }))
            })
            .await
        };
        Facts { dhcp_options: rows, ..Facts::default() }
    }

    pub async fn subnets(self, ids: BTreeSet<SubnetId>) -> Facts {
        let this = &self;
        let rows = by_id(ids, |ids| async move {
            let call =
                this.client.describe_subnets().set_subnet_ids(Some(ids)).into_paginator().items();
            let found = all!(this, call, "InvalidSubnetID.NotFound")?;
            Ok(found.map(|it| keyed(&it, sdk::Subnet::subnet_id, subnet)))
        });
        Facts { subnets: rows.await, ..Facts::default() }
    }

    pub async fn subnets_of(self, vpc: VpcId, asked: BTreeSet<SubnetId>) -> Facts {
        let call = self.client.describe_subnets().filters(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let found = found.map(|it| keyed(&it, sdk::Subnet::subnet_id, subnet));
        Facts { subnets: swept(found, asked), ..Facts::default() }
    }

    pub async fn security_groups(self, ids: BTreeSet<SecurityGroupId>) -> Facts {
        let this = &self;
        let rows = by_id(ids, |ids| async move {
            let call = this
                .client
                .describe_security_groups()
                .set_group_ids(Some(ids))
                .into_paginator()
                .items();
            let found = all!(this, call, "InvalidGroup.NotFound", "InvalidGroupId.Malformed")?;
            Ok(found
                .map(|it| keyed(&it, sdk::SecurityGroup::group_id, |it| Ok(security_group(it)))))
        });
        Facts { security_groups: rows.await, ..Facts::default() }
    }

    pub async fn security_groups_of(self, vpc: VpcId, asked: BTreeSet<SecurityGroupId>) -> Facts {
        let call = self.client.describe_security_groups().filters(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let found =
            found.map(|it| keyed(&it, sdk::SecurityGroup::group_id, |it| Ok(security_group(it))));
        Facts { security_groups: swept(found, asked), ..Facts::default() }
    }

    pub async fn network_interfaces(self, ids: BTreeSet<NetworkInterfaceId>) -> Facts {
        let this = &self;
        let rows = by_id(ids, |ids| async move {
            let call =
                this.client.describe_network_interfaces().set_network_interface_ids(Some(ids));
            let found =
                all!(this, call.into_paginator().items(), "InvalidNetworkInterfaceID.NotFound")?;
            Ok(found.map(|it| {
                keyed(&it, sdk::NetworkInterface::network_interface_id, network_interface)
            }))
        });
        Facts { network_interfaces: rows.await, ..Facts::default() }
    }

    /// The network interfaces of a VPC's endpoints. A VPC may hold thousands of others.
    pub async fn endpoint_interfaces_of(
        self,
        vpc: VpcId,
        asked: BTreeSet<NetworkInterfaceId>,
    ) -> Facts {
        let call = self.client.describe_network_interfaces();
        let call = call
            .filters(filter("vpc-id", vpc.as_str()))
            .filters(filter("interface-type", "vpc_endpoint"));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let found = found
            .map(|it| keyed(&it, sdk::NetworkInterface::network_interface_id, network_interface));
        Facts { network_interfaces: swept(found, asked), ..Facts::default() }
    }

    pub async fn interface_at(self, place: Place) -> Facts {
        let name = match place.address {
            IpAddr::V4(_) => "addresses.private-ip-address",
            IpAddr::V6(_) => "ipv6-addresses.ipv6-address",
        };
        let call = self
            .client
            .describe_network_interfaces()
            .filters(filter("vpc-id", place.vpc.as_str()))
            .filters(filter(name, &place.address.to_string()));
        let found = listed(all!(self, call.into_paginator().items()));
        let found = found.and_then(|it| it.first().map(network_interface).transpose());
        Facts { interfaces_at: [(place, row(found))].into(), ..Facts::default() }
    }

    pub async fn nat_gateways(self, ids: BTreeSet<NatGatewayId>) -> Facts {
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
        Facts { nat_gateways: rows.await, ..Facts::default() }
    }

    pub async fn nat_gateways_of(self, vpc: VpcId, asked: BTreeSet<NatGatewayId>) -> Facts {
        let call = self.client.describe_nat_gateways().filter(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let found = found.map(|it| keyed(&it, sdk::NatGateway::nat_gateway_id, nat_gateway));
        Facts { nat_gateways: swept(found, asked), ..Facts::default() }
    }

    pub async fn route_tables(self, vpc: VpcId) -> Facts {
        let call = self.client.describe_route_tables().filters(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(SMALL_PAGE).items()));
        let tables = found.and_then(|it| it.iter().map(route_table).collect()).map(Some);
        Facts { route_tables: [(vpc, row(tables))].into(), ..Facts::default() }
    }

    pub async fn network_acls(self, vpc: VpcId) -> Facts {
        let call = self.client.describe_network_acls().filters(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let acls = found.and_then(|it| it.iter().map(network_acl).collect()).map(Some);
        Facts { network_acls: [(vpc, row(acls))].into(), ..Facts::default() }
    }

    pub async fn endpoints(self, vpc: VpcId) -> Facts {
        let call = self.client.describe_vpc_endpoints().filters(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let endpoints = found.and_then(|it| it.iter().map(endpoint).collect()).map(Some);
        Facts { endpoints: [(vpc, row(endpoints))].into(), ..Facts::default() }
    }

    /// An endpoint of another VPC, and its interfaces. Another account's is not found.
    pub async fn distant_endpoint(self, id: EndpointId) -> Facts {
        let this = &self;
        let rows = by_id([id].into(), |ids| async move {
            let call = this.client.describe_vpc_endpoints().set_vpc_endpoint_ids(Some(ids));
            let found = all!(
                this,
                call.into_paginator().items(),
                "InvalidVpcEndpointId.NotFound",
                "InvalidVpcEndpoint.NotFound"
            )?;
            Ok(found.map(|it| keyed(&it, sdk::VpcEndpoint::vpc_endpoint_id, endpoint)))
        });
        let rows = rows.await;
        let interfaces: BTreeSet<_> = rows
            .values()
            .filter_map(|it| if let Row::Present(it) = it { Some(&it.interfaces) } else { None })
            .flatten()
            .cloned()
            .collect();
        let mut facts = Facts { distant_endpoints: rows, ..Facts::default() };
        if !interfaces.is_empty() {
            facts.absorb(self.network_interfaces(interfaces).await);
        }
        facts
    }

    pub async fn internet_gateways(self, vpc: VpcId) -> Facts {
        let call = self
            .client
            .describe_internet_gateways()
            .filters(filter("attachment.vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let gateways =
            found.and_then(|it| it.iter().map(|it| internet_gateway(it, &vpc)).collect()).map(Some);
        Facts { internet_gateways: [(vpc, row(gateways))].into(), ..Facts::default() }
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

    pub async fn transit_gateway_attachments(self, vpc: VpcId) -> Facts {
        let call = self
            .client
            .describe_transit_gateway_vpc_attachments()
            .filters(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let attachments = found.and_then(|it| it.iter().map(attachment).collect()).map(Some);
        Facts { transit_gateway_attachments: [(vpc, row(attachments))].into(), ..Facts::default() }
    }

    /// Its feet, and its tables with all their routes: few calls, since what it is asked for hangs on both.
    pub async fn transit_gateway(self, id: TransitGatewayId) -> Facts {
        let feet = self.client.describe_transit_gateway_attachments();
        let feet = feet.filters(filter("transit-gateway-id", id.as_str()));
        let feet = feet.into_paginator().page_size(PAGE).items();
        let (feet, tables) =
            tokio::join!(async { listed(all!(self, feet)) }, self.transit_tables(&id));
        let feet = feet.and_then(|it| it.iter().map(transit_attachment).collect());
        let gateway =
            feet.and_then(|attachments| Ok(Some(TransitGateway { attachments, tables: tables? })));
        Facts { transit_gateways: [(id, row(gateway))].into(), ..Facts::default() }
    }

    async fn transit_tables(&self, id: &TransitGatewayId) -> Result<Vec<TransitTable>, Failure> {
        let call = self.client.describe_transit_gateway_route_tables();
        let call = call.filters(filter("transit-gateway-id", id.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()))?;
        let mut searches = JoinSet::new();
        for table in found {
            let ec2 = self.clone();
            searches.spawn(async move { ec2.transit_table(&table).await });
        }
        let mut tables = Vec::new();
        while let Some(done) = searches.join_next().await {
            tables.push(done.map_err(|it| unreadable(it.to_string()))??);
        }
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
        let pages = all!(self, call.filters(states).into_paginator());
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

    pub async fn service_endpoints(self, service: ServiceName) -> Facts {
        let call = self.client.describe_vpc_endpoints();
        let call = call.filters(filter("service-name", service.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let endpoints = found
            .and_then(|it| {
                let placed = |it: &sdk::VpcEndpoint| {
                    Ok(Endpoint { vpc: maybe("vpcId", it.vpc_id())?, ..endpoint(it)? })
                };
                it.iter().map(placed).collect()
            })
            .map(Some);
        Facts { service_endpoints: [(service, row(endpoints))].into(), ..Facts::default() }
    }

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

pub fn timestamp(at: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_second(at?.secs())
}

fn word<T: From<String>>(raw: Option<&str>) -> T {
    T::from(raw.unwrap_or_default().to_owned())
}

fn ids<'a, T>(name: &str, raw: impl IntoIterator<Item = &'a str>) -> Result<Vec<T>, Failure>
where
    T: std::str::FromStr<Err = String>,
{
    raw.into_iter().map(|it| read(name, it)).collect()
}

fn tags(tags: &[sdk::Tag]) -> BTreeMap<String, String> {
    let pair =
        |it: &sdk::Tag| Some((it.key()?.to_owned(), it.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(pair).collect()
}

fn groups(groups: &[sdk::GroupIdentifier]) -> Result<Vec<SecurityGroupId>, Failure> {
    groups.iter().map(|it| named("groupId", it.group_id())).collect()
}

fn instance(it: &sdk::Instance) -> Result<Instance, Failure> {
    let state =
        word(it.state().and_then(sdk::InstanceState::name).map(sdk::InstanceStateName::as_str));
    // A terminated instance keeps its id and little else, and a stopped one has no address.
    let running = state == InstanceState::Running;
    let vpc = maybe("vpcId", it.vpc_id())?;
    let subnet: Option<SubnetId> = maybe("subnetId", it.subnet_id())?;
    if running {
        field("vpcId", vpc.as_ref())?;
        field("subnetId", subnet.as_ref())?;
        field("metadataOptions", it.metadata_options())?;
    }
    let mut interfaces =
        it.network_interfaces().iter().map(attached_interface).collect::<Result<Vec<_>, _>>()?;
    if interfaces.is_empty()
        && let (Some(subnet), Some(private_ip)) =
            (&subnet, maybe("privateIpAddress", it.private_ip_address())?)
    {
        // Stand-ins for AWS leave the list empty; AWS itself never does.
        interfaces.push(AttachedInterface {
            id: read("networkInterfaceId", "eni-unlisted")?,
            device_index: 0,
            subnet: subnet.clone(),
            private_ip: Some(private_ip),
            public_ip: maybe("ipAddress", it.public_ip_address())?,
            ipv6: maybe("ipv6Address", it.ipv6_address())?.into_iter().collect(),
            security_groups: groups(it.security_groups())?,
        });
    }
    let tags = tags(it.tags());
    let platform =
        it.platform().map(sdk::PlatformValues::as_str).into_iter().chain(it.platform_details());
    Ok(Instance {
        name: tags.get("Name").cloned(),
        state,
        vpc,
        subnet,
        interfaces,
        profile: it
            .iam_instance_profile()
            .map(|it| named("iamInstanceProfile", it.arn()))
            .transpose()?,
        profile_id: it
            .iam_instance_profile()
            .and_then(|it| it.id())
            .filter(|it| !it.is_empty())
            .map(Into::into),
        metadata: MetadataOptions {
            enabled: it.metadata_options().and_then(|it| it.http_endpoint())
                != Some(&sdk::InstanceMetadataEndpointState::Disabled),
            tokens_required: it.metadata_options().and_then(|it| it.http_tokens())
                == Some(&sdk::HttpTokensState::Required),
            hop_limit: it
                .metadata_options()
                .and_then(sdk::InstanceMetadataOptionsResponse::http_put_response_hop_limit),
        },
        image: it.image_id().and_then(|it| it.parse().ok()),
        windows: platform.into_iter().any(|it| it.to_ascii_lowercase().starts_with("windows")),
        launched_at: timestamp(it.launch_time()),
        tags,
    })
}

fn attached_interface(it: &sdk::InstanceNetworkInterface) -> Result<AttachedInterface, Failure> {
    Ok(AttachedInterface {
        id: named("networkInterfaceId", it.network_interface_id())?,
        device_index: it
            .attachment()
            .and_then(sdk::InstanceNetworkInterfaceAttachment::device_index)
            .unwrap_or_default(),
        subnet: named("subnetId", it.subnet_id())?,
        private_ip: maybe("privateIpAddress", it.private_ip_address())?,
        public_ip: maybe("publicIp", it.association().and_then(|it| it.public_ip()))?,
        ipv6: it
            .ipv6_addresses()
            .iter()
            .map(|it| named("ipv6Address", it.ipv6_address()))
            .collect::<Result<_, _>>()?,
        security_groups: groups(it.groups())?,
    })
}

fn instance_status(it: &sdk::InstanceStatus) -> Result<InstanceStatus, Failure> {
    let status = |name, it: Option<&sdk::InstanceStatusSummary>| {
        Ok(word(Some(field(name, it.and_then(sdk::InstanceStatusSummary::status))?.as_str())))
    };
    let ebs = it.attached_ebs_status().and_then(sdk::EbsStatusSummary::status);
    Ok(InstanceStatus {
        instance: status("instanceStatus", it.instance_status())?,
        system: status("systemStatus", it.system_status())?,
        ebs: ebs.map(|it| word(Some(it.as_str()))),
        events: it.events().iter().map(scheduled).collect::<Result<_, _>>()?,
    })
}

fn scheduled(it: &sdk::InstanceStatusEvent) -> Result<ScheduledEvent, Failure> {
    Ok(ScheduledEvent {
        code: field("code", it.code().map(sdk::EventCode::as_str))?.into(),
        description: it.description().unwrap_or_default().into(),
        not_before: timestamp(it.not_before()),
    })
}

fn vpc(it: &sdk::Vpc) -> Result<Vpc, Failure> {
    // Blocks that were removed stay listed for a while.
    let gone = |code: Option<&sdk::VpcCidrBlockStateCode>| {
        use sdk::VpcCidrBlockStateCode::{Disassociated, Disassociating, Failed, Failing};
        matches!(code, Some(Disassociated | Disassociating | Failed | Failing))
    };
    let v4 = it.cidr_block_association_set().iter();
    let v4 = v4
        .filter(|it| !gone(it.cidr_block_state().and_then(|it| it.state())))
        .map(|it| it.cidr_block());
    let v6 = it.ipv6_cidr_block_association_set().iter();
    let v6 = v6.filter(|it| !gone(it.ipv6_cidr_block_state().and_then(|it| it.state())));
    let v6 = v6.map(|it| it.ipv6_cidr_block());
    let mut cidrs = v4.chain(v6).map(|it| named("cidrBlock", it)).collect::<Result<Vec<_>, _>>()?;
    if let Some(primary) = maybe("cidrBlock", it.cidr_block())?
        && !cidrs.contains(&primary)
    {
        cidrs.insert(0, primary);
    }
    Ok(Vpc {
        owner: maybe("ownerId", it.owner_id())?,
        cidrs,
        dhcp_options: maybe("dhcpOptionsId", it.dhcp_options_id())?,
    })
}

fn dhcp_options(it: &sdk::DhcpOptions) -> DhcpOptions {
    let servers =
        it.dhcp_configurations().iter().filter(|it| it.key() == Some("domain-name-servers"));
    let values = servers.flat_map(sdk::DhcpConfiguration::values).filter_map(|it| it.value());
    DhcpOptions { name_servers: values.map(Into::into).collect() }
}

fn subnet(it: &sdk::Subnet) -> Result<Subnet, Failure> {
    let v6 = it.ipv6_cidr_block_association_set().iter().filter(|it| {
        let state = it.ipv6_cidr_block_state().and_then(|it| it.state());
        matches!(
            state,
            None | Some(
                sdk::SubnetCidrBlockStateCode::Associated
                    | sdk::SubnetCidrBlockStateCode::Associating
            )
        )
    });
    Ok(Subnet {
        vpc: named("vpcId", it.vpc_id())?,
        owner: maybe("ownerId", it.owner_id())?,
        cidr: maybe("cidrBlock", it.cidr_block())?,
        ipv6_cidrs: v6
            .map(|it| named("ipv6CidrBlock", it.ipv6_cidr_block()))
            .collect::<Result<_, _>>()?,
        availability_zone: it.availability_zone().map(Into::into),
        maps_public_ip: it.map_public_ip_on_launch().unwrap_or_default(),
        dns64: it.enable_dns64().unwrap_or_default(),
    })
}

fn route_table(it: &sdk::RouteTable) -> Result<RouteTable, Failure> {
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

fn network_acl(it: &sdk::NetworkAcl) -> Result<NetworkAcl, Failure> {
    Ok(NetworkAcl {
        id: named("networkAclId", it.network_acl_id())?,
        default: it.is_default().unwrap_or_default(),
        subnets: ids("subnetId", it.associations().iter().filter_map(|it| it.subnet_id()))?,
        entries: it.entries().iter().map(acl_entry).collect::<Result<_, _>>()?,
    })
}

fn acl_entry(it: &sdk::NetworkAclEntry) -> Result<AclEntry, Failure> {
    let ports = it.port_range();
    let (from, to) = (ports.and_then(sdk::PortRange::from), ports.and_then(sdk::PortRange::to));
    Ok(AclEntry {
        number: field("ruleNumber", it.rule_number())?,
        egress: field("egress", it.egress())?,
        allow: field("ruleAction", it.rule_action())? == &sdk::RuleAction::Allow,
        traffic: traffic(it.protocol(), from, to),
        peer: cidr_peer(field("cidrBlock", it.cidr_block().or(it.ipv6_cidr_block()))?),
    })
}

fn cidr_peer(raw: &str) -> Peer {
    raw.parse().map_or_else(|_| Peer::Unreadable(raw.into()), Peer::Cidr)
}

/// Without ports, or with -1 for them, a rule of TCP or UDP is for all of them.
fn traffic(protocol: Option<&str>, from: Option<i32>, to: Option<i32>) -> Traffic {
    let port = |raw: Option<i32>, all| raw.filter(|it| *it != -1).map_or(Ok(all), u16::try_from);
    let ports = (port(from, u16::MIN), port(to, u16::MAX));
    match (protocol, ports) {
        (Some("-1" | "all"), _) => Traffic::All,
        (Some("tcp" | "6"), (Ok(from), Ok(to))) => Traffic::Tcp(from, to),
        (Some("udp" | "17"), (Ok(from), Ok(to))) => Traffic::Udp(from, to),
        (Some(raw), _) => Traffic::Other(raw.into()),
        (None, _) => Traffic::Other("(none)".into()),
    }
}

fn security_group(it: &sdk::SecurityGroup) -> SecurityGroup {
    SecurityGroup {
        name: it.group_name().map(Into::into),
        ingress: it.ip_permissions().iter().flat_map(rules).collect(),
        egress: it.ip_permissions_egress().iter().flat_map(rules).collect(),
    }
}

/// One rule for each peer: EC2 groups the peers that share protocol and ports.
fn rules(it: &sdk::IpPermission) -> impl Iterator<Item = Rule> {
    fn peer<T>(raw: Option<&str>, kind: fn(T) -> Peer) -> Peer
    where
        T: std::str::FromStr,
    {
        let unreadable = || Peer::Unreadable(raw.unwrap_or("a peer of an unknown kind").into());
        raw.and_then(|it| it.parse().ok()).map_or_else(unreadable, kind)
    }
    let traffic = traffic(it.ip_protocol(), it.from_port(), it.to_port());
    let v4 = it.ip_ranges().iter().map(|it| peer(it.cidr_ip(), Peer::Cidr));
    let v6 = it.ipv6_ranges().iter().map(|it| peer(it.cidr_ipv6(), Peer::Cidr));
    let lists = it.prefix_list_ids().iter().map(|it| peer(it.prefix_list_id(), Peer::List));
    let groups = it
        .user_id_group_pairs()
        .iter()
        .map(|it| peer(it.group_id().or(it.group_name()), Peer::Group));
    v4.chain(v6).chain(lists).chain(groups).map(move |peer| Rule { traffic: traffic.clone(), peer })
}

fn endpoint(it: &sdk::VpcEndpoint) -> Result<Endpoint, Failure> {
    let kind = word(Some(field("vpcEndpointType", it.vpc_endpoint_type())?.as_str()));
    // Only interface endpoints have it, and those always.
    let private_dns = match kind {
        EndpointKind::Interface => field("privateDnsEnabled", it.private_dns_enabled())?,
        _ => false,
    };
    let dns = it.dns_options();
    Ok(Endpoint {
        id: named("vpcEndpointId", it.vpc_endpoint_id())?,
        service: field("serviceName", it.service_name())?.into(),
        kind,
        state: word(Some(field("state", it.state())?.as_str())),
        subnets: ids("subnetId", it.subnet_ids().iter().map(String::as_str))?,
        interfaces: ids(
            "networkInterfaceId",
            it.network_interface_ids().iter().map(String::as_str),
        )?,
        security_groups: it
            .groups()
            .iter()
            .map(|it| named("groupId", it.group_id()))
            .collect::<Result<_, _>>()?,
        private_dns,
        route_tables: ids("routeTableId", it.route_table_ids().iter().map(String::as_str))?,
        policy: it.policy_document().map(Text::parse),
        service_region: maybe("serviceRegion", it.service_region())?,
        vpc: None,
        ip_address_type: it.ip_address_type().map(|it| word(Some(it.as_str()))),
        dns_record_ip_type: dns
            .and_then(|it| it.dns_record_ip_type())
            .map(|it| word(Some(it.as_str()))),
        private_dns_for_inbound_only: dns
            .and_then(sdk::DnsOptions::private_dns_only_for_inbound_resolver_endpoint)
            .unwrap_or_default(),
        names: it.dns_entries().iter().filter_map(|it| it.dns_name()).map(name).collect(),
    })
}

fn internet_gateway(it: &sdk::InternetGateway, vpc: &VpcId) -> Result<InternetGateway, Failure> {
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
    let is_vpc = it.resource_type() == Some(&sdk::TransitGatewayAttachmentResourceType::Vpc);
    let association = it.association().map(|it| {
        Ok(TransitAssociation {
            table: it.transit_gateway_route_table_id().map(Into::into),
            state: word(Some(field("association state", it.state())?.as_str())),
        })
    });
    Ok(TransitAttachment {
        id: field("transitGatewayAttachmentId", it.transit_gateway_attachment_id())?.into(),
        vpc: maybe("resourceId", it.resource_id().filter(|_| is_vpc))?,
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

fn network_interface(it: &sdk::NetworkInterface) -> Result<NetworkInterface, Failure> {
    let v4 = it.private_ip_addresses().iter().map(|it| it.private_ip_address());
    let v6 = it.ipv6_addresses().iter().map(|it| it.ipv6_address());
    let mut private_ips =
        v4.chain(v6).map(|it| named("privateIpAddress", it)).collect::<Result<Vec<IpAddr>, _>>()?;
    if let Some(primary) = maybe("privateIpAddress", it.private_ip_address())?
        && !private_ips.contains(&primary)
    {
        private_ips.insert(0, primary);
    }
    Ok(NetworkInterface {
        subnet: named("subnetId", it.subnet_id())?,
        private_ips,
        security_groups: groups(it.groups())?,
        instance: maybe("instanceId", it.attachment().and_then(|it| it.instance_id()))?,
        public_ip: maybe("publicIp", it.association().and_then(|it| it.public_ip()))?,
        source_dest_check: it.source_dest_check(),
    })
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::{
        ec2::{EndpointState, RouteState},
        ids::Arn,
        lookup::Why,
    };

    use super::*;

    fn running() -> aws_sdk_ec2::types::builders::InstanceBuilder {
        let state = sdk::InstanceState::builder().name(sdk::InstanceStateName::Running).build();
        let metadata = sdk::InstanceMetadataOptionsResponse::builder()
            .http_tokens(sdk::HttpTokensState::Required)
            .http_endpoint(sdk::InstanceMetadataEndpointState::Enabled);
        sdk::Instance::builder()
            .instance_id("i-1")
            .state(state)
            .vpc_id("vpc-1")
            .subnet_id("subnet-1")
            .private_ip_address("10.0.0.4")
            .public_ip_address("203.0.113.9")
            .security_groups(sdk::GroupIdentifier::builder().group_id("sg-1").build())
            .metadata_options(metadata.build())
    }

    #[test]
    fn an_instance_is_read() {
        let attached = sdk::InstanceNetworkInterface::builder()
            .network_interface_id("eni-1")
            .subnet_id("subnet-2")
            .private_ip_address("10.0.2.4")
            .attachment(sdk::InstanceNetworkInterfaceAttachment::builder().device_index(1).build())
            .association(
                sdk::InstanceNetworkInterfaceAssociation::builder()
                    .public_ip("203.0.113.5")
                    .build(),
            )
            .ipv6_addresses(sdk::InstanceIpv6Address::builder().ipv6_address("2001:db8::4").build())
            .groups(sdk::GroupIdentifier::builder().group_id("sg-2").build());
        let read = instance(
            &running()
                .network_interfaces(attached.build())
                .platform_details("Windows with SQL Server")
                .tags(sdk::Tag::builder().key("Name").value("web-1").build())
                .launch_time(DateTime::from_secs(1_700_000_000))
                .iam_instance_profile(
                    sdk::IamInstanceProfile::builder()
                        .arn("arn:aws:iam::111122223333:instance-profile/Web")
                        .id("AIPAEXAMPLEWEB")
                        .build(),
                )
                .build(),
        )
        .unwrap();
        assert_eq!(read.name.as_deref(), Some("web-1"));
        assert!(read.windows && read.metadata.enabled && read.metadata.tokens_required);
        assert_eq!(read.profile.as_ref().map(Arn::name), Some("Web"));
        assert_eq!(read.profile_id.as_deref(), Some("AIPAEXAMPLEWEB"));
        let interface = read.interfaces.first().unwrap();
        assert_eq!((interface.device_index, interface.subnet.as_str()), (1, "subnet-2"));
        assert_eq!(interface.public_ip, Some("203.0.113.5".parse().unwrap()));
        assert_eq!(interface.ipv6, vec!["2001:db8::4".parse::<std::net::Ipv6Addr>().unwrap()]);
    }

    #[test]
    fn an_instance_without_listed_interfaces_still_has_one() {
        let read = instance(&running().build()).unwrap();
        let interface = read.interfaces.first().unwrap();
        assert_eq!(interface.private_ip, Some("10.0.0.4".parse().unwrap()));
        assert_eq!(interface.public_ip, Some("203.0.113.9".parse().unwrap()));
        assert_eq!(interface.security_groups, vec!["sg-1".parse().unwrap()]);
    }

    #[test]
    fn what_a_running_instance_must_have_is_missed() {
        let rows = [
            (running().set_vpc_id(None), "an answer without `vpcId`"),
            (running().set_subnet_id(None), "an answer without `subnetId`"),
            (running().set_metadata_options(None), "an answer without `metadataOptions`"),
            (running().subnet_id("net-1"), "`subnetId`: \"net-1\" is not a subnet id (`subnet-…`)"),
        ];
        for (row, detail) in rows {
            assert_eq!(instance(&row.build()), Err(unreadable(detail)));
        }
        let gone = sdk::InstanceState::builder().name(sdk::InstanceStateName::Terminated).build();
        let gone =
            instance(&sdk::Instance::builder().instance_id("i-1").state(gone).build()).unwrap();
        assert_eq!((gone.state, gone.interfaces.len()), (InstanceState::Terminated, 0));
    }

    #[test]
    fn protocols_and_ports_are_read() {
        let rows = [
            (Some("-1"), None, None, Traffic::All),
            (Some("tcp"), Some(443), Some(443), Traffic::Tcp(443, 443)),
            (Some("6"), Some(1024), Some(65535), Traffic::Tcp(1024, 65535)),
            (Some("6"), None, None, Traffic::Tcp(0, 65535)),
            (Some("17"), Some(53), Some(53), Traffic::Udp(53, 53)),
            (Some("icmp"), Some(-1), Some(-1), Traffic::Other("icmp".into())),
            (Some("tcp"), Some(443), Some(70_000), Traffic::Other("tcp".into())),
            (None, None, None, Traffic::Other("(none)".into())),
        ];
        for (protocol, from, to, expected) in rows {
            assert_eq!(traffic(protocol, from, to), expected, "{protocol:?} {from:?} {to:?}");
        }
    }

    #[test]
    fn no_rule_is_dropped() {
        let permission = sdk::IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(443)
            .to_port(443)
            .ip_ranges(sdk::IpRange::builder().cidr_ip("10.0.0.0/16").build())
            .ip_ranges(sdk::IpRange::builder().cidr_ip("10.0.0.0/99").build())
            .ipv6_ranges(sdk::Ipv6Range::builder().cidr_ipv6("2001:db8::/32").build())
            .prefix_list_ids(sdk::PrefixListId::builder().prefix_list_id("pl-1").build())
            .user_id_group_pairs(sdk::UserIdGroupPair::builder().group_id("sg-2").build())
            .user_id_group_pairs(sdk::UserIdGroupPair::builder().group_name("default").build())
            .build();
        let peers: Vec<_> = rules(&permission).map(|it| it.peer).collect();
        assert_eq!(
            peers,
            [
                Peer::Cidr("10.0.0.0/16".parse().unwrap()),
                Peer::Unreadable("10.0.0.0/99".into()),
                Peer::Cidr("2001:db8::/32".parse().unwrap()),
                Peer::List("pl-1".parse().unwrap()),
                Peer::Group("sg-2".parse().unwrap()),
                Peer::Unreadable("default".into()),
            ]
        );
    }

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

    #[test]
    fn an_acl_keeps_the_rule_that_closes_it() {
        let entry = |number, action| {
            sdk::NetworkAclEntry::builder()
                .rule_number(number)
                .egress(true)
                .protocol("-1")
                .rule_action(action)
                .cidr_block("0.0.0.0/0")
                .build()
        };
        let acl = sdk::NetworkAcl::builder()
            .network_acl_id("acl-1")
            .is_default(true)
            .associations(sdk::NetworkAclAssociation::builder().subnet_id("subnet-1").build())
            .entries(entry(100, sdk::RuleAction::Allow))
            .entries(entry(32_767, sdk::RuleAction::Deny));
        let read = network_acl(&acl.clone().build()).unwrap();
        let entries: Vec<_> =
            read.entries.iter().map(|it| (it.number, it.allow, it.egress)).collect();
        assert_eq!(entries, [(100, true, true), (32_767, false, true)]);

        let broken = acl
            .entries(sdk::NetworkAclEntry::builder().rule_number(1).egress(false).build())
            .build();
        assert_eq!(network_acl(&broken), Err(unreadable("an answer without `ruleAction`")));
    }

    #[test]
    fn associations_that_ended_do_not_count() {
        let association = |subnet: &str, state| {
            let state = sdk::RouteTableAssociationState::builder().state(state).build();
            sdk::RouteTableAssociation::builder()
                .subnet_id(subnet)
                .main(false)
                .association_state(state)
                .build()
        };
        let table = sdk::RouteTable::builder()
            .route_table_id("rtb-1")
            .associations(sdk::RouteTableAssociation::builder().main(true).build())
            .associations(association("subnet-1", sdk::RouteTableAssociationStateCode::Associated))
            .associations(association(
                "subnet-2",
                sdk::RouteTableAssociationStateCode::Disassociating,
            ))
            .build();
        let read = route_table(&table).unwrap();
        assert_eq!((read.main, read.subnets), (true, vec!["subnet-1".parse().unwrap()]));

        let block = |cidr: &str, state| {
            let state = sdk::VpcCidrBlockState::builder().state(state).build();
            sdk::VpcCidrBlockAssociation::builder().cidr_block(cidr).cidr_block_state(state).build()
        };
        let read = vpc(&sdk::Vpc::builder()
            .vpc_id("vpc-1")
            .owner_id("111122223333")
            .cidr_block("10.0.0.0/16")
            .cidr_block_association_set(block(
                "10.0.0.0/16",
                sdk::VpcCidrBlockStateCode::Associated,
            ))
            .cidr_block_association_set(block(
                "10.1.0.0/16",
                sdk::VpcCidrBlockStateCode::Disassociated,
            ))
            .build());
        assert_eq!(read.unwrap().cidrs, ["10.0.0.0/16".parse().unwrap()]);
    }

    #[test]
    fn an_endpoint_is_read() {
        let row = sdk::VpcEndpoint::builder()
            .vpc_endpoint_id("vpce-1")
            .service_name("com.amazonaws.eu-west-1.ssm")
            .vpc_endpoint_type(sdk::VpcEndpointType::Interface)
            .state(sdk::State::from("Available"))
            .subnet_ids("subnet-1")
            .network_interface_ids("eni-1")
            .groups(sdk::SecurityGroupIdentifier::builder().group_id("sg-1").build())
            .private_dns_enabled(true)
            .policy_document("{\"Statement\":[]}");
        let read = endpoint(&row.clone().build()).unwrap();
        assert_eq!(
            (read.kind, read.state, read.private_dns),
            (EndpointKind::Interface, EndpointState::Available, true)
        );
        assert!(read.policy.is_some_and(|it| it.json().is_some()));
        let nameless = row.set_service_name(None).build();
        assert_eq!(endpoint(&nameless), Err(unreadable("an answer without `serviceName`")));
    }

    #[test]
    fn what_is_lost_from_an_answer_is_not_absent() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let id = |raw: &str| raw.parse::<SubnetId>().unwrap();
        let ids = BTreeSet::from([id("subnet-1"), id("subnet-2"), id("subnet-3")]);
        // EC2 refuses all three because the third does not exist, then answers one by one.
        let rows = runtime.block_on(by_id(ids, |asked| async move {
            match asked.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["subnet-1"] => Ok(Some([(id("subnet-1"), Ok(1))].into())),
                ["subnet-2"] => Ok(Some(BTreeMap::new())),
                _ => Ok(None),
            }
        }));
        let states: Vec<_> = rows
            .into_values()
            .map(|it| match it {
                Row::Present(_) => "present",
                Row::Absent(_) => "absent",
                Row::Unknown { unknown: Why::Unreadable, .. } => "unreadable",
                Row::Unknown { .. } => "unknown",
            })
            .collect();
        assert_eq!(states, ["present", "unreadable", "absent"]);
    }
}
