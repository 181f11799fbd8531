//! Everything a run has to say, before anybody chooses how to print it.
//!
//! A pure function of the snapshot: what was collected live, read from a file or built in is judged
//! by the same code, and the same facts give the same report on any machine, on any day.

pub mod drawing;
pub mod mark;
mod merge;
pub mod seen;
pub mod several;
pub mod steps;
pub mod summary;

use std::rc::Rc;

use ssm_doctor_analysis::case::Case;
use ssm_doctor_analysis::{
    answer::{Answer, Evidence, FixOption, Recovery, Verdict},
    network::{hop::Path, path},
    workstation::{self, Judged},
};
use ssm_doctor_checks::{
    engine::{
        check::{Check, Impact},
        command::{Command, Shell},
        diagnosis::{Diagnosis, Finding, Overall, Standing, diagnose, examine, give_up, unasked},
        event_history, fix,
        prescription::{Prescription, prescribe},
        procedure::{ProcedureStep, procedure},
        verification::{Verified, verify},
        words,
    },
    error_message,
};
use ssm_doctor_facts::{
    change::{Change, Risk},
    ids::{AccountId, Arn},
    lookup::{Gap, Need, Ourselves, Unknown, Why},
    scope::{Scope, Session},
};

use self::seen::Seen;
use crate::{
    gate::{Excuse, Excuses},
    snapshot::Snapshot,
};

/// How much of a report is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Of each cause the best way to repair it, and no prescription: trials take most of the time.
    Causes,
    Whole,
}

pub struct Report {
    pub scope: Scope,
    pub account: Option<AccountId>,
    /// Who made the calls, if that was seen.
    pub caller: Option<Arn>,
    /// `aws`, `aws-cn`…
    pub partition: String,
    /// The instance's Name tag, or the name that a node reported.
    pub name: Option<String>,
    pub diagnosis: Diagnosis,
    pub paths: Vec<Rc<Path>>,
    /// How the other kinds of session would fare, as far as the facts for them were collected.
    pub others: Vec<(Session, Overall)>,
    /// Why the machine that ran the doctor is not judged as the one that starts the session, if so.
    pub client_left_out: Option<String>,
    pub calls: u32,
    pub rounds: u32,
    pub seen: Vec<Seen>,
    /// How to repair each failure, in the findings' order.
    repairs: Vec<(&'static Check, Vec<Repair>)>,
    /// The smallest set of changes that lets a session start, if something blocks it.
    pub prescription: Option<Prescribed>,
    runbooks: String,
    /// What the commands are quoted for.
    pub shell: Shell,
    /// What does not count for the exit code.
    pub excuses: Excuses,
}

/// A prescription, and how to carry it out.
pub struct Prescribed {
    pub prescription: Prescription,
    /// The last one starts the session.
    pub steps: Vec<ProcedureStep>,
}

impl Prescribed {
    /// Does it lead to a session, as far as the doctor can tell?
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !matches!(self.prescription.verified, Verified::No(_))
    }
}

/// One way to repair a failure, ready to print.
#[derive(Clone)]
pub struct Repair {
    /// What to do, in the imperative.
    pub title: String,
    /// What a person has to do or decide first.
    pub manual: Vec<String>,
    pub changes: Vec<Change>,
    /// For the shell at hand.
    pub commands: Vec<String>,
    pub terraform: Option<String>,
    /// Where in the AWS console the changes are made.
    pub console: Vec<String>,
    pub risks: Vec<Risk>,
    pub recovery: Recovery,
    pub verified: Verified,
}

impl Repair {
    /// What a trial on the model showed, as a clause; none where the model has nothing to try.
    #[must_use]
    pub fn trial(&self) -> Option<String> {
        match &self.verified {
            Verified::Yes => Some("a session can start after it".into()),
            Verified::No(_) => Some(format!("not enough alone: {}", why(&self.verified)?)),
            Verified::Unknown(_) => Some(format!("cannot tell: {}", why(&self.verified)?)),
            Verified::NotModelled(_) => why(&self.verified),
            Verified::ByHand => None,
        }
    }

    /// What the changes risk, in a line; none if they risk nothing.
    #[must_use]
    pub fn risks_in_words(&self) -> Option<String> {
        let risks: Vec<&str> = self.risks.iter().copied().map(Risk::phrase).collect();
        (!risks.is_empty()).then(|| risks.join("; "))
    }
}

