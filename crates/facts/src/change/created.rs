//! Resources that an earlier change of the same list creates.
//!
//! Their ids are not known before AWS has made them. A later change names such a resource by the id in
//! [`CREATED`]: a command has a shell variable in its place, Terraform a reference, and applied facts a
//! row.
//!
//! INVARIANT: AWS never makes these ids. What follows a prefix of its own is hexadecimal. `ZCREATED` is shorter
//! than the id of any zone, and the DNS name of an endpoint has dots.

use crate::ids::*;

macro_rules! created {
    ($($id:ident = $raw:literal, $variable:literal, $terraform:literal;)*) => {
        /// The id, the shell variable, and the Terraform resource of each kind.
        pub const CREATED: &[(&str, &str, &str)] = &[$(($raw, $variable, $terraform),)* ENDPOINT_NAME_ROW];

        $(impl $id {
            /// The one that an earlier change creates.
            #[must_use]
            pub fn created() -> Self {
                Self::placeholder($raw)
            }

            #[must_use]
            pub fn is_created(&self) -> bool {
                self.as_str() == $raw
            }
        })*
    };
}

/// The DNS name of an endpoint, which a command looks up.
pub const ENDPOINT_NAME: &str = "name-created";

const ENDPOINT_NAME_ROW: (&str, &str, &str) =
    (ENDPOINT_NAME, "endpoint_name", "data.aws_vpc_endpoint.ssm_doctor.dns_entry[0].dns_name");

created! {
    SecurityGroupId = "sg-created", "security_group", "aws_security_group.ssm_doctor";
    NatGatewayId = "nat-created", "nat_gateway", "aws_nat_gateway.ssm_doctor";
    InternetGatewayId = "igw-created", "internet_gateway", "aws_internet_gateway.ssm_doctor";
    EgressOnlyGatewayId = "eigw-created", "egress_only_gateway", "aws_egress_only_internet_gateway.ssm_doctor";
    EndpointId = "vpce-created", "endpoint", "aws_vpc_endpoint.ssm_doctor";
    DhcpOptionsId = "dopt-created", "dhcp_options", "aws_vpc_dhcp_options.ssm_doctor";
    ResolverRuleId = "rslvr-rr-created", "resolver_rule", "aws_route53_resolver_rule.ssm_doctor";
    ZoneId = "ZCREATED", "endpoint_zone", "data.aws_vpc_endpoint.ssm_doctor.dns_entry[0].hosted_zone_id";
    KeyName = "key-created", "key", "aws_kms_key.ssm_doctor";
    FirewallListId = "rslvr-fdl-created", "domain_list", "aws_route53_resolver_firewall_domain_list.ssm_doctor";
}

/// The unique id of a role that an earlier change creates. AWS's own begin with `AROA`.
pub const CREATED_ROLE: &str = "role-created";
