//! A runbook as text for a terminal.

use anstyle::Style;
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use ssm_doctor_checks::engine::check::Check;

use crate::render::{BOLD, PLAIN, Page, Span};

/// A runbook as people read it in a terminal.
pub fn print(page: &mut Page, check: &Check, url: &str) {
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
            Event::Code(words) => text.push((BOLD, code(&words, page))),
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

/// Where there is no colour, backticks tell code from prose.
fn code(words: &str, page: &Page) -> String {
    if page.has_colour() { words.to_owned() } else { format!("`{words}`") }
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
