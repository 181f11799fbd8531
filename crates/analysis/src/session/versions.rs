//! The session's document in two versions: its default version, and one that was saved later.
//!
//! AWS does not document which of them sessions use. Its console shows the default version of the preferences
//! (`CloudFormation` roadmap issue 2539), its own instructions for changing preferences save a version and never make it
//! the default ("Update Session Manager preferences (command line)"), and with a named document sessions were seen to
//! use the latest version (session-manager-plugin issue 112). So a verdict holds if both versions lead to it.

use alloc::string::String;

use super::name::{PREFERENCES, document_name, is_owned_by_aws};
use crate::case::Case;
use ssm_doctor_facts::{
    ids::DocumentName,
    limit::SessionLimit,
    lookup::{Facts, Row, Unknown},
    scope::Session,
    ssm::{Document, LaterVersion},
};

/// The document that decides what the session asks of the node: that of the session, or the preferences where AWS's
/// own document has none.
fn deciding_document(case: &Case) -> Option<DocumentName> {
    let named = document_name(case.scope).ok()?;
    match case.scope.session {
        Session::Ssh | Session::Port | Session::RemotePort if is_owned_by_aws(&named) => None,
        _ if is_owned_by_aws(&named) => PREFERENCES.parse().ok(),
        _ => Some(named),
    }
}

/// A document by its name, and its version that is later than the default one.
pub type Versions<'a> = (DocumentName, &'a Document, Option<&'a LaterVersion>);

/// The session's document, and its version that is later than the default one, if there is any.
///
/// # Errors
/// [`Unknown`] if the document was not seen. None if the account has no such document.
pub fn later_version<'a>(case: &Case<'a>) -> Result<Option<Versions<'a>>, Unknown> {
    let Some(name) = deciding_document(case) else { return Ok(None) };
    let document = case.facts.document(&name).optional()?;
    Ok(document.map(|document| (name, document, document.later.as_ref())))
}

/// The facts as they would be if the later version were the default. None if nothing would differ.
#[must_use]
pub fn with_later_version(case: &Case) -> Option<Facts> {
    let name = deciding_document(case)?;
    let document = case.facts.documents.get(&name)?.present()?;
    let later =
        document.with_later_as_default().filter(|later| later.content != document.content)?;
    let mut facts = case.facts.clone();
    facts.documents.insert(name, Row::Present(later));
    Some(facts)
}

/// Which of the two versions of the session's document is in use is not known.
#[must_use]
pub fn version_in_use(case: &Case) -> Unknown {
    match later_version(case) {
        Ok(Some((document, saved, Some(later)))) => Unknown::limit(SessionLimit::VersionInUse {
            document,
            default: saved.version.clone().unwrap_or_else(|| String::from("(unknown)")),
            later: later.version.clone(),
        }),
        Ok(_) => Unknown::limit(SessionLimit::DocumentName),
        Err(unknown) => unknown,
    }
}
