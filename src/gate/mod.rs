//! What a pipeline does not fail on: findings that somebody suppressed, and those of an earlier run.
//!
//! Such a finding stays in the report, and in its verdict: only the exit code leaves it out. What follows from
//! excused failures alone is excused with them.

mod baseline;
pub mod suppression;

use std::{fs, io, path::PathBuf};

use ssm_doctor_analysis::answer::Verdict;
use ssm_doctor_checks::engine::{
    check::Impact,
    diagnosis::{Finding, Overall, Standing},
};
use wildmatch::WildMatch;

use crate::snapshot::Snapshot;

use baseline::{Baseline, Known};
use suppression::Suppression;

#[derive(Debug, thiserror::Error)]
pub enum GateError {
    #[error("cannot read the baseline `{}`: {error}", file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    #[error("`{}` is no baseline: {what}", file.display())]
    Foreign { file: PathBuf, what: String },
}

impl GateError {
    #[must_use]
    pub fn help() -> String {
        "give a report of an earlier run: `ssm-doctor <target> --output baseline.json`, or SARIF"
            .into()
    }
}

/// What does not count, for any target.
#[derive(Debug, Default)]
pub struct Gate {
    suppressions: Vec<Suppression>,
    baseline: Option<Baseline>,
}

/// What does not count for one target and kind of session.
#[derive(Clone, Debug, Default)]
pub struct Excuses {
    suppressions: Vec<Suppression>,
    /// Suppressions whose last day is over.
    pub expired: Vec<Suppression>,
    /// The findings that the baseline has; None without a baseline.
    known: Option<Vec<Known>>,
    /// Say neither why nor by whom: the report is redacted.
    is_redacted: bool,
}

/// Why a finding does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excuse<'e> {
    Suppressed(&'e Suppression),
    /// The baseline has it.
    Known,
}

impl Gate {
    /// # Errors
    /// If the baseline cannot be read.
    pub fn new(
        suppressions: Vec<Suppression>,
        baseline: Option<&PathBuf>,
    ) -> Result<Self, GateError> {
        let baseline = baseline.map(|file| {
            let text = fs::read_to_string(file);
            let text = text.map_err(|error| GateError::Unreadable { file: file.clone(), error })?;
            Baseline::parse(&text).map_err(|what| GateError::Foreign { file: file.clone(), what })
        });
        Ok(Self { suppressions, baseline: baseline.transpose()? })
    }

    /// What does not count for the target of these facts. "Now" is when they were collected.
    #[must_use]
    pub fn excuses(&self, snapshot: &Snapshot, is_redacted: bool) -> Excuses {
        let scope = &snapshot.scope;
        let id = scope.target.to_string();
        let name = snapshot.name();
        let matching = self.suppressions.iter().filter(|suppression| {
            let pattern = WildMatch::new(&suppression.target);
            pattern.matches(&id) || name.as_ref().is_some_and(|name| pattern.matches(name))
        });
        let today = scope.at.to_string();
        // RFC 3339 begins with the date.
        let today = today.get(.."2026-12-31".len()).unwrap_or_default();
        let (suppressions, expired) = matching
            .cloned()
            .partition(|suppression| suppression.expires.to_string().as_str() >= today);
        let known =
            self.baseline.as_ref().map(|baseline| baseline.findings(&id, scope.session.as_str()));
        Excuses { suppressions, expired, known, is_redacted }
    }
}

