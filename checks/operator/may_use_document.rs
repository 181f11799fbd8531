//! The operator may use the session's document.
//!
//! `StartSession` is allowed on the target and on the document; this is the second half. A document
//! that is named must be allowed. For the shell's default document AWS's guides have changed their
//! mind, and what the service does is not documented: a denial there stays unknown.

use crate::{
    prelude::*,
    solve::{
        access::{Access, Grant},
        operator::{Principal, principal},
        session,
        simulation::{resource_tags_wanted, target_arn},
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("may_use_document.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

use super::may_start_session_on_target::START;

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let operator = match principal(facts, scope)? {
        Principal::Root(arn) => {
            return Ok(Verdict::Pass(observed(
                &arn,
                "is the root user, whom no policy of the account limits",
            )));
        }
        Principal::Named(arn) => arn,
    };
    let name = session::document_name(scope)
        .ok_or_else(|| Unknown::limit("the session document's name"))?;
    let document = document_arn(facts, scope, &name)?;
    let access = Access {
        principal: &operator,
        actions: &[START],
        resource: &document,
        grant: Grant::Inline { purpose: "start-session", actions: &[START], resource: &document },
        recovery: Recovery::NextSession,
    };
    let answer = access.judge(facts, scope);
    let tags = resource_tags_wanted(facts, &operator, START, &document).join(", ");
    match answer {
        // Once the simulation is there: a tag of the account's own document was asked for.
        Err(unknown) if !tags.is_empty() => Err(unknown.and(Unknown::limit(format!(
            "{} may use {name} only if it carries a tag ({tags}); documents seldom do: allow them in a statement of their own",
            operator.name()
        )))),
        Ok(Verdict::Fail(..)) if scope.session == Session::Shell && scope.document.is_none() => {
            Err(Unknown::limit(format!(
                "{} has no {START} on {name} and is likely denied: AWS's current guide asks for it, an older one did not, and what the service does is not documented",
                operator.name()
            )))
        }
        Ok(Verdict::Fail(evidence, fix)) if !tags.is_empty() => {
            let mut note = observed(&document, format!("has no tags, and a statement asks for {tags}"));
            // Only to explain: allowed on the target by the very statement that misses the document.
            let target = target_arn(facts, scope).unwrap_or_default();
            let on_target = Access { resource: &target, ..access };
            if matches!(on_target.judge(facts, scope), Ok(Verdict::Pass(_))) {
                note = note.and(observed(
                    operator.name(),
                    format!("may {START} on the target by its tags; the document needs a statement of its own"),
                ));
            }
            Ok(Verdict::Fail(evidence.and(note), fix))
        }
        answer => answer,
    }
}

/// AWS's own documents have no account in their ARN.
fn document_arn(facts: &Facts, scope: &Scope, name: &DocumentName) -> Result<String, Unknown> {
    if name.as_str().starts_with("arn:") {
        return Ok(name.to_string());
    }
    let caller = facts.caller(&Ourselves::Us).required()?;
    let (partition, region) = (caller.arn.partition(), &scope.region);
    let account = if session::is_owned_by_aws(name) { "" } else { caller.account.as_str() };
    Ok(format!("arn:{partition}:ssm:{region}:{account}:document/{name}"))
}
