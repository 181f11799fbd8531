//! The smallest set of changes that lets a session start.

use alloc::vec::Vec;

use ssm_doctor_analysis::{
    answer::{Answer, FixOption, Verdict},
    case::Case,
};
use ssm_doctor_facts::{
    change::{Change, Risk},
    lookup::Unknown,
};

use super::{
    check::Check,
    diagnosis::{Diagnosis, Overall},
    fix,
    verification::{Trial, Verified, with_changes},
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

/// Finds the smallest set of options, and among equal sets the one with the least risk. None if nothing has
/// failed that an option repairs.
#[must_use]
pub fn prescribe(
    case: &Case,
    answers: &[(&'static Check, Answer)],
    diagnosis: &Diagnosis,
) -> Option<Prescription> {
    // A degraded session starts as it is. What degrades it is to be repaired nevertheless.
    let degraded = diagnosis.overall == Overall::Degraded;
    let to_repair: &[&Check] = if degraded { &diagnosis.causes } else { &[] };
    let search = Search { case, answers, to_repair };
    let mut found: Option<Tried> = None;
    for _ in 0..DEPTH {
        let (chosen, now) = match &found {
            None => (&[][..], diagnosis),
            Some(Tried { chosen, trial: Some(trial), .. }) => (&chosen[..], &trial.diagnosis),
            // What the last changes lead to is not modelled.
            Some(Tried { trial: None, .. }) => break,
        };
        let faults = faults(now, case, chosen);
        if faults.is_empty() {
            break;
        }
        found = Some(search.best(chosen, &faults)?);
        if found.as_ref().is_some_and(Tried::suffices) {
            break;
        }
    }
    let Tried { combined, verified, .. } = search.without_superfluous(found?);
    Some(Prescription { options: combined, verified })
}

/// The causes that are not repaired yet, and the ways to repair each. So are faults that are likely, where the verdict
/// depends on them.
fn faults(
    diagnosis: &Diagnosis,
    case: &Case,
    chosen: &[(&'static Check, FixOption)],
) -> Vec<(&'static Check, Vec<FixOption>)> {
    let fixable = |check: &&'static Check| {
        let Ok(Verdict::Fail(_, fix)) = &diagnosis.finding(check)?.answer else { return None };
        Some((*check, fix::options(check, fix, case)))
    };
    let likely = diagnosis.findings.iter().filter(|finding| finding.open).flat_map(|finding| {
        let faults = finding.answer.as_ref().err().into_iter().flat_map(Unknown::likely_faults);
        faults.map(|fault| (finding.check, Vec::from([FixOption::against(fault)])))
    });
    let faults = diagnosis.causes.iter().filter_map(fixable).chain(likely);
    let left = faults.map(|(check, mut options)| {
        options.retain(|option| !chosen.iter().any(|(_, known)| known == option));
        (check, options)
    });
    left.filter(|(_, options)| !options.is_empty()).collect()
}

struct Search<'s, 'f> {
    case: &'s Case<'f>,
    answers: &'s [(&'static Check, Answer)],
    /// Checks that must not fail afterwards, in addition to those that block.
    to_repair: &'s [&'static Check],
}

/// What becomes of an option once others are carried out.
enum Later {
    Option(FixOption),
    /// Nothing is left to repair.
    Repaired,
    /// It was found after the others were tried, so its document holds their edits.
    Unchanged,
}

type Chosen = Vec<(&'static Check, FixOption)>;

/// A set of options, and what comes of it.
struct Tried {
    /// As each check offers it.
    chosen: Chosen,
    /// The same, as they are carried out together.
    combined: Chosen,
    /// None if a change is not modelled.
    trial: Option<Trial>,
    verified: Verified,
}

impl Tried {
    fn suffices(&self) -> bool {
        matches!(self.verified, Verified::Yes | Verified::ByHand)
    }
}

impl Search<'_, '_> {
    /// The options so far, with the best option for each fault.
    fn best(
        &self,
        so_far: &[(&'static Check, FixOption)],
        faults: &[(&'static Check, Vec<FixOption>)],
    ) -> Option<Tried> {
        let mut best: Option<(Rank, Tried)> = None;
        for combination in combinations(faults) {
            let tried = self.attempt(so_far.iter().cloned().chain(combination).collect());
            let rank = Rank::of(&tried);
            if best.as_ref().is_none_or(|(other, _)| rank < *other) {
                best = Some((rank, tried));
            }
        }
        best.map(|(_, tried)| tried)
    }

    fn attempt(&self, chosen: Chosen) -> Tried {
        let mut combined = self.one_document_each(&chosen);
        fix::combine(&mut combined, self.case);
        // The agent starts with its instance, and finds what the other options change if they come before.
        let target = self.case.scope.target.instance();
        combined.sort_by_key(|(_, option)| fix::boots(option).any(|booted| Some(booted) == target));
        let (trial, verified) = match Trial::of(changes(&combined), self.case, self.answers) {
            Ok(trial) => {
                let by_hand = combined.iter().filter(|(_, option)| option.changes.is_empty());
                let by_hand: Vec<&Check> = by_hand.map(|(check, _)| *check).collect();
                let verified = trial.verdict(self.to_repair, &by_hand);
                (Some(trial), verified)
            }
            Err(change) => (None, Verified::NotModelled(change.clone())),
        };
        Tried { chosen, combined, trial, verified }
    }

    /// The options, of which no two replace the same policy: AWS replaces a policy as a whole, so the document of the
    /// later one must hold the edit of the earlier one, and is put once.
    fn one_document_each(&self, chosen: &[(&'static Check, FixOption)]) -> Chosen {
        let mut all = Chosen::new();
        for (check, option) in chosen {
            let same = |(_, before): &(&Check, FixOption)| {
                fix::replace_the_same_policy(&before.changes, &option.changes)
            };
            if !all.iter().any(same) {
                all.push((*check, option.clone()));
                continue;
            }
            let later = match self.later(&all, check, option) {
                Some(Later::Repaired) => continue,
                Some(Later::Option(later)) => later,
                Some(Later::Unchanged) => option.clone(),
                None => {
                    all.push((*check, option.clone()));
                    continue;
                }
            };
            match all.iter_mut().find(|known| same(known)) {
                Some((_, before)) => fix::continue_with(before, &later),
                None => all.push((*check, later)),
            }
        }
        all
    }

    /// What becomes of an option once others are carried out. None where that is not known.
    fn later(
        &self,
        before: &[(&'static Check, FixOption)],
        check: &Check,
        option: &FixOption,
    ) -> Option<Later> {
        let Some(at) = self.options_of(check).iter().position(|known| known == option) else {
            return Some(Later::Unchanged);
        };
        let later = |case: &Case| match (check.run)(case) {
            Ok(Verdict::Fail(_, fix)) => {
                fix::options(check, &fix, case).into_iter().nth(at).map(Later::Option)
            }
            Ok(_) => Some(Later::Repaired),
            Err(_) => None,
        };
        with_changes(changes(before), self.case, later).ok()?
    }

    fn options_of(&self, check: &Check) -> Vec<FixOption> {
        let answer = self.answers.iter().find(|(known, _)| *known == check);
        match answer {
            Some((_, Ok(Verdict::Fail(_, fix)))) => fix::options(check, fix, self.case),
            _ => Vec::new(),
        }
    }

    /// Leaves out what the session starts without.
    fn without_superfluous(&self, mut tried: Tried) -> Tried {
        let mut at = 0;
        while tried.suffices() && at < tried.chosen.len() && tried.chosen.len() > 1 {
            let mut fewer = tried.chosen.clone();
            let (check, left_out) = fewer.remove(at);
            // What a person does for the same check counts as done, so nothing would show that the changes are missing.
            let by_hand = |(other, option): &(&Check, FixOption)| {
                *other == check && option.changes.is_empty()
            };
            if !left_out.changes.is_empty() && fewer.iter().any(by_hand) {
                at += 1;
                continue;
            }
            // A document that a later option writes does the same as an earlier one, on which it rests.
            if let Some((_, later)) =
                fewer.iter_mut().find(|(_, other)| fix::write_the_same(&left_out, other))
            {
                fix::add_words(later, &left_out);
            }
            let fewer = self.attempt(fewer);
            if fewer.suffices() {
                tried = fewer;
            } else {
                at += 1;
            }
        }
        tried
    }
}

/// How good a set of options is: less is better.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// 0: a session can start. 1: it can, if what a person does helps. 2: more faults show, or something is
    /// unknown. 3: not modelled.
    outcome: u8,
    /// What blocks still.
    left: usize,
    heaviest_risk: Option<Risk>,
    risks: usize,
    /// What a person has to look after before the commands.
    steps: usize,
    changes: usize,
}

impl Rank {
    fn of(Tried { combined, verified, .. }: &Tried) -> Self {
        let (outcome, left) = match verified {
            Verified::Yes => (0, 0),
            Verified::ByHand => (1, 0),
            Verified::No(left) => (2, left.len()),
            Verified::Unknown(open) => (2, open.len()),
            Verified::NotModelled(_) => (3, 0),
        };
        let risks: Vec<Risk> = combined.iter().flat_map(|(_, option)| fix::risks(option)).collect();
        Self {
            outcome,
            left,
            heaviest_risk: risks.iter().max().copied(),
            risks: risks.len(),
            steps: combined
                .iter()
                .filter(|(_, option)| !option.changes.is_empty())
                .map(|(_, option)| option.manual.len())
                .sum(),
            changes: changes(combined).count(),
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
