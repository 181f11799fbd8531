//! The key that sessions are encrypted with exists, is enabled, and can encrypt.

use crate::preferences_words::save;
use crate::prelude::*;
use ssm_doctor_facts::change::KmsChange;

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
    let other_key = || {
        let fix = Fix::new(
            format!(
                "name a symmetric key of {} in the preferences ({})",
                case.scope.region, preferences.name
            ),
            Recovery::NextSession,
        );
        save(fix, &preferences.name)
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
    if id.region() != case.scope.region.as_str() {
        return Ok(elsewhere(id));
    }
    if let Some(spec) = key.spec.as_ref().filter(|it| *it != "SYMMETRIC_DEFAULT") {
        let evidence =
            observed(id, format!("is of the kind {spec}, and only symmetric keys make data keys"));
        return Ok(Verdict::Fail(evidence, other_key()));
    }
    if key.usage != "ENCRYPT_DECRYPT" {
        let evidence =
            observed(id, format!("is for {}, and sessions need ENCRYPT_DECRYPT", key.usage));
        return Ok(Verdict::Fail(evidence, other_key()));
    }
    let evidence = observed(id, format!("is the session key, in state {}", key.state));
    let enable = |fix: Fix| fix.with(KmsChange::EnableKey { key: id.to_string() });
    Ok(match key.state.as_str() {
        "Enabled" => Verdict::Pass(evidence),
        "PendingDeletion" => Verdict::Fail(
            evidence,
            enable(
                Fix::new("cancel the key's deletion and enable it", Recovery::NextSession)
                    .with(KmsChange::CancelKeyDeletion { key: id.to_string() }),
            ),
        ),
        "Disabled" => {
            Verdict::Fail(evidence, enable(Fix::new("enable the key", Recovery::NextSession)))
        }
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
