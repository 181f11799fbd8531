//! The layers of policies that have a say in a request, and what they say together.
//!
//! Source: IAM user guide, "How AWS enforcement code logic evaluates requests to allow or deny access"
//! and "Cross-account policy evaluation logic".

use alloc::{string::String, vec::Vec};

use crate::{
    context::{Owner, Principal, Request},
    document::{Asked, Effect, Policy},
    explain::{self, Cited, Outcome},
    principal::Covers,
    service_of,
    truth::Truth,
};
use ssm_doctor_facts::lookup::Unknown;

/// Everything that has a say about a principal's requests to a resource. What [`Layers::default`]
/// has is no policy at all: everything is refused.
#[derive(Clone, Debug, Default)]
pub struct Layers<'l> {
    /// Of a user with those of its groups, of a role.
    pub identity: Layer<'l>,
    pub boundary: Layer<'l>,
    /// What the session was limited to when it was made.
    pub session: Layer<'l>,
    /// Service control policies: root, organizational units, account. Every level has to allow.
    /// Empty outside of an organization and in its management account.
    pub service_control: Vec<Level<'l>>,
    /// Resource control policies over the resource's account; empty for services that have none.
    pub resource_control: Vec<Level<'l>>,
    /// The key's, the bucket's, the role's own.
    pub resource: Layer<'l>,
    /// Of the VPC endpoint that the request goes through.
    pub endpoint: Layer<'l>,
}

/// One level of an organization.
#[derive(Clone, Debug)]
pub struct Level<'l> {
    /// An id or name for sentences: `r-abcd`, `ou-abcd-11112222`.
    pub name: String,
    pub layer: Layer<'l>,
}

/// The policies of one layer, as far as they were seen.
#[derive(Clone, Debug, Default)]
pub enum Layer<'l> {
    /// It does not exist: no boundary is set, no session policy was passed.
    #[default]
    Absent,
    Seen(Vec<Attached<'l>>),
    Unseen(Unknown),
    /// Judged by somebody else: IAM's simulator.
    Judged(Ruling),
}

/// What a layer says when it has been judged elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    Allows,
    /// Nothing in it allows: an implicit denial.
    Silent,
    Denies,
}

/// A policy where it is attached.
#[derive(Clone, Debug)]
pub struct Attached<'l> {
    /// Its ARN, or the name of an inline policy.
    pub id: String,
    /// Where it is attached, for sentences: `role AppRole`, `group ops`.
    pub to: String,
    /// Unknown where it could not be read.
    pub policy: Seen<Policy<'l>>,
}

pub type Seen<T> = Result<T, Unknown>;

/// Which layer, for sentences and fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name<'l> {
    /// At this level of the organization.
    ServiceControl(&'l str),
    ResourceControl(&'l str),
    Endpoint,
    Resource,
    Boundary,
    Session,
    Identity,
}

/// May it? Any number of requests can be put to the same layers.
#[must_use]
pub fn evaluate<'l>(request: &Request, layers: &'l Layers<'l>) -> Outcome<'l> {
    let says = Says::of(request, layers);
    match says.verdict(request) {
        Truth::Yes => Outcome::Allowed(says.allowed_by()),
        Truth::No => Outcome::Denied(explain::refusal(request, &says)),
        Truth::Unknown => Outcome::Unknown(explain::undecided(request, &says)),
    }
}

/// What one layer says.
pub(super) struct Say<'l> {
    pub(super) name: Name<'l>,
    pub(super) layer: &'l Layer<'l>,
    pub(super) denies: Truth,
    /// To whom; only resource policies tell these apart.
    pub(super) allows: Covers,
    /// Where a certain Deny comes from, and a certain Allow.
    pub(super) denied_by: Vec<Cited<'l>>,
    pub(super) allowed_by: Vec<Cited<'l>>,
}

