//! The smallest set of changes that lets a session start.

use alloc::vec::Vec;
use core::ptr;

use ssm_doctor_analysis::{
    answer::{Answer, FixOption, Verdict},
    case::Case,
};
use ssm_doctor_facts::change::{Change, Risk};

use super::{
    check::Check,
    diagnosis::Diagnosis,
    fix,
    verification::{Trial, Verified},
};

/// What to do, all of it, from the diagnosis to an open session.
#[derive(Clone, Debug, PartialEq)]
pub struct Prescription {
    /// What to carry out, in this order: the check that each repairs, and how.
    pub options: Vec<(&'static Check, FixOption)>,
    pub verified: Verified,
}

/// A repair can show another fault behind it, such as an endpoint that is created without a group that
/// admits the instance. Deeper than this it is not followed.
const DEPTH: usize = 4;

/// How many combinations of options are tried at each depth. Each runs every check once.
const COMBINATIONS: usize = 64;

/// Finds the smallest set of options, and among equal sets the one with the least risk. None if nothing
/// that blocks has failed.
#[must_use]
pub fn prescribe(
    case: &Case,
    answers: &[(&'static Check, Answer)],
    diagnosis: &Diagnosis,
) -> Option<Prescription> {
    let search = Search { case, answers };
    let mut chosen: Vec<(&'static Check, FixOption)> = Vec::new();
    let mut trial_diagnosis = None::<Trial>;
    for _ in 0..DEPTH {
        let now = trial_diagnosis.as_ref().map_or(diagnosis, |trial| &trial.diagnosis);
        let faults = faults(now, case, &chosen);
        if faults.is_empty() {
            break;
        }
        let (more, trial) = search.best(&chosen, &faults)?;
        chosen.extend(more);
        let Some(trial) = trial else {
            return Some(search.finished(chosen));
        };
        let done = trial.verdict(&[]) == Verified::Yes;
        trial_diagnosis = Some(trial);
        if done {
            break;
        }
    }
    if chosen.is_empty() {
        return None;
    }
    search.without_superfluous(&mut chosen);
    Some(search.finished(chosen))
}

/// The causes that are not repaired yet, and the ways to repair each.
fn faults(
    diagnosis: &Diagnosis,
    case: &Case,
    chosen: &[(&'static Check, FixOption)],
) -> Vec<(&'static Check, Vec<FixOption>)> {
    let fixable = |check: &&'static Check| {
        let finding = diagnosis.findings.iter().find(|finding| ptr::eq(finding.check, *check))?;
        let Ok(Verdict::Fail(_, fix)) = &finding.answer else { return None };
        let mut options = fix::options(fix, case);
        options.retain(|option| !chosen.iter().any(|(_, known)| known == option));
        (!options.is_empty()).then_some((*check, options))
    };
    diagnosis.causes.iter().filter_map(fixable).collect()
}

struct Search<'s, 'f> {
    case: &'s Case<'f>,
    answers: &'s [(&'static Check, Answer)],
}

type Chosen = Vec<(&'static Check, FixOption)>;

impl Search<'_, '_> {
    /// The best option for each fault beside those chosen, and what comes of all of them together; no
    /// trial if that is not modelled.
    fn best(
        &self,
        chosen: &[(&'static Check, FixOption)],
        faults: &[(&'static Check, Vec<FixOption>)],
    ) -> Option<(Chosen, Option<Trial>)> {
        let mut best: Option<(Rank, Chosen, Option<Trial>)> = None;
        for combination in combinations(faults) {
            let all: Chosen = chosen.iter().cloned().chain(combination.iter().cloned()).collect();
            let trial = Trial::of(changes(&all), self.case, self.answers).ok();
            let rank = Rank::of(&all, trial.as_ref());
            if best.as_ref().is_none_or(|(other, ..)| rank < *other) {
                best = Some((rank, combination, trial));
            }
        }
        best.map(|(_, chosen, trial)| (chosen, trial))
    }

    /// Leaves out what the session starts without.
    fn without_superfluous(&self, chosen: &mut Chosen) {
        if self.verdict(chosen) != Verified::Yes {
            return;
        }
        let mut at = 0;
        while at < chosen.len() && chosen.len() > 1 {
            let mut fewer = chosen.clone();
            fewer.remove(at);
            if self.verdict(&fewer) == Verified::Yes {
                *chosen = fewer;
            } else {
                at += 1;
            }
        }
    }

    fn verdict(&self, chosen: &[(&'static Check, FixOption)]) -> Verified {
        match Trial::of(changes(chosen), self.case, self.answers) {
            Ok(trial) => trial.verdict(&[]),
            Err(change) => Verified::NotModelled(change.clone()),
        }
    }

    fn finished(&self, options: Chosen) -> Prescription {
        let verified = self.verdict(&options);
        Prescription { options, verified }
    }
}

/// How good a set of options is: less is better.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// 0: a session can start. 1: more faults show, or something is unknown. 2: not modelled.
    outcome: u8,
    /// What blocks still.
    left: usize,
    heaviest_risk: Option<Risk>,
    risks: usize,
    changes: usize,
}

impl Rank {
    fn of(chosen: &[(&'static Check, FixOption)], trial: Option<&Trial>) -> Self {
        let (outcome, left) = match trial.map(|trial| trial.verdict(&[])) {
            Some(Verified::Yes) => (0, 0),
            Some(Verified::No(left)) => (1, left.len()),
            Some(Verified::Unknown(open)) => (1, open.len()),
            Some(Verified::NotModelled(_)) | None => (2, 0),
        };
        let risks: Vec<Risk> = chosen.iter().flat_map(|(_, option)| fix::risks(option)).collect();
        Self {
            outcome,
            left,
            heaviest_risk: risks.iter().max().copied(),
            risks: risks.len(),
            changes: changes(chosen).count(),
        }
    }
}

fn changes<'c>(chosen: &'c [(&'static Check, FixOption)]) -> impl Iterator<Item = &'c Change> {
    chosen.iter().flat_map(|(_, option)| &option.changes)
}

/// One option for each fault, in every combination, those of the first options first.
fn combinations(faults: &[(&'static Check, Vec<FixOption>)]) -> Vec<Chosen> {
    let mut all: Vec<Chosen> = Vec::from([Vec::new()]);
    for (check, options) in faults {
        let longer = all.iter().flat_map(|so_far| {
            options.iter().map(move |option| {
                let mut longer = so_far.clone();
                longer.push((*check, option.clone()));
                longer
            })
        });
        all = longer.take(COMBINATIONS).collect();
    }
    all
}
