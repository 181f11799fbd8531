//! Reads and writes `cases.md`, in which a person can see what a check reports in which account.
//!
//! A case is a line, a patch and a text:
//!
//! ````text
//! In `hub-peering` with `agent-silent`: **fails**
//! ```json
//! { "peerings": { "pcx-0hub": { "state": "pending-acceptance" } } }
//! ```
//! ```text
//! pcx-0hub is pending-acceptance
//! ```
//! ````
//!
//! The line names the healthy scenario, unless it is [`fixtures::BASELINE`], and fragments of
//! `fixtures/fragments.json`, which are applied in turn before the patch. A patch changes the scenario's
//! `facts`, or the whole scenario if it has the key `facts` or `scope`. The text is what
//! [`super::printed`] returns. Any other line is for readers only.

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::{Value, json};
use ssm_doctor_checks::engine::check::Check;
use ssm_doctor_fixtures::{self as fixtures, Scenario};

/// The verdicts that a case can expect.
pub const VERDICTS: [&str; 4] = ["passes", "fails", "unknown", "not applicable"];

/// A case of a check's `cases.md`.
pub struct Example {
    /// One of [`VERDICTS`].
    pub expects: String,
    /// The healthy scenario that the patches are applied to.
    pub baseline: String,
    /// The text of the case: what the check reports, as printed.
    pub text: String,
    /// The lines of the text in `cases.md`, from 0.
    lines: Range<usize>,
    pub scenario: Scenario,
}

/// The cases of a check, in their order.
pub fn examples(check: &Check) -> Vec<Example> {
    let file = file(check);
    let text =
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let lines: Vec<&str> = text.lines().collect();
    let mut reader = Reader { lines: &lines, at: 0 };
    let mut examples = Vec::new();
    while let Some(line) = reader.lines.get(reader.at) {
        let name = format!("checks/{}/cases.md:{}", check.name(), reader.at + 1);
        reader.at += 1;
        if let Some(head) = Head::parse(line) {
            examples.push(example(name, &head, &mut reader));
        } else {
            assert!(!line.starts_with("```"), "{name}: a block without a verdict above it");
        }
    }
    examples
}

fn example(name: String, head: &Head, reader: &mut Reader) -> Example {
    assert!(VERDICTS.contains(&head.verdict), "{name}: `{}` is no verdict", head.verdict);
    let fragment = |fragment: &&str| {
        let found = fragments().get(*fragment).cloned();
        found.unwrap_or_else(|| panic!("{name}: `{fragment}` is not in fixtures/fragments.json"))
    };
    let mut patches: Vec<Value> = head.fragments.iter().map(fragment).collect();
    if let Some(lines) = reader.block("```json") {
        let text = reader.lines[lines].join("\n");
        patches.push(serde_json::from_str(&text).unwrap_or_else(|it| panic!("{name}: {it}")));
    }
    let patches: Vec<Value> = patches.into_iter().map(whole).collect();
    let lines = reader.block("```text").unwrap_or_else(|| panic!("{name}: no ```text block"));
    Example {
        expects: head.verdict.into(),
        baseline: head.baseline.into(),
        text: reader.lines[lines.clone()].join("\n"),
        lines,
        scenario: fixtures::patched(name, head.baseline, &patches).unwrap(),
    }
}

/// A patch of the whole scenario.
fn whole(patch: Value) -> Value {
    if patch.get("facts").is_some() || patch.get("scope").is_some() {
        patch
    } else {
        json!({ "facts": patch })
    }
}

/// Replaces the texts of a check's cases, which are given in their order.
pub fn write_texts(check: &Check, examples: &[(&Example, String)]) {
    let file = file(check);
    let before = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = before.lines().collect();
    for (example, text) in examples.iter().rev() {
        lines.splice(example.lines.clone(), text.lines());
    }
    let after = lines.join("\n") + "\n";
    if after != before {
        fs::write(&file, after).unwrap();
    }
}

fn file(check: &Check) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(check.name()).join("cases.md")
}

/// Changes that many cases share, by their names.
pub fn fragments() -> &'static BTreeMap<String, Value> {
    static FRAGMENTS: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    FRAGMENTS.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/fragments.json");
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    })
}

/// The line that begins a case.
pub struct Head<'a> {
    pub baseline: &'a str,
    pub fragments: Vec<&'a str>,
    pub verdict: &'a str,
}

impl<'a> Head<'a> {
    /// ``In `<scenario>` with `<fragment>`, `<fragment>` and `<fragment>`: **<verdict>**``, of which only
    /// the verdict is required. None for a line that begins no case.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (account, verdict) = line.strip_suffix("**")?.split_once("**")?;
        let mut names: Vec<&str> = account.split('`').skip(1).step_by(2).collect();
        let mut baseline = fixtures::BASELINE;
        if account.starts_with("In `") {
            baseline = names.remove(0);
        } else if !account.starts_with("With `") && !account.is_empty() {
            return None;
        }
        Some(Self { baseline, fragments: names, verdict })
    }
}

struct Reader<'a> {
    lines: &'a [&'a str],
    at: usize,
}

impl Reader<'_> {
    /// The lines of the fenced block that begins here with `fence`, after empty lines.
    fn block(&mut self, fence: &str) -> Option<Range<usize>> {
        let at = (self.at..self.lines.len()).find(|at| !self.lines[*at].is_empty())?;
        if self.lines[at] != fence {
            return None;
        }
        let start = at + 1;
        let end = (start..self.lines.len()).find(|at| self.lines[*at] == "```")?;
        self.at = end + 1;
        Some(start..end)
    }
}
