//! Systems Manager may hand the role to the node.
//!
//! The role of a hybrid node, and that of Default Host Management, are assumed by `ssm`, not `ec2`.
//! Its conditions on where the request comes from are compared with this account and Region: a wrong
//! one lets a node register and then refuses it fresh credentials. AWS documents that for activations;
//! what Default Host Management sends along nobody has confirmed, so there a condition that does not
//! hold is no verdict, and none is proposed.

use alloc::vec;

use crate::prelude::*;
use ssm_doctor_analysis::permissions::credentials::{
    ASSUME, Source, agent_role_name, agent_role_path,
};
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
    run,
};

fn run(case: &Case) -> Answer {
    let (name, source) = match agent_role_name(case)? {
        Some((name, source @ (Source::Activation | Source::HostManagement))) => (name, source),
        Some((_, Source::InstanceProfile)) => {
            return Ok(Verdict::NotApplicable("the agent uses the role of its instance profile"));
        }
        None => return Ok(Verdict::NotApplicable("the agent has no role")),
    };
    let caller = case.facts.caller(&Ourselves::Us).required()?;
    let (partition, account, region) =
        (caller.arn.partition(), &caller.account, &case.scope.region);
    let mut statement = serde_json::json!({
        "Effect": "Allow",
        "Principal": { "Service": "ssm.amazonaws.com" },
        "Action": ASSUME,
    });
    if source == Source::Activation
        && let Some(statement) = statement.as_object_mut()
    {
        // A role is global: nodes of other Regions may use it, too.
        let condition = serde_json::json!({
            "StringEquals": { "aws:SourceAccount": account },
            "ArnLike": { "aws:SourceArn": format!("arn:{partition}:ssm:*:{account}:*") },
        });
        statement.insert("Condition".into(), condition);
    }
    let document =
        serde_json::json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
    let Some(role) = case.facts.role(&name).optional()? else {
        let policy = match source {
            Source::HostManagement => "AmazonSSMManagedEC2InstanceDefaultPolicy",
            Source::Activation | Source::InstanceProfile => "AmazonSSMManagedInstanceCore",
        };
        let path = agent_role_path(case, &name, source);
        let path = path.as_ref().map(|it| ["--path", it.as_str()]).into_iter().flatten();
        let create = ["iam", "create-role", "--role-name", name.as_str()]
            .into_iter()
            .chain(path)
            .chain(["--assume-role-policy-document", &document]);
        return Ok(Verdict::Fail(
            observed(&name, "is the node's role and does not exist any more"),
            Fix::new(format!("make {name} again, with {policy} attached"), Recovery::Agent)
                .aws(create)
                .aws([
                    "iam",
                    "attach-role-policy",
                    "--role-name",
                    name.as_str(),
                    "--policy-arn",
                    &format!("arn:{partition}:iam::aws:policy/{policy}"),
                ]),
        ));
    };
    let here = vec![
        ("aws:SourceAccount", KeyValue::Exact(account.to_string())),
        ("aws:SourceArn", KeyValue::Prefix(format!("arn:{partition}:ssm:{region}:{account}:"))),
    ];
    let evidence = match policy::service_trust(&role.trust, &["ssm.amazonaws.com"], ASSUME, &here)?
    {
        ServiceTrust::Trusted => {
            return Ok(Verdict::Pass(observed(&name, "trusts ssm.amazonaws.com")));
        }
        ServiceTrust::NotTrusted => match policy::trusted_principals(&role.trust).as_slice() {
            [] => "does not trust ssm.amazonaws.com".into(),
            others => format!("does not trust ssm.amazonaws.com; it names {}", others.join(", ")),
        },
        ServiceTrust::ConditionsNotMet(keys) if source == Source::HostManagement => {
            let keys = keys.join(", ");
            return Err(Unknown::limit(format!(
                "whether conditions on {keys} in the trust policy of {name} hold for Default Host Management is not documented; for {account} in {region} they would not"
            )));
        }
        ServiceTrust::ConditionsNotMet(keys) => format!(
            "trusts ssm.amazonaws.com only under conditions on {} that do not hold for {account} in {region}",
            keys.join(", ")
        ),
    };
    Ok(Verdict::Fail(
        observed(&name, evidence),
        Fix::new(
            format!("let ssm.amazonaws.com assume {name} (this replaces its whole trust policy: keep what else it needs)"),
            Recovery::Agent,
        )
        .aws([
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