/// Whose failure means that the run had nothing to judge.
const FOUND: &str = "target/found-in-region";
const REPORTS: &str = "agent/ping-online";

impl Report {
    /// `runbooks` is the address under which each runbook has its check's name; `others`: judge the
    /// other kinds of session too; `shell`: what the commands are quoted for.
    #[must_use]
    pub fn new(snapshot: &Snapshot, runbooks: &str, others: bool, shell: Shell) -> Self {
        let case = Case::new(&snapshot.facts, &snapshot.scope);
        Self::of_case(snapshot, &case, &examine(&case), runbooks, others, shell, Depth::Whole)
    }

    /// As [`new`](Self::new), of facts that were collected some time ago: what the checks would ask for is unknown for
    /// good. Returns what that was, too.
    #[must_use]
    pub fn settled(
        snapshot: &mut Snapshot,
        runbooks: &str,
        others: bool,
        shell: Shell,
        depth: Depth,
    ) -> (Self, Vec<Need>) {
        let mut given_up = Vec::new();
        loop {
            let case = Case::new(&snapshot.facts, &snapshot.scope);
            let answers = examine(&case);
            let open = unasked(&answers, &snapshot.facts);
            if open.is_empty() {
                let report =
                    Self::of_case(snapshot, &case, &answers, runbooks, others, shell, depth);
                return (report, given_up);
            }
            drop(case);
            give_up(&mut snapshot.facts, open, &mut given_up);
        }
    }

