//! `solve::reach` against packets walked one by one, over random VPCs.
//!
//! What holds: where the solver says yes, every address that the name can lead to is reached, from
//! some ephemeral port at least; where it says no, none is, from any; unknown is always allowed, and
//! must be rare where everything can be seen. A fixed seed and a fixed number of cases, more of them
//! with `SSM_DOCTOR_CASES=1000000`, others with `SSM_DOCTOR_SEED=7`. Of what disagrees, the smallest
//! world is printed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod reference;
mod worlds;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use reference::{Arrival, Judgement, Reference};
use serde_json::Value;
use ssm_doctor_checks::{
    model::{
        facts::{Facts, Need, Unknown},
        scope::Scope,
        verdict::Verdict,
    },
    solve::reach::{self, HopKind, Reachable},
};
use worlds::Plan;

/// Cases in an ordinary run: some seconds.
const CASES: u32 = 3000;
/// Of the worlds in which everything decisive can be seen and points one way, the share of which the
/// solver may still say that it does not know.
const UNDECIDED: f64 = 0.05;
/// Disagreements that are shrunk, to print one of each kind.
const SHRUNK: usize = 40;

fn setting(name: &str, usual: u32) -> u32 {
    std::env::var(name).map_or(usual, |it| it.parse().unwrap())
}

/// What a solver says.
#[derive(Clone, Copy)]
struct Answer {
    reachable: Reachable,
    /// That some connections will fail.
    in_part: bool,
}

type Solver = fn(&Facts, &Scope, &'static str) -> Answer;

fn solver(facts: &Facts, scope: &Scope, service: &'static str) -> Answer {
    let path = reach::path(facts, scope, service);
    let in_part = path
        .hops
        .iter()
        .any(|it| it.kind == HopKind::Partly && matches!(it.answer, Ok(Verdict::Fail(..))));
    Answer { reachable: path.reachable(), in_part }
}

#[derive(Default)]
struct Census {
    cases: u32,
    packets: usize,
    answers: BTreeMap<&'static str, u32>,
    /// Worlds that are decided, and those of them that the solver leaves open.
    decided: u32,
    undecided: u32,
    /// Why it leaves them open.
    open: BTreeMap<String, u32>,
    disagreements: BTreeMap<&'static str, u32>,
    /// One of each kind, as small as it gets.
    shown: BTreeMap<String, String>,
    /// What the solver asks for and no world answers.
    unasked: BTreeSet<Need>,
    elapsed: Duration,
}

/// The first thing that the solver could not see.
fn unknown(plan: &Plan) -> String {
    let (facts, scope) = plan.world();
    let path = reach::path(&facts, &scope, plan.service);
    let hops = path.hops.into_iter().filter_map(|it| Some((it.kind.as_str(), it.answer.err()?)));
    let mut all = hops.chain(path.lost.map(|it| ("lost", it)));
    all.next().map(|(kind, unknown)| format!("{kind}: {unknown:?}")).unwrap_or_default()
}

fn unasked(plan: &Plan) -> Vec<Need> {
    let (facts, scope) = plan.world();
    let path = reach::path(&facts, &scope, plan.service);
    let unknowns = path.hops.into_iter().filter_map(|it| it.answer.err()).chain(path.lost);
    unknowns.flat_map(Unknown::unasked).collect()
}

/// Why the answer and the packets cannot both be right.
fn disagreement(answer: Answer, packets: &Judgement) -> Option<&'static str> {
    match (answer.reachable, packets.arrival) {
        (Reachable::Yes, Arrival::Nowhere) => Some("yes, and no packet arrives"),
        (Reachable::Yes, Arrival::Uncertain) => {
            Some("yes, and not every packet arrives for certain")
        }
        (Reachable::Yes, Arrival::InPart) if !answer.in_part => {
            Some("yes, and not a word of the endpoint's interfaces that are out of reach")
        }
        (Reachable::Yes, Arrival::Everywhere) if packets.in_part && !answer.in_part => {
            Some("yes, and not a word of the ports that are dropped")
        }
        (Reachable::Yes, Arrival::Everywhere) if answer.in_part && !packets.in_part => {
            Some("yes in part, and every packet arrives")
        }
        (Reachable::No, Arrival::Everywhere) => Some("no, and packets arrive everywhere"),
        (Reachable::No, Arrival::InPart | Arrival::Uncertain) => {
            Some("no, and not every packet is dropped for certain")
        }
        _ => None,
    }
}

