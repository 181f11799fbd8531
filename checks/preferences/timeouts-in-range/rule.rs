//! The session's time limits are ones that AWS documents.
//!
//! Idle sessions end after 20 minutes unless told otherwise, which people take for a broken network.
//! Source: Systems Manager user guide, "Session document schema".

use serde_json::json;

use crate::preferences_remedies::with_inputs;
use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Gates, Preferences};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[&super::document_readable::CHECK],
    proves: &[],
    run,
};

/// Field, most minutes, and what holds where it is not set.
const LIMITS: [(&str, u32, &str); 2] =
    [("idleSessionTimeout", 60, "20"), ("maxSessionDuration", 1440, "none")];

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    all_of(LIMITS, "there are no limits", |(field, most, default)| {
        judge(&preferences, field, most, default, case)
    })
}

/// AWS's default of an idle session.
const DEFAULT_MINUTES: &str = "20";

fn judge(preferences: &Preferences, field: &str, most: u32, default: &str, case: &Case) -> Answer {
    let name = &preferences.name;
    let Some(raw) = preferences.text(field)? else {
        return Ok(Verdict::Pass(observed(
            name,
            format!("leaves {field} at its default, {default}"),
        )));
    };
    if raw.parse().is_ok_and(|it: u32| (1..=most).contains(&it)) {
        return Ok(Verdict::Pass(observed(name, format!("sets {field} to {raw} minutes"))));
    }
    // A number that is too great means as long as possible.
    let number = raw.trim().parse::<u64>().ok();
    let minutes = match number {
        Some(number) if number > u64::from(most) => most.to_string(),
        _ => DEFAULT_MINUTES.into(),
    };
    let option = FixOption::new(format!(
        "set {field} to {minutes} in {name}, or to another number of minutes from 1 to {most}"
    ));
    let option = with_inputs(option, case, name, &[(field, Some(json!(minutes)))]);
    Ok(Verdict::Fail(
        observed(
            name,
            format!("sets {field} to {raw:?}, which is no number of minutes from 1 to {most}"),
        ),
        Fix::options([option], Recovery::NextSession),
    ))
}
