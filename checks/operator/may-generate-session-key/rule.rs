//! The operator may make the session's data key.
//!
//! KMS has two principals here: the operator's plugin calls `kms:GenerateDataKey`, the agent
//! `kms:Decrypt`. The plugin looks for credentials by itself, so credentials that need MFA, a credential
//! process or a fresh SSO login can fail although the session was allowed.

use crate::engine::permission::may_use_key;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::operator;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[
        &super::in_account_and_region::CHECK,
        &crate::preferences::document_readable::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let preferences = preferences(case)?;
    let key = preferences.guarded_key(case)?.or_not_applicable(
        "the session is not encrypted with a KMS key, or that key cannot encrypt it",
    )?;
    let identity = operator::identity(case)?;
    Ok(may_use_key(&identity, "kms:GenerateDataKey", "session-key", key, case)?)
}
