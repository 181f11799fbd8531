//! What IAM, STS, KMS and S3 say about who may do what.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use super::{
    ids::*,
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
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InstanceProfile {
    /// None or one, today.
    pub roles: Vec<RoleName>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Role {
    pub arn: Arn,
    /// The trust policy.
    pub trust: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Arn>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    pub arn: Arn,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// May this principal do this, to that? Spelled `<principal> <action> <resource>` in JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct Question {
    /// A user or role, never a session: the simulator refuses those.
    pub principal: Arn,
    pub action: String,
    /// An ARN, or `*`. Last, since an object key may hold spaces.
    pub resource: String,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.principal, self.action, self.resource)
    }
}

impl From<Question> for String {
    fn from(question: Question) -> Self {
        format!("{question}")
    }
}

impl TryFrom<String> for Question {
    type Error = String;
    fn try_from(raw: String) -> Result<Self, String> {
        let mut parts = raw.splitn(3, ' ');
        let (Some(principal), Some(action), Some(resource)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("{raw:?} is not `<principal ARN> <action> <resource>`"));
        };
        Ok(Self { principal: principal.parse()?, action: action.into(), resource: resource.into() })
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
    pub policy: Text,
}
