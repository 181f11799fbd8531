//! The texts of explanations. All other modules of this crate produce types only.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use ssm_doctor_facts::{limit::PermissionLimit, lookup::Unknown};

use crate::{
    decision::{ElementValues, StatementElement, Uncertainty, UncertaintyCause, Undecided},
    request::Request,
};

impl ElementValues<'_> {
    /// The values, for a list. Those of a `Not` element begin with `all but `.
    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.values.iter().map(ToString::to_string).collect();
        if let (true, Some(first)) = (self.except, texts.first_mut()) {
            first.insert_str(0, "all but ");
        }
        texts
    }
}

/// Displays as `arn:aws:s3:::a, arn:aws:s3:::b` or as `all but arn:aws:s3:::a`.
impl fmt::Display for ElementValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_strings().join(", "))
    }
}

impl fmt::Display for StatementElement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(values) => write!(f, "the actions {values}"),
            Self::Resource(values) => write!(f, "the resources {values}"),
            Self::Principal(values) => write!(f, "the principals {values}"),
            Self::Condition { operator, key, values, .. } => {
                write!(f, "{operator} {key} {}", values.join(", "))
            }
        }
    }
}

impl Undecided<'_> {
    /// All uncertainties as one [`Unknown`]: what was not seen, and what everything else depends on.
    #[must_use]
    pub fn to_unknown(&self, request: &Request) -> Unknown {
        let (mut not_seen, mut others) = (Vec::new(), BTreeSet::new());
        for uncertainty in &self.uncertainties {
            match uncertainty.text() {
                Ok(text) => drop(others.insert(text)),
                Err(unknown) => not_seen.push(unknown.clone()),
            }
        }
        let others: Vec<String> = others.into_iter().collect();
        let sentence = || {
            Unknown::limit(PermissionLimit::DependsOnKeys {
                name: request.principal.name().into(),
                action: request.action.into(),
                keys: others.clone(),
            })
        };
        match not_seen.into_iter().reduce(Unknown::and) {
            None => sentence(),
            Some(not_seen) if others.is_empty() => not_seen,
            Some(not_seen) => not_seen.and(sentence()),
        }
    }
}

impl Uncertainty<'_> {
    /// # Errors
    /// The [`Unknown`] that explains it already.
    fn text(&self) -> Result<String, &Unknown> {
        let policy = self.policy.map(|policy| policy.id.as_str()).unwrap_or_default();
        Ok(match &self.cause {
            UncertaintyCause::NotSeen(unknown) => return Err(unknown),
            UncertaintyCause::ConditionKey(key) => String::from(*key),
            UncertaintyCause::InvalidDocument(error) => format!("{policy} {error}"),
            UncertaintyCause::InvalidStatement(error) => {
                let location = self.statement.map(|statement| statement.location().to_string());
                format!("{policy} {}: {error}", location.unwrap_or_default())
            }
            UncertaintyCause::Element(element) => element.to_string(),
        })
    }
}
