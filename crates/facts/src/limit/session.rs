//! Why it is not known what a session's document asks for.

use alloc::string::String;

use crate::ids::{Arn, DocumentName};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionLimit {
    /// The name that was given is none.
    DocumentName,
    NotJson {
        document: DocumentName,
    },
    /// Interactive or not.
    KindOfCommands {
        document: DocumentName,
    },
    /// Which of two versions of the document sessions use is reported both ways.
    VersionInUse {
        document: DocumentName,
        default: String,
        later: String,
    },
    /// Whether the account's preferences apply to AWS's own documents is not documented.
    DocumentOfAws,
    NotText {
        document: DocumentName,
        field: String,
    },
    NotFlag {
        document: DocumentName,
        field: String,
    },
    /// A value that no bucket or key can be called.
    InvalidName {
        document: DocumentName,
        field: String,
        value: String,
    },
    /// A value that is given when the session starts.
    Parameter {
        document: DocumentName,
        field: String,
        value: String,
        default: Option<String>,
    },
    KeyOfOtherAccount {
        key: Arn,
    },
}
