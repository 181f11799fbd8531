//! Several values in a sentence.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// With commas between them.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
