//! Which gates a session passes on the node before the prompt appears.
//!
//! Preferences are one document for each account and Region, `SSM-SessionManagerRunShell`, which
//! does not exist until somebody saves preferences. Encryption, logging and `RunAs` concern shells
//! and commands; SSH and port sessions pass through untouched, and unlogged. Source:
//! amazon-ssm-agent `agent/session/plugins/sessionplugin/sessionplugin.go` and
//! `agent/session/shell/shell.go`.

mod document;
mod gate;
mod logs;

use alloc::{format, string::String, vec::Vec};

pub use document::{
    Cannot, PLATFORMS, defect, fits, is_owned_by_aws, opens, platforms, type_by_aws,
};
use document::{default_of, is_parameter, unreadable};
pub use gate::{BUCKET_UNSEEN, Gate, seen_as};

use serde_json::Value;

use crate::answer::Fix;
use crate::case::Case;
use ssm_doctor_facts::{
    iam::Key,
    ids::*,
    lookup::{Facts, Ourselves, Unknown},
    scope::{Scope, Session},
    text::Text,
};
use ssm_doctor_iam_policy::KeyValue;

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

/// Does the document that a command session goes by open a terminal?
///
/// # Errors
/// [`Unknown`] when the document was not seen, or says nothing of the kind.
pub fn is_interactive(case: &Case) -> Result<bool, Unknown> {
    let unnamed = || Unknown::limit("the session document's name");
    let name = document_name(case.scope).ok_or_else(unnamed)?;
    if let Some(kind) = type_by_aws(&name).filter(|_| is_owned_by_aws(&name)) {
        return Ok(kind == "InteractiveCommands");
    }
    let document = case.facts.document(&name).optional()?;
    let kind = document.and_then(|it| it.content.json()?.get("sessionType")?.as_str());
    match kind {
        Some("InteractiveCommands") => Ok(true),
        Some("NonInteractiveCommands") => Ok(false),
        _ => Err(Unknown::limit(format!("which kind of commands {name} runs"))),
    }
}

/// A key, for the question who may use it.
pub struct GuardedKey<'f> {
    pub arn: Arn,
    pub policy: Result<&'f Text, Unknown>,
    /// Beyond what is known of every such request.
    pub context: Vec<(&'f str, KeyValue)>,
}

impl<'f> GuardedKey<'f> {
    #[must_use]
    pub fn of(key: &'f Key) -> Self {
        Self { arn: key.arn.clone(), policy: key.policy(), context: Vec::new() }
    }
}

/// What the preferences ask of a session, each field as the agent would read it.
pub struct Preferences<'a> {
    pub name: DocumentName,
    content: &'a Value,
}

/// How to put a corrected document in force. A new version is not the default by itself.
#[must_use]
pub fn save(fix: Fix, name: &DocumentName) -> Fix {
    let name = name.as_str();
    fix.aws(["ssm", "get-document", "--name", name])
        .aws([
            "ssm",
            "update-document",
            "--name",
            name,
            "--document-version",
            "$LATEST",
            "--content",
            "file://<document.json>",
        ])
        .aws([
            "ssm",
            "update-document-default-version",
            "--name",
            name,
            "--document-version",
            "<new-version>",
        ])
}

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
pub fn gates<'a>(case: &Case<'a>) -> Result<Gates<'a>, Unknown> {
    match case.scope.session {
        Session::Ssh | Session::Port | Session::RemotePort => return Ok(Gates::None(NO_GATES)),
        Session::Shell | Session::Command => {}
    }
    let unnamed = || Unknown::limit("the session document's name");
    let named = document_name(case.scope).ok_or_else(unnamed)?;
    let by_aws = is_owned_by_aws(&named);
    let name = if by_aws { PREFERENCES.parse().map_err(|_| unnamed())? } else { named };
    let Some(document) = case.facts.document(&name).optional()? else {
        let saved = name.as_str() == PREFERENCES;
        return Ok(Gates::None(if saved {
            DEFAULTS
        } else {
            "the session document does not exist"
        }));
    };
    let content = document.content.json().ok_or_else(|| unreadable(&name))?;
    let preferences = Preferences { name, content };
    if by_aws && !preferences.asks_nothing() {
        return Err(Unknown::limit(
            "whether the account's session preferences apply to AWS's own session documents is not documented",
        ));
    }
    Ok(Gates::Apply(preferences))
}

