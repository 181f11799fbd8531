//! Internet gateways, NAT gateways, egress-only gateways, peerings, interfaces and prefix lists.

use std::net::{IpAddr, Ipv4Addr};

use ssm_doctor_facts::{ec2::*, ids::*, lookup::Row};

use super::row::{GROUPS, ListsByVpc, Rows, SUBNETS, VPCS, parsed, range, unknown};
use crate::plan::world::{Home, Known, World};

/// The address of a new NAT gateway. AWS chooses the real one; this one is from a range for documentation (RFC 5737).
const NEW_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    internet_gateways(rows, world, home);
    for resource in world.of(home, &["aws_egress_only_internet_gateway"]) {
        let vpc = world.id_in(resource, "vpc_id", &VPCS);
        let (Some(vpc), Ok(id)) = (vpc, resource.id.parse()) else { continue };
        let row = EgressOnlyGateway { id, state: "attached".into() };
        push(rows, &vpc, |facts| &mut facts.egress_only_gateways, row);
    }
    nat_gateways(rows, world, home);
    for resource in world.of(home, &["aws_ec2_managed_prefix_list", "aws_prefix_list"]) {
        let Ok(id) = resource.id.parse::<PrefixListId>() else { continue };
        let blocks = resource.items("entry").iter().filter_map(|entry| entry.get("cidr")?.as_str());
        let mut cidrs: Vec<_> = blocks.filter_map(range).collect();
        cidrs.extend(resource.texts("cidr_blocks").iter().filter_map(|text| range(text)));
        for entry in world.of(home, &["aws_ec2_managed_prefix_list_entry"]) {
            let kinds = ["aws_ec2_managed_prefix_list"];
            if world.refers_to(entry, "prefix_list_id", &kinds, id.as_str()) {
                cidrs.extend(entry.known("cidr").and_then(|text| range(&text)));
            }
        }
        rows.facts.prefix_lists.insert(id, Row::Present(PrefixList { cidrs }));
    }
    peerings(rows, world, home);
    interfaces(rows, world, home);
    public_access(rows, world, home);
}

/// VPC Block Public Access, which a Region of an account has once.
fn public_access(rows: &mut Rows, world: &World, home: &Home) {
    let Some(options) = world.of(home, &["aws_vpc_block_public_access_options"]).next() else {
        return;
    };
    let row = match options.text("internet_gateway_block_mode") {
        Known::Unknown(why, address) => unknown(why, &address),
        Known::None => return,
        Known::Value(mode) => {
            let exempt = world.of(home, &["aws_vpc_block_public_access_exclusion"]);
            let exclusions = exempt.filter_map(|resource| {
                let vpc = world.refers_to_one(resource, "vpc_id", &VPCS).value();
                let subnet = || world.refers_to_one(resource, "subnet_id", &SUBNETS).value();
                Some(Exclusion {
                    id: resource.id.clone(),
                    mode: resource.known("internet_gateway_exclusion_mode")?.into(),
                    resource: vpc.or_else(subnet)?,
                })
            });
            Row::Present(PublicAccessBlock { mode: mode.into(), exclusions: exclusions.collect() })
        }
    };
    rows.facts.public_access_blocks.insert(home.region.clone(), row);
}

fn internet_gateways(rows: &mut Rows, world: &World, home: &Home) {
    let gateways = world.of(home, &["aws_internet_gateway"]);
    let vpc_of = |resource| world.id_in(resource, "vpc_id", &VPCS);
    let own = gateways.map(|resource| (resource.id.clone(), vpc_of(resource)));
    let attachments = world.of(home, &["aws_internet_gateway_attachment"]).filter_map(|resource| {
        let id = world
            .refers_to_one(resource, "internet_gateway_id", &["aws_internet_gateway"])
            .value()?;
        Some((id, vpc_of(resource)))
    });
    let attached: Vec<_> = own.chain(attachments).collect();
    for (id, vpc) in attached {
        let (Ok(id), Some(vpc)) = (id.parse::<InternetGatewayId>(), vpc) else { continue };
        let row = InternetGateway { id, state: "available".into() };
        push(rows, &vpc, |facts| &mut facts.internet_gateways, row);
    }
}

