//! The node itself: what its console printed, and where to look when it does not respond.

pub mod agent_log;
mod outcome;
pub mod serial_console;
pub mod unresponsive;

pub use outcome::{Investigation, Statement, Step, Symptom, WayIn};
