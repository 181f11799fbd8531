//! A finding that does not count until a day.

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A year, a month and a day, for programs that do not know the format `date`.
const DATE: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

/// A finding that does not count for the exit code until a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Suppression {
    /// A check's name, such as `network/endpoint-accepts-https`.
    pub check: String,
    /// The targets: an id or a Name tag, in which `*` stands for any text and `?` for one character.
    pub target: String,
    /// Why the finding is accepted.
    pub reason: String,
    /// Who accepts it.
    pub owner: String,
    /// The last day on which it is accepted (UTC): `"2026-12-31"`.
    #[schemars(with = "String", extend("format" = "date", "pattern" = DATE))]
    pub expires: Date,
}

impl fmt::Display for Suppression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, target, reason, owner, expires } = self;
        write!(f, "{check} on {target} until {expires}: {reason} ({owner})")
    }
}
