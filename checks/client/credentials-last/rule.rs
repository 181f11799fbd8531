//! The credentials at hand last for longer than a moment.
//!
//! A session that runs outlives them, but not a broken connection: resuming is a call like any other.

use crate::client_words::{fails, of_workstation, passes};
use crate::prelude::*;
use ssm_doctor_analysis::workstation;
use ssm_doctor_facts::time::span;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[],
    proves: &[],
    run,
};

/// In seconds: too little to look into anything on the node.
const SHORT: i64 = 15 * 60;

fn run(case: &Case) -> Answer {
    of_workstation(case, |_| {
        let Some(end) = workstation::login(case.facts)?.ends_at else {
            return Ok(Verdict::NotApplicable("the credentials do not tell when they end"));
        };
        let (credentials, left) = ("this run's credentials", case.scope.at.until(end));
        if left >= SHORT {
            let what = format!("last for {}, until {end}", span(left));
            return passes(credentials, what);
        }
        let left = if left > 0 { format!("in {}", span(left)) } else { "now".into() };
        fails(
            credentials,
            format!("end {left}, at {end}"),
            "renew them before starting the session: `aws sso login`, or assume the role again",
        )
    })
}
