//! The agent's role may decrypt the session's data key.
//!
//! AWS's managed policies for nodes do not include it: turning on KMS encryption in the preferences
//! breaks every node that has nothing else. The key policy counts as much as the role's own.

use crate::engine::permission::may_use_key;
use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: crate::path::joined!(
        &[&super::document_readable::CHECK],
        crate::agent_role::USABLE
    ),
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let preferences = preferences(case)?;
    let key = preferences.guarded_key(case)?.or_not_applicable(
        "the session is not encrypted with a KMS key, or that key cannot encrypt it",
    )?;
    let role = role(case)?;
    let identity = role.identity(case.scope);
    Ok(may_use_key(&identity, "kms:Decrypt", "session-key", key, case)?)
}
