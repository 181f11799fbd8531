//! The node itself: what its console printed, and where to look when it does not respond.

mod outcome;
pub mod serial_console;
pub mod unresponsive;

pub use outcome::{Investigation, Statement, Step, Symptom, WayIn};
