//! From a list of answers to the thing to fix first.

use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::{
    endpoint::{policy_allows_agent, policy_allows_data_channel},
    engine::check::{Check, Impact},
    error_message::reading,
    path::SUSPECTED_HOPS,
    preferences::latest_version_in_force,
};
use ssm_doctor_analysis::{
    answer::{Answer, Verdict},
    case::Case,
    session,
};
use ssm_doctor_facts::{
    lookup::{Facts, Need, Unknown, Why},
    scope::{Scope, Sides},
};

/// A check's answer, and what it is worth beside the others.
pub struct Finding {
    pub check: &'static Check,
    pub answer: Answer,
    /// Of failures only.
    pub standing: Option<Standing>,
    /// The overall verdict depends on it and cannot be given: an unknown that could block the session,
    /// that nothing proves right, and that no failure below explains; or a failure that something
    /// else contradicts: a check that [proves](Check::proves) it right, or
    /// [evidence](ssm_doctor_analysis::answer::Evidence::disputed).
    pub open: bool,
}

/// A failure, and what stands between it and being the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Everything it depends on holds: fixing this is fixing something.
    Cause,
    /// It may be a consequence of something we could not see, or what was seen elsewhere speaks
    /// against it: the settings say that no packet passes, and the agent is connected. Or it is a
    /// possibility that would explain what blocks, and by itself no fault.
    Perhaps,
    /// Something it depends on has failed too.
    Consequence,
}

impl Standing {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Perhaps => "perhaps",
            Self::Consequence => "consequence",
        }
    }
}

/// Can the session start?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overall {
    Healthy,
    /// Something that blocks has failed.
    Blocked,
    /// Nothing blocks, but something is lost or unreliable.
    Degraded,
    /// Nothing that was seen blocks, and something that could was not seen.
    Inconclusive,
}

impl Overall {
    /// Nothing that was seen stops a session, and nothing that was not seen may.
    #[must_use]
    pub fn can_start(self) -> bool {
        matches!(self, Self::Healthy | Self::Degraded)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Blocked => "blocked",
            Self::Degraded => "degraded",
            Self::Inconclusive => "inconclusive",
        }
    }
}

pub struct Diagnosis {
    pub overall: Overall,
    /// What to fix, the root cause first. Empty when nothing worse than advice failed.
    pub causes: Vec<&'static Check>,
    /// Failures first, the one to fix first at the top; then the rest in the registry's order.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    #[must_use]
    pub fn finding(&self, check: &Check) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }
}

/// What each check that was asked says.
pub type Answers = Vec<(&'static Check, Answer)>;

/// What one check says.
pub(super) fn answer_of<'a>(
    answers: &'a [(&'static Check, Answer)],
    check: &Check,
) -> Option<&'a Answer> {
    answers.iter().find(|(other, _)| *other == check).map(|(_, answer)| answer)
}

/// What a check says: by its rule, and by the operator's error message.
///
/// # Errors
/// [`Unknown`] if something that the check needs was not seen.
pub fn ask(check: &Check, case: &Case) -> Answer {
    let later = session::with_later_version(case);
    let later = later.as_ref().map(|facts| Case::new(facts, case.scope));
    reading(case).add_to(of_both_versions(check, case, later.as_ref()), check, case)
}

/// What the rule says, whichever version of the session's document is in use. `later` is the case with the later
/// version, if there is one.
fn of_both_versions(check: &Check, case: &Case, later: Option<&Case>) -> Answer {
    let answer = (check.run)(case);
    let Some(later) = later.filter(|_| *check != latest_version_in_force::CHECK) else {
        return answer;
    };
    match (answer, (check.run)(later)) {
        (Err(one), Err(other)) => Err(one.and(other)),
        (Err(unknown), Ok(_)) | (Ok(_), Err(unknown)) => Err(unknown),
        (Ok(one), Ok(other)) => {
            let fails = |verdict: &Verdict| matches!(verdict, Verdict::Fail(..));
            if fails(&one) == fails(&other) { Ok(one) } else { Err(session::version_in_use(case)) }
        }
    }
}

/// Asks every check of the sides that are judged.
#[must_use]
pub fn examine(case: &Case) -> Answers {
    let message = reading(case);
    let later = session::with_later_version(case);
    let later = later.as_ref().map(|facts| Case::new(facts, case.scope));
    let judged = |check: &&Check| match case.scope.sides {
        Sides::Both => true,
        Sides::Node => !crate::is_about_operator(check),
    };
    let answer = |check: &'static Check| {
        (check, message.add_to(of_both_versions(check, case, later.as_ref()), check, case))
    };
    crate::all().filter(judged).map(answer).collect()
}

