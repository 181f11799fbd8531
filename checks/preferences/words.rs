//! What the session's document comes to, in words, and how to correct it.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_analysis::{
    answer::{Evidence, observed},
    session::{Defect, FieldType, Gate, Statement},
};
use ssm_doctor_facts::{
    ids::{DocumentName, Region},
    limit::SessionLimit,
};

/// The command that prints a version of a document.
pub(crate) fn get_document(name: &DocumentName, version: &str, region: &Region) -> String {
    format!("`aws ssm get-document --name {name} --document-version {version} --region {region}`")
}

/// A clause whose subject is the observation's.
pub(crate) fn statement(statement: &Statement) -> String {
    match statement {
        Statement::StoppedBy(gate) => ends_with(message(*gate)),
        Statement::Gates { gates, shell_profile } => {
            let mut gates: Vec<&str> = gates.iter().map(|gate| phrase(*gate)).collect();
            // No gate: nothing is refused, and what it runs may end the session all the same.
            if *shell_profile {
                gates.push("the commands of a shell profile (one that exits ends the session)");
            }
            if gates.is_empty() {
                "puts nothing between the channel and the prompt".into()
            } else {
                format!("asks of each session, in this order: {}", gates.join(", "))
            }
        }
        Statement::Defect(defect) => self::defect(defect),
    }
}

fn defect(defect: &Defect) -> String {
    match defect {
        Defect::NotSessionDocument { kind } => {
            format!("is of type {kind}, and only Session documents start sessions")
        }
        Defect::SessionType { found, session } => format!(
            "has sessionType {}, which does not open {}",
            found.as_deref().unwrap_or("(none)"),
            session.phrase()
        ),
        Defect::SchemaVersion { found } => format!(
            "has schemaVersion {}, and session documents need 1.0",
            found.as_deref().unwrap_or("(none)")
        ),
        Defect::InputsNotObject { found } => {
            format!("has inputs that are no object but {found}")
        }
        Defect::FieldType { field, found, wanted } => {
            let wanted = match wanted {
                FieldType::Flag => "true or false",
                FieldType::UnquotedFlag => "true or false, unquoted",
                FieldType::Text => "a text",
                FieldType::TextsByPlatform => "an object of texts, one for each platform",
            };
            format!("sets {field} to {found}, and it must be {wanted}")
        }
        Defect::NoPortNumber => {
            "names no portNumber in its properties, and the agent has no other".into()
        }
        Defect::NoCommands => "names no commands for any platform in its properties".into(),
    }
}

/// For a list.
fn phrase(gate: Gate) -> &'static str {
    match gate {
        Gate::Handshake => "a handshake with the KMS key",
        Gate::LogGroup => "a look whether the log group is encrypted",
        Gate::Bucket => "a look whether the log bucket is encrypted",
        Gate::RunAs => "a change to the RunAs user",
    }
}

/// What the user reads when the session does not pass the gate.
///
/// Source: amazon-ssm-agent `agent/session/plugins/sessionplugin/sessionplugin.go` (handshake),
/// `agent/session/shell/shell.go`.
fn message(gate: Gate) -> &'static str {
    match gate {
        Gate::Handshake => "Encountered error while initiating handshake.",
        Gate::LogGroup => {
            "We couldn't start the session because encryption is not set up on the selected CloudWatch Logs log group."
        }
        Gate::Bucket => {
            "We couldn't start the session because encryption is not set up on the selected Amazon S3 bucket."
        }
        Gate::RunAs => "Unable to start command: please set the RunAs default user",
    }
}

/// Where the agent cannot tell whether the bucket is encrypted, as distinct from seeing that it is not.
pub(crate) const BUCKET_UNSEEN: &str =
    "Couldn't start the session because we are unable to validate encryption on Amazon S3 bucket.";

fn ends_with(message: &str) -> String {
    format!("ends with `{message}`")
}

/// The session ends with this message.
pub(crate) fn session_ends_with(message: &str) -> Evidence {
    observed("the session", ends_with(message))
}

/// The session ends with the message of this gate.
pub(crate) fn session_stopped_by(gate: Gate) -> Evidence {
    observed("the session", Statement::StoppedBy(gate))
}

/// What no call can tell, as a clause.
pub(crate) fn limit(limit: &SessionLimit) -> String {
    match limit {
        SessionLimit::DocumentName => "the session document's name".into(),
        SessionLimit::NotJson { document } => {
            format!("the content of {document} cannot be read as JSON")
        }
        SessionLimit::KindOfCommands { document } => {
            format!("which kind of commands {document} runs")
        }
        SessionLimit::VersionInUse { document, default, later } => {
            format!(
                "whether sessions use version {default} of {document}, its default, or version {later}, its latest: the two lead to different verdicts"
            )
        }
        SessionLimit::DocumentOfAws => {
            "whether the account's session preferences apply to AWS's own session documents is not documented".into()
        }
        SessionLimit::NotText { document, field } => {
            format!("`{field}` in {document} is not a text")
        }
        SessionLimit::NotFlag { document, field } => {
            format!("`{field}` in {document} is neither true nor false")
        }
        SessionLimit::InvalidName { document, field, value } => {
            format!("`{field}` in {document} is {value:?}, which is no name that AWS knows")
        }
        SessionLimit::Parameter { document, field, value, default } => {
            let default = default.as_ref().map_or(String::new(), |default| {
                format!(" (by default {default})")
            });
            format!(
                "`{field}` in {document} is {value}, which is set when the session is started{default}"
            )
        }
        SessionLimit::KeyOfOtherAccount { key } => {
            format!("{key} is a key of account {}, and is not visible to this account", key.account())
        }
    }
}
