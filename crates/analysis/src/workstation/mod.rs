//! The machine that starts the session.

pub mod client;
pub mod ssh;
