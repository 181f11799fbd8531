//! Changes to identities, policies, keys and settings.

use alloc::string::String;

use serde::Serialize;

use crate::ids::*;

/// A role or user, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleOrUser {
    Role(String),
    User(String),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum IamChange {
    // Policies of an identity.
    ListInlinePolicies { of: RoleOrUser },
    ListAttachedPolicies { of: RoleOrUser },
    AttachPolicy { to: RoleOrUser, policy: String },
    DetachPolicy { from: RoleOrUser, policy: String },
    PutInlinePolicy { of: RoleOrUser, name: String, document: String },
    // A permissions boundary. None if its ARN is not known.
    GetBoundary { policy: Option<Arn> },
    CreateBoundaryVersion { policy: Option<Arn> },
    // Roles.
    CreateRole { role: RoleName, path: Option<String>, trust: String },
    UpdateAssumeRolePolicy { role: RoleName, trust: String },
    AddRoleToInstanceProfile { profile: ProfileName },
    // Tags. The value is the user's to choose.
    TagUser { user: UserName, key: String },
    TagRole { role: RoleName, key: String },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum StsChange {
    GetCallerIdentity,
    GetSessionToken,
    /// Some role of the account.
    AssumeRole {
        partition: String,
        account: String,
        session: String,
    },
}

/// The association of an instance with an instance profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum InstanceProfileChange {
    DescribeAssociations {
        instance: InstanceId,
    },
    Associate {
        instance: InstanceId,
    },
    /// By another profile, if it is known which.
    Replace {
        profile: Option<ProfileName>,
    },
    Disassociate,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum EndpointPolicyChange {
    Put {
        endpoint: EndpointId,
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
    DescribeKey { key: String },
    EnableKey { key: String },
    CancelKeyDeletion { key: String },
    GetKeyPolicy { key: String },
    PutKeyPolicy { key: String },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum S3Change {
    GetBucketPolicy { bucket: String },
    PutBucketPolicy { bucket: String },
    GetBucketEncryption { bucket: String },
    EncryptBucket { bucket: BucketName },
}

/// A service setting of Systems Manager.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum ServiceSettingChange {
    Update { setting: String, value: String },
}
