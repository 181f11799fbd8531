//! The last session to this node did not fail.
//!
//! What goes wrong after the channel is open happens on the node, where no API looks: a full disk, a user
//! that does not exist, a key or a log target that was refused. The service remembers how sessions ended
//! for 30 days, and of some that failed, why. It may be another operator's, or fixed since, so it is
//! advice. Source: `DescribeSessions`, `Status`, `Reason` and `Details`.

use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let sessions = case.facts.past_sessions(&case.scope.target).required()?;
    let Some(last) = sessions.first() else {
        return Ok(Verdict::NotApplicable("nobody has had a session to it in 30 days"));
    };
    let when =
        last.started_at.map_or(String::new(), |at| format!(", {}, at {at}", at.ago(case.scope.at)));
    let by = last.document.as_ref().map_or(String::new(), |it| format!(" by {it}"));
    let reason = last.reason.as_ref().map_or(String::new(), |it| format!(": {it}"));
    let subject = format!("session {}", last.id);
    if !last.status.eq_ignore_ascii_case("Failed") {
        let how = format!("was the last to end{by}{when} ({}{reason})", last.status);
        return Ok(Verdict::Pass(observed(&subject, how)));
    }
    let evidence = observed(&subject, format!("was the last to end{by}{when}, and failed{reason}"));
    let option = match &last.reason {
        Some(_) => FixOption::new("see whether the last session's reason to fail persists")
            .after("find the checks behind the text: `ssm-doctor explain \"<text>\"`"),
        None => FixOption::new("read in the agent's log why the last session failed").after(
            "on the node, read the lines of that time in /var/log/amazon/ssm/errors.log, or in %PROGRAMDATA%\\Amazon\\SSM\\Logs\\errors.log",
        ),
    };
    Ok(Verdict::Fail(evidence, Fix::options([option], Recovery::NextSession)))
}
