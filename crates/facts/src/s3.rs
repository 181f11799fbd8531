//! What S3 says about the bucket that session logs go to.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::ids::{KeyName, Region};

/// A bucket, as `GetBucketEncryption` shows it: the very call that the agent makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bucket {
    /// Where it is, if not in the Region of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The default encryption; empty where none is set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encryption: Vec<BucketEncryption>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BucketEncryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: String,
    /// With `aws:kms` and none, the key that AWS manages for S3 in the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyName>,
}
