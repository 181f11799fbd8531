//! What came out, and why: the layers and statements that decided, the Allow that nearly matched, the
//! keys that would decide.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    condition::Condition,
    context::{Known, Owner, Request},
    document::{Asked, Effect, Listed, Statement},
    layers::{Attached, Layer, Name, Ruling, Say, Says, ownership},
    pattern::Action,
    resource::Resource,
    service_of,
    truth::Truth,
};
use ssm_doctor_facts::lookup::Unknown;

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

/// What of a statement decides. Lists of `Not` elements begin with `all but …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Action(Vec<String>),
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
    /// What is not known of the identity's own policies.
    pub fn of_identity(&self) -> impl Iterator<Item = &Open> {
        self.doubts.iter().filter(|it| it.layer == Name::Identity).map(|it| &it.on)
    }

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
    // Of an organization that is judged elsewhere, a Deny is all there is to say.
    let told = |it: &&Say| {
        let organization = matches!(it.name, Name::ServiceControl(_));
        organization && it.denies == Truth::Yes && matches!(it.layer, Layer::Judged(_))
    };
    for say in silent(request, says).into_iter().filter(|it| !told(it)) {
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
    let levels = says.levels.iter().chain([&says.endpoint]);
    let mut silent: Vec<_> = levels.filter(|it| it.passes() == Truth::No).collect();
    if says.granted(request) != Truth::No {
        return silent;
    }
    let resource = says.resource.allows;
    let foreign = ownership(request) == Truth::No;
    let named = if foreign { resource.any() } else { resource.account.or(resource.role) };
    if named == Truth::No && (foreign || says.resource_must_allow(request)) {
        silent.push(&says.resource);
    }
    if says.by_identity(request) == Truth::No {
        // A grant to the role does without the role's own policies, within its limits.
        let granted = !foreign && resource.role == Truth::Yes;
        let limits = [&says.boundary, &says.session];
        silent.extend(limits.into_iter().filter(|it| it.passes() == Truth::No));
        if says.identity.allows.any() == Truth::No && !granted {
            silent.push(&says.identity);
        }
    }
    silent
}

/// The Allows of a layer that fail by least.
fn nearest<'l>(say: &Say<'l>, says: &Says<'l>, request: &Request) -> Vec<Miss<'l>> {
    let asked = Asked { request, bounded: says.bounded };
    let allows = statements(say.layer).filter(|it| it.statement.effect == Some(Effect::Allow));
    let weighed = allows.filter_map(|it| Some((distance(it.statement, asked)?, it)));
    let weighed: Vec<(usize, Cited)> = weighed.collect();
    let least = weighed.iter().map(|it| it.0).min();
    let nearest = weighed.into_iter().filter(|it| Some(it.0) == least);
    let miss = |(_, cited): (usize, Cited<'l>)| {
        let failing = parts(cited.statement, asked).filter(|it| it.1 == Truth::No);
        Miss { cited, by: failing.map(|it| it.0).collect() }
    };
    nearest.map(miss).collect()
}

/// How far an Allow is from matching: a condition is nearer than a resource, that nearer than a
/// principal, and that nearer than another action. None if it is not about the service at all.
fn distance(statement: &Statement, asked: Asked) -> Option<usize> {
    let action = asked.request.action;
    let mut distance = 0;
    if !statement.lists(action) {
        let service = service_of(action);
        let same = |it: &Action| service_of(it.raw).eq_ignore_ascii_case(service);
        if !matches!(&statement.actions, Listed::Only(listed) if listed.iter().any(same)) {
            return None;
        }
        distance += 100;
    }
    if statement.covers(asked).any() == Truth::No {
        distance += 20;
    }
    if statement.matches_resource(asked) == Truth::No {
        distance += 10;
    }
    let context = asked.request.context;
    Some(distance + statement.conditions.iter().filter(|it| it.holds(context) == Truth::No).count())
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

/// Each part of a statement, and whether it matches.
fn parts<'s>(
    statement: &'s Statement,
    asked: Asked<'s>,
) -> impl Iterator<Item = (Part, Truth)> + 's {
    let context = asked.request.context;
    let actions = statement.actions.shown(|it| it.raw);
    let principals = statement.principals.shown(|it| it.as_str());
    let resources = statement.resources.shown(|it| it.raw);
    let action = (Part::Action(actions), statement.lists(asked.request.action).into());
    let principal = (Part::Principal(principals), statement.covers(asked).any());
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
    let granted = says.granted(request) == Truth::Yes;
    for say in says.each() {
        doubt(say, asked, granted, &mut doubts);
    }
    Undecided { doubts }
}

