//! What several checks ask of the permissions of the agent's role.

use ssm_doctor_analysis::{
    answer::{Answer, Recovery, Verdict},
    case::Case,
    permissions::{
        actions::{CHANNELS, CONTROL, channels_of},
        identity::{AgentRole, CredentialSource},
        managed_policies::{DEFAULT_HOST_MANAGEMENT, INSTANCE_CORE},
    },
};

use crate::engine::permission::{Grant, Permission};

/// The policy that AWS made for nodes; Default Host Management has its own.
pub(crate) fn managed_policy(source: CredentialSource) -> Grant<'static> {
    Grant::Managed(match source {
        CredentialSource::HostManagement => DEFAULT_HOST_MANAGEMENT,
        CredentialSource::InstanceProfile | CredentialSource::Activation => INSTANCE_CORE,
    })
}

/// May a role open the control channel?
pub(crate) fn may_open_channel(role: &AgentRole, recovery: Recovery, case: &Case) -> Answer {
    let (identity, channels) = (role.identity(case.scope), channels_of(&role.arn, case.scope));
    let grant = managed_policy(role.source);
    let permission =
        Permission { identity: &identity, actions: &CONTROL, resource: &channels, grant, recovery };
    match permission.judge(case)? {
        // The fix covers the data channel too, which has a check of its own.
        Verdict::Fail(..) => Permission { actions: &CHANNELS, ..permission }.judge(case),
        answer => Ok(answer),
    }
}
