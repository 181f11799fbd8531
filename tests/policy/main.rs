//! Compares this crate with an independent evaluator on random requests and policies.
//!
//! Each case is tested in three ways:
//! - With everything known: do both evaluators give the same decision, and do the same layers deny explicitly?
//! - With parts hidden: does a certain decision hold, however the hidden parts are filled in?
//! - If the decision is then unknown: do some ways of filling in allow, and others deny?
//!
//! `SSM_DOCTOR_POLICY_PAIRS` sets the number of cases (10,000), `SSM_DOCTOR_POLICY_SEED` the random seed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot continue panics"
)]

mod answers;
mod cases;
mod deviations;
mod evaluator;
#[path = "../packages.rs"]
mod packages;
mod properties;

use std::collections::BTreeMap;

use answers::{Answer, Independent, answer_of_crate};
use cases::{Case, Hidden, Random};

#[derive(Default)]
struct Tally {
    cases: usize,
    allowed: usize,
    denied: usize,
    /// Unknown although everything is known: AWS does not document the result.
    undocumented: usize,
    explained: BTreeMap<&'static str, usize>,
    hidden: usize,
    hidden_unknown: usize,
    fillings: usize,
    /// Unknown, but no filling was found that allows, or none that denies.
    too_cautious: usize,
}

#[test]
fn agrees_with_an_independent_evaluator() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
    };
    let count = usize::try_from(number("SSM_DOCTOR_POLICY_PAIRS", 10_000)).unwrap();
    let seed = number("SSM_DOCTOR_POLICY_SEED", 1);
    let mut independent = Independent::start().unwrap();
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    let mut errors = Vec::new();
    while tally.cases < count {
        let cases: Vec<Case> = (0..32).map(|_| random.case()).collect();
        for case in &cases {
            independent.send(case).unwrap();
        }
        for mut case in cases {
            let (expected, ignored) =
                independent.receive().unwrap_or_else(|error| panic!("{error}\n{case:#?}"));
            case.context.retain(|key, _| !ignored.contains(key));
            compare(&case, &expected, &mut tally, &mut errors);
            check_hidden(&mut random, &case, &mut tally, &mut errors);
        }
    }
    report(&tally);
    let shown: String = errors.iter().take(8).map(|error| error.show(&mut independent)).collect();
    assert!(errors.is_empty(), "{} of {} are wrong:\n{shown}", errors.len(), tally.cases);
}

enum Error {
    /// The independent evaluator gives another answer.
    Disagrees(Box<Case>),
    /// The decision was certain with parts hidden, and is another one when they are filled in.
    Contradicts(String),
}

impl Error {
    /// Describes the error; a disagreement by the simplest case that still shows it.
    fn show(&self, independent: &mut Independent) -> String {
        let mut case = match self {
            Self::Contradicts(text) => return text.clone(),
            Self::Disagrees(case) => (**case).clone(),
        };
        let mut disagreement = |case: &Case| {
            let (expected, ignored) = independent.ask(case).ok()?;
            let answer = answer_of_crate(case, &Hidden::default());
            let disagree = ignored.is_empty()
                && !agree(case, &answer, &expected)
                && explain(case, &expected).is_none();
            disagree.then_some((answer, expected))
        };
        while let Some(simpler) =
            case.simpler().into_iter().find(|simpler| disagreement(simpler).is_some())
        {
            case = simpler;
        }
        format!("(this crate, independent evaluator) {:?}\n{case}\n", disagreement(&case))
    }
}

/// Whether two answers agree. An unknown agrees with everything. A denial of the independent evaluator may
/// name more layers, if it is unknown whether those deny.
fn agree(case: &Case, answer: &Answer, expected: &Answer) -> bool {
    match (answer, expected) {
        (Answer::Unknown, _) => true,
        (Answer::Denied(certain), Answer::Denied(all)) => {
            let is_unknown = |layer: &&str| {
                answer_of_crate(&case.only(layer), &Hidden::default()) == Answer::Unknown
            };
            certain.is_subset(all) && all.difference(certain).all(is_unknown)
        }
        (answer, expected) => answer == expected,
    }
}

/// The known deviations of the independent evaluator that explain its answer.
fn explain(case: &Case, expected: &Answer) -> Option<Vec<&'static str>> {
    deviations::explain(case, |adapted| {
        agree(adapted, &answer_of_crate(adapted, &Hidden::default()), expected)
    })
}

fn compare(case: &Case, expected: &Answer, tally: &mut Tally, errors: &mut Vec<Error>) {
    tally.cases += 1;
    let answer = answer_of_crate(case, &Hidden::default());
    match &answer {
        Answer::Allowed => tally.allowed += 1,
        Answer::Denied(_) => tally.denied += 1,
        Answer::Unknown => tally.undocumented += 1,
    }
    if agree(case, &answer, expected) {
        return;
    }
    match explain(case, expected) {
        Some(names) => {
            for name in names {
                *tally.explained.entry(name).or_default() += 1;
            }
        }
        None => errors.push(Error::Disagrees(Box::new(case.clone()))),
    }
}

fn check_hidden(random: &mut Random, case: &Case, tally: &mut Tally, errors: &mut Vec<Error>) {
    let hidden = random.hide(case);
    tally.hidden += 1;
    let partial = answer_of_crate(case, &hidden);
    let (mut allows, mut denies) = (false, false);
    for filling in 0..400 {
        // Twelve fillings test a certain answer. For an unknown one both outcomes are wanted.
        if filling >= 12 && (partial != Answer::Unknown || allows && denies) {
            break;
        }
        let full = answer_of_crate(&random.fill(case, &hidden), &Hidden::default());
        tally.fillings += 1;
        // What AWS does not document could be either.
        allows |= matches!(full, Answer::Allowed | Answer::Unknown);
        denies |= matches!(full, Answer::Denied(_) | Answer::Unknown);
        let holds = match (&partial, &full) {
            (Answer::Unknown, _) | (_, Answer::Unknown) => true,
            (Answer::Allowed, full) => *full == Answer::Allowed,
            // Hidden policies may deny too.
            (Answer::Denied(certain), Answer::Denied(all)) => certain.is_subset(all),
            (Answer::Denied(_), Answer::Allowed) => false,
        };
        if !holds {
            let text = format!("{partial:?} with {hidden:?} hidden, {full:?} in full\n{case}");
            errors.push(Error::Contradicts(text));
            return;
        }
    }
    let was_decided = answer_of_crate(case, &Hidden::default()) != Answer::Unknown;
    if partial == Answer::Unknown && was_decided {
        tally.hidden_unknown += 1;
        tally.too_cautious += usize::from(!(allows && denies));
    }
}

fn report(tally: &Tally) {
    println!(
        "{} cases: {} allowed, {} denied, {} not documented by AWS",
        tally.cases, tally.allowed, tally.denied, tally.undocumented
    );
    for deviation in deviations::DEVIATIONS {
        let count = tally.explained.get(deviation.name).copied().unwrap_or_default();
        println!(
            "{count} explained by {}: {} ({})",
            deviation.name, deviation.reason, deviation.link
        );
    }
    println!(
        "{} with parts hidden: {} unknown for that reason, {} of these although only one outcome was found \
         ({} fillings)",
        tally.hidden, tally.hidden_unknown, tally.too_cautious, tally.fillings
    );
}
