//! What a `ProxyCommand` does to a session.
//!
//! ssh replaces `%h` and `%p` and hands the command to a shell. It speaks its protocol with whatever the
//! command's standard input and output lead to, so the command has to start a session by
//! `AWS-StartSSHSession`, to this target, in this Region.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::session;
use ssm_doctor_facts::{
    ids::{DocumentName, Region, Target},
    limit::WorkstationLimit,
    lookup::Unknown,
    scope::Scope,
    workstation::SshEntry,
};

/// The document that passes SSH through.
pub const DOCUMENT: &str = "AWS-StartSSHSession";

/// The command that AWS documents, on one line.
pub const COMMAND: &str = "ProxyCommand sh -c \"aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters 'portNumber=%p'\"";

/// Quotation marks that word processors and web pages put in place of `'` and `"`.
const CURLY: [char; 8] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛'];
const DASHES: [char; 4] = ['–', '—', '−', '‐'];

/// Why a configuration cannot start this SSH session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It goes by way of another host, by `ProxyJump` or else by a command that runs `ssh`, and no host is
    /// called as the target is.
    JumpToTarget {
        jump: Option<String>,
        target: Target,
    },
    TypographicQuotes {
        quote: char,
    },
    OpenQuotes,
    /// A word that begins with a dash that is no hyphen.
    Dash {
        word: String,
    },
    NoTarget,
    OtherTarget {
        found: String,
        target: Target,
    },
    /// Without a document it opens a shell.
    NoDocument,
    OtherDocument {
        document: String,
    },
    NoPort {
        found: String,
    },
    OtherRegion {
        found: String,
        region: Region,
    },
}

/// A command that starts a session.
#[derive(Debug)]
pub struct Tunnel {
    words: Vec<String>,
}

/// What a configuration does with the target.
#[derive(Debug)]
pub enum Way {
    /// It starts a session.
    Session(Tunnel),
    /// It does not, and cannot work: why.
    Broken(Defect),
    /// It goes another way.
    Elsewhere,
}

/// # Errors
/// [`Unknown`] where a `Match` line may say otherwise, or a program of one's own decides.
pub fn way(entry: &SshEntry, scope: &Scope) -> Result<Way, Unknown> {
    if let Some(other) = entry.perhaps.first() {
        return Err(Unknown::limit(WorkstationLimit::SshMatch { line: other.clone() }));
    }
    let id = scope.target.to_string();
    let named = entry.host_name.as_deref().unwrap_or(&entry.typed);
    let jumps = |jump: Option<&str>| {
        if named == id || named == "%h" {
            let (jump, target) = (jump.map(Into::into), scope.target.clone());
            Way::Broken(Defect::JumpToTarget { jump, target })
        } else {
            Way::Elsewhere
        }
    };
    let Some(command) = &entry.proxy_command else {
        let jump = entry.proxy_jump.as_deref().filter(|it| *it != "none");
        return Ok(jump.map_or(Way::Elsewhere, |host| jumps(Some(host))));
    };
    if let Some(quote) = command.chars().find(|letter| CURLY.contains(letter)) {
        return Ok(Way::Broken(Defect::TypographicQuotes { quote }));
    }
    let Some(words) = words(command) else {
        return Ok(Way::Broken(Defect::OpenQuotes));
    };
    if let Some(word) = words.iter().find(|it| it.starts_with(DASHES)) {
        return Ok(Way::Broken(Defect::Dash { word: word.clone() }));
    }
    if words.iter().any(|it| it == "start-session") {
        return Ok(Way::Session(Tunnel { words }));
    }
    let program = words.first().map(String::as_str).unwrap_or_default();
    match program.rsplit(['/', '\\']).next().unwrap_or_default() {
        "none" => Ok(Way::Elsewhere),
        "ssh" | "ssh.exe" => Ok(jumps(None)),
        _ => Err(Unknown::limit(WorkstationLimit::SshProgram { program: program.into() })),
    }
}

/// As a shell splits it, and again what stands in quotes for a second shell. None if quotes stay open.
fn words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for word in shlex::split(command)? {
        if word.contains(char::is_whitespace) && word.contains("start-session") {
            words.extend(self::words(&word)?);
        } else {
            words.push(word);
        }
    }
    Some(words)
}

impl Tunnel {
    /// The value of `--name value` or `--name=value`.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            if word == name {
                return words.next().map(String::as_str);
            }
            if let Some(value) = word.strip_prefix(name).and_then(|it| it.strip_prefix('=')) {
                return Some(value);
            }
        }
        None
    }

    /// What keeps it from being this SSH session, if anything.
    ///
    /// # Errors
    /// [`Unknown`] for what a shell makes up only then, and for documents of one's own.
    pub fn defect(&self, entry: &SshEntry, scope: &Scope) -> Result<Option<Defect>, Unknown> {
        let fixed = |name: &str| match self.option(name) {
            Some(value) if value.contains(['$', '`']) => {
                let (option, value) = (name.into(), value.into());
                Err(Unknown::limit(WorkstationLimit::SshOption { option, value }))
            }
            value => Ok(value),
        };
        let id = scope.target.to_string();
        let target = match fixed("--target")? {
            None => return Ok(Some(Defect::NoTarget)),
            Some("%h") => {
                entry.host_name.as_deref().filter(|it| *it != "%h").unwrap_or(&entry.typed)
            }
            Some("%n") => &entry.typed,
            Some(other) => other,
        };
        if target != id {
            let (found, target) = (target.into(), scope.target.clone());
            return Ok(Some(Defect::OtherTarget { found, target }));
        }
        match fixed("--document-name")? {
            None => return Ok(Some(Defect::NoDocument)),
            Some(document) if document.rsplit('/').next() == Some(DOCUMENT) => {}
            Some(document) => {
                let name: Option<DocumentName> = document.parse().ok();
                if name.as_ref().and_then(session::type_by_aws).is_some() {
                    return Ok(Some(Defect::OtherDocument { document: document.into() }));
                }
                if name != scope.document {
                    let document = document.into();
                    return Err(Unknown::limit(WorkstationLimit::SshDocument { document }));
                }
            }
        }
        if let Some(port) = fixed("--parameters")?.and_then(port) {
            let number = port.parse::<u16>().is_ok();
            if port != "%p" && !number {
                return Ok(Some(Defect::NoPort { found: port.into() }));
            }
        }
        match fixed("--region")? {
            Some(region) if region != scope.region.as_str() => {
                let (found, region) = (region.into(), scope.region.clone());
                Ok(Some(Defect::OtherRegion { found, region }))
            }
            _ => Ok(None),
        }
    }
}

