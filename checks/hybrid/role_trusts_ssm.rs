//! Systems Manager may hand the role to the node.
//!
//! The role of a hybrid node, and that of Default Host Management, are assumed by `ssm`, not `ec2`.
//! Its conditions on where the request comes from are compared with this account and Region: a wrong
//! one lets a node register and then refuses it fresh credentials.

use alloc::vec;

use crate::{
    prelude::*,
    solve::{
        credentials::{ASSUME, Source, agent_role_name},
        policy::{self, Known, Trust},
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("role_trusts_ssm.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
    ],
    proves: &[],
    run,
};

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let name = match agent_role_name(facts, scope)? {
        Some((name, Source::Activation | Source::HostManagement)) => name,
        Some((_, Source::InstanceProfile)) => {
            return Ok(Verdict::NotApplicable("the agent uses the role of its instance profile"));
        }
        None => return Ok(Verdict::NotApplicable("the agent has no role")),
    };
    let caller = facts.caller(&Ourselves::Us).required()?;
    let (partition, account, region) = (caller.arn.partition(), &caller.account, &scope.region);
    let source = format!("arn:{partition}:ssm:{region}:{account}:");
    let document = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": { "Service": "ssm.amazonaws.com" },
            "Action": ASSUME,
            "Condition": {
                "StringEquals": { "aws:SourceAccount": account },
                "ArnEquals": { "aws:SourceArn": format!("{source}*") },
            },
        },
    })
    .to_string();
    let Some(role) = facts.role(&name).optional()? else {
        return Ok(Verdict::Fail(
            observed(&name, "is the node's role and does not exist any more"),
            Fix::new(
                format!("make {name} again, with AmazonSSMManagedInstanceCore attached"),
                Recovery::Agent,
            )
            .aws(
                scope,
                [
                    "iam",
                    "create-role",
                    "--role-name",
                    name.as_str(),
                    "--assume-role-policy-document",
                    &document,
                ],
            ),
        ));
    };
    let here = vec![
        ("aws:SourceAccount", Known::Exactly(account.to_string())),
        ("aws:SourceArn", Known::Under(source)),
    ];
    let evidence = match policy::trusts(&role.trust, &["ssm.amazonaws.com"], ASSUME, &here)? {
        Trust::Given => {
            return Ok(Verdict::Pass(observed(&name, "trusts ssm.amazonaws.com")));
        }
        Trust::Absent => match policy::trusted(&role.trust).as_slice() {
            [] => "does not trust ssm.amazonaws.com".into(),
            others => format!("does not trust ssm.amazonaws.com; it names {}", others.join(", ")),
        },
        Trust::Elsewhere(keys) => format!(
            "trusts ssm.amazonaws.com only under conditions on {keys} that do not hold for {account} in {region}"
        ),
    };
    Ok(Verdict::Fail(
        observed(&name, evidence),
        Fix::new(
            format!("let ssm.amazonaws.com assume {name} for this account and Region (this replaces its whole trust policy: keep what else it needs)"),
            Recovery::Agent,
        )
        .aws(
            scope,
            [
                "iam",
                "update-assume-role-policy",
                "--role-name",
                name.as_str(),
                "--policy-document",
                &document,
            ],
        ),
    ))
}
