//! What came out, and why: the layers and statements that decided, the Allow that nearly matched, the
//! keys that would decide.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{
    condition::Condition,
    context::{Known, Owner, Request},
    document::{Asked, Effect, Listed, Statement},
    layers::{Attached, Layer, Name, Ruling, Say, Says, ownership},
    principal::Covers,
    resource::Resource,
    truth::Truth,
};
use crate::model::facts::Unknown;

#[derive(Clone, Debug)]
pub enum Outcome<'l> {
    /// By these statements of identity and resource policies; none where somebody else judged.
    Allowed(Vec<Cited<'l>>),
    Denied(Refusal<'l>),
    Unknown(Undecided<'l>),
}

/// Every layer that stands in the way; all of them have to be mended.
#[derive(Clone, Debug)]
pub struct Refusal<'l> {
    /// The one that AWS names.
    pub first: Denial<'l>,
    pub more: Vec<Denial<'l>>,
}

/// One layer's no.
#[derive(Clone, Debug)]
pub struct Denial<'l> {
    pub layer: Name<'l>,
    /// By a Deny, which no Allow overrides; otherwise nothing allows.
    pub explicit: bool,
    /// The Denies that match.
    pub statements: Vec<Cited<'l>>,
    /// The Allows that fail by least, where the denial is implicit.
    pub nearest: Vec<Miss<'l>>,
}

/// A statement, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Cited<'l> {
    pub attached: &'l Attached<'l>,
    pub statement: &'l Statement<'l>,
}

/// An Allow that does not match, by these parts of it.
#[derive(Clone, Debug)]
pub struct Miss<'l> {
    pub cited: Cited<'l>,
    pub by: Vec<Part>,
}

/// What of a statement decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The statement's list of actions.
    Action(Vec<String>),
    /// Its list of resources.
    Resource(Vec<String>),
    Principal(Vec<String>),
    /// `known`: what the request has; None where nothing is known of it.
    Condition {
        operator: String,
        key: String,
        wanted: Vec<String>,
        known: Option<Known>,
    },
}

/// What would have to be known.
#[derive(Clone, Debug)]
pub struct Undecided<'l> {
    pub doubts: Vec<Doubt<'l>>,
}

#[derive(Clone, Debug)]
pub struct Doubt<'l> {
    pub layer: Name<'l>,
    /// None where the whole layer is in doubt.
    pub at: Option<Cited<'l>>,
    pub on: Open,
}

/// What is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// A layer, a policy, or whose the resource is.
    Unseen(Unknown),
    /// A condition key.
    Key(String),
    /// A policy or statement does not read: what, and what is wrong with it.
    Malformed(String),
    /// This part of the statement, which cannot be told from what is known of the request.
    Part(Part),
}

impl Undecided<'_> {
    /// All of it, for a check to return.
    #[must_use]
    pub fn unknown(&self, request: &Request) -> Unknown {
        let (mut seen, mut words) = (None::<Unknown>, BTreeSet::new());
        for doubt in &self.doubts {
            match &doubt.on {
                Open::Unseen(unknown) => {
                    seen = Some(match seen {
                        Some(so_far) => so_far.and(unknown.clone()),
                        None => unknown.clone(),
                    });
                }
                Open::Key(key) => drop(words.insert(key.clone())),
                Open::Malformed(what) => {
                    let policy = doubt.at.map(|it| format!("{} ", it.attached.id));
                    words.insert(format!("{}{what}", policy.unwrap_or_default()));
                }
                Open::Part(part) => drop(words.insert(part.to_string())),
            }
        }
        let words: Vec<String> = words.into_iter().collect();
        let limit = (!words.is_empty() || seen.is_none()).then(|| {
            Unknown::limit(format!(
                "whether {} may {} hangs on {}, which is not known here",
                request.principal.name(),
                request.action,
                words.join(", ")
            ))
        });
        match (seen, limit) {
            (Some(seen), Some(limit)) => seen.and(limit),
            (Some(it), None) | (None, Some(it)) => it,
            (None, None) => Unknown::limit("nothing that is known"),
        }
    }
}

impl core::fmt::Display for Part {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Action(listed) => write!(f, "the actions {}", listed.join(", ")),
            Self::Resource(listed) => write!(f, "the resources {}", listed.join(", ")),
            Self::Principal(listed) => write!(f, "the principals {}", listed.join(", ")),
            Self::Condition { operator, key, wanted, .. } => {
                write!(f, "{operator} {key} {}", wanted.join(", "))
            }
        }
    }
}

