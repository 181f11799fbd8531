//! What runs the checks: a check as data, the diagnosis over all answers, and what to do about it.

mod actions;
mod aws_cli;
pub mod check;
pub mod command;
mod console;
pub mod diagnosis;
pub mod event_history;
pub mod fix;
pub(crate) mod limit_words;
pub(crate) mod list;
pub(crate) mod no_verdict;
pub(crate) mod permission;
pub mod prescription;
pub mod procedure;
pub(crate) mod risks;
mod terraform;
pub mod verification;
pub mod words;
