//! The `RunAs` user is one that somebody makes.
//!
//! `ssm-user` exists on nodes that had a session before `RunAs` was turned on, and on no other: with
//! `RunAs` on, the agent does not make it. So old nodes work and new ones do not. Source:
//! amazon-ssm-agent `agent/session/shell/shell_unix.go`.

use super::runas_user_set::{User, chosen};
use crate::{prelude::*, solve::session};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("runas_user_made.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[&super::document_readable::CHECK],
    proves: &[],
    run,
};

/// Whom the agent makes by itself, where `RunAs` is off.
const AGENTS_OWN: &str = "ssm-user";

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let (preferences, user) = match chosen(facts, scope)? {
        Ok(chosen) => chosen,
        Err(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let User::Named(user, evidence, _) = user else {
        return Ok(Verdict::NotApplicable("no user is named"));
    };
    if user != AGENTS_OWN {
        return Ok(Verdict::Pass(evidence.and(observed(&user, "is a user of your own"))));
    }
    let evidence = evidence
        .and(observed(
            &user,
            "is not made by the agent while RunAs is on, so it is missing on nodes that had no session before",
        ))
        .and(session::seen_as(
            "Unable to start command: failed to start pty since RunAs user ssm-user does not exist",
        ));
    let fix = Fix::new(
        format!("make {AGENTS_OWN} on every node, or name another user in {}", preferences.name),
        Recovery::NextSession,
    );
    Ok(Verdict::Fail(evidence, fix))
}
