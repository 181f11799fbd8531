//! A judged plan as text: a file for each format that differs from a list of lines.
//!
//! The formats are those of reports. What comes from the plan passes through [`safe`](crate::render::safe).

mod github;
mod html;
mod junit;
mod markdown;
mod sarif;
mod table;
mod words;

use serde_json::Value;

use self::words::{headline, name};
use super::report::{Document, Outcome};
use crate::{
    render::{Format, Page, RenderError, Rendered as _, Screen, json, safe::shown},
    report::mark::Mark,
};

/// `data`: the document as JSON.
///
/// # Errors
/// If the document does not fit the format, which is a defect.
pub fn render(
    document: &Document,
    data: &Value,
    format: Format,
    screen: Screen,
) -> Result<String, RenderError> {
    match format {
        Format::Table => {
            let mut page = Page::new(screen);
            table::table(&mut page, document);
            Ok(page.finish())
        }
        Format::Short => Ok(short(document, screen)),
        Format::Json => json(data).text("json"),
        Format::Markdown => Ok(markdown::markdown(document)),
        Format::Github => Ok(github::annotations(document)),
        Format::Junit => junit::render(document).text("junit"),
        Format::Sarif => sarif::render(document).text("sarif"),
        Format::Html => html::render(document).text("html"),
    }
}

/// For a chat: all instances in a line, and a line for each that a session cannot start to.
fn short(document: &Document, screen: Screen) -> String {
    let worst = document.targets.iter().map(|target| target.result).min();
    let mark = worst.map_or(Mark::Good, Outcome::mark);
    let first = format!("{} Session Manager: {}", mark.symbol(), headline(document));
    let targets = document.targets.iter().filter(|target| target.result.mark() != Mark::Good);
    let targets = targets.map(|target| {
        let says = target.result.says(&document.session);
        let cause = target.problems.first().map(|problem| format!("; {}", problem.says()));
        let mark = target.result.mark().symbol();
        format!("{mark} {}: {says}{}", name(target), cause.unwrap_or_default())
    });
    let lines = std::iter::once(first).chain(targets);
    let mut text = String::new();
    for line in lines {
        text.extend([shown(&line, screen.unicode).as_ref(), "\n"]);
    }
    text
}