impl<'l> Say<'l> {
    fn of(name: Name<'l>, layer: &'l Layer<'l>, asked: Asked) -> Self {
        let mut say = Self {
            name,
            layer,
            denies: Truth::No,
            allows: Covers::all(Truth::No),
            denied_by: Vec::new(),
            allowed_by: Vec::new(),
        };
        match layer {
            Layer::Absent | Layer::Judged(Ruling::Silent) => {}
            Layer::Judged(Ruling::Allows) => say.allows = Covers::all(Truth::Yes),
            Layer::Judged(Ruling::Denies) => say.denies = Truth::Yes,
            Layer::Unseen(_) => say.may_be_anything(),
            Layer::Seen(policies) => policies.iter().for_each(|it| say.hear(it, asked)),
        }
        say
    }

    fn may_be_anything(&mut self) {
        self.denies = self.denies.or(Truth::Unknown);
        self.allows = self.allows.or(Covers::all(Truth::Unknown));
    }

    fn hear(&mut self, attached: &'l Attached<'l>, asked: Asked) {
        let Some(statements) = attached.policy.as_ref().ok().and_then(Policy::statements) else {
            return self.may_be_anything();
        };
        for statement in statements {
            let matches = statement.matches(asked);
            // One that says neither might say either.
            let (allows, denies) = match statement.effect {
                Some(Effect::Allow) => (matches, Truth::No),
                Some(Effect::Deny) => (Covers::NOBODY, matches.any()),
                None => (Covers::all(Truth::Unknown), Truth::Unknown),
            };
            self.allows = self.allows.or(allows);
            self.denies = self.denies.or(denies);
            let cited = Cited { attached, statement };
            if allows.any() == Truth::Yes {
                self.allowed_by.push(cited);
            }
            if denies == Truth::Yes {
                self.denied_by.push(cited);
            }
        }
    }

    fn exists(&self) -> bool {
        !matches!(self.layer, Layer::Absent)
    }

    /// Does it let through what is allowed elsewhere? What does not exist limits nothing.
    pub(super) fn passes(&self) -> Truth {
        if self.exists() { self.allows.any() } else { Truth::Yes }
    }
}

/// What all layers say.
pub(super) struct Says<'l> {
    pub(super) identity: Say<'l>,
    pub(super) boundary: Say<'l>,
    pub(super) session: Say<'l>,
    pub(super) resource: Say<'l>,
    pub(super) endpoint: Say<'l>,
    pub(super) levels: Vec<Say<'l>>,
    /// Has the principal a permissions boundary?
    pub(super) bounded: Truth,
}

impl<'l> Says<'l> {
    fn of(request: &Request, layers: &'l Layers<'l>) -> Self {
        let bounded = bounded(layers);
        let asked = Asked { request, bounded };
        let say = |name, layer| Say::of(name, layer, asked);
        let unlimited = is_service_linked(request.principal);
        let signed = request.principal.arn().is_some();
        let service = layers.service_control.iter().filter(|_| !unlimited && signed);
        let resource = layers.resource_control.iter().filter(|_| !unlimited);
        let service = service.map(|it| say(Name::ServiceControl(&it.name), &it.layer));
        let resource = resource.map(|it| say(Name::ResourceControl(&it.name), &it.layer));
        Self {
            bounded,
            levels: resource.chain(service).collect(),
            identity: say(Name::Identity, &layers.identity),
            boundary: say(Name::Boundary, &layers.boundary),
            session: say(Name::Session, &layers.session),
            resource: say(Name::Resource, &layers.resource),
            endpoint: say(Name::Endpoint, &layers.endpoint),
        }
    }

