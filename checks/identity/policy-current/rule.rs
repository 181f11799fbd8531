//! The agent's role has no policy that AWS has withdrawn.
//!
//! Told by its ARN: anybody may name a policy of their own alike. The simulator gives names only, so
//! the list of policies is asked for where the name comes up.

use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    context::target_arn,
    credentials::{REGISTER, agent_role},
    judge::Question,
    simulation,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Advises,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

/// Source: Systems Manager user guide, "AWS managed policies for AWS Systems Manager".
const WITHDRAWN: &str = "AmazonEC2RoleforSSM";

fn run(case: &Case) -> Answer {
    let Some(role) = agent_role(case)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let (who, target) = (role.who(case.scope), target_arn(case)?);
    let question = Question { who: &who, action: REGISTER, resource: &target };
    if let Some(names) = simulation::deciding_policies(case.facts, question)?
        && !names.iter().any(|it| it == WITHDRAWN)
    {
        let by = if names.is_empty() { "other policies".into() } else { names.join(", ") };
        return Ok(Verdict::Pass(observed(&role.name, format!("has its rights by {by}"))));
    }
    let arn = format!("arn:{}:iam::aws:policy/service-role/{WITHDRAWN}", role.arn.partition());
    let attached = case.facts.role_policies(&role.name).required()?;
    if !attached.managed.iter().any(|it| it.as_str() == arn) {
        let what = format!("does not have {arn}");
        return Ok(Verdict::Pass(observed(&role.name, what)));
    }
    let current =
        format!("arn:{}:iam::aws:policy/AmazonSSMManagedInstanceCore", role.arn.partition());
    let name = role.name.as_str();
    Ok(Verdict::Fail(
        observed(
            name,
            format!("has {WITHDRAWN}, which AWS has withdrawn: it cannot be attached anew, and gives more than sessions take"),
        ),
        Fix::new(
            format!("attach AmazonSSMManagedInstanceCore to {name} in place of {WITHDRAWN}, with what else its logs and buckets need"),
            Recovery::NextSession,
        )
        .aws(["iam", "attach-role-policy", "--role-name", name, "--policy-arn", &current])
        .aws(["iam", "detach-role-policy", "--role-name", name, "--policy-arn", &arn]),
    ))
}
