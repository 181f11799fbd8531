//! What IAM, STS, KMS and S3 say about who may do what.

use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String, vec::Vec};
use core::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{
    ids::*,
    lookup::row::{Absent, Row},
    text::{Text, words},
};

/// Our own credentials, as STS sees them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Caller {
    pub account: AccountId,
    pub arn: Arn,
    /// `AIDA…` for a user, `AROA…:session-name` for an assumed role.
    pub user_id: String,
    /// Do these credentials expire? Long-term access keys do not; requests made with them carry
    /// neither `aws:MultiFactorAuthPresent` nor `aws:TokenIssueTime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary: Option<bool>,
    /// Were these credentials made with MFA? AWS does not show it; only a fix says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InstanceProfile {
    /// Unique for all time, unlike its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// None or one, today.
    pub roles: Vec<RoleName>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Role {
    pub arn: Arn,
    /// `AROA…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The trust policy.
    pub trust: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Arn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    pub arn: Arn,
    /// `AIDA…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// May this principal do this, to that, in a request with these condition keys?
///
/// `<principal> <action> <resource> <context>` in JSON. The context is written as a URL's query:
/// `aws:SecureTransport=true&aws:TagKeys=a&aws:TagKeys=b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct Question {
    /// A user or role, never a session: the simulator refuses those.
    pub principal: Arn,
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// The condition keys that the simulator is given, each with its values, of which it has one at least.
    pub context: BTreeMap<String, Vec<String>>,
}

/// For people: without the context.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.principal, self.action, self.resource)
    }
}

/// What separates the parts of a question. The key of an S3 object may hold spaces.
const SEPARATORS: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'&').add(b'=');

impl From<Question> for String {
    fn from(question: Question) -> Self {
        let encoded = |raw| utf8_percent_encode(raw, SEPARATORS);
        let Question { principal, action, resource, context } = &question;
        let entries = context.iter().flat_map(|(key, values)| {
            values.iter().map(move |value| format!("{}={}", encoded(key), encoded(value)))
        });
        let context = entries.collect::<Vec<_>>().join("&");
        format!("{principal} {action} {} {context}", encoded(resource)).trim_end().to_owned()
    }
}

impl TryFrom<String> for Question {
    type Error = String;
    fn try_from(raw: String) -> Result<Self, String> {
        let malformed =
            || format!("{raw:?} is not `<principal ARN> <action> <resource> <context>`");
        let decoded = |part: &str| {
            percent_decode_str(part).decode_utf8().map(Into::into).map_err(|_| malformed())
        };
        let parts: Vec<&str> = raw.split(' ').collect();
        let (principal, action, resource, entries) = match parts.as_slice() {
            [principal, action, resource] => (principal, action, resource, ""),
            [principal, action, resource, entries] => (principal, action, resource, *entries),
            _ => return Err(malformed()),
        };
        let mut context = BTreeMap::<String, Vec<String>>::new();
        for entry in entries.split('&').filter(|entry| !entry.is_empty()) {
            let (key, value) = entry.split_once('=').ok_or_else(malformed)?;
            context.entry(decoded(key)?).or_default().push(decoded(value)?);
        }
        Ok(Self {
            principal: principal.parse()?,
            action: (*action).into(),
            resource: decoded(resource)?,
            context,
        })
    }
}

words! {
    Decision { Allowed = "allowed", ExplicitDeny = "explicitDeny", ImplicitDeny = "implicitDeny" }
}

/// One result of `iam:SimulatePrincipalPolicy`.
///
/// The simulator reads the principal's own policies, its boundary and, where the account is in an
/// organization, service control policies. It does not read resource policies for roles, endpoint
/// policies, session policies or resource control policies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Simulation {
    pub decision: Decision,
    /// Ids of the policies whose statements decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Condition keys that some policy asks for and that we did not supply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_context: Vec<String>,
    /// None when the principal has no boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_by_boundary: Option<bool>,
    /// None when organizations policies do not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_by_organizations: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Key {
    pub arn: Arn,
    /// `Enabled`, `Disabled`, `PendingDeletion`…
    pub state: String,
    /// `ENCRYPT_DECRYPT` is the one that sessions need.
    pub usage: String,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048`…: only the first makes data keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    /// `CUSTOMER` or `AWS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Seen by a call of its own, which AWS may refuse.
    pub policy: Row<Text>,
}

impl Key {
    /// Does AWS manage it? Such a key cannot be used "in cryptographic operations directly; the service that
    /// creates them uses them on your behalf". Source: KMS developer guide, "AWS KMS keys", AWS managed keys.
    #[must_use]
    pub fn is_of_aws(&self) -> bool {
        self.manager.as_deref() == Some("AWS")
    }

    /// Is it in a state in which a key makes no data keys, and opens none? Source: KMS developer guide, "Key
    /// states of AWS KMS keys".
    #[must_use]
    pub fn makes_nothing(&self) -> bool {
        let states = [
            "Disabled",
            "PendingDeletion",
            "PendingImport",
            "PendingReplicaDeletion",
            "Unavailable",
        ];
        states.contains(&self.state.as_str())
    }
}

/// A grant on a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Grant {
    pub id: String,
    /// A principal's ARN, or a service's name.
    pub grantee: String,
    /// `Decrypt`, `GenerateDataKey`…
    pub operations: Vec<String>,
    /// Holds for certain encryption contexts or addresses only.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub constrained: bool,
}

/// The policies of a role, user or group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttachedPolicies {
    /// Managed ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed: Vec<Arn>,
    /// By name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inline: BTreeMap<String, Text>,
    /// The groups a user is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupName>,
    /// Seen by a call of its own, which AWS may refuse.
    #[serde(default = "none", skip_serializing_if = "is_none")]
    pub boundary: Row<Arn>,
}

fn none() -> Row<Arn> {
    Row::Absent(Absent::Absent)
}

fn is_none(it: &Row<Arn>) -> bool {
    matches!(it, Row::Absent(_))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ManagedPolicy {
    /// `v1`…
    pub version: String,
    pub document: Text,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Organization {
    /// `o-…`
    pub id: String,
    /// The account whose principals and resources no policy of the organization limits.
    pub management: AccountId,
}

/// What an organization lays over an account, from its root down to the account itself. Where a kind
/// of policy is not in use no level has one of it; where it is, every level has one at least.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrganizationPolicies {
    pub levels: Vec<OrganizationLevel>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrganizationLevel {
    /// `r-…`, `ou-…` or the account.
    pub id: String,
    /// Service control policies, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service: BTreeMap<String, Text>,
    /// Resource control policies, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resource: BTreeMap<String, Text>,
}
