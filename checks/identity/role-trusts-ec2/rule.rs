//! EC2 may hand the role to the instance.

use crate::identity_remedies::{trust_statement, trusting};
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    actions::{ASSUME, EC2},
    agent_identity::{host_management, host_management_not_seen},
    instance_profile::profile_role,
};
use ssm_doctor_facts::limit::ProfileProblem;
use ssm_doctor_iam_policy as policy;
use ssm_doctor_iam_policy::{KeyValue, ServiceTrust};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::profile_attached::CHECK,
        &super::profile_contains_role::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    if case.scope.target.instance().is_none() {
        return Ok(Verdict::NotApplicable("a hybrid node's role is given by Systems Manager"));
    }
    let role = profile_role(case)?.or_not_applicable("the instance has no role of a profile")?;
    let found = case.facts.role(&role.name).required()?;
    let trust = &found.trust;
    // EC2 has no place to set one. Source: EC2 user guide, "IAM roles for Amazon EC2".
    let context = [("sts:ExternalId", KeyValue::Absent)];
    let trusted = policy::service_trust(trust, &EC2, ASSUME, &context)?;
    let goes_around_conditions = matches!(trusted, ServiceTrust::ConditionsNotMet(_));
    let evidence = match trusted {
        ServiceTrust::Trusted => {
            return Ok(Verdict::Pass(observed(&role.name, "trusts ec2.amazonaws.com")));
        }
        ServiceTrust::NotTrusted => match policy::trusted_principals(trust).as_slice() {
            [] => "does not trust ec2.amazonaws.com".into(),
            others => format!("does not trust ec2.amazonaws.com; it names {}", others.join(", ")),
        },
        ServiceTrust::ConditionsNotMet(keys) => {
            let keys = keys.join(", ");
            format!("trusts ec2.amazonaws.com only under conditions on {keys} that do not hold")
        }
    };
    let id = case.scope.target.instance();
    let served = host_management(case.facts).map_err(|unknown| match id {
        Some(id) => host_management_not_seen(id, ProfileProblem::NoRole, unknown),
        None => unknown,
    });
    if served?.is_some() {
        return Ok(Verdict::NotApplicable(
            "the agent does not get the profile's role, and Default Host Management serves instead",
        ));
    }
    let service = "ec2.amazonaws.com";
    let statement = trust_statement(service);
    let option = trusting(service, statement, &role.name, found, goes_around_conditions);
    Ok(Verdict::Fail(observed(&role.name, evidence), Fix::options([option], Recovery::Agent)))
}
