//! `ssm-doctor runbooks`: the runbooks as a static site, which opens from the file system.
//!
//! A check's page is `<area>/<check>/index.html`, so that the address of the site on a web server can be the
//! `--runbook-base`. Links name the file, because a file system has no index pages. Only the first page has a
//! script: it searches what the page itself contains, and sends nothing.

mod markdown;

use std::path::Path;

use askama::Template;
use serde::Serialize;
use ssm_doctor_checks::{
    all,
    engine::check::Check,
    error_message::{
        causes::Cause,
        messages::{MESSAGES, Weight},
    },
};

use crate::{
    explain::quotes,
    failure::Failure,
    output::{self, Pending, Readers},
};

/// The page of one check.
#[derive(Template)]
#[template(path = "runbook.html")]
struct Runbook {
    title: &'static str,
    name: String,
    impact: &'static str,
    /// Made by [`markdown::html`], which escapes all text.
    body: String,
    source: String,
    area: Vec<Listed>,
    version: &'static str,
}

/// The first page.
#[derive(Template)]
#[template(path = "runbooks.html")]
struct Index {
    areas: Vec<Area>,
    messages: Vec<Known>,
    /// For the script, as JSON.
    data: String,
    version: &'static str,
}

struct Area {
    name: &'static str,
    checks: Vec<Listed>,
}

struct Listed {
    name: String,
    title: &'static str,
}

/// A message that people see.
#[derive(Serialize)]
struct Known {
    texts: &'static [&'static str],
    causes: Vec<Behind>,
    /// It counts little, as in `explain`.
    aside: bool,
    /// Its causes come before those of other messages, as in `explain`.
    reason: bool,
}

/// What may be behind a message.
#[derive(Serialize)]
struct Behind {
    what: &'static str,
    sign: &'static str,
    checks: &'static [&'static str],
}

/// What the script searches.
#[derive(Serialize)]
struct Searched<'a> {
    checks: Vec<Searchable>,
    messages: &'a [Known],
}

#[derive(Serialize)]
struct Searchable {
    name: String,
    title: &'static str,
    /// The messages under "Seen as".
    quotes: Vec<String>,
    /// The different words of the runbook.
    words: String,
}

/// Writes the site. Files that are there and have other names stay.
///
/// # Errors
/// If a file cannot be written.
pub fn write(folder: &Path) -> Result<(), Failure> {
    let defect = |error: &dyn std::fmt::Display| Failure::Defect(error.to_string());
    for check in all() {
        let page = runbook(check).render().map_err(|error| defect(&error))?;
        put(&folder.join(check.name()), &page)?;
    }
    let messages: Vec<Known> = MESSAGES
        .iter()
        .map(|message| Known {
            texts: message.texts,
            causes: message.causes.iter().copied().map(behind).collect(),
            aside: matches!(message.weight, Weight::Aside | Weight::Wrapper),
            reason: matches!(message.weight, Weight::Decides | Weight::Reason),
        })
        .collect();
    let searched = Searched { checks: all().map(searchable).collect(), messages: &messages };
    let data = serde_json::to_string(&searched).map_err(|error| defect(&error))?;
    let index = Index {
        areas: areas(),
        // In a script element, only this could end it.
        data: data.replace('<', "\\u003c"),
        messages,
        version: env!("CARGO_PKG_VERSION"),
    };
    put(folder, &index.render().map_err(|error| defect(&error))?)
}

fn put(folder: &Path, page: &str) -> Result<(), Failure> {
    output::folder(folder)?;
    Ok(Pending::open(&folder.join("index.html"), Readers::Usual)?.write(page)?)
}

fn runbook(check: &'static Check) -> Runbook {
    let name = check.name();
    Runbook {
        title: check.title(),
        impact: check.impact.as_str(),
        body: markdown::html(check.runbook, &name),
        source: markdown::in_repository(&format!("checks/{name}/README.md")),
        area: all().filter(|other| other.area() == check.area()).map(listed).collect(),
        name,
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn areas() -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    for check in all() {
        match areas.last_mut() {
            Some(area) if area.name == check.area() => area.checks.push(listed(check)),
            _ => areas.push(Area { name: check.area(), checks: vec![listed(check)] }),
        }
    }
    areas
}

fn listed(check: &'static Check) -> Listed {
    Listed { name: check.name(), title: check.title() }
}

fn behind(cause: &'static Cause) -> Behind {
    Behind { what: cause.what, sign: cause.sign, checks: cause.checks }
}

fn searchable(check: &'static Check) -> Searchable {
    let text = check.runbook.to_lowercase();
    let letters = |letter: char| !(letter.is_alphanumeric() || "-_:.".contains(letter));
    let mut words: Vec<&str> = text
        .split(letters)
        .map(|word| word.trim_matches(['.', ':', '-']))
        .filter(|word| word.len() > 2)
        .collect();
    words.sort_unstable();
    words.dedup();
    Searchable {
        name: check.name(),
        title: check.title(),
        quotes: quotes(check.runbook).collect(),
        words: words.join(" "),
    }
}