fn compare(plan: &Plan, solver: Solver) -> (Answer, Judgement, Option<&'static str>) {
    let (facts, scope) = plan.world();
    let judgement = Reference::new(&facts, &scope, plan.service).judge();
    let answer = solver(&facts, &scope, plan.service);
    let disagreement = disagreement(answer, &judgement);
    (answer, judgement, disagreement)
}

fn census(cases: u32, solver: Solver) -> Census {
    let started = Instant::now();
    let seed = u8::try_from(setting("SSM_DOCTOR_SEED", 1) % 256).unwrap();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = worlds::plan();
    let mut census = Census::default();
    let mut tried = 0;
    for _ in 0..cases {
        let mut tree = strategy.new_tree(&mut runner).unwrap();
        let plan = tree.current();
        let (answer, judgement, disagreement) = compare(&plan, solver);
        census.cases += 1;
        census.unasked.extend(unasked(&plan));
        census.packets += judgement.packets;
        *census.answers.entry(word(answer.reachable)).or_default() += 1;
        if plan.fully_visible()
            && judgement.clear
            && matches!(judgement.arrival, Arrival::Everywhere | Arrival::Nowhere)
        {
            census.decided += 1;
            if answer.reachable == Reachable::Unknown {
                census.undecided += 1;
                *census.open.entry(unknown(&plan)).or_default() += 1;
            }
        }
        let Some(kind) = disagreement else { continue };
        *census.disagreements.entry(kind).or_default() += 1;
        if tried < SHRUNK {
            tried += 1;
            let smallest = smallest(&mut tree, kind, solver);
            census.shown.insert(signature(&smallest, solver), report(&smallest, solver));
        }
    }
    census.elapsed = started.elapsed();
    census
}

/// Proptest's shrinking, as far as the disagreement stays the same.
fn smallest(tree: &mut dyn ValueTree<Value = Plan>, kind: &'static str, solver: Solver) -> Plan {
    let mut best = tree.current();
    let mut moves = tree.simplify();
    while moves {
        let plan = tree.current();
        if compare(&plan, solver).2 == Some(kind) {
            best = plan;
            moves = tree.simplify();
        } else {
            moves = tree.complicate();
        }
    }
    best
}

/// The plan that every other one shrinks to.
fn healthiest() -> Plan {
    let mut tree = worlds::plan().new_tree(&mut TestRunner::deterministic()).unwrap();
    while tree.simplify() {}
    tree.current()
}

/// Where `b` is not as `a`, with what stands there.
fn differences(a: &Value, b: &Value) -> Vec<String> {
    let keys: BTreeSet<String> = match (a, b) {
        (Value::Object(a), Value::Object(b)) => a.keys().chain(b.keys()).cloned().collect(),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            (0..a.len()).map(|it| it.to_string()).collect()
        }
        _ if a == b => return Vec::new(),
        _ => return vec![format!(": {b}")],
    };
    let at = |value: &Value, key: &str| match value {
        Value::Array(all) => all[key.parse::<usize>().unwrap()].clone(),
        _ => value[key].clone(),
    };
    let below = |key: String| {
        let more = differences(&at(a, &key), &at(b, &key));
        more.into_iter().map(move |it| format!(" {key}{it}"))
    };
    keys.into_iter().flat_map(below).collect()
}

fn word(answer: Reachable) -> &'static str {
    match answer {
        Reachable::Yes => "yes",
        Reachable::No => "no",
        Reachable::Unknown => "unknown",
    }
}

