//! A rule that ends before it reaches a verdict.

use ssm_doctor_analysis::{
    answer::{Answer, Verdict},
    case::Case,
    permissions::{
        agent_identity::{agent_role, agent_role_name, host_management_gives_none},
        identity::{AgentRole, CredentialSource},
    },
    session::{self, Gates, Preferences},
};
use ssm_doctor_facts::{
    ec2::Instance,
    ids::{InstanceId, RoleName},
    lookup::{Unknown, both},
    ssm::{Connection, Ping},
};

/// Why a rule ends early. With `?` a rule is a list of its preconditions, and then its verdict.
pub(crate) enum NoVerdict {
    NotApplicable(&'static str),
    Unknown(Unknown),
}

pub(crate) type Judged = Result<Verdict, NoVerdict>;

impl From<Unknown> for NoVerdict {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}

/// The answer of a rule.
pub(crate) fn answer(judged: Judged) -> Answer {
    judged.or_else(|early| match early {
        NoVerdict::NotApplicable(why) => Ok(Verdict::NotApplicable(why)),
        NoVerdict::Unknown(unknown) => Err(unknown),
    })
}

/// What a rule is about, which may not exist.
pub(crate) trait Precondition<T> {
    /// The value; without one the rule does not apply.
    fn or_not_applicable(self, why: &'static str) -> Result<T, NoVerdict>;
}

impl<T> Precondition<T> for Option<T> {
    fn or_not_applicable(self, why: &'static str) -> Result<T, NoVerdict> {
        self.ok_or(NoVerdict::NotApplicable(why))
    }
}

/// The instance; `why` a rule does not apply to a hybrid node.
pub(crate) fn instance<'a>(
    case: &Case<'a>,
    why: &'static str,
) -> Result<&'a InstanceId, NoVerdict> {
    case.scope.target.instance().or_not_applicable(why)
}

/// The instance, if its flow logs and query logs are read: on request, while it does not report or has no session
/// channel. `why` they are about no hybrid node.
pub(crate) fn logged_instance<'a>(
    case: &Case<'a>,
    why: &'static str,
) -> Result<(&'a InstanceId, &'a Instance), NoVerdict> {
    let (facts, target) = (case.facts, &case.scope.target);
    let id = instance(case, why)?;
    if !case.scope.deep {
        return Err(NoVerdict::NotApplicable("the logs are read with --deep only"));
    }
    let (node, connection) =
        both(facts.node(target).optional(), facts.connection(target).optional())?;
    let online = node.is_some_and(|node| node.ping == Ping::Online);
    if online && connection == Some(&Connection::Connected) {
        return Err(NoVerdict::NotApplicable("the node is online and connected"));
    }
    Ok((id, facts.instance(id).required()?))
}

/// The role that the agent uses.
pub(crate) fn role(case: &Case) -> Result<AgentRole, NoVerdict> {
    agent_role(case)?.or_not_applicable("the agent has no role")
}

/// The role that the agent has from Systems Manager: by an activation, or by Default Host Management. It may have been
/// deleted since.
pub(crate) fn role_by_systems_manager(
    case: &Case,
) -> Result<(RoleName, CredentialSource), NoVerdict> {
    let role = agent_role_name(case);
    // Whatever the instance's profile turns out to hold.
    if role.is_err() && host_management_gives_none(case) {
        return Err(NoVerdict::NotApplicable(
            "Default Host Management is off here, and gives the agent no role",
        ));
    }
    match role?.or_not_applicable("the agent has no role")? {
        (_, CredentialSource::InstanceProfile) => {
            Err(NoVerdict::NotApplicable("the agent uses the role of its instance profile"))
        }
        given => Ok(given),
    }
}

/// The preferences, if the session is subject to them.
pub(crate) fn preferences<'a>(case: &Case<'a>) -> Result<Preferences<'a>, NoVerdict> {
    match session::gates(case)? {
        Gates::Apply(preferences) => Ok(preferences),
        Gates::None(why) => Err(NoVerdict::NotApplicable(why)),
    }
}
