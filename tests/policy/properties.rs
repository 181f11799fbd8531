//! Properties of every evaluation, tested without the independent evaluator.

use proptest::prelude::*;
use serde_json::json;

use crate::{
    answers::{Answer, answer_of_crate},
    cases::{Case, Hidden, Random, statements},
};

/// A random case, half of the time with parts hidden.
fn random_case(seed: u64) -> (Random, Case, Hidden) {
    let mut random = Random::new(seed);
    let case = random.case();
    let hidden = if random.chance(0.5) { random.hide(&case) } else { Hidden::default() };
    (random, case, hidden)
}

/// How far the answer is from allowed.
fn rank(answer: &Answer) -> u8 {
    match answer {
        Answer::Allowed => 0,
        Answer::Unknown => 1,
        Answer::Denied(_) => 2,
    }
}

/// The case with one more statement: a copy of one of its own, with this effect.
fn with_effect(random: &mut Random, case: &Case, effect: &str) -> Option<Case> {
    let mut case = case.clone();
    let mut policies = case.policies();
    let at = random.index(policies.len())?;
    let own = statements(policies[at]);
    let mut statement = own[random.index(own.len())?].clone();
    // AWS does not store an Allow with NotPrincipal.
    if effect == "Allow" && statement.get("NotPrincipal").is_some() {
        return None;
    }
    statement["Effect"] = effect.into();
    own.push(statement);
    Some(case)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_deny_never_allows(seed: u64) {
        let (mut random, case, hidden) = random_case(seed);
        if let Some(more) = with_effect(&mut random, &case, "Deny") {
            let (before, after) = (answer_of_crate(&case, &hidden), answer_of_crate(&more, &hidden));
            prop_assert!(rank(&after) >= rank(&before), "{before:?} {after:?}\n{more}");
        }
    }

    #[test]
    fn another_allow_never_denies(seed: u64) {
        let (mut random, case, hidden) = random_case(seed);
        if let Some(more) = with_effect(&mut random, &case, "Allow") {
            let (before, after) = (answer_of_crate(&case, &hidden), answer_of_crate(&more, &hidden));
            prop_assert!(rank(&after) <= rank(&before), "{before:?} {after:?}\n{more}");
        }
    }

    #[test]
    fn a_deny_of_everything_overrides(seed: u64) {
        let (mut random, mut case, hidden) = random_case(seed);
        let trust = case.action == "sts:AssumeRole";
        let mut policies = case.policies();
        let Some(at) = random.index(policies.len()) else { return Ok(()) };
        let own = statements(policies[at]);
        let mut deny = json!({ "Effect": "Deny", "Action": "*" });
        if own[0].get("Principal").is_some() || own[0].get("NotPrincipal").is_some() {
            deny["Principal"] = "*".into();
        }
        if !trust || own[0].get("Resource").is_some() || own[0].get("NotResource").is_some() {
            deny["Resource"] = "*".into();
        }
        own.push(deny);
        // Its layer must not be hidden.
        let answer = answer_of_crate(&case, &Hidden { layers: Vec::new(), ..hidden });
        prop_assert!(matches!(&answer, Answer::Denied(layers) if !layers.is_empty()), "{answer:?}\n{case}");
    }

    #[test]
    fn hiding_parts_only_makes_answers_unknown(seed: u64) {
        check_hiding(seed)?;
    }

    #[test]
    fn knowing_more_never_contradicts(seed: u64) {
        let (mut random, case, hidden) = random_case(seed);
        let partial = answer_of_crate(&case, &hidden);
        let full = answer_of_crate(&random.fill(&case, &hidden), &Hidden::default());
        prop_assert!(
            partial == Answer::Unknown || full == Answer::Unknown || rank(&partial) == rank(&full),
            "{partial:?} {full:?} {hidden:?}\n{case}"
        );
    }
}

fn check_hiding(seed: u64) -> Result<(), TestCaseError> {
    let mut random = Random::new(seed);
    let case = random.case();
    let hidden = random.hide(&case);
    let (full, partial) =
        (answer_of_crate(&case, &Hidden::default()), answer_of_crate(&case, &hidden));
    let withheld = match (&full, &partial) {
        (_, Answer::Unknown) => true,
        (Answer::Denied(all), Answer::Denied(certain)) => certain.is_subset(all),
        (full, partial) => full == partial,
    };
    prop_assert!(withheld, "{full:?} {partial:?} {hidden:?}\n{case}");
    Ok(())
}

/// A multivalued key of unknown value, under an operator for single values that holds for every value.
#[test]
fn a_multivalued_key_is_not_evaluated_as_a_single_value() {
    check_hiding(13_517_454_097_841_774_787).unwrap();
}