/// What the checks would ask for, and nobody has asked for.
#[must_use]
pub fn unasked(answers: &[(&'static Check, Answer)], facts: &Facts) -> Vec<Need> {
    let unknown = answers.iter().filter_map(|(_, answer)| answer.as_ref().err());
    unknown.cloned().flat_map(Unknown::unasked).filter(|need| !facts.has(need)).collect()
}

/// Facts that were collected some time ago, perhaps for checks that asked for less: what was not asked
/// then is unknown for good. Returns which these were.
pub fn settle(facts: &mut Facts, scope: &Scope) -> Vec<Need> {
    let mut given_up = Vec::new();
    loop {
        let open = unasked(&examine(&Case::new(facts, scope)), facts);
        if open.is_empty() {
            return given_up;
        }
        give_up(facts, open, &mut given_up);
    }
}

/// Records that nobody asked for `open`.
pub fn give_up(facts: &mut Facts, open: Vec<Need>, given_up: &mut Vec<Need>) {
    for need in open {
        facts.give_up(&need, Why::NotCollected, "");
        given_up.push(need);
    }
}

#[must_use]
pub fn diagnose(answers: &[(&'static Check, Answer)]) -> Diagnosis {
    let of = |check: &Check| answer_of(answers, check);
    let fails = |check: &Check| matches!(of(check), Some(Ok(Verdict::Fail(..))));
    let blocks = |check: &Check| fails(check) && check.impact == Impact::Blocks;

    let disputed = |check: &Check| matches!(of(check), Some(Ok(Verdict::Fail(evidence, _))) if evidence.is_disputed());
    let proven = |check: &Check| {
        answers.iter().any(|(by, answer)| {
            matches!(answer, Ok(Verdict::Pass(_))) && by.proves.contains(&check)
        })
    };
    let doubtful = |check: &Check| proven(check) || disputed(check);
    // Where nothing of the policies was seen, they are not taken to refuse the data channel alone, of which a
    // connected agent proves nothing.
    let excused = |check: &Check| {
        let agent = &policy_allows_agent::CHECK;
        *check == policy_allows_data_channel::CHECK
            && proven(agent)
            && matches!(of(agent), Some(Err(_)))
    };
    let observed = |check: &Check| check.observes_agent() && !doubtful(check);
    let below = |check: &Check| {
        answers.iter().map(|it| it.0).filter(|it| check.follows_from(it)).collect::<Vec<_>>()
    };
    // What only advises is no fault, and explains one as far as that does not explain itself.
    let possible = |check: &Check| check.impact == Impact::Advises;
    let tells = |check: &Check| matches!(of(check), Some(Ok(Verdict::Fail(it, _))) if it.tells());
    // Where nothing observes the agent, nothing shows what a hop does that AWS does not show.
    let unseen = |check: &Check| {
        possible(check)
            && fails(check)
            && SUSPECTED_HOPS.contains(&check)
            && !answers.iter().any(|it| it.0.observes_agent())
    };
    let standing = |check: &Check| {
        let below = below(check);
        // What something else contradicts does not explain for certain what was observed.
        let is_observed = observed(check);
        let (doubted, failing): (Vec<&Check>, Vec<&Check>) = below
            .iter()
            .copied()
            .filter(|it| fails(it))
            .partition(|it| is_observed && doubtful(it));
        let (maybe, surely): (Vec<&Check>, Vec<&Check>) =
            failing.into_iter().partition(|it| possible(it));
        if !surely.is_empty() || !maybe.is_empty() && !tells(check) {
            Standing::Consequence
        } else if doubtful(check)
            || !doubted.is_empty()
            || !maybe.is_empty()
            || below.iter().any(|it| matches!(of(it), Some(Err(_))) && !proven(it))
            || possible(check) && answers.iter().any(|it| blocks(it.0) && it.0.follows_from(check))
        {
            Standing::Perhaps
        } else {
            Standing::Cause
        }
    };

    let mut findings: Vec<Finding> = answers
        .iter()
        .map(|&(check, ref answer)| Finding {
            check,
            answer: answer.clone(),
            standing: fails(check).then(|| standing(check)),
            open: unseen(check)
                || check.impact == Impact::Blocks
                    && match answer {
                        Err(_) => {
                            !proven(check)
                                && !excused(check)
                                && !below(check).iter().any(|it| blocks(it))
                        }
                        Ok(Verdict::Fail(..)) => doubtful(check),
                        Ok(_) => false,
                    },
        })
        .collect();
    // Of two causes in one layer, the one that explains more is nearer to the root.
    let explains = |check: &Check| {
        answers.iter().filter(|(it, _)| fails(it) && it.follows_from(check)).count()
    };
    findings.sort_by_cached_key(|it| match it.standing {
        Some(standing) => {
            // What is contradicted comes after what it would explain.
            let doubted = doubtful(it.check)
                && answers.iter().any(|(other, _)| {
                    fails(other) && observed(other) && other.follows_from(it.check)
                });
            let rest = Reverse(explains(it.check));
            (0, Some((standing, doubted, it.check.impact, it.check.layer, rest)))
        }
        None => (1, None),
    });

    let certain = |impact| {
        findings.iter().any(|it| it.standing.is_some() && it.check.impact == impact && !it.open)
    };
    let (overall, decisive) = if certain(Impact::Blocks) {
        (Overall::Blocked, Some(Impact::Blocks))
    } else if findings.iter().any(|it| it.open) {
        (Overall::Inconclusive, Some(Impact::Blocks))
    } else if certain(Impact::Degrades) {
        (Overall::Degraded, Some(Impact::Degrades))
    } else {
        (Overall::Healthy, None)
    };
    // A lesser fault that explains a decisive one is a cause too: an impaired host that lost its agent.
    // A possibility is not, where something certain explains as much.
    let explained = |check: &Check| {
        findings.iter().any(|it| {
            it.standing == Some(Standing::Cause)
                && it.check.impact == Impact::Blocks
                && check.follows_from(it.check)
        })
    };
    let decides = |check: &Check| {
        findings.iter().filter(|it| it.standing.is_some() && Some(it.check.impact) == decisive).any(
            |it| {
                it.check == check
                    || it.check.follows_from(check) && !(possible(check) && explained(it.check))
            },
        )
    };
    let causes = findings
        .iter()
        .filter(|it| matches!(it.standing, Some(Standing::Cause | Standing::Perhaps)))
        .map(|it| it.check)
        .filter(|check| decides(check))
        .collect();

    Diagnosis { overall, causes, findings }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;
    use crate::engine::check::Layer;
    use ssm_doctor_analysis::answer::{Fix, Recovery, observed};

    macro_rules! checks {
        ($($name:ident: $impact:ident, after $after:expr, proves $proves:expr;)*) => {$(
            static $name: Check = Check {
                module: concat!("test::", stringify!($name)),
                runbook: "",
                layer: Layer::Agent,
                impact: Impact::$impact,
                depends_on: $after,
                proves: $proves,
                run: |_| Err(Unknown::limit("not run here")),
            };
        )*};
    }

    checks! {
        HOST: Degrades, after &[], proves &[];
        ROUTE: Blocks, after &[], proves &[];
        AGENT: Blocks, after &[&HOST, &ROUTE], proves &[&ROUTE];
        SESSION: Blocks, after &[&AGENT], proves &[];
        LOGS: Degrades, after &[], proves &[];
        TIP: Advises, after &[], proves &[];
        DOOR: Advises, after &[], proves &[];
        LIFT: Blocks, after &[], proves &[];
        GUEST: Blocks, after &[&DOOR, &LIFT], proves &[];
    }

    #[allow(clippy::unnecessary_wraps, reason = "one of three answers")]
    fn pass() -> Answer {
        Ok(Verdict::Pass(observed("it", "works")))
    }

    #[allow(clippy::unnecessary_wraps, reason = "one of three answers")]
    fn fail() -> Answer {
        Ok(Verdict::Fail(observed("it", "broke"), Fix::new("repair it", Recovery::Agent)))
    }

    #[allow(clippy::unnecessary_wraps, reason = "one of three answers")]
    fn fail_telling() -> Answer {
        let evidence = observed("it", "says why").telling();
        Ok(Verdict::Fail(evidence, Fix::new("repair it", Recovery::Agent)))
    }

    #[allow(clippy::unnecessary_wraps, reason = "one of three answers")]
    fn fail_disputed() -> Answer {
        let evidence = observed("the error message", "says so").disputed();
        Ok(Verdict::Fail(evidence, Fix::new("repair it", Recovery::Agent)))
    }

    fn unknown() -> Answer {
        Err(Unknown::limit("nobody knows"))
    }

    /// Overall, causes, and the standing and openness of each finding that has either.
    type Row = (
        &'static [(&'static Check, fn() -> Answer)],
        Overall,
        &'static [&'static str],
        &'static [&'static str],
    );

    const ROWS: &[Row] = &[
        (&[(&ROUTE, pass), (&AGENT, pass)], Overall::Healthy, &[], &[]),
        (
            &[(&ROUTE, fail), (&AGENT, fail), (&SESSION, fail)],
            Overall::Blocked,
            &["ROUTE"],
            &["ROUTE cause", "AGENT consequence", "SESSION consequence"],
        ),
        // A lesser fault that explains a blocking one is the cause; one that explains nothing is not.
        (
            &[(&HOST, fail), (&AGENT, fail), (&LOGS, fail)],
            Overall::Blocked,
            &["HOST"],
            &["HOST cause", "LOGS cause", "AGENT consequence"],
        ),
        // Something below could not be seen.
        (
            &[(&ROUTE, unknown), (&AGENT, fail)],
            Overall::Blocked,
            &["AGENT"],
            &["AGENT perhaps", "ROUTE open"],
        ),
        (
            &[(&ROUTE, unknown), (&SESSION, fail)],
            Overall::Blocked,
            &["SESSION"],
            &["SESSION perhaps", "ROUTE open"],
        ),
        // What is seen to work settles what could not be seen.
        (&[(&ROUTE, unknown), (&AGENT, pass)], Overall::Healthy, &[], &[]),
        (
            &[(&ROUTE, unknown), (&AGENT, pass), (&SESSION, fail)],
            Overall::Blocked,
            &["SESSION"],
            &["SESSION cause"],
        ),
        // What is seen to work contradicts what should not.
        (
            &[(&ROUTE, fail), (&AGENT, pass)],
            Overall::Inconclusive,
            &["ROUTE"],
            &["ROUTE perhaps open"],
        ),
        // What is contradicted does not explain what else fails.
        (
            &[(&ROUTE, fail_disputed), (&AGENT, fail)],
            Overall::Blocked,
            &["AGENT", "ROUTE"],
            &["AGENT perhaps", "ROUTE perhaps open"],
        ),
        // Two sources contradict each other about one and the same thing.
        (
            &[(&SESSION, fail_disputed)],
            Overall::Inconclusive,
            &["SESSION"],
            &["SESSION perhaps open"],
        ),
        (&[(&ROUTE, unknown)], Overall::Inconclusive, &[], &["ROUTE open"]),
        // An unknown that a failure below explains asks for nothing more, unless that one only degrades.
        (&[(&ROUTE, fail), (&AGENT, unknown)], Overall::Blocked, &["ROUTE"], &["ROUTE cause"]),
        (
            &[(&HOST, fail), (&AGENT, unknown)],
            Overall::Inconclusive,
            &[],
            &["HOST cause", "AGENT open"],
        ),
        (
            &[(&LOGS, fail), (&TIP, fail)],
            Overall::Degraded,
            &["LOGS"],
            &["LOGS cause", "TIP cause"],
        ),
        (&[(&LOGS, unknown), (&TIP, fail)], Overall::Healthy, &[], &["TIP cause"]),
        // A possibility explains what blocks, unless that says why itself, or something certain does.
        (
            &[(&DOOR, fail), (&GUEST, fail)],
            Overall::Blocked,
            &["DOOR"],
            &["DOOR perhaps", "GUEST consequence"],
        ),
        (
            &[(&DOOR, fail), (&GUEST, fail_telling)],
            Overall::Blocked,
            &["GUEST", "DOOR"],
            &["GUEST perhaps", "DOOR perhaps"],
        ),
        (
            &[(&DOOR, fail), (&LIFT, fail), (&GUEST, fail)],
            Overall::Blocked,
            &["LIFT"],
            &["LIFT cause", "DOOR perhaps", "GUEST consequence"],
        ),
        (
            &[(&DOOR, fail), (&ROUTE, fail), (&GUEST, fail)],
            Overall::Blocked,
            &["ROUTE", "DOOR"],
            &["ROUTE cause", "DOOR perhaps", "GUEST consequence"],
        ),
        (
            &[(&LOGS, fail), (&ROUTE, fail)],
            Overall::Blocked,
            &["ROUTE"],
            &["ROUTE cause", "LOGS cause"],
        ),
    ];

    #[test]
    fn diagnoses() {
        for (at, (answers, overall, causes, findings)) in ROWS.iter().enumerate() {
            let answers: Vec<_> =
                answers.iter().map(|(check, answer)| (*check, answer())).collect();
            let diagnosis = diagnose(&answers);
            let name = |check: &Check| check.name();
            assert_eq!(diagnosis.overall, *overall, "row {at}");
            assert_eq!(
                diagnosis.causes.iter().map(|it| name(it)).collect::<Vec<_>>(),
                *causes,
                "row {at}"
            );
            let seen: Vec<_> = diagnosis
                .findings
                .iter()
                .filter(|it| it.standing.is_some() || it.open)
                .map(|it| {
                    let mut words = vec![name(it.check)];
                    words.extend(it.standing.map(|it| it.as_str().to_string()));
                    words.extend(it.open.then(|| "open".to_string()));
                    words.join(" ")
                })
                .collect();
            assert_eq!(seen, *findings, "row {at}");
        }
    }
}
