//! Which gates a session passes on the node before the prompt appears.
//!
//! Preferences are one document for each account and Region, `SSM-SessionManagerRunShell`, which
//! does not exist until somebody saves preferences. Encryption, logging and `RunAs` concern shells
//! and commands; SSH and port sessions pass through untouched, and unlogged. Source:
//! amazon-ssm-agent `agent/session/plugins/sessionplugin/sessionplugin.go` and
//! `agent/session/shell/shell.go`.

use alloc::{
    format,
    string::{String, ToString},
};

use serde_json::Value;

use crate::model::{
    facts::{Facts, Unknown},
    iam::Key,
    ids::*,
    scope::{Scope, Session},
    ssm::Document,
    verdict::Fix,
};

/// Where preferences are kept.
pub const PREFERENCES: &str = "SSM-SessionManagerRunShell";

/// The document that a session of this kind uses when none is named.
#[must_use]
pub fn document_name(scope: &Scope) -> Option<DocumentName> {
    let default = match scope.session {
        Session::Shell => PREFERENCES,
        Session::Ssh => "AWS-StartSSHSession",
        Session::Port => "AWS-StartPortForwardingSession",
        Session::RemotePort => "AWS-StartPortForwardingSessionToRemoteHost",
        Session::Command => "AWS-StartInteractiveCommand",
    };
    scope.document.clone().or_else(|| default.parse().ok())
}

/// AWS's own session documents and the type of each. They exist in every account and ask for nothing
/// themselves, so they are not fetched. Source: the documents, as listed by the Systems Manager console.
const OWNED_BY_AWS: [(&str, &str); 6] = [
    ("AWS-StartSSHSession", "Port"),
    ("AWS-StartPortForwardingSession", "Port"),
    ("AWS-StartPortForwardingSessionToRemoteHost", "Port"),
    ("AWS-StartPortForwardingSessionToSocket", "Port"),
    ("AWS-StartInteractiveCommand", "InteractiveCommands"),
    ("AWS-StartNonInteractiveCommand", "NonInteractiveCommands"),
];

/// The session type of a document of AWS's own, if `name` is one that starts sessions.
#[must_use]
pub fn type_by_aws(name: &DocumentName) -> Option<&'static str> {
    let name = name.as_str().rsplit('/').next().unwrap_or_default();
    OWNED_BY_AWS.iter().find(|it| it.0 == name).map(|it| it.1)
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

/// What the preferences ask of a session, each field as the agent would read it.
pub struct Preferences<'a> {
    pub name: DocumentName,
    inputs: Option<&'a Value>,
    properties: Option<&'a Value>,
}

/// How to put a corrected document in force. A new version is not the default by itself.
#[must_use]
pub fn save(fix: Fix, scope: &Scope, name: &DocumentName) -> Fix {
    let name = name.as_str();
    fix.aws(scope, ["ssm", "get-document", "--name", name])
        .aws(
            scope,
            [
                "ssm",
                "update-document",
                "--name",
                name,
                "--document-version",
                "$LATEST",
                "--content",
                "file://<document.json>",
            ],
        )
        .aws(
            scope,
            [
                "ssm",
                "update-document-default-version",
                "--name",
                name,
                "--document-version",
                "<new-version>",
            ],
        )
}

/// What a session's id looks like: log streams and log objects bear it.
pub const EXAMPLE_ID: &str = "operator-0123456789abcdef0";

