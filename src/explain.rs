//! From a check, or from an error message that somebody pasted, to what is written about it.

use std::cmp::Reverse;

use anstyle::Style;
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use ssm_doctor_checks::{all, engine::check::Check};

use crate::render::{BOLD, PLAIN, Page, Span};

#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error("there is no check `{asked}`")]
    NoCheck { asked: String, near: Vec<String> },
    #[error("no runbook knows the text `{asked}`")]
    NoText { asked: String },
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
        }
    }
}

/// What was found for a question.
pub enum Answer {
    Runbook(&'static Check),
    /// Checks whose runbook quotes the text, the longest quote first.
    SeenAs(Vec<(&'static Check, String)>),
}

/// # Errors
/// If there is no such check, and no runbook quotes the text.
pub fn explain(asked: &str) -> Result<Answer, ExplainError> {
    let spelled = asked.trim().to_lowercase().replace('_', "-");
    if let Some(check) = all().find(|it| it.name() == spelled) {
        return Ok(Answer::Runbook(check));
    }
    let claim = |check: &Check| check.name().rsplit('/').next() == Some(spelled.as_str());
    let mut claims = all().filter(|it| claim(it));
    if let (Some(check), None) = (claims.next(), claims.next()) {
        return Ok(Answer::Runbook(check));
    }
    let seen = seen_as(asked);
    if !seen.is_empty() {
        return Ok(Answer::SeenAs(seen));
    }
    let name = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "-/".contains(it);
    if !spelled.is_empty() && spelled.chars().all(name) && spelled.contains(['-', '/']) {
        return Err(ExplainError::NoCheck { near: near(&spelled), asked: asked.into() });
    }
    Err(ExplainError::NoText { asked: asked.into() })
}

fn near(asked: &str) -> Vec<String> {
    let mut names: Vec<(f64, String)> = all()
        .map(|check| {
            let name = check.name();
            let claim = name.rsplit('/').next().unwrap_or_default();
            (strsim::jaro_winkler(asked, &name).max(strsim::jaro_winkler(asked, claim)), name)
        })
        .filter(|it| it.0 > 0.8)
        .collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = names.first().map_or(0.0, |it| it.0);
    names.retain(|it| it.0 > best - 0.1);
    names.into_iter().take(3).map(|it| format!("`{}`", it.1)).collect()
}

fn seen_as(pasted: &str) -> Vec<(&'static Check, String)> {
    let pasted = normal(pasted);
    let mut found: Vec<(usize, &'static Check, String)> = all()
        .filter_map(|check| {
            let longest = quotes(check.runbook)
                .filter_map(|quote| Some((overlap(&normal(&quote), &pasted)?, quote)))
                .max_by_key(|it| it.0)?;
            Some((longest.0, check, longest.1))
        })
        .collect();
    found.sort_by_key(|it| Reverse(it.0));
    found.into_iter().map(|(_, check, quote)| (check, quote)).collect()
}

/// The code spans under "Seen as".
fn quotes(runbook: &str) -> impl Iterator<Item = String> {
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

/// Case, quotation marks and line breaks differ between a log and what is pasted from it.
fn normal(text: &str) -> String {
    let text = text.to_lowercase().replace(['"', '\'', '`'], "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How much of a quote was pasted, in characters; its `…` and `<…>` stand for anything.
fn overlap(quote: &str, pasted: &str) -> Option<usize> {
    /// A word that is shorter occurs everywhere.
    const WORD: usize = 6;
    if pasted.len() >= WORD && quote.contains(pasted) {
        return Some(pasted.len());
    }
    let quote = quote.replace("...", "…");
    let (mut rest, mut length) = (pasted, 0);
    for piece in
        quote.split('…').flat_map(|it| it.split('<').map(|it| it.rsplit('>').next().unwrap_or(it)))
    {
        let piece = piece.trim();
        rest = rest.split_once(piece)?.1;
        length += piece.len();
    }
    (length >= WORD).then_some(length)
}

/// A runbook as people read it in a terminal.
pub fn runbook(page: &mut Page, check: &Check, url: &str) {
    let mut text: Vec<(Style, String)> = Vec::new();
    // One entry per open list: the number of its next item, or none for a list of bullets.
    let mut lists: Vec<Option<u64>> = Vec::new();
    let (mut in_code, mut in_item) = (false, false);
    let mut link = String::new();
    for event in Parser::new(check.runbook) {
        match event {
            Event::Start(Tag::Heading { .. }) => text.clear(),
            Event::End(TagEnd::Heading(level)) => {
                let title: String = text.drain(..).map(|(_, words)| words).collect();
                page.paragraph(0, &[(HEADING, &title)]);
                if level == HeadingLevel::H1 {
                    let facts = format!("{} · {}", check.name(), check.impact.as_str());
                    page.paragraph(0, &[(FAINT, &facts)]);
                }
                page.blank();
            }
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => {
                in_code = false;
                page.blank();
            }
            Event::Text(block) if in_code => {
                for line in block.lines() {
                    page.line(4, &[(BOLD, line)]);
                }
            }
            Event::Text(words) => text.push((PLAIN, words.into_string())),
            Event::Code(words) => text.push((BOLD, words.into_string())),
            Event::SoftBreak | Event::HardBreak => text.push((PLAIN, " ".into())),
            Event::Start(Tag::Link { dest_url, .. }) => link = dest_url.into_string(),
            // A relative link leads to another runbook, whose name is the link's text.
            Event::End(TagEnd::Link) if link.contains("://") => {
                text.push((FAINT, format!(" <{link}>")));
            }
            Event::Start(Tag::List(first)) => lists.push(first),
            Event::Start(Tag::Item) => in_item = true,
            Event::End(TagEnd::Item) => {
                item(page, &mut text, &mut lists);
                in_item = false;
            }
            Event::End(TagEnd::List(_)) => {
                lists.pop();
                if lists.is_empty() {
                    page.blank();
                }
            }
            Event::End(TagEnd::Paragraph) if in_item => item(page, &mut text, &mut lists),
            Event::End(TagEnd::Paragraph) => {
                page.paragraph(0, &borrowed(&text));
                page.blank();
                text.clear();
            }
            _ => {}
        }
    }
    page.paragraph(0, &[(FAINT, url)]);
}

const HEADING: Style = BOLD.underline();
const FAINT: Style = Style::new().dimmed();

fn item(page: &mut Page, text: &mut Vec<(Style, String)>, lists: &mut [Option<u64>]) {
    let indent = 2 * lists.len();
    if !text.is_empty() {
        match lists.last_mut() {
            Some(Some(number)) => {
                page.hanging(indent, (PLAIN, &format!("{number}.")), 3, &borrowed(text));
                *number += 1;
            }
            _ => page.hanging(indent, (PLAIN, "-"), 2, &borrowed(text)),
        }
    }
    text.clear();
}

fn borrowed(text: &[(Style, String)]) -> Vec<Span<'_>> {
    text.iter().map(|it| (it.0, it.1.as_str())).collect()
}
