//! What holds of every check, including those not written yet.
//!
//! The scenarios are the built-in ones, every case, and each case again with its unknown facts filled
//! in: a law is as strong as its scenarios. Sets of facts are tried exhaustively
//! while they are small (each alone, each pair) and by seeded sampling beyond.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]

mod prescription;
mod redaction;
mod remedy;
#[path = "../support/mod.rs"]
mod support;
mod wholeness;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use ssm_doctor_analysis::answer::{Answer, Verdict};
use ssm_doctor_analysis::case::Case;
use ssm_doctor_checks::{
    all,
    engine::{
        check::Check,
        diagnosis::{Diagnosis, Overall, Standing, ask, diagnose, examine},
        event_history,
    },
};
use ssm_doctor_facts::{
    lookup::{Facts, Need, Vantage, Why},
    scope::Session,
};
use ssm_doctor_fixtures::{self as fixtures, Scenario};
use support::{
    cases::{self, Example},
    printed, verdict,
};

fn built_in() -> &'static [Scenario] {
    static SCENARIOS: OnceLock<Vec<Scenario>> = OnceLock::new();
    SCENARIOS.get_or_init(|| fixtures::all().unwrap())
}

fn healthy(name: &str) -> &'static Scenario {
    built_in().iter().find(|scenario| scenario.healthy && scenario.name == name).unwrap()
}

fn examples() -> &'static [(&'static Check, Example)] {
    static CASES: OnceLock<Vec<(&Check, Example)>> = OnceLock::new();
    CASES.get_or_init(|| {
        let of = |check| cases::examples(check).into_iter().map(move |case| (check, case));
        all().flat_map(of).collect()
    })
}

/// A scenario that the laws try.
struct Variant {
    scenario: Scenario,
    /// The checks whose answer can differ from their answer in the scenario's baseline.
    affected: Vec<&'static Check>,
    /// What the scenario differs in from all others: baseline, scope, and the rows that were changed.
    key: Key,
}

type Key = (String, String, BTreeSet<Need>, String);

/// Every built-in scenario, every case, and each case again with its unknown facts filled in from its
/// baseline. No scenario twice.
fn variants() -> &'static [Variant] {
    static VARIANTS: OnceLock<Vec<Variant>> = OnceLock::new();
    VARIANTS.get_or_init(|| {
        let nothing = Facts::default();
        let of_built_in = |scenario: &Scenario| Variant {
            scenario: scenario.clone(),
            affected: all().collect(),
            key: key(scenario, "", &nothing),
        };
        let mut found: Vec<_> = built_in().iter().map(of_built_in).collect();
        let mut keys = BTreeSet::new();
        for (_, case) in examples() {
            let baseline = healthy(&case.baseline);
            let mut scenarios = vec![case.scenario.clone()];
            // What the baseline has no answer to either stays unknown.
            let mut unknown = case.scenario.facts.unseen();
            unknown.retain(|need| baseline.facts.has(need));
            if !unknown.is_empty() {
                let mut known = case.scenario.clone();
                for need in unknown {
                    known.facts.copy_from(&baseline.facts, &need);
                }
                // What is known of a request is part of the question to IAM's simulator.
                fixtures::ask_again(&mut known.facts, &known.scope);
                scenarios.push(known);
            }
            for scenario in scenarios {
                let key = key(&scenario, &baseline.name, &baseline.facts);
                if keys.insert(key.clone()) {
                    let affected = affected(&scenario, baseline, &key.2);
                    found.push(Variant { scenario, affected, key });
                }
            }
        }
        found
    })
}

fn key(scenario: &Scenario, baseline: &str, facts: &Facts) -> Key {
    let changed = changed(&scenario.facts, facts);
    let rows = only(&scenario.facts, &changed);
    (baseline.into(), format!("{:?}", scenario.scope), changed, fixtures::to_json(&rows).unwrap())
}

/// A check that reads none of the rows that were changed answers as it did before.
fn affected(
    scenario: &Scenario,
    baseline: &Scenario,
    changed: &BTreeSet<Need>,
) -> Vec<&'static Check> {
    static READ: OnceLock<BTreeMap<(String, String), BTreeSet<Need>>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let baselines = built_in().iter().filter(|scenario| scenario.healthy);
        let of = |baseline: &'static Scenario| {
            let needs = |check| support::demand(check, baseline);
            all().map(move |check| ((baseline.name.clone(), check.name()), needs(check)))
        };
        baselines.flat_map(of).collect()
    });
    let differs = |check: &&Check| {
        scenario.scope != baseline.scope
            || !read[&(baseline.name.clone(), check.name())].is_disjoint(changed)
    };
    all().filter(differs).collect()
}

