//! A fix, tried on the model before anybody prints it.
//!
//! The changes are applied to the facts, and every check runs again. What the agent did before the fix
//! shows nothing of what it will do after it: so a silent agent counts as one that has not reported yet.
//! A connected agent still proves its path, unless the changes alter what it proves. The operator's error message
//! is of before the fix, too.

use alloc::vec::Vec;

use ssm_doctor_analysis::{
    answer::{Answer, Verdict},
    case::Case,
    what_if,
};
use ssm_doctor_facts::{change::Change, lookup::Unknown, scope::Scope};

use super::{
    check::{Check, Impact},
    diagnosis::{Answers, Diagnosis, Finding, Overall, answer_of, diagnose, examine},
    words,
};

/// Whether changes let a session start.
#[derive(Clone, Debug, PartialEq)]
pub enum Verified {
    Yes,
    /// What still blocks, the root cause first.
    No(Vec<&'static Check>),
    /// What would have to be seen, by check.
    Unknown(Vec<(&'static Check, Unknown)>),
    /// The effect of this change is not modelled.
    NotModelled(Change),
    /// Nothing else blocks. Whether a step that a person takes helps, no model shows.
    ByHand,
}

impl Verified {
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No(_) => "no",
            Self::Unknown(_) | Self::NotModelled(_) | Self::ByHand => "unknown",
        }
    }
}

/// The case as it would be after changes.
pub struct Trial {
    pub diagnosis: Diagnosis,
    pub answers: Answers,
}

impl Trial {
    /// Makes the changes and asks every check. `before` has the answers without the changes.
    ///
    /// # Errors
    /// The change whose effect is not modelled.
    pub fn of<'c>(
        changes: impl IntoIterator<Item = &'c Change>,
        case: &Case,
        before: &[(&'static Check, Answer)],
    ) -> Result<Self, &'c Change> {
        with_changes(changes, case, |case| Self::on(case, before))
    }

    /// Asks every check on facts as they would be. `before` has the answers on the facts as they are.
    #[must_use]
    pub fn on(case: &Case, before: &[(&'static Check, Answer)]) -> Self {
        let mut answers = examine(case);
        let same = |check: &Check| answer_of(&answers, check) == answer_of(before, check);
        let outdated = answers.iter().filter(|(check, answer)| {
            let still_proves = matches!(answer, Ok(Verdict::Pass(_)))
                && check.proves.iter().all(|proven| same(proven));
            check.observes_agent() && !still_proves
        });
        let outdated: Vec<&Check> = outdated.map(|(check, _)| *check).collect();
        answers.retain(|(check, _)| !outdated.contains(check));
        Self { diagnosis: diagnose(&answers), answers }
    }

    /// Does this check fail still?
    #[must_use]
    pub fn fails(&self, check: &Check) -> bool {
        matches!(answer_of(&self.answers, check), Some(Ok(Verdict::Fail(..))))
    }

    /// Can a session start, as far as the model shows? `repaired`: the checks whose failure the changes
    /// are for. `by_hand`: the checks that a person repairs in addition to the changes.
    #[must_use]
    pub fn verdict(&self, repaired: &[&'static Check], by_hand: &[&'static Check]) -> Verified {
        let mut left = match self.diagnosis.overall {
            Overall::Blocked => self.blocking(),
            Overall::Inconclusive => {
                let open = self.open(by_hand);
                if !open.is_empty() || by_hand.is_empty() {
                    return Verified::Unknown(open);
                }
                Vec::new()
            }
            Overall::Healthy | Overall::Degraded => {
                repaired.iter().filter(|check| self.fails(check)).copied().collect()
            }
        };
        left.retain(|check| !by_hand.contains(check));
        match (left.is_empty(), by_hand.is_empty()) {
            (false, _) => Verified::No(left),
            (true, false) => Verified::ByHand,
            (true, true) => Verified::Yes,
        }
    }

    fn blocking(&self) -> Vec<&'static Check> {
        let causes = self.diagnosis.causes.iter().copied();
        let (blocking, lesser): (Vec<_>, Vec<_>) =
            causes.partition(|check| check.impact == Impact::Blocks);
        if blocking.is_empty() { lesser } else { blocking }
    }

    /// What is open, but for what a person repairs.
    fn open(&self, by_hand: &[&'static Check]) -> Vec<(&'static Check, Unknown)> {
        let open = self.diagnosis.findings.iter().filter(|finding| finding.open);
        let unknown = |finding: &Finding| match &finding.answer {
            Err(unknown) => Some(unknown.clone()),
            // It stops packets for all that is visible, or does not.
            Ok(Verdict::Fail(evidence, _)) if finding.check.impact == Impact::Advises => {
                let seen = evidence.iter().next().map(words::sentence)?;
                Some(Unknown::limit(seen)).filter(|_| !by_hand.contains(&finding.check))
            }
            Ok(_) => None,
        };
        open.filter_map(|finding| Some((finding.check, unknown(finding)?))).collect()
    }
}

/// What is asked of the case as it would be after changes.
///
/// # Errors
/// The change whose effect is not modelled.
pub(super) fn with_changes<'c, T>(
    changes: impl IntoIterator<Item = &'c Change>,
    case: &Case,
    ask: impl FnOnce(&Case) -> T,
) -> Result<T, &'c Change> {
    let facts = what_if::apply(case.facts, changes, case.scope)?;
    let scope = Scope { error: None, ..case.scope.clone() };
    Ok(ask(&Case::new(&facts, &scope)))
}

/// Do the changes let a session start?
#[must_use]
pub fn verify(
    changes: &[Change],
    repaired: &[&'static Check],
    case: &Case,
    before: &[(&'static Check, Answer)],
) -> Verified {
    match Trial::of(changes, case, before) {
        Ok(trial) => trial.verdict(repaired, if changes.is_empty() { repaired } else { &[] }),
        Err(change) => Verified::NotModelled(change.clone()),
    }
}
