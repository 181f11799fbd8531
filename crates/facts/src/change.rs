//! Changes to an account or a node, as values.
//!
//! A check that fails names the changes that would help. One place renders them as AWS CLI commands.

use alloc::{string::String, vec::Vec};

/// One edit, or one look that a person needs before an edit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The words of a command as the AWS CLI takes them, without `aws` and without `--region`.
    AwsCli(Vec<String>),
}
