//! The hard reasoning, shared by checks, which turn its answers into evidence.

pub mod access;
pub mod client;
pub mod collected;
pub mod console;
pub mod context;
pub mod credentials;
pub mod inspection;
pub mod judge;
pub mod name;
pub mod net;
pub mod operator;
pub mod policy;
pub mod reach;
pub mod session;
pub mod silence;
pub mod simulation;
pub mod ssh;
pub mod who;
