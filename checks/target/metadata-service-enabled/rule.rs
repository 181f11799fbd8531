//! The instance metadata service is on.
//!
//! The agent on EC2 learns its id, its Region and its credentials from nowhere else. Whether tokens
//! (version 2) are asked for is no matter for this verdict: the agent uses nothing else since 3.2.1041.0,
//! and since when it can is not documented, so that is a hint where an agent is missed.

use crate::prelude::*;
use ssm_doctor_facts::change::Ec2Change;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Instance,
    impact: Impact::Blocks,
    depends_on: &[&super::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some(id) = case.scope.target.instance() else {
        return Ok(Verdict::NotApplicable("a hybrid node has its identity on its disk"));
    };
    let metadata = &case.facts.instance(id).required()?.metadata;
    Ok(if metadata.enabled {
        let evidence = observed(id, "has its metadata service on");
        // Enough for the agent on the host, one hop too few for one in a container.
        let near = metadata.hop_limit == Some(1);
        Verdict::Pass(if near {
            evidence.and(observed(id, "answers over one hop only, so not into a container"))
        } else {
            evidence
        })
    } else {
        Verdict::Fail(
            observed(
                id,
                "has its metadata service off (HttpEndpoint: disabled), so the agent finds neither identity nor credentials",
            ),
            Fix::new(format!("turn on the instance metadata service of {id}"), Recovery::Agent)
                .with(Ec2Change::EnableMetadataService { instance: id.clone() }),
        )
    })
}
