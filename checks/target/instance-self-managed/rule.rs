//! The account manages the instance itself.
//!
//! Some services launch instances into the account and keep their management. EKS Auto Mode allows no access to its
//! nodes by SSH or Systems Manager, so nothing else is to blame there. What other services allow is not documented.
//! Source: EC2 user guide, "Amazon EC2 managed instances"; EKS user guide, "Security considerations for Amazon EKS
//! Auto Mode".

use crate::prelude::*;
use ssm_doctor_facts::ssm::Connection;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[&super::found_in_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

/// The principal of EKS Auto Mode.
const EKS: &str = "eks.amazonaws.com";

fn run(case: &Case) -> Judged {
    let id = instance(case, "only EC2 instances can be managed by a service")?;
    let Some(service) = &case.facts.instance(id).required()?.managed_by else {
        return Ok(Verdict::Pass(observed(id, "is managed by its account")));
    };
    let target = &case.scope.target;
    if *case.facts.connection(target).required()? == Connection::Connected {
        let how = format!("is managed by {service}, and its agent is connected all the same");
        return Ok(Verdict::Pass(observed(id, how)));
    }
    if service != EKS {
        return Err(Unknown::limit(format!(
            "{id} is managed by {service}, and whether that service allows sessions to its instances is not documented"
        ))
        .into());
    }
    Ok(Verdict::Fail(
        observed(
            id,
            format!(
                "is managed by {service} (EKS Auto Mode), which allows no session to its nodes"
            ),
        ),
        Fix::options(
            [
                FixOption::new("look at the node through Kubernetes").after(
                    "use `kubectl debug` on the node, or a NodeDiagnostic resource for its logs",
                ),
                FixOption::new(
                    "run the workload on a managed node group or on nodes of your own, which allow sessions",
                ),
            ],
            Recovery::NextSession,
        ),
    ))
}
