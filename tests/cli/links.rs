//! Every link between files of the repository leads somewhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::ROOT;

/// Every Markdown file of the repository.
fn documents() -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![PathBuf::from(ROOT)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && (name == ".github" || !name.starts_with('.')) && name != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                files.push(path);
            }
        }
    }
    files
}

/// The links of a text, and the ids that code hosts give its headings.
fn read(text: &str) -> (Vec<String>, BTreeSet<String>) {
    let (mut links, mut ids) = (Vec::new(), BTreeSet::new());
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
                let heading = heading.take().unwrap().to_lowercase();
                let id: String = heading.chars().filter(kept).collect();
                ids.insert(id.replace(' ', "-"));
            }
            _ => {}
        }
    }
    (links, ids)
}

#[test]
fn every_link_of_the_repository_leads_somewhere() {
    let mut dead = Vec::new();
    let mut count = 0;
    for file in documents() {
        let (links, own) = read(&fs::read_to_string(&file).unwrap());
        for link in
            links.iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        {
            count += 1;
            let (to, fragment) = link.split_once('#').unwrap_or((link, ""));
            let to = file.parent().unwrap().join(to);
            let place = format!("{}: {link}", file.strip_prefix(ROOT).unwrap().display());
            let ids = match (link.starts_with('#'), fragment) {
                (_, "") if to.exists() => continue,
                (true, _) => own.clone(),
                (false, _) if to.is_file() => read(&fs::read_to_string(&to).unwrap()).1,
                _ => {
                    dead.push(place);
                    continue;
                }
            };
            if !ids.contains(fragment) {
                dead.push(place);
            }
        }
    }
    assert!(count > 500, "{count}");
    assert_eq!(dead, [""; 0]);
}

/// An address of a file of the repository: does the file exist?
pub fn in_repository(address: &str) -> Option<bool> {
    let rest = address.strip_prefix(concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/"))?;
    let (version, path) = rest.split_once('/')?;
    let path = path.split('#').next().unwrap_or_default();
    Some(version == concat!("v", env!("CARGO_PKG_VERSION")) && Path::new(ROOT).join(path).exists())
}
