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
        (StatusCheck::System, Some(&status.system)),
        (StatusCheck::Instance, Some(&status.instance)),
        (StatusCheck::Volumes, status.ebs.as_ref()),
    ];
    let present = checks.into_iter().filter_map(|(check, it)| it.map(|it| (check, it)));
    all_of(present, "EC2 reports no status", |(check, status)| {
        let name = check.as_str();
        let evidence = observed(id, format!("{name} status check: {status}"));
        Ok(match status {
            CheckStatus::Ok => Verdict::Pass(evidence),
            CheckStatus::Impaired => Verdict::Fail(evidence, check.repair(id, &case.scope.region)),
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

#[derive(Clone, Copy)]
enum StatusCheck {
    System,
    Instance,
    Volumes,
}

/// What a stop takes away. Source: EC2 guide, "Stop and start Amazon EC2 instances".
pub(super) const BEFORE_A_STOP: &str = "save what is on instance-store volumes: a stop deletes it for good. A public address that is no Elastic IP address changes";

impl StatusCheck {
    fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Instance => "instance",
            Self::Volumes => "attached EBS",
        }
    }

    fn repair(self, id: &InstanceId, region: &Region) -> Fix {
        let option = match self {
            Self::System => {
                FixOption::new(format!("stop and start {id}, so that it moves to another host"))
                    .with(Ec2Change::StopAndStartInstance { instance: id.clone() })
                    .after(BEFORE_A_STOP)
            }
            Self::Instance => FixOption::new(format!("reboot {id}"))
                .with(Ec2Change::RebootInstance { instance: id.clone() })
                .after(format!(
                    "read why the system is impaired: `aws ec2 get-console-output --instance-id {id} --output text --region {region}`"
                )),
            Self::Volumes => FixOption::new(format!("repair or replace the volumes of {id}")).after(
                format!(
                    "find the impaired volume: `aws ec2 describe-volume-status --filters Name=volume-status.status,Values=impaired --region {region}`; if it is attached to {id}, restore it from a snapshot"
                ),
            ),
        };
        Fix::options([option], Recovery::Start)
    }
}
