//! The instance's profile has been in force long enough for the agent to have noticed.
//!
//! An agent that finds no credentials when it starts asks again after 25 to 30 minutes, so a profile
//! attached later looks as if it did not help. Source: amazon-ssm-agent
//! `core/app/credentialrefresher/credentialrefresher_deps.go`.

use crate::{
    model::{ssm::Ping, time::span},
    prelude::*,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("profile_settled.md"),
    layer: Layer::Identity,
    impact: Impact::Degrades,
    depends_on: &[&crate::target::found_in_region::CHECK, &super::profile_attached::CHECK],
    proves: &[],
    run,
};

/// The agent's longest pause between two looks for credentials.
const PAUSE: i64 = 30 * 60;

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let Some(id) = scope.target.instance() else {
        return Ok(Verdict::NotApplicable("a hybrid node has no instance profile"));
    };
    let instance = facts.instance(id).required()?;
    if instance.profile.is_none() {
        return Ok(Verdict::NotApplicable("the instance has no profile"));
    }
    if facts.node(&scope.target).optional()?.is_some_and(|it| it.ping == Ping::Online) {
        return Ok(Verdict::NotApplicable("the agent is Online, so it has credentials"));
    }
    let Some(association) = facts.profile_association(id).optional()? else {
        return Err(Unknown::limit(format!("since when the profile is attached to {id}")));
    };
    let profile = association.profile.name();
    let restart = || {
        Fix::new(
            format!("restart the agent on {id} or reboot it, or allow up to {}", span(PAUSE)),
            Recovery::Agent,
        )
        .aws(scope, ["ec2", "reboot-instances", "--instance-ids", id.as_str()])
    };
    match association.state.as_str() {
        "associated" => {}
        "associating" | "disassociating" | "disassociated" => {
            let state = format!("is still {} with {id}", association.state);
            return Ok(Verdict::Fail(observed(profile, state), restart()));
        }
        other => {
            return Err(Unknown::limit(format!(
                "{profile} is {other:?} with {id}, a state not known here"
            )));
        }
    }
    let Some(since) = association.since else {
        return Err(Unknown::limit(format!("since when {profile} is attached to {id}")));
    };
    let age = since.until(scope.at);
    let evidence = observed(profile, format!("has been attached to {id} for {}", span(age.max(0))));
    // A machine that started with it looked for it at once.
    let later = instance.launched_at.is_none_or(|launched| launched.until(since) > 0);
    Ok(if later && age < PAUSE {
        let note =
            "an agent that found no credentials at its start looks again after up to 30 minutes";
        Verdict::Fail(evidence.and(observed(id, format!("was running before: {note}"))), restart())
    } else {
        Verdict::Pass(evidence)
    })
}
