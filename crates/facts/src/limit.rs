//! What no call can tell.

use alloc::string::String;

/// Why a question stays open although every call that could help was answered. A type of its own
/// per reason, so that the checks put it into words in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// A rule's own clause. Only the checks make it: the layers below them return reasons.
    Words(String),
}

impl Limit {
    /// Until no layer below the checks makes words.
    #[must_use]
    pub fn words(&self) -> &str {
        let Self::Words(words) = self;
        words
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
