//! A VPC and the lists of its parts, with what makes a list incomplete.
//!
//! Every VPC has a main route table and a default network ACL: a list without them is cut off. AWS leaves out
//! of the lists of a VPC that another account shares what is its owner's. Source: VPC user guide,
//! "Responsibilities and permissions for owners and participants". Participants see route tables and network
//! ACLs of the subnets shared with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_sdk_ec2::types::{self as sdk, VpcAttributeName};
use ssm_doctor_facts::{
    ec2::{DhcpOptions, NetworkAcl, RouteTable, Subnet, TargetKind, Vpc, VpcDns},
    ids::{AccountId, DhcpOptionsId, NatGatewayId, SubnetId, VpcId},
    lookup::{Absent, Facts, Row, Why},
};
use tokio::sync::OnceCell;

use super::{
    endpoint::endpoint,
    gateway::internet_gateway,
    lists::{Ec2, PAGE, SMALL_PAGE, all, by_id, filter, keyed, listed, swept},
    route_table::route_table,
    traffic::network_acl,
};
use crate::collect::{
    aws::why::{Failure, field, hidden_by, maybe, named, row, unreadable},
    chain::both,
    known::our_account,
};

/// The lists of one VPC's parts. Clones share the answers that several lists depend on, so that each is one
/// call.
#[derive(Clone)]
pub struct VpcLists {
    ec2: Ec2,
    vpc: VpcId,
    /// The account of our credentials, if it is known.
    account: Option<AccountId>,
    /// The subnets in which our instances are.
    used: Arc<BTreeSet<SubnetId>>,
    itself: Arc<OnceCell<Row<Vpc>>>,
    subnets: Arc<OnceCell<Subnets>>,
}

type Subnets = Result<BTreeMap<SubnetId, Result<Subnet, Failure>>, Failure>;

impl VpcLists {
    pub fn new(ec2: Ec2, vpc: VpcId, facts: &Facts) -> Self {
        let instances = facts.instances.values().filter_map(Row::present);
        let used = instances
            .filter(|instance| instance.vpc.as_ref() == Some(&vpc))
            .flat_map(|instance| {
                let others = instance.interfaces.iter().map(|interface| &interface.subnet);
                instance.subnet.iter().chain(others)
            })
            .cloned()
            .collect();
        Self {
            ec2,
            vpc,
            account: our_account(facts).cloned(),
            used: Arc::new(used),
            itself: Arc::default(),
            subnets: Arc::default(),
        }
    }

    pub async fn vpc(self) -> Facts {
        let itself = self.itself().await.clone();
        Facts { vpcs: [(self.vpc, itself)].into(), ..Facts::default() }
    }

    async fn itself(&self) -> &Row<Vpc> {
        let ask = || async {
            let ec2 = &self.ec2;
            let mut rows = by_id([self.vpc.clone()].into(), |ids| async move {
                let call = ec2.client.describe_vpcs().set_vpc_ids(Some(ids));
                let found = all!(ec2, call.into_paginator().items(), "InvalidVpcID.NotFound")?;
                Ok(found.map(|found| keyed(&found, sdk::Vpc::vpc_id, vpc)))
            })
            .await;
            rows.remove(&self.vpc).unwrap_or(Row::Absent(Absent::Absent))
        };
        self.itself.get_or_init(ask).await
    }

    pub async fn subnets(self, asked: BTreeSet<SubnetId>) -> Facts {
        let found = self.all_subnets().await.clone();
        Facts { subnets: swept(found, asked), ..Facts::default() }
    }

    async fn all_subnets(&self) -> &Subnets {
        let ask = || async {
            let call = self.ec2.client.describe_subnets();
            let call = call.filters(filter("vpc-id", self.vpc.as_str()));
            let found = all!(self.ec2, call.into_paginator().page_size(PAGE).items());
            listed(found).map(|found| keyed(&found, sdk::Subnet::subnet_id, subnet))
        };
        self.subnets.get_or_init(ask).await
    }

    /// The account that shares this VPC with ours, if it is not ours. A subnet names its owner too.
    async fn other_owner(&self) -> Option<AccountId> {
        let ours = self.account.as_ref()?;
        let owner = self.itself().await.present().and_then(|vpc| vpc.owner.clone());
        let owner = if let Some(owner) = owner {
            owner
        } else {
            let mut subnets = self.all_subnets().await.iter().flat_map(BTreeMap::values);
            subnets.find_map(|subnet| subnet.as_ref().ok()?.owner.clone())?
        };
        (owner != *ours).then_some(owner)
    }

