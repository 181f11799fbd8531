//! A refusal that AWS words itself: who was refused what, and by which type of policy.
//!
//! It shows what no call shows: service control policies of an organization whose policies nobody here may read,
//! session policies, and conditions on the request as it was made.

use alloc::{
    format,
    string::{String, ToString},
};

use ssm_doctor_analysis::{
    answer::Recovery,
    case::Case,
    error_message::Refusal,
    node::{
        agent_log::{Cause, Stage},
        serial_console::PolicyKind,
    },
};
use ssm_doctor_facts::{ids::Arn, lookup::Ourselves};

use super::conclusion::{Candidate, Decided, Reading};

pub(super) fn read(refusal: &Refusal, case: &Case, reading: &mut Reading) {
    if let Some(other) = about(refusal, case) {
        reading.about = Some(other);
        return;
    }
    let says = says(refusal);
    let checks = match refusal.is_by_agent() {
        Some(true) => Cause::Denied(refusal.denial.clone()).checks(Stage::Health),
        Some(false) => by_operator(refusal),
        None => &["operator/may-open-data-channel", "identity/role-may-open-data-channel"],
    };
    match checks {
        [check] => reading.decided.push(Decided {
            check: Some(check),
            says: format!("says that {says}"),
            fix: fix(refusal),
            recovery: match refusal.is_by_agent() {
                Some(true) if refusal.denial.action.starts_with("ssm") => Recovery::Agent,
                _ => Recovery::NextSession,
            },
            stage: stage(&refusal.denial.action),
        }),
        checks => reading.candidates.push(Candidate { what: says, checks }),
    }
}

/// What an agent that was refused did not reach.
fn stage(action: &str) -> Option<Stage> {
    match action {
        "ssm:UpdateInstanceInformation" => Some(Stage::Health),
        "ssmmessages:CreateControlChannel" | "ssmmessages:OpenControlChannel" => {
            Some(Stage::ControlChannel)
        }
        _ => None,
    }
}

fn by_operator(refusal: &Refusal) -> &'static [&'static str] {
    if refusal.denial.policy == Some(PolicyKind::Endpoint) {
        return &["endpoint/policy-allows-operator"];
    }
    let on_document = refusal.resource.as_ref().map(|arn| arn.resource().starts_with("document/"));
    match (refusal.denial.action.as_str(), on_document) {
        ("ssm:StartSession", Some(true)) => &["operator/may-use-document"],
        ("ssm:StartSession", Some(false)) => &["operator/may-start-session-on-target"],
        ("ssm:StartSession", None) => {
            &["operator/may-start-session-on-target", "operator/may-use-document"]
        }
        // The AWS CLI makes this call as well where the plugin is missing.
        ("ssm:TerminateSession", _) => {
            &["client/plugin-installed", "operator/may-resume-and-terminate"]
        }
        ("ssm:ResumeSession", _) => &["operator/may-resume-and-terminate"],
        ("ssmmessages:OpenDataChannel", _) => &["operator/may-open-data-channel"],
        ("kms:GenerateDataKey", _) => &["operator/may-generate-session-key"],
        _ => &[],
    }
}

/// Another node, Region or identity that the refusal is about.
fn about(refusal: &Refusal, case: &Case) -> Option<String> {
    let scope = case.scope;
    let targets = [refusal.node(), refusal.target()];
    if let Some(other) = targets.into_iter().flatten().find(|target| *target != scope.target) {
        return Some(other.to_string());
    }
    let region = refusal.resource.as_ref().map(Arn::region).filter(|region| !region.is_empty());
    if let Some(other) = region.filter(|region| *region != scope.region.as_str()) {
        return Some(format!("the Region {other}"));
    }
    let principal = refusal.principal.as_ref().filter(|_| refusal.node().is_none())?;
    let caller = || Some(&case.facts.caller(&Ourselves::Us).hint().ok()??.arn);
    let Some(operator) = scope.operator.as_ref().or_else(caller) else {
        return Some(format!("{principal}, which nothing shows to be the operator"));
    };
    (!is_same(principal, operator)).then(|| principal.to_string())
}

/// Are these the same user, or sessions of the same role?
fn is_same(principal: &Arn, operator: &Arn) -> bool {
    // The name, and whether it is a role's.
    let name = |arn: &Arn| match role_of_session(arn) {
        Some(role) => (role.to_string(), true),
        None => (arn.name().to_string(), arn.resource().starts_with("role/")),
    };
    principal.account() == operator.account() && name(principal) == name(operator)
}

/// The role whose session it is. The ARN of a session has the role's name without its path.
fn role_of_session(arn: &Arn) -> Option<&str> {
    arn.resource().strip_prefix("assumed-role/")?.split('/').next()
}

/// `alice`, `the role Ops`.
fn who(refusal: &Refusal) -> String {
    let Some(arn) = &refusal.principal else {
        let agent = refusal.is_by_agent() == Some(true);
        return if agent { "the agent's role" } else { "the operator" }.into();
    };
    match role_of_session(arn) {
        Some(role) => format!("the role {role}"),
        None => arn.name().to_string(),
    }
}

fn on(refusal: &Refusal) -> String {
    refusal.resource.as_ref().map_or_else(String::new, |arn| format!(" on {arn}"))
}

/// What AWS refused, as a clause.
pub(crate) fn says(refusal: &Refusal) -> String {
    let denial = &refusal.denial;
    let policy = match (denial.policy, denial.explicit) {
        (Some(kind), true) => format!(" (an explicit Deny in {})", kind.with_article()),
        (Some(kind), false) => format!(" (no {} allows it)", kind.as_str()),
        (None, true) => " (an explicit Deny)".into(),
        (None, false) => String::new(),
    };
    format!("AWS refused {} {}{}{policy}", who(refusal), denial.action, on(refusal))
}

/// What to do, in the imperative.
fn fix(refusal: &Refusal) -> String {
    let denial = &refusal.denial;
    let what = format!("{} {}{}", who(refusal), denial.action, on(refusal));
    match denial.policy {
        Some(kind @ (PolicyKind::Scp | PolicyKind::Rcp)) => format!(
            "ask the administrators of the organization to change the {}, so that it allows {what}",
            kind.as_str()
        ),
        Some(PolicyKind::Session) => {
            format!("make the credentials with a session policy that allows {what}, or with none")
        }
        Some(kind) if denial.explicit => {
            format!("change the Deny in the {}, so that it spares {what}", kind.as_str())
        }
        Some(kind) => format!("allow {what} in the {}", kind.as_str()),
        None => format!("allow {what}"),
    }
}
