//! The user data leaves the agent on the instance, and running.
//!
//! User data runs as root at the first start of an instance. It is read only on request, since it may hold secrets, and
//! nothing of it is kept but which lines concern the agent. Whether a script reached its end is not visible. So a node
//! that reported long after its start proves the user data harmless, and a condition before a command makes it unknown.

use crate::prelude::*;
use ssm_doctor_analysis::node::user_data::{Leaves, outcome};
use ssm_doctor_facts::{
    lookup::both,
    ssm::{ManagedNode, Ping},
    time::Timestamp,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &crate::target::instance_running::CHECK,
        &crate::target::instance_self_managed::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

/// User data has run by then, in seconds after the start. A choice of ours: cloud-init has no limit.
const HAS_RUN: i64 = 60 * 60;

fn run(case: &Case) -> Judged {
    let id = instance(case, "only EC2 instances have user data")?;
    if !case.scope.user_data {
        return Err(NoVerdict::NotApplicable("the user data is read with --user-data only"));
    }
    let (node, instance) =
        both(case.facts.node(&case.scope.target).optional(), case.facts.instance(id).required())?;
    if node.is_some_and(|node| has_outlived(node, instance.launched_at)) {
        return Err(NoVerdict::NotApplicable("the agent reported after the user data had run"));
    }
    let user_data = case.facts.user_data(id).optional()?;
    let user_data = user_data.or_not_applicable("the instance has no user data")?;
    let last = user_data.commands.last();
    let last =
        last.or_not_applicable("no command of the user data is known to concern the agent")?;
    let subject = format!("user data of {id}");
    let Some((leaves, command)) = outcome(user_data) else {
        let what = format!("leaves the agent in place: line {} is the last about it", last.line);
        return Ok(Verdict::Pass(observed(&subject, what)));
    };
    let what = match leaves {
        Leaves::Removed => "removes the agent",
        Leaves::Stopped => "stops the agent",
        Leaves::Disabled => "keeps the agent from starting with the machine",
    };
    if command.conditional {
        return Err(Unknown::limit(format!(
            "line {} of the {subject} {what}, if a condition before it holds; whether it did is not visible",
            command.line
        ))
        .into());
    }
    let fix = match leaves {
        Leaves::Removed => {
            "install the agent on the instance, and take the command out of the user data"
        }
        Leaves::Stopped | Leaves::Disabled => {
            "enable and start the agent on the instance, and take the command out of the user data"
        }
    };
    let evidence =
        observed(&subject, format!("{what} in line {}, and no later line undoes it", command.line));
    Ok(Verdict::Fail(evidence, Fix::new(fix, Recovery::Agent)))
}

/// Did the agent report when the user data had long run?
fn has_outlived(node: &ManagedNode, launched_at: Option<Timestamp>) -> bool {
    let reported = launched_at.zip(node.last_ping).map(|(launched, ping)| launched.until(ping));
    node.ping == Ping::Online || reported.is_some_and(|after| after > HAS_RUN)
}
