//! The services that sessions are logged to can be reached from the node.
//!
//! Where encryption is not enforced, nothing refuses the session; but the agent looks for the log
//! group and the bucket before it starts the shell and waits for each time-out: minutes behind a
//! blank screen, and then a session without a log. Source: amazon-ssm-agent
//! `agent/s3util/crossregion.go`, `cloudwatchlogsservice.go`; read, not measured.

use crate::prelude::*;
use ssm_doctor_analysis::{
    network::path,
    session::{self, Gates, Preferences},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Degrades,
    depends_on: &[&super::document_readable::CHECK, &super::gate_services_reachable::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    if case.scope.target.instance().is_none() {
        return Ok(Verdict::NotApplicable("a hybrid node's network is not visible to AWS"));
    }
    let services = services(&preferences)?;
    let answer = all_of(services, "sessions are logged to no service", |service| {
        path::judge_service(case, service)
    })?;
    Ok(match answer {
        Verdict::Fail(evidence, fix) => Verdict::Fail(
            evidence.and(observed(
                "the session",
                "shows a blank screen for some minutes before it starts, and is not logged",
            )),
            // The agent looks anew for each session.
            Fix { recovery: Recovery::NextSession, ..fix },
        ),
        answer => answer,
    })
}

/// Those that no gate waits for.
fn services(preferences: &Preferences) -> Result<Vec<&'static str>, Unknown> {
    let targets = [
        ("logs", "cloudWatchLogGroupName", "cloudWatchEncryptionEnabled"),
        ("s3", "s3BucketName", "s3EncryptionEnabled"),
    ];
    let mut services = Vec::new();
    for (service, target, gate) in targets {
        if preferences.text(target)?.is_some() && !preferences.flag(gate)? {
            services.push(service);
        }
    }
    Ok(services)
}
