//! What others refer to a resource by: an id, or a name where AWS has no id.

use serde_json::Value;

/// The attribute that others refer to a resource by.
#[must_use]
pub fn identity_attribute(kind: &str) -> &'static str {
    match kind {
        "aws_iam_role"
        | "aws_iam_instance_profile"
        | "aws_iam_user"
        | "aws_iam_group"
        | "aws_launch_configuration"
        | "aws_ssm_document"
        | "aws_cloudwatch_log_group" => "name",
        "aws_iam_policy" | "aws_kms_key" => "arn",
        "aws_s3_bucket" => "bucket",
        "aws_route53_zone" => "zone_id",
        _ => "id",
    }
}

/// What others refer to a resource by, if it is known: an id, or a name where AWS has no id.
#[must_use]
pub fn identity(kind: &str, values: &Value) -> Option<String> {
    let attribute = identity_attribute(kind);
    values.get(attribute)?.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// May an id contain this letter?
#[must_use]
pub fn is_part_of_id(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}

/// An id in the form of its kind, made of the address.
#[must_use]
pub fn made_id(kind: &str, address: &str) -> String {
    let mut slug = String::new();
    for letter in address.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    // A hyphen ends an endpoint's id in its DNS names, where AWS adds random characters.
    let slug = if kind == "aws_vpc_endpoint" { slug.replace('-', "") } else { slug };
    let slug = slug.trim_matches('-');
    let prefix = match kind {
        "aws_instance" | "aws_launch_template" | "aws_autoscaling_group" => "i-",
        "aws_vpc" | "aws_default_vpc" => "vpc-",
        "aws_subnet" | "aws_default_subnet" => "subnet-",
        "aws_security_group" | "aws_default_security_group" => "sg-",
        "aws_ec2_managed_prefix_list" => "pl-",
        "aws_vpc_endpoint" => "vpce-",
        "aws_route_table" | "aws_default_route_table" => "rtb-",
        "aws_network_acl" | "aws_default_network_acl" => "acl-",
        "aws_network_interface" => "eni-",
        "aws_internet_gateway" => "igw-",
        "aws_nat_gateway" => "nat-",
        "aws_egress_only_internet_gateway" => "eigw-",
        "aws_vpc_peering_connection" => "pcx-",
        "aws_ec2_transit_gateway" => "tgw-",
        "aws_ec2_transit_gateway_vpc_attachment" => "tgw-attach-",
        "aws_ec2_transit_gateway_route_table" => "tgw-rtb-",
        "aws_vpc_dhcp_options" => "dopt-",
        "aws_route53_resolver_rule" => "rslvr-rr-",
        "aws_route53_resolver_firewall_rule_group" => "rslvr-frg-",
        "aws_route53_resolver_firewall_domain_list" => "rslvr-fdl-",
        "aws_vpn_gateway" => "vgw-",
        "aws_route53_zone" => "Z",
        "aws_iam_policy" => return format!("arn:aws:iam::000000000000:policy/{slug}"),
        _ => "",
    };
    format!("{prefix}{slug}")
}

/// What AWS makes along with a resource. In a plan its id is the resource's own, with another prefix.
pub struct Companion {
    /// The prefix of the resource's id.
    of: &'static str,
    prefix: &'static str,
    /// What people call it, before the resource's address.
    pub words: &'static str,
    /// The resource's attribute that names it.
    pub attribute: &'static str,
}

pub const MAIN_ROUTE_TABLE: Companion = Companion {
    of: "vpc-",
    prefix: "rtb-main-",
    words: "the main route table of ",
    attribute: "main_route_table_id",
};
pub const DEFAULT_SECURITY_GROUP: Companion = Companion {
    of: "vpc-",
    prefix: "sg-default-",
    words: "the default security group of ",
    attribute: "default_security_group_id",
};
pub const DEFAULT_NETWORK_ACL: Companion = Companion {
    of: "vpc-",
    prefix: "acl-default-",
    words: "the default network ACL of ",
    attribute: "default_network_acl_id",
};
pub const DEFAULT_TRANSIT_TABLE: Companion = Companion {
    of: "tgw-",
    prefix: "tgw-rtb-default-",
    words: "the default route table of ",
    attribute: "association_default_route_table_id",
};
pub const INTERFACE_OF_INSTANCE: Companion = Companion {
    of: "i-",
    prefix: "eni-",
    words: "the network interface of ",
    attribute: "primary_network_interface_id",
};
pub const PREFIX_LIST_OF_ENDPOINT: Companion = Companion {
    of: "vpce-",
    prefix: "pl-",
    words: "the prefix list of ",
    attribute: "prefix_list_id",
};

pub const COMPANIONS: [Companion; 6] = [
    MAIN_ROUTE_TABLE,
    DEFAULT_SECURITY_GROUP,
    DEFAULT_NETWORK_ACL,
    DEFAULT_TRANSIT_TABLE,
    INTERFACE_OF_INSTANCE,
    PREFIX_LIST_OF_ENDPOINT,
];

impl Companion {
    /// Does AWS make it along with the resource that has this id?
    #[must_use]
    pub fn comes_with(&self, id: &str) -> bool {
        id.starts_with(self.of)
    }

    /// Its id, by the id of the resource.
    #[must_use]
    pub fn id(&self, resource: &str) -> String {
        resource.replacen(self.of, self.prefix, 1)
    }
}

/// The id of an endpoint's interface in one of its subnets.
#[must_use]
pub fn endpoint_interface(endpoint: &str, subnet: usize) -> String {
    format!("eni-{subnet}-{}", endpoint.strip_prefix("vpce-").unwrap_or(endpoint))
}

/// The attributes that name what AWS makes along with a resource.
pub const COMPANION_ATTRIBUTES: [&str; 6] = [
    "main_route_table_id",
    "default_route_table_id",
    "default_security_group_id",
    "default_network_acl_id",
    "association_default_route_table_id",
    "propagation_default_route_table_id",
];

/// The id of what AWS makes along with a resource, if an attribute names it.
#[must_use]
pub fn made_along(id: &str, attribute: Option<&str>, kinds: &[&str]) -> Option<String> {
    let (companion, kind) = match attribute? {
        "main_route_table_id" | "default_route_table_id" => (MAIN_ROUTE_TABLE, "aws_route_table"),
        "default_security_group_id" => (DEFAULT_SECURITY_GROUP, "aws_security_group"),
        "default_network_acl_id" => (DEFAULT_NETWORK_ACL, "aws_network_acl"),
        "association_default_route_table_id" | "propagation_default_route_table_id" => {
            (DEFAULT_TRANSIT_TABLE, "aws_ec2_transit_gateway_route_table")
        }
        _ => return None,
    };
    (companion.comes_with(id) && kinds.contains(&kind)).then(|| companion.id(id))
}