/// What of one layer is open. `granted`: the layers that can grant do so, whatever else of them is open.
fn doubt<'l>(say: &Say<'l>, asked: Asked, granted: bool, doubts: &mut Vec<Doubt<'l>>) {
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
    let grants = matches!(layer, Name::Identity | Name::Boundary | Name::Session | Name::Resource);
    let enough = if grants { granted } else { say.allows.any() == Truth::Yes };
    for cited in statements(say.layer) {
        let moot = match cited.statement.effect {
            Some(Effect::Deny) => say.denies == Truth::Yes,
            Some(Effect::Allow) => enough,
            None => false,
        };
        if !moot && cited.statement.matches(asked).is_open() {
            let open = within(cited.statement, asked).into_iter();
            doubts.extend(open.map(|on| Doubt { layer, at: Some(cited), on }));
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
            None | Some(Known::Under(_) | Known::Many(_) | Known::Including(_)) => {
                open.push(Open::Key(key.into()));
            }
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

#[cfg(test)]
mod tests {
    use alloc::{boxed::Box, vec};

    use serde_json::{Value, json};

    use super::*;
    use crate::{Context, Kind, Layers, Level, Object, Policy, Principal, evaluate};
    use ssm_doctor_facts::{ids::Arn, lookup::Gap, text::Text};

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/k-1";
    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const ROLE: &str = "arn:aws:iam::111122223333:role/AppRole";
    const LINKED: &str = "arn:aws:iam::111122223333:role/aws-service-role/ssm.amazonaws.com/Linked";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/AppRole/i-1";
    const USER: &str = "arn:aws:iam::111122223333:user/ana";

    fn allow(action: &str) -> Value {
        json!({ "Effect": "Allow", "Action": action, "Resource": "*" })
    }

    fn deny(action: &str) -> Value {
        json!({ "Sid": "No", "Effect": "Deny", "Action": action, "Resource": "*" })
    }

    /// An Allow of everything to `who`.
    fn grant(who: &str) -> Value {
        json!({ "Effect": "Allow", "Principal": { "AWS": who }, "Action": "*", "Resource": "*" })
    }

    fn everyone(mut statement: Value) -> Value {
        statement["Principal"] = "*".into();
        statement
    }

    fn under(mut statement: Value, condition: &Value) -> Value {
        statement["Condition"] = condition.clone();
        statement
    }

    /// Of `"?"` nothing is known, `"allows"` and the like is what the simulator said.
    fn layer(raw: &Value, kind: Kind) -> Layer<'static> {
        match raw.as_str() {
            Some("allows") => Layer::Judged(Ruling::Allows),
            Some("silent") => Layer::Judged(Ruling::Silent),
            Some("denies") => Layer::Judged(Ruling::Denies),
            Some(_) => Layer::Unseen(Unknown::limit("what it says")),
            None if raw.is_null() => Layer::Absent,
            None => {
                let document = json!({ "Version": "2012-10-17", "Statement": raw });
                let policy = Ok(Policy::read(Box::leak(Box::new(Text::from(document))), kind));
                Layer::Seen(vec![Attached { id: "p".into(), to: "it".into(), policy }])
            }
        }
    }

    /// Of an object of layers, each with its statements.
    fn layers(world: &Value) -> Layers<'static> {
        let levels = |raw: &Value, kind| -> Vec<Level<'static>> {
            let levels = raw.as_array().into_iter().flatten().enumerate();
            levels
                .map(|(at, it)| Level { name: format!("level {at}"), layer: layer(it, kind) })
                .collect()
        };
        Layers {
            identity: layer(&world["identity"], Kind::Identity),
            boundary: layer(&world["boundary"], Kind::Boundary),
            session: layer(&world["session"], Kind::Session),
            service_control: levels(&world["scps"], Kind::ServiceControl),
            resource_control: levels(&world["rcps"], Kind::ResourceControl),
            resource: layer(&world["resource"], Kind::Resource),
            endpoint: layer(&world["endpoint"], Kind::Endpoint),
        }
    }

    fn words(outcome: &Outcome, request: &Request) -> String {
        let places = |cited: &[Cited]| {
            cited.iter().fold(String::new(), |so_far, it| so_far + " " + &it.statement.place())
        };
        match outcome {
            Outcome::Allowed(cited) => format!("yes{}", places(cited)),
            Outcome::Denied(refusal) => {
                let denials = [&refusal.first].into_iter().chain(&refusal.more).map(|it| {
                    let nearest = it.nearest.iter().map(|it| {
                        let parts: Vec<String> = it.by.iter().map(ToString::to_string).collect();
                        format!(" ({})", parts.join("; "))
                    });
                    let how = if it.explicit { "denies" } else { "silent" };
                    let nearest: String = nearest.collect();
                    format!("{:?} {how}{}{nearest}", it.layer, places(&it.statements))
                });
                denials.collect::<Vec<_>>().join(", ")
            }
            Outcome::Unknown(undecided) => {
                let unknown = undecided.unknown(request);
                let gaps = unknown.gaps().map(|it| match it {
                    Gap::Limit(limit) => limit.words().into(),
                    Gap::Fact { .. } => String::new(),
                });
                format!("? {}", gaps.collect::<Vec<_>>().join("; "))
            }
        }
    }

    fn said(who: &str, action: &str, owner: Owner, world: &Value) -> String {
        let arn: Arn = who.parse().unwrap();
        let principal = match arn.resource().split_once('/') {
            Some(("user", _)) => Principal::User(&arn),
            Some(_) => Principal::Session { role: &arn, name: Some("i-1") },
            None => Principal::Root(&arn),
        };
        let context = Context::of(&principal)
            .with("aws:SecureTransport", Known::Exactly("true".into()))
            .with("aws:PrincipalTag/team", Known::Under("op".into()))
            .with("aws:ResourceTag/env", Known::Unseen(Unknown::limit("the tags of the key")))
            .with_rest("aws:RequestTag/", Known::Missing);
        let resource = Object::Exactly(KEY);
        let request = Request { principal, action, resource, owner, context: &context };
        words(&evaluate(&request, &layers(world)), &request)
    }

    const KMS: &str = "kms:Decrypt";
    /// Does without a policy on the resource.
    const SQS: &str = "sqs:SendMessage";

    #[test]
    fn within_an_account() {
        let silent = json!([]);
        let rows = [
            (ROLE, SQS, json!({}), "Identity silent"),
            (ROLE, SQS, json!({ "identity": [allow("*")] }), "yes statement 1"),
            (
                ROLE,
                SQS,
                json!({ "identity": [deny("sqs:*"), allow("*")] }),
                "Identity denies statement 1 (No)",
            ),
            (ROLE, SQS, json!({ "identity": [allow("*")], "resource": silent }), "yes statement 1"),
            (ROLE, SQS, json!({ "resource": [grant(ROLE)] }), "yes statement 1"),
            (ROLE, SQS, json!({ "resource": [grant(ROOT)] }), "Identity silent"),
            (
                ROLE,
                SQS,
                json!({ "identity": [allow("*")], "resource": [everyone(deny("*"))] }),
                "Resource denies statement 1 (No)",
            ),
            // A boundary limits what role and identity policies grant, not what is granted to a session.
            (ROLE, SQS, json!({ "identity": [allow("*")], "boundary": silent }), "Boundary silent"),
            (
                ROLE,
                SQS,
                json!({ "identity": [allow("*")], "boundary": [allow("sqs:*")] }),
                "yes statement 1",
            ),
            (ROLE, SQS, json!({ "boundary": silent }), "Boundary silent, Identity silent"),
            (
                ROLE,
                SQS,
                json!({ "boundary": silent, "resource": [grant(ROLE)] }),
                "Boundary silent",
            ),
            (
                ROLE,
                SQS,
                json!({ "boundary": silent, "resource": [grant(SESSION)] }),
                "yes statement 1",
            ),
            (ROLE, SQS, json!({ "boundary": silent, "resource": [grant("*")] }), "yes statement 1"),
            (
                ROLE,
                SQS,
                json!({ "boundary": [deny("*")], "resource": [grant(SESSION)] }),
                "Boundary denies statement 1 (No)",
            ),
            (
                USER,
                SQS,
                json!({ "boundary": silent, "resource": [grant(USER)] }),
                "yes statement 1",
            ),
            // A session's policy does as a boundary does.
            (
                ROLE,
                SQS,
                json!({ "identity": [allow("*")], "session": [allow("s3:*")] }),
                "Session silent",
            ),
            (ROLE, SQS, json!({ "session": silent, "resource": [grant(ROLE)] }), "Session silent"),
            (
                ROLE,
                SQS,
                json!({ "session": silent, "resource": [grant(SESSION)] }),
                "yes statement 1",
            ),
            // A key lets nobody in by IAM alone.
            (ROLE, KMS, json!({ "identity": [allow("*")], "resource": silent }), "Resource silent"),
            (
                ROLE,
                KMS,
                json!({ "identity": [allow("*")], "resource": [grant(ROOT)] }),
                "yes statement 1 statement 1",
            ),
            (ROLE, KMS, json!({ "resource": [grant(ROOT)] }), "Identity silent"),
            (ROLE, KMS, json!({ "resource": [grant(ROLE)] }), "yes statement 1"),
            (ROLE, KMS, json!({ "resource": silent }), "Resource silent, Identity silent"),
            // The root user has everything, save what others keep from it.
            (ROOT, SQS, json!({}), "yes"),
            (
                ROOT,
                KMS,
                json!({ "resource": [grant(ROLE)] }),
                "Resource silent (the principals arn:aws:iam::111122223333:role/AppRole)",
            ),
            (ROOT, KMS, json!({ "resource": [grant(ROOT)] }), "yes statement 1"),
            (
                ROOT,
                SQS,
                json!({ "scps": [[deny("sqs:*"), allow("*")]] }),
                "ServiceControl(\"level 0\") denies statement 1 (No)",
            ),
        ];
        for (who, action, world, expected) in rows {
            assert_eq!(said(who, action, Owner::Own, &world), expected, "{who} {world}");
        }
    }

    #[test]
    fn across_accounts() {
        let other = Owner::Account("444455556666");
        let rows = [
            (ROLE, json!({ "identity": [allow("*")] }), "Resource silent"),
            (
                ROLE,
                json!({ "identity": [allow("*")], "resource": [grant(ROOT)] }),
                "yes statement 1 statement 1",
            ),
            (
                ROLE,
                json!({ "identity": [allow("*")], "resource": [grant(SESSION)] }),
                "yes statement 1 statement 1",
            ),
            (ROLE, json!({ "resource": [grant(SESSION)] }), "Identity silent"),
            (
                ROLE,
                json!({ "identity": [allow("*")], "boundary": [], "resource": [grant(SESSION)] }),
                "Boundary silent",
            ),
            (ROLE, json!({}), "Resource silent, Identity silent"),
            (ROOT, json!({ "resource": [grant(ROOT)] }), "yes statement 1"),
        ];
        for (who, world, expected) in rows {
            assert_eq!(said(who, SQS, other, &world), expected, "{who} {world}");
        }
        let unseen = Unknown::limit("whose the queue is");
        let both = json!({ "identity": [allow("*")], "resource": [grant(ROOT)] });
        assert_eq!(said(ROLE, SQS, Owner::Unseen(&unseen), &both), "yes statement 1 statement 1");
        let alone = json!({ "identity": [allow("*")] });
        assert_eq!(said(ROLE, SQS, Owner::Unseen(&unseen), &alone), "? whose the queue is");
    }

    #[test]
    fn above_the_account() {
        let own = |more: Value| {
            let mut world = json!({ "identity": [allow("*")] });
            json_patch::merge(&mut world, &more);
            world
        };
        let (all, kms) = (json!([allow("*")]), json!([allow("kms:*")]));
        let rows = [
            (ROLE, json!({ "scps": [all, all] }), "yes statement 1"),
            // Every level has to allow.
            (ROLE, json!({ "scps": [all, kms] }), "ServiceControl(\"level 1\") silent"),
            (
                ROLE,
                json!({ "scps": [kms, kms] }),
                "ServiceControl(\"level 0\") silent, ServiceControl(\"level 1\") silent",
            ),
            (
                ROLE,
                json!({ "scps": [[deny("sqs:*"), allow("*")], kms] }),
                "ServiceControl(\"level 0\") denies statement 1 (No), ServiceControl(\"level 1\") silent",
            ),
            (ROLE, json!({ "rcps": [[everyone(allow("*"))]] }), "yes statement 1"),
            (
                ROLE,
                json!({ "rcps": [[everyone(allow("*")), everyone(deny("sqs:*"))]] }),
                "ResourceControl(\"level 0\") denies statement 2 (No)",
            ),
            (LINKED, json!({ "scps": [kms], "rcps": [[everyone(deny("*"))]] }), "yes statement 1"),
            (ROLE, json!({ "endpoint": [everyone(allow("sqs:*"))] }), "yes statement 1"),
            (ROLE, json!({ "endpoint": [everyone(allow("kms:*"))] }), "Endpoint silent"),
            (ROLE, json!({ "endpoint": [everyone(deny("kms:*"))] }), "Endpoint silent"),
            (
                ROLE,
                json!({ "endpoint": [everyone(deny("*"))] }),
                "Endpoint denies statement 1 (No), Endpoint silent",
            ),
            (
                ROLE,
                json!({ "endpoint": [grant(USER)] }),
                "Endpoint silent (the principals arn:aws:iam::111122223333:user/ana)",
            ),
            // Somebody else's judgement.
            (ROLE, json!({ "identity": "allows" }), "yes"),
            (ROLE, json!({ "identity": "silent" }), "Identity silent"),
            (ROLE, json!({ "identity": "denies" }), "Identity denies, Identity silent"),
            (ROLE, json!({ "identity": "silent", "resource": [grant(ROLE)] }), "yes statement 1"),
            // Of whom it is not known whether a boundary holds.
            (
                ROLE,
                json!({ "identity": "allows", "resource": [{ "Effect": "Deny", "NotPrincipal": { "AWS": [ROLE, ROOT] }, "Action": "*", "Resource": "*" }] }),
                "? whether AppRole may sqs:SendMessage hangs on the principals all but arn:aws:iam::111122223333:role/AppRole, arn:aws:iam::111122223333:root, which is not known here",
            ),
        ];
        for (who, more, expected) in rows {
            assert_eq!(said(who, SQS, Owner::Own, &own(more.clone())), expected, "{who} {more}");
        }
        let context = Context::of(&Principal::Anonymous);
        let request = Request {
            principal: Principal::Anonymous,
            action: SQS,
            resource: Object::Exactly(KEY),
            owner: Owner::Account("111122223333"),
            context: &context,
        };
        let open = json!({ "resource": [grant("*")], "scps": [[]] });
        assert_eq!(words(&evaluate(&request, &layers(&open)), &request), "yes statement 1");
        let perimeter = under(
            everyone(deny("*")),
            &json!({ "StringNotEquals": { "aws:PrincipalAccount": "111122223333" } }),
        );
        let closed = json!({ "resource": [grant("*")], "endpoint": [grant("*"), perimeter] });
        assert_eq!(
            words(&evaluate(&request, &layers(&closed)), &request),
            "Endpoint denies statement 2 (No)"
        );
    }

    #[test]
    fn the_nearest_miss() {
        let secure = json!({ "Bool": { "aws:SecureTransport": "false" } });
        let elsewhere =
            json!({ "Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:q" });
        let rows = [
            (
                json!([under(allow("sqs:*"), &secure)]),
                "Identity silent (Bool aws:SecureTransport false)",
            ),
            // A condition is less than a resource, that less than other actions.
            (
                json!([elsewhere, under(allow("sqs:*"), &secure)]),
                "Identity silent (Bool aws:SecureTransport false)",
            ),
            (
                json!([allow("sqs:Get*"), elsewhere]),
                "Identity silent (the resources arn:aws:sqs:*:*:q)",
            ),
            (json!([allow("sqs:Get*"), allow("s3:*")]), "Identity silent (the actions sqs:Get*)"),
            (json!([allow("s3:*")]), "Identity silent"),
            (
                json!([under(elsewhere.clone(), &secure)]),
                "Identity silent (the resources arn:aws:sqs:*:*:q; Bool aws:SecureTransport false)",
            ),
            (
                json!([{ "Effect": "Allow", "Action": "sqs:*", "NotResource": "arn:aws:kms:*" }]),
                "Identity silent (the resources all but arn:aws:kms:*)",
            ),
            // Two that are equally near.
            (
                json!([elsewhere, { "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b" }]),
                "Identity silent (the resources arn:aws:sqs:*:*:q) (the resources arn:aws:s3:::b)",
            ),
            (
                json!([under(
                    allow("*"),
                    &json!({ "StringEquals": { "aws:RequestTag/x": ["a", "b"] } })
                )]),
                "Identity silent (StringEquals aws:RequestTag/x a, b)",
            ),
        ];
        for (identity, expected) in rows {
            let world = json!({ "identity": identity });
            assert_eq!(said(ROLE, SQS, Owner::Own, &world), expected, "{world}");
        }
    }

    #[test]
    fn what_an_unknown_hangs_on() {
        let from = json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } });
        let tagged = json!({ "StringEquals": { "aws:ResourceTag/env": "x" } });
        let team = json!({ "StringEquals": { "aws:PrincipalTag/team": ["ops", "dev"] } });
        let maybe = json!({ "StringMaybe": { "aws:x": "y" } });
        let both = json!([allow("*"), under(deny("*"), &from)]);
        let hangs = |on: &str| {
            format!("? whether AppRole may sqs:SendMessage hangs on {on}, which is not known here")
        };
        let rows = [
            (json!({ "identity": [under(allow("*"), &from)] }), hangs("aws:SourceIp")),
            (json!({ "identity": both }), hangs("aws:SourceIp")),
            (json!({ "identity": [under(allow("*"), &team)] }), hangs("aws:PrincipalTag/team")),
            // What could be seen is named by what was not.
            (json!({ "identity": [under(allow("*"), &tagged)] }), "? the tags of the key".into()),
            (json!({ "identity": "?" }), "? what it says".into()),
            (json!({ "identity": [allow("*")], "scps": ["?"] }), "? what it says".into()),
            (
                json!({ "identity": [under(allow("*"), &maybe)] }),
                hangs("p statement 1: Condition operator \"StringMaybe\""),
            ),
            (
                json!({ "identity": [{ "Effect": "Perhaps", "Action": "*", "Resource": "*" }] }),
                hangs("p statement 1: Effect is neither Allow nor Deny"),
            ),
            (
                json!({ "identity": [{ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:kms:*:*:key/${aws:userid}" }] }),
                hangs("aws:userid"),
            ),
            (
                json!({ "identity": [{ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:kms:*:key/k-1" }] }),
                hangs("the resources arn:aws:kms:*:key/k-1"),
            ),
            // An unknown that cannot change the answer does not make it unknown.
            (
                json!({ "identity": [under(allow("*"), &from), allow("*")] }),
                "yes statement 2".into(),
            ),
            (
                json!({ "identity": [under(allow("*"), &maybe), deny("*")] }),
                "Identity denies statement 2 (No)".into(),
            ),
            (
                json!({ "identity": [under(allow("*"), &from)], "scps": [[]] }),
                "ServiceControl(\"level 0\") silent".into(),
            ),
            (
                json!({ "identity": "?", "boundary": [deny("*")] }),
                "Boundary denies statement 1 (No), Boundary silent".into(),
            ),
            (json!({ "identity": [under(allow("s3:*"), &from)] }), "Identity silent".into()),
            // And is not named beside one that can.
            (
                json!({ "identity": [under(allow("*"), &tagged), allow("*"), under(deny("*"), &from)] }),
                hangs("aws:SourceIp"),
            ),
            (
                json!({ "identity": [allow("*")], "resource": [under(grant(ROLE), &tagged), everyone(under(deny("*"), &from))] }),
                hangs("aws:SourceIp"),
            ),
        ];
        for (world, expected) in rows {
            assert_eq!(said(ROLE, SQS, Owner::Own, &world), expected, "{world}");
        }
    }
}
