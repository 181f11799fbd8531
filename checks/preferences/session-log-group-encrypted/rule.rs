//! The log group that must be encrypted exists, and is.
//!
//! Only a KMS key counts. The agent drops whatever error it meets while looking and then reports a
//! group that is not encrypted, so a missing group, a group elsewhere and a missing right all look
//! the same to the user. Source: amazon-ssm-agent `agent/session/shell/shell.go`,
//! `agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go`.

use serde_json::json;

use crate::preferences_remedies::{encrypt_group, giving_up, with_inputs};
use crate::preferences_words::session_stopped_by;
use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Gate, Gates, Preferences};
use ssm_doctor_facts::{change::LogsChange, cloudwatch_logs::LogGroup};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
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
    if !preferences.flag("cloudWatchEncryptionEnabled")? {
        return Ok(Verdict::NotApplicable(
            "the log group need not be encrypted, so nothing waits for it",
        ));
    }
    let Some(group) = find(name, case.facts)? else {
        return Ok(Verdict::Fail(
            missing(name, case.scope, &preferences).and(session_stopped_by(Gate::LogGroup)),
            make(name, &preferences, case),
        ));
    };
    if let Some(key) = &group.key {
        return Ok(Verdict::Pass(observed(
            &format!("log group {name}"),
            format!("is encrypted with {key}"),
        )));
    }
    let evidence = observed(
        &format!("log group {name}"),
        "has no KMS key: CloudWatch's own encryption does not count",
    )
    .and(observed(&preferences.name, "refuses sessions unless it has one"))
    .and(session_stopped_by(Gate::LogGroup));
    let options = match name.parse() {
        Ok(group) => encrypt_group(&group, true, &preferences, case),
        Err(_) => Vec::new(),
    };
    Ok(Verdict::Fail(evidence, Fix::options(options, Recovery::NextSession)))
}

/// The group of exactly this name; None where there is none, or cannot be: an ARN is no name.
pub(super) fn find<'f>(name: &str, facts: &'f Facts) -> Result<Option<&'f LogGroup>, Unknown> {
    match name.parse::<LogGroupName>() {
        Ok(name) => facts.log_group(&name).optional(),
        Err(_) => Ok(None),
    }
}

pub(super) fn missing(name: &str, scope: &Scope, preferences: &Preferences) -> Evidence {
    let why = if name.parse::<LogGroupName>().is_ok() {
        format!(
            "is named in {} and does not exist in {} of this account",
            preferences.name, scope.region
        )
    } else if name.starts_with("arn:") {
        format!("is named in {}, which takes the group's name and no ARN", preferences.name)
    } else {
        format!("is named in {}, and no log group can have that name", preferences.name)
    };
    observed(&format!("log group {name}"), why)
}

/// The group created, or another one named. With an ARN in the place of the name, that is known.
pub(super) fn make(name: &str, preferences: &Preferences, case: &Case) -> Fix {
    let document = &preferences.name;
    let off = || {
        let inputs = [("cloudWatchLogGroupName", None)];
        giving_up("stop logging sessions to CloudWatch", case, document, &inputs)
    };
    let options = if let Ok(group) = name.parse::<LogGroupName>() {
        let mut options = if preferences.flag("cloudWatchEncryptionEnabled") == Ok(true) {
            encrypt_group(&group, false, preferences, case)
        } else {
            let title = format!("create the log group {name} in {}", case.scope.region);
            Vec::from([FixOption::new(title).with(LogsChange::CreateLogGroup { group, key: None })])
        };
        // A group that does not exist is not encrypted either: requiring less does not help.
        options.retain(|option| option.risks.is_empty());
        options.push(off());
        options
    } else {
        let meant = name.split(":log-group:").nth(1).and_then(|rest| rest.split(':').next());
        let named = meant.map(|meant| {
            let option =
                FixOption::new(format!("set cloudWatchLogGroupName to {meant} in {document}"));
            with_inputs(option, case, document, &[("cloudWatchLogGroupName", Some(json!(meant)))])
        });
        named.into_iter().chain([off()]).collect()
    };
    Fix::options(options, Recovery::NextSession)
}
