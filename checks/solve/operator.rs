//! Who will start the session.

use alloc::format;

use crate::model::{
    facts::{Facts, Ourselves, Unknown},
    ids::*,
    scope::Scope,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A user or role, as the simulator wants it.
    Named(Arn),
    /// The account's root user, whom no identity policy limits.
    Root(Arn),
}

/// The user or role behind `--operator`, or behind our own credentials.
///
/// An assumed role's ARN has lost the role's path, so the role has to be looked up by name.
///
/// # Errors
/// [`Unknown`] for sessions that cannot be traced to a user or role of this account.
pub fn principal(facts: &Facts, scope: &Scope) -> Result<Principal, Unknown> {
    let caller = facts.caller(&Ourselves::Us).required()?;
    let arn = scope.operator.as_ref().unwrap_or(&caller.arn);
    if arn.account() != caller.account.as_str() {
        return Err(Unknown::limit(format!(
            "{arn} is of another account, whose policies cannot be read from here"
        )));
    }
    let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
    match (arn.service(), kind) {
        ("iam", "user" | "role") => Ok(Principal::Named(arn.clone())),
        ("iam", "root") => Ok(Principal::Root(arn.clone())),
        ("sts", "assumed-role") => {
            let name = rest.split('/').next().unwrap_or_default();
            let name = name.parse().map_err(|_| not_traceable(arn))?;
            Ok(Principal::Named(facts.role(&name).required()?.arn.clone()))
        }
        _ => Err(not_traceable(arn)),
    }
}

fn not_traceable(arn: &Arn) -> Unknown {
    Unknown::limit(format!("{arn} cannot be traced to a user or role"))
}
