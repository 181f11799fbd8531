//! The IAM actions that a session takes, and the ARNs that AWS checks them on.

use alloc::{
    format,
    string::{String, ToString},
};

use crate::{case::Case, session};
use ssm_doctor_facts::{
    ids::*,
    lookup::{Ourselves, Unknown},
    scope::Scope,
};

pub const START: &str = "ssm:StartSession";
pub const REGISTER: &str = "ssm:UpdateInstanceInformation";
/// The control channel's actions, which carries the call for a session.
pub const CONTROL: [&str; 2] =
    ["ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel"];
/// The data channel's, which carries the session itself.
pub const DATA: [&str; 2] = ["ssmmessages:CreateDataChannel", "ssmmessages:OpenDataChannel"];
/// Both.
pub const CHANNELS: [&str; 4] = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenDataChannel",
];

/// What AWS checks the channels' actions on. The Service Authorization Reference knows no resource of
/// theirs but `*`, which is what its samples grant. Refusals name this ARN, star and all, and roles
/// that grant on nothing else hold their channels open, so a statement on either allows, and a Deny on
/// either denies. Source: refusals that agents' users pasted, "not authorized to perform:
/// ssmmessages:CreateDataChannel on resource: arn:aws:ssmmessages:us-east-1:123456789012:*".
#[must_use]
pub fn channels_of(role: &Arn, scope: &Scope) -> String {
    format!("arn:{}:ssmmessages:{}:{}:*", role.partition(), scope.region, role.account())
}

/// What AWS checks `logs:DescribeLogGroups` on: the stream without a name of the group without a name,
/// although the Service Authorization Reference knows no resource of this action but `*`. A statement
/// on `log-group:*` covers it, one on a named group does not. Source: refusals as in
/// hashicorp/terraform-provider-aws#8804 and maxbanton/cwh#83.
#[must_use]
pub fn log_groups_of(role: &Arn, scope: &Scope) -> String {
    format!(
        "arn:{}:logs:{}:{}:log-group::log-stream:",
        role.partition(),
        scope.region,
        role.account()
    )
}

pub const ASSUME: &str = "sts:AssumeRole";
/// The EC2 service as trust policies spell it; the second in China.
pub const EC2: [&str; 2] = ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"];

/// The ARN of a session document; AWS's own have no account in it.
///
/// # Errors
/// [`Unknown`] when our account is.
pub fn document_arn(case: &Case, name: &DocumentName) -> Result<String, Unknown> {
    if name.as_str().starts_with("arn:") {
        return Ok(name.to_string());
    }
    let caller = case.facts.caller(&Ourselves::Us).required()?;
    let (partition, region) = (caller.arn.partition(), &case.scope.region);
    let account = if session::is_owned_by_aws(name) { "" } else { caller.account.as_str() };
    Ok(format!("arn:{partition}:ssm:{region}:{account}:document/{name}"))
}

/// AWS's own documents have no account in their ARN, and no tags.
#[must_use]
pub fn is_owned_by_aws(resource: &str) -> bool {
    resource.contains("::document/")
}

/// The ARN that a session's target has in policies.
///
/// # Errors
/// [`Unknown`] when our account is.
pub fn target_arn(case: &Case) -> Result<String, Unknown> {
    let caller = case.facts.caller(&Ourselves::Us).required()?;
    let (partition, account, region) =
        (caller.arn.partition(), &caller.account, &case.scope.region);
    Ok(match &case.scope.target {
        Target::Instance(id) => format!("arn:{partition}:ec2:{region}:{account}:instance/{id}"),
        Target::Node(id) => format!("arn:{partition}:ssm:{region}:{account}:managed-instance/{id}"),
    })
}
