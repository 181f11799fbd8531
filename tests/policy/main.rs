//! `solve/policy` against an evaluator that is not ours, on random requests and policies.
//!
//! Three questions are put to every case. With all of it known: do both say the same, down to the layers
//! that deny explicitly? With some of it hidden: does a certain answer hold however the hidden is filled
//! in? And an unknown: is it warranted, do fillings exist that allow and others that deny?
//!
//! `SSM_DOCTOR_POLICY_PAIRS` sets how many cases (10,000), `SSM_DOCTOR_POLICY_SEED` which ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]

mod actions;
mod cases;
mod deviations;
#[path = "../packages.rs"]
mod packages;
mod properties;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::{Value, json};
use ssm_doctor_facts::{ids::Arn, lookup::Unknown, text::Text};
use ssm_doctor_iam_policy::{
    Attached, Context, Kind, Known, Layer, Layers, Level, Name, Object, Outcome, Owner, Policy,
    Principal, Request, evaluate,
};

use cases::{Case, Dice, EC2, Hidden, Hide, Key, ROLE, USER, Who};
use packages::{Dialogue, Outcome as Done, folder, node_packages, store};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Allowed,
    /// By Denies in these layers; by none, for lack of an Allow.
    Denied(BTreeSet<&'static str>),
    Unknown,
}

/// The answer of `solve/policy`.
fn ours(case: &Case, hidden: &Hidden) -> Answer {
    let root: Arn = Who::Root.name().parse().unwrap();
    let (user, role): (Arn, Arn) = (USER.parse().unwrap(), ROLE.parse().unwrap());
    let principal = match case.who {
        Who::Root => Principal::Root(&root),
        Who::User => Principal::User(&user),
        Who::Session(name) => {
            Principal::Session { role: &role, name: (!hidden.session_name).then_some(name) }
        }
        Who::Ec2 => Principal::Service(&EC2),
        Who::Anonymous => Principal::Anonymous,
    };
    let unknown = Unknown::limit("hidden");
    let mut context = Context::default().with_rest("", Known::Missing);
    for (key, value) in &case.context {
        context.set(key, known(value));
    }
    for (key, start) in &hidden.keys {
        let known = match (start, case.context.get(key)) {
            (Some(at), Some(Key::One(value))) => Known::Under(value[..*at].into()),
            _ => Known::Unseen(unknown.clone()),
        };
        context.set(key, known);
    }
    let request = Request {
        principal,
        action: case.action,
        resource: Object::Exactly(case.resource),
        owner: if hidden.owner { Owner::Unseen(&unknown) } else { Owner::Account(case.owner) },
        context: &context,
    };
    match evaluate(&request, &layers(case, &hidden.layers, &unknown)) {
        Outcome::Allowed(_) => Answer::Allowed,
        Outcome::Unknown(_) => Answer::Unknown,
        Outcome::Denied(refusal) => {
            let denials = [&refusal.first].into_iter().chain(&refusal.more);
            Answer::Denied(denials.filter(|it| it.explicit).map(|it| word(it.layer)).collect())
        }
    }
}

fn known(value: &Key) -> Known {
    match value {
        Key::One(value) => Known::Exactly(value.clone()),
        Key::Many(values) => Known::Many(values.clone()),
    }
}

fn word(layer: Name) -> &'static str {
    match layer {
        Name::ServiceControl(_) => "service-control",
        Name::ResourceControl(_) => "resource-control",
        Name::Endpoint => "endpoint",
        Name::Resource => "resource",
        Name::Boundary => "boundary",
        Name::Session => "session",
        Name::Identity => "identity",
    }
}

fn layers<'t>(case: &'t Case, hidden: &[Hide], unknown: &Unknown) -> Layers<'t> {
    let unseen = |which: Hide, layer: Layer<'t>| {
        if hidden.contains(&which) { Layer::Unseen(unknown.clone()) } else { layer }
    };
    let one = |which: Hide, text: &'t Option<Text>, kind: Kind| {
        unseen(which, text.as_ref().map_or(Layer::Absent, |it| layer([it], kind)))
    };
    let levels = |which: Hide, levels: &'t [Vec<Text>], kind: Kind| -> Vec<Level<'t>> {
        if hidden.contains(&which) {
            return vec![Level { name: "?".into(), layer: Layer::Unseen(unknown.clone()) }];
        }
        let level = |it: &'t Vec<Text>| Level { name: "r-1".into(), layer: layer(it, kind) };
        levels.iter().map(level).collect()
    };
    let guard = if case.action == "sts:AssumeRole" { Kind::Trust } else { Kind::Resource };
    Layers {
        identity: unseen(Hide::Identity, layer(&case.identity, Kind::Identity)),
        boundary: one(Hide::Boundary, &case.boundary, Kind::Boundary),
        session: one(Hide::Session, &case.session, Kind::Session),
        service_control: levels(Hide::ServiceControl, &case.scps, Kind::ServiceControl),
        resource_control: levels(Hide::ResourceControl, &case.rcps, Kind::ResourceControl),
        resource: one(Hide::Resource, &case.resource_policy, guard),
        endpoint: one(Hide::Endpoint, &case.endpoint, Kind::Endpoint),
    }
}

