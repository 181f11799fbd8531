//! Changes to identities, policies, keys and settings.
//!
//! A policy that is put replaces what was there, so every document here is complete.

use alloc::string::String;

use serde::Serialize;

use crate::ids::*;

/// Who has a policy of IAM, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyHolder {
    Role(String),
    User(String),
    Group(String),
}

impl PolicyHolder {
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Role(name) | Self::User(name) | Self::Group(name) => name,
        }
    }

    /// As IAM's commands spell it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::User(_) => "user",
            Self::Group(_) => "group",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum IamChange {
    // Policies of an identity.
    AttachPolicy {
        to: PolicyHolder,
        policy: Arn,
    },
    DetachPolicy {
        from: PolicyHolder,
        policy: Arn,
    },
    PutInlinePolicy {
        of: PolicyHolder,
        name: String,
        document: String,
    },
    DeleteInlinePolicy {
        of: PolicyHolder,
        name: String,
    },
    /// Of a customer managed policy, in force at once wherever the policy is attached.
    CreatePolicyVersion {
        policy: Arn,
        document: String,
    },
    // Roles.
    CreateRole {
        role: RoleName,
        path: Option<String>,
        trust: String,
    },
    UpdateAssumeRolePolicy {
        role: RoleName,
        trust: String,
    },
    /// With the role in it.
    CreateInstanceProfile {
        profile: ProfileName,
        role: RoleName,
    },
    AddRoleToInstanceProfile {
        profile: ProfileName,
        role: RoleName,
    },
    // Tags.
    TagUser {
        user: UserName,
        key: String,
        value: String,
    },
    TagRole {
        role: RoleName,
        key: String,
        value: String,
    },
}

/// Tags of a session's target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum TagChange {
    TagTarget { target: Target, key: String, value: String },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum StsChange {
    /// With the code of the user's MFA device.
    GetSessionToken { user: UserName },
}

/// The association of an instance with an instance profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum InstanceProfileChange {
    Associate {
        instance: InstanceId,
        profile: ProfileName,
    },
    /// By another profile, or by the one that has its name now.
    Replace {
        instance: InstanceId,
        profile: ProfileName,
    },
    Disassociate {
        instance: InstanceId,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum EndpointPolicyChange {
    Put {
        endpoint: EndpointId,
        policy: String,
    },
    /// Back to the default policy.
    Reset {
        endpoint: EndpointId,
    },
}

/// Keys go by their id or ARN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum KmsChange {
    /// A symmetric key for encryption, which later changes name by [`KeyName::created`].
    CreateKey {
        policy: String,
    },
    EnableKey {
        key: String,
    },
    CancelKeyDeletion {
        key: String,
    },
    PutKeyPolicy {
        key: String,
        policy: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum S3Change {
    CreateBucket {
        bucket: BucketName,
    },
    PutBucketPolicy {
        bucket: BucketName,
        policy: String,
    },
    /// By default, with SSE-S3.
    EncryptBucket {
        bucket: BucketName,
    },
}

/// A service setting of Systems Manager, by its ARN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum ServiceSettingChange {
    Update { setting: String, value: String },
}
