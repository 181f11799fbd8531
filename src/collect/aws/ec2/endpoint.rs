//! VPC endpoints.

use std::collections::BTreeSet;

use aws_sdk_ec2::types as sdk;
use ssm_doctor_facts::{
    ec2::{Endpoint, EndpointKind, EndpointService},
    ids::{EndpointId, ServiceName},
    lookup::{Facts, Row},
    text::Text,
};

use super::lists::{Ec2, PAGE, all, by_id, filter, ids, keyed, listed, word};
use crate::collect::aws::{
    route53::name,
    why::{Failure, field, maybe, named, row},
};

impl Ec2 {
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

    pub async fn endpoint_service(self, name: ServiceName) -> Facts {
        let call = self.client.describe_vpc_endpoint_services().service_names(name.as_str());
        let output = self.watch.read(call.send().await, &["InvalidServiceName"]);
        let service = output.map(|output| {
            let found = output.and_then(|output| output.service_details).unwrap_or_default();
            let found = found.first().map(|it| it.vpc_endpoint_policy_supported);
            found.map(|supports_policies| EndpointService { supports_policies })
        });
        Facts { endpoint_services: [(name, row(service))].into(), ..Facts::default() }
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
}

pub(super) fn endpoint(it: &sdk::VpcEndpoint) -> Result<Endpoint, Failure> {
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

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::ec2::EndpointState;

    use super::*;
    use crate::collect::aws::why::unreadable;

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
}
