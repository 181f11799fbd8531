//! From a check, an area, or whatever somebody pasted, to what is written about it.
//!
//! `ssm_doctor_checks::error_message` has the table of messages and says how their causes are ranked. Then come
//! checks whose runbook quotes the text, the longest quote first.

pub mod runbook;

use std::{cmp::Reverse, collections::HashSet};

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde::Serialize;
use ssm_doctor_checks::{
    all,
    engine::check::Check,
    error_message::{Ranked, excludes, messages::MESSAGES, normal, occurs, ranked},
};

use crate::render::{BOLD, PLAIN, Page};

#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error("there is no check and no area `{asked}`")]
    NoCheck { asked: String, near: Vec<String> },
    #[error("no runbook knows the text `{}`", shortened(asked))]
    NoText { asked: String },
    #[error("cannot read standard input: {0}")]
    Unreadable(#[from] std::io::Error),
}

/// A pasted log is no error message of ours.
fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    let text = text.trim();
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

impl ExplainError {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoCheck { near, .. } if near.is_empty() => "`ssm-doctor checks` lists them".into(),
            Self::NoCheck { near, .. } => format!("did you mean {}?", near.join(" or ")),
            Self::NoText { .. } => {
                "paste the error's own words, such as `TargetNotConnected`, or run `ssm-doctor <target>` to look for the cause".into()
            }
            Self::Unreadable(_) => "pipe the message or the log into `ssm-doctor explain -`".into(),
        }
    }
}

/// What was found for a question.
pub enum Answer {
    Runbook(&'static Check),
    Area(Vec<&'static Check>),
    Causes(Causes),
}

/// What may be behind a text.
#[derive(Debug, Serialize)]
pub struct Causes {
    /// The text with a typing error corrected, if there was one.
    pub read_as: Option<String>,
    /// The likeliest first.
    pub candidates: Vec<Candidate>,
}

#[derive(Debug, Serialize)]
pub struct Candidate {
    pub cause: String,
    /// What is seen only if this is the cause.
    pub sign: Option<&'static str>,
    /// The checks that look at it.
    pub checks: Vec<String>,
    /// The known message that the text has.
    pub message: String,
}

/// # Errors
/// If there is no such check, and nothing is known about the text.
pub fn explain(asked: &str) -> Result<Answer, ExplainError> {
    let spelled = asked.trim().to_lowercase().replace('_', "-");
    if let Some(check) = all().find(|check| check.name() == spelled) {
        return Ok(Answer::Runbook(check));
    }
    let claim = |check: &Check| check.name().rsplit('/').next() == Some(spelled.as_str());
    let mut claims = all().filter(|check| claim(check));
    if let (Some(check), None) = (claims.next(), claims.next()) {
        return Ok(Answer::Runbook(check));
    }
    let area: Vec<_> =
        all().filter(|check| check.area() == spelled.trim_end_matches('/')).collect();
    if !area.is_empty() {
        return Ok(Answer::Area(area));
    }
    let text = normal(asked);
    if let Some(whole) = completed(&text) {
        let candidates = candidates(&whole);
        return Ok(Answer::Causes(Causes { read_as: Some(whole), candidates }));
    }
    let candidates = candidates(&text);
    if !candidates.is_empty() {
        return Ok(Answer::Causes(Causes { read_as: None, candidates }));
    }
    let name = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "-/".contains(it);
    let near = near(&spelled);
    let is_name = !spelled.is_empty() && spelled.chars().all(name);
    if is_name && spelled.contains(['-', '/']) {
        return Err(ExplainError::NoCheck { near, asked: asked.into() });
    }
    if let Some(corrected) = corrected(&text) {
        let candidates = self::candidates(&corrected);
        if !candidates.is_empty() {
            return Ok(Answer::Causes(Causes { read_as: Some(corrected), candidates }));
        }
    }
    if is_name && !near.is_empty() {
        return Err(ExplainError::NoCheck { near, asked: asked.into() });
    }
    Err(ExplainError::NoText { asked: asked.into() })
}

/// The answer for machines: either a check, or checks, or causes.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Json<'a> {
    Check(Listed),
    Checks(Vec<Listed>),
    Causes(&'a Causes),
}

#[derive(Serialize)]
pub struct Listed {
    name: String,
    title: &'static str,
    impact: &'static str,
    /// A URL.
    runbook: String,
}

pub fn json(answer: &Answer, url: impl Fn(&str) -> String) -> Json<'_> {
    let listed = |check: &'static Check| Listed {
        name: check.name(),
        title: check.title(),
        impact: check.impact.as_str(),
        runbook: url(&check.name()),
    };
    match answer {
        Answer::Runbook(check) => Json::Check(listed(check)),
        Answer::Area(checks) => Json::Checks(checks.iter().copied().map(listed).collect()),
        Answer::Causes(causes) => Json::Causes(causes),
    }
}

