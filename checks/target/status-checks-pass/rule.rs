//! EC2's own status checks find the host, the system and the volumes in order.
//!
//! An impaired check is no proof that a session fails, so it does not block by itself; it explains
//! an agent that is gone. Where the system itself says on its console what stopped it, a reboot alone repairs
//! nothing, and what the console says comes first.

use crate::agent_words::repair;
use crate::prelude::*;
use ssm_doctor_analysis::node::{Statement, serial_console::system_fault};
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
            CheckStatus::Impaired => {
                let fix = Fix::options([check.repair(id, &case.scope.region)], Recovery::Start);
                match check {
                    StatusCheck::Instance => impaired_system(case, id, evidence, fix)?,
                    StatusCheck::System | StatusCheck::Volumes => Verdict::Fail(evidence, fix),
                }
            }
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

/// With what the console says of the system, if it says anything. What it said before the agent's last report is over.
fn impaired_system(
    case: &Case,
    id: &InstanceId,
    evidence: Evidence,
    reboot: Fix,
) -> Result<Verdict, Unknown> {
    let (instance, node) =
        (case.facts.instance(id).hint()?, case.facts.node(&case.scope.target).hint()?);
    let since = instance
        .and_then(|instance| instance.launched_at)
        .max(node.and_then(|node| node.last_ping));
    let console = case.facts.console(id).hint()?;
    let Some((console, found)) =
        console.and_then(|console| Some((console, system_fault(console, since)?)))
    else {
        return Ok(Verdict::Fail(evidence, reboot));
    };
    let title = repair(&found.sign);
    let statement = Statement::on_console(&found, console);
    let evidence = evidence.and(observed(&format!("console output of {id}"), statement));
    Ok(Verdict::Fail(evidence, Fix::options([FixOption::new(title)], Recovery::Start)))
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

    fn repair(self, id: &InstanceId, region: &Region) -> FixOption {
        match self {
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
        }
    }
}
