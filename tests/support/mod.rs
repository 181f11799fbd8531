//! What several tests need: the cases of a check, and the facts that a check asks for.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "no test needs all of it, and a test that cannot go on stops here"
)]

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use ssm_doctor_analysis::{
    answer::{Answer, Evidence, Verdict},
    case::Case,
};
use ssm_doctor_checks::engine::{
    check::Check,
    words::{self, Remediation},
};
use ssm_doctor_facts::{
    lookup::{Facts, Gap, Need},
    scope::Scope,
};
use ssm_doctor_fixtures::{self as fixtures, Scenario};

/// A fenced block of a check's `cases.md`: what the check answers in a patched scenario.
pub struct Example {
    /// `passes`, `fails`, `unknown` or `not-applicable`.
    pub expects: String,
    /// The healthy scenario that the patch is applied to.
    pub baseline: String,
    /// Words that the evidence, the fix or the reason of an unknown must contain, and words that it must not.
    pub says: Option<String>,
    pub omits: Option<String>,
    pub scenario: Scenario,
}

/// The fenced blocks of a check's `cases.md` that begin with
/// `json <verdict> [<baseline>] [says <words>] [omits <words>]`. Each is a patch of a scenario's
/// `facts`, or of the whole scenario if it has the key `facts` or `scope` itself.
pub fn examples(check: &Check) -> Vec<Example> {
    let name = check.name();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name).join("cases.md");
    let text =
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let blocks = text.split("```json ").skip(1).enumerate();
    blocks
        .map(|(at, block)| {
            let name = format!("{name}, case {}", at + 1);
            let (head, rest) = block.split_once('\n').unwrap();
            let (patch, _) =
                rest.split_once("```").unwrap_or_else(|| panic!("{name}: the block does not end"));
            let (head, omits) = cut(head, " omits ");
            let (head, says) = cut(head, " says ");
            let (expects, baseline) = head.split_once(' ').unwrap_or((head, fixtures::BASELINE));
            let mut patch: Value =
                serde_json::from_str(patch).unwrap_or_else(|error| panic!("{name}: {error}"));
            if patch.get("facts").is_none() && patch.get("scope").is_none() {
                patch = serde_json::json!({ "facts": patch });
            }
            let scenario = fixtures::patched(name, baseline, &[patch]).unwrap();
            Example { expects: expects.into(), baseline: baseline.into(), says, omits, scenario }
        })
        .collect()
}

fn cut<'a>(head: &'a str, word: &str) -> (&'a str, Option<String>) {
    match head.split_once(word) {
        Some((head, words)) => (head, Some(words.into())),
        None => (head, None),
    }
}

/// Asks `check` alone, and fetches from the scenario only what it asks for: the needs it met.
pub fn demand(check: &Check, scenario: &Scenario) -> BTreeSet<Need> {
    let mut known = Facts::default();
    let mut asked = BTreeSet::new();
    while let Err(unknown) = (check.run)(&Case::new(&known, &scenario.scope)) {
        let needs: Vec<Need> =
            unknown.unasked().filter(|need| asked.insert(need.clone())).collect();
        if needs.is_empty() {
            break;
        }
        for need in &needs {
            known.copy_from(&scenario.facts, need);
        }
    }
    asked
}

/// All that a check says, as a reader of the report meets it, a line per observation, step and command.
pub fn said(answer: &Answer, scope: &Scope) -> String {
    match answer {
        Ok(Verdict::Pass(evidence)) => shown(evidence),
        Ok(Verdict::Fail(evidence, fix)) => {
            let Remediation { summary, commands, recovery } = words::remediation(fix, scope);
            let commands = commands.iter().map(|command| command.join(" "));
            let lines = [shown(evidence), summary, recovery.as_str().into()];
            lines.into_iter().chain(commands).collect::<Vec<_>>().join("\n")
        }
        Ok(Verdict::NotApplicable(why)) => (*why).into(),
        Err(unknown) => unknown.gaps().map(gap).collect::<Vec<_>>().join("\n"),
    }
}

fn gap(gap: &Gap) -> String {
    match gap {
        Gap::Limit(limit) => words::limit(limit),
        Gap::Fact { need, why, detail } => {
            let action = need.actions().first().unwrap_or(&"");
            format!("{action} {} {} {detail}", need.subject(), why.phrase())
        }
    }
}

fn shown(evidence: &Evidence) -> String {
    evidence.iter().map(words::sentence).collect::<Vec<_>>().join("\n")
}
