//! What holds of every check, including those not written yet.
//!
//! The scenarios are the built-in ones, every runbook case, and each of those again with what it
//! could not see filled in: a law is as strong as its scenarios. Sets of facts are tried exhaustively
//! while they are small (each alone, each pair) and by seeded sampling beyond.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

#[path = "support/mod.rs"]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use ssm_doctor_analysis::answer::{Answer, Verdict};
use ssm_doctor_analysis::case::Case;
use ssm_doctor_checks::{
    all,
    engine::{
        check::Check,
        diagnosis::{Diagnosis, Overall, Standing, diagnose, examine},
    },
};
use ssm_doctor_facts::{
    lookup::{Facts, Need, Why},
    scope::Session,
};
use ssm_doctor_fixtures::{self as fixtures, Scenario};
use support::Example;

fn built_in() -> &'static [Scenario] {
    static SCENARIOS: OnceLock<Vec<Scenario>> = OnceLock::new();
    SCENARIOS.get_or_init(|| fixtures::all().unwrap())
}

fn healthy(name: &str) -> &'static Scenario {
    built_in().iter().find(|it| it.healthy && it.name == name).unwrap()
}

fn examples() -> &'static [(&'static Check, Example)] {
    static CASES: OnceLock<Vec<(&Check, Example)>> = OnceLock::new();
    CASES.get_or_init(|| {
        let of = |check| support::examples(check).into_iter().map(move |it| (check, it));
        all().flat_map(of).collect()
    })
}

/// Every scenario there is, and again with whatever it could not see filled in from its ground; each
/// with the checks that can tell it from that ground.
fn worlds_of_all_kinds() -> &'static [(Scenario, Vec<&'static Check>)] {
    static SCENARIOS: OnceLock<Vec<(Scenario, Vec<&Check>)>> = OnceLock::new();
    SCENARIOS.get_or_init(|| {
        let mut found: Vec<_> = built_in().iter().map(|it| (it.clone(), all().collect())).collect();
        for (_, case) in examples() {
            let ground = healthy(&case.baseline);
            let mut seen = case.scenario.clone();
            // What the ground has no answer to either stays unseen.
            for need in case.scenario.facts.unseen() {
                if ground.facts.has(&need) {
                    seen.facts.copy_from(&ground.facts, &need);
                }
            }
            for scenario in [case.scenario.clone(), seen] {
                let affected = affected(&scenario, ground);
                found.push((scenario, affected));
            }
        }
        found
    })
}

/// A check that reads none of the rows that differ answers as it did before.
fn affected(scenario: &Scenario, ground: &Scenario) -> Vec<&'static Check> {
    static READ: OnceLock<BTreeMap<(String, String), BTreeSet<Need>>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let grounds = built_in().iter().filter(|it| it.healthy);
        let of = |it: &'static Scenario| {
            all().map(|check| ((it.name.clone(), check.name()), support::demand(check, it)))
        };
        grounds.flat_map(of).collect()
    });
    let changed = changed(&scenario.facts, &ground.facts);
    let differs = |check: &&Check| {
        scenario.scope != ground.scope
            || !read[&(ground.name.clone(), check.name())].is_disjoint(&changed)
    };
    all().filter(differs).collect()
}

/// The rows in which two scenarios differ.
fn changed(a: &Facts, b: &Facts) -> BTreeSet<Need> {
    let rows = a.answered().into_iter().chain(b.answered());
    rows.filter(|need| {
        let (mut of_a, mut of_b) = (Facts::default(), Facts::default());
        of_a.copy_from(a, need);
        of_b.copy_from(b, need);
        of_a != of_b
    })
    .collect()
}

fn word(answer: &Answer) -> &'static str {
    match answer {
        Ok(Verdict::Pass(_)) => "passes",
        Ok(Verdict::Fail(..)) => "fails",
        Ok(Verdict::NotApplicable(_)) => "not-applicable",
        Err(_) => "unknown",
    }
}

fn diagnosis(scenario: &Scenario) -> Diagnosis {
    diagnose(&examine(&Case::new(&scenario.facts, &scenario.scope)))
}

/// A small generator (Knuth's MMIX): the sample is the same on every machine, every day.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn truth_runbooks_say_what_the_check_says() {
    let mut untrue = Vec::new();
    for (check, case) in examples() {
        let answer = (check.run)(&Case::new(&case.scenario.facts, &case.scenario.scope));
        let name = &case.scenario.name;
        let said = support::said(&answer, &case.scenario.scope);
        let is = word(&answer);
        if is != case.expects {
            untrue.push(format!("{name}: {is}, not {}: {said}", case.expects));
        }
        if let Some(words) = case.says.as_ref().filter(|it| !said.contains(it.as_str())) {
            untrue.push(format!("{name}: {words:?} is not in {said}"));
        }
        if let Some(words) = case.omits.as_ref().filter(|it| said.contains(it.as_str())) {
            untrue.push(format!("{name}: {words:?} is in {said}"));
        }
    }
    assert!(untrue.is_empty(), "{}", untrue.join("\n"));
}

