//! What was not seen.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
};

use super::{
    need::Need,
    row::{Row, Why},
};
use crate::{
    iam::Key,
    ids::KeyName,
    limit::{LikelyFault, Limit},
    ssm::{AgentVersion, ManagedNode},
    text::Text,
};

/// What a check returns instead of guessing: what it could not see past.
///
/// INVARIANT: never empty; every constructor puts a gap in, and merging only adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown(BTreeSet<Gap>);

/// One thing that was not seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// A question that went unanswered.
    Fact { need: Need, why: Why, detail: String },
    /// Something that no call of ours can tell.
    Limit(Limit),
}

impl Unknown {
    pub(super) fn fact(need: Need, why: Why, detail: &str) -> Self {
        Self(BTreeSet::from([Gap::Fact { need, why, detail: detail.into() }]))
    }

    /// Something that no call can tell: what lies beyond a transit gateway of another account.
    #[must_use]
    pub fn limit(reason: impl Into<Limit>) -> Self {
        Self(BTreeSet::from([Gap::Limit(reason.into())]))
    }

    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Has a question in it not been asked yet?
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        self.0.iter().any(|it| matches!(it, Gap::Fact { why: Why::Unasked, .. }))
    }

    /// Has every question in it been asked, whatever came of it?
    #[must_use]
    pub fn was_asked(&self) -> bool {
        let unasked = |why| matches!(why, Why::Unasked | Why::NotCollected | Why::LeftOut);
        !self.0.iter().any(|gap| matches!(gap, Gap::Fact { why, .. } if unasked(*why)))
    }

    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.0.iter()
    }

    /// The faults in it that AWS may take no notice of.
    pub fn likely_faults(&self) -> impl Iterator<Item = &LikelyFault> {
        self.0.iter().filter_map(|gap| match gap {
            Gap::Limit(Limit::Likely(fault)) => Some(&**fault),
            _ => None,
        })
    }

    /// The questions nobody has asked yet.
    pub fn unasked(self) -> impl Iterator<Item = Need> {
        self.0.into_iter().filter_map(|gap| match gap {
            Gap::Fact { need, why: Why::Unasked, .. } => Some(need),
            _ => None,
        })
    }
}

/// What was not seen so far, while the search for an answer goes on.
#[derive(Clone, Debug, Default)]
pub struct Unknowns(Option<Unknown>);

impl Unknowns {
    pub fn add(&mut self, unknown: Unknown) {
        self.0 = Some(match self.0.take() {
            Some(so_far) => so_far.and(unknown),
            None => unknown,
        });
    }

    /// The value, if there is one; otherwise what was not seen is kept.
    pub fn keep<T>(&mut self, result: Result<T, Unknown>) -> Option<T> {
        result.map_err(|unknown| self.add(unknown)).ok()
    }

    /// # Errors
    /// [`Unknown`], all of it together, if anything was not seen.
    pub fn none(self) -> Result<(), Unknown> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Both values.
///
/// # Errors
/// [`Unknown`], that of both together, if either was not seen.
pub fn both<A, B>(a: Result<A, Unknown>, b: Result<B, Unknown>) -> Result<(A, B), Unknown> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(a), Err(b)) => Err(a.and(b)),
        (Err(unknown), Ok(_)) | (Ok(_), Err(unknown)) => Err(unknown),
    }
}

impl<T> Row<T> {
    /// A part of another row that was seen by a call of its own, which `need` names.
    ///
    /// # Errors
    /// [`Unknown`] if it was not seen.
    pub fn part(&self, need: Need) -> Result<Option<&T>, Unknown> {
        match self {
            Self::Present(row) => Ok(Some(row)),
            Self::Absent(_) => Ok(None),
            Self::Unknown { unknown, detail } => Err(Unknown::fact(need, *unknown, detail)),
        }
    }
}

impl Key {
    /// # Errors
    /// [`Unknown`] if it was not seen.
    pub fn policy(&self) -> Result<&Text, Unknown> {
        let name = KeyName::try_from(self.arn.to_string());
        let name = name.map_err(|_| Unknown::limit(format!("the policy of {}", self.arn)))?;
        self.policy
            .part(Need::key(name))?
            .ok_or_else(|| Unknown::limit(format!("{} has no policy", self.arn)))
    }
}

impl ManagedNode {
    /// The version of its agent.
    ///
    /// # Errors
    /// [`Unknown`] when the agent reports none, or spells it in a way of its own.
    pub fn version(&self) -> Result<AgentVersion, Unknown> {
        let raw = self.agent_version.as_deref().unwrap_or_default();
        AgentVersion::parse(raw)
            .ok_or_else(|| Unknown::limit(format!("the agent reports its version as {raw:?}")))
    }
}
