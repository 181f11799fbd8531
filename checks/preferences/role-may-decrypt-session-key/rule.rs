//! The agent's role may decrypt the session's data key.
//!
//! AWS's managed policies for nodes do not include it: turning on KMS encryption in the preferences
//! breaks every node that has nothing else. The key policy counts as much as the role's own.

use crate::prelude::*;
use ssm_doctor_analysis::{
    permissions::{access::may_use_key, credentials::agent_role},
    session::{self, Gates},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
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
    let Some(role) = agent_role(case)? else {
        return Ok(Verdict::NotApplicable("the agent has no role"));
    };
    let who = role.who(case.scope);
    may_use_key(&who, "kms:Decrypt", "session-key", key, case)
}
