//! A call of the AWS CLI, without its first word.

use alloc::{vec, vec::Vec};
use core::fmt::Display;

use crate::engine::command::Command;

/// See [`Command::new`] for the template.
pub(super) fn aws(template: &str, values: &[&dyn Display]) -> Command {
    Command::new(template, values)
}

/// One call is the whole change.
pub(super) fn one(template: &str, values: &[&dyn Display]) -> Vec<Command> {
    vec![aws(template, values)]
}
