//! What no call can tell of a permission, in words.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use ssm_doctor_facts::{
    limit::{PermissionLimit, ProfileProblem},
    time::span,
};

/// What to do about a profile that gives the agent no credentials.
pub fn profile_remedy(problem: &ProfileProblem) -> String {
    match problem {
        ProfileProblem::NoProfile => {
            "attach an instance profile whose role has AmazonSSMManagedInstanceCore".into()
        }
        ProfileProblem::NoRole => "give it a profile that holds a role".into(),
        ProfileProblem::CannotRegister { role } => {
            format!("let EC2 assume {role}, and attach AmazonSSMManagedInstanceCore to it")
        }
    }
}

/// What an instance has instead of a profile that gives its agent credentials.
pub fn profile_problem(problem: &ProfileProblem) -> String {
    match problem {
        ProfileProblem::NoProfile => "no instance profile".into(),
        ProfileProblem::NoRole => "an instance profile that gives it no role".into(),
        ProfileProblem::CannotRegister { role } => {
            format!("a profile whose role {role} cannot register")
        }
    }
}

/// What no call can tell of a permission, as a clause.
#[must_use]
pub fn limit(limit: &PermissionLimit) -> String {
    use PermissionLimit as Limit;
    match limit {
        Limit::OtherAccount { operator } => {
            format!("{operator} is of another account, whose policies cannot be read from here")
        }
        Limit::FederatedUser { operator } => format!(
            "{operator} has what its session policy and the user who made it have in common, and AWS shows neither"
        ),
        Limit::NotTraceable { operator } => {
            format!("{operator} cannot be traced to a user or role")
        }
        Limit::NotUserOrRole { arn } => format!("{arn} does not name a user or role"),
        Limit::NotProfile { arn } => format!("{arn} does not name a profile"),
        Limit::NotRole { name } => format!("{name:?} does not name a role"),
        Limit::ActivationRole { target } => format!("which role {target} was activated with"),
        Limit::ProfileWithoutRole { instance } => format!(
            "whether the agent on {instance} turns to Default Host Management while its profile holds no role is not documented"
        ),
        Limit::HostManagementNotSeen { instance, profile } => format!(
            "{instance} has {}, and whether Default Host Management gives its agent credentials instead was not seen",
            profile_problem(profile)
        ),
        Limit::HostManagementSpreads { instance, region, role, age, takes } => {
            let what = match age {
                Some(age) => format!("was changed {} ago", span(*age)),
                None => "is being changed".to_string(),
            };
            format!(
                "Default Host Management {what} in {region} ({role}), and takes up to {} to reach {instance}: wait, or run again with --wait",
                span(*takes)
            )
        }
        Limit::RoleNotCreated { name } => format!("the simulator does not answer for {name} before it exists"),
        Limit::RootNotSimulated => "the simulator does not answer for the root user".into(),
        Limit::SimulatorAnswer { answer, action } => {
            format!("the simulator answered {answer:?} for {action}")
        }
        Limit::DependsOnKeys { name, action, keys } => format!(
            "whether {name} may {action} depends on {}, which is not known",
            keys.join(", ")
        ),
        Limit::OrganizationNotVisible { name, action, statements } => {
            let statements = statements.iter().map(|(place, policy)| format!("{place} of {policy}"));
            format!(
                "the policies of {name} allow {action} ({}), and whether the organization forbids it is not visible from here",
                statements.collect::<Vec<_>>().join(", ")
            )
        }
        Limit::KeyOfSomeServices { key } => {
            format!("AWS sets {key} for some services only, and adds to their list")
        }
        Limit::AccessRequest => "whether a request for just-in-time node access was approved is not visible (ssm:AccessRequestId): make one with `aws ssm start-access-request`, and start the session with the credentials of `aws ssm get-access-token`".into(),
        Limit::EncryptionContext => "newer plugins and agents send more with a session key than aws:ssm:SessionId and aws:ssm:TargetId".into(),
        Limit::GrantDependsOnConstraints { grant, key, name, operation } => format!(
            "whether grant {grant} of {key} lets {name} {operation} depends on its constraints or on the session"
        ),
        Limit::InvalidId(message) => message.clone(),
    }
}
