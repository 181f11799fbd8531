//! A row, in one of its states, and the reasons why one was not seen.

use alloc::string::String;

use serde::{Deserialize, Serialize};

/// One answer, in one of its three states; the fourth is that there is no row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Row<T> {
    Unknown {
        unknown: Why,
        /// AWS's own words, if it gave any.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    Absent(Absent),
    Present(T),
}

impl<T> Row<T> {
    /// What AWS described.
    #[must_use]
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(row) => Some(row),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn present_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Present(row) => Some(row),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Absent {
    Absent,
}

/// Why we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Why {
    /// Not asked yet. No row says so, and collection asks.
    #[serde(skip)]
    Unasked,
    /// Not asked when these facts were collected.
    NotCollected,
    /// Not asked for a fleet, where each node would take a call.
    LeftOut,
    /// The caller may not make this API call.
    Denied,
    /// AWS kept asking us to slow down.
    Throttled,
    /// No connection to the API endpoint: DNS, route, proxy or TLS on our side.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// Another row points at this one and AWS says it does not exist: it was deleted between calls.
    Vanished,
    /// An answer came that is not what the API documents.
    Unreadable,
    /// Belongs to the account that shares the subnet, which AWS does not show to participants.
    HiddenByOwner,
    /// The API answered with some other error; the detail has its code.
    Refused,
    /// Terraform plans it, and knows its value only after the plan was applied; the detail has its address.
    AfterApply,
    /// Terraform marks the value as sensitive, so that nobody may print it; the detail has its address.
    Sensitive,
    /// Neither a Terraform plan nor saved facts show it.
    NotInPlan,
}

impl Why {
    /// For machines, as in snapshots.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unasked | Self::NotCollected => "unasked",
            Self::LeftOut => "left-out",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Vanished => "vanished",
            Self::Unreadable => "unreadable",
            Self::HiddenByOwner => "hidden-by-owner",
            Self::Refused => "refused",
            Self::AfterApply => "known-after-apply",
            Self::Sensitive => "sensitive",
            Self::NotInPlan => "not-in-plan",
        }
    }

    /// For people: `<action> <phrase>`.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Unasked | Self::NotCollected => "was not asked when these facts were collected",
            Self::LeftOut => "is left out of a fleet, where it would take a call for each node",
            Self::Denied => "was denied",
            Self::Throttled => "was throttled",
            Self::Unreachable => "could not reach its endpoint",
            Self::TimedOut => "did not answer in time",
            Self::Vanished => "no longer finds it",
            Self::Unreadable => "gave an answer that cannot be read",
            Self::HiddenByOwner => {
                "does not show it: it belongs to the account that shares the subnet"
            }
            Self::Refused => "answered with an error",
            Self::AfterApply => "shows it only after the plan was applied",
            Self::Sensitive => "shows it, and the plan marks it as sensitive",
            Self::NotInPlan => "was not asked, and the plan does not contain it",
        }
    }
}
