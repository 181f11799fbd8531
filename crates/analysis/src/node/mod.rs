//! The node itself: what its console printed, and where to look when it is silent.

pub mod console;
pub mod silence;
