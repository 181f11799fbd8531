//! The words and addresses that redacted facts keep: those that the program itself knows.
//!
//! Code that judges facts compares them with texts of its own, so redaction must not replace the words of these texts.
//! Most texts count only if they have no spaces: those are words of AWS and names of fields, and the others are
//! sentences for people. The agent's and the kernel's lines are recognized by sentences, and so is a message that
//! somebody got: in their modules every text counts.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};

use crate::{Trouble, at, children};

/// Where the vocabulary is.
pub(crate) const FILE: &str = "crates/redact/src/vocabulary.txt";

const SOURCES: [&str; 4] =
    ["crates/facts/src", "crates/iam-policy/src", "crates/analysis/src", "checks"];

/// Texts of these places count whole.
const MESSAGES: [&str; 3] =
    ["crates/analysis/src/node", "crates/analysis/src/error_message.rs", "checks/error_message"];

/// The names of the fields of facts.
const SCHEMA: &str = "schemas/facts-v2.json";

/// The vocabulary as it should be: lower case, in order, a word on each line.
pub(crate) fn vocabulary(root: &Path) -> Result<String, Trouble> {
    let mut words = BTreeSet::new();
    for folder in SOURCES {
        for file in sources(&root.join(folder))? {
            let is_message = MESSAGES.iter().any(|place| file.starts_with(root.join(place)));
            let text = fs::read_to_string(&file).map_err(at(&file))?;
            let tokens = text.parse::<TokenStream>();
            let tokens =
                tokens.map_err(|error| Trouble(format!("error: {}: {error}", file.display())))?;
            texts(tokens, &mut |text| collect(text, is_message, &mut words));
        }
    }
    let schema = root.join(SCHEMA);
    let schema = fs::read_to_string(&schema).map_err(at(&schema))?;
    // Between two quotes is a text, or what separates texts.
    schema.split('"').for_each(|text| collect(text, false, &mut words));
    Ok(words.into_iter().map(|word| word + "\n").collect())
}

/// The sources in a folder, without tests.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let mut files = Vec::new();
    for path in children(folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name == "tests" || name == "tests.rs" {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Calls `each` with every text of the program. Attributes, documentation among them, and the modules of
/// tests are no part of it.
fn texts(tokens: TokenStream, each: &mut impl FnMut(&str)) {
    let mut tokens = tokens.into_iter().peekable();
    let mut is_test = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                tokens.next_if(|next| next.to_string() == "!");
                let attribute = tokens.next().map(|next| next.to_string()).unwrap_or_default();
                is_test |= attribute.replace(' ', "") == "[cfg(test)]";
            }
            TokenTree::Group(group) => {
                if !is_test {
                    texts(group.stream(), each);
                }
                is_test = false;
            }
            TokenTree::Literal(literal) => {
                let raw = literal.to_string();
                if let (Some(start), Some(end)) = (raw.find('"'), raw.rfind('"'))
                    && let Some(text) = raw.get(start + 1..end)
                {
                    each(text);
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => is_test = false,
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// The words of a text: two letters or more, no number.
fn collect(text: &str, is_message: bool, words: &mut BTreeSet<String>) {
    // An address that the program knows, such as that of a public DNS server.
    if text.parse::<std::net::IpAddr>().is_ok() {
        words.insert(text.to_owned());
        return;
    }
    let text = plain(text);
    if !is_message && text.trim().contains(char::is_whitespace) {
        return;
    }
    let found = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.len() > 1 && word.bytes().any(|b| b.is_ascii_alphabetic()));
    words.extend(found.map(str::to_ascii_lowercase));
}

/// Without escapes and without what a format string inserts.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    let mut depth = 0_u32;
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                characters.next();
                plain.push(' ');
            }
            '{' => {
                depth += 1;
                plain.push('/');
            }
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_the_program_compares_with() {
        let source = r#"
            //! A documented word.
            #[doc = "attribute"]
            fn f(x: &str) -> bool { x == "pending-acceptance" || x.contains("no space left") }
            #[cfg(test)]
            mod tests { const X: &str = "secret"; }
            const Y: &str = concat!("ssm:", "Start{name}Session");
            const Z: &str = "8.8.8.8";
        "#;
        let found = |is_message| {
            let mut words = BTreeSet::new();
            texts(source.parse().unwrap(), &mut |text| collect(text, is_message, &mut words));
            words.into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found(false), "8.8.8.8 acceptance pending session ssm start");
        assert_eq!(found(true), "8.8.8.8 acceptance left no pending session space ssm start");
    }
}
