//! What holds of every check, including those not written yet.
//!
//! The worlds are the built-in ones, every runbook example, and each of those again with what it
//! could not see filled in: a law is as strong as its worlds. Sets of facts are tried exhaustively
//! while they are small (each alone, each pair) and by seeded sampling beyond.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use ssm_doctor_checks::{
    all,
    model::{
        diagnose::{Diagnosis, Overall, Standing, diagnose, examine},
        facts::{Facts, Need, Why},
        scope::Session,
        verdict::{Answer, Check, Verdict},
    },
    worlds::{self, Example, World},
};

fn built_in() -> &'static [World] {
    static WORLDS: OnceLock<Vec<World>> = OnceLock::new();
    WORLDS.get_or_init(|| worlds::all().unwrap())
}

fn healthy(name: &str) -> &'static World {
    built_in().iter().find(|it| it.healthy && it.name == name).unwrap()
}

fn examples() -> &'static [(&'static Check, Example)] {
    static EXAMPLES: OnceLock<Vec<(&Check, Example)>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let of = |check| worlds::examples(check).unwrap().into_iter().map(move |it| (check, it));
        all().flat_map(of).collect()
    })
}

/// Every world there is, and again with whatever it could not see filled in from its ground; each
/// with the checks that can tell it from that ground.
fn worlds_of_all_kinds() -> &'static [(World, Vec<&'static Check>)] {
    static WORLDS: OnceLock<Vec<(World, Vec<&Check>)>> = OnceLock::new();
    WORLDS.get_or_init(|| {
        let mut found: Vec<_> = built_in().iter().map(|it| (it.clone(), all().collect())).collect();
        for (_, example) in examples() {
            let ground = healthy(example.ground);
            let mut seen = example.world.clone();
            // What the ground has no answer to either stays unseen.
            for need in example.world.facts.unseen() {
                if ground.facts.has(&need) {
                    seen.facts.copy_from(&ground.facts, &need);
                }
            }
            for world in [example.world.clone(), seen] {
                let affected = affected(&world, ground);
                found.push((world, affected));
            }
        }
        found
    })
}

/// A check that reads none of the rows that differ answers as it did before.
fn affected(world: &World, ground: &World) -> Vec<&'static Check> {
    static READ: OnceLock<BTreeMap<(String, String), BTreeSet<Need>>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let grounds = built_in().iter().filter(|it| it.healthy);
        let of = |it: &'static World| {
            all().map(|check| ((it.name.clone(), check.name()), worlds::demand(check, it)))
        };
        grounds.flat_map(of).collect()
    });
    let changed = changed(&world.facts, &ground.facts);
    let differs = |check: &&Check| {
        world.scope != ground.scope
            || !read[&(ground.name.clone(), check.name())].is_disjoint(&changed)
    };
    all().filter(differs).collect()
}

/// The rows in which two worlds differ.
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