/// The rows in which two scenarios differ.
fn changed(a: &Facts, b: &Facts) -> BTreeSet<Need> {
    let rows: BTreeSet<Need> = a.answered().into_iter().chain(b.answered()).collect();
    rows.into_iter().filter(|need| only(a, [need]) != only(b, [need])).collect()
}

/// These rows alone.
fn only<'a>(facts: &Facts, needs: impl IntoIterator<Item = &'a Need>) -> Facts {
    let mut rows = Facts::default();
    for need in needs {
        rows.copy_from(facts, need);
    }
    rows
}

/// What a check reads of a scenario, if it is given what it asks for and nothing else.
struct Reading {
    check: &'static Check,
    scenario: &'static Scenario,
    needs: Vec<Need>,
    facts: Facts,
    answer: Answer,
    /// The first scenario in which the check reads the same: its reading stands for this one too.
    is_new: bool,
}

/// Calls `each` with every check and every variant that can change the check's answer, on all processors.
/// The results are in the order of checks and variants.
fn of_each_reading<R: Send>(each: impl Fn(&Reading) -> R + Sync) -> Vec<R> {
    let checks: Vec<&'static Check> = all().collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(check) = checks.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((check.name(), readings(check).map(|reading| each(&reading)).collect()));
        }
        done
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<(String, Vec<R>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    done.sort_by(|a, b| a.0.cmp(&b.0));
    done.into_iter().flat_map(|(_, results)| results).collect()
}

