//! The operator may start a session on this target.
//!
//! `StartSession` is allowed on the target and on the document; this is the first half.

use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    access::{Access, Grant},
    context::{START, target_arn},
    judge::Question,
    operator,
    simulation::resource_tags_wanted,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::in_account_and_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let who = operator::who(case)?;
    let target = target_arn(case)?;
    let access = Access {
        who: &who,
        actions: &[START],
        resource: &target,
        grant: Grant::Inline { purpose: "start-session", actions: &[START], resource: &target },
        recovery: Recovery::NextSession,
    };
    if who.is_root() {
        return root(access, case);
    }
    let answer = access.judge(case)?;
    let question = Question { who: &who, action: START, resource: &target };
    let tags = resource_tags_wanted(case.facts, question).join(", ");
    Ok(match answer {
        Verdict::Fail(evidence, fix) if !tags.is_empty() => {
            let note = observed(
                &case.scope.target,
                format!("lacks a tag that a policy asks for ({tags})"),
            );
            Verdict::Fail(evidence.and(note), fix)
        }
        answer => answer,
    })
}

/// The root user, whom nothing limits but the organization.
pub(super) fn root(access: Access, case: &Case) -> Answer {
    Ok(match access.judge(case)? {
        Verdict::Pass(_) => Verdict::Pass(observed(
            &access.who.arn,
            "is the root user, whom no policy of the account limits, and none of an organization stops it",
        )),
        answer => answer,
    })
}
