//! The operator may make the session's data key.
//!
//! KMS has two principals here: the operator's plugin calls `kms:GenerateDataKey`, the agent
//! `kms:Decrypt`. The plugin finds its credentials by itself, so those behind MFA, a credential
//! process or a stale SSO login can fail it although the session was allowed.

use crate::prelude::*;
use ssm_doctor_analysis::{
    permissions::{access::may_use_key, operator},
    session::{self, Gates},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[
        &super::in_account_and_region::CHECK,
        &crate::preferences::document_readable::CHECK,
        &crate::preferences::session_key_usable::CHECK,
    ],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let Some(key) = preferences.guarded_key(case)? else {
        return Ok(Verdict::NotApplicable(
            "the session is not encrypted with a KMS key, or the key does not exist",
        ));
    };
    let who = operator::who(case)?;
    may_use_key(&who, "kms:GenerateDataKey", "session-key", key, case)
}
