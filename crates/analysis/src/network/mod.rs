//! The path of packets to a service and back.

pub mod address_set;
pub mod hop;
pub mod inspection;
pub mod reach;
pub mod remedy;
pub mod statement;
