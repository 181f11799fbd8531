//! What a node itself sees of the way to Session Manager.
//!
//! `ssm-doctor` and the small program `ssm-doctor-probe` share this crate. Reading what a probe wrote needs
//! neither network nor TLS; looking around does, and is the feature `collect`.

#[cfg(all(feature = "collect", unix))]
pub mod collect;
mod document;
pub mod log_files;
mod ssm_cli;

pub use document::{File, ProbeError, parse, write};