fn diagnosis(world: &World) -> Diagnosis {
    diagnose(&examine(&world.facts, &world.scope))
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
    for (check, example) in examples() {
        let answer = (check.run)(&example.world.facts, &example.world.scope);
        let (name, said) = (&example.world.name, format!("{answer:?}"));
        let is = word(&answer);
        if is != example.expects {
            untrue.push(format!("{name}: {is}, not {}: {said}", example.expects));
        }
        if let Some(words) = example.says.filter(|it| !said.contains(it)) {
            untrue.push(format!("{name}: {words:?} is not in {said}"));
        }
        if let Some(words) = example.omits.filter(|it| said.contains(it)) {
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
    for (world, affected) in worlds_of_all_kinds() {
        for check in affected {
            // Only what the check reads can change its answer, and many worlds agree on that.
            let read: Vec<Need> = worlds::demand(check, world).into_iter().collect();
            let mut reading = Facts::default();
            for need in &read {
                reading.copy_from(&world.facts, need);
            }
            let scope = serde_json::to_string(&world.scope).unwrap();
            if !tried_before.insert((check.name(), scope, serde_json::to_string(&reading).unwrap()))
            {
                continue;
            }
            let full = word(&(check.run)(&reading, &world.scope));
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
                let now = word(&full_answer(check, &mut less, world));
                assert!(
                    now == full || now == "unknown",
                    "{} in {}: {full} became {now}",
                    check.name(),
                    world.name
                );
            }
        }
    }
    println!("{tried} partial worlds");
}

/// The answer once everything it asks for, and that the world has, has been fetched.
fn full_answer(check: &Check, known: &mut Facts, world: &World) -> Answer {
    loop {
        let answer = (check.run)(known, &world.scope);
        let Err(unknown) = &answer else { return answer };
        let more: Vec<Need> =
            unknown.clone().unasked().filter(|need| world.facts.has(need)).collect();
        if more.is_empty() {
            return answer;
        }
        for need in more {
            known.copy_from(&world.facts, &need);
        }
    }
}

/// Fetching only what checks ask for reaches the same answers as knowing everything.
#[test]
fn demand_asking_reaches_what_knowing_would() {
    let mut apart = Vec::new();
    for (world, affected) in worlds_of_all_kinds() {
        for check in affected {
            // The verdict, not the evidence: two rules may each be reason enough.
            let asked = full_answer(check, &mut Facts::default(), world);
            let whole = (check.run)(&world.facts, &world.scope);
            let (asked, whole) = (word(&asked), word(&whole));
            if asked != whole {
                apart.push(format!("{} in {}: {asked}, not {whole}", check.name(), world.name));
            }
        }
    }
    assert!(apart.is_empty(), "{}", apart.join("\n"));
}

/// No built-in world leaves a question open: a check that asks for more has outgrown the worlds.
#[test]
fn demand_the_built_in_worlds_answer_every_question() {
    for world in built_in() {
        for session in Session::ALL {
            let mut world = world.clone();
            world.scope.session = session;
            for check in all() {
                for need in worlds::demand(check, &world) {
                    assert!(
                        world.facts.has(&need),
                        "{} lacks {need:?} ({})",
                        world.name,
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
    for (check, example) in examples().iter().filter(|(_, it)| it.expects == "fails") {
        let diagnosis = diagnosis(&example.world);
        let first = &diagnosis.findings[0];
        let name = &example.world.name;
        assert_eq!(first.check.name(), check.name(), "{name}");
        assert_ne!(first.standing, Some(Standing::Consequence), "{name}");
    }
}

/// Break two things, and both are causes, unless one depends on the other. Of each pair of checks
/// the first pair of examples that can be laid over each other is tried.
#[test]
fn pairs_of_faults_are_both_named() {
    let failing: Vec<_> = examples()
        .iter()
        .filter(|(_, it)| it.expects == "fails" && it.world.scope == healthy(it.ground).scope)
        .map(|(check, it)| (*check, it, changed(&it.world.facts, &healthy(it.ground).facts)))
        .collect();
    let mut tried = BTreeSet::new();
    for (at, (check, example, rows)) in failing.iter().enumerate() {
        for (other, second, more) in &failing[at + 1..] {
            let pair = (check.name(), other.name());
            // Two breaks of one row cannot both be laid over it.
            if core::ptr::eq(*check, *other)
                || example.ground != second.ground
                || tried.contains(&pair)
                || !rows.is_disjoint(more)
            {
                continue;
            }
            let mut both = example.world.clone();
            for need in more {
                both.facts.copy_from(&second.world.facts, need);
            }
            // Nor do breaks add up when the one makes the other's question vanish.
            let fails = |check: &Check| {
                matches!((check.run)(&both.facts, &both.scope), Ok(Verdict::Fail(..)))
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
fn explained(check: &Check, findings: &[ssm_doctor_checks::model::diagnose::Finding]) -> bool {
    findings.iter().any(|it| it.standing.is_some() && check.follows_from(it.check))
}

#[test]
fn healthy_worlds_fail_no_check_for_any_session() {
    for world in built_in().iter().filter(|it| it.healthy) {
        for session in Session::ALL {
            let mut world = world.clone();
            world.scope.session = session;
            let diagnosis = diagnosis(&world);
            for finding in &diagnosis.findings {
                assert_ne!(
                    word(&finding.answer),
                    "fails",
                    "{} in {}",
                    finding.check.name(),
                    world.name
                );
            }
            assert_eq!(diagnosis.overall, Overall::Healthy, "{} for {session}", world.name);
        }
    }
}

#[test]
fn built_in_worlds_get_the_verdict_they_state() {
    for world in built_in() {
        let usual = if world.healthy { "healthy" } else { "blocked" };
        let stated = world.verdict.as_deref().unwrap_or(usual);
        assert_eq!(diagnosis(world).overall.as_str(), stated, "{}", world.name);
    }
}

#[test]
fn replay_facts_survive_json() {
    for (world, _) in worlds_of_all_kinds() {
        let text = serde_json::to_string(&world.facts).unwrap();
        let again: Facts = serde_json::from_str(&text).unwrap();
        assert_eq!(world.facts, again, "{}", world.name);
        assert_eq!(text, serde_json::to_string(&again).unwrap(), "{}", world.name);
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
        for heading in ["\n## Fix\n", "\n## Confirm\n", "\n## Cases\n"] {
            assert!(check.runbook.contains(heading), "{name} lacks {heading:?}");
        }
        for expects in ["passes", "fails", "unknown"] {
            assert!(
                examples()
                    .iter()
                    .any(|(it, example)| core::ptr::eq(*it, check) && example.expects == expects),
                "{name} shows no case that {expects}"
            );
        }
        let known = ["passes", "fails", "unknown", "not-applicable"];
        for (_, example) in examples().iter().filter(|(it, _)| core::ptr::eq(*it, check)) {
            assert!(
                known.contains(&example.expects),
                "{name}: `{}` is no verdict",
                example.expects
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
