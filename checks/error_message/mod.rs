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
//! A message that only one cause prints decides. A line that healthy sessions print too counts only where there is no
//! error. A refusal that names the type of the policy excludes the causes that are policies of other types.

pub mod causes;
mod conclusion;
pub mod messages;
mod refusal;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use ssm_doctor_analysis::{
    answer::Recovery,
    case::Case,
    error_message::{self, Claim},
    node::serial_console::PolicyKind,
};

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
    let mut reading = Reading::default();
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
                reading.about = Some("another kind of session".into());
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
    known_messages(text.as_str(), &mut reading);
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

/// What the table of messages adds.
fn known_messages(text: &str, reading: &mut Reading) {
    let text = normal(text);
    let found: Vec<&Message> =
        MESSAGES.iter().filter(|message| longest(message.texts, &text).is_some()).collect();
    let any = |weights: &[Weight]| found.iter().any(|message| weights.contains(&message.weight));
    if reading.decided.is_empty() && reading.candidates.is_empty() {
        reading.silent = if found.is_empty() {
            Some(Silence::Unknown)
        } else if any(&[Weight::Usual, Weight::Aside, Weight::Decides]) {
            None
        } else if any(&[Weight::Benign]) {
            Some(Silence::Benign)
        } else {
            Some(Silence::Wrapper)
        };
    }
    for message in &found {
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
    let usual = any(&[Weight::Usual, Weight::Decides]);
    for Ranked { cause, weight, .. } in ranked(&text) {
        let counts = match weight {
            Weight::Usual | Weight::Decides => true,
            Weight::Aside => !usual,
            Weight::Wrapper | Weight::Benign => false,
        };
        if counts {
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

/// The causes of a [normalized](normal) text, the likeliest first.
#[must_use]
pub fn ranked(text: &str) -> Vec<Ranked> {
    let mut found: Vec<(&Message, u16, &'static str)> = MESSAGES
        .iter()
        .filter_map(|message| {
            let (length, text) = longest(message.texts, text)?;
            Some((message, length, text))
        })
        .collect();
    let is_benign = |cause: &Cause| cause.what == causes::BENIGN.what;
    // Beside an error, what healthy logs contain too is no cause.
    let has_error = |message: &Message| {
        message.weight < Weight::Benign && !message.causes.iter().any(|cause| is_benign(cause))
    };
    let real = found.iter().any(|(message, ..)| has_error(message));
    if real {
        found.retain(|(message, ..)| message.weight < Weight::Benign);
    }
    let policies: Vec<PolicyKind> = PolicyKind::named_in(text).collect();
    let mut ranked: Vec<Ranked> = Vec::new();
    for (Message { causes, weight, .. }, length, message) in found {
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
    let decides = |ranked: &Ranked| ranked.weight == Weight::Decides;
    ranked.sort_by(|one, other| {
        decides(other).cmp(&decides(one)).then(other.points.total_cmp(&one.points))
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

/// The longest of a message's texts that occurs, after its length.
fn longest(texts: &[&'static str], text: &str) -> Option<(u16, &'static str)> {
    let lengths = texts.iter().filter_map(|known| {
        let length = occurs(known, text)?;
        Some((u16::try_from(length).unwrap_or(u16::MAX), *known))
    });
    lengths.max_by_key(|(length, _)| *length)
}

/// Case, quotation marks and line breaks differ between a log and what is pasted from it.
#[must_use]
pub fn normal(text: &str) -> String {
    const MARKS: [char; 9] = ['"', '\'', '`', '’', '‘', '“', '”', '「', '」'];
    let text = text.to_lowercase().replace(MARKS, "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