/// Knowing less may withhold an answer, never change it.
#[test]
fn erasure_forgetting_never_flips_an_answer() {
    let mut seed = Seeded(1);
    let mut tried = 0_u32;
    let mut tried_before = BTreeSet::new();
    for (scenario, affected) in worlds_of_all_kinds() {
        for check in affected {
            // Only what the check reads can change its answer, and many scenarios agree on that.
            let read: Vec<Need> = support::demand(check, scenario).into_iter().collect();
            let mut reading = Facts::default();
            for need in &read {
                reading.copy_from(&scenario.facts, need);
            }
            let scope = serde_json::to_string(&scenario.scope).unwrap();
            if !tried_before.insert((check.name(), scope, serde_json::to_string(&reading).unwrap()))
            {
                continue;
            }
            let full = word(&(check.run)(&Case::new(&reading, &scenario.scope)));
            let mut sets: Vec<Vec<usize>> = (0..read.len()).map(|it| vec![it]).collect();
            if read.len() <= 8 {
                sets = (1..1_usize << read.len())
                    .map(|set| (0..read.len()).filter(|it| set >> it & 1 == 1).collect())
                    .collect();
            } else {
                for _ in 0..24 {
                    sets.push((0..read.len()).filter(|_| seed.below(3) == 0).collect());
                }
            }
            for set in sets {
                let mut less = reading.clone();
                for at in set {
                    less.give_up(&read[at], Why::Denied, "");
                }
                tried += 1;
                // What it now asks for instead is there to be asked.
                let now = word(&full_answer(check, &mut less, scenario));
                assert!(
                    now == full || now == "unknown",
                    "{} in {}: {full} became {now}",
                    check.name(),
                    scenario.name
                );
            }
        }
    }
    println!("{tried} partial scenarios");
}

/// The answer once everything it asks for, and that the scenario has, has been fetched.
fn full_answer(check: &Check, known: &mut Facts, scenario: &Scenario) -> Answer {
    loop {
        let answer = (check.run)(&Case::new(known, &scenario.scope));
        let Err(unknown) = &answer else { return answer };
        let more: Vec<Need> =
            unknown.clone().unasked().filter(|need| scenario.facts.has(need)).collect();
        if more.is_empty() {
            return answer;
        }
        for need in more {
            known.copy_from(&scenario.facts, &need);
        }
    }
}

/// Fetching only what checks ask for reaches the same answers as knowing everything.
#[test]
fn demand_asking_reaches_what_knowing_would() {
    let mut apart = Vec::new();
    for (scenario, affected) in worlds_of_all_kinds() {
        for check in affected {
            // The verdict, not the evidence: two rules may each be reason enough.
            let asked = full_answer(check, &mut Facts::default(), scenario);
            let whole = (check.run)(&Case::new(&scenario.facts, &scenario.scope));
            let (asked, whole) = (word(&asked), word(&whole));
            if asked != whole {
                apart.push(format!("{} in {}: {asked}, not {whole}", check.name(), scenario.name));
            }
        }
    }
    assert!(apart.is_empty(), "{}", apart.join("\n"));
}

/// No built-in scenario leaves a question open: a check that asks for more has outgrown the scenarios.
#[test]
fn demand_the_built_in_worlds_answer_every_question() {
    for scenario in built_in() {
        for session in Session::ALL {
            let mut scenario = scenario.clone();
            scenario.scope.session = session;
            for check in all() {
                for need in support::demand(check, &scenario) {
                    assert!(
                        scenario.facts.has(&need),
                        "{} lacks {need:?} ({})",
                        scenario.name,
                        check.name()
                    );
                }
            }
        }
    }
}

/// Break one thing, and the check that watches it is the first suspect.
#[test]
fn first_suspect_is_the_check_whose_example_it_is() {
    for (check, case) in examples().iter().filter(|(_, it)| it.expects == "fails") {
        let diagnosis = diagnosis(&case.scenario);
        let first = &diagnosis.findings[0];
        let name = &case.scenario.name;
        assert_eq!(first.check.name(), check.name(), "{name}");
        assert_ne!(first.standing, Some(Standing::Consequence), "{name}");
    }
}

/// Break two things, and both are causes, unless one depends on the other. Of each pair of checks
/// the first pair of cases that can be laid over each other is tried.
#[test]
fn pairs_of_faults_are_both_named() {
    let failing: Vec<_> = examples()
        .iter()
        .filter(|(_, it)| it.expects == "fails" && it.scenario.scope == healthy(&it.baseline).scope)
        .map(|(check, it)| (*check, it, changed(&it.scenario.facts, &healthy(&it.baseline).facts)))
        .collect();
    let mut tried = BTreeSet::new();
    for (at, (check, case, rows)) in failing.iter().enumerate() {
        for (other, second, more) in &failing[at + 1..] {
            let pair = (check.name(), other.name());
            // Two breaks of one row cannot both be laid over it.
            if core::ptr::eq(*check, *other)
                || case.baseline != second.baseline
                || tried.contains(&pair)
                || !rows.is_disjoint(more)
            {
                continue;
            }
            let mut both = case.scenario.clone();
            for need in more {
                both.facts.copy_from(&second.scenario.facts, need);
            }
            // Nor do breaks add up when the one makes the other's question vanish.
            let fails = |check: &Check| {
                matches!((check.run)(&Case::new(&both.facts, &both.scope)), Ok(Verdict::Fail(..)))
            };
            if !fails(check) || !fails(other) {
                continue;
            }
            let findings = diagnosis(&both).findings;
            for (one, rest) in [(check, other), (other, check)] {
                let found = findings.iter().find(|it| core::ptr::eq(it.check, *one)).unwrap();
                assert!(
                    found.standing != Some(Standing::Consequence)
                        || one.follows_from(rest)
                        || explained(one, &findings),
                    "{} and {}: {:?}",
                    one.name(),
                    rest.name(),
                    found.standing
                );
            }
            tried.insert(pair);
        }
    }
    assert!(tried.len() > 100, "{} pairs", tried.len());
    println!("{} pairs", tried.len());
}

