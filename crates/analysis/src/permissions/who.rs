//! Whose requests are judged: the agent's on the node, or the operator's.

use alloc::string::String;

use crate::permissions::credentials::Source;
use ssm_doctor_facts::ids::Arn;
use ssm_doctor_iam_policy::Principal;

/// Somebody who makes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// A user's, a role's or the root user's; never a session's.
    pub arn: Arn,
    pub side: Side,
    /// Of a role, if known: how its session is named.
    pub session: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Agent(Source),
    Operator,
}

impl Who {
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
