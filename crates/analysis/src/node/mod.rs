//! The node itself: what its console printed, and where to look when it does not respond.

pub mod agent_log;
pub mod metrics;
mod outcome;
mod platform;
pub mod probe;
pub mod serial_console;
pub mod unresponsive;
pub mod user_data;

pub use outcome::{Investigation, ProbeAdvice, Statement, Step, Symptom, WayIn};
pub use platform::runs_windows;
