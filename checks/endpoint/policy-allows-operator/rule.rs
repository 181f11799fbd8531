//! The policy of the `ssm` endpoint lets operators inside the VPC start this session.
//!
//! Whether the operator calls from inside is not known, so a refusal is advice. Perimeter policies
//! that ask for the organization's own resources shut out the documents that AWS owns, which belong to
//! no organization of ours: shells open, and SSH and port forwarding do not.

use crate::endpoint::policy_allows_agent::{open_to_all, passes, policy_on_the_way};
use crate::prelude::*;
use ssm_doctor_analysis::{
    permissions::{
        context::{START, document_arn, target_arn},
        judge::Question,
        operator,
    },
    session,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Filter,
    impact: Impact::Advises,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::available::CHECK,
        &super::policy_allows_agent::CHECK,
        &crate::operator::in_account_and_region::CHECK,
    ],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some((endpoint, text)) = policy_on_the_way(case, "ssm")? else {
        return Ok(Verdict::NotApplicable("ssm is not reached through an endpoint with a policy"));
    };
    if let Some(open) = open_to_all(endpoint, text) {
        return Ok(open);
    }
    let who = operator::who(case)?;
    let name = session::document_name(case.scope)?;
    let (target, document) = (target_arn(case)?, document_arn(case, &name)?);
    // What the service asks for a default document is not documented.
    let named = case.scope.session != Session::Shell || case.scope.document.is_some();
    let resources = core::iter::once(target).chain(named.then_some(document));
    let answer = all_of(resources, "nothing is asked of it", |resource| {
        let question = Question { who: &who, action: START, resource: &resource };
        let answer = passes(question, ("ssm", endpoint, text), case)?;
        Ok(match answer {
            Verdict::Fail(evidence, fix) => Verdict::Fail(
                evidence.and(observed(&resource, "is what it would not let start")),
                fix,
            ),
            answer => answer,
        })
    })?;
    Ok(match answer {
        Verdict::Fail(evidence, fix) => Verdict::Fail(
            evidence.and(observed(
                who.name(),
                "is held up by it only when calling from inside the VPC",
            )),
            Fix { recovery: Recovery::NextSession, ..fix },
        ),
        answer => answer,
    })
}
