//! A fix heals: tried on the model, for every example of every check.

use std::collections::BTreeMap;

use ssm_doctor_analysis::{answer::Verdict, case::Case};
use ssm_doctor_checks::engine::{
    check::Impact,
    diagnosis::examine,
    fix,
    verification::{Trial, Verified},
};
use ssm_doctor_facts::change::Change;

use super::examples;

/// Apply a failing check's first option to the facts: the check no longer fails, and nothing that passed
/// fails.
#[test]
fn remedy_the_first_option_of_a_failing_check_heals_it() {
    let mut wrong = Vec::new();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let (mut commands, mut open) = (0, BTreeMap::<String, usize>::new());
    for (check, example) in examples() {
        let scenario = &example.scenario;
        let case = Case::new(&scenario.facts, &scenario.scope);
        let before = examine(&case);
        let Some((_, Ok(Verdict::Fail(_, fix)))) = before.iter().find(|row| row.0 == *check) else {
            continue;
        };
        let options = fix::options(check, fix, &case);
        let place = format!("{} ({})", check.name(), scenario.name);
        let Some(first) = options.first() else {
            wrong.push(format!("{place}: no option"));
            continue;
        };
        for command in fix::commands(&first.changes, &scenario.scope.region) {
            commands += 1;
            if command.has_placeholder() {
                *open.entry(check.name()).or_default() += 1;
            }
        }
        let outcome = match Trial::of(&first.changes, &case, &before) {
            Err(change) => format!("not modelled: {}", kind(change)),
            Ok(_) if first.changes.is_empty() => format!("no change: {}", check.name()),
            Ok(trial) => {
                if trial.fails(check) && !check.observes_agent() {
                    wrong.push(format!("{place}: fails still after `{}`", first.title));
                }
                // Once packets get further, a check that only advises may see what is beyond.
                let passed = before.iter().filter(|row| {
                    matches!(row.1, Ok(Verdict::Pass(_))) && row.0.impact != Impact::Advises
                });
                for (other, _) in passed.filter(|row| trial.fails(row.0)) {
                    wrong.push(format!("{place}: `{}` breaks {}", first.title, other.name()));
                }
                match trial.verdict(&[check], &[]) {
                    Verified::Unknown(_) => format!("unknown: {}", check.name()),
                    Verified::No(_) => format!("no: {place}"),
                    other => other.as_str().into(),
                }
            }
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    println!("{outcomes:#?}\n{commands} commands, with a placeholder: {open:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(commands > 0 && outcomes.contains_key("yes"), "nothing was tried");
}

fn kind(change: &Change) -> String {
    let fields = serde_json::to_value(change).unwrap();
    fields["kind"].as_str().unwrap_or("?").to_owned()
}
