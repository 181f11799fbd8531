//! Instants. There is no clock here: "now" is when the facts were collected.

use alloc::{
    format,
    string::{String, ToString},
};
use core::fmt;

/// An instant to the second, spelled as RFC 3339 in UTC.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Seconds since 1970; None outside the years -9999 to 9999.
    #[must_use]
    pub fn from_second(second: i64) -> Option<Self> {
        jiff::Timestamp::from_second(second).ok().map(Self)
    }

    #[must_use]
    pub fn as_second(self) -> i64 {
        self.0.as_second()
    }

    /// Whole seconds from `self` to `later`; negative if it is not later.
    #[must_use]
    pub fn until(self, later: Self) -> i64 {
        later.as_second() - self.as_second()
    }

    /// `12 minutes ago`. A time after `now`, by a clock that is ahead, is `0 seconds ago`.
    #[must_use]
    pub fn ago(self, now: Self) -> String {
        format!("{} ago", span(self.until(now).max(0)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = String;
    fn try_from(raw: String) -> Result<Self, String> {
        raw.parse().map(Self).map_err(|_| format!("{raw:?} is not an RFC 3339 timestamp"))
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> Self {
        at.to_string()
    }
}

/// `40 seconds`, `12 minutes`, `3 hours`, `5 days`: the largest unit that fits.
#[must_use]
pub fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_naturally() {
        let rows = [
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
        ];
        for (seconds, phrase) in rows {
            assert_eq!(span(seconds), phrase);
        }
    }

    #[test]
    fn timestamps_are_rfc_3339() {
        let at = Timestamp::try_from(String::from("2026-11-23T03:00:00Z")).unwrap();
        assert_eq!(Timestamp::from_second(at.as_second()), Some(at));
        assert_eq!(at.to_string(), "2026-11-23T03:00:00Z");
        assert!(Timestamp::try_from(String::from("yesterday")).is_err());
    }
}
