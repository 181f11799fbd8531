//! The serial console of a node that reports shows no fault that lasts.
//!
//! A node can be online and have no room for a session: a full disk, a read-only file system, or an agent that the
//! kernel kills for want of memory. The console is text from the past, so only what the last boot wrote within a day
//! counts as a fault, and only what no probe has seen in order since. Of older text nothing is certain. The console
//! of a silent node is read by the checks of its agent.

use crate::agent_words::repair;
use crate::node_probe;
use crate::prelude::*;
use ssm_doctor_analysis::node::{
    Statement,
    serial_console::{Sign, lasting},
};
use ssm_doctor_facts::{
    ec2::InstanceState,
    lookup::both,
    ssm::{Connection, Ping},
    time::{Timestamp, span},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Instance,
    impact: Impact::Degrades,
    depends_on: &[&super::found_in_region::CHECK, &super::instance_running::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

/// Older text says nothing of the machine today. A choice of ours: nothing about it is documented.
const DAY: i64 = 24 * 60 * 60;

fn run(case: &Case) -> Judged {
    let id = instance(case, "only EC2 instances have this console")?;
    let target = &case.scope.target;
    let seen = both(
        both(case.facts.instance(id).required(), case.facts.console(id).optional()),
        both(case.facts.node(target).optional(), case.facts.connection(target).required()),
    );
    let ((instance, console), (node, connection)) = seen?;
    if instance.state != InstanceState::Running {
        return Err(NoVerdict::NotApplicable("the instance is not running"));
    }
    if node.is_none_or(|node| node.ping != Ping::Online) || *connection != Connection::Connected {
        return Err(NoVerdict::NotApplicable(
            "the node is not connected: the checks of its agent read the console",
        ));
    }
    let console = console.or_not_applicable("EC2 has no console output of it")?;
    let subject = format!("console output of {id}");
    let since = |at: Timestamp| at.until(case.scope.at).max(0);
    let has_room = room_by_probe(case)?;
    let verdict = all_of(lasting(console, instance.launched_at), "no fault lasts", |found| {
        let written = found.at.or(console.at);
        let is_of_disk = matches!(found.sign, Sign::DiskFull | Sign::ReadOnly);
        if let Some((at, evidence)) = &has_room
            && is_of_disk
            && written.is_some_and(|written| written < *at)
        {
            return Ok(Verdict::Pass(evidence.clone()));
        }
        let age = written.map(since);
        if age.is_none_or(|age| age >= DAY) {
            let age = age.map_or("of an unknown time".into(), |age| format!("{} old", span(age)));
            return Err(Unknown::limit(format!(
                "the {subject} has a line that is {age}, and whether it still holds is not visible: {}",
                found.line.trim()
            )));
        }
        let fix = Fix::new(repair(&found.sign), Recovery::Start);
        let statement = Statement::on_console(&found, console);
        Ok(Verdict::Fail(observed(&subject, statement), fix))
    })?;
    if !matches!(verdict, Verdict::NotApplicable(_)) {
        return Ok(verdict);
    }
    let Some(at) = console.at.filter(|at| since(*at) < DAY) else {
        return Err(NoVerdict::NotApplicable("nothing was written to the console within a day"));
    };
    let age = at.ago(case.scope.at);
    Ok(Verdict::Pass(observed(
        &subject,
        format!(
            "shows no full disk or read-only file system since the last boot (last added to {age})"
        ),
    )))
}

/// When a probe saw that the disks have room and can be written, and what it saw. None if it saw otherwise.
fn room_by_probe(case: &Case) -> Result<Option<(Timestamp, Evidence)>, Unknown> {
    let fix = Fix::new("make room on the disk", Recovery::Start);
    let seen = node_probe::seen(case, &crate::agent::disk_writable::CHECK.name(), &fix)?;
    Ok(seen.and_then(|seen| match seen.answer {
        Ok(Verdict::Pass(evidence)) => Some((seen.at?, evidence)),
        _ => None,
    }))
}
