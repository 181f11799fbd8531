//! The session's document exists and says what the agent can read.
//!
//! The default document does not exist until preferences are saved once, which is fine; one that is
//! named must. A field of the wrong type ends in a blank screen or a refused session.

use crate::{
    prelude::*,
    solve::session::{self, PREFERENCES},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("document_readable.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let name = session::document_name(scope)
        .ok_or_else(|| Unknown::limit("the session document's name"))?;
    if let Some(kind) = session::type_by_aws(&name).filter(|_| session::is_owned_by_aws(&name)) {
        let evidence = observed(&name, format!("is AWS's own document, of type {kind}"));
        return Ok(if session::fits(kind, scope.session) {
            Verdict::Pass(evidence)
        } else {
            let summary = format!(
                "name a document that opens {}, or ask for another kind with --session",
                scope.session.phrase()
            );
            Verdict::Fail(evidence, Fix::new(summary, Recovery::NextSession))
        });
    }
    let Some(document) = facts.document(&name).optional()? else {
        if name.as_str() == PREFERENCES {
            return Ok(Verdict::Pass(observed(
                &name,
                "has never been saved, so the defaults hold",
            )));
        }
        return Ok(Verdict::Fail(
            observed(&name, format!("does not exist in {}", scope.region)),
            Fix::new(
                format!("name a session document of {}, or leave it out", scope.region),
                Recovery::NextSession,
            )
            .aws(scope, ["ssm", "list-documents", "--filters", "Key=DocumentType,Values=Session"]),
        ));
    };
    let Some(defect) = session::defect(&name, document, scope.session)? else {
        return Ok(Verdict::Pass(observed(&name, "is a session document that the agent can read")));
    };
    let fix = if document.kind == "Session" {
        let fix = Fix::new(
            format!("correct {name}, and make the new version its default"),
            Recovery::NextSession,
        );
        session::save(fix, scope, &name)
    } else {
        Fix::new("name a document of type Session", Recovery::NextSession)
            .aws(scope, ["ssm", "list-documents", "--filters", "Key=DocumentType,Values=Session"])
    };
    Ok(Verdict::Fail(observed(&name, defect), fix))
}