/// Why not. Explicit denials come first, as in AWS's own messages.
pub(super) fn refusal<'l>(request: &Request, says: &Says<'l>) -> Refusal<'l> {
    let mut denials: Vec<Denial> = Vec::new();
    for say in says.each().filter(|it| it.denies == Truth::Yes) {
        let statements = say.denied_by.clone();
        denials.push(Denial { layer: say.name, explicit: true, statements, nearest: Vec::new() });
    }
    for say in silent(request, says) {
        let nearest = nearest(say, says, request);
        denials.push(Denial { layer: say.name, explicit: false, statements: Vec::new(), nearest });
    }
    let mut denials = denials.into_iter();
    let first = denials.next().unwrap_or(Denial {
        layer: Name::Identity,
        explicit: false,
        statements: Vec::new(),
        nearest: Vec::new(),
    });
    Refusal { first, more: denials.collect() }
}

/// The layers whose silence stands in the way.
fn silent<'s, 'l>(request: &Request, says: &'s Says<'l>) -> Vec<&'s Say<'l>> {
    let limits = says.levels.iter().chain([&says.endpoint]);
    let mut silent: Vec<_> = limits.filter(|it| it.passes() == Truth::No).collect();
    let foreign = ownership(request) == Truth::No;
    if says.granted(request) == Truth::No {
        let resource = says.resource.allows;
        let asked = foreign || says.resource_must_allow(request);
        let named = if foreign { resource.any() } else { resource.account.or(resource.role) };
        if asked && named == Truth::No {
            silent.push(&says.resource);
        }
        if says.by_identity(request) == Truth::No {
            let limits = [&says.boundary, &says.session];
            silent.extend(limits.into_iter().filter(|it| it.passes() == Truth::No));
            if says.identity.allows.any() == Truth::No {
                silent.push(&says.identity);
            }
        }
    }
    silent
}

/// The Allows of a layer that fail by least.
fn nearest<'l>(say: &Say<'l>, says: &Says<'l>, request: &Request) -> Vec<Miss<'l>> {
    let asked = Asked { request, bounded: says.bounded };
    let mut best: Vec<Miss> = Vec::new();
    let mut least = usize::MAX;
    for cited in allows(say.layer) {
        let by: Vec<Part> =
            parts(cited.statement, asked).filter(|it| it.1 == Truth::No).map(|it| it.0).collect();
        let Some(weight) = weight(&by, cited.statement, request) else { continue };
        if weight < least {
            (least, best) = (weight, Vec::new());
        }
        if weight == least {
            best.push(Miss { cited, by });
        }
    }
    best
}

fn statements<'l>(layer: &'l Layer<'l>) -> impl Iterator<Item = Cited<'l>> {
    let policies = match layer {
        Layer::Seen(policies) => policies.as_slice(),
        _ => &[],
    };
    policies.iter().flat_map(|attached| {
        let statements = attached.policy.as_ref().ok().and_then(|it| it.statements());
        let statements = statements.unwrap_or_default().iter();
        statements.map(move |statement| Cited { attached, statement })
    })
}

fn allows<'l>(layer: &'l Layer<'l>) -> impl Iterator<Item = Cited<'l>> {
    statements(layer).filter(|it| it.statement.effect == Some(Effect::Allow))
}

/// A condition is nearer than a resource, that nearer than a principal; a statement that lists other
/// actions is near only if it lists some of the same service.
fn weight(by: &[Part], statement: &Statement, request: &Request) -> Option<usize> {
    let mut weight = 0;
    for part in by {
        weight += match part {
            Part::Condition { .. } => 1,
            Part::Resource(_) => 10,
            Part::Principal(_) => 20,
            Part::Action(listed) => {
                let (service, _) = request.action.split_once(':')?;
                let same = |it: &String| {
                    it.split_once(':').is_some_and(|it| it.0.eq_ignore_ascii_case(service))
                };
                if !matches!(statement.actions, Listed::Only(_)) || !listed.iter().any(same) {
                    return None;
                }
                100
            }
        };
    }
    Some(weight)
}

