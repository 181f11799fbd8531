//! What holds of every evaluation, whoever else is asked.

use proptest::prelude::*;
use serde_json::json;

use crate::{
    Answer,
    cases::{Case, Dice, Hidden, statements},
    ours,
};

/// A case, with some of it hidden.
fn drawn(seed: u64) -> (Dice, Case, Hidden) {
    let mut dice = Dice::new(seed);
    let case = dice.case();
    let hidden = if dice.chance(0.5) { dice.hide(&case) } else { Hidden::default() };
    (dice, case, hidden)
}

/// How far from allowed.
fn rank(answer: &Answer) -> u8 {
    match answer {
        Answer::Allowed => 0,
        Answer::Unknown => 1,
        Answer::Denied(_) => 2,
    }
}

/// The case with one of its own statements repeated, under another effect, somewhere else among
/// policies of the same kind.
fn with_effect(dice: &mut Dice, case: &Case, effect: &str) -> Option<Case> {
    let mut case = case.clone();
    let mut policies = case.policies();
    // Resource control policies beyond AWS's own only deny.
    let at = dice.index(policies.len())?;
    let own = statements(policies[at]);
    let mut statement = own[dice.index(own.len())?].clone();
    // Nothing of the like is stored.
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
        let (mut dice, case, hidden) = drawn(seed);
        if let Some(more) = with_effect(&mut dice, &case, "Deny") {
            let (before, after) = (ours(&case, &hidden), ours(&more, &hidden));
            prop_assert!(rank(&after) >= rank(&before), "{before:?} {after:?}\n{more}");
        }
    }

    #[test]
    fn another_allow_never_denies(seed: u64) {
        let (mut dice, case, hidden) = drawn(seed);
        if let Some(more) = with_effect(&mut dice, &case, "Allow") {
            let (before, after) = (ours(&case, &hidden), ours(&more, &hidden));
            prop_assert!(rank(&after) <= rank(&before), "{before:?} {after:?}\n{more}");
        }
    }

    #[test]
    fn a_deny_of_everything_overrides(seed: u64) {
        let (mut dice, mut case, hidden) = drawn(seed);
        let trust = case.action == "sts:AssumeRole";
        let mut policies = case.policies();
        let Some(at) = dice.index(policies.len()) else { return Ok(()) };
        let own = statements(policies[at]);
        let mut deny = json!({ "Effect": "Deny", "Action": "*" });
        if own[0].get("Principal").is_some() || own[0].get("NotPrincipal").is_some() {
            deny["Principal"] = "*".into();
        }
        if !trust || own[0].get("Resource").is_some() || own[0].get("NotResource").is_some() {
            deny["Resource"] = "*".into();
        }
        own.push(deny);
        // Its layer may be hidden, and then nothing of it is known.
        let answer = ours(&case, &Hidden { layers: Vec::new(), ..hidden });
        prop_assert!(matches!(&answer, Answer::Denied(layers) if !layers.is_empty()), "{answer:?}\n{case}");
    }

    #[test]
    fn forgetting_only_withholds(seed: u64) {
        forgetting(seed)?;
    }

    #[test]
    fn knowing_more_never_contradicts(seed: u64) {
        let (mut dice, case, hidden) = drawn(seed);
        let partial = ours(&case, &hidden);
        let full = ours(&dice.fill(&case, &hidden), &Hidden::default());
        prop_assert!(
            partial == Answer::Unknown || full == Answer::Unknown || rank(&partial) == rank(&full),
            "{partial:?} {full:?} {hidden:?}\n{case}"
        );
    }
}

fn forgetting(seed: u64) -> Result<(), TestCaseError> {
    let mut dice = Dice::new(seed);
    let case = dice.case();
    let hidden = dice.hide(&case);
    let (full, partial) = (ours(&case, &Hidden::default()), ours(&case, &hidden));
    let withheld = match (&full, &partial) {
        (_, Answer::Unknown) => true,
        (Answer::Denied(all), Answer::Denied(certain)) => certain.is_subset(all),
        (full, partial) => full == partial,
    };
    prop_assert!(withheld, "{full:?} {partial:?} {hidden:?}\n{case}");
    Ok(())
}

/// A key of several values, unseen, under an operator for one that every value passes.
#[test]
fn a_key_of_several_values_is_not_taken_for_one() {
    forgetting(13_517_454_097_841_774_787).unwrap();
}
