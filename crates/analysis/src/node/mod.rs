//! The node itself: what its console printed, and where to look when it does not respond.

pub mod agent_log;
mod outcome;
mod platform;
pub mod probe;
pub mod serial_console;
pub mod unresponsive;

pub use outcome::{Investigation, ProbeAdvice, Statement, Step, Symptom, WayIn};
pub use platform::runs_windows;