/// The answer for people.
pub fn print(page: &mut Page, answer: &Answer, url: impl Fn(&str) -> String) {
    match answer {
        Answer::Runbook(check) => runbook::print(page, check, &url(&check.name())),
        Answer::Area(checks) => {
            let row = |check: &&'static Check| vec![check.name(), check.title().to_owned()];
            let rows: Vec<_> = checks.iter().map(row).collect();
            page.rows(&["check", "holds when all is well"], &rows);
            page.blank();
            page.paragraph(0, &[(PLAIN, "`ssm-doctor explain <check>` shows a runbook")]);
        }
        Answer::Causes(causes) => print_causes(page, causes),
    }
}

fn print_causes(page: &mut Page, causes: &Causes) {
    /// More than these are unlikely.
    const MOST: usize = 5;
    if let Some(text) = &causes.read_as {
        page.paragraph(0, &[(PLAIN, "read as: "), (BOLD, text)]);
        page.blank();
    }
    page.paragraph(0, &[(PLAIN, "what may be behind it, the likeliest first")]);
    page.blank();
    for (at, candidate) in causes.candidates.iter().take(MOST).enumerate() {
        let number = format!("{}.", at + 1);
        page.hanging(0, (PLAIN, &number), 3, &[(BOLD, &candidate.cause)]);
        let seen = format!("known by: {}", candidate.message);
        page.paragraph(3, &[(PLAIN, candidate.sign.unwrap_or(&seen))]);
        if !candidate.checks.is_empty() {
            page.paragraph(3, &[(PLAIN, "checks: "), (PLAIN, &candidate.checks.join(", "))]);
        }
    }
    let more = causes.candidates.get(MOST..).unwrap_or_default();
    if !more.is_empty() {
        let shown = causes.candidates.iter().take(MOST).flat_map(|candidate| &candidate.checks);
        let mut known: HashSet<&String> = shown.collect();
        let names: Vec<&str> = more
            .iter()
            .flat_map(|candidate| &candidate.checks)
            .filter(|name| known.insert(*name))
            .map(String::as_str)
            .collect();
        if !names.is_empty() {
            page.blank();
            page.paragraph(0, &[(PLAIN, "less likely: "), (PLAIN, &names.join(", "))]);
        }
    }
    page.blank();
    let says =
        "`ssm-doctor <target>` finds out which it is; `ssm-doctor explain <check>` shows a runbook";
    page.paragraph(0, &[(PLAIN, says)]);
}

/// Checks and areas with names like this.
fn near(asked: &str) -> Vec<String> {
    let mut areas: Vec<_> = all().map(|check| check.area().to_owned()).collect();
    areas.dedup();
    let claim = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let mut names: Vec<(f64, String)> = all()
        .map(Check::name)
        .chain(areas)
        .map(|name| {
            let like = |name: &str| strsim::jaro_winkler(asked, name);
            (like(&name).max(like(&claim(&name))), name)
        })
        .filter(|name| name.0 > 0.85)
        .collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = names.first().map_or(0.0, |name| name.0);
    names.retain(|name| name.0 > best - 0.1);
    names.into_iter().take(3).map(|name| format!("`{}`", name.1)).collect()
}

/// Shorter words are alike by chance.
const LENGTH: usize = 8;

/// The long words of the known messages.
fn known_words() -> Vec<&'static str> {
    MESSAGES
        .iter()
        .flat_map(|message| message.texts)
        .flat_map(|text| text.split([' ', '…']))
        .filter(|word| word.len() >= LENGTH)
        .collect()
}

/// A text that is known only with its last word completed: whoever copied it cut that word.
fn completed(text: &str) -> Option<String> {
    let begin = text.rfind(' ').map_or(0, |at| at + 1);
    let (before, word) = text.split_at(begin);
    let cut = word.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    if cut.len() < LENGTH || !ranked(text).is_empty() {
        return None;
    }
    let longer = |known: &&str| known.len() > cut.len() && known.starts_with(cut);
    known_words()
        .into_iter()
        .filter(longer)
        .map(|known| format!("{before}{known}"))
        .find(|text| !ranked(text).is_empty())
}