impl Excuses {
    /// Why a finding does not count by itself.
    #[must_use]
    pub fn of(&self, finding: &Finding) -> Option<Excuse<'_>> {
        let check = finding.check.name();
        let suppression = self.suppressions.iter().find(|it| it.check == check);
        let now = Known { check, open: finding.open };
        let known = self.known.as_ref().is_some_and(|known| known.contains(&now));
        suppression.map(Excuse::Suppressed).or(known.then_some(Excuse::Known))
    }

    #[must_use]
    pub fn has_baseline(&self) -> bool {
        self.known.is_some()
    }

    /// For people: why a finding does not count, or since when it does again.
    #[must_use]
    pub fn note(&self, finding: &Finding) -> Option<String> {
        let by = |it: &Suppression| {
            if self.is_redacted { String::new() } else { format!(": {} ({})", it.reason, it.owner) }
        };
        match self.of(finding) {
            Some(Excuse::Suppressed(it)) => {
                Some(format!("suppressed until {}{}", it.expires, by(it)))
            }
            Some(Excuse::Known) => Some("known: the baseline has it".into()),
            None => {
                let expired = self.expired.iter().find(|it| it.check == finding.check.name())?;
                Some(format!("the suppression expired on {}{}", expired.expires, by(expired)))
            }
        }
    }

    /// For people: the suppressions that have expired, each a line.
    #[must_use]
    pub fn expired_in_words(&self) -> Vec<String> {
        let line = |it: &Suppression| {
            if self.is_redacted {
                format!("the suppression of {} expired on {}", it.check, it.expires)
            } else {
                format!(
                    "the suppression of {} on {} expired on {}: {} ({})",
                    it.check, it.target, it.expires, it.reason, it.owner
                )
            }
        };
        self.expired.iter().map(line).collect()
    }

    /// A suppression as others may see it.
    #[must_use]
    pub fn shown(&self, suppression: &Suppression) -> Suppression {
        let mut shown = suppression.clone();
        if self.is_redacted {
            for text in [&mut shown.target, &mut shown.reason, &mut shown.owner] {
                "redacted".clone_into(text);
            }
        }
        shown
    }

    /// Does a finding not count, by itself or because of what it follows from?
    fn excuse(&self, finding: &Finding, all: &[Finding]) -> bool {
        self.of(finding).is_some() || !self.accepted_causes(finding, all).is_empty()
    }

    /// The causes of a consequence, if each of them does not count; else none.
    #[must_use]
    pub fn accepted_causes<'f>(&self, finding: &Finding, all: &'f [Finding]) -> Vec<&'f Finding> {
        if finding.standing != Some(Standing::Consequence) {
            return Vec::new();
        }
        let causes = all.iter().filter(|other| {
            matches!(other.standing, Some(Standing::Cause | Standing::Perhaps))
                && finding.check.follows_from(other.check)
        });
        let causes: Vec<_> = causes.collect();
        let are_accepted = causes.iter().all(|cause| self.of(cause).is_some());
        if are_accepted { causes } else { Vec::new() }
    }

    /// For people: why a session that cannot start, or starts with a loss, does not count. None if it counts, or if
    /// nothing was accepted.
    #[must_use]
    pub fn acceptance(&self, overall: Overall, findings: &[Finding]) -> Option<String> {
        let counted = self.counted(overall, findings);
        let counts = match overall {
            Overall::Blocked => counted.blocked,
            Overall::Degraded => counted.degrades,
            Overall::Inconclusive => counted.inconclusive,
            Overall::Healthy => true,
        };
        if counts {
            return None;
        }
        let reports = |it: &&Finding| {
            it.open || matches!(it.standing, Some(Standing::Cause | Standing::Perhaps))
        };
        let mut reasons: Vec<String> = Vec::new();
        for finding in findings.iter().filter(reports) {
            let reason = match self.of(finding) {
                Some(Excuse::Suppressed(it)) => format!("suppressed until {}", it.expires),
                Some(Excuse::Known) => "the baseline has it".into(),
                None => continue,
            };
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        (!reasons.is_empty()).then(|| format!("accepted: {}", reasons.join(", ")))
    }

    /// The verdict for the exit code, and whether anything of an impact has failed.
    #[must_use]
    pub fn counted(&self, overall: Overall, findings: &[Finding]) -> Counted {
        let counts = |finding: &&Finding| !self.excuse(finding, findings);
        let failed = |impact: Impact| {
            let mut failures = findings.iter().filter(|it| {
                matches!(it.answer, Ok(Verdict::Fail(..))) && !it.open && it.check.impact == impact
            });
            failures.any(|it| counts(&it))
        };
        let nothing_is_excused = findings.iter().all(|it| self.of(it).is_none());
        let open = findings.iter().filter(|it| it.open).any(|it| counts(&it));
        Counted {
            blocked: overall == Overall::Blocked && (nothing_is_excused || failed(Impact::Blocks)),
            degrades: failed(Impact::Degrades),
            advises: failed(Impact::Advises),
            inconclusive: match overall {
                Overall::Inconclusive => nothing_is_excused || open,
                // The blockers are excused, so what was not seen decides.
                Overall::Blocked => open,
                Overall::Healthy | Overall::Degraded => false,
            },
        }
    }
}

/// What the exit code is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, each with a threshold of its own"
)]
pub struct Counted {
    pub blocked: bool,
    pub degrades: bool,
    pub advises: bool,
    /// Something that was not seen decides.
    pub inconclusive: bool,
}