fn push<T: PartialEq>(rows: &mut Rows, vpc: &VpcId, table: ListsByVpc<T>, row: T) {
    if let Some(list) = rows.list_of(vpc, table)
        && !list.contains(&row)
    {
        list.push(row);
    }
}

fn nat_gateways(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &["aws_nat_gateway"]) {
        let Ok(id) = resource.id.parse::<NatGatewayId>() else { continue };
        let private = resource.known("connectivity_type").as_deref() == Some("private");
        let address = resource.known("public_ip").and_then(|text| text.parse().ok());
        let row = match parsed::<SubnetId, _>(world, resource, "subnet_id", &SUBNETS) {
            Err(row) => row,
            Ok(subnet) => Row::Present(NatGateway {
                state: NatState::Available,
                connectivity: if private { Connectivity::Private } else { Connectivity::Public },
                subnet,
                public_ips: if private { Vec::new() } else { vec![address.unwrap_or(NEW_ADDRESS)] },
                failure: None,
                zones: Vec::new(),
                auto_provision_zones: None,
            }),
        };
        rows.facts.nat_gateways.insert(id, row);
    }
}

fn peerings(rows: &mut Rows, world: &World, home: &Home) {
    let accepters: Vec<String> = world
        .of(home, &["aws_vpc_peering_connection_accepter"])
        .filter(|accepter| accepter.flag("auto_accept", false))
        .filter_map(|accepter| {
            let kinds = ["aws_vpc_peering_connection"];
            world.refers_to_one(accepter, "vpc_peering_connection_id", &kinds).value()
        })
        .collect();
    for resource in world.of(home, &["aws_vpc_peering_connection"]) {
        let Ok(id) = resource.id.parse::<PeeringId>() else { continue };
        let side = |name: &str| world.id_in::<VpcId>(resource, name, &VPCS);
        let (Some(requester), Some(accepter)) = (side("vpc_id"), side("peer_vpc_id")) else {
            continue;
        };
        let is_active = resource.flag("auto_accept", false)
            || resource.known("accept_status").as_deref() == Some("active")
            || accepters.contains(&resource.id);
        let of = |vpc, owner: Option<String>, region: Option<String>| PeeringSide {
            vpc,
            owner: Some(
                owner.and_then(|id| id.parse().ok()).unwrap_or_else(|| home.account.clone()),
            ),
            region: Some(
                region.and_then(|id| id.parse().ok()).unwrap_or_else(|| home.region.clone()),
            ),
        };
        let row = Peering {
            state: if is_active { PeeringState::Active } else { PeeringState::PendingAcceptance },
            requester: of(requester, None, None),
            accepter: of(accepter, resource.known("peer_owner_id"), resource.known("peer_region")),
        };
        rows.facts.peerings.insert(id, Row::Present(row));
    }
}

/// Interfaces that are resources of their own: of NAT instances, or of instances with several.
fn interfaces(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &["aws_network_interface"]) {
        let Ok(id) = resource.id.parse::<NetworkInterfaceId>() else { continue };
        let row = match parsed::<SubnetId, _>(world, resource, "subnet_id", &SUBNETS) {
            Err(row) => row,
            Ok(None) => continue,
            Ok(Some(subnet)) => {
                let groups = match world.refers(resource, "security_groups", &GROUPS) {
                    Known::Value(ids) => ids.iter().filter_map(|id| id.parse().ok()).collect(),
                    _ => Vec::new(),
                };
                let given = resource.texts("private_ips");
                let ips: Vec<IpAddr> = given.iter().filter_map(|text| text.parse().ok()).collect();
                Row::Present(NetworkInterface {
                    private_ips: if ips.is_empty() {
                        super::instance::address_in(rows, &subnet, super::instance::ADDRESS)
                            .map(IpAddr::V4)
                            .into_iter()
                            .collect()
                    } else {
                        ips
                    },
                    subnet,
                    security_groups: groups,
                    instance: None,
                    public_ip: None,
                    source_dest_check: Some(resource.flag("source_dest_check", true)),
                })
            }
        };
        rows.facts.network_interfaces.insert(id, row);
    }
}