    pub async fn route_tables(self) -> Facts {
        let call = self.ec2.client.describe_route_tables();
        let call = call.filters(filter("vpc-id", self.vpc.as_str()));
        let found = listed(all!(self.ec2, call.into_paginator().page_size(SMALL_PAGE).items()));
        let shared = self.other_owner().await.is_some();
        let tables = found
            .and_then(|found| found.iter().map(route_table).collect())
            .and_then(|tables| whole_tables(tables, shared, &self.used));
        Facts { route_tables: [(self.vpc, row(tables.map(Some)))].into(), ..Facts::default() }
    }

    pub async fn network_acls(self) -> Facts {
        let call = self.ec2.client.describe_network_acls();
        let call = call.filters(filter("vpc-id", self.vpc.as_str()));
        let found = listed(all!(self.ec2, call.into_paginator().page_size(PAGE).items()));
        let shared = self.other_owner().await.is_some();
        let acls = found
            .and_then(|found| found.iter().map(network_acl).collect())
            .and_then(|acls| whole_acls(acls, shared, &self.used));
        Facts { network_acls: [(self.vpc, row(acls.map(Some)))].into(), ..Facts::default() }
    }

    pub async fn endpoints(self) -> Facts {
        let call = self.ec2.client.describe_vpc_endpoints();
        let call = call.filters(filter("vpc-id", self.vpc.as_str()));
        let found = listed(all!(self.ec2, call.into_paginator().page_size(PAGE).items()));
        let endpoints = found.and_then(|found| found.iter().map(endpoint).collect());
        let endpoints = match (endpoints, self.other_owner().await) {
            // Endpoints of our own are listed, and the owner's beside them are not.
            (Ok(_), Some(owner)) => Err(hidden_by(&owner)),
            (endpoints, _) => endpoints.map(Some),
        };
        Facts { endpoints: [(self.vpc, row(endpoints))].into(), ..Facts::default() }
    }

    pub async fn internet_gateways(self) -> Facts {
        let call = self.ec2.client.describe_internet_gateways();
        let call = call.filters(filter("attachment.vpc-id", self.vpc.as_str()));
        let found = listed(all!(self.ec2, call.into_paginator().page_size(PAGE).items()));
        let gateways = match (found, self.other_owner().await) {
            (Ok(found), Some(owner)) if found.is_empty() => Err(hidden_by(&owner)),
            (found, _) => found.and_then(|found| {
                let read = found.iter().map(|gateway| internet_gateway(gateway, &self.vpc));
                read.collect::<Result<_, _>>().map(Some)
            }),
        };
        Facts { internet_gateways: [(self.vpc, row(gateways))].into(), ..Facts::default() }
    }
}

