//! The log group that sessions are logged to exists.
//!
//! Where encryption is not enforced the agent goes on without it: it makes no group, so nothing is
//! logged and nobody is told.

use crate::preferences::session_log_group_encrypted::{find, make, missing};
use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Gates};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Degrades,
    depends_on: &[&super::document_readable::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let Some(name) = preferences.text("cloudWatchLogGroupName")? else {
        return Ok(Verdict::NotApplicable("sessions are not logged to CloudWatch"));
    };
    if preferences.flag("cloudWatchEncryptionEnabled")? {
        return Ok(Verdict::NotApplicable("its encryption is judged, and its existence with it"));
    }
    Ok(match find(name, case.facts)? {
        Some(_) => Verdict::Pass(observed(&format!("log group {name}"), "exists here")),
        None => Verdict::Fail(
            missing(name, case.scope, &preferences)
                .and(observed("sessions", "start all the same, and are not logged")),
            make(name, &preferences, case),
        ),
    })
}
