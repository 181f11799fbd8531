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
    // AWS puts something random behind an endpoint's id, after a hyphen.
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
        "aws_route53_zone" => "Z",
        "aws_iam_policy" => return format!("arn:aws:iam::000000000000:policy/{slug}"),
        _ => "",
    };
    format!("{prefix}{slug}")
}

/// The id of what AWS makes along with a resource, if an attribute names it.
#[must_use]
pub fn made_along(id: &str, attribute: Option<&str>, kinds: &[&str]) -> Option<String> {
    let (prefix, other, kind) = match attribute? {
        "main_route_table_id" | "default_route_table_id" => {
            ("vpc-", "rtb-main-", "aws_route_table")
        }
        "default_security_group_id" => ("vpc-", "sg-default-", "aws_security_group"),
        "default_network_acl_id" => ("vpc-", "acl-default-", "aws_network_acl"),
        "association_default_route_table_id" | "propagation_default_route_table_id" => {
            ("tgw-", "tgw-rtb-default-", "aws_ec2_transit_gateway_route_table")
        }
        _ => return None,
    };
    (id.starts_with(prefix) && kinds.contains(&kind)).then(|| id.replacen(prefix, other, 1))
}
