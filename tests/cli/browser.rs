//! A real browser, where there is one.

use std::{path::Path, process::Command};

/// What a browser made of a page.
pub struct Shown {
    pub dom: String,
    /// Its log, with what the page wrote to the console.
    pub log: String,
}

/// The browser's name; none after a message that the test is skipped.
pub fn find() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|done| done.status.success())
    };
    let found = names.into_iter().find(runs);
    if found.is_none() {
        eprintln!("skipped: there is no Chromium (apt-get install chromium)");
    }
    found
}

/// Opens a file, without any network. `profile` is a folder of its own; `options` come first.
pub fn show(browser: &str, page: &Path, profile: &Path, options: &[&str]) -> Shown {
    let done = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom"])
        .args(options)
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Shown { dom: text(&done.stdout), log: text(&done.stderr) }
}
