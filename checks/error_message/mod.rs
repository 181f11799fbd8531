//! What the operator's error message says of the checks: which of them it fails, and which causes it fits.
//!
//! The message is evidence like any other. Where it decides (AWS names the action that it refused, the plugin
//! names the user that is missing), its check fails although no call could see the fault. A check that passes all
//! the same [disputes](Evidence::disputed) the message: both were seen, and neither is certain, because the
//! message may be older than a change, or of another machine. Where a message fits several causes,
//! `operator/error-message-explained` says which of them are left.
//!
//! **How causes are ranked:** each known message that occurs in the text gives each of its causes points: the
//! length of the message, divided by the cause's place in the message's list. So a long, specific message
//! outweighs a short, general one, and a cause that two messages share outweighs one that only one of them has.
//! A message that only one cause prints decides. Then come the causes of messages that say why (`DisabledException`),
//! before those of messages that say what failed (`handshake`), however long these are. A known text that is a part
//! of such a message, as `accessdenied` is of `error in putlogevents…accessdenied`, says nothing beside it.
//! A line that healthy sessions print too counts only where there is no error. A refusal that names the type of the
//! policy excludes the causes that are policies of other types.

pub mod causes;
mod conclusion;
pub mod messages;
mod refusal;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::cmp::Reverse;

use ssm_doctor_analysis::{
    answer::Recovery,
    case::Case,
    error_message::{self, Claim},
    node::serial_console::PolicyKind,
};

use ssm_doctor_facts::scope::Session;

use self::{
    causes::Cause,
    conclusion::{Candidate, Decided},
    messages::{MESSAGES, Message, Weight},
};
use crate::{agent_log::recovery, agent_log_words::title};

pub(crate) use conclusion::{Reading, SUBJECT, Silence};
pub(crate) use refusal::says as refusal_in_words;

/// What the message of the case says.
pub(crate) fn reading(case: &Case) -> Reading {
    let Some(text) = &case.scope.error else { return Reading::default() };
    let (mut reading, mut of_other_kind) = (Reading::default(), false);
    for claim in error_message::read(text.as_str()) {
        match claim {
            Claim::Refused(refusal) => refusal::read(&refusal, case, &mut reading),
            Claim::NotConnected(named) => {
                let target = case.scope.target.to_string();
                if let Some(other) = named.filter(|named| *named != target) {
                    reading.about = Some(other);
                }
            }
            Claim::Failed { cause, .. } if !cause.concerns(case.scope.session) => {
                of_other_kind = true;
            }
            Claim::Failed { cause, stage } => {
                let checks = cause.checks(stage);
                let what = title(&cause, stage);
                match checks {
                    [check] if cause.is_specific(stage) => reading.decided.push(Decided {
                        check: Some(check),
                        says: format!("says that {what}"),
                        fix: by_runbook(check),
                        recovery: recovery(stage),
                        stage: Some(stage),
                    }),
                    _ => reading.candidates.push(Candidate { what, checks }),
                }
            }
        }
    }
    known_messages(text.as_str(), case.scope.session, of_other_kind, &mut reading);
    reading
}

/// Does the message say what fails sessions of every kind: that AWS refuses the operator the target itself?
#[must_use]
pub fn is_of_every_kind(case: &Case) -> bool {
    let reading = reading(case);
    let on_target =
        |decided: &Decided| decided.check == Some("operator/may-start-session-on-target");
    reading.about.is_none() && reading.decided.iter().any(on_target)
}

fn by_runbook(check: &str) -> String {
    format!("repair it as the runbook of {check} says")
}

/// What the table of messages adds. `of_other_kind`: does the text have a fault of other kinds of session?
fn known_messages(text: &str, session: Session, of_other_kind: bool, reading: &mut Reading) {
    let text = normal(text);
    let (found, elsewhere): (Vec<Found>, Vec<Found>) = found(&text)
        .into_iter()
        .partition(|found| found.message.causes.iter().any(|cause| cause.concerns(session)));
    let any = |weights: &[Weight]| found.iter().any(|it| weights.contains(&it.message.weight));
    let usual = any(&[Weight::Usual, Weight::Reason, Weight::Decides]);
    if reading.decided.is_empty() && reading.candidates.is_empty() {
        reading.silent = if usual || any(&[Weight::Aside]) {
            None
        } else if of_other_kind || !elsewhere.is_empty() {
            Some(Silence::OtherKind)
        } else if found.is_empty() {
            Some(Silence::Unknown)
        } else if any(&[Weight::Benign]) {
            Some(Silence::Benign)
        } else {
            Some(Silence::Wrapper)
        };
    }
    for Found { message, .. } in &found {
        let (Weight::Decides, Some(cause)) = (message.weight, message.causes.first()) else {
            continue;
        };
        let check = cause.checks.first().copied();
        if check.is_some() && reading.decided.iter().any(|known| known.check == check) {
            continue;
        }
        reading.decided.push(Decided {
            check,
            says: format!("has one cause: {}", cause.what),
            fix: check.map_or_else(|| format!("look at it by hand: {}", cause.sign), by_runbook),
            recovery: Recovery::NextSession,
            stage: None,
        });
    }
    for Ranked { cause, weight, .. } in ranked(&text) {
        let counts = match weight {
            Weight::Usual | Weight::Reason | Weight::Decides => true,
            Weight::Aside => !usual,
            Weight::Wrapper | Weight::Benign => false,
        };
        if counts && cause.concerns(session) {
            reading.candidates.push(Candidate { what: cause.what.into(), checks: cause.checks });
        }
    }
}

