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
use ssm_doctor_analysis::case::Case;
use ssm_doctor_analysis::{
    answer::Verdict,
    network::{
        hop::HopKind,
        hop::{Hop, Reachable},
        path,
    },
};
use ssm_doctor_facts::{
    lookup::{Facts, Need, Unknown},
    scope::Scope,
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
struct Answer {
    reachable: Reachable,
    /// That some connections will fail.
    in_part: bool,
    /// What it could not see.
    unknown: Vec<Unknown>,
}

type Solver = fn(&Facts, &Scope, &'static str) -> Answer;

fn solver(facts: &Facts, scope: &Scope, service: &'static str) -> Answer {
    let path = path::path(&Case::new(facts, scope), service);
    let fails = |it: &Hop| matches!(it.answer, Ok(Verdict::Fail(..)));
    let in_part = path.hops.iter().any(|it| it.kind == HopKind::SomeReplies && fails(it));
    let reachable = path.reachable();
    let hops = path.hops.iter().filter_map(|it| Some(it.answer.clone().err()?));
    let unknown = hops.chain(path.unfollowed.clone()).collect();
    Answer { reachable, in_part, unknown }
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

/// Why the answer and the packets cannot both be right.
fn disagreement(answer: &Answer, packets: &Judgement) -> Option<&'static str> {
    match (answer.reachable, packets.arrival) {
        (Reachable::Yes, Arrival::Nowhere) => Some("yes, and no packet arrives"),
        // Whichever interface the system uses, one of several addresses answers.
        (Reachable::Yes, Arrival::Uncertain)
            if answer.in_part
                && packets.readings.iter().all(|it| it.iter().any(|it| !it.passes.is_empty())) =>
        {
            None
        }
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

/// A world, and what both sides say of it.
struct Comparison {
    facts: Value,
    answer: Answer,
    packets: Judgement,
    disagreement: Option<&'static str>,
}

fn compare(plan: &Plan, solver: Solver) -> Comparison {
    let value = plan.facts();
    let (facts, scope) = worlds::read(&value);
    let packets = Reference::new(&facts, &scope, plan.service).judge();
    let answer = solver(&facts, &scope, plan.service);
    let disagreement = disagreement(&answer, &packets);
    Comparison { facts: value, answer, packets, disagreement }
}

fn census(cases: u32, solver: Solver) -> Census {
    let started = Instant::now();
    let seed = setting("SSM_DOCTOR_SEED", 1).to_le_bytes().repeat(8);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = worlds::plan();
    let mut census = Census::default();
    let mut shrunk = 0;
    for _ in 0..cases {
        let mut tree = strategy.new_tree(&mut runner).unwrap();
        let Comparison { facts, answer, packets, disagreement } = compare(&tree.current(), solver);
        census.cases += 1;
        census.packets += packets.packets;
        *census.answers.entry(word(answer.reachable)).or_default() += 1;
        let decided = matches!(packets.arrival, Arrival::Everywhere | Arrival::Nowhere);
        if decided && packets.clear && worlds::in_sight(&facts) {
            census.decided += 1;
            if let (Reachable::Unknown, Some(why)) = (answer.reachable, answer.unknown.first()) {
                census.undecided += 1;
                *census.open.entry(format!("{why:?}")).or_default() += 1;
            }
        }
        census.unasked.extend(answer.unknown.into_iter().flat_map(Unknown::unasked));
        let Some(kind) = disagreement else { continue };
        *census.disagreements.entry(kind).or_default() += 1;
        if shrunk < SHRUNK {
            shrunk += 1;
            let plan = smallest(&mut tree, kind, solver);
            let (signature, report) = report(&plan, solver);
            census.shown.insert(signature, report);
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
        if compare(&plan, solver).disagreement == Some(kind) {
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

/// What the two sides say: first without names and addresses, then in full.
fn report(plan: &Plan, solver: Solver) -> (String, String) {
    use std::fmt::Write;
    let Comparison { facts, answer, packets, disagreement } = compare(plan, solver);
    let head = format!("{}: {} ({disagreement:?})", plan.service, word(answer.reachable));
    let (mut signature, mut text) = (head.clone(), format!("{head}\n"));
    for line in differences(&healthiest().facts(), &facts) {
        writeln!(text, "  {line}").unwrap();
    }
    let (facts, scope) = worlds::read(&facts);
    let path = path::path(&Case::new(&facts, &scope), plan.service);
    for hop in path.hops.iter().filter(|it| !matches!(it.answer, Ok(Verdict::Pass(_)))) {
        writeln!(text, "  solver: {:?} {} {:?}", hop.kind, hop.id, hop.answer).unwrap();
        write!(signature, " {:?}", hop.kind).unwrap();
    }
    if let Some(lost) = &path.unfollowed {
        writeln!(text, "  solver: {lost:?}").unwrap();
    }
    for (at, reading) in packets.readings.iter().enumerate() {
        writeln!(text, "  packets, reading {at}:").unwrap();
        let mut fates = Vec::new();
        for attempt in reading {
            if !fates.contains(&attempt.because) {
                fates.push(attempt.because);
                writeln!(text, "    {attempt}").unwrap();
            }
        }
        write!(signature, " {fates:?}").unwrap();
    }
    (signature, text)
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
        let share = census.answers.get(word).copied().unwrap_or_default() * 12 / census.cases;
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
    fn says(reachable: Reachable) -> Answer {
        Answer { reachable, in_part: true, unknown: vec![Unknown::limit("nothing")] }
    }
    let liars: [Solver; 3] = [
        |_, _, _| says(Reachable::Yes),
        |_, _, _| says(Reachable::No),
        |_, _, _| says(Reachable::Unknown),
    ];
    for liar in liars {
        assert!(!census(300, liar).holds());
    }
}
