//! The operator may make the session's data key.
//!
//! KMS has two principals here: the operator's plugin calls `kms:GenerateDataKey`, the agent
//! `kms:Decrypt`. The plugin finds its credentials by itself, so those behind MFA, a credential
//! process or a stale SSO login can fail it although the session was allowed.

use crate::{
    prelude::*,
    solve::{
        access::{Access, Grant},
        judge::{Guard, GuardKind},
        operator,
        session::{self, Gates},
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("may_generate_session_key.md"),
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

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let preferences = match session::gates(facts, scope)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let Some(key) = preferences.key(facts)? else {
        return Ok(Verdict::NotApplicable(
            "the session is not encrypted with a KMS key, or the key does not exist",
        ));
    };
    let who = operator::who(facts, scope)?;
    let actions = ["kms:GenerateDataKey"];
    let access = Access {
        who: &who,
        actions: &actions,
        resource: key.arn.as_str(),
        grant: Grant::Inline {
            purpose: "session-key",
            actions: &actions,
            resource: key.arn.as_str(),
        },
        recovery: Recovery::NextSession,
    };
    let guard = Guard {
        kind: GuardKind::Key,
        id: key.arn.as_str(),
        policy: key.policy().map(Some),
        account: key.arn.account(),
        context: Vec::new(),
    };
    access.judge_past(Some(&guard), facts, scope)
}
