//! Changes as a path through the AWS console.

mod permission;

use alloc::{format, string::String};

use ssm_doctor_facts::change::{Change, Ec2Change};

/// Where in the console a change is made; None where the console cannot make it.
pub(super) fn place(change: &Change) -> Option<String> {
    match change {
        Change::Ec2(Ec2Change::AssociateNewAddress { interface }) => Some(format!(
            "EC2 → Elastic IP addresses → Allocate; then Actions → Associate → Network interface {interface}"
        )),
        Change::EndpointPolicy(change) => Some(permission::endpoint_policy(change)),
        Change::Iam(change) => Some(permission::iam(change)),
        Change::InstanceProfile(change) => Some(permission::instance_profile(change)),
        Change::Kms(change) => Some(permission::kms(change)),
        Change::Logs(change) => permission::logs(change),
        Change::S3(change) => Some(permission::s3(change)),
        Change::ServiceSetting(change) => Some(permission::service_setting(change)),
        Change::Ssm(change) => permission::ssm(change),
        Change::Tag(change) => Some(permission::tag(change)),
        _ => None,
    }
}
