//! The operator may start a session on this target.
//!
//! `StartSession` is allowed on the target and on the document; this is the first half.

use crate::{
    prelude::*,
    solve::{
        access::{Access, Grant},
        operator::{Principal, principal},
        simulation::{resource_tags_wanted, target_arn},
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("may_start_session_on_target.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

pub(super) const START: &str = "ssm:StartSession";

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
    let target = target_arn(facts, scope)?;
    let answer = Access {
        principal: &operator,
        actions: &[START],
        resource: &target,
        grant: Grant::Inline { purpose: "start-session", actions: &[START], resource: &target },
        recovery: Recovery::NextSession,
    }
    .judge(facts, scope)?;
    let tags = resource_tags_wanted(facts, &operator, START, &target).join(", ");
    Ok(match answer {
        Verdict::Fail(evidence, fix) if !tags.is_empty() => {
            let note =
                observed(&scope.target, format!("lacks a tag that a policy asks for ({tags})"));
            Verdict::Fail(evidence.and(note), fix)
        }
        answer => answer,
    })
}
