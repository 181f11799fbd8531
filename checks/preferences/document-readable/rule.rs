//! The session's document exists and says what the agent can read.
//!
//! The default document does not exist until preferences are saved once, which is fine; one that is
//! named must. A field of the wrong type ends in a blank screen or a refused session.

use crate::preferences::runas_user_set::is_windows;
use crate::preferences_words::save;
use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Defect, Gates, PREFERENCES, Statement};
use ssm_doctor_facts::{change::SsmChange, ssm::Document, time::span};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let name = session::document_name(case.scope)?;
    if let Some(kind) = session::type_by_aws(&name).filter(|_| session::is_owned_by_aws(&name)) {
        let evidence = observed(&name, format!("is AWS's own document, of type {kind}"));
        return Ok(if session::fits(kind, case.scope.session) {
            Verdict::Pass(evidence)
        } else {
            let summary = format!(
                "name a document that opens {}, or ask for another kind with --session",
                case.scope.session.phrase()
            );
            Verdict::Fail(evidence, Fix::new(summary, Recovery::NextSession))
        });
    }
    let Some(document) = case.facts.document(&name).optional()? else {
        if name.as_str() == PREFERENCES {
            return Ok(Verdict::Pass(observed(
                &name,
                "has never been saved, so the defaults hold",
            )));
        }
        return Ok(Verdict::Fail(
            observed(&name, format!("does not exist in {}", case.scope.region)),
            list(Fix::new(
                format!("name a session document of {}, or leave it out", case.scope.region),
                Recovery::NextSession,
            )),
        ));
    };
    let saved = saved(&name, document, case.scope);
    let defect = session::defect(&name, document, case.scope.session)?;
    let wrong_type = defect.as_ref().is_some_and(Defect::is_of_wrong_type);
    let defect = match defect {
        Some(defect) => Some(observed(&name, Statement::Defect(defect))),
        None => for_platform(document, case)?.map(|defect| observed(&name, defect)),
    };
    let Some(evidence) = defect else {
        let mut evidence = observed(&name, "is a session document that the agent can read");
        if let Ok(Gates::Apply(preferences)) = session::gates(case)
            && let Ok(gates) = preferences.gates()
        {
            let shell_profile = preferences.has_shell_profile();
            let gates = Statement::Gates { gates, shell_profile };
            evidence = evidence.and(observed(&name, gates));
        }
        return Ok(Verdict::Pass(saved.map_or(evidence.clone(), |it| evidence.and(it))));
    };
    let fix = if wrong_type && name.as_str() != PREFERENCES {
        let summary =
            format!("name a document of type Session that opens {}", case.scope.session.phrase());
        list(Fix::new(summary, Recovery::NextSession))
    } else {
        let summary = format!("correct {name}, and make the new version its default");
        save(Fix::new(summary, Recovery::NextSession), &name)
    };
    Ok(Verdict::Fail(saved.map_or(evidence.clone(), |it| evidence.and(it)), fix))
}

/// Commands are written for each platform apart, and the node has one.
fn for_platform(document: &Document, case: &Case) -> Result<Option<String>, Unknown> {
    let platforms = session::platforms(document);
    if case.scope.session != Session::Command || platforms.len() == session::PLATFORMS.len() {
        return Ok(None);
    }
    let windows = is_windows(case)?;
    // macOS takes what is written for Linux, where nothing is written for it.
    let served = platforms.iter().any(|it| (*it == "windows") == windows);
    Ok((!served).then(|| {
        let wanted = if windows { "Windows" } else { "Linux or macOS" };
        let found = platforms.join(" and ");
        format!("names commands for {found} only, and the node runs {wanted}")
    }))
}

fn list(fix: Fix) -> Fix {
    fix.with(SsmChange::ListSessionDocuments)
}

/// One document serves a whole account and Region, and anybody may have saved it last.
fn saved(name: &DocumentName, document: &Document, scope: &Scope) -> Option<Evidence> {
    let version = document.version.as_deref()?;
    let at = document.created_at.map_or(String::new(), |it| {
        format!(", saved {} ago (at {it})", span(it.until(scope.at).max(0)))
    });
    Some(observed(name, format!("is in force as version {version}{at}")))
}
