//! The agent's role has no policy that AWS has withdrawn.
//!
//! The ARN identifies it: a customer managed policy may have the same name. The simulator gives names only,
//! so the list of policies is asked for where the name comes up.

use crate::engine::permission::managed_policy;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::{
    actions::{REGISTER, target_arn},
    identity::PermissionQuestion,
    simulator,
};
use ssm_doctor_facts::change::{IamChange, RoleOrUser};

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
    let arn = managed_policy(&role.arn, &format!("service-role/{WITHDRAWN}"));
    let attached = case.facts.role_policies(&role.name).required()?;
    if !attached.managed.iter().any(|policy| policy.as_str() == arn) {
        let what = format!("does not have {arn}");
        return Ok(Verdict::Pass(observed(&role.name, what)));
    }
    let current = managed_policy(&role.arn, "AmazonSSMManagedInstanceCore");
    let node = RoleOrUser::Role(role.name.to_string());
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
        .with(IamChange::AttachPolicy { to: node.clone(), policy: current })
        .with(IamChange::DetachPolicy { from: node, policy: arn }),
    ))
}
