//! The bucket that sessions are logged to exists.
//!
//! Where encryption is not enforced, sessions start without it and their logs are lost.

use crate::preferences::session_bucket_encrypted::{find, make, missing};
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
    let Some(name) = preferences.bucket()? else {
        return Ok(Verdict::NotApplicable("sessions are not logged to S3"));
    };
    if preferences.flag("s3EncryptionEnabled")? {
        return Ok(Verdict::NotApplicable("its encryption is judged, and its existence with it"));
    }
    Ok(match find(&name, case.facts)? {
        Some(bucket) => {
            let region = bucket.region.as_ref().unwrap_or(&case.scope.region);
            Verdict::Pass(observed(&format!("bucket {name}"), format!("exists, in {region}")))
        }
        None => Verdict::Fail(
            missing(&name, &preferences)
                .and(observed("sessions", "start all the same, and are not logged")),
            make(&name, &preferences, case),
        ),
    })
}