/// How many words somebody types.
const TYPED: usize = 100;

/// The text with its long words replaced by known ones that differ by a letter or two.
fn corrected(text: &str) -> Option<String> {
    // Whoever types a message types a line of it; a log is pasted.
    if text.split(' ').count() > TYPED {
        return None;
    }
    let known = known_words();
    let mut changed = false;
    let words = text.split(' ').map(|word| {
        let near = known.iter().filter(|_| word.len() >= LENGTH).find(|known| {
            let distance = strsim::damerau_levenshtein(word, known);
            (1..=2).contains(&distance)
        });
        changed |= near.is_some();
        near.copied().unwrap_or(word)
    });
    let text = words.collect::<Vec<_>>().join(" ");
    changed.then_some(text)
}

/// What may be behind a normalized text, the likeliest first.
fn candidates(text: &str) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = ranked(text)
        .into_iter()
        .map(|Ranked { cause, message, .. }| Candidate {
            cause: cause.what.into(),
            sign: Some(cause.sign),
            checks: cause.checks.iter().map(|name| (*name).to_owned()).collect(),
            message: message.into(),
        })
        .collect();
    for (check, quote) in quoted_by(text) {
        let name = check.name();
        if !excludes(text, &name)
            && !candidates.iter().any(|candidate| candidate.checks.contains(&name))
        {
            candidates.push(Candidate {
                cause: fault(check.runbook),
                sign: None,
                checks: vec![name],
                message: quote,
            });
        }
    }
    candidates
}

/// Checks whose runbook quotes the text, the longest quote first.
fn quoted_by(text: &str) -> Vec<(&'static Check, String)> {
    let mut found: Vec<(usize, &'static Check, String)> = all()
        .filter(|check| !is_about_messages(check))
        .filter_map(|check| {
            let longest = quotes(check.runbook)
                .filter_map(|quote| Some((overlap(&normal(&quote), text)?, quote)))
                .max_by_key(|quote| quote.0)?;
            Some((longest.0, check, longest.1))
        })
        .collect();
    found.sort_by_key(|row| Reverse(row.0));
    found.into_iter().map(|(_, check, quote)| (check, quote)).collect()
}

/// `operator/error-message-explained` says whether a message fits what was seen, so it is behind none.
fn is_about_messages(check: &Check) -> bool {
    check.name() == "operator/error-message-explained"
}

/// What is wrong when a check fails: the first sentence under its runbook's title.
fn fault(runbook: &str) -> String {
    let text: String = Parser::new(runbook)
        .skip_while(|event| !matches!(event, Event::Start(Tag::Paragraph)))
        .take_while(|event| !matches!(event, Event::End(TagEnd::Paragraph)))
        .map(|event| match event {
            Event::Text(words) => words.into_string(),
            Event::Code(words) => format!("`{words}`"),
            Event::SoftBreak | Event::HardBreak => " ".into(),
            _ => String::new(),
        })
        .collect();
    let (sentence, _) = text.split_once(". ").unwrap_or((&text, ""));
    sentence.trim_end_matches('.').to_owned()
}

/// The code spans under "Seen as".
pub fn quotes(runbook: &str) -> impl Iterator<Item = String> {
    let mut heading = false;
    let mut section = String::new();
    Parser::new(runbook).filter_map(move |event| {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                heading = true;
                section.clear();
            }
            Event::End(TagEnd::Heading(_)) => heading = false,
            Event::Text(text) if heading => section.push_str(&text),
            Event::Code(quote) if section == "Seen as" => return Some(quote.into_string()),
            _ => {}
        }
        None
    })
}

/// How much of a quote was pasted, in characters; its `…` and `<…>` stand for anything.
fn overlap(quote: &str, pasted: &str) -> Option<usize> {
    /// A text that is shorter occurs everywhere.
    const WORD: usize = 6;
    if pasted.len() >= WORD && quote.contains(pasted) {
        return Some(pasted.len());
    }
    let quote = quote.replace("...", "…");
    let pieces: Vec<&str> = quote
        .split('…')
        .flat_map(|piece| piece.split('<').map(|rest| rest.rsplit('>').next().unwrap_or(rest)))
        .collect();
    occurs(&pieces.join("…"), pasted).filter(|length| *length >= WORD)
}

#[cfg(test)]
mod faq;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod tests;
