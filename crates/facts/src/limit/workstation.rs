//! Why it is not known whether this machine can start a session.

use alloc::string::String;

use crate::workstation::Program;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkstationLimit {
    /// What a program says of its version is none, or it said nothing in time.
    NoVersion { program: Program, said: Option<String> },
    /// Whether this line of the SSH configuration changes what `ssh` does.
    SshMatch { line: String },
    /// What this program does for `ssh`.
    SshProgram { program: String },
    /// An option of the `ProxyCommand` with a value that a shell computes.
    SshOption { option: String, value: String },
    /// Whether this document, which the `ProxyCommand` names, passes SSH through.
    SshDocument { document: String },
}
