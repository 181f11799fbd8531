//! Where logging is on, this kind of session is logged.
//!
//! SSH and port forwarding pass through the agent as a stream it does not understand, the former
//! encrypted end to end; they leave no log whatever the preferences say. That is nothing to repair, and
//! something that whoever turned logging on has to know.

use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Gates, Preferences};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    // What a shell would be asked is what the account wants of its sessions.
    let shell = Scope { session: Session::Shell, document: None, ..case.scope.clone() };
    let preferences = match session::gates(&Case::new(case.facts, &shell))? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let Some(targets) = targets(&preferences)? else {
        return Ok(Verdict::NotApplicable("sessions are not logged"));
    };
    match case.scope.session {
        Session::Shell => {
            Ok(Verdict::Pass(observed(&preferences.name, format!("logs shells to {targets}"))))
        }
        Session::Command => {
            Ok(Verdict::NotApplicable("commands are logged, if at all, as their document says"))
        }
        Session::Ssh | Session::Port | Session::RemotePort => Ok(Verdict::Fail(
            observed(&preferences.name, format!("logs sessions to {targets}")).and(observed(
                case.scope.session.phrase(),
                "is never logged: what passes through it is not text to the agent",
            )),
            Fix::new(
                "let operators whose sessions must be logged start shells only: allow ssm:StartSession on the session documents they may use, and not on AWS-StartSSHSession and the port forwarding documents",
                Recovery::NextSession,
            ),
        )),
    }
}

fn targets(preferences: &Preferences) -> Result<Option<String>, Unknown> {
    let bucket = preferences.text("s3BucketName")?.map(|it| format!("the bucket {it}"));
    let group = preferences.text("cloudWatchLogGroupName")?.map(|it| format!("the log group {it}"));
    let targets: Vec<String> = bucket.into_iter().chain(group).collect();
    Ok((!targets.is_empty()).then(|| targets.join(" and ")))
}
