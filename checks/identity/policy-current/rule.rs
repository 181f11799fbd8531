//! The agent's role has no policy that AWS has withdrawn.
//!
//! The ARN identifies it: a customer managed policy may have the same name. The simulator gives names only,
//! so the list of policies is asked for where the name comes up.

use crate::engine::permission::managed_policy;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    actions::{REGISTER, target_arn},
    identity::PermissionQuestion,
    managed_policies::INSTANCE_CORE,
    simulator,
};
use ssm_doctor_facts::change::{IamChange, PolicyHolder};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Advises,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

/// Source: Systems Manager user guide, "AWS managed policies for AWS Systems Manager".
const WITHDRAWN: &str = "AmazonEC2RoleforSSM";

fn run(case: &Case) -> Judged {
    let role = role(case)?;
    let (identity, target) = (role.identity(case.scope), target_arn(case)?);
    let question = PermissionQuestion { identity: &identity, action: REGISTER, resource: &target };
    if let Some(names) = simulator::deciding_policies(case, question)?
        && !names.iter().any(|name| name == WITHDRAWN)
    {
        let by = if names.is_empty() { "other policies".into() } else { names.join(", ") };
        return Ok(Verdict::Pass(observed(&role.name, format!("has its rights by {by}"))));
    }
    let Some((withdrawn, current)) =
        managed_policy(role.arn.partition(), &format!("service-role/{WITHDRAWN}"))
            .zip(managed_policy(role.arn.partition(), INSTANCE_CORE))
    else {
        return Ok(Verdict::NotApplicable("the role's partition has no such policy"));
    };
    let attached = case.facts.role_policies(&role.name).required()?;
    if !attached.managed.contains(&withdrawn) {
        let what = format!("does not have {withdrawn}");
        return Ok(Verdict::Pass(observed(&role.name, what)));
    }
    let holder = PolicyHolder::Role(role.name.to_string());
    let name = role.name.as_str();
    let option = FixOption::new(format!("replace {WITHDRAWN} with {INSTANCE_CORE} on {name}"))
        .after(format!("check what else {name} needs, such as its log group and its buckets: {WITHDRAWN} allowed much more"))
        .with(IamChange::AttachPolicy { to: holder.clone(), policy: current })
        .with(IamChange::DetachPolicy { from: holder, policy: withdrawn });
    Ok(Verdict::Fail(
        observed(
            name,
            format!(
                "has {WITHDRAWN}, which AWS has withdrawn: it cannot be attached anew, and gives more than sessions take"
            ),
        ),
        Fix::options([option], Recovery::NextSession),
    ))
}