fn layer<'t>(texts: impl IntoIterator<Item = &'t Text>, kind: Kind) -> Layer<'t> {
    let attached = |text: &'t Text| Attached {
        id: "policy".into(),
        to: "somewhere".into(),
        policy: Ok(Policy::read(text, kind)),
    };
    Layer::Seen(texts.into_iter().map(attached).collect())
}

/// The other evaluator.
struct Evaluator(Dialogue);

impl Evaluator {
    fn start() -> Done<Self> {
        let modules = node_packages(&store()?)?;
        let script = folder().with_file_name("policy").join("evaluate.mjs");
        Ok(Self(Dialogue::open(Command::new("node").arg(script).arg(modules))?))
    }

    fn tell(&mut self, case: &Case) -> Done<()> {
        let context: BTreeMap<&str, Value> = case
            .context
            .iter()
            .map(|(key, value)| match value {
                Key::One(value) => (key.as_str(), json!(value)),
                Key::Many(values) => (key.as_str(), json!(values)),
            })
            .collect();
        self.0.tell(&json!({
            "principal": case.who.name(),
            "action": case.action,
            "resource": case.resource,
            "account": case.owner,
            "context": context,
            "identity": case.identity,
            "boundary": case.boundary,
            "session": case.session,
            "scps": case.scps,
            "rcps": case.rcps,
            "resourcePolicy": case.resource_policy,
            "endpoint": case.endpoint,
        }))
    }

    /// The answer, and the keys that such a request never has.
    fn ask(&mut self, case: &Case) -> Done<(Answer, Vec<String>)> {
        self.tell(case)?;
        self.listen()
    }

    fn listen(&mut self) -> Done<(Answer, Vec<String>)> {
        let reply = self.0.listen()?;
        if let Some(error) = reply.get("error") {
            return Err(format!("the evaluator refuses: {error}").into());
        }
        let words = |value: &Value| -> Vec<String> {
            let words = value.as_array().into_iter().flatten();
            words.filter_map(Value::as_str).map(Into::into).collect()
        };
        let explicit: BTreeSet<&'static str> = words(&reply["explicit"])
            .iter()
            .map(|it| LAYERS.into_iter().find(|layer| layer == it).unwrap())
            .collect();
        let answer = match reply["result"].as_str() {
            Some("Allowed") => Answer::Allowed,
            Some("ExplicitlyDenied" | "ImplicitlyDenied") => Answer::Denied(explicit),
            other => return Err(format!("no result: {other:?}").into()),
        };
        Ok((answer, words(&reply["ignored"])))
    }
}

const LAYERS: [&str; 7] = [
    "identity",
    "boundary",
    "session",
    "service-control",
    "resource-control",
    "resource",
    "endpoint",
];

#[derive(Default)]
struct Tally {
    pairs: usize,
    allowed: usize,
    denied: usize,
    /// All of it known, and still undecided: what AWS's documentation leaves open.
    undocumented: usize,
    explained: BTreeMap<&'static str, usize>,
    hidden: usize,
    hidden_unknown: usize,
    fillings: usize,
    /// Unknowns for which no filling was found that allows, or none that denies.
    cautious: usize,
}

#[test]
fn agrees_with_an_independent_evaluator() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |it| it.parse().expect("a number"))
    };
    let (pairs, seed) =
        (number("SSM_DOCTOR_POLICY_PAIRS", 10_000), number("SSM_DOCTOR_POLICY_SEED", 1));
    let mut evaluator = Evaluator::start().unwrap();
    let mut dice = Dice::new(seed);
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    while tally.pairs < usize::try_from(pairs).unwrap() {
        let cases: Vec<Case> = (0..32).map(|_| dice.case()).collect();
        for case in &cases {
            evaluator.tell(case).unwrap();
        }
        for mut case in cases {
            let (theirs, ignored) =
                evaluator.listen().unwrap_or_else(|it| panic!("{it}\n{case:#?}"));
            case.context.retain(|key, _| !ignored.contains(key));
            judge(&mut dice, &case, &theirs, &mut tally, &mut wrong);
        }
    }
    report(&tally);
    let shown = wrong.iter().take(8).map(|it| it.shown(&mut evaluator)).collect::<String>();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{shown}", wrong.len(), tally.pairs);
}

