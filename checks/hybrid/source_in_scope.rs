//! The node is one whose identity is known here.
//!
//! `mi-` ids are also given to what is no server registered by an activation: Greengrass core devices,
//! whose credentials come from a token exchange service. What holds for activations says nothing of
//! those. Source: `DescribeInstanceInformation`, `SourceType`.

use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("source_in_scope.md"),
    layer: Layer::Instance,
    impact: Impact::Advises,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

/// Servers, wherever they stand.
const SERVERS: [&str; 4] = [
    "AWS::SSM::ManagedInstance",
    "AWS::EC2::Instance",
    "Microsoft.Compute/virtualMachines",
    "compute.googleapis.com/Instance",
];

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let target = &scope.target;
    if target.instance().is_some() {
        return Ok(Verdict::NotApplicable("EC2 instances are what they are"));
    }
    let Some(node) = facts.node(target).optional()? else {
        return Ok(Verdict::NotApplicable("the node is not registered"));
    };
    let Some(source) = node.source_type.as_deref() else {
        return Ok(Verdict::Pass(observed(
            target,
            "is a hybrid node, of a source that AWS does not name",
        )));
    };
    if SERVERS.contains(&source) {
        return Ok(Verdict::Pass(observed(target, format!("is a server ({source})"))));
    }
    let what = match source {
        "AWS::IoT::Thing" => format!(
            "is a Greengrass core device ({source}): its credentials come from Greengrass's token exchange role, which is out of scope here"
        ),
        _ => format!("comes from {source}, which is out of scope here"),
    };
    Ok(Verdict::Fail(
        observed(target, what),
        Fix::new(
            "take what is said here of its role with caution; whether it is connected holds in any case",
            Recovery::NextSession,
        ),
    ))
}