impl Preferences<'_> {
    fn asks_nothing(&self) -> bool {
        ["s3BucketName", "cloudWatchLogGroupName", "kmsKeyId"]
            .iter()
            .all(|it| matches!(self.text(it), Ok(None)))
            && matches!(self.flag("runAsEnabled"), Ok(false))
    }

    fn input(&self, field: &str) -> Option<&'_ Value> {
        self.content.get("inputs").and_then(|it| it.get(field))
    }

    /// The type of session that the document opens.
    #[must_use]
    pub fn session_type(&self) -> &str {
        self.content.get("sessionType").and_then(Value::as_str).unwrap_or_default()
    }

    /// The commands that a shell begins with, by platform (`linux`, which holds for macOS too, or
    /// `windows`).
    #[must_use]
    pub fn has_shell_profile(&self) -> bool {
        let profiles = self.input("shellProfile").and_then(Value::as_object).into_iter().flatten();
        profiles.into_iter().any(|(_, it)| it.as_str().is_some_and(|it| !it.trim().is_empty()))
    }

    /// A text field; None when it is absent or empty.
    ///
    /// # Errors
    /// [`Unknown`] when the field is a document parameter or not a text.
    pub fn text(&self, field: &str) -> Result<Option<&str>, Unknown> {
        match self.input(field) {
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
        match self.input(field) {
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
    /// [`Unknown`] when the field cannot be read, or the key was not seen. What KMS says of keys that are
    /// another account's hangs on their policies, so there "not found" is no answer.
    pub fn key<'f>(&self, facts: &'f Facts) -> Result<Option<&'f Key>, Unknown> {
        let Some(raw) = self.text("kmsKeyId")? else { return Ok(None) };
        let name: KeyName = raw.parse().map_err(|_| self.misnamed("kmsKeyId", raw))?;
        let key = facts.key(&name).optional()?;
        if let (None, Ok(arn)) = (key, raw.parse::<Arn>())
            && arn.account() != facts.caller(&Ourselves::Us).required()?.account.as_str()
        {
            return Err(Unknown::limit(format!(
                "{arn} is a key of account {}, and does not show to this one",
                arn.account()
            )));
        }
        Ok(key)
    }

    /// As [`key`](Self::key), of a key too that does not show, where the preferences say which it is: an
    /// alias may stand for any.
    ///
    /// # Errors
    /// As there.
    pub fn guarded_key<'f>(&self, case: &Case<'f>) -> Result<Option<GuardedKey<'f>>, Unknown> {
        let unseen = match self.key(case.facts) {
            Ok(Some(key)) => return Ok(Some(GuardedKey::of(key))),
            Ok(None) => return Ok(None),
            Err(unknown) => unknown,
        };
        let (Some(raw), false) = (self.text("kmsKeyId")?, unseen.is_unasked()) else {
            return Err(unseen);
        };
        let caller = case.facts.caller(&Ourselves::Us).required()?;
        let arn = match raw.parse::<Arn>() {
            Ok(arn) => arn,
            Err(_) if raw.starts_with("alias/") => return Err(unseen),
            Err(_) => {
                let (partition, account) = (caller.arn.partition(), &caller.account);
                let arn = format!("arn:{partition}:kms:{}:{account}:key/{raw}", case.scope.region);
                arn.parse().map_err(Unknown::limit)?
            }
        };
        if !arn.resource().starts_with("key/") {
            return Err(unseen);
        }
        Ok(Some(GuardedKey { arn, policy: Err(unseen), context: Vec::new() }))
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
        let properties = self.content.get("properties").and_then(|it| it.get(platform));
        match properties.and_then(|it| it.get(field)) {
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(raw)) if is_parameter(raw) => Err(self.parameter(field, raw)),
            Some(Value::String(raw)) => Ok(raw.eq_ignore_ascii_case("true")),
            _ => Ok(false),
        }
    }

    fn parameter(&self, field: &str, raw: &str) -> Unknown {
        let default = match default_of(self.content, raw) {
            Some(value) => format!(" (by default {value})"),
            None => String::new(),
        };
        Unknown::limit(format!(
            "`{field}` in {} is {raw}, which is set when the session is started{default}",
            self.name
        ))
    }
}
