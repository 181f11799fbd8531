//! A runbook's Markdown as HTML, in which links to other runbooks lead to their pages.
//!
//! Nothing of the text becomes an element or an attribute by itself: HTML in Markdown is shown as text, and a
//! link leads to another runbook, to the repository, or to a web address.

use std::collections::BTreeMap;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};
use ssm_doctor_checks::all;

/// The HTML below the title. `name` is the check's name.
#[must_use]
pub fn html(runbook: &str, name: &str) -> String {
    let events: Vec<Event> = Parser::new_ext(runbook, Options::ENABLE_TABLES).collect();
    let mut ids = Ids::default();
    let mut in_title = false;
    let events = events.iter().enumerate().filter_map(|(at, event)| {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => in_title = true,
            Event::End(TagEnd::Heading(HeadingLevel::H1)) => {
                in_title = false;
                return None;
            }
            _ => {}
        }
        if in_title {
            return None;
        }
        Some(match event.clone() {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::Heading { level, classes, .. }) => {
                let id = Some(ids.of(&heading(events.get(at..).unwrap_or_default())).into());
                Event::Start(Tag::Heading { level, id, classes, attrs: Vec::new() })
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let dest_url = CowStr::from(address(&dest_url, name));
                Event::Start(Tag::Link { link_type, dest_url, title, id })
            }
            // A picture would be a request; its description stays.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => return None,
            other => other,
        })
    });
    let mut text = String::new();
    push_html(&mut text, events);
    text
}

/// The words of the heading that begins here.
fn heading(events: &[Event]) -> String {
    let inside = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let words = inside.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        _ => None,
    });
    words.collect()
}

/// The ids of headings, as code hosts make them: links between runbooks are written for both.
#[derive(Default)]
struct Ids(BTreeMap<String, usize>);

impl Ids {
    fn of(&mut self, heading: &str) -> String {
        let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
        let id = heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
        let before = self.0.entry(id.clone()).or_default();
        *before += 1;
        if *before == 1 { id } else { format!("{id}-{}", *before - 1) }
    }
}

/// Where a link of the check's runbook leads in the site.
fn address(link: &str, name: &str) -> String {
    if link.starts_with("https://") || link.starts_with('#') {
        return link.to_owned();
    }
    let (file, fragment) = match link.split_once('#') {
        Some((file, fragment)) => (file, format!("#{fragment}")),
        None => (link, String::new()),
    };
    // Any other scheme is none of ours.
    if file.contains(':') || file.starts_with('/') {
        return "#".into();
    }
    let mut path: Vec<&str> = std::iter::once("checks").chain(name.split('/')).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    let path = path.join("/");
    let check = path.strip_prefix("checks/").and_then(|rest| rest.strip_suffix("/README.md"));
    match check.filter(|check| all().any(|other| other.name() == *check)) {
        Some(check) => format!("../../{check}/index.html{fragment}"),
        None => format!("{}{fragment}", in_repository(&path)),
    }
}

/// The address of a file of the repository, at this version.
#[must_use]
pub fn in_repository(path: &str) -> String {
    const BLOB: &str =
        concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/v", env!("CARGO_PKG_VERSION"), "/");
    format!("{BLOB}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_of_the_site_or_to_the_repository() {
        let file = in_repository("checks/agent/registered/cases.md");
        let rows = [
            (
                "../../agent/registered/README.md#restart",
                "../../agent/registered/index.html#restart",
            ),
            ("../route-alive/README.md", "../../network/route-alive/index.html"),
            ("#confirm", "#confirm"),
            ("https://docs.aws.amazon.com/x", "https://docs.aws.amazon.com/x"),
            ("../../agent/registered/cases.md", file.as_str()),
            ("javascript:alert(1)", "#"),
            ("//evil.example", "#"),
        ];
        for (link, expected) in rows {
            assert_eq!(address(link, "network/endpoint-accepts-https"), expected, "{link}");
        }
    }

    #[test]
    fn hostile_text_is_text() {
        let text = "# Title\n\n<script>alert(1)</script> <b onclick=x>\n\n[a](javascript:alert(1)) \
            ![x](https://evil.example/x.png) `<i>`\n\n## A `b`, c\n\n## A b c\n";
        let made = html(text, "network/route-alive");
        for part in ["<script", "<b ", "<i>", "<img", "javascript", "evil.example", "Title"] {
            assert!(!made.contains(part), "{part}: {made}");
        }
        assert!(made.contains("id=\"a-b-c\"") && made.contains("id=\"a-b-c-1\""), "{made}");
    }
}
