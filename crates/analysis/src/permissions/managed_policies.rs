//! The policies that AWS manages for nodes, as their documents are.
//!
//! Source: AWS Managed Policy Reference Guide, `AmazonSSMManagedInstanceCore` and
//! `AmazonSSMManagedEC2InstanceDefaultPolicy`.

use alloc::vec::Vec;

use serde_json::{Value, json};
use ssm_doctor_facts::ids::Arn;

pub const INSTANCE_CORE: &str = "AmazonSSMManagedInstanceCore";
/// Of the role of Default Host Management.
pub const DEFAULT_HOST_MANAGEMENT: &str = "AmazonSSMManagedEC2InstanceDefaultPolicy";

const BOTH: [&str; 13] = [
    "ssm:DescribeAssociation",
    "ssm:GetDeployablePatchSnapshotForInstance",
    "ssm:GetDocument",
    "ssm:DescribeDocument",
    "ssm:GetManifest",
    "ssm:ListAssociations",
    "ssm:ListInstanceAssociations",
    "ssm:PutInventory",
    "ssm:PutComplianceItems",
    "ssm:PutConfigurePackageResult",
    "ssm:UpdateAssociationStatus",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
];

/// The document of one of them; None for any other policy.
#[must_use]
pub fn for_nodes(policy: &Arn) -> Option<Value> {
    if policy.account() != "aws" {
        return None;
    }
    let more: &[&str] = match policy.name() {
        INSTANCE_CORE => &["ssm:GetParameter", "ssm:GetParameters"],
        DEFAULT_HOST_MANAGEMENT => &[],
        _ => return None,
    };
    let actions: Vec<&str> = BOTH.iter().chain(more).copied().collect();
    let allow = |actions: &[&str]| json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    Some(json!({
        "Version": "2012-10-17",
        "Statement": [
            allow(&actions),
            allow(&super::actions::CHANNELS),
            allow(&[
                "ec2messages:AcknowledgeMessage",
                "ec2messages:DeleteMessage",
                "ec2messages:FailMessage",
                "ec2messages:GetEndpoint",
                "ec2messages:GetMessages",
                "ec2messages:SendReply",
            ]),
        ],
    }))
}
