//! What an operator needs for sessions, as one policy.
//!
//! Source: Systems Manager user guide, "Sample IAM policies for Session Manager", end-user policy.

use alloc::{format, string::String, vec::Vec};

use serde_json::{Value, json};

use crate::engine::permission::{InlinePolicy, allowing, policy_name};
use ssm_doctor_analysis::{
    case::Case,
    permissions::{
        actions::{START, document_arn, target_arn},
        identity::Identity,
        operator,
    },
    session,
};
use ssm_doctor_facts::lookup::Unknown;

pub(crate) const RESUME_AND_TERMINATE: [&str; 2] = ["ssm:ResumeSession", "ssm:TerminateSession"];
pub(crate) const OPEN: &str = "ssmmessages:OpenDataChannel";

/// Starts this session, and what belongs to it. The target and the document are of one policy, because
/// AWS asks for both. `resource` is what sentences name.
///
/// # Errors
/// [`Unknown`] while our account is, or the document's name.
pub(crate) fn start(
    identity: &Identity,
    resource: &str,
    case: &Case,
) -> Result<InlinePolicy, Unknown> {
    let mut resources = Vec::from([target_arn(case)?]);
    let name = session::document_name(case.scope).ok();
    if let Some(name) = &name {
        resources.push(document_arn(case, name)?);
    }
    let start = json!({ "Effect": "Allow", "Action": [START], "Resource": resources });
    let mut statements = Vec::from([start]);
    statements.extend(own_sessions(identity, case)?);
    let short = name.as_ref().and_then(|name| name.as_str().rsplit('/').next());
    let short = short.unwrap_or_default();
    Ok(InlinePolicy {
        name: policy_name(&format!("start-session-{}-{short}", case.scope.target), "*"),
        statements,
        resource: resource.into(),
    })
}

/// Resumes and ends sessions of one's own, and opens their data channel.
///
/// # Errors
/// [`Unknown`] while our account is.
pub(crate) fn own(identity: &Identity, case: &Case) -> Result<InlinePolicy, Unknown> {
    Ok(InlinePolicy {
        name: "session-manager-own-sessions".into(),
        statements: Vec::from(own_sessions(identity, case)?),
        resource: pattern(identity, case)?,
    })
}

fn own_sessions(identity: &Identity, case: &Case) -> Result<[Value; 2], Unknown> {
    let sessions = pattern(identity, case)?;
    Ok([allowing(&RESUME_AND_TERMINATE, &sessions), allowing(&[OPEN], &sessions)])
}

/// The root user has no sessions of its own to tell apart.
fn pattern(identity: &Identity, case: &Case) -> Result<String, Unknown> {
    if identity.is_root() {
        return Ok("*".into());
    }
    Ok(operator::sessions(identity, case)?.pattern)
}
