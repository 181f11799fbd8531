//! What the facts show of the network around the instance, for the choice of a repair.

use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use ssm_doctor_analysis::case::Case;
use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Facts, Row},
    scope::Scope,
};

pub(super) const HTTPS: u16 = 443;

/// Of a rule, in the words of the console.
pub(super) fn direction(egress: bool) -> &'static str {
    if egress { "outbound" } else { "inbound" }
}

pub(super) struct Network<'a> {
    pub facts: &'a Facts,
    pub scope: &'a Scope,
    pub instance: Option<&'a Instance>,
}

impl<'a> Network<'a> {
    pub fn of(case: &Case<'a>) -> Self {
        let (facts, scope) = (case.facts, case.scope);
        let instance = scope.target.instance().and_then(|id| facts.instances.get(id)?.present());
        Self { facts, scope, instance }
    }

    pub fn own_interface(&self) -> Option<&'a AttachedInterface> {
        self.instance?.primary_interface()
    }

    pub fn acl(&self, id: &NetworkAclId) -> Option<&'a NetworkAcl> {
        let lists = self.facts.network_acls.values().filter_map(Row::present);
        lists.flatten().find(|acl| acl.id == *id)
    }

    pub fn own_subnet(&self) -> Option<&'a SubnetId> {
        Some(&self.own_interface()?.subnet)
    }

    /// The instance's first security group.
    pub fn own_group(&self) -> Option<&'a SecurityGroupId> {
        self.own_interface()?.security_groups.first()
    }

    /// The instance's VPC, and its row where it was seen.
    pub fn own_vpc(&self) -> Option<(&'a VpcId, Option<&'a Vpc>)> {
        let id = self.instance?.vpc.as_ref()?;
        Some((id, self.facts.vpcs.get(id).and_then(Row::present)))
    }

    /// The destination of the default route in the family that the instance uses.
    pub fn everything(&self) -> Destination {
        let v4 = self.own_interface().is_none_or(|interface| interface.private_ip.is_some());
        let net = if v4 {
            IpNet::V4(Ipv4Net::new_assert(core::net::Ipv4Addr::UNSPECIFIED, 0))
        } else {
            IpNet::V6(ipnet::Ipv6Net::new_assert(core::net::Ipv6Addr::UNSPECIFIED, 0))
        };
        Destination::Cidr(net)
    }

    pub fn tables(&self, vpc: &VpcId) -> &'a [RouteTable] {
        self.facts.route_tables.get(vpc).and_then(Row::present).map_or(&[], Vec::as_slice)
    }

    /// The route table that a subnet uses: its own, or the VPC's main one.
    pub fn table_of(&self, vpc: &VpcId, subnet: &SubnetId) -> Option<&'a RouteTable> {
        let tables = self.tables(vpc);
        let own = tables.iter().find(|table| table.subnets.contains(subnet));
        own.or_else(|| tables.iter().find(|table| table.main))
    }

    pub fn table(&self, id: &RouteTableId) -> Option<(&'a VpcId, &'a RouteTable)> {
        self.facts.route_tables.iter().find_map(|(vpc, row)| {
            let tables = row.present()?;
            Some((vpc, tables.iter().find(|table| table.id == *id)?))
        })
    }

    pub fn endpoints(&self, vpc: &VpcId) -> &'a [Endpoint] {
        self.facts.endpoints.get(vpc).and_then(Row::present).map_or(&[], Vec::as_slice)
    }

    /// An endpoint that is described, and its VPC where that is known. AWS describes an endpoint of another
    /// account among those of its service.
    pub fn endpoint(&self, id: &EndpointId) -> Option<(Option<&'a VpcId>, &'a Endpoint)> {
        let of_vpcs = self.facts.endpoints.iter().flat_map(|(vpc, row)| {
            row.present().into_iter().flatten().map(move |endpoint| (Some(vpc), endpoint))
        });
        let rows = self.facts.service_endpoints.values().filter_map(Row::present);
        let of_services = rows.flatten().map(|endpoint| (endpoint.vpc.as_ref(), endpoint));
        of_vpcs.chain(of_services).find(|(_, endpoint)| endpoint.id == *id)
    }

    /// The internet gateway that is attached to a VPC.
    pub fn internet_gateway(&self, vpc: &VpcId) -> Option<&'a InternetGateway> {
        let gateways = self.facts.internet_gateways.get(vpc)?.present()?;
        gateways.iter().find(|gateway| gateway.state == "available")
    }

    /// Has the VPC a private hosted zone of this name, of its own or by a Route 53 Profile?
    pub fn has_zone(&self, vpc: &VpcId, name: &str) -> bool {
        let own = self.facts.hosted_zones.get(vpc).and_then(Row::present).into_iter().flatten();
        let of_profiles = self.facts.profile_zones.values().filter_map(Row::present);
        own.chain(of_profiles).any(|zone| zone.name.trim_end_matches('.') == name)
    }

    /// The range of the subnet that has an address, and the range of its VPC.
    pub fn ranges_around(&self, address: IpAddr) -> (Option<IpNet>, Option<IpNet>) {
        let subnets = self.facts.subnets.values().filter_map(Row::present);
        let of_subnets = subnets.flat_map(|subnet| {
            let v6 = subnet.ipv6_cidrs.iter().copied().map(IpNet::V6);
            subnet.cidr.map(IpNet::V4).into_iter().chain(v6)
        });
        let subnet = of_subnets.into_iter().find(|range| range.contains(&address));
        (subnet, self.vpc_with(address).map(|(_, range)| range))
    }

    /// The VPC in one of whose ranges an address is.
    pub fn vpc_with(&self, address: IpAddr) -> Option<(&'a VpcId, IpNet)> {
        self.facts.vpcs.iter().find_map(|(id, row)| {
            let cidrs = &row.present()?.cidrs;
            Some((id, cidrs.iter().copied().find(|range| range.contains(&address))?))
        })
    }

    pub fn zone_of(&self, subnet: &SubnetId) -> Option<&'a str> {
        self.facts.subnets.get(subnet)?.present()?.availability_zone.as_deref()
    }

    /// Is an internet gateway attached to the VPC, as far as is seen?
    pub fn is_attached(&self, vpc: &VpcId, id: &InternetGatewayId) -> bool {
        match self.facts.internet_gateways.get(vpc) {
            Some(Row::Present(gateways)) => {
                gateways.iter().any(|gateway| gateway.id == *id && gateway.state == "available")
            }
            Some(Row::Absent(_)) => false,
            _ => true,
        }
    }

    /// Does a table send what is for the internet to an internet gateway?
    pub fn is_public(&self, vpc: &VpcId, table: &RouteTable) -> bool {
        table.routes.iter().any(|route| {
            let default =
                matches!(&route.to, Destination::Cidr(IpNet::V4(net)) if net.prefix_len() == 0);
            let TargetKind::InternetGateway(id) = route.via.kind() else { return false };
            default && route.state == RouteState::Active && self.is_attached(vpc, &id)
        })
    }
}
