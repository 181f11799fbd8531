//! EC2's own status checks find the host, the system and the volumes in order.
//!
//! An impaired check is no proof that a session fails, so it does not block by itself; it explains
//! an agent that is gone.

use crate::prelude::*;
use ssm_doctor_facts::{change::Ec2Change, ec2::CheckStatus};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Instance,
    impact: Impact::Degrades,
    depends_on: &[&super::found_in_region::CHECK, &super::instance_running::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some(id) = case.scope.target.instance() else {
        return Ok(Verdict::NotApplicable("EC2 does not check hybrid nodes"));
    };
    let status = case.facts.instance_status(id).required()?;
    let checks = [
        ("system", Some(&status.system), "stop and start the instance: it moves to another host"),
        ("instance", Some(&status.instance), "read the console output, then reboot the instance"),
        (
            "attached EBS",
            status.ebs.as_ref(),
            "look at the volumes' status and repair or replace them",
        ),
    ];
    let present = checks.into_iter().filter_map(|(name, it, cure)| it.map(|it| (name, it, cure)));
    all_of(present, "EC2 reports no status", |(name, status, cure)| {
        let evidence = observed(id, format!("{name} status check: {status}"));
        Ok(match status {
            CheckStatus::Ok => Verdict::Pass(evidence),
            CheckStatus::Impaired => Verdict::Fail(
                evidence,
                Fix::new(cure, Recovery::Agent)
                    .with(Ec2Change::GetConsoleOutput { instance: id.clone() })
                    .with(Ec2Change::DescribeInstanceStatus { instance: id.clone() }),
            ),
            CheckStatus::Initializing => {
                return Err(Unknown::limit(format!(
                    "the {name} status check of {id} is still initializing"
                )));
            }
            CheckStatus::InsufficientData | CheckStatus::NotApplicable => {
                Verdict::NotApplicable("EC2 reports no data")
            }
            CheckStatus::Other(word) => {
                return Err(Unknown::limit(format!("the {name} status check of {id} says {word}")));
            }
        })
    })
}