/// What the two sides say, without names and addresses.
fn signature(plan: &Plan, solver: Solver) -> String {
    let (facts, scope) = plan.world();
    let (answer, judgement, kind) = compare(plan, solver);
    let hops = reach::path(&facts, &scope, plan.service).hops;
    let failing: BTreeSet<&str> = hops
        .iter()
        .filter(|it| !matches!(it.answer, Ok(Verdict::Pass(_))))
        .map(|it| it.kind.as_str())
        .collect();
    let fates: BTreeSet<String> =
        judgement.readings.iter().flatten().map(|it| format!("{:?}", it.because)).collect();
    format!(
        "{} {} {kind:?} {failing:?} {fates:?} {}",
        plan.service,
        word(answer.reachable),
        judgement.readings.len()
    )
}

fn report(plan: &Plan, solver: Solver) -> String {
    use std::fmt::Write;
    let (facts, scope) = plan.world();
    let (answer, judgement, kind) = compare(plan, solver);
    let mut text =
        format!("{}: {} ({})\n", plan.service, word(answer.reachable), kind.unwrap_or("agrees"));
    for line in differences(&healthiest().facts(), &plan.facts()) {
        writeln!(text, "  {line}").unwrap();
    }
    let path = reach::path(&facts, &scope, plan.service);
    for hop in path.hops.iter().filter(|it| !matches!(it.answer, Ok(Verdict::Pass(_)))) {
        writeln!(text, "  solver: {} {} {:?}", hop.kind.as_str(), hop.id, hop.answer).unwrap();
    }
    if let Some(lost) = path.lost {
        writeln!(text, "  solver: {lost:?}").unwrap();
    }
    for (at, reading) in judgement.readings.iter().enumerate() {
        writeln!(text, "  packets, reading {at}:").unwrap();
        let mut fates = Vec::new();
        for attempt in reading {
            if !fates.contains(&attempt.because) {
                fates.push(attempt.because);
                writeln!(text, "    {attempt}").unwrap();
            }
        }
    }
    text
}

impl Census {
    fn print(&self) {
        let per_second = f64::from(self.cases) / self.elapsed.as_secs_f64();
        println!(
            "{} worlds in {:.1?} ({per_second:.0} per second), {} packets",
            self.cases, self.elapsed, self.packets
        );
        for (word, count) in &self.answers {
            println!("  {word}: {:.1} %", 100.0 * f64::from(*count) / f64::from(self.cases));
        }
        println!(
            "  decided by the packets: {}, of these unknown to the solver: {}",
            self.decided, self.undecided
        );
        for (why, count) in &self.open {
            println!("    {count}: {why}");
        }
        println!("  disagreements: {:?}", self.disagreements);
        println!("  asked for in vain: {:?}", self.unasked);
        for shown in self.shown.values() {
            println!("{shown}");
        }
    }

    fn undecided(&self) -> f64 {
        f64::from(self.undecided) / f64::from(self.decided)
    }

    fn holds(&self) -> bool {
        self.disagreements.is_empty() && self.undecided() <= UNDECIDED
    }
}

#[test]
fn the_solver_agrees_with_the_packets() {
    let census = census(setting("SSM_DOCTOR_CASES", CASES), solver);
    census.print();
    // Neither answer may be so rare that agreeing on it means nothing.
    for word in ["yes", "no"] {
        let share = census.answers.get(word).copied().unwrap_or_default() * 10 / census.cases;
        assert!(share >= 1, "hardly any world is {word}");
    }
    assert!(
        census.undecided() <= UNDECIDED,
        "{} of {} left open",
        census.undecided,
        census.decided
    );
    assert!(census.unasked.is_empty(), "the worlds lack {:?}", census.unasked);
    assert!(census.disagreements.is_empty(), "{:?}", census.disagreements);
}

/// A test that every solver passes shows nothing.
#[test]
fn an_answer_without_looking_is_found_out() {
    let liars: [Solver; 3] = [
        |_, _, _| Answer { reachable: Reachable::Yes, in_part: true },
        |_, _, _| Answer { reachable: Reachable::No, in_part: true },
        |_, _, _| Answer { reachable: Reachable::Unknown, in_part: true },
    ];
    for liar in liars {
        assert!(!census(300, liar).holds());
    }
}
