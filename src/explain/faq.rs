//! FAQ.md: what `ssm-doctor explain` says of the messages that people see. `UPDATE_DOCS=1` writes it.

use std::{env, fmt::Write as _, fs, path::Path};

use super::{Answer, Candidate, explain, tests::USUAL};

const INTRODUCTION: &str = "\
# Messages and their causes

What may be behind the messages that people see when a Session Manager session does not start, the likeliest cause
first. `ssm-doctor explain \"<message>\"` says the same about any text that you paste, and `ssm-doctor <target>` finds
out which cause it is. Search this page for a part of your message.

This page is generated from the table of `explain` (`cargo xtask update`).
";

/// How many causes an answer has.
const MOST: usize = 3;

fn candidates(message: &str) -> Vec<Candidate> {
    let Ok(Answer::Causes(found)) = explain(message) else { panic!("no answer to {message}") };
    found.candidates.into_iter().take(MOST).collect()
}

fn faq() -> String {
    let mut answers: Vec<(Vec<&str>, Vec<Candidate>)> = Vec::new();
    for (message, _) in USUAL {
        let found = candidates(message);
        let causes = |candidates: &[Candidate]| -> Vec<String> {
            candidates.iter().map(|candidate| candidate.cause.clone()).collect()
        };
        match answers.iter_mut().find(|answer| causes(&answer.1) == causes(&found)) {
            Some(answer) => answer.0.push(message),
            None => answers.push((vec![message], found)),
        }
    }
    let mut text = INTRODUCTION.to_owned();
    for (messages, found) in answers {
        let quoted: Vec<String> = messages.iter().map(|message| format!("`{message}`")).collect();
        let _ = write!(text, "\n## {}\n\n", quoted.first().unwrap());
        if quoted.len() > 1 {
            let _ = writeln!(text, "Also: {}\n", quoted[1..].join("; "));
        }
        for (at, candidate) in found.iter().enumerate() {
            let Candidate { cause, sign, checks, .. } = candidate;
            let sign = sign.map(|sign| format!(" Sign: {sign}.")).unwrap_or_default();
            let _ = writeln!(text, "{}. **{cause}.**{sign}", at + 1);
            let links: Vec<_> =
                checks.iter().map(|name| format!("[{name}](checks/{name}/README.md)")).collect();
            if !links.is_empty() {
                let _ = writeln!(text, "   Runbooks: {}", links.join(", "));
            }
        }
    }
    text
}

#[test]
fn the_committed_page_says_what_explain_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("FAQ.md");
    let text = faq();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "FAQ.md is out of date: run `cargo xtask update`");
}
