//! The `Resource` element's ARNs, which are looser than those of conditions.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Resource", "Identify AWS resources with Amazon
//! Resource Names (ARNs)" and "Grammar of the IAM JSON policy language".

use alloc::{borrow::Cow, string::String, vec::Vec};

use super::{
    context::Context,
    document::{Kind, Reading},
    pattern::{Comparison, PARTS, Pattern, Words},
    truth::Truth,
};

/// One entry of `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(super) struct Resource<'p> {
    pub(super) raw: &'p str,
    /// Every way in which AWS may take it; none for everything.
    readings: Vec<Pattern<'p>>,
    /// "You can't use a variable to replace parts of the ARN before the fifth colon": what it does
    /// there is not documented.
    early: bool,
}

impl<'p> Resource<'p> {
    /// None for what AWS does not store.
    pub(super) fn read(raw: &'p str, reading: Reading) -> Option<Self> {
        if raw == "*" {
            return Some(Self { raw, readings: Vec::new(), early: false });
        }
        let pattern = Pattern::read(Cow::Borrowed(raw), reading.variables)?;
        let before = pattern.before_variables();
        if !before.starts_with("arn:") {
            return None;
        }
        let colons = pattern.texts().map(|it| it.matches(':').count()).sum();
        let missing = (PARTS - 1usize).saturating_sub(colons);
        let early = pattern.keys().next().is_some() && before.matches(':').count() < PARTS - 1;
        let mut readings = Vec::new();
        // "When you specify an incomplete ARN in an identity-based policy, AWS automatically completes
        // the ARN by adding wildcard characters to all missing fields. However, session policies do
        // not support incomplete ARNs." Of other policies nothing is said.
        if missing > 0 && reading.kind == Kind::Session {
            return None;
        }
        if missing > 0 {
            let completed = String::from(raw) + &":*".repeat(missing);
            readings.push(Pattern::read(Cow::Owned(completed), reading.variables)?);
        }
        if missing == 0 || !matches!(reading.kind, Kind::Identity | Kind::Boundary) {
            readings.push(pattern);
        }
        Some(Self { raw, readings, early })
    }

    pub(super) fn matches(&self, words: Words, context: &Context) -> Truth {
        let mut found = None;
        for reading in &self.readings {
            let one = reading.matches(Comparison::Resource, words, context);
            if found.is_some_and(|it| it != one) {
                return Truth::Unknown;
            }
            found = Some(one);
        }
        match found {
            None => Truth::Yes,
            Some(Truth::Yes) if self.early => Truth::Unknown,
            Some(found) => found,
        }
    }

    /// Could it have a variable without a value?
    pub(super) fn may_be_null(&self, context: &Context) -> bool {
        self.readings.iter().any(|it| it.may_be_null(context))
    }

    /// The keys of the context that it takes.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.readings.first().into_iter().flat_map(Pattern::keys)
    }
}
