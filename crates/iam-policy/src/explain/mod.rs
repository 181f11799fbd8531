//! Explains decisions.

mod denied;
mod elements;
mod text;
mod undecided;

pub(crate) use denied::denials;
pub(crate) use undecided::undecided;
