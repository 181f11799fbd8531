//! Who may do what.

pub mod access;
pub mod collected;
pub mod context;
pub mod credentials;
pub mod judge;
pub mod operator;
pub mod simulation;
pub mod who;
