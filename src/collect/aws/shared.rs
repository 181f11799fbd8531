//! What one collection asks IAM once, although several facts depend on it.

use std::collections::BTreeMap;

use ssm_doctor_facts::{
    iam::{Role, User},
    ids::{Arn, GroupName, RoleName, UserName},
};

use super::why::Outcome;
use crate::collect::once::Once;

/// Clones share the answers.
#[derive(Clone, Default)]
pub struct Shared {
    pub roles: Once<RoleName, Outcome<TaggedRole>>,
    /// With the permissions boundary.
    pub users: Once<UserName, Outcome<(User, Option<Arn>)>>,
    pub lists: Once<Owner, Outcome<Lists>>,
}

/// A role, and its tags.
pub type TaggedRole = (Role, BTreeMap<String, String>);

/// Whose policies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Role(RoleName),
    User(UserName),
    Group(GroupName),
}

impl Owner {
    /// The user or role with this ARN.
    pub fn principal(arn: &Arn) -> Option<Self> {
        match arn.resource().split_once('/')?.0 {
            "user" => arn.name().parse().ok().map(Self::User),
            "role" => arn.name().parse().ok().map(Self::Role),
            _ => None,
        }
    }
}

/// The names of an owner's policies.
#[derive(Clone, Debug)]
pub struct Lists {
    pub managed: Vec<Arn>,
    pub inline: Vec<String>,
    /// Of a user.
    pub groups: Vec<GroupName>,
}
