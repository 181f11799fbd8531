//! A judged plan as text: a file for each format, and the words that the formats share.
//!
//! The formats are those of reports. What comes from the plan passes through [`safe`](crate::render::safe).

mod github;
mod html;
mod junit;
mod markdown;
mod sarif;
mod short;
mod table;
mod words;

use super::{
    contents::Plan,
    report::{Document, to_json},
};
use crate::render::{Format, Page, RenderError, Rendered as _, Screen, json};

/// # Errors
/// If the document does not fit the format, which is a defect.
pub fn render(
    plan: &Plan,
    document: &Document,
    format: Format,
    screen: Screen,
) -> Result<String, RenderError> {
    match format {
        Format::Table => {
            let mut page = Page::new(screen);
            table::table(&mut page, document);
            Ok(page.finish())
        }
        Format::Short => Ok(short::short(document, screen)),
        Format::Json => to_json(plan, document).and_then(|value| json(&value)).text("json"),
        Format::Markdown => Ok(markdown::markdown(document)),
        Format::Github => Ok(github::annotations(document)),
        Format::Junit => junit::render(document).text("junit"),
        Format::Sarif => sarif::render(document).text("sarif"),
        Format::Html => html::render(document).text("html"),
    }
}
