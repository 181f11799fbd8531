//! VPC endpoints.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ids::*,
    text::{Text, words},
};

words! {
    EndpointKind {
        Interface = "Interface", Gateway = "Gateway", GatewayLoadBalancer = "GatewayLoadBalancer",
        Resource = "Resource", ServiceNetwork = "ServiceNetwork", Tunnel = "Tunnel",
    }
    /// The API answers in lower or upper camel case, depending on the call.
    EndpointState {
        Available = "available", Pending = "pending", PendingAcceptance = "pendingAcceptance",
        Deleting = "deleting", Deleted = "deleted", Rejected = "rejected", Failed = "failed",
        Expired = "expired", Partial = "partial",
    }
    AddressFamily {
        V4 = "ipv4", V6 = "ipv6", Dual = "dualstack", ServiceDefined = "service-defined",
    }
}

/// A row of `ec2:DescribeVpcEndpointServices`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndpointService {
    /// Does it enforce the policies of its endpoints? None where AWS does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports_policies: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Endpoint {
    pub id: EndpointId,
    /// The full name: `com.amazonaws.eu-west-1.ssm`.
    pub service: String,
    pub kind: EndpointKind,
    pub state: EndpointState,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<SubnetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<NetworkInterfaceId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<SecurityGroupId>,
    #[serde(default)]
    pub private_dns: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route_tables: Vec<RouteTableId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Text>,
    /// Set when the endpoint serves a service of another Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_region: Option<Region>,
    /// Where it stands, when it was not asked for by VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<VpcId>,
    /// Of its interfaces; none where AWS does not say, which is IPv4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<AddressFamily>,
    /// Which records its names have; none where AWS does not say, which is those of its interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_record_ip_type: Option<AddressFamily>,
    /// Its private DNS is for queries that come in from other networks: inside the VPC the service's
    /// name keeps its public addresses. For S3 beside a gateway endpoint.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub private_dns_for_inbound_only: bool,
    /// The names that lead to it. With private DNS on, the service's own are among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

impl Endpoint {
    /// Does the endpoint's private DNS, where it is on, answer for this host? By the names that AWS
    /// lists, or by the service's standard one.
    #[must_use]
    pub fn answers(&self, region: &Region, host: &str) -> bool {
        self.serves(region).is_some_and(|service| {
            host == region.service_host(service) || self.names.iter().any(|name| name == host)
        })
    }

    /// `ssm` for `com.amazonaws.eu-west-1.ssm`, in any partition's spelling; None if the service is
    /// of another Region.
    #[must_use]
    pub fn serves(&self, region: &Region) -> Option<&str> {
        if self.service_region.as_ref().is_some_and(|it| it != region) {
            return None;
        }
        let (_, mut rest) = self.service.split_once('.')?;
        loop {
            let (label, name) = rest.split_once('.')?;
            if label == region.as_str() {
                return Some(name);
            }
            rest = name;
        }
    }
}
