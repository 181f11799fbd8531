//! Changes to identities, policies, keys and settings as commands.

use alloc::{vec, vec::Vec};
use core::fmt::Display;

use ssm_doctor_facts::{
    change::{
        EndpointPolicyChange, IamChange, InstanceProfileChange, KmsChange, PolicyHolder, S3Change,
        ServiceSettingChange, StsChange, TagChange,
    },
    ids::{InstanceId, Region, Target},
};

use super::call::{aws, one};
use crate::engine::command::Command;

pub(super) fn iam(change: &IamChange) -> Vec<Command> {
    // Roles, users and groups have commands alike.
    let of = |template: &str, holder: &PolicyHolder, more: &[&dyn Display]| {
        let name: &dyn Display = &holder.name();
        one(&template.replace("KIND", holder.kind()), &[&[name], more].concat())
    };
    match change {
        IamChange::AttachPolicy { to, policy } => {
            of("iam attach-KIND-policy --KIND-name {} --policy-arn {}", to, &[policy])
        }
        IamChange::DetachPolicy { from, policy } => {
            of("iam detach-KIND-policy --KIND-name {} --policy-arn {}", from, &[policy])
        }
        IamChange::PutInlinePolicy { of: holder, name, document } => of(
            "iam put-KIND-policy --KIND-name {} --policy-name {} --policy-document {}",
            holder,
            &[name, document],
        ),
        IamChange::DeleteInlinePolicy { of: holder, name } => {
            of("iam delete-KIND-policy --KIND-name {} --policy-name {}", holder, &[name])
        }
        IamChange::CreatePolicyVersion { policy, document } => one(
            "iam create-policy-version --policy-arn {} --policy-document {} --set-as-default",
            &[policy, document],
        ),
        IamChange::CreateRole { role, path: Some(path), trust } => one(
            "iam create-role --role-name {} --path {} --assume-role-policy-document {}",
            &[role, path, trust],
        ),
        IamChange::CreateRole { role, path: None, trust } => {
            one("iam create-role --role-name {} --assume-role-policy-document {}", &[role, trust])
        }
        IamChange::UpdateAssumeRolePolicy { role, trust } => {
            one("iam update-assume-role-policy --role-name {} --policy-document {}", &[role, trust])
        }
        IamChange::CreateInstanceProfile { profile, role } => vec![
            aws("iam create-instance-profile --instance-profile-name {}", &[profile]),
            aws("iam wait instance-profile-exists --instance-profile-name {}", &[profile]),
            aws(
                "iam add-role-to-instance-profile --instance-profile-name {} --role-name {}",
                &[profile, role],
            ),
        ],
        IamChange::AddRoleToInstanceProfile { profile, role } => one(
            "iam add-role-to-instance-profile --instance-profile-name {} --role-name {}",
            &[profile, role],
        ),
        IamChange::TagUser { user, key, value } => {
            let tag = format_args!("Key={key},Value={value}");
            one("iam tag-user --user-name {} --tags {}", &[user, &tag])
        }
        IamChange::TagRole { role, key, value } => {
            let tag = format_args!("Key={key},Value={value}");
            one("iam tag-role --role-name {} --tags {}", &[role, &tag])
        }
    }
}

pub(super) fn tag(change: &TagChange) -> Vec<Command> {
    let TagChange::TagTarget { target, key, value } = change;
    let tag = format_args!("Key={key},Value={value}");
    match target {
        Target::Instance(id) => one("ec2 create-tags --resources {} --tags {}", &[id, &tag]),
        Target::Node(id) => one(
            "ssm add-tags-to-resource --resource-type ManagedInstance --resource-id {} --tags {}",
            &[id, &tag],
        ),
    }
}

pub(super) fn sts(change: &StsChange) -> Vec<Command> {
    let StsChange::GetSessionToken { user } = change;
    vec![
        aws("iam list-mfa-devices --user-name {}", &[user])
            .setting("serial", "MFADevices[0].SerialNumber"),
        aws(
            "sts get-session-token --serial-number {serial} --token-code <code> --query {} --output text",
            &[&"Credentials.[AccessKeyId,SecretAccessKey,SessionToken]"],
        ),
    ]
}

pub(super) fn instance_profile(change: &InstanceProfileChange) -> Vec<Command> {
    match change {
        InstanceProfileChange::Associate { instance, profile } => one(
            "ec2 associate-iam-instance-profile --instance-id {} --iam-instance-profile {}",
            &[instance, &format_args!("Name={profile}")],
        ),
        InstanceProfileChange::Replace { instance, profile } => vec![
            association(instance),
            aws(
                "ec2 replace-iam-instance-profile-association --association-id {association} --iam-instance-profile {}",
                &[&format_args!("Name={profile}")],
            ),
        ],
        InstanceProfileChange::Disassociate { instance } => vec![
            association(instance),
            aws("ec2 disassociate-iam-instance-profile --association-id {association}", &[]),
        ],
    }
}

fn association(instance: &InstanceId) -> Command {
    aws(
        "ec2 describe-iam-instance-profile-associations --filters {} {}",
        &[
            &format_args!("Name=instance-id,Values={instance}"),
            &"Name=state,Values=associating,associated",
        ],
    )
    .setting("association", "IamInstanceProfileAssociations[0].AssociationId")
}

pub(super) fn endpoint_policy(change: &EndpointPolicyChange) -> Vec<Command> {
    match change {
        EndpointPolicyChange::Put { endpoint, policy } => one(
            "ec2 modify-vpc-endpoint --vpc-endpoint-id {} --policy-document {}",
            &[endpoint, policy],
        ),
        EndpointPolicyChange::Reset { endpoint } => {
            one("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --reset-policy", &[endpoint])
        }
    }
}

pub(super) fn kms(change: &KmsChange) -> Vec<Command> {
    match change {
        KmsChange::CreateKey { policy } => vec![
            aws("kms create-key --description {} --policy {}", &[&"Session Manager", policy])
                .setting("key", "KeyMetadata.Arn"),
        ],
        KmsChange::EnableKey { key } => one("kms enable-key --key-id {}", &[key]),
        KmsChange::CancelKeyDeletion { key } => one("kms cancel-key-deletion --key-id {}", &[key]),
        KmsChange::PutKeyPolicy { key, policy } => {
            one("kms put-key-policy --key-id {} --policy-name default --policy {}", &[key, policy])
        }
    }
}

pub(super) fn s3(change: &S3Change, region: &Region) -> Vec<Command> {
    match change {
        // Source: API reference of S3, `CreateBucket`: us-east-1 is the one Region without a constraint.
        S3Change::CreateBucket { bucket } if region.as_str() == "us-east-1" => {
            one("s3api create-bucket --bucket {}", &[bucket])
        }
        S3Change::CreateBucket { bucket } => one(
            "s3api create-bucket --bucket {} --create-bucket-configuration {}",
            &[bucket, &format_args!("LocationConstraint={region}")],
        ),
        S3Change::PutBucketPolicy { bucket, policy } => {
            one("s3api put-bucket-policy --bucket {} --policy {}", &[bucket, policy])
        }
        S3Change::EncryptBucket { bucket } => one(
            "s3api put-bucket-encryption --bucket {} --server-side-encryption-configuration {}",
            &[
                bucket,
                &r#"{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}"#,
            ],
        ),
    }
}

pub(super) fn service_setting(change: &ServiceSettingChange) -> Vec<Command> {
    let ServiceSettingChange::Update { setting, value } = change;
    one("ssm update-service-setting --setting-id {} --setting-value {}", &[setting, value])
}