enum Wrong {
    /// Not what the evaluator says.
    Disagrees(Box<Case>),
    /// Certain without what was hidden, and otherwise with it.
    Hasty(String),
}

impl Wrong {
    fn shown(&self, evaluator: &mut Evaluator) -> String {
        let mut case = match self {
            Self::Hasty(text) => return text.clone(),
            Self::Disagrees(case) => (**case).clone(),
        };
        let mut disagree = |case: &Case| {
            let (theirs, ignored) = evaluator.ask(case).ok()?;
            let answer = ours(case, &Hidden::default());
            let wrong = ignored.is_empty()
                && !agree(case, &answer, &theirs)
                && explain(case, &theirs).is_none();
            wrong.then_some((answer, theirs))
        };
        while let Some(simpler) = case.simpler().into_iter().find(|it| disagree(it).is_some()) {
            case = simpler;
        }
        format!("(ours, theirs) {:?}\n{case}\n", disagree(&case))
    }
}

/// An unknown agrees with everything. A denial may have reasons more than ours, if of those it is unknown
/// whether they deny.
fn agree(case: &Case, ours_is: &Answer, theirs: &Answer) -> bool {
    match (ours_is, theirs) {
        (Answer::Unknown, _) => true,
        (Answer::Denied(certain), Answer::Denied(all)) => {
            let open =
                |layer: &&str| ours(&case.only(layer), &Hidden::default()) == Answer::Unknown;
            certain.is_subset(all) && all.difference(certain).all(open)
        }
        (one, other) => one == other,
    }
}

fn explain(case: &Case, theirs: &Answer) -> Option<Vec<&'static str>> {
    deviations::explain(case, |it| agree(it, &ours(it, &Hidden::default()), theirs))
}

fn judge(dice: &mut Dice, case: &Case, theirs: &Answer, tally: &mut Tally, wrong: &mut Vec<Wrong>) {
    tally.pairs += 1;
    let answer = ours(case, &Hidden::default());
    match &answer {
        Answer::Allowed => tally.allowed += 1,
        Answer::Denied(_) => tally.denied += 1,
        Answer::Unknown => tally.undocumented += 1,
    }
    if !agree(case, &answer, theirs) {
        match explain(case, theirs) {
            Some(names) => {
                for name in names {
                    *tally.explained.entry(name).or_default() += 1;
                }
            }
            None => wrong.push(Wrong::Disagrees(Box::new(case.clone()))),
        }
    }
    let hidden = dice.hide(case);
    tally.hidden += 1;
    let partial = ours(case, &hidden);
    let (mut allows, mut denies) = (false, false);
    for filling in 0..400 {
        // Some for soundness, and for an unknown until both outcomes are found.
        if filling >= 12 && (partial != Answer::Unknown || allows && denies) {
            break;
        }
        let full = ours(&dice.fill(case, &hidden), &Hidden::default());
        tally.fillings += 1;
        // One that is left open by documentation may be either.
        allows |= matches!(full, Answer::Allowed | Answer::Unknown);
        denies |= matches!(full, Answer::Denied(_) | Answer::Unknown);
        let holds = match (&partial, &full) {
            (Answer::Unknown, _) | (_, Answer::Unknown) => true,
            (Answer::Allowed, full) => *full == Answer::Allowed,
            // What was hidden may deny too.
            (Answer::Denied(certain), Answer::Denied(all)) => certain.is_subset(all),
            (Answer::Denied(_), Answer::Allowed) => false,
        };
        if !holds {
            let text = format!("{partial:?} with {hidden:?} hidden, {full:?} in full\n{case}");
            wrong.push(Wrong::Hasty(text));
            return;
        }
    }
    if partial == Answer::Unknown && answer != Answer::Unknown {
        tally.hidden_unknown += 1;
        tally.cautious += usize::from(!(allows && denies));
    }
}

fn report(tally: &Tally) {
    println!(
        "{} pairs: {} allowed, {} denied, {} left open by AWS's documentation",
        tally.pairs, tally.allowed, tally.denied, tally.undocumented
    );
    for deviation in deviations::DEVIATIONS {
        let count = tally.explained.get(deviation.name).copied().unwrap_or_default();
        println!(
            "{count} explained by {}: {} ({})",
            deviation.name, deviation.reason, deviation.link
        );
    }
    println!(
        "{} with something hidden: {} unknown by that, {} of these although only one outcome was found \
         ({} fillings)",
        tally.hidden, tally.hidden_unknown, tally.cautious, tally.fillings
    );
}
