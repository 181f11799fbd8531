//! The request: who wants to do what to which resource, and what is known of its context.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_facts::{ids::Arn, lookup::Unknown};

/// One request, as far as it is known before it is made.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub principal: Principal<'a>,
    /// `ssm:StartSession`.
    pub action: &'a str,
    pub resource: Object<'a>,
    pub owner: Owner<'a>,
    /// Made by [`Context::of`] the same principal.
    pub context: &'a Context,
}

/// Who signs the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal<'a> {
    /// The account's root user; its ARN (`arn:aws:iam::111122223333:root`).
    Root(&'a Arn),
    User(&'a Arn),
    /// A session of a role, by the role's own ARN, path included. The session's name is the instance
    /// id where the role comes by an instance profile.
    Session {
        role: &'a Arn,
        name: Option<&'a str>,
    },
    /// A service, by every host name it goes by (`ec2.amazonaws.com`).
    Service(&'a [&'a str]),
    /// Nobody: an unsigned request.
    Anonymous,
}

/// The resource that a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object<'a> {
    /// An ARN, or `*` for an action that knows no resource types.
    Exactly(&'a str),
    /// An ARN of which only the beginning is known.
    Under(&'a str),
}

/// Whose the resource is. Where it is another account's, both sides have to allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// The principal's own account, or AWS itself (its documents), where no second side is asked.
    Own,
    Account(&'a str),
    Unseen(&'a Unknown),
}

/// What is known of one condition key in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    Exactly(String),
    /// All values of a key that has many.
    Many(Vec<String>),
    /// Some of the values of a key that has many; there may be others.
    Including(Vec<String>),
    /// One value that begins with this; how it goes on is not known. [`Known::PRESENT`] when nothing is.
    Under(String),
    /// The request does not have it.
    Missing,
    /// Neither its value nor whether the request has it.
    Unseen(Unknown),
}

impl Known {
    /// The request has the key; its value is not known.
    pub const PRESENT: Self = Self::Under(String::new());
}

/// The condition keys of a request. A key that nothing was said about is unknown, not missing.
#[derive(Clone, Debug, Default)]
pub struct Context {
    keys: Vec<(String, Known)>,
    /// Prefixes up to the slash (`aws:PrincipalTag/`): what is known of keys not in `keys`.
    families: Vec<(String, Known)>,
}

impl Context {
    /// The keys that follow from the principal alone: `aws:PrincipalArn`, `aws:PrincipalAccount`,
    /// `aws:PrincipalType`, `aws:PrincipalIsAWSService` and `aws:username`.
    ///
    /// Source: IAM user guide, "AWS global condition context keys" and "Where you can use policy
    /// variables" (the table of principal key values).
    #[must_use]
    pub fn of(principal: &Principal) -> Self {
        let mut context = Self::default();
        let kind = match principal {
            Principal::Root(_) => "Account",
            Principal::User(_) => "User",
            Principal::Session { .. } => "AssumedRole",
            Principal::Anonymous => "Anonymous",
            Principal::Service(_) => {
                context.set("aws:PrincipalIsAWSService", Known::Exactly("true".into()));
                return context;
            }
        };
        context.set("aws:PrincipalType", Known::Exactly(kind.into()));
        context.set("aws:PrincipalIsAWSService", Known::Exactly("false".into()));
        let username = match principal {
            Principal::User(arn) => Known::Exactly(arn.name().into()),
            _ => Known::Missing,
        };
        context.set("aws:username", username);
        let known = |of: fn(&Arn) -> &str| {
            principal.arn().map_or(Known::Missing, |it| Known::Exactly(of(it).into()))
        };
        context.set("aws:PrincipalArn", known(Arn::as_str));
        context.set("aws:PrincipalAccount", known(Arn::account));
        context
    }

    /// Says what is known of `key`, in place of anything said before.
    pub fn set(&mut self, key: &str, known: Known) {
        match self.keys.iter_mut().find(|it| it.0.eq_ignore_ascii_case(key)) {
            Some(entry) => entry.1 = known,
            None => self.keys.push((key.into(), known)),
        }
    }

    #[must_use]
    pub fn with(mut self, key: &str, known: Known) -> Self {
        self.set(key, known);
        self
    }

    /// Says what is known of every other key that begins with `prefix` (`aws:ResourceTag/`): missing,
    /// where all tags are known.
    #[must_use]
    pub fn with_rest(mut self, prefix: &str, known: Known) -> Self {
        self.families.push((prefix.into(), known));
        self
    }

    /// Every key of which something was said by its own name.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &Known)> {
        self.keys.iter().map(|(key, known)| (key.as_str(), known))
    }

    /// None when nothing was said about it. Names are compared without regard to case.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Known> {
        let named = |(name, _): &&(String, Known)| name.eq_ignore_ascii_case(key);
        let begins = |(prefix, _): &&(String, Known)| {
            key.get(..prefix.len()).is_some_and(|it| it.eq_ignore_ascii_case(prefix))
        };
        let found = self.keys.iter().find(named).or_else(|| self.families.iter().find(begins));
        found.map(|it| &it.1)
    }
}

impl<'a> Principal<'a> {
    /// A user's, a role's or the root user's ARN: what `aws:PrincipalArn` has.
    #[must_use]
    pub fn arn(&self) -> Option<&'a Arn> {
        match *self {
            Self::Root(arn) | Self::User(arn) | Self::Session { role: arn, .. } => Some(arn),
            Self::Service(_) | Self::Anonymous => None,
        }
    }

    #[must_use]
    pub fn account(&self) -> Option<&'a str> {
        self.arn().map(Arn::account)
    }

    /// For sentences: the name of the user or role.
    #[must_use]
    pub fn name(&self) -> &'a str {
        match *self {
            Self::Service(hosts) => hosts.first().copied().unwrap_or("a service"),
            Self::Anonymous => "an unsigned request",
            Self::Root(arn) | Self::User(arn) | Self::Session { role: arn, .. } => arn.name(),
        }
    }

    /// `arn:aws:sts::111122223333:assumed-role/Name/`, before the session's name.
    pub(super) fn session_prefix(&self) -> Option<String> {
        let Self::Session { role, .. } = self else { return None };
        let (partition, account, name) = (role.partition(), role.account(), role.name());
        Some(format!("arn:{partition}:sts::{account}:assumed-role/{name}/"))
    }
}