/// A cause that a text may have.
pub struct Ranked {
    pub cause: &'static Cause,
    /// The text of the table that occurs.
    pub message: &'static str,
    /// That of the message which says the most.
    weight: Weight,
    points: f64,
}

/// A known message that occurs in a text.
struct Found {
    message: &'static Message,
    /// Those of its texts that occur, the longest first, each after its length.
    texts: Vec<(u16, &'static str)>,
}

impl Found {
    /// Does another message contain this one, and say why? A general message is contained if one of its texts is.
    fn is_part_of(&self, other: &Self) -> bool {
        let says_why = matches!(other.message.weight, Weight::Decides | Weight::Reason);
        if core::ptr::eq(self.message, other.message) || !says_why {
            return false;
        }
        let contained = |(length, text): &(u16, &str)| {
            let longer = other.texts.iter().filter(|it| it.0 > *length);
            longer.into_iter().any(|(_, whole)| occurs(text, whole).is_some())
        };
        match self.message.weight {
            Weight::Aside => self.texts.iter().any(contained),
            _ => self.texts.iter().all(contained),
        }
    }
}

/// The known messages of a [normalized](normal) text, without those that are a part of another one that says why.
fn found(text: &str) -> Vec<Found> {
    let all: Vec<Found> = MESSAGES
        .iter()
        .filter_map(|message| {
            let mut texts: Vec<(u16, &str)> = message
                .texts
                .iter()
                .filter_map(|known| {
                    let length = occurs(known, text)?;
                    Some((u16::try_from(length).unwrap_or(u16::MAX), *known))
                })
                .collect();
            texts.sort_by_key(|it| Reverse(it.0));
            (!texts.is_empty()).then_some(Found { message, texts })
        })
        .collect();
    let is_part = |found: &Found| all.iter().any(|other| found.is_part_of(other));
    let whole: Vec<bool> = all.iter().map(|found| !is_part(found)).collect();
    all.into_iter().zip(whole).filter_map(|(found, whole)| whole.then_some(found)).collect()
}

/// The causes of a [normalized](normal) text, the likeliest first.
#[must_use]
pub fn ranked(text: &str) -> Vec<Ranked> {
    let mut found = found(text);
    let is_benign = |cause: &Cause| cause.what == causes::BENIGN.what;
    // Beside an error, what healthy logs contain too is no cause.
    let has_error = |message: &Message| {
        message.weight < Weight::Benign && !message.causes.iter().any(|cause| is_benign(cause))
    };
    let real = found.iter().any(|it| has_error(it.message));
    if real {
        found.retain(|it| it.message.weight < Weight::Benign);
    }
    let policies: Vec<PolicyKind> = PolicyKind::named_in(text).collect();
    let mut ranked: Vec<Ranked> = Vec::new();
    for Found { message: Message { causes, weight, .. }, texts } in found {
        let Some((length, message)) = texts.first().copied() else { continue };
        let causes = (1_u16..)
            .zip(*causes)
            .filter(|(_, cause)| !(cause.is_excluded_by(&policies) || real && is_benign(cause)));
        for (place, cause) in causes {
            let points = weight.factor() * f64::from(length) / f64::from(place);
            match ranked.iter_mut().find(|known| known.cause.what == cause.what) {
                Some(known) => {
                    known.points += points;
                    known.weight = known.weight.min(*weight);
                }
                None => ranked.push(Ranked { cause, message, weight: *weight, points }),
            }
        }
    }
    // What says less than why is compared by points alone.
    let says_why = |ranked: &Ranked| ranked.weight.min(Weight::Usual);
    ranked.sort_by(|one, other| {
        says_why(one).cmp(&says_why(other)).then(other.points.total_cmp(&one.points))
    });
    ranked
}

/// Does a [normalized](normal) refusal name a type of policy that is not of any of the check's causes?
#[must_use]
pub fn excludes(text: &str, check: &str) -> bool {
    let policies: Vec<PolicyKind> = PolicyKind::named_in(text).collect();
    let mut causes = causes::ALL.iter().filter(|cause| cause.checks.contains(&check)).peekable();
    causes.peek().is_some() && causes.all(|cause| cause.is_excluded_by(&policies))
}

/// What Windows says of a connection or port, and what other systems say of the same.
const OF_WINDOWS: &[(&str, &str)] = &[
    (
        "a connection attempt failed because the connected party did not properly respond",
        "i/o timeout",
    ),
    (
        "no connection could be made because the target machine actively refused it",
        "connection refused",
    ),
    ("a socket operation was attempted to an unreachable network", "network is unreachable"),
    ("an existing connection was forcibly closed by the remote host", "connection reset by peer"),
    ("no such host is known", "no such host"),
    (
        "only one usage of each socket address (protocol/network address/port) is normally permitted",
        "address already in use",
    ),
];

/// Case, quotation marks and line breaks differ between a log and what is pasted from it, and words between systems.
#[must_use]
pub fn normal(text: &str) -> String {
    const MARKS: [char; 9] = ['"', '\'', '`', '’', '‘', '“', '”', '「', '」'];
    let text = text.to_lowercase().replace(MARKS, "");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    OF_WINDOWS.iter().fold(text, |text, (windows, others)| text.replace(windows, others))
}

/// How many characters of `known` occur in `text`, one piece after the other.
#[must_use]
pub fn occurs(known: &str, text: &str) -> Option<usize> {
    let (mut rest, mut length) = (text, 0);
    for piece in known.split('…').map(str::trim) {
        rest = rest.split_once(piece)?.1;
        length += piece.chars().count();
    }
    Some(length)
}