fn readings(check: &'static Check) -> impl Iterator<Item = Reading> {
    let affected =
        |variant: &&Variant| variant.affected.iter().any(|other| core::ptr::eq(*other, check));
    let mut known = BTreeSet::new();
    variants().iter().filter(affected).map(move |variant| {
        let scenario = &variant.scenario;
        let needs = support::demand(check, scenario);
        let facts = only(&scenario.facts, &needs);
        let answer = ask(check, &Case::new(&facts, &scenario.scope));
        let (baseline, scope, changed, _) = &variant.key;
        let changed: Vec<Need> = needs.intersection(changed).cloned().collect();
        let rows = fixtures::to_json(&only(&facts, &changed)).unwrap();
        let is_new = known.insert((baseline, scope, changed, rows));
        Reading { check, scenario, needs: needs.into_iter().collect(), facts, answer, is_new }
    })
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

/// With `UPDATE_CASES` set (`cargo xtask cases`) it writes the texts that it would compare.
#[test]
fn truth_cases_show_what_the_check_reports() {
    let mut untrue = Vec::new();
    for check in all() {
        let mut texts = Vec::new();
        for (_, case) in examples().iter().filter(|(other, _)| core::ptr::eq(*other, check)) {
            let asked = Case::new(&case.scenario.facts, &case.scenario.scope);
            let answer = ask(check, &asked);
            let (name, verdict) = (&case.scenario.name, verdict(&answer));
            let text = printed(check, &answer, &asked);
            assert!(!text.contains("```"), "{name}: the text would end the block");
            if verdict != case.expects {
                untrue.push(format!("{name}: {verdict}, not {}\n{text}", case.expects));
            } else if text != case.text && !updates("UPDATE_CASES") {
                untrue.push(format!(
                    "{name}: the check reports\n{text}\nand the case shows\n{}",
                    case.text
                ));
            }
            texts.push((case, text));
        }
        if updates("UPDATE_CASES") {
            cases::write_texts(check, &texts);
        }
    }
    assert!(
        untrue.is_empty(),
        "{}\nif the reports are right, run `cargo xtask cases`; if a certain failure became unknown, the rule asks for a \
         fact that it can do without: read that with `Evidence::wanting`",
        untrue.join("\n")
    );
}

fn updates(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

/// Knowing less may withhold an answer, never change it.
#[test]
fn erasure_forgetting_never_flips_an_answer() {
    let tried = AtomicUsize::new(0);
    let flipped = of_each_reading(|reading| {
        if !reading.is_new {
            return None;
        }
        let Reading { check, scenario, needs, facts, answer, .. } = reading;
        sets(needs.len()).into_iter().find_map(|set| {
            let mut less = facts.clone();
            for at in set {
                less.give_up(&needs[at], Why::Denied, "");
            }
            tried.fetch_add(1, Ordering::Relaxed);
            // What the check now asks for instead is there to be asked.
            let now = full_answer(check, &mut less, scenario);
            let flips = verdict(&now) != "unknown" && contradict(answer, &now, check);
            flips.then(|| shown(reading, answer, &now))
        })
    });
    let flipped: Vec<String> = flipped.into_iter().flatten().collect();
    assert!(flipped.is_empty(), "{}", flipped.join("\n"));
    println!("{} partial scenarios", tried.into_inner());
}

/// A name, or a port, may be reachable from one place and not from the other. The check of the operator's error message
/// asks the checks that the message is about, and each of them keeps the law.
#[test]
fn vantage_no_check_mixes_what_the_workstation_and_the_node_see() {
    let mixed = of_each_reading(|reading| {
        let seen_from: BTreeSet<Vantage> = reading.needs.iter().map(Need::seen_from).collect();
        let mixes = [Vantage::Workstation, Vantage::Node].iter().all(|it| seen_from.contains(it));
        let asks_others = reading.check.name() == "operator/error-message-explained";
        (mixes && !asks_others)
            .then(|| format!("{} in {}", reading.check.name(), reading.scenario.name))
    });
    let mixed: BTreeSet<String> = mixed.into_iter().flatten().collect();
    assert!(mixed.is_empty(), "{mixed:?}");
}

/// Which of so many facts to forget: every set of a few, and of many each alone and a sample of sets.
fn sets(facts: usize) -> Vec<Vec<usize>> {
    if facts <= 6 {
        let set = |bits: usize| (0..facts).filter(|at| bits >> at & 1 == 1).collect();
        return (1..1_usize << facts).map(set).collect();
    }
    let mut seed = Seeded(1);
    let alone = (0..facts).map(|at| vec![at]);
    alone.chain((0..16).map(|_| (0..facts).filter(|_| seed.below(3) == 0).collect())).collect()
}

/// A reading whose answer changes, for people.
fn shown(reading: &Reading, from: &Answer, to: &Answer) -> String {
    let Reading { check, scenario, .. } = reading;
    let case = Case::new(&scenario.facts, &scenario.scope);
    let shown = |answer| format!("{}\n{}", verdict(answer), printed(check, answer, &case));
    format!("{} in {}: {}\nbecame {}", check.name(), scenario.name, shown(from), shown(to))
}

/// Checks with a case in which two things fail, so that the one is named if the other is not known.
const SEVERAL_CAUSES: [&str; 1] = ["network/acls-pass-every-reply"];

/// Do two answers differ in their verdict, or does the one that knows less name a cause that is none to
/// the full one? The first observation of a failure is its cause; the others say what the answer rests on.
/// Who knows less may leave out observations and values in commands.
fn contradict(full: &Answer, less: &Answer, check: &Check) -> bool {
    match (full, less) {
        (Ok(Verdict::Fail(full, _)), Ok(Verdict::Fail(less, _))) => {
            let cause = less.iter().next().map(|observation| &observation.subject);
            !full.iter().any(|observation| Some(&observation.subject) == cause)
                && !SEVERAL_CAUSES.contains(&&*check.name())
        }
        _ => verdict(full) != verdict(less),
    }
}

/// The answer once everything it asks for, and that the scenario has, has been fetched.
fn full_answer(check: &Check, known: &mut Facts, scenario: &Scenario) -> Answer {
    loop {
        let answer = ask(check, &Case::new(known, &scenario.scope));
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

/// Fetching only what checks ask for gives the same verdicts as knowing everything, with the same cause.
#[test]
fn demand_asking_reaches_what_knowing_would() {
    let differ = of_each_reading(|reading| {
        let Reading { check, scenario, answer, .. } = reading;
        let whole = ask(check, &Case::new(&scenario.facts, &scenario.scope));
        contradict(&whole, answer, check).then(|| shown(reading, &whole, answer))
    });
    let differ: Vec<String> = differ.into_iter().flatten().collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// No built-in scenario leaves a question open: a check that asks for more has outgrown the scenarios.
#[test]
fn demand_the_built_in_scenarios_answer_every_question() {
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

/// Break one thing, and the check for it is the first suspect.
#[test]
fn first_suspect_is_the_check_whose_example_it_is() {
    for (check, case) in examples().iter().filter(|(_, case)| case.expects == "fails") {
        let diagnosis = diagnosis(&case.scenario);
        let first = &diagnosis.findings[0];
        let name = &case.scenario.name;
        assert_eq!(first.check.name(), check.name(), "{name}");
        assert_ne!(first.standing, Some(Standing::Consequence), "{name}");
    }
}

/// Break two things, and both are causes, unless one depends on the other. Of each pair of checks
/// the first pair of cases that can be combined is tried.
#[test]
fn pairs_of_faults_are_both_named() {
    let failing: Vec<_> = examples()
        .iter()
        .filter(|(_, case)| {
            case.expects == "fails" && case.scenario.scope == healthy(&case.baseline).scope
        })
        .map(|(check, case)| {
            (*check, case, changed(&case.scenario.facts, &healthy(&case.baseline).facts))
        })
        .collect();
    let mut tried = BTreeSet::new();
    for (at, (check, case, rows)) in failing.iter().enumerate() {
        for (other, second, more) in &failing[at + 1..] {
            let pair = (check.name(), other.name());
            // Two changes of one row cannot both be applied.
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
            // Nor do two faults add up when one makes the other check not applicable.
            let fails = |check: &Check| {
                matches!(ask(check, &Case::new(&both.facts, &both.scope)), Ok(Verdict::Fail(..)))
            };
            if !fails(check) || !fails(other) {
                continue;
            }
            let findings = diagnosis(&both).findings;
            for (one, rest) in [(check, other), (other, check)] {
                let found = findings.iter().find(|found| core::ptr::eq(found.check, *one)).unwrap();
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
    findings.iter().any(|found| found.standing.is_some() && check.follows_from(found.check))
}

#[test]
fn healthy_scenarios_fail_no_check_for_any_session() {
    for scenario in built_in().iter().filter(|scenario| scenario.healthy) {
        for session in Session::ALL {
            let mut scenario = scenario.clone();
            scenario.scope.session = session;
            let diagnosis = diagnosis(&scenario);
            for finding in &diagnosis.findings {
                assert_ne!(
                    verdict(&finding.answer),
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
fn built_in_scenarios_get_the_verdict_they_state() {
    for scenario in built_in() {
        let usual = if scenario.healthy { "healthy" } else { "blocked" };
        let stated = scenario.verdict.as_deref().unwrap_or(usual);
        assert_eq!(diagnosis(scenario).overall.as_str(), stated, "{}", scenario.name);
    }
}

#[test]
fn replay_facts_survive_json() {
    for Variant { scenario, affected, .. } in variants() {
        let text = fixtures::to_json(&scenario.facts).unwrap();
        let again = fixtures::from_json(&text).unwrap();
        assert_eq!(scenario.facts, again, "{}", scenario.name);
        assert_eq!(text, fixtures::to_json(&again).unwrap(), "{}", scenario.name);
        for check in affected {
            let answer = |facts| ask(check, &Case::new(facts, &scenario.scope));
            assert!(
                answer(&scenario.facts) == answer(&again),
                "{} in {}: the answer differs after a replay",
                check.name(),
                scenario.name
            );
        }
    }
}

/// With `UPDATE_ACTIONS` set (`cargo xtask cases`) it writes what it would compare.
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
            .extend(needs.iter().flat_map(ssm_doctor_facts::lookup::Need::actions));
    }
    let is_current = all().all(|check| actions[&check.name()].iter().eq(check.actions()));
    if updates("UPDATE_ACTIONS") {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/engine/actions.rs");
        let text = std::fs::read_to_string(file).unwrap();
        let (head, _) = text.split_once("&[\n").unwrap();
        let rows: Vec<String> = actions
            .iter()
            .map(|(check, actions)| format!("    ({check:?}, &{actions:?}),\n"))
            .collect();
        let rows = rows.concat();
        let rows = rows.replace("&{", "&[").replace("})", "])");
        std::fs::write(file, format!("{head}&[\n{rows}];\n")).unwrap();
    } else {
        assert!(is_current, "out of date: run `cargo xtask cases`");
    }
}

/// The event history allows two calls a second, so nobody asks it whose sessions can start.
#[test]
fn event_history_is_searched_for_failures_alone_and_three_times_at_most() {
    let mut searched = BTreeSet::new();
    for scenario in built_in() {
        let case = Case::new(&scenario.facts, &scenario.scope);
        let wanted = event_history::wanted(&diagnosis(scenario), &case, true);
        assert!(wanted.len() <= 3, "{}: {wanted:?}", scenario.name);
        assert!(wanted.is_empty() || !scenario.healthy, "{}: {wanted:?}", scenario.name);
        searched.extend(wanted.iter().filter_map(|need| {
            need.subject().split_once('/').map(|(attribute, _)| attribute.to_owned())
        }));
    }
    let all = ["EventName", "GlobalResourceName", "ResourceName", "Username"];
    assert_eq!(searched, all.map(String::from).into());
}