/// The preferences in force, or why there are none.
pub enum Gates<'a> {
    /// Nothing stands between the channel and the prompt, because.
    None(&'static str),
    Apply(Preferences<'a>),
}

pub const NO_GATES: &str =
    "preferences do not concern SSH and port sessions: no logging, no KMS key, no RunAs";
const DEFAULTS: &str = "no preferences have been saved, so the defaults hold";

/// The gates that a session of this kind passes.
///
/// # Errors
/// [`Unknown`] when the document was not seen, and for commands by AWS's own documents: whether
/// the account's preferences apply to those is not documented.
pub fn gates<'a>(facts: &'a Facts, scope: &Scope) -> Result<Gates<'a>, Unknown> {
    match scope.session {
        Session::Ssh | Session::Port | Session::RemotePort => return Ok(Gates::None(NO_GATES)),
        Session::Shell | Session::Command => {}
    }
    let unnamed = || Unknown::limit("the session document's name");
    let named = document_name(scope).ok_or_else(unnamed)?;
    let by_aws = is_owned_by_aws(&named);
    let name = if by_aws { PREFERENCES.parse().map_err(|_| unnamed())? } else { named };
    let Some(document) = facts.document(&name).optional()? else {
        let saved = name.as_str() == PREFERENCES;
        return Ok(Gates::None(if saved {
            DEFAULTS
        } else {
            "the session document does not exist"
        }));
    };
    let content = document.content.json().ok_or_else(|| unreadable(&name))?;
    let preferences =
        Preferences { inputs: content.get("inputs"), properties: content.get("properties"), name };
    if by_aws && !preferences.asks_nothing() {
        return Err(Unknown::limit(
            "whether the account's session preferences apply to AWS's own session documents is not documented",
        ));
    }
    Ok(Gates::Apply(preferences))
}

/// AWS hands out session documents as JSON, whatever they were written in.
fn unreadable(name: &DocumentName) -> Unknown {
    Unknown::limit(format!("the content of {name} cannot be read as JSON"))
}

impl Preferences<'_> {
    fn asks_nothing(&self) -> bool {
        ["s3BucketName", "cloudWatchLogGroupName", "kmsKeyId"]
            .iter()
            .all(|it| matches!(self.text(it), Ok(None)))
            && matches!(self.flag("runAsEnabled"), Ok(false))
    }

    /// A text field; None when it is absent or empty.
    ///
    /// # Errors
    /// [`Unknown`] when the field is a document parameter or not a text.
    pub fn text(&self, field: &str) -> Result<Option<&str>, Unknown> {
        match self.inputs.and_then(|it| it.get(field)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(raw)) if is_parameter(raw) => Err(self.parameter(field, raw)),
            Some(Value::String(raw)) => Ok(Some(raw.as_str()).filter(|it| !it.is_empty())),
            Some(_) => Err(Unknown::limit(format!("`{field}` in {} is not a text", self.name))),
        }
    }

    /// A yes-or-no field, which the agent reads from a boolean or from the word.
    ///
    /// # Errors
    /// [`Unknown`] when the field is a document parameter or not a yes or no.
    pub fn flag(&self, field: &str) -> Result<bool, Unknown> {
        match self.inputs.and_then(|it| it.get(field)) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(raw)) if is_parameter(raw) => Err(self.parameter(field, raw)),
            Some(Value::String(raw)) if raw.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(raw)) if raw.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => {
                Err(Unknown::limit(format!("`{field}` in {} is neither true nor false", self.name)))
            }
        }
    }

    /// The key that sessions are encrypted with; None if there is none, or it does not exist.
    ///
    /// # Errors
    /// [`Unknown`] when the field cannot be read, or the key was not seen.
    pub fn key<'f>(&self, facts: &'f Facts) -> Result<Option<&'f Key>, Unknown> {
        let Some(raw) = self.text("kmsKeyId")? else { return Ok(None) };
        let name: KeyName = raw.parse().map_err(|_| self.misnamed("kmsKeyId", raw))?;
        facts.key(&name).optional()
    }

    /// The bucket that sessions are logged to.
    ///
    /// # Errors
    /// [`Unknown`] when the field cannot be read.
    pub fn bucket(&self) -> Result<Option<BucketName>, Unknown> {
        let Some(raw) = self.text("s3BucketName")? else { return Ok(None) };
        raw.parse().map(Some).map_err(|_| self.misnamed("s3BucketName", raw))
    }

    fn misnamed(&self, field: &str, raw: &str) -> Unknown {
        Unknown::limit(format!(
            "`{field}` in {} is {raw:?}, which is no name that AWS knows",
            self.name
        ))
    }

    /// Do commands run as root anyway, on `platform` (`linux` or `macOS`)? Then `RunAs` is not looked at.
    ///
    /// # Errors
    /// [`Unknown`] when the field is a document parameter.
    pub fn elevated(&self, platform: &str) -> Result<bool, Unknown> {
        let field = "runAsElevated";
        match self.properties.and_then(|it| it.get(platform)).and_then(|it| it.get(field)) {
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(raw)) if is_parameter(raw) => Err(self.parameter(field, raw)),
            Some(Value::String(raw)) => Ok(raw.eq_ignore_ascii_case("true")),
            _ => Ok(false),
        }
    }

    fn parameter(&self, field: &str, raw: &str) -> Unknown {
        Unknown::limit(format!(
            "`{field}` in {} is {raw}, which is set when the session is started",
            self.name
        ))
    }
}

