//! How a check reads a row.

use super::{
    need::Need,
    row::{Row, Why},
    unknown::Unknown,
};

/// One row, about to be read.
pub struct Lookup<'f, 'k, K, T> {
    key: &'k K,
    row: Option<&'f Row<T>>,
    need: fn(K) -> Need,
}

impl<'f, 'k, K: Clone, T> Lookup<'f, 'k, K, T> {
    pub(super) fn new(key: &'k K, row: Option<&'f Row<T>>, need: fn(K) -> Need) -> Self {
        Self { key, row, need }
    }

    /// The row, where AWS has already said that it exists: absence is a contradiction, hence unknown.
    ///
    /// # Errors
    /// [`Unknown`] if it was not seen, or is gone.
    pub fn required(self) -> Result<&'f T, Unknown> {
        match self.row {
            Some(Row::Absent(_)) => Err(self.unknown(Why::Vanished, "")),
            _ => self.optional()?.ok_or_else(|| Unknown::limit("unreachable state")),
        }
    }

    /// The row, where "there is none" is an answer too.
    ///
    /// # Errors
    /// [`Unknown`] if it was not seen.
    pub fn optional(self) -> Result<Option<&'f T>, Unknown> {
        match self.row {
            // The name of the need is for those that lack it.
            Some(Row::Present(row)) => Ok(Some(row)),
            Some(row) => row.part((self.need)(self.key.clone())),
            None => Err(self.unknown(Why::Unasked, "")),
        }
    }

    /// The row if it can be had, for evidence that the verdict does not rest on.
    ///
    /// # Errors
    /// [`Unknown`] only while nobody has asked, so that the collector does.
    pub fn hint(self) -> Result<Option<&'f T>, Unknown> {
        match self.row {
            Some(Row::Present(row)) => Ok(Some(row)),
            Some(_) => Ok(None),
            None => Err(self.unknown(Why::Unasked, "")),
        }
    }

    fn unknown(&self, why: Why, detail: &str) -> Unknown {
        Unknown::fact((self.need)(self.key.clone()), why, detail)
    }
}
