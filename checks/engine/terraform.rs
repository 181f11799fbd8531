//! Changes as Terraform resources.

mod hcl;
mod network;
mod permission;

use alloc::{format, string::String};
use ssm_doctor_facts::{
    change::{Change, IamChange, InstanceProfileChange},
    ids::KeyName,
};

pub(super) use hcl::aligned;
use hcl::{identifier, quoted};

/// The resources that make a change; None where the AWS provider has none, or where the change edits a
/// resource whose definition is not seen.
pub(super) fn blocks(change: &Change) -> Option<String> {
    match change {
        Change::Ec2(change) => network::ec2(change),
        Change::Route53(change) => network::route53(change),
        Change::Route53Resolver(change) => network::route53resolver(change),
        Change::EndpointPolicy(change) => Some(permission::endpoint_policy(change)),
        Change::Iam(change) => permission::iam(change),
        Change::Kms(change) => permission::kms(change),
        Change::Logs(change) => permission::logs(change),
        Change::S3(change) => Some(permission::s3(change)),
        Change::ServiceSetting(change) => Some(permission::service_setting(change)),
        Change::Ssm(change) => permission::ssm(change),
        Change::Tag(change) => permission::tag(change),
        _ => None,
    }
}

/// The edit of a resource whose definition is not seen, as a comment: what to set in it. None where it takes more
/// than an argument.
pub(super) fn edit(change: &Change) -> Option<String> {
    use ssm_doctor_facts::change::Ec2Change::{
        DisableSourceDestCheck, EnableDns64, EnableDnsHostnames, EnableDnsSupport,
        EnableMetadataService, MakeEndpointDualStack,
    };

    let (kind, id, what) = match change {
        Change::Ec2(EnableMetadataService { instance }) => (
            "aws_instance",
            instance.as_str(),
            String::from("metadata_options { http_endpoint = \"enabled\" }"),
        ),
        Change::Ec2(DisableSourceDestCheck { interface }) => {
            ("aws_network_interface", interface.as_str(), "source_dest_check = false".into())
        }
        Change::Ec2(EnableDns64 { subnet }) => {
            ("aws_subnet", subnet.as_str(), "enable_dns64 = true".into())
        }
        Change::Ec2(EnableDnsSupport { vpc }) => {
            ("aws_vpc", vpc.as_str(), "enable_dns_support = true".into())
        }
        Change::Ec2(EnableDnsHostnames { vpc }) => {
            ("aws_vpc", vpc.as_str(), "enable_dns_hostnames = true".into())
        }
        Change::Ec2(MakeEndpointDualStack { endpoint }) => {
            ("aws_vpc_endpoint", endpoint.as_str(), "ip_address_type = \"dualstack\"".into())
        }
        Change::Iam(IamChange::UpdateAssumeRolePolicy { role, trust }) => {
            ("aws_iam_role", role.as_str(), format!("assume_role_policy = {}", quoted(trust)))
        }
        Change::InstanceProfile(InstanceProfileChange::Associate { instance, profile }) => (
            "aws_instance",
            instance.as_str(),
            format!("iam_instance_profile = {}", quoted(profile.as_str())),
        ),
        _ => return None,
    };
    Some(format!("# In the {kind} {}, set:\n#   {what}", quoted(id)))
}

/// A block under a name that no other one of its type has: inline policies of two groups may be named alike.
pub(super) fn distinct(block: String, before: &[String]) -> String {
    let is_taken = |header: &str| before.iter().any(|other| other.lines().next() == Some(header));
    let first = block.lines().next().unwrap_or_default();
    match first.strip_suffix("\" {") {
        Some(stem) if is_taken(first) && !before.contains(&block) => {
            let names = (2_u32..).map(|number| format!("{stem}_{number}\" {{"));
            let free = names.into_iter().find(|header| !is_taken(header));
            free.map_or_else(|| block.clone(), |header| block.replacen(first, &header, 1))
        }
        _ => block,
    }
}

/// A block, with references to what other changes of the same option create: Terraform creates those first.
pub(super) fn with_references(block: &str, changes: &[Change]) -> String {
    let key = KeyName::created();
    let block = block.replace(key.as_str(), "${aws_kms_key.ssm_doctor.arn}");
    changes.iter().fold(block, |block, change| match change {
        Change::Iam(IamChange::CreateRole { role, .. }) => {
            let name = format!("  role = {}\n", quoted(role.as_str()));
            let reference = format!("  role = aws_iam_role.{}.name\n", identifier(role.as_str()));
            block.replace(&name, &reference)
        }
        _ => block,
    })
}
