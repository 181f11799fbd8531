//! What runs the checks: a check as data, and the diagnosis over all answers.

mod actions;
pub mod aws_cli;
pub mod check;
pub mod diagnosis;
pub(crate) mod no_verdict;
pub(crate) mod permission;
pub mod words;