    /// In the order in which AWS looks at them.
    pub(super) fn each(&self) -> impl Iterator<Item = &Say<'l>> {
        let rest = [&self.endpoint, &self.resource, &self.identity, &self.boundary, &self.session];
        self.levels.iter().chain(rest)
    }

    fn allowed_by(&self) -> Vec<Cited<'l>> {
        self.identity.allowed_by.iter().chain(&self.resource.allowed_by).copied().collect()
    }

    fn verdict(&self, request: &Request) -> Truth {
        let denied = self.each().fold(Truth::No, |so_far, it| so_far.or(it.denies));
        let limits = self.levels.iter().chain([&self.endpoint]);
        let passes = limits.fold(Truth::Yes, |so_far, it| so_far.and(it.passes()));
        denied.not().and(passes).and(self.granted(request))
    }

    /// Do the layers that can grant do so? Explicit denials, the organization and the endpoint apart.
    pub(super) fn granted(&self, request: &Request) -> Truth {
        match ownership(request) {
            Truth::Yes => self.granted_within(request),
            Truth::No => self.granted_across(request),
            Truth::Unknown => {
                let (within, across) = (self.granted_within(request), self.granted_across(request));
                if within == across { within } else { Truth::Unknown }
            }
        }
    }

    /// What the principal's own policies allow it, within the limits set for it.
    pub(super) fn by_identity(&self, request: &Request) -> Truth {
        match request.principal {
            // Nobody attaches policies to these.
            Principal::Root(_) => Truth::Yes,
            Principal::Service(_) | Principal::Anonymous => Truth::No,
            Principal::User(_) | Principal::Session { .. } => {
                self.identity.allows.any().and(self.limits())
            }
        }
    }

    pub(super) fn limits(&self) -> Truth {
        self.boundary.passes().and(self.session.passes())
    }

    fn granted_within(&self, request: &Request) -> Truth {
        let resource = self.resource.allows;
        let by_resource = resource.direct.or(resource.role.and(self.limits()));
        let delegated =
            if self.resource_must_allow(request) { resource.account } else { Truth::Yes };
        by_resource.or(delegated.and(self.by_identity(request)))
    }

    /// Both accounts have to allow; who is not of any account needs the resource's side only.
    fn granted_across(&self, request: &Request) -> Truth {
        let by_resource = self.resource.allows.any();
        match request.principal {
            Principal::Service(_) | Principal::Anonymous => self.resource.allows.direct,
            _ => by_resource.and(self.by_identity(request)),
        }
    }

    /// Keys and roles let nobody in by IAM alone unless their policy says so. Source: IAM user guide,
    /// "How AWS enforcement code logic evaluates requests to allow or deny access".
    pub(super) fn resource_must_allow(&self, request: &Request) -> bool {
        let action = request.action;
        let service = service_of(action);
        let assumes = ASSUME.iter().any(|it| it.eq_ignore_ascii_case(action));
        self.resource.exists() && (service.eq_ignore_ascii_case("kms") || assumes)
    }
}

const ASSUME: [&str; 3] =
    ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];

/// Is the resource of the principal's own account?
pub(super) fn ownership(request: &Request) -> Truth {
    match (request.owner, request.principal.account()) {
        (Owner::Own, Some(_)) => Truth::Yes,
        (_, None) => Truth::No,
        (Owner::Account(owner), Some(account)) => (owner == account).into(),
        (Owner::Unseen(_), Some(_)) => Truth::Unknown,
    }
}

/// Has the principal a permissions boundary?
fn bounded(layers: &Layers) -> Truth {
    match (&layers.boundary, &layers.identity) {
        (Layer::Seen(_), _) => Truth::Yes,
        // The simulator judges identity and boundary together, and says nothing where both allow.
        (Layer::Unseen(_) | Layer::Judged(_), _) | (Layer::Absent, Layer::Judged(_)) => {
            Truth::Unknown
        }
        (Layer::Absent, _) => Truth::No,
    }
}

/// Organizations do not limit service-linked roles. Source: AWS Organizations user guide, "Service
/// control policies" and "Resource control policies".
fn is_service_linked(principal: Principal) -> bool {
    principal.arn().is_some_and(|it| it.resource().starts_with("role/aws-service-role/"))
}