    /// As [`new`](Self::new), where some checks were not asked.
    #[must_use]
    pub fn of_answers(
        snapshot: &Snapshot,
        answers: &[(&'static Check, Answer)],
        runbooks: &str,
        others: bool,
        shell: Shell,
    ) -> Self {
        let case = Case::new(&snapshot.facts, &snapshot.scope);
        Self::of_case(snapshot, &case, answers, runbooks, others, shell, Depth::Whole)
    }

    /// `case` is of the snapshot, and keeps what the checks have concluded.
    fn of_case(
        snapshot: &Snapshot,
        case: &Case,
        answers: &[(&'static Check, Answer)],
        runbooks: &str,
        others: bool,
        shell: Shell,
        depth: Depth,
    ) -> Self {
        let Snapshot { scope, facts, calls, rounds } = snapshot;
        let is_whole = depth == Depth::Whole;
        let mut diagnosis = diagnose(answers);
        event_history::add(&mut diagnosis, case);
        let caller = facts.caller(&Ourselves::Us).hint().ok().flatten();
        let of_every_kind = error_message::is_of_every_kind(case);
        let others = Session::ALL
            .into_iter()
            .filter(|session| others && *session != scope.session)
            .filter_map(|session| {
                let mut other = scope.for_session(session);
                if of_every_kind {
                    other.error.clone_from(&scope.error);
                }
                let answers = examine(&Case::new(facts, &other));
                let complete = answers
                    .iter()
                    .all(|answer| answer.1.as_ref().err().is_none_or(Unknown::was_asked));
                complete.then(|| (session, diagnose(&answers).overall))
            })
            .collect();
        Self {
            account: caller.map(|caller| caller.account.clone()),
            caller: caller.map(|caller| caller.arn.clone()),
            partition: caller
                .map_or_else(|| scope.region.partition(), |caller| caller.arn.partition())
                .to_owned(),
            name: snapshot.name(),
            repairs: repairs(&diagnosis, answers, case, shell, depth),
            shell,
            prescription: is_whole.then(|| prescribe(case, answers, &diagnosis)).flatten().map(
                |prescription| Prescribed { steps: procedure(&prescription, case), prescription },
            ),
            diagnosis,
            paths: path::paths(case),
            others,
            client_left_out: match workstation::judged(case) {
                Ok(Judged::Workstation(_)) => None,
                Ok(Judged::Not(reason)) => Some(words::not_judged(reason).into()),
                Err(unknown) => Some(unknown_in_words(&unknown)),
            },
            calls: *calls,
            rounds: *rounds,
            seen: seen::sources(facts, scope),
            runbooks: runbooks.trim_end_matches('/').to_owned(),
            scope: scope.clone(),
            excuses: Excuses::default(),
        }
    }

    /// The same report, in which these findings do not count.
    #[must_use]
    pub fn excusing(self, excuses: Excuses) -> Self {
        Self { excuses, ..self }
    }

    /// Why the finding of a check does not count.
    #[must_use]
    pub fn excuse_of(&self, check: &Check) -> Option<Excuse<'_>> {
        self.excuses.of(self.diagnosis.finding(check)?)
    }

    /// Has no check an answer? Then the facts have nothing of what the checks need.
    #[must_use]
    pub fn checked_nothing(&self) -> bool {
        let has_answer =
            |it: &Finding| matches!(it.answer, Ok(Verdict::Pass(_) | Verdict::Fail(..)));
        !self.diagnosis.findings.iter().any(has_answer)
    }

    /// The ways to repair a failure, the best first; none for other findings.
    #[must_use]
    pub fn repairs(&self, check: &Check) -> &[Repair] {
        let found = self.repairs.iter().find(|(other, _)| *other == check);
        found.map_or(&[], |(_, options)| options)
    }

    /// The commands that carry out the changes, for the shell at hand.
    #[must_use]
    pub fn commands_for(&self, changes: &[Change]) -> Vec<String> {
        lines(&fix::commands(changes, &self.scope.region), self.shell)
    }

    /// The steps from here to a session, each with the option that it carries out, if it carries out one, and the check
    /// that the option repairs. Empty where the steps do not lead to a session.
    pub fn procedure(
        &self,
    ) -> impl Iterator<Item = (&ProcedureStep, Option<&(&'static Check, FixOption)>)> {
        let found = self
            .prescription
            .iter()
            .filter(|found| found.is_complete() && !self.target_is_missing());
        found.flat_map(|found| {
            let options = found.prescription.options.iter().map(Some);
            found.steps.iter().zip(options.chain(std::iter::repeat(None)))
        })
    }

    /// The commands of a step, for the shell at hand.
    #[must_use]
    pub fn commands_of(&self, step: &ProcedureStep) -> Vec<String> {
        lines(&step.commands, self.shell)
    }

    /// Where the doctor has come to its end: the agent is silent and nothing else has failed, or nothing
    /// has failed and people say that it does not work.
    #[must_use]
    pub fn nothing_in_sight(&self) -> Option<String> {
        let target = &self.scope.target;
        if self.diagnosis.overall == Overall::Healthy {
            return Some(format!(
                "nothing wrong in sight; if it fails all the same, look at this machine (session-manager-plugin, the credentials it finds, its way to ssmmessages), then at {target}: {}; `ssm-doctor explain \"<message>\"` knows what people see",
                words::on_node(self.scope.session)
            ));
        }
        let first = self.diagnosis.causes.first().and_then(|check| self.finding(check))?;
        let is_contradicted = |check: &&Check| self.finding(check).is_some_and(|found| found.open);
        if !first.check.observes_agent() || self.diagnosis.causes.iter().any(is_contradicted) {
            return None;
        }
        let inside = if target.instance().is_some() {
            "inside the machine"
        } else {
            "in the machine or its network"
        };
        Some(if self.doubt(first).is_none() {
            format!(
                "nothing wrong in sight: all else that AWS shows of {target} is in order, so the cause is {inside}, where AWS does not look"
            )
        } else {
            format!("nothing wrong in what could be seen of {target}, which is not all")
        })
    }

    #[must_use]
    pub fn runbook(&self, check: &Check) -> String {
        format!("{}/{}", self.runbooks, check.name())
    }

    /// Was there no such target to judge?
    #[must_use]
    pub fn target_is_missing(&self) -> bool {
        self.diagnosis
            .findings
            .iter()
            .any(|finding| finding.standing.is_some() && finding.check.name() == FOUND)
    }

    /// Could no service be reached that would show the target? Then nothing can be said of it: the Region
    /// does not exist, or this machine has no way there.
    #[must_use]
    pub fn target_is_out_of_reach(&self) -> bool {
        let unreachable = |it: &Gap| matches!(it, Gap::Fact { why: Why::Unreachable, .. });
        let out_of_reach = |name: &str| {
            self.diagnosis.findings.iter().any(|finding| {
                finding.check.name() == name
                    && finding.answer.as_ref().is_err_and(|unknown| unknown.gaps().any(unreachable))
            })
        };
        out_of_reach(FOUND) && out_of_reach(REPORTS)
    }

    /// Is there nothing that blocks the session but what this machine lacks?
    #[must_use]
    pub fn blocked_here_only(&self) -> bool {
        let blocks =
            |it: &&Finding| it.standing.is_some() && !it.open && it.check.impact == Impact::Blocks;
        self.diagnosis
            .findings
            .iter()
            .filter(blocks)
            .all(|finding| finding.check.area() == "client")
    }

    /// The failed finding of a cause.
    #[must_use]
    pub fn finding(&self, check: &Check) -> Option<&Finding> {
        self.diagnosis.findings.iter().find(|finding| std::ptr::eq(finding.check, check))
    }

    /// Why a failure is not certain to be a cause.
    #[must_use]
    pub fn doubt(&self, finding: &Finding) -> Option<String> {
        if finding.standing != Some(Standing::Perhaps) {
            return None;
        }
        let names = |checks: Vec<&Finding>| {
            checks.iter().map(|finding| finding.check.name()).collect::<Vec<_>>().join(", ")
        };
        let against: Vec<_> = self
            .diagnosis
            .findings
            .iter()
            .filter(|other| matches!(other.answer, Ok(Verdict::Pass(_))))
            .filter(|other| {
                other.check.proves.iter().any(|proven| std::ptr::eq(*proven, finding.check))
            })
            .collect();
        if !against.is_empty() {
            return Some(format!(
                "the settings say so, yet {} holds: they changed a moment ago, or the agent goes another way",
                names(against)
            ));
        }
        if let Ok(Verdict::Fail(evidence, _)) = &finding.answer
            && evidence.is_disputed()
        {
            return Some(words::dispute(evidence));
        }
        let contradicted: Vec<_> = self
            .diagnosis
            .findings
            .iter()
            .filter(|other| other.standing.is_some() && other.open)
            .filter(|other| finding.check.follows_from(other.check))
            .collect();
        if !contradicted.is_empty() {
            return Some(format!(
                "it may follow from {}, which something else contradicts",
                names(contradicted)
            ));
        }
        let unseen: Vec<_> = self
            .diagnosis
            .findings
            .iter()
            .filter(|other| other.answer.is_err() && finding.check.follows_from(other.check))
            .collect();
        if unseen.is_empty() {
            return Some("this can be legitimate; AWS does not show which".into());
        }
        Some(format!("it may follow from what could not be seen: {}", names(unseen)))
    }

    /// The paths that are blocked by what `evidence` shows.
    pub fn paths_blocked_by<'a>(
        &'a self,
        evidence: &'a Evidence,
    ) -> impl Iterator<Item = &'a Path> {
        let blocked =
            |service| evidence.iter().any(|observation| observation.services.contains(service));
        self.paths.iter().map(Rc::as_ref).filter(move |path| blocked(&path.service))
    }
}

/// Something that could not be seen.
pub struct Missing {
    /// The IAM action behind it, if a call of ours could have told.
    pub action: Option<&'static str>,
    /// What that call was about; or, without an action, what was looked at from this machine.
    pub subject: Option<String>,
    /// One word for machines: `denied`, `timed-out`… or `limit`, where no call could have told.
    pub reason: &'static str,
    /// A clause: of the action if there is one, else whole.
    pub why: String,
}

#[must_use]
pub fn missing(gap: &Gap) -> Missing {
    match gap {
        Gap::Limit(limit) => {
            Missing { action: None, subject: None, reason: "limit", why: words::limit(limit) }
        }
        Gap::Fact { need, why, detail } => {
            let colon = if detail.is_empty() { "" } else { ": " };
            // A fact that takes several calls: AWS's words name the one that was refused.
            let actions = need.actions();
            let named = actions.iter().find(|action| detail.contains(**action)).or(actions.first());
            Missing {
                action: named.copied(),
                subject: Some(need.subject()),
                reason: why.as_str(),
                why: format!("{}{colon}{detail}", why.phrase()),
            }
        }
    }
}

fn repairs(
    diagnosis: &Diagnosis,
    answers: &[(&'static Check, Answer)],
    case: &Case,
    shell: Shell,
    depth: Depth,
) -> Vec<(&'static Check, Vec<Repair>)> {
    let most = if depth == Depth::Whole { usize::MAX } else { 1 };
    let of_finding = |finding: &Finding| {
        let Ok(Verdict::Fail(_, fix)) = &finding.answer else { return None };
        let options =
            fix::options(finding.check, fix, case).into_iter().take(most).map(|option| Repair {
                commands: lines(&fix::commands(&option.changes, &case.scope.region), shell),
                terraform: fix::terraform(&option.changes),
                console: fix::console(&option.changes),
                risks: fix::risks(&option),
                recovery: fix::recovery(&option, fix),
                verified: verify(&option.changes, &[finding.check], case, answers),
                title: option.title,
                manual: option.manual,
                changes: option.changes,
            });
        Some((finding.check, options.collect()))
    };
    let is_of_interest =
        |finding: &&Finding| depth == Depth::Whole || diagnosis.causes.contains(&finding.check);
    let mut repairs: Vec<(&'static Check, Vec<Repair>)> =
        diagnosis.findings.iter().filter(is_of_interest).filter_map(of_finding).collect();
    warn_of_overwriting(&mut repairs, &diagnosis.causes);
    repairs
}

/// Says of a fix that the best one of an earlier cause replaces the same policy. Each is made from the policy as it is
/// now, so the later one would undo the earlier one.
fn warn_of_overwriting(repairs: &mut [(&'static Check, Vec<Repair>)], causes: &[&'static Check]) {
    let best = |cause: &&'static Check| {
        let (check, options) = repairs.iter().find(|(check, _)| check == cause)?;
        Some((*check, options.first()?.changes.clone()))
    };
    let best: Vec<(&Check, Vec<Change>)> = causes.iter().filter_map(best).collect();
    for (check, options) in repairs {
        let earlier = || best.iter().take_while(|(cause, _)| cause != check);
        for option in options {
            let overwritten = earlier()
                .find(|(_, changes)| fix::replace_the_same_policy(changes, &option.changes));
            if let Some((cause, _)) = overwritten {
                option.manual.push(format!(
                    "the fix of {} replaces the same policy: carry out the list at the end, which joins both, or run the doctor again after one of them",
                    cause.name()
                ));
            }
        }
    }
}

/// Commands as a person types them.
fn lines(commands: &[Command], shell: Shell) -> Vec<String> {
    commands.iter().map(|command| command.line(shell)).collect()
}

/// Why a fix does not suffice, or why that is not known.
#[must_use]
pub fn why(verified: &Verified) -> Option<String> {
    match verified {
        Verified::Yes => None,
        Verified::No(left) => {
            let left: Vec<String> = left.iter().map(|check| check.name()).collect();
            Some(format!("{} would still fail", left.join(", ")))
        }
        // Where only a contradiction is left open, it stands beside the cause.
        Verified::Unknown(open) => (!open.is_empty()).then(|| open_in_words(open)),
        Verified::ByHand => Some("a person has to do it: the doctor's model cannot try it".into()),
        Verified::NotModelled(_) => {
            Some("the doctor's model does not show the effect of this change".into())
        }
    }
}

/// All that was missing, in a line.
#[must_use]
pub fn unknown_in_words(unknown: &Unknown) -> String {
    gaps_in_words(unknown).collect::<Vec<_>>().join("; ")
}

fn gaps_in_words(unknown: &Unknown) -> impl Iterator<Item = String> {
    words::gaps(unknown).into_iter().map(|gap| match missing(gap) {
        Missing { action: Some(action), why, .. } => format!("{action} {why}"),
        Missing { subject: Some(subject), why, .. } => format!("{} {why}", look_at(&subject)),
        Missing { why, .. } => why,
    })
}

/// Each reason once, with the first check that it leaves open: many checks often lack the same fact.
fn open_in_words(open: &[(&'static Check, Unknown)]) -> String {
    let mut reasons: Vec<(String, &Check, usize)> = Vec::new();
    for (check, unknown) in open {
        for reason in gaps_in_words(unknown) {
            match reasons.iter_mut().find(|(known, ..)| *known == reason) {
                Some((_, _, more)) => *more += 1,
                None => reasons.push((reason, check, 0)),
            }
        }
    }
    let said = reasons.into_iter().map(|(reason, check, more)| match more {
        0 => format!("{}: {reason}", check.name()),
        more => format!("{} and {more} more: {reason}", check.name()),
    });
    said.collect::<Vec<_>>().join("; ")
}

/// What stands in the place of an IAM action, for what takes none.
#[must_use]
pub fn look_at(subject: &str) -> String {
    format!("the look at {subject} from here")
}

/// An answer's reason, in a line.
#[must_use]
pub fn in_words(answer: &Answer) -> String {
    match answer {
        Ok(Verdict::Pass(evidence) | Verdict::Fail(evidence, _)) => {
            evidence.iter().map(words::sentence).collect::<Vec<_>>().join("; ")
        }
        Ok(Verdict::NotApplicable(why)) => (*why).to_owned(),
        Err(unknown) => unknown_in_words(unknown),
    }
}
