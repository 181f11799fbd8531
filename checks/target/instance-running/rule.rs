//! The instance runs.

use crate::prelude::*;
use ssm_doctor_facts::{change::Ec2Change, ec2::InstanceState};

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
        return Ok(Verdict::NotApplicable("AWS does not see whether a hybrid node's machine runs"));
    };
    let state = &case.facts.instance(id).required()?.state;
    let evidence = observed(id, format!("is {state}"));
    let start = || {
        FixOption::new(format!("start {id}"))
            .with(Ec2Change::StartInstance { instance: id.clone() })
    };
    Ok(match state {
        InstanceState::Running => Verdict::Pass(evidence),
        InstanceState::Pending => {
            return Err(Unknown::limit(format!(
                "{id} is still starting: look again in some minutes"
            )));
        }
        InstanceState::Stopped => Verdict::Fail(evidence, Fix::options([start()], Recovery::Start)),
        // EC2 refuses to start it earlier. Source: EC2 API reference, `IncorrectInstanceState`.
        InstanceState::Stopping => {
            let option = start().after(format!(
                "wait until {id} has stopped: `aws ec2 wait instance-stopped --instance-ids {id} --region {}`",
                case.scope.region
            ));
            Verdict::Fail(evidence, Fix::options([option], Recovery::Start))
        }
        InstanceState::ShuttingDown | InstanceState::Terminated => {
            let option =
                FixOption::new("use another instance: a terminated one does not come back")
                    .after("start the session to another instance, or launch one");
            Verdict::Fail(evidence, Fix::options([option], Recovery::NextSession))
        }
        InstanceState::Other(word) => {
            return Err(Unknown::limit(format!("{id} is in an unrecognized state: {word}")));
        }
    })
}
