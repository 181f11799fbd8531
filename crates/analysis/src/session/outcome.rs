//! What the session's document comes to: observations, as data.

use alloc::{string::String, vec::Vec};

use ssm_doctor_facts::scope::Session;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Of the session: it ends where this gate stops it.
    StoppedBy(Gate),
    /// Of the document: what a session passes, in the agent's order.
    Gates { gates: Vec<Gate>, shell_profile: bool },
    /// Of the document.
    Defect(Defect),
}

/// What can stop a session that has a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// Encryption of the session itself: both sides need the KMS key.
    Handshake,
    /// The log group must be seen to be encrypted with a KMS key.
    LogGroup,
    /// The log bucket must be seen to be encrypted.
    Bucket,
    /// The commands run as an operating system user that the operator or the document names.
    RunAs,
}

/// Why a document does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It is of another type than `Session`.
    NotSessionDocument {
        kind: String,
    },
    /// Its `sessionType` does not open such a session.
    SessionType {
        found: Option<String>,
        session: Session,
    },
    SchemaVersion {
        found: Option<String>,
    },
    InputsNotObject {
        found: String,
    },
    FieldType {
        field: &'static str,
        found: String,
        wanted: FieldType,
    },
    NoPortNumber,
    NoCommands,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Flag,
    /// The agent reads it into a Go bool, which takes no quoted word.
    UnquotedFlag,
    Text,
    /// A text for each platform.
    TextsByPlatform,
}

impl Defect {
    /// Can it start no such session, whatever its fields say? Else the agent cannot read it.
    #[must_use]
    pub fn is_of_wrong_type(&self) -> bool {
        matches!(self, Self::NotSessionDocument { .. } | Self::SessionType { .. })
    }
}
