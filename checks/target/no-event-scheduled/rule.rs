//! AWS has nothing planned for the instance.
//!
//! A reboot or retirement that is due ends sessions and may explain an agent that went away. Events
//! that are over stay listed for some days, marked so.

use super::status_checks_pass::BEFORE_A_STOP;
use crate::prelude::*;
use ssm_doctor_facts::{change::Ec2Change, time::span};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Instance,
    impact: Impact::Advises,
    depends_on: &[&super::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some(id) = case.scope.target.instance() else {
        return Ok(Verdict::NotApplicable("EC2 plans nothing for hybrid nodes"));
    };
    let events = &case.facts.instance_status(id).required()?.events;
    let ahead = events.iter().filter(|it| {
        !["[Completed]", "[Canceled]"].iter().any(|over| it.description.starts_with(over))
    });
    let evidence = ahead.map(|it| {
        let when = it.not_before.map_or(String::new(), |at| {
            let left = case.scope.at.until(at);
            if left > 0 { format!(" in {} (at {at})", span(left)) } else { format!(" since {at}") }
        });
        let what = if it.description.is_empty() { "" } else { &it.description };
        let colon = if what.is_empty() { "" } else { ": " };
        observed(id, format!("is scheduled for {}{when}{colon}{what}", it.code))
    });
    Ok(match evidence.reduce(Evidence::and) {
        None => Verdict::Pass(observed(id, "has no event scheduled")),
        Some(evidence) => Verdict::Fail(
            evidence,
            Fix::options(
                [
                    FixOption::new("wait for the event, and check again after it")
                        .after("tell the users of the instance when AWS acts on it"),
                    FixOption::new("stop and start the instance at a time that you choose")
                        .with(Ec2Change::StopAndStartInstance { instance: id.clone() })
                        .after(BEFORE_A_STOP)
                        .recovering(Recovery::Start),
                ],
                Recovery::NextSession,
            ),
        ),
    })
}
