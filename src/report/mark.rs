//! How a line of a report is marked.

use ssm_doctor_analysis::answer::{Answer, Verdict};

/// How a line is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Good,
    Bad,
    Doubt,
    Warning,
    None,
}

impl Mark {
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        match answer {
            Ok(Verdict::Pass(_)) => Self::Good,
            Ok(Verdict::Fail(..)) => Self::Bad,
            Ok(Verdict::NotApplicable(_)) => Self::None,
            Err(_) => Self::Doubt,
        }
    }

    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Bad => "✗",
            Self::Doubt => "?",
            Self::Warning => "!",
            Self::None => "-",
        }
    }

    /// For those who do not see the symbol.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "passes",
            Self::Bad => "fails",
            Self::Doubt => "unknown",
            Self::Warning => "warning",
            Self::None => "not applicable",
        }
    }
}
