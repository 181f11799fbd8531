//! The request that is evaluated: who wants to do what to which resource, and its context.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_facts::{ids::Arn, lookup::Unknown};

/// One request, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub principal: Principal<'a>,
    /// `ssm:StartSession`
    pub action: &'a str,
    pub resource: RequestResource<'a>,
    pub owner: ResourceOwner<'a>,
    /// Begins with [`RequestContext::for_principal`] of the same principal.
    pub context: &'a RequestContext,
}

/// Who signs the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal<'a> {
    /// The account's root user, by its ARN (`arn:aws:iam::111122223333:root`).
    Root(&'a Arn),
    User(&'a Arn),
    /// A session of a role.
    RoleSession {
        /// The ARN of the role itself, with its path.
        role: &'a Arn,
        /// The session's name, if known. For the role of an instance profile this is the instance id.
        name: Option<&'a str>,
    },
    /// An AWS service, by all its service principal names (`ec2.amazonaws.com`).
    Service(&'a [&'a str]),
    /// An unsigned request.
    Anonymous,
}

/// The resource of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestResource<'a> {
    /// An ARN, or `*` for an action without resource types.
    Exact(&'a str),
    /// The beginning of an ARN; the rest is unknown.
    Prefix(&'a str),
}

/// Which account owns the resource. If it is not the principal's account, both accounts must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceOwner<'a> {
    /// The principal's own account, or AWS itself (AWS's own documents), so that no other account decides.
    SameAccount,
    /// The account with this id.
    Account(&'a str),
    Unknown(&'a Unknown),
}

/// What is known of one condition key in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyValue {
    Exact(String),
    /// All values of a multivalued key.
    Multiple(Vec<String>),
    /// Some values of a multivalued key; the request may have more.
    AtLeast(Vec<String>),
    /// The beginning of a single value. [`KeyValue::PRESENT`] has an empty one.
    Prefix(String),
    /// A time or a number that is not below `lowest` and not above `highest`, both as policies write them.
    Between {
        lowest: String,
        highest: String,
    },
    /// The request does not have the key.
    Absent,
    /// Neither the value is known, nor whether the request has the key.
    Unknown(Unknown),
}

impl KeyValue {
    /// The request has the key, but the value is unknown.
    pub const PRESENT: Self = Self::Prefix(String::new());

    /// [`KeyValue::Between`] two values.
    #[must_use]
    pub fn between(lowest: &str, highest: &str) -> Self {
        Self::Between { lowest: lowest.into(), highest: highest.into() }
    }
}

/// The condition keys of a request. A key that was never set is unknown, not absent.
#[derive(Clone, Debug, Default)]
pub struct RequestContext {
    keys: Vec<(String, KeyValue)>,
    /// Key prefixes up to the slash (`aws:PrincipalTag/`), for keys that are not in `keys`.
    prefixes: Vec<(String, KeyValue)>,
}

impl RequestContext {
    /// The keys that follow from the principal alone: `aws:PrincipalArn`, `aws:PrincipalAccount`,
    /// `aws:PrincipalType`, `aws:PrincipalIsAWSService` and `aws:username`.
    ///
    /// Source: IAM user guide, "AWS global condition context keys" and "Where you can use policy
    /// variables" (the table of principal key values).
    #[must_use]
    pub fn for_principal(principal: &Principal) -> Self {
        let mut context = Self::default();
        let principal_type = match principal {
            Principal::Root(_) => "Account",
            Principal::User(_) => "User",
            Principal::RoleSession { .. } => "AssumedRole",
            Principal::Anonymous => "Anonymous",
            Principal::Service(_) => {
                context.set("aws:PrincipalIsAWSService", KeyValue::Exact("true".into()));
                return context;
            }
        };
        context.set("aws:PrincipalType", KeyValue::Exact(principal_type.into()));
        context.set("aws:PrincipalIsAWSService", KeyValue::Exact("false".into()));
        let username = match principal {
            Principal::User(arn) => KeyValue::Exact(arn.name().into()),
            _ => KeyValue::Absent,
        };
        context.set("aws:username", username);
        let from_arn = |part: fn(&Arn) -> &str| {
            principal.arn().map_or(KeyValue::Absent, |arn| KeyValue::Exact(part(arn).into()))
        };
        context.set("aws:PrincipalArn", from_arn(Arn::as_str));
        context.set("aws:PrincipalAccount", from_arn(Arn::account));
        context
    }

    /// Sets a key. Replaces an earlier value.
    pub fn set(&mut self, key: &str, value: KeyValue) {
        match self.keys.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(key)) {
            Some((_, earlier)) => *earlier = value,
            None => self.keys.push((key.into(), value)),
        }
    }

    /// As [`RequestContext::set`].
    #[must_use]
    pub fn with(mut self, key: &str, value: KeyValue) -> Self {
        self.set(key, value);
        self
    }

    /// Sets all keys that begin with `prefix` (`aws:ResourceTag/`) and are not set by name. Once all tags of
    /// a resource are set, all other tags are [`KeyValue::Absent`].
    #[must_use]
    pub fn with_others(mut self, prefix: &str, value: KeyValue) -> Self {
        self.prefixes.push((prefix.into(), value));
        self
    }

    /// Every key that was set by name.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &KeyValue)> {
        self.keys.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Returns None for a key that was never set. Names are compared without regard to case.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&KeyValue> {
        let has_name = |(name, _): &&(String, KeyValue)| name.eq_ignore_ascii_case(key);
        let has_prefix = |(prefix, _): &&(String, KeyValue)| {
            key.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let named = self.keys.iter().find(has_name);
        named.or_else(|| self.prefixes.iter().find(has_prefix)).map(|(_, value)| value)
    }
}

/// The service prefix of an action: `kms` of `kms:Decrypt`.
#[must_use]
pub fn service_of(action: &str) -> &str {
    action.split_once(':').map_or(action, |(service, _)| service)
}

impl<'a> Principal<'a> {
    /// The ARN of the user, the role or the root user: the value of `aws:PrincipalArn`.
    #[must_use]
    pub fn arn(&self) -> Option<&'a Arn> {
        match *self {
            Self::Root(arn) | Self::User(arn) | Self::RoleSession { role: arn, .. } => Some(arn),
            Self::Service(_) | Self::Anonymous => None,
        }
    }

    /// The id of the principal's account.
    #[must_use]
    pub fn account(&self) -> Option<&'a str> {
        self.arn().map(Arn::account)
    }

    /// The name of the user, role or service, for a sentence.
    pub(crate) fn name(&self) -> &'a str {
        match *self {
            Self::Service(names) => names.first().copied().unwrap_or("a service"),
            Self::Anonymous => "an unsigned request",
            Self::Root(arn) | Self::User(arn) | Self::RoleSession { role: arn, .. } => arn.name(),
        }
    }

    /// The ARN of a role session up to the session's name:
    /// `arn:aws:sts::111122223333:assumed-role/Name/`.
    pub(crate) fn session_arn_prefix(&self) -> Option<String> {
        let Self::RoleSession { role, .. } = self else { return None };
        let (partition, account, name) = (role.partition(), role.account(), role.name());
        Some(format!("arn:{partition}:sts::{account}:assumed-role/{name}/"))
    }
}
