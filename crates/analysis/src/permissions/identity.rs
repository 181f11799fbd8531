//! Whose requests are judged: the agent's on the node, or the operator's.

use alloc::string::{String, ToString};

use ssm_doctor_facts::{
    ids::{Arn, RoleName},
    scope::Scope,
};
use ssm_doctor_iam_policy::Principal;

/// A user or role that makes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A user's, a role's or the root user's; never a session's.
    pub arn: Arn,
    pub side: Side,
    /// Of a role, if known: how its session is named.
    pub session: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Agent(CredentialSource),
    Operator,
}

impl Identity {
    #[must_use]
    pub fn principal(&self) -> Principal<'_> {
        match self.arn.resource().split_once('/') {
            Some(("role", _)) => {
                Principal::RoleSession { role: &self.arn, name: self.session.as_deref() }
            }
            Some(_) => Principal::User(&self.arn),
            None => Principal::Root(&self.arn),
        }
    }

    #[must_use]
    pub fn is_root(&self) -> bool {
        matches!(self.principal(), Principal::Root(_))
    }

    #[must_use]
    pub fn is_user(&self) -> bool {
        matches!(self.principal(), Principal::User(_))
    }

    #[must_use]
    pub fn is_role(&self) -> bool {
        matches!(self.principal(), Principal::RoleSession { .. })
    }

    /// The last part of the ARN's path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.arn.name()
    }
}

/// The role that the agent acts as, and how it came by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRole {
    pub name: RoleName,
    pub arn: Arn,
    pub source: CredentialSource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    InstanceProfile,
    /// Default Host Management Configuration.
    HostManagement,
    /// The activation a hybrid node was registered with.
    Activation,
}

impl AgentRole {
    /// The sessions of such a role bear the node's id. Source: the callers that agents'
    /// error messages name.
    #[must_use]
    pub fn identity(&self, scope: &Scope) -> Identity {
        let session = Some(scope.target.to_string());
        Identity { arn: self.arn.clone(), side: Side::Agent(self.source), session }
    }
}

/// What an identity wants to do.
#[derive(Clone, Copy)]
pub struct PermissionQuestion<'a> {
    pub identity: &'a Identity,
    pub action: &'a str,
    /// An ARN, or `*`.
    pub resource: &'a str,
}
