//! The key that sessions are encrypted with exists, is enabled, and can encrypt.

use crate::preferences_remedies::{giving_up, use_new_key};
use crate::prelude::*;
use ssm_doctor_analysis::session::{UnfitKey, unfit_key};
use ssm_doctor_facts::{change::KmsChange, iam::Key};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[&super::document_readable::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let preferences = preferences(case)?;
    let name = preferences
        .text("kmsKeyId")?
        .or_not_applicable("sessions are not encrypted with a KMS key")?;
    let document = &preferences.name;
    let off =
        || giving_up("turn the encryption of sessions off", case, document, &[("kmsKeyId", None)]);
    let other_key = || {
        let options = use_new_key(case, document).into_iter().chain([off()]);
        Fix::options(options, Recovery::NextSession)
    };
    let elsewhere = |id: &Arn| {
        let what = format!(
            "is a key of {}, and node and plugin look in {}",
            id.region(),
            case.scope.region
        );
        Verdict::Fail(observed(id, what), other_key())
    };
    // KMS does not describe a key of another Region, so this comes before the call.
    if let Some(arn) =
        name.parse::<Arn>().ok().filter(|it| it.region() != case.scope.region.as_str())
    {
        return Ok(elsewhere(&arn));
    }
    let Some(key) = preferences.key(case.facts)? else {
        return Ok(Verdict::Fail(
            observed(
                name,
                format!("is the session key in {} and does not exist", preferences.name),
            ),
            other_key(),
        ));
    };
    let id = &key.arn;
    if let Some(unfit) = unfit_key(name, key, &case.scope.region) {
        let what = match unfit {
            UnfitKey::OfOtherRegion => return Ok(elsewhere(id)),
            UnfitKey::OfAws => String::from(
                "is managed by AWS, which uses it for the account, and node and plugin cannot use it themselves",
            ),
            UnfitKey::OfSpec(spec) => {
                format!("is of the kind {spec}, and only symmetric keys make data keys")
            }
            UnfitKey::ForUsage(usage) => {
                format!("is for {usage}, and sessions need ENCRYPT_DECRYPT")
            }
        };
        return Ok(Verdict::Fail(observed(id, what), other_key()));
    }
    let evidence = observed(id, format!("is the session key, in state {}", key.state));
    Ok(match key.state.as_str() {
        "Enabled" => Verdict::Pass(evidence),
        "PendingDeletion" | "Disabled" => Verdict::Fail(
            evidence,
            Fix::options(enable(key).into_iter().chain([off()]), Recovery::NextSession),
        ),
        "Creating" | "Updating" => {
            return Err(
                Unknown::limit(format!("{id} is just being changed ({})", key.state)).into()
            );
        }
        _ if key.makes_nothing() => Verdict::Fail(evidence, other_key()),
        other => {
            return Err(Unknown::limit(format!("{id} is in an unrecognized state: {other}")).into());
        }
    })
}

/// Puts a key in force again; None for one whose state has other reasons.
pub(super) fn enable(key: &Key) -> Option<FixOption> {
    let id = key.arn.to_string();
    match key.state.as_str() {
        "Disabled" => Some(
            FixOption::new(format!("enable the key {id}")).with(KmsChange::EnableKey { key: id }),
        ),
        // A key whose deletion is canceled is disabled.
        "PendingDeletion" => Some(
            FixOption::new(format!("cancel the deletion of the key {id}, and enable it"))
                .with(KmsChange::CancelKeyDeletion { key: id.clone() })
                .with(KmsChange::EnableKey { key: id }),
        ),
        _ => None,
    }
}
