//! Systems Manager may hand the role to the node.
//!
//! The role of a hybrid node, and that of Default Host Management, are assumed by `ssm`, not `ec2`.
//! Its conditions on where the request comes from are compared with this account and Region: a wrong
//! one lets a node register and then refuses it fresh credentials. AWS documents that for activations;
//! what Default Host Management sends is not documented, so there a condition that does not hold decides
//! nothing, and no condition is proposed.

use alloc::vec;

use crate::engine::permission::{managed_policy, policy_document, set};
use crate::identity_remedies::{trust_statement, trusting};
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    actions::ASSUME,
    agent_identity::agent_role_path,
    identity::CredentialSource,
    managed_policies::{DEFAULT_HOST_MANAGEMENT, INSTANCE_CORE},
};
use ssm_doctor_facts::change::{IamChange, PolicyHolder};
use ssm_doctor_iam_policy as policy;
use ssm_doctor_iam_policy::{KeyValue, ServiceTrust};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let (name, source) = role_by_systems_manager(case)?;
    let caller = case.facts.caller(&Ourselves::Us).required()?;
    let (partition, account, region) =
        (caller.arn.partition(), &caller.account, &case.scope.region);
    let mut statement = trust_statement("ssm.amazonaws.com");
    if source == CredentialSource::Activation {
        // A role is global: nodes of other Regions may use it, too.
        let condition = serde_json::json!({
            "StringEquals": { "aws:SourceAccount": account },
            "ArnLike": { "aws:SourceArn": format!("arn:{partition}:ssm:*:{account}:*") },
        });
        set(&mut statement, "Condition", condition);
    }
    let Some(role) = case.facts.role(&name).optional()? else {
        let policy = match source {
            CredentialSource::HostManagement => DEFAULT_HOST_MANAGEMENT,
            CredentialSource::Activation | CredentialSource::InstanceProfile => INSTANCE_CORE,
        };
        let trust = policy_document(&[statement]);
        let path = agent_role_path(case, &name, source);
        let again = FixOption::new(format!("create {name} again, with {policy} attached"))
            .with(IamChange::CreateRole { role: name.clone(), path, trust });
        let again = match managed_policy(partition, policy) {
            Some(policy) => {
                let to = PolicyHolder::Role(name.to_string());
                again.with(IamChange::AttachPolicy { to, policy })
            }
            None => again,
        };
        return Ok(Verdict::Fail(
            observed(&name, "is the node's role and does not exist any more"),
            Fix::options([again], Recovery::Agent),
        ));
    };
    let here = vec![
        ("aws:SourceAccount", KeyValue::Exact(account.to_string())),
        ("aws:SourceArn", KeyValue::Prefix(format!("arn:{partition}:ssm:{region}:{account}:"))),
    ];
    let trust = policy::service_trust(&role.trust, &["ssm.amazonaws.com"], ASSUME, &here)?;
    let goes_around_conditions = matches!(trust, ServiceTrust::ConditionsNotMet(_));
    let evidence = match trust {
        ServiceTrust::Trusted => {
            return Ok(Verdict::Pass(observed(&name, "trusts ssm.amazonaws.com")));
        }
        ServiceTrust::NotTrusted => match policy::trusted_principals(&role.trust).as_slice() {
            [] => "does not trust ssm.amazonaws.com".into(),
            others => format!("does not trust ssm.amazonaws.com; it names {}", others.join(", ")),
        },
        ServiceTrust::ConditionsNotMet(keys) if source == CredentialSource::HostManagement => {
            let keys = keys.join(", ");
            return Err(Unknown::limit(format!(
                "whether conditions on {keys} in the trust policy of {name} hold for Default Host Management is not documented; for {account} in {region} they would not"
            )).into());
        }
        ServiceTrust::ConditionsNotMet(keys) => format!(
            "trusts ssm.amazonaws.com only under conditions on {} that do not hold for {account} in {region}",
            keys.join(", ")
        ),
    };
    let option = trusting("ssm.amazonaws.com", statement, &name, role, goes_around_conditions);
    Ok(Verdict::Fail(observed(&name, evidence), Fix::options([option], Recovery::Agent)))
}