fn is_parameter(raw: &str) -> bool {
    raw.contains("{{") || raw.contains("${")
}

/// What is wrong with a session document as such, if anything: kind, schema and field types.
///
/// # Errors
/// [`Unknown`] when its content is not JSON.
pub fn defect(
    name: &DocumentName,
    document: &Document,
    session: Session,
) -> Result<Option<String>, Unknown> {
    if document.kind != "Session" {
        return Ok(Some(format!(
            "is of type {}, and only Session documents start sessions",
            document.kind
        )));
    }
    let content = document.content.json().ok_or_else(|| unreadable(name))?;
    Ok(defect_of(content, session))
}

/// Does a document of this session type open a session of this kind?
#[must_use]
pub fn fits(kind: &str, session: Session) -> bool {
    match session {
        Session::Shell => kind == "Standard_Stream",
        Session::Command => kind == "InteractiveCommands" || kind == "NonInteractiveCommands",
        Session::Ssh | Session::Port | Session::RemotePort => kind == "Port",
    }
}

fn defect_of(content: &Value, session: Session) -> Option<String> {
    let schema = content.get("schemaVersion").map(shown);
    if schema.as_deref() != Some("1.0") {
        return Some(format!(
            "has schemaVersion {}, and session documents need 1.0",
            schema.as_deref().unwrap_or("(none)")
        ));
    }
    let kind = content.get("sessionType").and_then(Value::as_str).unwrap_or("(none)");
    if !fits(kind, session) {
        return Some(format!("has sessionType {kind}, which does not open {}", session.phrase()));
    }
    let inputs = content.get("inputs")?;
    let flags = ["s3EncryptionEnabled", "cloudWatchEncryptionEnabled", "runAsEnabled"];
    for field in flags {
        let readable = match inputs.get(field) {
            None | Some(Value::Null | Value::Bool(_)) => true,
            Some(Value::String(raw)) => {
                is_parameter(raw)
                    || raw.eq_ignore_ascii_case("true")
                    || raw.eq_ignore_ascii_case("false")
            }
            Some(_) => false,
        };
        if !readable {
            return Some(wrong_type(field, inputs, "true or false"));
        }
    }
    // The agent reads this one into a Go bool, which takes no quoted word.
    if inputs.get("cloudWatchStreamingEnabled").is_some_and(|it| !it.is_boolean() && !it.is_null())
    {
        return Some(wrong_type("cloudWatchStreamingEnabled", inputs, "true or false, unquoted"));
    }
    let texts = [
        "s3BucketName",
        "s3KeyPrefix",
        "cloudWatchLogGroupName",
        "kmsKeyId",
        "runAsDefaultUser",
        "idleSessionTimeout",
        "maxSessionDuration",
    ];
    texts
        .into_iter()
        .find(|it| inputs.get(it).is_some_and(|value| !value.is_string() && !value.is_null()))
        .map(|field| wrong_type(field, inputs, "a text"))
}

