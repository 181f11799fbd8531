//! The hard reasoning, shared by checks, which turn its answers into evidence.

pub mod access;
pub mod collected;
pub mod context;
pub mod credentials;
pub mod judge;
pub mod name;
pub mod operator;
pub mod policy;
pub mod reach;
pub mod session;
pub mod simulation;
pub mod who;
