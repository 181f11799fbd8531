//! What no call can tell.

mod dns;
mod permission;
mod session;
mod workstation;

use alloc::{boxed::Box, string::String, vec::Vec};

pub use dns::{
    Answerer, DnsFirewallLimit, DnsLimit, HostedZoneLimit, RecordFault, ResolverRuleLimit,
};
pub use permission::{PermissionLimit, ProfileProblem};
pub use session::SessionLimit;
pub use workstation::WorkstationLimit;

use crate::change::Change;

/// Why a question stays open although every call that could help was answered. A type of its own
/// per reason, so that the checks put it into words in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// A rule's own clause. Only the checks make it: the layers below them return reasons.
    Words(String),
    Dns(DnsLimit),
    ResolverRule(ResolverRuleLimit),
    HostedZone(HostedZoneLimit),
    DnsFirewall(DnsFirewallLimit),
    Permission(PermissionLimit),
    Session(SessionLimit),
    Workstation(WorkstationLimit),
    Likely(Box<LikelyFault>),
}

/// A fault that AWS may take no notice of: whether it does is not documented.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LikelyFault {
    /// What speaks for a fault, as a clause.
    pub words: String,
    /// What to do about it, in the imperative.
    pub title: String,
    /// In the order in which they are to be made.
    pub changes: Vec<Change>,
}

impl From<LikelyFault> for Limit {
    fn from(fault: LikelyFault) -> Self {
        Self::Likely(Box::new(fault))
    }
}

impl From<String> for Limit {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

impl From<&str> for Limit {
    fn from(words: &str) -> Self {
        Self::Words(words.into())
    }
}

macro_rules! limits {
    ($($variant:ident: $limit:ident,)*) => {$(
        impl From<$limit> for Limit {
            fn from(limit: $limit) -> Self {
                Self::$variant(limit)
            }
        }
    )*};
}

limits! {
    Dns: DnsLimit,
    ResolverRule: ResolverRuleLimit,
    HostedZone: HostedZoneLimit,
    DnsFirewall: DnsFirewallLimit,
    Permission: PermissionLimit,
    Session: SessionLimit,
    Workstation: WorkstationLimit,
}