/// The port of `portNumber=%p`, also as JSON.
fn port(parameters: &str) -> Option<&str> {
    let (_, rest) = parameters.split_once("portNumber")?;
    let rest = rest.trim_start_matches(['=', ':', '[', '"', '\'', ' ']);
    rest.split([',', ']', '"', '\'', ' ', '}']).next()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn scope() -> Scope {
        let scope = r#"{ "target": "i-0abc", "region": "eu-west-1", "at": "2026-11-23T03:00:00Z", "session": "ssh" }"#;
        serde_json::from_str(scope).unwrap()
    }

    /// `ok`, `elsewhere`, `unknown: …`, or the defect.
    fn found(command: &str) -> String {
        let entry = SshEntry {
            typed: "i-0abc".into(),
            place: "config".into(),
            host_name: None,
            proxy_command: Some(command.into()),
            proxy_jump: None,
            perhaps: Vec::new(),
        };
        let unknown = |it: Unknown| format!("unknown: {it:?}");
        match way(&entry, &scope()) {
            Ok(Way::Session(tunnel)) => match tunnel.defect(&entry, &scope()) {
                Ok(None) => "ok".into(),
                Ok(Some(defect)) => format!("{defect:?}"),
                Err(it) => unknown(it),
            },
            Ok(Way::Broken(defect)) => format!("{defect:?}"),
            Ok(Way::Elsewhere) => "elsewhere".into(),
            Err(it) => unknown(it),
        }
    }

    #[test]
    fn commands_as_people_write_them() {
        let rows = [
            (COMMAND.strip_prefix("ProxyCommand ").unwrap(), "ok"),
            (
                "aws --profile dev ssm start-session --target=%h --document-name=AWS-StartSSHSession --parameters portNumber=%p --region eu-west-1",
                "ok",
            ),
            (
                "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe \"aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters portNumber=%p\"",
                "ok",
            ),
            (
                "aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters '{\"portNumber\": [\"%p\"]}'",
                "ok",
            ),
            ("aws ssm start-session --target %n --document-name AWS-StartSSHSession", "ok"),
            (
                "aws ssm start-session --target i-0abc --document-name AWS-StartSSHSession --parameters portNumber=22",
                "ok",
            ),
            (
                "sh -c “aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters 'portNumber=%p'”",
                "TypographicQuotes",
            ),
            ("sh -c \"aws ssm start-session --target %h", "OpenQuotes"),
            (
                "sh -c \"aws ssm start-session --target %h --parameters 'portNumber=%p\"",
                "OpenQuotes",
            ),
            ("aws ssm start-session –target %h", "Dash"),
            ("aws ssm start-session --document-name AWS-StartSSHSession", "NoTarget"),
            ("aws ssm start-session --target %h", "NoDocument"),
            (
                "aws ssm start-session --target i-0def --document-name AWS-StartSSHSession",
                "OtherTarget { found: \"i-0def\"",
            ),
            (
                "aws ssm start-session --target %h --document-name AWS-StartPortForwardingSession",
                "OtherDocument",
            ),
            ("aws ssm start-session --target %h --document-name Ours", "unknown: "),
            (
                "aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters portNumber=%P",
                "NoPort { found: \"%P\"",
            ),
            (
                "aws ssm start-session --target %h --document-name AWS-StartSSHSession --region us-east-1",
                "OtherRegion { found: \"us-east-1\"",
            ),
            (
                "sh -c 'aws ssm start-session --target $(cat id) --document-name AWS-StartSSHSession'",
                "unknown: ",
            ),
            ("~/bin/ssh-ssm.sh %h %r", "unknown: "),
            ("ssh -W %h:%p bastion", "JumpToTarget"),
            ("/usr/bin/ssh -W %h:%p bastion", "JumpToTarget"),
            ("none", "elsewhere"),
        ];
        for (command, expected) in rows {
            let found = found(command);
            assert!(found.contains(expected), "{command}: {found}");
        }
    }

    #[test]
    fn a_jump_to_a_real_host_is_no_session() {
        let mut entry = SshEntry {
            typed: "web".into(),
            place: "config".into(),
            host_name: Some("10.0.0.5".into()),
            proxy_command: None,
            proxy_jump: Some("bastion".into()),
            perhaps: Vec::new(),
        };
        assert!(matches!(way(&entry, &scope()), Ok(Way::Elsewhere)));
        entry.host_name = Some("i-0abc".into());
        assert!(matches!(way(&entry, &scope()), Ok(Way::Broken(_))));
        entry.proxy_jump = Some("none".into());
        assert!(matches!(way(&entry, &scope()), Ok(Way::Elsewhere)));
        entry.perhaps = ["Match exec true".into()].into();
        assert!(way(&entry, &scope()).is_err());
    }
}
