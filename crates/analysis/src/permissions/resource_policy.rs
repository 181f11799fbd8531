//! The policy of a resource itself, and the grants of a key.

use alloc::{format, string::String, vec::Vec};

use crate::permissions::identity::PermissionQuestion;
use ssm_doctor_facts::{
    ids::BucketName,
    limit::PermissionLimit,
    lookup::{Facts, Unknown},
    text::Text,
};
use ssm_doctor_iam_policy::KeyValue;

/// The policy on the resource itself.
pub struct ResourcePolicy<'a> {
    pub kind: ResourcePolicyKind,
    /// The key's ARN or the bucket's name.
    pub id: &'a str,
    /// None where the resource has no policy.
    pub policy: Result<Option<&'a Text>, Unknown>,
    /// The resource's account. A policy of another account's resource does not allow anything without
    /// the identity's own policies.
    pub account: &'a str,
    /// Beyond what is known of every such request.
    pub context: Vec<(&'a str, KeyValue)>,
}

impl<'a> ResourcePolicy<'a> {
    /// S3 shows a bucket's policy to its own account only, so a bucket whose policy was seen belongs to
    /// this account.
    #[must_use]
    pub fn of_bucket(bucket: &'a BucketName, facts: &'a Facts, account: &'a str) -> Self {
        Self {
            kind: ResourcePolicyKind::Bucket,
            id: bucket.as_str(),
            policy: facts.bucket_policy(bucket).optional(),
            account,
            context: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourcePolicyKind {
    /// Only whom the key policy names, or the account's IAM policies if it delegates to them, may use the
    /// key. This holds for the root user too.
    Key,
    /// A bucket's policy may be silent.
    Bucket,
}

impl ResourcePolicyKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key policy",
            Self::Bucket => "bucket policy",
        }
    }
}

/// The id of a grant of the key that allows what policies do not. Grants need no policy beside them.
///
/// # Errors
/// [`Unknown`] when the grants were not seen, or when a grant allows it under constraints or to one
/// session of the role.
pub fn key_grant(
    question: PermissionQuestion,
    key: &str,
    facts: &Facts,
) -> Result<Option<String>, Unknown> {
    let Ok(arn) = key.parse() else { return Ok(None) };
    let identity = question.identity;
    let role = &identity.arn;
    let operation = question.action.split_once(':').map_or("", |(_, operation)| operation);
    let sessions = format!(
        "arn:{}:sts::{}:assumed-role/{}/",
        role.partition(),
        role.account(),
        identity.name()
    );
    let Some(grants) = facts.key_grants(&arn).optional()? else { return Ok(None) };
    let mut constrained = None;
    for grant in grants {
        if !grant.operations.iter().any(|allowed| allowed == operation) {
            continue;
        }
        let to_identity = grant.grantee == role.as_str();
        if to_identity && !grant.constrained {
            return Ok(Some(grant.id.clone()));
        }
        if to_identity || grant.grantee.starts_with(&sessions) {
            constrained = Some(Unknown::limit(PermissionLimit::GrantDependsOnConstraints {
                grant: grant.id.clone(),
                key: key.into(),
                name: identity.name().into(),
                operation: operation.into(),
            }));
        }
    }
    constrained.map_or(Ok(None), Err)
}