fn wrong_type(field: &str, inputs: &Value, wanted: &str) -> String {
    let found = inputs.get(field).map(ToString::to_string).unwrap_or_default();
    format!("sets {field} to {found}, and it must be {wanted}")
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[allow(clippy::option_option, reason = "unknown, none, or one")]
    fn found(kind: &str, content: &Value, session: Session) -> Option<Option<String>> {
        let document = json!({ "kind": kind, "content": content });
        let document: Document = serde_json::from_value(document).unwrap();
        defect(&"Mine".parse().unwrap(), &document, session).ok()
    }

    #[test]
    fn defects_of_documents() {
        let with = |inputs: Value| json!({ "schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs });
        let rows = [
            (with(json!({})), None),
            (json!({ "schemaVersion": "1.0", "sessionType": "Standard_Stream" }), None),
            (
                with(
                    json!({ "runAsEnabled": "TRUE", "s3EncryptionEnabled": "{{ encrypt }}", "kmsKeyId": null }),
                ),
                None,
            ),
            (
                json!({ "schemaVersion": "2.0", "sessionType": "Standard_Stream" }),
                Some("has schemaVersion 2.0, and session documents need 1.0"),
            ),
            (json!({ "schemaVersion": 1.0, "sessionType": "Standard_Stream" }), None),
            (
                json!({ "sessionType": "Standard_Stream" }),
                Some("has schemaVersion (none), and session documents need 1.0"),
            ),
            (
                json!({ "schemaVersion": "1.0", "sessionType": "Port" }),
                Some("has sessionType Port, which does not open a shell session"),
            ),
            (
                with(json!({ "runAsEnabled": "" })),
                Some("sets runAsEnabled to \"\", and it must be true or false"),
            ),
            (
                with(json!({ "cloudWatchStreamingEnabled": "true" })),
                Some(
                    "sets cloudWatchStreamingEnabled to \"true\", and it must be true or false, unquoted",
                ),
            ),
            (
                with(json!({ "idleSessionTimeout": 20 })),
                Some("sets idleSessionTimeout to 20, and it must be a text"),
            ),
        ];
        for (content, expected) in rows {
            assert_eq!(
                found("Session", &content, Session::Shell),
                Some(expected.map(Into::into)),
                "{content}"
            );
        }
        assert!(found("Command", &json!("yaml: 1"), Session::Shell).unwrap().is_some());
        assert_eq!(found("Session", &json!("yaml: 1"), Session::Shell), None);
        for (session, kind) in [
            (Session::Ssh, "Port"),
            (Session::Port, "Port"),
            (Session::RemotePort, "Port"),
            (Session::Command, "NonInteractiveCommands"),
        ] {
            assert!(fits(kind, session) && !fits("Standard_Stream", session), "{session}");
        }
    }

    #[test]
    fn documents_of_aws() {
        let name = |raw: &str| raw.parse::<DocumentName>().unwrap();
        assert!(is_owned_by_aws(&name("AWS-StartSSHSession")) && is_owned_by_aws(&name("amazonX")));
        assert!(is_owned_by_aws(&name("arn:aws:ssm:us-east-1::document/AWS-StartSSHSession")));
        assert!(
            !is_owned_by_aws(&name("SSM-SessionManagerRunShell")) && !is_owned_by_aws(&name("aw"))
        );
        assert!(!is_owned_by_aws(&name("arn:aws:ssm:us-east-1:111122223333:document/AWS")));
        assert_eq!(
            type_by_aws(&name("arn:aws:ssm:us-east-1::document/AWS-StartSSHSession")),
            Some("Port")
        );
        assert_eq!(type_by_aws(&name("AWS-RunShellScript")), None);
    }
}
