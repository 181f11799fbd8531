//! Redacted facts against the facts themselves: the same verdicts, causes and paths.

use std::collections::BTreeMap;

use ssm_doctor_analysis::{case::Case, network::path};
use ssm_doctor_checks::engine::diagnosis::{diagnose, examine};
use ssm_doctor_fixtures::Scenario;
use ssm_doctor_redact::redact;

use super::verdict;

/// What differs after redaction, a line each.
pub fn differences(scenario: &Scenario) -> Vec<String> {
    let name = &scenario.name;
    let (facts, scope) = match redact(&scenario.facts, &scenario.scope) {
        Ok(redacted) => redacted,
        Err(error) => return vec![format!("{name}: {}", error.0)],
    };
    let before = outline(&Case::new(&scenario.facts, &scenario.scope));
    let after = outline(&Case::new(&facts, &scope));
    let mut differences = Vec::new();
    for (what, was) in &before {
        let is = after.get(what).map_or("nothing", String::as_str);
        if was != is {
            differences.push(format!("{name}: {what}: {was}\nbecame {is}"));
        }
    }
    let more = after.keys().filter(|what| !before.contains_key(*what));
    differences.extend(more.map(|what| format!("{name}: {what} is new")));
    differences
}

/// Verdicts, causes, standings and paths, without ids.
fn outline(case: &Case) -> BTreeMap<String, String> {
    let answers = examine(case);
    let diagnosis = diagnose(&answers);
    let causes: Vec<String> = diagnosis.causes.iter().map(|check| check.name()).collect();
    let mut outline = BTreeMap::from([
        ("verdict".to_owned(), diagnosis.overall.as_str().to_owned()),
        ("causes".to_owned(), causes.join(", ")),
    ]);
    for finding in &diagnosis.findings {
        let standing =
            format!("{} {:?} {}", verdict(&finding.answer), finding.standing, finding.open);
        outline.insert(finding.check.name(), standing);
    }
    for path in path::paths(case) {
        let hops = path.hops.iter().map(|hop| format!("{:?} {}", hop.kind, verdict(&hop.answer)));
        outline.insert(format!("path to {}", path.service), hops.collect::<Vec<_>>().join(", "));
    }
    outline
}
