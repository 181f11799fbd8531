//! Network interfaces, by id and by address.

use std::{collections::BTreeSet, net::IpAddr};

use aws_sdk_ec2::types as sdk;
use ssm_doctor_facts::{
    ec2::NetworkInterface,
    ids::{NetworkInterfaceId, VpcId},
    lookup::Facts,
    route53::Place,
};

use super::lists::{Ec2, PAGE, all, by_id, filter, groups, keyed, listed, swept};
use crate::collect::aws::why::{Failure, maybe, named, row};

impl Ec2 {
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
