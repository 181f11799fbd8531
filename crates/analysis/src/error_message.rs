//! What an error message states, as types: which request AWS refused, which target is not connected, and what
//! the agent or the plugin reports.
//!
//! The message is what somebody copied from a terminal, the console or an editor: lines may be wrapped or cut,
//! and names may be replaced by dots. What is not there is None, and never guessed.

use alloc::{string::String, vec::Vec};

use crate::node::{
    agent_log::{Cause, Stage, What, read as read_line},
    serial_console::{Denial, REFUSED, denial_after},
};
use ssm_doctor_facts::ids::{Arn, Target};

/// One thing that a message states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Refused(Refusal),
    /// `StartSession` found no connected agent; the target, where the message names it.
    NotConnected(Option<String>),
    /// A line of the agent or of the Session Manager plugin.
    Failed {
        cause: Cause,
        stage: Stage,
    },
}

/// A request that AWS refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who made the request: a user, or a role's session.
    pub principal: Option<Arn>,
    /// None if the message names none, or `*`.
    pub resource: Option<Arn>,
    pub denial: Denial,
}

/// What the message states, in its order.
#[must_use]
pub fn read(text: &str) -> Vec<Claim> {
    // A terminal wraps lines anywhere.
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut claims: Vec<Claim> = refusals(&joined).map(Claim::Refused).collect();
    if claims.is_empty()
        && let Some(refusal) = refused_operation(&joined)
    {
        claims.push(Claim::Refused(refusal));
    }
    if let Some((before, _)) = joined.split_once(" is not connected") {
        let named = before.rsplit([' ', ':']).next().filter(|word| is_id(word));
        claims.push(Claim::NotConnected(named.map(String::from)));
    } else if joined.contains("TargetNotConnected") {
        claims.push(Claim::NotConnected(None));
    }
    // A line of its own where lines are whole, otherwise all of it.
    let lines: Vec<Claim> = text.lines().filter_map(reported).collect();
    let lines = if lines.is_empty() { reported(&joined).into_iter().collect() } else { lines };
    for claim in lines {
        if !claims.contains(&claim) {
            claims.push(claim);
        }
    }
    claims
}

/// What the agent or the plugin reports in a line. Its refusals are read from the whole text, with more
/// details.
fn reported(line: &str) -> Option<Claim> {
    let event = read_line(line)?;
    match event.what {
        What::Failed(Cause::Denied(_) | Cause::ClientKey(_)) if line.contains(REFUSED) => None,
        What::Failed(cause) => Some(Claim::Failed { cause, stage: event.stage }),
        _ => None,
    }
}

/// `User: <ARN> is not authorized to perform: <action> on resource: <ARN> …`
fn refusals(text: &str) -> impl Iterator<Item = Refusal> {
    let parts = text.split(REFUSED);
    parts.clone().zip(parts.skip(1)).filter_map(|(before, after)| {
        Some(Refusal {
            principal: before.rsplit_once("User: ").and_then(|(_, rest)| arn(rest)),
            resource: after.split_once("on resource: ").and_then(|(_, rest)| arn(rest)),
            denial: denial_after(after)?,
        })
    })
}

/// `An error occurred (AccessDeniedException) when calling the StartSession operation`, where the rest is cut.
fn refused_operation(text: &str) -> Option<Refusal> {
    let (_, rest) = text.split_once("(AccessDenied")?;
    let (_, rest) = rest.split_once("when calling the ")?;
    let operation = rest.split_once(" operation")?.0;
    let known = ["StartSession", "ResumeSession", "TerminateSession"];
    let operation = known.into_iter().find(|known| *known == operation)?;
    let action = alloc::format!("ssm:{operation}");
    let denial = Denial { action, policy: None, explicit: text.contains("explicit deny") };
    Some(Refusal { principal: None, resource: None, denial })
}

/// The ARN at the beginning. One that is cut or replaced by dots is none.
fn arn(text: &str) -> Option<Arn> {
    let word = text.split([' ', '<', '"', '\'']).next()?.trim_end_matches(['.', ',', ';', ')']);
    if word.contains("...") || word.contains('…') {
        return None;
    }
    word.parse().ok()
}

fn is_id(word: &str) -> bool {
    target(word).is_some() || word.starts_with("ecs:")
}

