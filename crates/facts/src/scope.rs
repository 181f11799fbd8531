//! The question: which session, to which target, by whom.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    credentials::without_credentials,
    ids::{Arn, DocumentName, Region, Target},
    time::Timestamp,
};

/// Everything that a run is asked, apart from how to print it. Saved with the facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(clippy::struct_excessive_bools, reason = "each says whether one source is read")]
pub struct Scope {
    pub target: Target,
    pub region: Region,
    /// When the question was put: the "now" of every check, and the collection time of the facts.
    pub at: Timestamp,
    #[serde(default)]
    pub session: Session,
    /// The session document named on the command line, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentName>,
    /// Whose rights to judge; without it, the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Arn>,
    /// Is the machine at hand judged too, as the one that starts the session?
    #[serde(default, skip_serializing_if = "Client::is_unasked")]
    pub client: Client,
    /// Whose part in the session is judged.
    #[serde(default, skip_serializing_if = "Sides::is_both")]
    pub sides: Sides,
    /// Was a log of the agent given?
    #[serde(default, skip_serializing_if = "is_false")]
    pub agent_log: bool,
    /// Was the output of a probe given?
    #[serde(default, skip_serializing_if = "is_false")]
    pub probe: bool,
    /// May the user data be read?
    #[serde(default, skip_serializing_if = "is_false")]
    pub user_data: bool,
    /// May flow logs and query logs be read?
    #[serde(default, skip_serializing_if = "is_false")]
    pub deep: bool,
    /// The error message that the operator got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorText>,
}

/// An error message as somebody copied it: one line or a whole screen.
///
/// INVARIANT: not blank, without credentials, without control characters other than line breaks, and no longer than
/// [`Self::MOST`] characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct ErrorText(String);

impl ErrorText {
    /// Of a longer text the last characters are kept, because an error comes last.
    pub const MOST: usize = 8_000;

    /// The text; None if it is blank.
    #[must_use]
    pub fn new(raw: &str) -> Option<Self> {
        let raw = without_credentials(raw);
        let plain: Vec<char> = raw
            .trim()
            .chars()
            .map(|letter| if letter == '\t' { ' ' } else { letter })
            .filter(|letter| *letter == '\n' || !letter.is_control())
            .collect();
        let start = plain.len().saturating_sub(Self::MOST);
        let text: String = plain.into_iter().skip(start).collect();
        (!text.trim().is_empty()).then_some(Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ErrorText {
    type Error = &'static str;
    fn try_from(raw: String) -> Result<Self, &'static str> {
        Self::new(&raw).ok_or("an error message is not blank")
    }
}

impl From<ErrorText> for String {
    fn from(text: ErrorText) -> Self {
        text.0
    }
}

impl Scope {
    /// The same question about another kind of session, without the error message of the kind that was asked
    /// about.
    #[must_use]
    pub fn for_session(&self, session: Session) -> Self {
        Self { session, document: None, error: None, ..self.clone() }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Whose part in the session is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Sides {
    /// The operator's and the node's.
    #[default]
    Both,
    /// The node's alone: whoever starts sessions is not known yet.
    Node,
}

impl Sides {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_both(&self) -> bool {
        *self == Self::Both
    }
}

/// Whether the machine that the doctor runs on is taken for the operator's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Client {
    /// Nothing is said of it: in facts from before it was looked at.
    #[default]
    Unasked,
    /// It is, unless it turns out to have nothing to start sessions with.
    Here,
    /// It is not, by `--no-client`.
    Declined,
    /// It is not, since `CI` is set: whatever runs there, no operator sits at it.
    Ci,
}

impl Client {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_unasked(&self) -> bool {
        *self == Self::Unasked
    }
}

/// What the operator wants to open. Each kind passes different gates (see the analysis of sessions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Session {
    #[default]
    Shell,
    Ssh,
    Port,
    RemotePort,
    Command,
}

impl Session {
    pub const ALL: [Self; 5] =
        [Self::Shell, Self::Ssh, Self::Port, Self::RemotePort, Self::Command];

    /// As typed after `--session`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Ssh => "ssh",
            Self::Port => "port",
            Self::RemotePort => "remote-port",
            Self::Command => "command",
        }
    }

    /// For sentences: `an SSH session`.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Shell => "a shell session",
            Self::Ssh => "an SSH session",
            Self::Port => "a port forwarding session",
            Self::RemotePort => "a session that forwards a remote host's port",
            Self::Command => "a command session",
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Session {
    type Err = String;
    fn from_str(raw: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|it| it.as_str() == raw).ok_or_else(|| {
            alloc::format!(
                "`{raw}` is no kind of session: use shell, ssh, port, remote-port or command"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_text_is_plain_and_bounded() {
        let text = |raw: &str| ErrorText::new(raw).map(String::from);
        assert_eq!(text("\x1b[31m no\r\n\tway "), Some("[31m no\n way".into()));
        assert_eq!(text(" \r\n"), None);
        let long = alloc::format!("{}end", "x".repeat(20_000));
        let kept = text(&long).unwrap_or_default();
        assert_eq!((kept.chars().count(), kept.ends_with("end")), (ErrorText::MOST, true));
    }
}
