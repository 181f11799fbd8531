//! Changes to identities, policies, keys and settings as commands.

use alloc::{format, string::ToString, vec::Vec};
use core::fmt::Display;

use ssm_doctor_facts::{
    change::{
        EndpointPolicyChange, IamChange, InstanceProfileChange, KmsChange, RoleOrUser, S3Change,
        ServiceSettingChange, StsChange,
    },
    ids::Arn,
};

use crate::engine::command::Command;

fn one(template: &str, values: &[&str]) -> Vec<Command> {
    let values: Vec<&dyn Display> = values.iter().map(|value| value as &dyn Display).collect();
    super::one(template, &values)
}

pub(super) fn iam(change: &IamChange) -> Vec<Command> {
    // Roles and users have commands alike.
    let of = |template: &str, identity: &RoleOrUser, more: &[&str]| {
        let (kind, name) = match identity {
            RoleOrUser::Role(name) => ("role", name),
            RoleOrUser::User(name) => ("user", name),
        };
        one(&template.replace("KIND", kind), &[&[name.as_str()], more].concat())
    };
    let boundary = |policy: &Option<Arn>| {
        policy.as_ref().map_or_else(|| "<boundary-arn>".into(), ToString::to_string)
    };
    match change {
        IamChange::ListInlinePolicies { of: identity } => {
            of("iam list-KIND-policies --KIND-name {}", identity, &[])
        }
        IamChange::ListAttachedPolicies { of: identity } => {
            of("iam list-attached-KIND-policies --KIND-name {}", identity, &[])
        }
        IamChange::AttachPolicy { to, policy } => {
            of("iam attach-KIND-policy --KIND-name {} --policy-arn {}", to, &[policy])
        }
        IamChange::DetachPolicy { from, policy } => {
            of("iam detach-KIND-policy --KIND-name {} --policy-arn {}", from, &[policy])
        }
        IamChange::PutInlinePolicy { of: identity, name, document } => of(
            "iam put-KIND-policy --KIND-name {} --policy-name {} --policy-document {}",
            identity,
            &[name, document],
        ),
        IamChange::GetBoundary { policy } => {
            one("iam get-policy --policy-arn {}", &[&boundary(policy)])
        }
        IamChange::CreateBoundaryVersion { policy } => one(
            "iam create-policy-version --policy-arn {} --policy-document file://<boundary.json> --set-as-default",
            &[&boundary(policy)],
        ),
        IamChange::CreateRole { role, path: Some(path), trust } => one(
            "iam create-role --role-name {} --path {} --assume-role-policy-document {}",
            &[role.as_str(), path, trust],
        ),
        IamChange::CreateRole { role, path: None, trust } => one(
            "iam create-role --role-name {} --assume-role-policy-document {}",
            &[role.as_str(), trust],
        ),
        IamChange::UpdateAssumeRolePolicy { role, trust } => one(
            "iam update-assume-role-policy --role-name {} --policy-document {}",
            &[role.as_str(), trust],
        ),
        IamChange::AddRoleToInstanceProfile { profile } => one(
            "iam add-role-to-instance-profile --instance-profile-name {} --role-name <role>",
            &[profile.as_str()],
        ),
        IamChange::TagUser { user, key } => {
            one("iam tag-user --user-name {} --tags Key={},Value=<os-user>", &[user.as_str(), key])
        }
        IamChange::TagRole { role, key } => {
            one("iam tag-role --role-name {} --tags Key={},Value=<os-user>", &[role.as_str(), key])
        }
    }
}

pub(super) fn sts(change: &StsChange) -> Vec<Command> {
    match change {
        StsChange::GetCallerIdentity => one("sts get-caller-identity", &[]),
        StsChange::GetSessionToken => {
            one("sts get-session-token --serial-number <mfa-device-arn> --token-code <code>", &[])
        }
        StsChange::AssumeRole { partition, account, session } => one(
            "sts assume-role --role-arn {} --role-session-name {}",
            &[&format!("arn:{partition}:iam::{account}:role/<role>"), session],
        ),
    }
}

pub(super) fn instance_profile(change: &InstanceProfileChange) -> Vec<Command> {
    match change {
        InstanceProfileChange::DescribeAssociations { instance } => one(
            "ec2 describe-iam-instance-profile-associations --filters Name=instance-id,Values={}",
            &[instance.as_str()],
        ),
        InstanceProfileChange::Associate { instance } => one(
            "ec2 associate-iam-instance-profile --instance-id {} --iam-instance-profile Name=<profile>",
            &[instance.as_str()],
        ),
        InstanceProfileChange::Replace { profile } => one(
            "ec2 replace-iam-instance-profile-association --association-id <association-id> --iam-instance-profile Name={}",
            &[profile.as_ref().map_or("<profile>", |profile| profile.as_str())],
        ),
        InstanceProfileChange::Disassociate => {
            one("ec2 disassociate-iam-instance-profile --association-id <association-id>", &[])
        }
    }
}

pub(super) fn endpoint_policy(change: &EndpointPolicyChange) -> Vec<Command> {
    match change {
        EndpointPolicyChange::Put { endpoint } => one(
            "ec2 modify-vpc-endpoint --vpc-endpoint-id {} --policy-document file://<policy.json>",
            &[endpoint.as_str()],
        ),
        EndpointPolicyChange::Reset { endpoint } => {
            one("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --reset-policy", &[endpoint.as_str()])
        }
    }
}

pub(super) fn kms(change: &KmsChange) -> Vec<Command> {
    match change {
        KmsChange::DescribeKey { key } => one("kms describe-key --key-id {}", &[key]),
        KmsChange::EnableKey { key } => one("kms enable-key --key-id {}", &[key]),
        KmsChange::CancelKeyDeletion { key } => one("kms cancel-key-deletion --key-id {}", &[key]),
        KmsChange::GetKeyPolicy { key } => {
            one("kms get-key-policy --key-id {} --policy-name default", &[key])
        }
        KmsChange::PutKeyPolicy { key } => one(
            "kms put-key-policy --key-id {} --policy-name default --policy file://<key-policy.json>",
            &[key],
        ),
    }
}

pub(super) fn s3(change: &S3Change) -> Vec<Command> {
    match change {
        S3Change::GetBucketPolicy { bucket } => {
            one("s3api get-bucket-policy --bucket {}", &[bucket])
        }
        S3Change::PutBucketPolicy { bucket } => one(
            "s3api put-bucket-policy --bucket {} --policy file://<bucket-policy.json>",
            &[bucket],
        ),
        S3Change::EncryptBucket { bucket } => one(
            "s3api put-bucket-encryption --bucket {} --server-side-encryption-configuration {}",
            &[
                bucket.as_str(),
                r#"{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}"#,
            ],
        ),
        S3Change::GetBucketEncryption { bucket } => {
            one("s3api get-bucket-encryption --bucket {}", &[bucket])
        }
    }
}

pub(super) fn service_setting(change: &ServiceSettingChange) -> Vec<Command> {
    let ServiceSettingChange::Update { setting, value } = change;
    one("ssm update-service-setting --setting-id {} --setting-value {}", &[setting, value])
}
