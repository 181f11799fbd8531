//! One question and the facts to answer it from.

use ssm_doctor_facts::{lookup::Facts, scope::Scope};

/// Facts and scope of one target.
///
/// INVARIANT: neither changes while a case exists, so results that depend on both may be kept here.
pub struct Case<'a> {
    pub facts: &'a Facts,
    pub scope: &'a Scope,
}

impl<'a> Case<'a> {
    #[must_use]
    pub fn new(facts: &'a Facts, scope: &'a Scope) -> Self {
        Self { facts, scope }
    }
}
