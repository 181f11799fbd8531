//! The policy of the `ssm` endpoint lets the agent ask for the role of Default Host Management.
//!
//! `ssm:RequestManagedInstanceRoleToken` is signed with the node's key, not with AWS credentials, on
//! hybrid nodes for certain: such a request has no principal, so that a policy which names accounts or
//! an organization (`aws:PrincipalOrgID`, `aws:PrincipalAccount`) allows no node. The keys
//! `ssm:NodeAccountId` and `ssm:NodeOrgId` are meant for it. Source: Systems Manager user guide, "VPC
//! endpoint policy considerations for hybrid nodes"; amazon-ssm-agent
//! `common/identity/availableidentities/ec2/ec2roleprovider/ssm_ec2_role_provider.go`.

use serde_json::json;

use crate::engine::permission::endpoint_policy::{EndpointPolicy, EndpointRequest};
use crate::identity_remedies::caller;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    actions::target_arn,
    agent_identity::agent_role,
    decision::denied_by_endpoint,
    identity::{CredentialSource, PermissionQuestion},
    request_context,
};
use ssm_doctor_iam_policy::{
    KeyValue, Principal, Request, RequestContext, RequestResource, ResourceOwner,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Filter,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::available::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

const TOKEN: &str = "ssm:RequestManagedInstanceRoleToken";

fn run(case: &Case) -> Judged {
    let policy = EndpointPolicy::on_path(case, "ssm", Recovery::Agent)?
        .or_not_applicable("ssm is not reached through an endpoint with a policy")?;
    if policy.is_open() {
        return Ok(Verdict::NotApplicable("the endpoint's policy allows everything"));
    }
    let role = match agent_role(case)? {
        Some(role) if role.source == CredentialSource::HostManagement => role,
        _ => {
            return Ok(Verdict::NotApplicable("the agent does not ask Systems Manager for a role"));
        }
    };
    let (id, target) = (&policy.endpoint.id, target_arn(case)?);
    let identity = role.identity(case.scope);
    let question = PermissionQuestion { identity: &identity, action: TOKEN, resource: &target };
    let signed = node(request_context::of(question, case)?, case);
    let signed = Request { context: &signed, ..question.request(None, &signed) };
    let anonymous = Principal::Anonymous;
    let context = node(unsigned(&anonymous, &signed), case);
    let unsigned = Request {
        principal: anonymous,
        action: TOKEN,
        resource: RequestResource::Exact(&target),
        owner: ResourceOwner::SameAccount,
        context: &context,
    };
    let of_unsigned = denied_by_endpoint(&unsigned, policy.endpoint, policy.text)?;
    let of_signed = denied_by_endpoint(&signed, policy.endpoint, policy.text)?;
    match (of_unsigned, of_signed) {
        (None, None) => {
            let how = format!("has a policy that allows {TOKEN}, signed or not");
            Ok(Verdict::Pass(observed(id, how)))
        }
        (Some(denial), Some(_)) => {
            let evidence = observed(
                &format!("{id} (ssm)"),
                format!(
                    "has a policy that {} {TOKEN}, by which the agent gets the role of Default Host Management",
                    policy.denial(&denial)
                ),
            );
            let statement = json!({
                "Effect": "Allow",
                "Principal": "*",
                "Action": [TOKEN, "ssm:RegisterManagedInstance", "ssm:UpdateManagedInstancePublicKey"],
                "Resource": "*",
                "Condition": { "StringEquals": { "ssm:NodeAccountId": identity.arn.account() } },
            });
            let title = format!(
                "let the policy of {id} allow the nodes of account {} to ask for their role",
                identity.arn.account()
            );
            let added = if denial.explicit { Vec::new() } else { Vec::from([statement]) };
            let request =
                EndpointRequest { action: TOKEN, resource: &target, granted: &target };
            let fix = policy.changed(title, &[(request, &denial)], None, &added);
            Ok(Verdict::Fail(evidence, fix))
        }
        _ => Err(Unknown::limit(format!(
            "whether the policy of {id} lets the agent on {} ask for its role ({TOKEN}): it asks who signed, and on hybrid nodes nobody has; ssm:NodeAccountId and ssm:NodeOrgId work for every node",
            case.scope.target
        )).into()),
    }
}

/// What is known of the node, whoever signs.
fn node(context: RequestContext, case: &Case) -> RequestContext {
    let account = caller(case).map(|caller| KeyValue::Exact(caller.account.to_string()));
    let organization = match case.facts.organization(&Ourselves::Us).optional() {
        Ok(Some(it)) => KeyValue::Exact(it.id.clone()),
        Ok(None) => KeyValue::Absent,
        Err(unknown) => KeyValue::Unknown(unknown),
    };
    let context = context.with("ssm:NodeOrgId", organization);
    match account {
        Some(account) => context.with("ssm:NodeAccountId", account),
        None => context,
    }
}

/// The context of the same request without a principal.
fn unsigned(anonymous: &Principal, signed: &Request) -> RequestContext {
    let mut context = RequestContext::for_principal(anonymous);
    for key in ["aws:SourceVpce", "aws:SourceVpc", "aws:RequestedRegion"] {
        if let Some(known) = signed.context.get(key) {
            context.set(key, known.clone());
        }
    }
    for key in ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:SourceAccount", "aws:userid"] {
        context.set(key, KeyValue::Absent);
    }
    context.with_others("aws:PrincipalTag/", KeyValue::Absent)
}
