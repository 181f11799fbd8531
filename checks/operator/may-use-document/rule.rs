//! The operator may use the session's document.
//!
//! `StartSession` is allowed on the target and on the document; this is the second half. A document
//! that is named must be allowed. For the shell's default document AWS's old and new guides differ, and
//! what the service does is not documented: a denial there stays unknown, unless the policy itself asks
//! for the check with `ssm:SessionDocumentAccessCheck`, on which both guides agree.

use crate::engine::permission::{Grant, Permission};
use crate::engine::words::sentence;
use crate::operator::may_start_session_on_target::root;
use crate::operator_remedies::start;
use crate::prelude::*;
use ssm_doctor_analysis::{
    permissions::{
        actions::{START, document_arn, target_arn},
        decision::depends_on_key,
        identity::PermissionQuestion,
        operator,
        simulator::resource_tags_wanted,
    },
    session,
};
use ssm_doctor_facts::limit::LikelyFault;
use ssm_doctor_iam_policy::KeyValue;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::in_account_and_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let identity = operator::identity(case)?;
    let name = session::document_name(case.scope)?;
    let document = document_arn(case, &name)?;
    let grant = start(&identity, &document, case)?;
    let permission = Permission {
        identity: &identity,
        actions: &[START],
        resource: &document,
        grant: Grant::Inline(&grant),
        recovery: Recovery::NextSession,
    };
    if identity.is_root() {
        return Ok(root(permission, case)?);
    }
    let judged = permission.judge(case);
    let question = PermissionQuestion { identity: &identity, action: START, resource: &document };
    let tags = resource_tags_wanted(case, question).join(", ");
    let target = target_arn(case)?;
    match judged {
        // Once the simulation is there: a tag of the account's own document was asked for.
        Err(unknown) if !tags.is_empty() => Err(NoVerdict::Unknown(unknown.and(Unknown::limit(format!(
            "{} may use {name} only if it carries a tag ({tags}); documents seldom do: allow them in a statement of their own",
            identity.name()
        ))))),
        Ok(Verdict::Fail(evidence, fix))
            if case.scope.session == Session::Shell && case.scope.document.is_none() =>
        {
            let on_target = PermissionQuestion { resource: &target, ..question };
            let key = "ssm:SessionDocumentAccessCheck";
            let likely = || {
                let lacks = evidence.iter().map(sentence).collect::<Vec<_>>().join("; ");
                let words = format!(
                    "{lacks}, and the session is likely denied: AWS's current guide asks for this permission, an older one did not, and what the service does is not documented"
                );
                let options = fix.remedies.iter().flat_map(|remedy| match remedy {
                    Remedy::Options(options) => options.as_slice(),
                    _ => &[],
                });
                let mut complete =
                    options.filter(|it| !it.changes.is_empty() && it.manual.is_empty()).cloned();
                match complete.next() {
                    Some(FixOption { title, changes, .. }) => {
                        Unknown::limit(LikelyFault { words, title, changes })
                    }
                    None => Unknown::limit(words),
                }
            };
            match depends_on_key(on_target, key, KeyValue::Exact("false".into()), case) {
                Ok(true) => Ok(Verdict::Fail(
                    evidence.and(observed(
                        identity.name(),
                        format!("may {START} on the target under {key}, which makes the service look at the document as well"),
                    )),
                    fix,
                )),
                Ok(false) => Err(likely().into()),
                Err(unknown) => Err(likely().and(unknown).into()),
            }
        }
        Ok(Verdict::Fail(evidence, fix)) if !tags.is_empty() => {
            let mut note = observed(&document, format!("has no tags, and a statement asks for {tags}"));
            // Only to explain: allowed on the target by the very statement that misses the document.
            let on_target = Permission { resource: &target, ..permission };
            if matches!(on_target.judge(case), Ok(Verdict::Pass(_))) {
                note = note.and(observed(
                    identity.name(),
                    format!("may {START} on the target by its tags; the document needs a statement of its own"),
                ));
            }
            Ok(Verdict::Fail(evidence.and(note), fix))
        }
        other => Ok(other?),
    }
}
