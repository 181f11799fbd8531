//! The policies of endpoints on the way let the agent do what this session waits for.
//!
//! Encryption and logging preferences make the agent call KMS, S3 or `CloudWatch` Logs before the
//! prompt appears, from the same subnet and so through the same kind of endpoints.

use crate::engine::permission::endpoint_policy::{EndpointPolicy, EndpointRequest};
use crate::prelude::*;
use ssm_doctor_analysis::{
    network::service,
    permissions::actions::log_groups_of,
    session::{self, Gates, Preferences},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::available::CHECK,
        &crate::preferences::document_readable::CHECK,
        &crate::preferences::session_key_usable::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

/// What a gate may wait for.
const SERVICES: [&str; 3] = ["kms", "logs", "s3"];
const NOTHING: &str =
    "nothing that this session waits for is reached through an endpoint with a policy";

fn run(case: &Case) -> Judged {
    let gates = session::gates(case);
    if let Ok(Gates::None(why)) = gates {
        return Ok(Verdict::NotApplicable(why));
    }
    let services = match service::gate_services(case) {
        Ok(services) => services,
        // Which of them it waits for does not matter if none is reached through a policy.
        Err(unknown) => {
            for service in SERVICES {
                match on_path(case, service) {
                    Ok(None) => {}
                    Ok(Some(_)) => return Err(unknown.into()),
                    Err(more) => return Err(unknown.and(more).into()),
                }
            }
            return Ok(Verdict::NotApplicable(NOTHING));
        }
    };
    if services.is_empty() {
        return Ok(Verdict::NotApplicable(NOTHING));
    }
    let Gates::Apply(preferences) = gates? else {
        return Ok(Verdict::NotApplicable(NOTHING));
    };
    Ok(all_of(services, NOTHING, |service| answer(judge(service, &preferences, case)))?)
}

fn judge(service: &'static str, preferences: &Preferences, case: &Case) -> Judged {
    let policy = on_path(case, service)?.or_not_applicable("no endpoint's policy on the way")?;
    if let Some(open) = policy.allows_everything() {
        return Ok(open);
    }
    let role = role(case)?;
    let (action, resource) = match service {
        "kms" => {
            let key = preferences.guarded_key(case)?.or_not_applicable("the key does not exist")?;
            ("kms:Decrypt", key.arn.to_string())
        }
        "s3" => {
            let bucket = preferences.bucket()?.or_not_applicable("no bucket is named")?;
            let partition = role.arn.partition();
            ("s3:GetEncryptionConfiguration", format!("arn:{partition}:s3:::{bucket}"))
        }
        "logs" => ("logs:DescribeLogGroups", log_groups_of(&role.arn, case.scope)),
        _ => return Ok(Verdict::NotApplicable("nothing waits for it")),
    };
    let identity = role.identity(case.scope);
    // This action has no resource but `*`.
    let granted = if service == "logs" { "*" } else { &resource };
    let request = EndpointRequest { action, resource: &resource, granted };
    Ok(policy.judge(&identity, &[request], case)?)
}

/// The agent asks anew for each session.
pub(super) fn on_path<'f>(
    case: &Case<'f>,
    service: &'static str,
) -> Result<Option<EndpointPolicy<'f>>, Unknown> {
    EndpointPolicy::on_path(case, service, Recovery::NextSession)
}
