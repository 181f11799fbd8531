//! Whom a statement is about, and how directly it names a principal.
//!
//! Source: IAM user guide, "AWS JSON policy elements: Principal" and
//! "AWS JSON policy elements: `NotPrincipal`".

use alloc::{format, string::String, vec::Vec};

use serde_json::Value;

use crate::{
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

    /// Is it not certain how it names the principal?
    pub(super) fn is_open(self) -> bool {
        [self.account, self.role, self.direct].contains(&Truth::Unknown)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use Truth::{No, Unknown, Yes};

    use super::*;
    use ssm_doctor_facts::ids::Arn;

    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const USER: &str = "arn:aws:iam::111122223333:user/ops/ana";
    const ROLE: &str = "arn:aws:iam::111122223333:role/app/AppRole";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/AppRole/i-1";

    #[derive(Clone, Copy, Debug)]
    enum Who {
        Root,
        User,
        /// A session with a known name, and one without.
        Session,
        Somebody,
        Service,
        Nobody,
    }

    fn with<T>(who: Who, then: impl Fn(Principal) -> T) -> T {
        let [root, user, role] = [ROOT, USER, ROLE].map(|it| it.parse::<Arn>().unwrap());
        then(match who {
            Who::Root => Principal::Root(&root),
            Who::User => Principal::User(&user),
            Who::Session => Principal::Session { role: &role, name: Some("i-1") },
            Who::Somebody => Principal::Session { role: &role, name: None },
            Who::Service => Principal::Service(&["ec2.amazonaws.com"]),
            Who::Nobody => Principal::Anonymous,
        })
    }

    /// Account, role, direct.
    fn found(who: Who, element: &Value, effect: Effect) -> [Truth; 3] {
        let listed = Listed::Only(Named::read(element).unwrap());
        let covers = with(who, |it| covers(&listed, Some(effect), it, No));
        [covers.account, covers.role, covers.direct]
    }

    #[test]
    fn principals() {
        let aws = |name: &str| json!({ "AWS": name });
        let nobody = [No, No, No];
        let (account, role, direct) = ([Yes, No, No], [No, Yes, No], [No, No, Yes]);
        let rows = [
            (Who::Root, aws(ROOT), account),
            (Who::User, aws(ROOT), account),
            (Who::User, aws("111122223333"), account),
            (Who::User, aws("444455556666"), nobody),
            (Who::User, aws("arn:aws-cn:iam::111122223333:root"), nobody),
            (Who::User, aws(USER), direct),
            (Who::User, aws("arn:aws:iam::111122223333:user/ana"), nobody),
            (Who::User, json!({ "AWS": [ROOT, USER] }), [Yes, No, Yes]),
            (Who::Session, aws(ROLE), role),
            (Who::Session, aws("arn:aws:iam::111122223333:role/AppRole"), nobody),
            (Who::Session, aws(SESSION), direct),
            (Who::Session, aws("arn:aws:sts::111122223333:assumed-role/AppRole/i-2"), nobody),
            (Who::Somebody, aws(SESSION), [No, No, Unknown]),
            (Who::Somebody, aws("arn:aws:sts::111122223333:assumed-role/Other/i-1"), nobody),
            // Deleted roles leave their ids.
            (Who::Session, aws("AROAEXAMPLE"), nobody),
            (Who::Session, json!("*"), direct),
            (Who::Session, aws("*"), direct),
            (Who::Session, json!({ "Service": "ec2.amazonaws.com" }), nobody),
            (Who::Session, json!({ "Federated": "cognito-identity.amazonaws.com" }), nobody),
            (Who::Session, json!({ "CanonicalUser": "79a5" }), [Unknown, No, No]),
            (
                Who::Service,
                json!({ "Service": ["ssm.amazonaws.com", "ec2.amazonaws.com"] }),
                direct,
            ),
            (Who::Service, json!({ "Service": "ssm.amazonaws.com" }), nobody),
            (Who::Service, aws(ROOT), nobody),
            (Who::Service, json!("*"), [No, No, Unknown]),
            (Who::Nobody, json!("*"), direct),
            (Who::Nobody, aws(ROOT), nobody),
            (Who::Nobody, json!({ "CanonicalUser": "79a5" }), nobody),
        ];
        for (who, element, expected) in rows {
            assert_eq!(found(who, &element, Effect::Allow), expected, "{who:?} {element}");
        }
        assert_eq!(found(Who::Service, &json!("*"), Effect::Deny), direct);
    }

    #[test]
    fn exceptions() {
        // Is it denied?
        let rows = [
            (Who::User, json!([USER, ROOT]), No),
            (Who::User, json!([USER]), Unknown),
            (Who::User, json!([ROOT]), Unknown),
            (Who::User, json!(["444455556666"]), Yes),
            (Who::Session, json!([ROLE, ROOT]), No),
            (Who::Session, json!([SESSION, ROLE, ROOT]), No),
            (Who::Session, json!([SESSION, ROLE]), Unknown),
            (Who::Session, json!([USER]), Yes),
            (Who::Somebody, json!([SESSION, ROOT]), Unknown),
            (Who::Root, json!([ROOT]), No),
            (Who::Root, json!([USER]), Yes),
            (Who::Service, json!([ROOT]), Yes),
            (Who::Nobody, json!([ROOT]), Yes),
        ];
        for (who, names, expected) in rows {
            let element = json!({ "AWS": names });
            let listed = Listed::AllBut(Named::read(&element).unwrap());
            let denied =
                |bounded| with(who, |it| covers(&listed, Some(Effect::Deny), it, bounded)).any();
            assert_eq!(denied(No), expected, "{who:?} {names}");
            // "regardless of the values specified in the NotPrincipal element".
            let bounded = if matches!(who, Who::Service | Who::Nobody) { expected } else { Yes };
            assert_eq!(denied(Yes), bounded, "{who:?} {names} bounded");
        }
        let element = json!({ "Service": "ec2.amazonaws.com" });
        let listed = Listed::AllBut(Named::read(&element).unwrap());
        let denied = with(Who::Service, |it| covers(&listed, Some(Effect::Deny), it, No)).any();
        assert_eq!(denied, No);
    }
}
