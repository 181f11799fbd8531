//! What every format says of a judged plan.

use super::super::report::{Document, Outcome, Problem, Target};
use crate::{
    render::json_v1::Conclusion,
    report::{mark::Mark, summary::Severity},
};

impl Outcome {
    pub fn mark(self) -> Mark {
        match self {
            Self::Breaks | Self::StartsBroken => Mark::Bad,
            Self::StaysBroken => Mark::Warning,
            Self::Unknown => Mark::Doubt,
            Self::Works | Self::Removed => Mark::Good,
        }
    }

    pub fn says(self, session: &str) -> String {
        match self {
            Self::Breaks => format!("{session} can start now, and cannot after the plan"),
            Self::StartsBroken => format!("new, and {session} cannot start"),
            Self::Unknown => format!("cannot tell whether {session} can start"),
            Self::StaysBroken => format!("{session} cannot start, before the plan and after it"),
            Self::Works => format!("{session} can start"),
            Self::Removed => "the plan removes it".into(),
        }
    }
}

/// That of the instance for which the plan does the worst.
pub fn mark(document: &Document) -> Mark {
    let worst = document.targets.iter().map(|target| target.result).min();
    worst.map_or(Mark::Good, Outcome::mark)
}

/// `2 instances: 1 can no longer be reached, 1 can be reached`.
pub fn headline(document: &Document) -> String {
    let counts = [
        (Outcome::Breaks, "can no longer be reached"),
        (Outcome::StartsBroken, "will start unreachable"),
        (Outcome::Unknown, "cannot be judged"),
        (Outcome::StaysBroken, "unreachable as before"),
        (Outcome::Works, "can be reached"),
        (Outcome::Removed, "removed"),
    ];
    let parts = counts.into_iter().filter_map(|(outcome, words)| {
        let count = document.count(outcome);
        (count > 0).then(|| format!("{count} {words}"))
    });
    let parts = parts.collect::<Vec<_>>().join(", ");
    match document.targets.len() {
        0 => "the plan contains no instance".into(),
        1 => format!("1 instance: {parts}"),
        all => format!("{all} instances: {parts}"),
    }
}

pub fn name(target: &Target) -> String {
    let (address, id) = (target.address.as_deref(), target.id.as_deref());
    match (address, id) {
        (Some(address), Some(id)) => format!("{address} ({id})"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => String::new(),
    }
}

pub fn verdict(conclusion: Option<Conclusion>) -> &'static str {
    conclusion.map_or("–", Conclusion::as_str)
}

/// What the reader has to know about the answer.
pub fn notes(document: &Document) -> Vec<(&'static str, Vec<String>)> {
    let ignored = document.ignored.iter().map(|it| format!("{}: {}", it.address, it.why));
    let notes = [("assumed", document.assumptions.clone()), ("not judged", ignored.collect())];
    notes.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
}

impl Problem {
    /// What was wrong before is not the plan's fault.
    pub fn severity_in(&self, target: &Target) -> Severity {
        match self.severity {
            Severity::Error if target.result == Outcome::StaysBroken => Severity::Warning,
            severity => severity,
        }
    }

    /// What is wrong, in a line.
    pub fn says(&self) -> String {
        format!("{}: {} [{}]", self.label, self.statements.join("; "), self.checks())
    }
}

impl Target {
    /// The file and the line that declare it, or its first change.
    pub fn place(&self) -> Option<(&str, usize)> {
        self.declared.as_ref().map(|place| (place.file.as_str(), place.line))
    }
}

/// What is wrong, with the instance that it is wrong with. An instance that the plan removes has no problems.
pub fn problems(document: &Document) -> impl Iterator<Item = (&Target, &Problem)> {
    let targets = document.targets.iter();
    targets.flat_map(|target| target.problems.iter().map(move |problem| (target, problem)))
}

/// What changes the instance, and how to repair it, in lines.
pub fn notes_on(target: &Target) -> Vec<String> {
    let addresses = target.changed_by.join(", ");
    let changed = (!addresses.is_empty()).then(|| format!("Changed by {addresses}"));
    let prescription = target.prescription.iter();
    let fixes = prescription.clone().flat_map(|found| &found.options);
    let fixes = fixes.map(|option| format!("Fix: {}", option.title));
    let terraform = prescription.clone().flat_map(|found| &found.terraform);
    let terraform = terraform.flat_map(|text| text.lines().map(str::to_owned));
    let notes = prescription.flat_map(|found| &found.why).map(|why| format!("Note: {why}"));
    changed.into_iter().chain(fixes).chain(terraform).chain(notes).collect()
}
