//! What makes a document one that opens a session, and one that the agent can read.
//!
//! The agent reads a document strictly: a field of the wrong type ends the session before anything is
//! shown, mostly as a blank screen. Source: amazon-ssm-agent
//! `agent/framework/docparser/docparser.go`, `agent/contracts/model.go`.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use serde_json::Value;

use super::{
    name::is_owned_by_aws,
    outcome::{Defect, FieldType},
};
use ssm_doctor_facts::{
    ids::DocumentName,
    limit::SessionLimit,
    lookup::{Facts, Unknown},
    scope::Session,
    ssm::Document,
};

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

/// The kind of session that a document is for: where only the document is named, that is what is meant.
/// None if it starts none, or was not seen.
#[must_use]
pub fn opens(name: &DocumentName, facts: &Facts) -> Option<Session> {
    if is_owned_by_aws(name) {
        let kind = type_by_aws(name)?;
        return Some(match name.as_str().rsplit('/').next()? {
            "AWS-StartSSHSession" => Session::Ssh,
            "AWS-StartPortForwardingSessionToRemoteHost" => Session::RemotePort,
            _ if kind == "Port" => Session::Port,
            _ => Session::Command,
        });
    }
    let content = facts.document(name).optional().ok()??.content.json()?;
    match content.get("sessionType")?.as_str()? {
        // The agent forwards to another host if the document names one. Source: amazon-ssm-agent
        // `agent/session/plugins/port/port.go`.
        "Port" if content.get("properties").is_some_and(|it| it.get("host").is_some()) => {
            Some(Session::RemotePort)
        }
        kind => [Session::Shell, Session::Port, Session::Command]
            .into_iter()
            .find(|session| fits(kind, *session)),
    }
}

/// AWS hands out session documents as JSON, whatever they were written in.
pub(super) fn unreadable(name: &DocumentName) -> Unknown {
    Unknown::limit(SessionLimit::NotJson { document: name.clone() })
}

pub(super) fn is_parameter(raw: &str) -> bool {
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
) -> Result<Option<Defect>, Unknown> {
    if document.kind != "Session" {
        return Ok(Some(Defect::NotSessionDocument { kind: document.kind.clone() }));
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

fn defect_of(content: &Value, session: Session) -> Option<Defect> {
    let schema = content.get("schemaVersion").map(shown);
    if schema.as_deref() != Some("1.0") {
        return Some(Defect::SchemaVersion { found: schema });
    }
    let kind = content.get("sessionType").map(shown);
    let Some(kind) = kind.as_deref().filter(|kind| fits(kind, session)) else {
        return Some(Defect::SessionType { found: kind, session });
    };
    let wrong = content.get("inputs").and_then(wrong_field);
    wrong.or_else(|| missing_property(content, kind))
}

/// The first field that the agent cannot read.
fn wrong_field(inputs: &Value) -> Option<Defect> {
    if !inputs.is_object() && !inputs.is_null() {
        return Some(Defect::InputsNotObject { found: inputs.to_string() });
    }
    let flags = ["s3EncryptionEnabled", "cloudWatchEncryptionEnabled", "runAsEnabled"];
    // An empty text is off: measured with agent 3.3.
    let reads = |field: &&str| {
        inputs.get(field).is_none_or(|it| is_flag(it) || *field == "runAsEnabled" && it == "")
    };
    let flag = flags.into_iter().find(|field| !reads(field));
    if let Some(field) = flag {
        return Some(wrong_type(field, inputs, FieldType::Flag));
    }
    let field = "cloudWatchStreamingEnabled";
    if inputs.get(field).is_some_and(|it| !it.is_boolean() && !it.is_null()) {
        return Some(wrong_type(field, inputs, FieldType::UnquotedFlag));
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
    let text = texts
        .into_iter()
        .find(|it| inputs.get(it).is_some_and(|value| !value.is_string() && !value.is_null()));
    if let Some(field) = text {
        return Some(wrong_type(field, inputs, FieldType::Text));
    }
    let field = "shellProfile";
    let profile = inputs.get(field)?;
    let texts = profile.as_object().map(|it| it.values().all(|it| it.is_string() || it.is_null()));
    let readable = texts.unwrap_or(profile.is_null());
    (!readable).then(|| wrong_type(field, inputs, FieldType::TextsByPlatform))
}

/// What the agent needs from `properties` and does not find.
fn missing_property(content: &Value, kind: &str) -> Option<Defect> {
    let properties = content.get("properties");
    let of = |name: &str| properties.and_then(|it| it.get(name));
    let empty = |it: Option<&Value>| it.is_none_or(|it| it.is_null() || it == "");
    match kind {
        // The agent has no other.
        "Port" if empty(of("portNumber")) => Some(Defect::NoPortNumber),
        "InteractiveCommands" | "NonInteractiveCommands" if served(content).is_empty() => {
            Some(Defect::NoCommands)
        }
        _ => None,
    }
}

/// As `properties` spells them.
pub const PLATFORMS: [&str; 3] = ["linux", "windows", "macOS"];

/// The platforms that a document names commands for.
#[must_use]
pub fn platforms(document: &Document) -> Vec<&'static str> {
    document.content.json().map(served).unwrap_or_default()
}

fn served(content: &Value) -> Vec<&'static str> {
    let commands = |it: &str| content.get("properties")?.get(it)?.get("commands");
    let named = |it: &&str| commands(it).is_some_and(|it| !it.is_null() && it != "");
    PLATFORMS.into_iter().filter(named).collect()
}

/// As the agent takes it. Go's other spellings (`1`, `t`) are not known to be refused.
fn is_flag(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(raw) => {
            let words = ["true", "false", "t", "f", "1", "0"];
            is_parameter(raw) || words.iter().any(|it| raw.eq_ignore_ascii_case(it))
        }
        _ => false,
    }
}

