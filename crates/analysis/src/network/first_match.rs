//! Lists of rules of which the first that matches decides, where some may match or not.

use alloc::vec::Vec;

use ssm_doctor_facts::lookup::Unknown;

/// Does a rule match?
#[derive(Clone, Debug)]
pub(super) enum Match {
    Yes,
    No,
    Maybe(Unknown),
}

impl Match {
    pub(super) fn of(whole: bool, none: bool, doubt: impl FnOnce() -> Unknown) -> Self {
        match (whole, none) {
            (true, _) => Self::Yes,
            (_, true) => Self::No,
            _ => Self::Maybe(doubt()),
        }
    }

    /// Both have to hold.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Maybe(one), Self::Maybe(two)) => Self::Maybe(one.and(two)),
            (Self::Maybe(it), Self::Yes) | (Self::Yes, Self::Maybe(it)) => Self::Maybe(it),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// One is enough.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Maybe(one), Self::Maybe(two)) => Self::Maybe(one.and(two)),
            (Self::Maybe(it), Self::No) | (Self::No, Self::Maybe(it)) => Self::Maybe(it),
            (Self::No, Self::No) => Self::No,
        }
    }
}

/// What rules in order may decide: the first that certainly matches, and each before it that may match.
pub(super) struct FirstMatch<T> {
    pub(super) possible: Vec<T>,
    pub(super) doubts: Option<Unknown>,
}

impl<T> FirstMatch<T> {
    pub(super) fn new() -> Self {
        Self { possible: Vec::new(), doubts: None }
    }

    pub(super) fn doubt(&mut self, doubt: Unknown) {
        self.doubts = Some(match self.doubts.take() {
            Some(so_far) => so_far.and(doubt),
            None => doubt,
        });
    }

    /// Does `matches` decide for certain?
    pub(super) fn add(&mut self, matches: Match, outcomes: impl IntoIterator<Item = T>) -> bool {
        match matches {
            Match::No => false,
            Match::Maybe(doubt) => {
                self.possible.extend(outcomes);
                self.doubt(doubt);
                false
            }
            Match::Yes => {
                self.possible.extend(outcomes);
                true
            }
        }
    }

    /// The last that was added, if all others say the same.
    pub(super) fn settled(mut self, same: impl Fn(&T, &T) -> bool) -> Result<T, Unknown> {
        let nothing = || Unknown::limit("what the firewall's rules say is not known");
        let Some(last) = self.possible.pop() else {
            return Err(self.doubts.unwrap_or_else(nothing));
        };
        if self.possible.iter().all(|it| same(it, &last)) {
            return Ok(last);
        }
        Err(self.doubts.unwrap_or_else(nothing))
    }
}
