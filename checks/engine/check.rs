//! A check, as data.

use alloc::string::String;

use ssm_doctor_analysis::{answer::Answer, case::Case};

use super::actions::ACTIONS;

/// A check, as data. The list of these is the whole rules engine.
pub struct Check {
    /// `module_path!()` of the check; [`Check::name`] is how people spell it.
    pub module: &'static str,
    pub runbook: &'static str,
    pub layer: Layer,
    pub impact: Impact,
    /// Checks whose failure would explain this one's: while one of them fails, this one must be
    /// expected to fail or to be unanswerable.
    pub depends_on: &'static [&'static Check],
    /// Checks that hold if this one does, by what it observes: a connected agent proves its path.
    /// What is unknown but proven withholds no verdict. What fails but is proven is not certain: it was
    /// changed a moment ago, or the agent uses another path.
    pub proves: &'static [&'static Check],

    /// The rule. [`ask`](super::diagnosis::ask) adds what the operator's error message says of the check.
    pub run: fn(&Case) -> Answer,
}

impl Check {
    /// `network/endpoint-accepts-https`.
    #[must_use]
    pub fn name(&self) -> String {
        let path = self.module.split_once("::").map_or(self.module, |(_, rest)| rest);
        path.replace("::", "/").replace('_', "-")
    }

    /// `network`.
    #[must_use]
    pub fn area(&self) -> &'static str {
        self.module.split("::").nth(1).unwrap_or(self.module)
    }

    /// The runbook's first line, which must hold when the check passes.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.runbook.lines().next().unwrap_or_default().trim_start_matches("# ")
    }

    /// The IAM actions behind the facts that it reads, over every scenario and case.
    #[must_use]
    pub fn actions(&self) -> &'static [&'static str] {
        let name = self.name();
        ACTIONS.iter().find(|row| row.0 == name).map_or(&[], |row| row.1)
    }

    /// Is it about what the agent does, rather than about what that depends on?
    #[must_use]
    pub fn observes_agent(&self) -> bool {
        !self.proves.is_empty()
    }

    /// Is `other` among what this one depends on, however far down?
    #[must_use]
    pub fn follows_from(&self, other: &Self) -> bool {
        self.depends_on.iter().any(|below| *below == other || below.follows_from(other))
    }
}

impl PartialEq for Check {
    /// A check is the same as itself alone.
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }
}

impl core::fmt::Debug for Check {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.name())
    }
}

/// From the metal up. A failure low down explains failures above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Account, Region, and who is asking.
    Access,
    Instance,
    Identity,
    Dns,
    Route,
    Filter,
    Agent,
    Session,
}

impl Layer {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Instance => "instance",
            Self::Identity => "identity",
            Self::Dns => "dns",
            Self::Route => "route",
            Self::Filter => "filter",
            Self::Agent => "agent",
            Self::Session => "session",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// The session asked for cannot start.
    Blocks,
    /// It starts, and something promised with it is missing or unreliable.
    Degrades,
    /// Nothing is wrong yet.
    Advises,
}

impl Impact {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Degrades => "degrades",
            Self::Advises => "advises",
        }
    }
}