/// The default of the document parameter that `raw` consists of.
pub(super) fn default_of(content: &Value, raw: &str) -> Option<String> {
    let name = raw.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    content.get("parameters")?.get(name)?.get("default").map(shown)
}

fn wrong_type(field: &'static str, inputs: &Value, wanted: FieldType) -> Defect {
    let found = inputs.get(field).map(ToString::to_string).unwrap_or_default();
    Defect::FieldType { field, found, wanted }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[allow(clippy::option_option, reason = "unknown, none, or one")]
    fn found(kind: &str, content: &Value, session: Session) -> Option<Option<Defect>> {
        let document = json!({ "kind": kind, "content": content });
        let document: Document = serde_json::from_value(document).unwrap();
        defect(&"Mine".parse().unwrap(), &document, session).ok()
    }

    #[test]
    fn defects_of_documents() {
        let wrong = |field, found: &str, wanted| {
            let found = found.into();
            Defect::FieldType { field, found, wanted }
        };
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
                Some(Defect::SchemaVersion { found: Some("2.0".into()) }),
            ),
            (json!({ "schemaVersion": 1.0, "sessionType": "Standard_Stream" }), None),
            (
                json!({ "sessionType": "Standard_Stream" }),
                Some(Defect::SchemaVersion { found: None }),
            ),
            (
                json!({ "schemaVersion": "1.0", "sessionType": "Port" }),
                Some(Defect::SessionType { found: Some("Port".into()), session: Session::Shell }),
            ),
            // Measured: it works like `false`.
            (with(json!({ "runAsEnabled": "" })), None),
            (
                with(json!({ "cloudWatchStreamingEnabled": "true" })),
                Some(wrong("cloudWatchStreamingEnabled", "\"true\"", FieldType::UnquotedFlag)),
            ),
            (with(json!({ "runAsEnabled": "1", "shellProfile": { "linux": "date" } })), None),
            (with(json!({ "runAsEnabled": 1 })), Some(wrong("runAsEnabled", "1", FieldType::Flag))),
            (
                with(json!({ "shellProfile": "date" })),
                Some(wrong("shellProfile", "\"date\"", FieldType::TextsByPlatform)),
            ),
            (
                with(json!({ "shellProfile": { "linux": ["date"] } })),
                Some(wrong("shellProfile", "{\"linux\":[\"date\"]}", FieldType::TextsByPlatform)),
            ),
            (with(json!([])), Some(Defect::InputsNotObject { found: "[]".into() })),
            (
                json!({ "schemaVersion": "1.0", "sessionType": 1 }),
                Some(Defect::SessionType { found: Some("1".into()), session: Session::Shell }),
            ),
            (
                with(json!({ "idleSessionTimeout": 20 })),
                Some(wrong("idleSessionTimeout", "20", FieldType::Text)),
            ),
        ];
        for (content, expected) in rows {
            assert_eq!(found("Session", &content, Session::Shell), Some(expected), "{content}");
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
    fn defects_of_properties() {
        let document = |kind: &str, properties: Value| json!({ "schemaVersion": "1.0", "sessionType": kind, "properties": properties });
        let no_port = || Some(Defect::NoPortNumber);
        let no_commands = || Some(Defect::NoCommands);
        let rows = [
            (document("Port", json!({ "portNumber": "{{ portNumber }}" })), Session::Ssh, None),
            (document("Port", json!({ "portNumber": "" })), Session::Port, no_port()),
            (document("Port", Value::Null), Session::Port, no_port()),
            (
                document(
                    "InteractiveCommands",
                    json!({ "linux": { "commands": "{{ command }}" } }),
                ),
                Session::Command,
                None,
            ),
            (
                document("NonInteractiveCommands", json!({ "windows": { "commands": "date" } })),
                Session::Command,
                None,
            ),
            (
                document("NonInteractiveCommands", json!({ "linux": { "commands": "" } })),
                Session::Command,
                no_commands(),
            ),
            (document("InteractiveCommands", json!({})), Session::Command, no_commands()),
        ];
        for (content, session, expected) in rows {
            assert_eq!(found("Session", &content, session), Some(expected), "{content}");
        }
    }

    #[test]
    fn parameters_have_defaults() {
        let content = json!({ "parameters": { "user": { "default": "ec2-user" }, "key": {} } });
        assert_eq!(default_of(&content, "{{ user }}").as_deref(), Some("ec2-user"));
        assert_eq!(default_of(&content, "{{user}}").as_deref(), Some("ec2-user"));
        for raw in ["{{ key }}", "{{ other }}", "${user}", "a{{ user }}", ""] {
            assert_eq!(default_of(&content, raw), None, "{raw}");
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
        let rows = [
            ("AWS-StartSSHSession", Some(Session::Ssh)),
            ("arn:aws:ssm:us-east-1::document/AWS-StartPortForwardingSession", Some(Session::Port)),
            ("AWS-StartPortForwardingSessionToSocket", Some(Session::Port)),
            ("AWS-StartPortForwardingSessionToRemoteHost", Some(Session::RemotePort)),
            ("AWS-StartNonInteractiveCommand", Some(Session::Command)),
            ("arn:aws:ssm:us-east-1:111122223333:document/AWS-StartSSHSession", None),
            ("Mine", None),
        ];
        for (raw, session) in rows {
            assert_eq!(opens(&name(raw), &Facts::default()), session, "{raw}");
        }
    }

    #[test]
    fn sessions_that_documents_of_ones_own_open() {
        let rows = [
            (json!({ "sessionType": "Standard_Stream" }), Some(Session::Shell)),
            (json!({ "sessionType": "NonInteractiveCommands" }), Some(Session::Command)),
            (
                json!({ "sessionType": "Port", "properties": { "portNumber": "5432" } }),
                Some(Session::Port),
            ),
            (
                json!({ "sessionType": "Port", "properties": { "portNumber": "5432", "host": "db" } }),
                Some(Session::RemotePort),
            ),
            (json!({ "sessionType": "Telepathy" }), None),
            (json!({}), None),
        ];
        for (content, session) in rows {
            let facts =
                json!({ "documents": { "Mine": { "kind": "Session", "content": content } } });
            let facts: Facts = serde_json::from_value(facts).unwrap();
            assert_eq!(opens(&"Mine".parse().unwrap(), &facts), session, "{content}");
        }
    }
}
