//! The hard reasoning, shared by checks, which turn its answers into evidence.

pub mod access;
pub mod client;
pub mod console;
pub mod credentials;
pub mod name;
pub mod net;
pub mod operator;
pub mod policy;
pub mod reach;
pub mod session;
pub mod silence;
pub mod simulation;
pub mod ssh;