impl Ec2 {
    pub async fn vpc_dns(self, id: VpcId) -> Facts {
        let ask =
            |name| self.client.describe_vpc_attribute().vpc_id(id.as_str()).attribute(name).send();
        let (support, hostnames) = both(
            ask(VpcAttributeName::EnableDnsSupport),
            ask(VpcAttributeName::EnableDnsHostnames),
        )
        .await;
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
}

/// The NAT gateways to which the routes of VPCs lead that another account shares, and that account.
pub fn foreign_nat_gateways(facts: &Facts) -> BTreeMap<NatGatewayId, AccountId> {
    let Some(ours) = our_account(facts) else { return BTreeMap::new() };
    let owner = |vpc: &VpcId| {
        let of_vpc = facts.vpcs.get(vpc).and_then(Row::present).and_then(|row| row.owner.as_ref());
        let of_subnet = || {
            let mut subnets = facts.subnets.values().filter_map(Row::present);
            subnets.find(|subnet| subnet.vpc == *vpc)?.owner.as_ref()
        };
        of_vpc.or_else(of_subnet).filter(|owner| *owner != ours)
    };
    let shared = facts.route_tables.iter().filter_map(|(vpc, row)| {
        let tables = row.present()?;
        Some((owner(vpc)?, tables))
    });
    let hops = shared.flat_map(|(owner, tables)| {
        tables.iter().flat_map(|table| &table.routes).map(move |route| (owner, route))
    });
    hops.filter_map(|(owner, route)| match route.via.kind() {
        TargetKind::NatGateway(id) => Some((id, owner.clone())),
        _ => None,
    })
    .collect()
}

fn whole_tables(
    tables: Vec<RouteTable>,
    shared: bool,
    used: &BTreeSet<SubnetId>,
) -> Result<Vec<RouteTable>, Failure> {
    let has_main = tables.iter().any(|table| table.main);
    let subnets: BTreeSet<_> = tables.iter().flat_map(|table| &table.subnets).collect();
    if has_main || shared && used.iter().all(|subnet| subnets.contains(subnet)) {
        return Ok(tables);
    }
    Err(incomplete(tables.len(), "main route table", shared))
}

fn whole_acls(
    acls: Vec<NetworkAcl>,
    shared: bool,
    used: &BTreeSet<SubnetId>,
) -> Result<Vec<NetworkAcl>, Failure> {
    let has_default = acls.iter().any(|acl| acl.default);
    let subnets: BTreeSet<_> = acls.iter().flat_map(|acl| &acl.subnets).collect();
    if has_default || shared && used.iter().all(|subnet| subnets.contains(subnet)) {
        return Ok(acls);
    }
    Err(incomplete(acls.len(), "default network ACL", shared))
}

fn incomplete(listed: usize, missing: &str, shared: bool) -> Failure {
    let failure = unreadable(format!("the list of {listed} lacks the VPC's {missing}"));
    let why = if shared { Why::HiddenByOwner } else { failure.why };
    Failure { why, ..failure }
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
    if let Some(primary) = maybe("cidrBlock", it.cidr_block())? {
        cidrs.retain(|cidr| *cidr != primary);
        cidrs.insert(0, primary);
    }
    Ok(Vpc {
        owner: owner(it.owner_id()),
        cidrs,
        dhcp_options: maybe("dhcpOptionsId", it.dhcp_options_id())?,
    })
}

/// The account that owns a VPC or a subnet. One that cannot be read hides nothing else of it: the other of the two
/// names the owner too.
fn owner(id: Option<&str>) -> Option<AccountId> {
    maybe("ownerId", id).unwrap_or_default()
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
        owner: owner(it.owner_id()),
        cidr: maybe("cidrBlock", it.cidr_block())?,
        ipv6_cidrs: v6
            .map(|it| named("ipv6CidrBlock", it.ipv6_cidr_block()))
            .collect::<Result<_, _>>()?,
        availability_zone: it.availability_zone().map(Into::into),
        maps_public_ip: it.map_public_ip_on_launch().unwrap_or_default(),
        dns64: it.enable_dns64().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_that_cannot_be_read_hides_nothing_else() {
        let read = |owner: &str| {
            let row = sdk::Vpc::builder().owner_id(owner).cidr_block("10.0.0.0/16").build();
            vpc(&row).unwrap()
        };
        assert_eq!(read("amazon-elb").owner, None);
        assert_eq!(read("amazon-elb").cidrs.len(), 1);
        assert_eq!(read("111122223333").owner, "111122223333".parse().ok());
    }

    /// The verdict on a list, by what is in it: the main table or default ACL, and the subnets.
    #[test]
    fn a_list_lacks_what_every_vpc_has() {
        type Row = (bool, &'static str, bool, Result<(), Why>);
        let rows: [Row; 6] = [
            (true, "subnet-2", false, Ok(())),
            (true, "subnet-2", true, Ok(())),
            (false, "subnet-1", false, Err(Why::Unreadable)),
            // A participant sees those of the subnets that are shared with it.
            (false, "subnet-1", true, Ok(())),
            (false, "subnet-2", true, Err(Why::HiddenByOwner)),
            (false, "subnet-2", false, Err(Why::Unreadable)),
        ];
        let used = BTreeSet::from(["subnet-1".parse().unwrap()]);
        for (whole, subnet, shared, expected) in rows {
            let table = serde_json::json!([{ "id": "rtb-1", "main": whole, "subnets": [subnet], "routes": [] }]);
            let tables = serde_json::from_value(table).unwrap();
            let found = whole_tables(tables, shared, &used).map(drop).map_err(|it| it.why);
            assert_eq!(found, expected, "{whole} {subnet} {shared}");

            let acl = serde_json::json!([{ "id": "acl-1", "default": whole, "subnets": [subnet], "entries": [] }]);
            let acls = serde_json::from_value(acl).unwrap();
            let found = whole_acls(acls, shared, &used).map(drop).map_err(|it| it.why);
            assert_eq!(found, expected, "{whole} {subnet} {shared}");
        }
    }

    #[test]
    fn a_nat_gateway_of_the_owner_is_hidden() {
        let facts = |owner: &str| -> Facts {
            serde_json::from_value(serde_json::json!({
                "caller": { "us": { "account": "111111111111", "arn": "arn:aws:iam::111111111111:user/me", "user_id": "AIDA" } },
                "vpcs": { "vpc-1": { "owner": owner, "cidrs": ["10.0.0.0/16"] } },
                "route_tables": { "vpc-1": [{ "id": "rtb-1", "main": true, "routes":
                    [{ "to": { "cidr": "0.0.0.0/0" }, "via": "nat-1", "state": "active" }] }] },
            }))
            .unwrap()
        };
        assert!(foreign_nat_gateways(&facts("111111111111")).is_empty());
        let hidden = foreign_nat_gateways(&facts("222222222222"));
        assert_eq!(hidden.keys().map(NatGatewayId::as_str).collect::<Vec<_>>(), ["nat-1"]);
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
}
