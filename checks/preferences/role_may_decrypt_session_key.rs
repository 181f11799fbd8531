//! The agent's role may decrypt the session's data key.
//!
//! AWS's managed policies for nodes do not include it: turning on KMS encryption in the preferences
//! breaks every node that has nothing else. The key policy counts as much as the role's own.

use crate::{
    prelude::*,
    solve::{
        access::{Access, Grant},
        credentials::agent_role,
        judge::{Guard, GuardKind},
        session::{self, Gates},
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("role_may_decrypt_session_key.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[
        &super::document_readable::CHECK,
        &super::session_key_usable::CHECK,
        &crate::identity::profile_attached::CHECK,
        &crate::identity::profile_contains_role::CHECK,
        &crate::identity::role_trusts_ec2::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
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
    let Some(role) = agent_role(facts, scope)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let who = role.who(scope);
    let actions = ["kms:Decrypt"];
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
