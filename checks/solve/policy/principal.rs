//! Whom a statement is about, and how directly it names a principal.
//!
//! Source: IAM user guide, "AWS JSON policy elements: Principal" and
//! "AWS JSON policy elements: `NotPrincipal`".

use alloc::{format, string::String, vec::Vec};

use serde_json::Value;

use super::{
    context::Principal,
    document::{Effect, Listed, list},
    truth::Truth,
};

/// One entry of a principal element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named<'p> {
    Everyone,
    /// An account's id or root, a user, a role, a session.
    Aws(&'p str),
    Service(&'p str),
    Federated(&'p str),
    /// S3's own name for an account.
    CanonicalUser(&'p str),
}

impl<'p> Named<'p> {
    /// # Errors
    /// What of the element does not read.
    pub(super) fn read(raw: &'p Value) -> Result<Vec<Self>, String> {
        let kinds = match raw {
            Value::String(everyone) if everyone == "*" => return Ok(Vec::from([Self::Everyone])),
            Value::Object(kinds) => kinds,
            _ => return Err("Principal is neither \"*\" nor an object".into()),
        };
        let mut named = Vec::new();
        for (kind, names) in kinds {
            for name in list(names) {
                let Some(name) = name.as_str() else {
                    return Err(format!("Principal {kind:?} is not a list of strings"));
                };
                named.push(match kind.as_str() {
                    "AWS" if name == "*" => Self::Everyone,
                    "AWS" if name.contains('*') => {
                        return Err(format!("Principal {name:?} has a wildcard"));
                    }
                    "AWS" => Self::Aws(name),
                    "Service" => Self::Service(name),
                    "Federated" => Self::Federated(name),
                    "CanonicalUser" => Self::CanonicalUser(name),
                    _ => return Err(format!("Principal of unknown kind {kind:?}")),
                });
            }
        }
        Ok(named)
    }

    /// For sentences.
    pub(super) fn as_str(self) -> &'p str {
        match self {
            Self::Everyone => "*",
            Self::Aws(name)
            | Self::Service(name)
            | Self::Federated(name)
            | Self::CanonicalUser(name) => name,
        }
    }
}

/// Whom a statement covers, by how directly it names the principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Covers {
    /// By its account: IAM decides.
    pub(super) account: Truth,
    /// By its role, within the limits of the role's boundary and the session's policy.
    pub(super) role: Truth,
    /// Itself: user, session, everybody.
    pub(super) direct: Truth,
}

impl Covers {
    pub(super) const NOBODY: Self = Self::all(Truth::No);

    pub(super) const fn all(truth: Truth) -> Self {
        Self { account: truth, role: truth, direct: truth }
    }

    fn direct(truth: Truth) -> Self {
        Self { direct: truth, ..Self::NOBODY }
    }

    pub(super) fn and(self, truth: Truth) -> Self {
        Self {
            account: self.account.and(truth),
            role: self.role.and(truth),
            direct: self.direct.and(truth),
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            account: self.account.or(other.account),
            role: self.role.or(other.role),
            direct: self.direct.or(other.direct),
        }
    }

    pub(super) fn any(self) -> Truth {
        self.account.or(self.role).or(self.direct)
    }
}

/// Is `principal` among those that a statement is about? `bounded`: it has a permissions boundary.
pub(super) fn covers(
    listed: &Listed<Named>,
    effect: Option<Effect>,
    principal: Principal,
    bounded: Truth,
) -> Covers {
    match listed {
        // An identity's own policy.
        Listed::Unstated => Covers::direct(Truth::Yes),
        Listed::Only(names) => {
            let found = names.iter().map(|it| covered(*it, effect, principal));
            found.fold(Covers::NOBODY, Covers::or)
        }
        Listed::AllBut(names) => {
            // "will always deny any IAM principal that has a permissions boundary policy attached".
            let signed = principal.arn().is_some();
            let always = if signed { bounded } else { Truth::No };
            Covers::direct(excepted(names, principal).not().or(always))
        }
    }
}

fn covered(named: Named, effect: Option<Effect>, principal: Principal) -> Covers {
    match (named, principal) {
        // Everybody is refused by a Deny; whether an Allow for everybody reaches services is not
        // documented.
        (Named::Everyone, Principal::Service(_)) if effect != Some(Effect::Deny) => {
            Covers::direct(Truth::Unknown)
        }
        (Named::Everyone, _) => Covers::direct(Truth::Yes),
        (Named::Service(name), Principal::Service(hosts)) => {
            Covers::direct(hosts.contains(&name).into())
        }
        (Named::Aws(name), _) => aws(name, principal),
        (Named::CanonicalUser(_), _) if principal.arn().is_some() => {
            Covers { account: Truth::Unknown, ..Covers::NOBODY }
        }
        _ => Covers::NOBODY,
    }
}

fn aws(name: &str, principal: Principal) -> Covers {
    if is_account(name, principal) {
        return Covers { account: Truth::Yes, ..Covers::NOBODY };
    }
    match principal {
        Principal::User(arn) => Covers::direct((name == arn.as_str()).into()),
        Principal::Session { role, .. } if name == role.as_str() => {
            Covers { role: Truth::Yes, ..Covers::NOBODY }
        }
        Principal::Session { name: session, .. } => {
            Covers::direct(is_session(name, principal, session))
        }
        Principal::Root(_) | Principal::Service(_) | Principal::Anonymous => Covers::NOBODY,
    }
}

fn is_account(name: &str, principal: Principal) -> bool {
    let Some(arn) = principal.arn() else { return false };
    let root = || name.strip_prefix("arn:")?.strip_prefix(arn.partition())?.strip_prefix(":iam::");
    name == arn.account()
        || root().and_then(|it| it.strip_prefix(arn.account())).is_some_and(|it| it == ":root")
}

fn is_session(name: &str, principal: Principal, session: Option<&str>) -> Truth {
    let Some(prefix) = principal.session_prefix() else { return Truth::No };
    match (name.strip_prefix(prefix.as_str()), session) {
        (None, _) => Truth::No,
        (Some(_), None) => Truth::Unknown,
        (Some(named), Some(session)) => (named == session).into(),
    }
}

/// Does a `NotPrincipal` spare the principal? Certainly so only with its account: AWS "might validate
/// the account first, then the role, and then the assumed-role user", depending on the service.
fn excepted(names: &[Named], principal: Principal) -> Truth {
    let found = names.iter().map(|it| covered(*it, Some(Effect::Deny), principal));
    let found = found.fold(Covers::NOBODY, Covers::or);
    let account = found.account;
    match principal {
        Principal::Root(_) => account,
        Principal::User(_) | Principal::Session { .. } => {
            let all = account.and(found.role.or(found.direct));
            if found.any() == Truth::No { Truth::No } else { all.or(Truth::Unknown) }
        }
        Principal::Service(_) | Principal::Anonymous => found.direct,
    }
}
