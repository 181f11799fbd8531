//! The names of session documents.

use ssm_doctor_facts::{
    ids::DocumentName,
    limit::SessionLimit,
    lookup::Unknown,
    scope::{Scope, Session},
};

/// Where preferences are kept.
pub const PREFERENCES: &str = "SSM-SessionManagerRunShell";

/// The document that a session of this kind uses when none is named.
///
/// # Errors
/// [`Unknown`] where it has no name.
pub fn document_name(scope: &Scope) -> Result<DocumentName, Unknown> {
    let default = match scope.session {
        Session::Shell => PREFERENCES,
        Session::Ssh => "AWS-StartSSHSession",
        Session::Port => "AWS-StartPortForwardingSession",
        Session::RemotePort => "AWS-StartPortForwardingSessionToRemoteHost",
        Session::Command => "AWS-StartInteractiveCommand",
    };
    let named = scope.document.clone().or_else(|| default.parse().ok());
    named.ok_or_else(|| Unknown::limit(SessionLimit::DocumentName))
}

/// Is this name reserved for AWS's documents? Source: `CreateDocument`, parameter `Name`.
#[must_use]
pub fn is_owned_by_aws(name: &DocumentName) -> bool {
    let name = name.as_str();
    if name.starts_with("arn:") {
        return name.contains("::document/");
    }
    ["aws", "amazon", "amzn"].iter().any(|reserved| {
        name.get(..reserved.len()).is_some_and(|it| it.eq_ignore_ascii_case(reserved))
    })
}
