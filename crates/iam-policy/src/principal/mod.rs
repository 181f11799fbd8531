//! The `Principal` and `NotPrincipal` elements: does a statement apply to the request's principal, and does
//! it name the principal by its account, by its role or directly?
//!
//! Source: IAM user guide, "AWS JSON policy elements: Principal" and
//! "AWS JSON policy elements: `NotPrincipal`"; for gateway endpoints: VPC guide, "Control access to VPC
//! endpoints using endpoint policies", "Principals for gateway endpoints".

use alloc::{borrow::ToOwned, vec::Vec};

use serde_json::Value;

use crate::{
    error::StatementError,
    request::Principal,
    syntax::{Effect, ElementEntries, PolicyType, values_of},
    truth::Truth,
};

/// One entry of a principal element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrincipalEntry<'p> {
    Everyone,
    /// An account's id or root user, a user, a role or a role session.
    Aws(&'p str),
    /// The same in the policy of a gateway endpoint.
    AwsAtGateway(&'p str),
    Service(&'p str),
    Federated(&'p str),
    /// The id that S3 gives an account.
    CanonicalUser(&'p str),
}

impl<'p> PrincipalEntry<'p> {
    /// Parses a whole element.
    pub(crate) fn parse(
        element: &'p Value,
        policy_type: PolicyType,
    ) -> Result<Vec<Self>, StatementError> {
        let kinds = match element {
            Value::String(everyone) if everyone == "*" => return Ok(Vec::from([Self::Everyone])),
            Value::Object(kinds) => kinds,
            _ => return Err(StatementError::PrincipalNotAnObject),
        };
        let mut entries = Vec::new();
        for (kind, names) in kinds {
            for name in values_of(names) {
                let Some(name) = name.as_str() else {
                    return Err(StatementError::PrincipalNotStrings(kind.clone()));
                };
                entries.push(match kind.as_str() {
                    "AWS" if name == "*" => Self::Everyone,
                    "AWS" if name.contains('*') => {
                        return Err(StatementError::PrincipalWildcard(name.to_owned()));
                    }
                    "AWS" if policy_type == PolicyType::GatewayEndpoint => Self::AwsAtGateway(name),
                    "AWS" => Self::Aws(name),
                    "Service" => Self::Service(name),
                    "Federated" => Self::Federated(name),
                    "CanonicalUser" => Self::CanonicalUser(name),
                    _ => return Err(StatementError::UnknownPrincipalKind(kind.clone())),
                });
            }
        }
        Ok(entries)
    }

    pub(crate) fn as_str(self) -> &'p str {
        match self {
            Self::Everyone => "*",
            Self::Aws(name)
            | Self::AwsAtGateway(name)
            | Self::Service(name)
            | Self::Federated(name)
            | Self::CanonicalUser(name) => name,
        }
    }
}

/// Whether a statement applies to the request, by how it names the principal. The distinction matters for
/// resource-based policies only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// By its account: the account's identity-based policies decide.
    pub(crate) account: Truth,
    /// By its role: the role's permissions boundary and the session policy still limit it.
    pub(crate) role: Truth,
    /// Directly: the user, the role session, or everyone.
    pub(crate) direct: Truth,
}

impl Coverage {
    pub(crate) const NONE: Self = Self::all(Truth::No);

    pub(crate) const fn all(truth: Truth) -> Self {
        Self { account: truth, role: truth, direct: truth }
    }

    fn direct(truth: Truth) -> Self {
        Self { direct: truth, ..Self::NONE }
    }

    pub(crate) fn and(self, truth: Truth) -> Self {
        Self {
            account: self.account.and(truth),
            role: self.role.and(truth),
            direct: self.direct.and(truth),
        }
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            account: self.account.or(other.account),
            role: self.role.or(other.role),
            direct: self.direct.or(other.direct),
        }
    }

    pub(crate) fn has_unknown(self) -> bool {
        [self.account, self.role, self.direct].contains(&Truth::Unknown)
    }

    pub(crate) fn any(self) -> Truth {
        self.account.or(self.role).or(self.direct)
    }
}

/// Whether a statement's principal element applies to `principal`. `has_boundary`: whether the principal
/// has a permissions boundary.
pub(crate) fn coverage(
    entries: &ElementEntries<PrincipalEntry>,
    effect: Option<Effect>,
    principal: Principal,
    has_boundary: Truth,
) -> Coverage {
    match entries {
        // An identity-based policy applies to the identity that it is attached to.
        ElementEntries::Missing => Coverage::direct(Truth::Yes),
        ElementEntries::Only(entries) => {
            let each = entries.iter().map(|entry| coverage_by_entry(*entry, effect, principal));
            each.fold(Coverage::NONE, Coverage::or)
        }
        ElementEntries::AllExcept(entries) => {
            // "will always deny any IAM principal that has a permissions boundary policy attached".
            let always = if principal.arn().is_some() { has_boundary } else { Truth::No };
            Coverage::direct(is_excepted(entries, principal).not().or(always))
        }
    }
}

fn coverage_by_entry(
    entry: PrincipalEntry,
    effect: Option<Effect>,
    principal: Principal,
) -> Coverage {
    match (entry, principal) {
        // A Deny for everyone applies to services. Whether an Allow for everyone does is not documented.
        (PrincipalEntry::Everyone, Principal::Service(_)) if effect != Some(Effect::Deny) => {
            Coverage::direct(Truth::Unknown)
        }
        (PrincipalEntry::Everyone, _) => Coverage::direct(Truth::Yes),
        (PrincipalEntry::Service(name), Principal::Service(names)) => {
            Coverage::direct(names.contains(&name).into())
        }
        (PrincipalEntry::Aws(name), _) => coverage_by_aws_name(name, principal),
        (PrincipalEntry::AwsAtGateway(name), _) => coverage_at_gateway(name, effect, principal),
        (PrincipalEntry::CanonicalUser(_), _) if principal.arn().is_some() => {
            Coverage { account: Truth::Unknown, ..Coverage::NONE }
        }
        _ => Coverage::NONE,
    }
}

fn coverage_by_aws_name(name: &str, principal: Principal) -> Coverage {
    if is_account_of(name, principal) {
        return Coverage { account: Truth::Yes, ..Coverage::NONE };
    }
    match principal {
        Principal::User(arn) => Coverage::direct((name == arn.as_str()).into()),
        Principal::RoleSession { role, .. } if name == role.as_str() => {
            Coverage { role: Truth::Yes, ..Coverage::NONE }
        }
        Principal::RoleSession { name: session, .. } => {
            Coverage::direct(is_session(name, principal, session))
        }
        Principal::Root(_) | Principal::Service(_) | Principal::Anonymous => Coverage::NONE,
    }
}

/// At a gateway endpoint the id or root of an account allows its root user alone. Users and roles have to be named by the
/// condition key `aws:PrincipalArn`; what their ARN does in this place is not documented.
fn coverage_at_gateway(name: &str, effect: Option<Effect>, principal: Principal) -> Coverage {
    if effect == Some(Effect::Allow) && is_account_of(name, principal) {
        return Coverage::direct(matches!(principal, Principal::Root(_)).into());
    }
    match coverage_by_aws_name(name, principal).any() {
        Truth::No => Coverage::NONE,
        Truth::Yes | Truth::Unknown => Coverage::direct(Truth::Unknown),
    }
}

/// Whether `name` is the id or the root user's ARN of the principal's account.
fn is_account_of(name: &str, principal: Principal) -> bool {
    let Some(arn) = principal.arn() else { return false };
    let after_partition =
        || name.strip_prefix("arn:")?.strip_prefix(arn.partition())?.strip_prefix(":iam::");
    let after_account = || after_partition()?.strip_prefix(arn.account());
    name == arn.account() || after_account() == Some(":root")
}

/// Whether `name` is the ARN of this role session.
fn is_session(name: &str, principal: Principal, session: Option<&str>) -> Truth {
    let Some(prefix) = principal.session_arn_prefix() else { return Truth::No };
    match (name.strip_prefix(prefix.as_str()), session) {
        (None, _) => Truth::No,
        (Some(_), None) => Truth::Unknown,
        (Some(named), Some(session)) => (named == session).into(),
    }
}

/// Whether a `NotPrincipal` element excepts the principal. An exception is certain only if it also lists the
/// account: AWS "might validate the account first, then the role, and then the assumed-role user",
/// depending on the service.
fn is_excepted(entries: &[PrincipalEntry], principal: Principal) -> Truth {
    let each = entries.iter().map(|entry| coverage_by_entry(*entry, Some(Effect::Deny), principal));
    let listed = each.fold(Coverage::NONE, Coverage::or);
    match principal {
        Principal::Root(_) => listed.account,
        Principal::User(_) | Principal::RoleSession { .. } => {
            let with_account = listed.account.and(listed.role.or(listed.direct));
            let possible = if listed.any() == Truth::No { Truth::No } else { Truth::Unknown };
            with_account.or(possible)
        }
        Principal::Service(_) | Principal::Anonymous => listed.direct,
    }
}

#[cfg(test)]
mod tests;
