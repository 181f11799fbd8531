//! The parts of IAM's policy language that all elements share.

use alloc::vec::Vec;

use serde_json::Value;

use crate::truth::Truth;

/// The type of a policy, which decides which elements its statements must and must not have.
///
/// Source: IAM user guide, "Policies and permissions in AWS Identity and Access Management", "Policy types".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyType {
    /// The policy of a user, group or role.
    IdentityBased,
    PermissionsBoundary,
    Session,
    /// The policy of a key, a bucket, a queue.
    ResourceBased,
    /// The resource-based policy of a role. It has no `Resource` element.
    RoleTrust,
    /// The policy of an interface endpoint, or of any VPC endpoint in a result.
    VpcEndpoint,
    /// The policy of a gateway endpoint, whose statements cannot name users and roles. For parsing only.
    GatewayEndpoint,
    /// An organization's SCP.
    ServiceControl,
    /// An organization's RCP.
    ResourceControl,
}

impl PolicyType {
    /// Whether statements must have a `Principal` element. Policies of the other types must not have one.
    pub(crate) fn has_principal(self) -> bool {
        matches!(
            self,
            Self::ResourceControl
                | Self::ResourceBased
                | Self::RoleTrust
                | Self::VpcEndpoint
                | Self::GatewayEndpoint
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// How to parse the statements of a document.
#[derive(Clone, Copy)]
pub(crate) struct ParseOptions {
    pub(crate) policy_type: PolicyType,
    /// Whether the document's version has policy variables. In older versions `${…}` is ordinary text.
    pub(crate) variables: bool,
}

/// The entries of an element and of its `Not` form.
#[derive(Clone, Debug)]
pub(crate) enum ElementEntries<T> {
    Missing,
    Only(Vec<T>),
    AllExcept(Vec<T>),
}

impl<T> ElementEntries<T> {
    /// The entries of either form.
    pub(crate) fn entries(&self) -> &[T] {
        match self {
            Self::Missing => &[],
            Self::Only(entries) | Self::AllExcept(entries) => entries,
        }
    }

    pub(crate) fn is_except(&self) -> bool {
        matches!(self, Self::AllExcept(_))
    }

    pub(crate) fn matches(&self, entry_matches: impl Fn(&T) -> Truth) -> Truth {
        match self {
            Self::Missing => Truth::Yes,
            Self::Only(entries) => Truth::any(entries.iter().map(entry_matches)),
            Self::AllExcept(entries) => Truth::any(entries.iter().map(entry_matches)).not(),
        }
    }
}

/// The values of a list, or a single value: in IAM policies a single value needs no list.
pub(crate) fn values_of(value: &Value) -> impl Iterator<Item = &Value> {
    let (single, list) = match value {
        Value::Array(list) => (None, list.as_slice()),
        single => (Some(single), [].as_slice()),
    };
    single.into_iter().chain(list)
}
