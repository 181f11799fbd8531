//! The terminal: what its reader can show, and what is said on standard error.

use std::{
    env,
    io::{self, Write as _},
};

use anstream::{AutoStream, ColorChoice};

use crate::render::{BOLD, PLAIN, Page, Screen};

/// Says something on standard error, on one line, since messages are searched for.
pub fn say(label: &str, text: &str) {
    let mut page = Page::new(screen(&io::stderr()));
    page.line(0, &[(BOLD, label), (PLAIN, text)]);
    // Without a standard error there is nobody to tell.
    let _ = io::stderr().write_all(page.finish().as_bytes());
}

/// Says on standard error what does not end the run.
pub fn warn(text: &str) {
    say("warning: ", text);
}

/// What a stream's reader can show. `COLUMNS` counts even in a pipe, where there is no terminal to ask.
pub fn screen<S: anstream::stream::RawStream>(stream: &S) -> Screen {
    const USUAL: usize = 80;
    let set = |name: &str| env::var(name).ok().filter(|it| !it.is_empty());
    let columns = set("COLUMNS").and_then(|it| it.parse().ok()).filter(|it| *it > 0);
    let terminal = || {
        let found = stream.is_terminal().then(terminal_size::terminal_size).flatten();
        found.map(|it| usize::from(it.0.0))
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase().replace('-', "");
    Screen {
        width: columns.or_else(terminal).unwrap_or(USUAL),
        colour: AutoStream::choice(stream) != ColorChoice::Never,
        unicode: cfg!(windows) || locale.contains("utf8"),
    }
}
