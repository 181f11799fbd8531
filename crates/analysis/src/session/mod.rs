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
mod name;
mod outcome;
mod preferences;
mod versions;

use document::unreadable;
pub use document::{PLATFORMS, defect, fits, opens, platforms, type_by_aws};
pub use name::{PREFERENCES, document_name, is_owned_by_aws};
pub use outcome::{Defect, FieldType, Gate, Statement};
pub use preferences::{GuardedKey, Preferences, UnfitKey, unfit_key};
pub use versions::{later_version, version_in_use, with_later_version};

use core::cell::OnceCell;

use crate::case::Case;
use ssm_doctor_facts::{ids::DocumentName, limit::SessionLimit, lookup::Unknown, scope::Session};

/// Does the document of a command session open a terminal?
///
/// # Errors
/// [`Unknown`] when the document was not seen, or says nothing of the kind.
pub fn is_interactive(case: &Case) -> Result<bool, Unknown> {
    let name = document_name(case.scope)?;
    if let Some(kind) = type_by_aws(&name).filter(|_| is_owned_by_aws(&name)) {
        return Ok(kind == "InteractiveCommands");
    }
    let document = case.facts.document(&name).optional()?;
    let kind = document.and_then(|it| it.content.json()?.get("sessionType")?.as_str());
    match kind {
        Some("InteractiveCommands") => Ok(true),
        Some("NonInteractiveCommands") => Ok(false),
        _ => Err(Unknown::limit(SessionLimit::KindOfCommands { document: name })),
    }
}

/// The preferences in force, or why there are none.
pub enum Gates<'a> {
    /// The session passes no gate: why.
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
    match case.results::<KnownGates>().0.get_or_init(|| find_gates(case)).clone()? {
        Found::None(reason) => Ok(Gates::None(reason)),
        Found::Apply(name) => {
            let document = case.facts.document(&name).required()?;
            let content = document.content.json().ok_or_else(|| unreadable(&name))?;
            Ok(Gates::Apply(Preferences { name, content }))
        }
    }
}

/// [`gates`], as a case keeps them.
#[derive(Default)]
struct KnownGates(OnceCell<Result<Found, Unknown>>);

#[derive(Clone)]
enum Found {
    None(&'static str),
    /// Those of this document.
    Apply(DocumentName),
}

fn find_gates(case: &Case) -> Result<Found, Unknown> {
    match case.scope.session {
        Session::Ssh | Session::Port | Session::RemotePort => {
            return Ok(Found::None(NO_GATES));
        }
        Session::Shell | Session::Command => {}
    }
    let named = document_name(case.scope)?;
    let by_aws = is_owned_by_aws(&named);
    let name = if by_aws {
        PREFERENCES.parse().map_err(|_| Unknown::limit(SessionLimit::DocumentName))?
    } else {
        named
    };
    let Some(document) = case.facts.document(&name).optional()? else {
        let saved = name.as_str() == PREFERENCES;
        return Ok(Found::None(if saved {
            DEFAULTS
        } else {
            "the session document does not exist"
        }));
    };
    let content = document.content.json().ok_or_else(|| unreadable(&name))?;
    let preferences = Preferences { name, content };
    if by_aws && !preferences.asks_nothing() {
        return Err(Unknown::limit(SessionLimit::DocumentOfAws));
    }
    Ok(Found::Apply(preferences.name))
}