/// Some third check, broken by the two together, explains it.
fn explained(check: &Check, findings: &[ssm_doctor_checks::engine::diagnosis::Finding]) -> bool {
    findings.iter().any(|it| it.standing.is_some() && check.follows_from(it.check))
}

#[test]
fn healthy_worlds_fail_no_check_for_any_session() {
    for scenario in built_in().iter().filter(|it| it.healthy) {
        for session in Session::ALL {
            let mut scenario = scenario.clone();
            scenario.scope.session = session;
            let diagnosis = diagnosis(&scenario);
            for finding in &diagnosis.findings {
                assert_ne!(
                    word(&finding.answer),
                    "fails",
                    "{} in {}",
                    finding.check.name(),
                    scenario.name
                );
            }
            assert_eq!(diagnosis.overall, Overall::Healthy, "{} for {session}", scenario.name);
        }
    }
}

#[test]
fn built_in_worlds_get_the_verdict_they_state() {
    for scenario in built_in() {
        let usual = if scenario.healthy { "healthy" } else { "blocked" };
        let stated = scenario.verdict.as_deref().unwrap_or(usual);
        assert_eq!(diagnosis(scenario).overall.as_str(), stated, "{}", scenario.name);
    }
}

#[test]
fn replay_facts_survive_json() {
    for (scenario, _) in worlds_of_all_kinds() {
        let text = serde_json::to_string(&scenario.facts).unwrap();
        let again: Facts = serde_json::from_str(&text).unwrap();
        assert_eq!(scenario.facts, again, "{}", scenario.name);
        assert_eq!(text, serde_json::to_string(&again).unwrap(), "{}", scenario.name);
    }
}

#[test]
fn wholeness_every_runbook_has_all_its_parts() {
    for check in all() {
        let name = check.name();
        let title = check.title();
        assert!(
            !title.is_empty() && title.ends_with(char::is_alphanumeric),
            "{name}: a title is a claim, unpunctuated"
        );
        for heading in ["\n## Fix\n", "\n## Confirm\n"] {
            assert!(check.runbook.contains(heading), "{name} lacks {heading:?}");
        }
        for expects in ["passes", "fails", "unknown"] {
            assert!(
                examples()
                    .iter()
                    .any(|(it, case)| core::ptr::eq(*it, check) && case.expects == expects),
                "{name} shows no case that {expects}"
            );
        }
        let known = ["passes", "fails", "unknown", "not-applicable"];
        for (_, case) in examples().iter().filter(|(it, _)| core::ptr::eq(*it, check)) {
            assert!(
                known.contains(&case.expects.as_str()),
                "{name}: `{}` is no verdict",
                case.expects
            );
        }
    }
}

/// What a check's passing proves must be something it rests on, or a contradiction proves nothing.
#[test]
fn wholeness_a_check_proves_only_what_it_depends_on() {
    for check in all() {
        for proven in check.proves {
            assert!(check.follows_from(proven), "{} proves {}", check.name(), proven.name());
        }
    }
}

/// With `UPDATE_ACTIONS` set (`cargo xtask update`) it writes what it would compare.
#[test]
fn the_table_of_actions_is_current() {
    let mut actions: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let cases = examples().iter().map(|(check, case)| (*check, &case.scenario));
    let scenarios =
        built_in().iter().flat_map(|scenario| all().map(move |check| (check, scenario)));
    for (check, scenario) in scenarios.chain(cases) {
        let needs = support::demand(check, scenario);
        actions
            .entry(check.name())
            .or_default()
            .extend(needs.iter().flat_map(|need| need.actions()));
    }
    let is_current = all().all(|check| actions[&check.name()].iter().eq(check.actions()));
    if std::env::var_os("UPDATE_ACTIONS").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/engine/actions.rs");
        let text = std::fs::read_to_string(file).unwrap();
        let (head, _) = text.split_once("&[\n").unwrap();
        let rows: String = actions
            .iter()
            .map(|(check, actions)| format!("    ({check:?}, &{actions:?}),\n"))
            .collect();
        let rows = rows.replace("&{", "&[").replace("})", "])");
        std::fs::write(file, format!("{head}&[\n{rows}];\n")).unwrap();
    } else {
        assert!(is_current, "out of date: run `cargo xtask update`");
    }
}
