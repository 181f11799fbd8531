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

struct Limit {
    field: &'static str,
    /// In minutes.
    most: u32,
    /// What holds where the field is not set, in minutes; None: no limit.
    default: Option<u32>,
}

const LIMITS: [Limit; 2] = [
    Limit { field: "idleSessionTimeout", most: 60, default: Some(20) },
    Limit { field: "maxSessionDuration", most: 1440, default: None },
];

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    // One fix for both limits, because a document is saved as a whole.
    let fix = fix(&preferences, case);
    all_of(&LIMITS, "there are no limits", |limit| limit.judge(&preferences, &fix))
}

impl Limit {
    fn judge(&self, preferences: &Preferences, fix: &Fix) -> Answer {
        let Self { field, most, default } = self;
        let name = &preferences.name;
        let Some(raw) = preferences.text(field)? else {
            let default = default.map_or_else(|| "none".into(), |minutes| minutes.to_string());
            let how = format!("leaves {field} at its default, {default}");
            return Ok(Verdict::Pass(observed(name, how)));
        };
        if self.allows(raw) {
            return Ok(Verdict::Pass(observed(name, format!("sets {field} to {raw} min"))));
        }
        let how =
            format!("sets {field} to {raw:?}, which is no number of minutes from 1 to {most}");
        Ok(Verdict::Fail(observed(name, how), fix.clone()))
    }

    fn allows(&self, raw: &str) -> bool {
        raw.parse().is_ok_and(|minutes: u32| (1..=self.most).contains(&minutes))
    }

    /// What to set in place of a value that is not allowed, in minutes; None: nothing.
    fn corrected(&self, raw: &str) -> Option<u32> {
        // A number that is too great means as long as possible.
        let too_great = raw.trim().parse().is_ok_and(|minutes: u64| minutes > u64::from(self.most));
        if too_great { Some(self.most) } else { self.default }
    }
}

/// Sets every limit that is not allowed to one that is.
fn fix(preferences: &Preferences, case: &Case) -> Fix {
    let name = &preferences.name;
    let (mut steps, mut inputs) = (Vec::new(), Vec::new());
    for limit in &LIMITS {
        let Limit { field, most, .. } = limit;
        let Ok(Some(raw)) = preferences.text(field) else { continue };
        if limit.allows(raw) {
            continue;
        }
        let minutes = limit.corrected(raw);
        steps.push(match minutes {
            Some(minutes) => format!(
                "set {field} to {minutes} in {name}, or to another number of minutes from 1 to {most}"
            ),
            None => format!(
                "remove {field} from {name}, or set it to a number of minutes from 1 to {most}"
            ),
        });
        inputs.push((*field, minutes.map(|minutes| json!(minutes.to_string()))));
    }
    let option = with_inputs(FixOption::new(steps.join("; ")), case, name, &inputs);
    Fix::options([option], Recovery::NextSession)
}
