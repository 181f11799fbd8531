//! The policy of the `ssm` endpoint lets operators inside the VPC start this session.
//!
//! Whether the operator calls from inside is not known, so a refusal is advice. Perimeter policies
//! that require the organization's own resources deny the documents that AWS owns, which do not belong to
//! the organization: shells open, and SSH and port forwarding do not.

use crate::engine::permission::endpoint_policy::{EndpointPolicy, EndpointRequest};
use crate::prelude::*;
use ssm_doctor_analysis::{
    permissions::{
        actions::{START, document_arn, target_arn},
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
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let policy = EndpointPolicy::on_path(case, "ssm", Recovery::NextSession)?
        .or_not_applicable("ssm is not reached through an endpoint with a policy")?;
    if let Some(open) = policy.allows_everything() {
        return Ok(open);
    }
    let identity = operator::identity(case)?;
    let name = session::document_name(case.scope)?;
    let (target, document) = (target_arn(case)?, document_arn(case, &name)?);
    // What the service asks for a default document is not documented.
    let named = case.scope.session != Session::Shell || case.scope.document.is_some();
    let resources: Vec<String> =
        core::iter::once(target).chain(named.then_some(document)).collect();
    let asked = |resource| EndpointRequest { action: START, resource, granted: resource };
    let verdict = all_of(&resources, "nothing is asked of it", |resource| {
        Ok(match policy.judge(&identity, &[asked(resource)], case)? {
            Verdict::Fail(evidence, fix) => Verdict::Fail(
                evidence.and(observed(resource, "is what it would not let start")),
                fix,
            ),
            other => other,
        })
    })?;
    let Verdict::Fail(evidence, _) = verdict else { return Ok(verdict) };
    // One fix for both, because a policy is replaced as a whole.
    let both: Vec<EndpointRequest> =
        resources.iter().map(|resource| asked(resource.as_str())).collect();
    let Verdict::Fail(_, fix) = policy.judge(&identity, &both, case)? else {
        return Ok(Verdict::NotApplicable("nothing is asked of it"));
    };
    Ok(Verdict::Fail(
        evidence.and(observed(
            identity.name(),
            "is held up by it only when calling from inside the VPC",
        )),
        fix,
    ))
}