fn target(word: &str) -> Option<Target> {
    Target::try_from(String::from(word)).ok()
}

impl Refusal {
    /// The node whose agent made the request: its role's session has the node's id as its name.
    #[must_use]
    pub fn node(&self) -> Option<Target> {
        let principal = self.principal.as_ref()?;
        let session = principal.resource().strip_prefix("assumed-role/")?.split_once('/')?.1;
        target(session)
    }

    /// The target that the request was about.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        target(self.resource.as_ref()?.name())
    }

    /// Only the agent makes such requests, or only the operator; None where both do and the message does not
    /// name who did.
    #[must_use]
    pub fn is_by_agent(&self) -> Option<bool> {
        if self.principal.is_some() {
            return Some(self.node().is_some());
        }
        match self.denial.action.as_str() {
            // The agent asks for data keys only when it delivers logs, after a session.
            "ssm:StartSession"
            | "ssm:ResumeSession"
            | "ssm:TerminateSession"
            | "kms:GenerateDataKey" => Some(false),
            "ssm:UpdateInstanceInformation"
            | "ssmmessages:CreateControlChannel"
            | "ssmmessages:OpenControlChannel"
            | "ssmmessages:CreateDataChannel"
            | "kms:Decrypt"
            | "s3:GetEncryptionConfiguration"
            | "s3:PutObject"
            | "logs:DescribeLogGroups"
            | "logs:CreateLogStream"
            | "logs:PutLogEvents" => Some(true),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;
    use crate::node::serial_console::PolicyKind;

    fn refused(text: &str) -> Refusal {
        let mut claims = read(text);
        assert_eq!(claims.len(), 1, "{claims:#?}");
        match claims.remove(0) {
            Claim::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn refusals_become_types() {
        let wrapped = "An error occurred (AccessDeniedException) when calling the StartSession operation: User:\n  arn:aws:sts::111122223333:assumed-role/Ops/alice is not authorized to perform: ssm:StartSession on\n resource: arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc123def4567890 with an explicit deny in a service control policy";
        let refusal = refused(wrapped);
        assert_eq!(
            refusal.denial,
            Denial {
                action: "ssm:StartSession".into(),
                policy: Some(PolicyKind::Scp),
                explicit: true
            }
        );
        assert_eq!(refusal.principal.as_ref().map(Arn::resource), Some("assumed-role/Ops/alice"));
        assert_eq!(
            refusal.target().map(|target| target.to_string()),
            Some("i-0abc123def4567890".into())
        );
        assert_eq!((refusal.node(), refusal.is_by_agent()), (None, Some(false)));

        let agents = refused(
            "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/App/i-0abc123def4567890 is not authorized to perform: ssmmessages:CreateDataChannel on resource: arn:aws:ssmmessages:eu-west-1:111122223333:* because no VPC endpoint policy allows the ssmmessages:CreateDataChannel action",
        );
        assert_eq!(agents.denial.policy, Some(PolicyKind::Endpoint));
        assert_eq!(agents.is_by_agent(), Some(true));

        let cut = refused(
            "An error occurred (AccessDeniedException) when calling the TerminateSession operation",
        );
        assert_eq!(cut.denial.action, "ssm:TerminateSession");
        let dots = refused(
            "AccessDeniedException: ... is not authorized to perform: ssm:UpdateInstanceInformation on resource: arn:aws:ec2:...:instance/i-...",
        );
        assert_eq!((dots.principal, dots.resource), (None, None));
    }

    #[test]
    fn targets_and_lines_are_read() {
        let text = "An error occurred (TargetNotConnected) when calling the StartSession operation: mi-01064afae0734b12b is not connected.\nkex_exchange_identification: Connection closed by remote host";
        assert_eq!(read(text), vec![Claim::NotConnected(Some("mi-01064afae0734b12b".into()))]);
        assert_eq!(read("i-... is not connected."), vec![Claim::NotConnected(None)]);
        let user =
            "Unable to start shell: failed to start pty since RunAs user ubuntu does not exist";
        let cause = Cause::RunAsUserMissing("ubuntu".into());
        assert_eq!(read(user), vec![Claim::Failed { cause, stage: Stage::SessionGates }]);
        assert_eq!(read("Connection closed by UNKNOWN port 65535"), vec![]);
    }
}
