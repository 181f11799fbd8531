//! The agent's role may open the channel that a session runs over.
//!
//! Beside the control channel, which is opened once: a node with that one alone is connected, and every
//! session on it ends as it begins. So an open control channel proves nothing of this.

use crate::agent_permissions::managed_policy;
use crate::engine::permission::Permission;
use crate::identity::role_may_open_channels::on_the_arn_alone;
use crate::prelude::*;
use ssm_doctor_analysis::permissions::actions::{CONTROL, DATA, channels_of};
use ssm_doctor_facts::lookup::both;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Identity,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &super::profile_attached::CHECK,
        &super::profile_contains_role::CHECK,
        &super::role_may_open_channels::CHECK,
        &super::role_trusts_ec2::CHECK,
        &crate::hybrid::role_trusts_ssm::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let role = role(case)?;
    let identity = role.identity(case.scope);
    let channels = channels_of(&role.arn, case.scope);
    let control = Permission {
        identity: &identity,
        actions: &CONTROL,
        resource: &channels,
        grant: managed_policy(role.source),
        recovery: Recovery::NextSession,
    };
    let data = Permission { actions: &DATA, ..control };
    let (control, data) = (control.judge(case), data.judge(case));
    // Said once. If the control channel is open nonetheless, the denial is in doubt.
    if let Ok(Verdict::Fail(..)) = control {
        return Ok(Verdict::NotApplicable(
            "the control channel, without which there is no session to carry, is refused already",
        ));
    }
    Ok(match both(control, data)? {
        (_, Verdict::Pass(evidence)) => {
            Verdict::Pass(on_the_arn_alone(&identity, &DATA, &channels, evidence, case))
        }
        (_, data) => data,
    })
}
