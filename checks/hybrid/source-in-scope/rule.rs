//! The node is one whose identity is known here.
//!
//! `mi-` ids are also given to nodes that were not registered by an activation: on a Greengrass core
//! device the component `aws.greengrass.SystemsManagerAgent` registers the agent, with the service role of
//! its `SSMRegistrationRole`; the device's token exchange role is only asked for the right to do so.
//! Sources: `DescribeInstanceInformation`, `SourceType`; Greengrass V2 Developer Guide, "Systems
//! Manager Agent".

use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Instance,
    impact: Impact::Advises,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

/// Servers, wherever they are.
const SERVERS: [&str; 4] = [
    "AWS::SSM::ManagedInstance",
    "AWS::EC2::Instance",
    "Microsoft.Compute/virtualMachines",
    "compute.googleapis.com/Instance",
];

fn run(case: &Case) -> Judged {
    let target = &case.scope.target;
    if target.instance().is_some() {
        return Ok(Verdict::NotApplicable("EC2 instances are what they are"));
    }
    let node =
        case.facts.node(target).optional()?.or_not_applicable("the node is not registered")?;
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
            "is a Greengrass core device ({source}): its agent was registered by the component aws.greengrass.SystemsManagerAgent with the role of SSMRegistrationRole; the component's deployment and the token exchange role are out of scope here"
        ),
        _ => format!("comes from {source}, which is out of scope here"),
    };
    Ok(Verdict::Fail(
        observed(target, what),
        Fix::new(
            "check the node's role where the node was registered: the doctor only knows roles of activations",
            Recovery::NextSession,
        ),
    ))
}