/// Each part of a statement, and whether it matches.
fn parts<'s>(
    statement: &'s Statement,
    asked: Asked<'s>,
) -> impl Iterator<Item = (Part, Truth)> + 's {
    let context = asked.request.context;
    let strings = |listed: &Listed<&str>| listed.each().map(|it| (*it).to_string()).collect();
    let action =
        (Part::Action(strings(&statement.actions)), statement.lists(asked.request.action).into());
    let principals = statement.principals.each().map(|it| it.as_str().to_string()).collect();
    let principal = (Part::Principal(principals), statement.covers(asked).any());
    let resources = statement.resources.each().map(|it| it.raw.to_string()).collect();
    let resource = (Part::Resource(resources), statement.matches_resource(asked));
    let conditions = statement.conditions.iter().map(move |it| {
        let part = Part::Condition {
            operator: it.operator.to_string(),
            key: it.key.to_string(),
            wanted: it.values.iter().map(ToString::to_string).collect(),
            known: context.get(it.key).cloned(),
        };
        (part, it.holds(context))
    });
    [action, principal, resource].into_iter().chain(conditions)
}

/// What the answer hangs on.
pub(super) fn undecided<'l>(request: &Request, says: &Says<'l>) -> Undecided<'l> {
    let mut doubts = Vec::new();
    if let (Owner::Unseen(unknown), Truth::Unknown) = (request.owner, ownership(request)) {
        let on = Open::Unseen(unknown.clone());
        doubts.push(Doubt { layer: Name::Resource, at: None, on });
    }
    let asked = Asked { request, bounded: says.bounded };
    for say in says.each() {
        doubt(say, asked, &mut doubts);
    }
    Undecided { doubts }
}

fn doubt<'l>(say: &Say<'l>, asked: Asked, doubts: &mut Vec<Doubt<'l>>) {
    let layer = say.name;
    let policies = match say.layer {
        Layer::Absent | Layer::Judged(Ruling::Allows | Ruling::Denies | Ruling::Silent) => return,
        Layer::Unseen(unknown) => {
            return doubts.push(Doubt { layer, at: None, on: Open::Unseen(unknown.clone()) });
        }
        Layer::Seen(policies) => policies,
    };
    for attached in policies {
        let on = match &attached.policy {
            Err(unknown) => Open::Unseen(unknown.clone()),
            Ok(policy) => match policy.fault() {
                Some(fault) => Open::Malformed(format!("{} {fault}", attached.id)),
                None => continue,
            },
        };
        doubts.push(Doubt { layer, at: None, on });
    }
    for cited in statements(say.layer) {
        let covers = cited.statement.matches(asked);
        let open = covers.any() == Truth::Unknown
            || covers.and(Truth::Unknown) != Covers::NOBODY && covers.any() != Truth::Yes;
        // What is certain of this layer anyway hangs on nothing.
        let moot = match cited.statement.effect {
            Some(Effect::Deny) => say.denies == Truth::Yes,
            Some(Effect::Allow) => say.allows.any() == Truth::Yes && layer != Name::Resource,
            None => false,
        };
        if open && !moot {
            doubts.extend(within(cited.statement, asked).into_iter().map(|on| Doubt {
                layer,
                at: Some(cited),
                on,
            }));
        }
    }
}

/// What keeps one statement from being decided.
fn within(statement: &Statement, asked: Asked) -> Vec<Open> {
    let faults: Vec<Open> = statement.faults().map(Open::Malformed).collect();
    if !faults.is_empty() {
        return faults;
    }
    let context = asked.request.context;
    let unknown = |it: &Condition| it.holds(context) == Truth::Unknown;
    let conditions = statement.conditions.iter().filter(|it| unknown(it));
    let mut keys: Vec<&str> = conditions.flat_map(Condition::keys).collect();
    if statement.matches_resource(asked) == Truth::Unknown {
        keys.extend(statement.resources.each().flat_map(Resource::keys));
    }
    let mut open: Vec<Open> = Vec::new();
    for key in keys {
        match context.get(key) {
            Some(Known::Unseen(unknown)) => open.push(Open::Unseen(unknown.clone())),
            None | Some(Known::Under(_) | Known::Many(_)) => open.push(Open::Key(key.into())),
            Some(Known::Exactly(_) | Known::Missing) => {}
        }
    }
    // A part that no key explains: a session's name, an ARN of which only the beginning is known.
    let parts = parts(statement, asked).filter(|it| it.1 == Truth::Unknown).map(|it| it.0);
    let explained = |part: &Part| match part {
        Part::Condition { key, .. } => !matches!(context.get(key), Some(Known::Exactly(_))),
        Part::Resource(_) => statement
            .resources
            .each()
            .flat_map(Resource::keys)
            .any(|it| !matches!(context.get(it), Some(Known::Exactly(_) | Known::Missing))),
        Part::Action(_) | Part::Principal(_) => false,
    };
    open.extend(parts.filter(|it| !explained(it)).map(Open::Part));
    open
}
