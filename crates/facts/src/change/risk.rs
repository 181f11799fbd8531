//! What a change costs or endangers.

use serde::Serialize;

/// In the order of their weight: of two fixes, the one with the lesser risks comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Risk {
    /// AWS charges for it.
    Costs,
    /// Something else on the instance or in its network stops for some time.
    Interrupts,
    /// Something that exists is replaced.
    Replaces,
    /// Somebody may do more afterwards than a session needs.
    WidensAccess,
    CannotBeUndone,
}

impl Risk {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Costs => "costs",
            Self::Interrupts => "interrupts",
            Self::Replaces => "replaces",
            Self::WidensAccess => "widens-access",
            Self::CannotBeUndone => "cannot-be-undone",
        }
    }

    /// For people.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Costs => "AWS charges for it",
            Self::Interrupts => "interrupts what runs now",
            Self::Replaces => "replaces what exists",
            Self::WidensAccess => "allows more than a session needs",
            Self::CannotBeUndone => "cannot be undone",
        }
    }
}
