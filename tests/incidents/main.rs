//! Real incidents: each must get a report with its own cause first.
//!
//! An incident is a folder of `fixtures/incidents/`. Its `facts.json` patches a baseline: a built-in
//! scenario, another incident, or one of `baselines/`, which are scenarios as accounts grow, with
//! secondary CIDRs, unrelated endpoints and route tables. Its `README.md` says what happened, and ends
//! with what the report must say. Log files beside them are what the node's agent wrote. `index.json` lists
//! every source of the collection: how much of it AWS's APIs show, and the incident that was made from it, or
//! why there is none. Where the APIs do not end with the cause, it names a second incident, which has what the
//! node, the event history and the operator's message show as well, or says why they do not show the cause.
//!
//! `cargo xtask incidents` prints the score.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]

mod load;
mod possible;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::OnceLock,
};

use serde::Deserialize;
use serde_json::Value;
use ssm_doctor_analysis::{
    answer::{Answer, Verdict},
    case::Case,
};
use ssm_doctor_checks::engine::{
    check::Impact,
    diagnosis::{Diagnosis, Finding, Overall, Standing, ask, diagnose, examine},
    event_history, words,
};
use ssm_doctor_facts::{lookup::Why, scope::Session};
use ssm_doctor_fixtures::Scenario;
use support::printed;

use crate::load::{folder, names, parse, read};

/// Whose failure means that there is nothing to judge.
const FOUND: &str = "target/found-in-region";

struct Incident {
    name: String,
    text: String,
    scenario: Scenario,
    expected: Expected,
}

/// What the report has to say. Failures that are not listed, and do not follow from one that is,
/// are wrong, unless they only advise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    verdict: String,
    /// All of them, the root cause first.
    #[serde(default)]
    causes: Vec<String>,
    /// Other failures that stand for themselves: what is lost beside what is blocked, and advice.
    #[serde(default)]
    beside: Vec<String>,
    /// Distractors that have to be judged right.
    #[serde(default)]
    passes: Vec<String>,
    /// If the verdict is inconclusive, all that it hangs on.
    #[serde(default)]
    unknown: Vec<String>,
    /// Words that evidence, fix or reason of a check must have, and words that they must not.
    #[serde(default)]
    says: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    omits: BTreeMap<String, Vec<String>>,
    /// Where a healthy verdict sends those for whom it fails all the same.
    #[serde(default)]
    look_at: Vec<String>,
    /// The verdict on other kinds of session.
    #[serde(default)]
    sessions: BTreeMap<Session, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    sources: Vec<Source>,
    /// Incidents that do not get their expectation yet, or of which a refused call takes too much, and
    /// incidents that are not told yet; and why.
    #[serde(default)]
    pending: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    id: String,
    /// None for one whose source kept no address.
    url: Option<String>,
    shown: Shown,
    incident: Option<String>,
    /// Does the incident end with the cause that the incident's source states, or with where to look?
    ends_with: Option<End>,
    /// Why no incident retells it, or why the incident cannot name the cause.
    why: Option<String>,
    /// What shows the cause where AWS's APIs do not.
    evidence: Option<Evidence>,
    /// Why nothing shows it.
    no_evidence: Option<String>,
}

/// An incident with what the node, the event history and the operator's message show.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evidence {
    by: Vec<Witness>,
    incident: String,
    /// The check that names the cause which the source states.
    cause: String,
}

/// What shows a cause that AWS's settings do not show.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Witness {
    /// The agent's log.
    Log,
    /// A probe that ran on the node.
    Probe,
    /// The serial console.
    Console,
    /// `CloudTrail`'s event history.
    Events,
    /// The error message that the operator got.
    Message,
}

impl Witness {
    /// Is it in the scenario?
    fn speaks(self, scenario: &Scenario) -> bool {
        let Scenario { scope, facts, .. } = scenario;
        match self {
            Self::Log => scope.agent_log && facts.agent_logs.contains_key(&scope.target),
            Self::Probe => scope.probe && facts.probes.contains_key(&scope.target),
            Self::Console => {
                scope.target.instance().is_some_and(|id| facts.consoles.contains_key(id))
            }
            Self::Events => !facts.events.is_empty(),
            Self::Message => scope.error.is_some(),
        }
    }
}

/// How far the cause of an incident can be seen.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Shown {
    /// By AWS's APIs.
    Fully,
    /// AWS's APIs show a part of it: the preference but not the OS user, the route but not the firewall.
    Partly,
    /// On the machine that the operator sits at.
    Client,
    /// Inside the node, or not even there.
    Hidden,
    /// No session to a managed node: ECS Exec, another tool's bug, a note.
    OutOfScope,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum End {
    Cause,
    Pointer,
    /// With neither.
    Nothing,
}

/// The scenario of an incident's file; see [`load::scenario`].
fn scenario(name: &str, file: &Path) -> Scenario {
    load::scenario(name, file).0
}

fn incidents() -> &'static [Incident] {
    static INCIDENTS: OnceLock<Vec<Incident>> = OnceLock::new();
    INCIDENTS.get_or_init(|| {
        let incidents = load::incidents().into_iter().map(|name| {
            let file = folder().join(&name).join("README.md");
            let text = fs::read_to_string(&file).unwrap_or_else(|it| panic!("{name}: {it}"));
            let block = text.split_once("```json\n").and_then(|it| it.1.split_once("```"));
            let expected = block.unwrap_or_else(|| panic!("{name}: expects nothing")).0;
            let expected = parse(expected, &file);
            let scenario = scenario(&name, &folder().join(&name).join("facts.json"));
            Incident { name, text, scenario, expected }
        });
        incidents.collect()
    })
}

fn index() -> Index {
    read(&folder().join("index.json"))
}

fn judge(scenario: &Scenario) -> Diagnosis {
    let case = Case::new(&scenario.facts, &scenario.scope);
    let mut diagnosis = diagnose(&examine(&case));
    event_history::add(&mut diagnosis, &case);
    diagnosis
}

/// The report in short: verdict, causes and what they say, then whatever else is not in order.
fn report(diagnosis: &Diagnosis, case: &Case) -> String {
    let mut lines = vec![diagnosis.overall.as_str().to_owned()];
    for it in &diagnosis.findings {
        let place = diagnosis.causes.iter().position(|cause| std::ptr::eq(*cause, it.check));
        let (kind, full) = match (&it.answer, place, it.standing) {
            (_, Some(0), _) => ("CAUSE", true),
            (_, Some(_), _) => ("cause", true),
            (Err(_), ..) if it.open => ("open", true),
            (Err(_), ..) => ("unknown", true),
            (_, _, Some(Standing::Consequence)) => ("follows", false),
            (_, _, Some(_)) => (it.check.impact.as_str(), true),
            _ => continue,
        };
        let doubt = if it.standing == Some(Standing::Perhaps) { " (perhaps)" } else { "" };
        let words =
            if full { format!(": {}", printed(it.check, &it.answer, case)) } else { String::new() };
        let line = format!("{kind} {}{doubt}{words}", it.check.name());
        lines.push(line.replace('\n', "\n        "));
    }
    lines.join("\n    ")
}

/// Of the sources whose cause shows in an incident with evidence: how many reports name it first, and for each of the
/// others what comes first in its place.
fn by_evidence(index: &Index) -> (usize, Vec<String>) {
    let shown = index.sources.iter().filter_map(|it| Some((&it.id, it.evidence.as_ref()?)));
    let (mut named, mut others) = (0, Vec::new());
    for (id, evidence) in shown {
        let incident = named_incident(&evidence.incident);
        let first = judge(&incident.scenario).causes.first().map(|check| check.name());
        if first.as_ref() == Some(&evidence.cause) {
            named += 1;
        } else {
            let first = first.unwrap_or_else(|| "no cause".into());
            others.push(format!("{id} ({}): {first}, not {}", evidence.incident, evidence.cause));
        }
    }
    (named, others)
}

fn named_incident(name: &str) -> &'static Incident {
    let found = incidents().iter().find(|incident| incident.name == name);
    found.unwrap_or_else(|| panic!("there is no incident {name}"))
}

/// How the report differs from what is expected of it.
fn differences(incident: &Incident) -> Vec<String> {
    let Incident { scenario, expected, .. } = incident;
    let case = &Case::new(&scenario.facts, &scenario.scope);
    let diagnosis = judge(scenario);
    let mut wrong = Vec::new();
    let mut differ = |what: &str, found: &str, wanted: &str| {
        if found != wanted {
            wrong.push(format!("{what}: {found}, not {wanted}"));
        }
    };
    differ("verdict", diagnosis.overall.as_str(), &expected.verdict);
    let causes: Vec<_> = diagnosis.causes.iter().map(|it| it.name()).collect();
    differ("causes", &causes.join(", "), &expected.causes.join(", "));
    for (session, verdict) in &expected.sessions {
        let mut scenario = scenario.clone();
        scenario.scope.session = *session;
        differ(&format!("{session}"), judge(&scenario).overall.as_str(), verdict);
    }
    let open = |it: &&Finding| it.open && it.answer.is_err();
    if diagnosis.overall == Overall::Inconclusive {
        let hangs_on: BTreeSet<_> =
            diagnosis.findings.iter().filter(open).map(|it| it.check.name()).collect();
        let wanted: BTreeSet<_> = expected.unknown.iter().cloned().collect();
        differ("hangs on", &format!("{hangs_on:?}"), &format!("{wanted:?}"));
    }
    let beyond = match diagnosis.overall {
        Overall::Healthy => words::on_node(scenario.scope.session),
        _ => "",
    };
    for place in expected.look_at.iter().filter(|it| !beyond.contains(it.as_str())) {
        wrong.push(format!("does not send people to {place:?}: {beyond:?}"));
    }
    for it in &diagnosis.findings {
        let name = it.check.name();
        let alone = matches!(it.standing, Some(Standing::Cause | Standing::Perhaps));
        let listed = expected.causes.contains(&name) || expected.beside.contains(&name);
        if alone && it.check.impact != Impact::Advises && !listed {
            wrong.push(format!("{name} fails, and nobody expects it"));
        }
        let asks = it.answer.as_ref().err().into_iter().flat_map(|it| it.clone().unasked());
        let asks: Vec<_> = asks.map(|it| format!("{it:?}")).collect();
        // If the target does not exist, no other request can be answered.
        if !asks.is_empty() && !expected.causes.iter().any(|it| it == FOUND) {
            wrong.push(format!(
                "{name} asks for what the incident does not have: {}",
                asks.join(", ")
            ));
        }
    }
    let finding = |name: &str| diagnosis.findings.iter().find(|it| it.check.name() == name);
    let mut each = |names: &[String], wanted: &str, is: fn(&Answer) -> bool| {
        for name in names {
            match finding(name) {
                Some(it) if is(&it.answer) => {}
                Some(it) => {
                    wrong.push(format!(
                        "{name} does not {wanted}: {}",
                        printed(it.check, &it.answer, case)
                    ));
                }
                None => wrong.push(format!("{name} is no check")),
            }
        }
    };
    each(&expected.beside, "fail", |it| matches!(it, Ok(Verdict::Fail(..))));
    each(&expected.passes, "pass", |it| matches!(it, Ok(Verdict::Pass(_))));
    each(&expected.unknown, "stay unknown", Result::is_err);
    for (all, wanted) in [(&expected.says, true), (&expected.omits, false)] {
        for (name, phrases) in all {
            let Some(it) = finding(name) else {
                wrong.push(format!("{name} is no check"));
                continue;
            };
            let text = printed(it.check, &it.answer, case);
            for phrase in phrases.iter().filter(|it| text.contains(it.as_str()) != wanted) {
                let verb = if wanted { "does not say" } else { "says" };
                wrong.push(format!("{name} {verb} {phrase:?}: {text}"));
            }
        }
    }
    wrong
}

#[test]
fn every_incident_gets_the_expected_report() {
    let index = index();
    let mut failed = BTreeSet::new();
    let mut told = Vec::new();
    for incident in incidents() {
        let wrong = differences(incident);
        let pending = index.pending.get(&incident.name);
        if wrong.is_empty() {
            if pending.is_some() {
                println!("{} gets its expectation: take it off the pending list", incident.name);
            }
            continue;
        }
        failed.insert(incident.name.as_str());
        let wrong = wrong.join("\n    ");
        let report = report(
            &judge(&incident.scenario),
            &Case::new(&incident.scenario.facts, &incident.scenario.scope),
        );
        match pending {
            Some(why) => println!("pending {}: {why}\n    {wrong}", incident.name),
            None => told.push(format!("{}\n    {wrong}\n  its report: {report}", incident.name)),
        }
    }
    println!("{}", score(&index, &failed));
    assert!(told.is_empty(), "\n{}", told.join("\n\n"));
}

fn score(index: &Index, failed: &BTreeSet<&str>) -> String {
    let mut lines =
        vec![format!("{} incidents, {} not as they should end", incidents().len(), failed.len())];
    let count = |shown: &[Shown], wanted: fn(&Source) -> bool| {
        let holds = |it: &&Source| shown.contains(&it.shown) && wanted(it);
        let all: Vec<_> = index.sources.iter().filter(holds).collect();
        let good = |it: &&&Source| {
            it.incident.as_deref().is_some_and(|incident| !failed.contains(incident))
        };
        (all.iter().filter(good).count(), all.len())
    };
    let cause = |it: &Source| it.ends_with == Some(End::Cause);
    let place = |it: &Source| it.ends_with == Some(End::Pointer);
    for (what, shown) in [
        ("AWS's APIs show fully", &[Shown::Fully][..]),
        ("AWS's APIs show partly", &[Shown::Partly]),
        ("AWS's APIs show fully or partly", &[Shown::Fully, Shown::Partly]),
        ("the operator's machine shows", &[Shown::Client]),
        ("nothing shows", &[Shown::Hidden]),
    ] {
        let all = count(shown, |_| true).1;
        lines.push(format!(
            "{all} incidents that {what}: the stated cause first in {}, where to look in {}",
            count(shown, cause).0,
            count(shown, place).0
        ));
    }
    lines.push(format!("{} out of scope", count(&[Shown::OutOfScope], |_| true).1));
    let (named, others) = by_evidence(index);
    let all = named + others.len();
    let shown = "shown by the node's evidence";
    lines.push(format!("{shown}: {named} of {all} end with their cause first"));
    lines.extend(others.iter().map(|other| format!("    {other}")));
    lines.join("\n")
}

/// Nine of ten causes that the node, the event history or the operator's message show come first.
#[test]
fn evidence_of_the_node_names_the_cause() {
    let (named, others) = by_evidence(&index());
    let all = named + others.len();
    assert!(named * 10 >= all * 9, "{named} of {all}:\n{}", others.join("\n"));
}

#[test]
fn every_source_and_every_incident_is_in_the_index() {
    let index = index();
    assert_eq!(index.sources.len(), 126);
    let ids: BTreeSet<_> = index.sources.iter().map(|it| &it.id).collect();
    assert_eq!(ids.len(), 126);
    let incident = |name: &str| incidents().iter().find(|it| it.name == name);
    let mut retold = BTreeSet::new();
    for it in &index.sources {
        let id = &it.id;
        match (&it.incident, it.ends_with) {
            (Some(name), Some(_)) => {
                let incident = incident(name).unwrap_or_else(|| panic!("{id}: there is no {name}"));
                assert!(incident.text.contains(id.as_str()), "{name} does not cite {id}");
                let cited = it.url.as_ref().is_none_or(|url| incident.text.contains(url.as_str()));
                assert!(cited, "{name} does not cite the source of {id}");
                retold.insert(name.as_str());
            }
            (None, None) if it.shown == Shown::OutOfScope => {}
            (None, _) if index.pending.contains_key(id) => {}
            _ => panic!("{id}: a incident has an end, and an end a incident"),
        }
        let due = match it.ends_with {
            Some(End::Cause) => false,
            Some(End::Pointer) => it.shown != Shown::Hidden,
            Some(End::Nothing) | None => true,
        };
        assert_eq!(it.why.is_some(), due, "{id}: a reason where one is due");
        // What AWS's APIs do not show has other evidence, or a reason why it has none.
        let unseen = it.shown != Shown::OutOfScope && it.ends_with != Some(End::Cause);
        assert_eq!(it.evidence.is_some() || it.no_evidence.is_some(), unseen, "{id}: evidence");
        assert!(it.evidence.is_none() || it.no_evidence.is_none(), "{id}: evidence and none");
        if let Some(evidence) = &it.evidence {
            let incident = named_incident(&evidence.incident);
            let cited = it.url.as_ref().is_some_and(|url| incident.text.contains(url.as_str()));
            assert!(cited && incident.text.contains(id.as_str()), "{id}: not cited");
            assert!(!evidence.by.is_empty(), "{id}: nothing shows it");
            for witness in &evidence.by {
                let speaks = witness.speaks(&incident.scenario);
                assert!(speaks, "{} has no {witness:?}", evidence.incident);
            }
            retold.insert(evidence.incident.as_str());
        }
    }
    // What no incident of the collection tells has a name that says what else it is.
    for incident in incidents() {
        let own = ["class-", "seed-", "tool-"].iter().any(|it| incident.name.starts_with(it));
        assert!(
            own != retold.contains(incident.name.as_str()),
            "{}: whose incident?",
            incident.name
        );
        assert!(incident.text.starts_with("# "), "{}: no title", incident.name);
    }
    for name in index.pending.keys() {
        assert!(
            ids.contains(name) || incident(name).is_some(),
            "{name} is pending, and is nothing"
        );
    }
}

/// What accounts have besides: nothing of it is at fault.
#[test]
fn baselines_are_healthy() {
    for name in names(&folder().join("baselines")) {
        let scenario = scenario(&name, &folder().join("baselines").join(&name));
        for session in Session::ALL {
            let mut scenario = scenario.clone();
            scenario.scope.session = session;
            let diagnosis = judge(&scenario);
            let failing = diagnosis.findings.iter().filter(|it| it.standing.is_some());
            let failing: Vec<_> = failing.map(|it| it.check.name()).collect();
            assert!(failing.is_empty(), "{name}, {session}: {failing:?}");
            let report = report(&diagnosis, &Case::new(&scenario.facts, &scenario.scope));
            assert_eq!(diagnosis.overall, Overall::Healthy, "{name}, {session}: {report}");
        }
    }
}

/// A restricted role sees less. It may be told less, and nothing else: each answer of each incident is
/// refused in turn, and no check changes its mind but to *unknown*, nor the verdict but to
/// *inconclusive*.
#[test]
fn one_refused_call_flips_nothing() {
    let (mut tried, mut flipped) = (0_u32, Vec::new());
    let pending = index().pending;
    for incident in incidents().iter().filter(|it| !pending.contains_key(&it.name)) {
        let Incident { name, scenario, .. } = incident;
        let answers = examine(&Case::new(&scenario.facts, &scenario.scope));
        let verdict = diagnose(&answers).overall;
        let read: Vec<_> = answers.iter().map(|it| support::demand(it.0, scenario)).collect();
        let needs: BTreeSet<_> =
            read.iter().flatten().filter(|it| scenario.facts.has(it)).collect();
        for need in needs {
            let mut facts = scenario.facts.clone();
            facts.give_up(need, Why::Denied, "");
            tried += 1;
            let place = format!("{name} without {need:?}");
            let less: Vec<_> = answers
                .iter()
                .zip(&read)
                .map(|((check, before), read)| {
                    if !read.contains(need) {
                        return (*check, before.clone());
                    }
                    let now = ask(check, &Case::new(&facts, &scenario.scope));
                    if kind(&now) != kind(before) && now.is_ok() {
                        let case = Case::new(&scenario.facts, &scenario.scope);
                        let (was, is) =
                            (printed(check, before, &case), printed(check, &now, &case));
                        flipped
                            .push(format!("{place}: {} says {is}, and said {was}", check.name()));
                    }
                    (*check, now)
                })
                .collect();
            let now = diagnose(&less).overall;
            // A contradiction ends when one of its two sides is not seen.
            let contradiction = answers.iter().any(|(_, answer)| is_disputed(answer));
            if starts(now) != starts(verdict) && now != Overall::Inconclusive && !contradiction {
                flipped.push(format!("{place}: {} became {}", verdict.as_str(), now.as_str()));
            }
        }
    }
    println!("{tried} refused calls");
    assert!(flipped.is_empty(), "\n{}", flipped.join("\n"));
}

fn is_disputed(answer: &Answer) -> bool {
    matches!(answer, Ok(Verdict::Fail(evidence, _)) if evidence.is_disputed())
}

fn kind(answer: &Answer) -> &'static str {
    match answer {
        Ok(Verdict::Pass(_)) => "passes",
        Ok(Verdict::Fail(..)) => "fails",
        Ok(Verdict::NotApplicable(_)) => "does not apply",
        Err(_) => "is unknown",
    }
}

/// Whether the session starts: logs that are lost, and of which nothing was seen, do not matter.
fn starts(overall: Overall) -> Option<bool> {
    match overall {
        Overall::Healthy | Overall::Degraded => Some(true),
        Overall::Blocked => Some(false),
        Overall::Inconclusive => None,
    }
}

/// AWS lists what it lists in no order that means something, apart from what is numbered.
#[test]
fn the_order_of_lists_decides_nothing() {
    for Incident { name, scenario, .. } in incidents() {
        let mut facts = serde_json::to_value(&scenario.facts).unwrap();
        for (table, rows) in facts.as_object_mut().unwrap() {
            if !IN_ORDER.contains(&table.as_str()) {
                turn(rows);
            }
        }
        let turned = Scenario { facts: serde_json::from_value(facts).unwrap(), ..scenario.clone() };
        assert_eq!(outline(&judge(&turned)), outline(&judge(scenario)), "{name}");
    }
}

/// Tables in which order means something: what an agent and a console printed, what happened, and a chain of
/// profiles.
const IN_ORDER: [&str; 5] = ["agent_logs", "consoles", "events", "here_logins", "rule_groups"];

/// Every list the other way round; a range of ports is none.
fn turn(value: &mut Value) {
    match value {
        Value::Array(items) if !items.iter().all(Value::is_number) => {
            items.reverse();
            items.iter_mut().for_each(turn);
        }
        Value::Object(fields) => fields.values_mut().for_each(turn),
        _ => {}
    }
}

/// Pseudonyms change nothing of what is judged.
#[test]
fn redaction_changes_no_verdict_cause_or_path() {
    let differences: Vec<String> = incidents()
        .iter()
        .flat_map(|incident| support::redaction::differences(&incident.scenario))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What was wrong with an account in one partition is wrong with it in another.
#[test]
fn partitions_differ_in_names_only() {
    for Incident { name, scenario, .. } in incidents() {
        let here = &scenario.scope.region;
        let text = serde_json::to_string(&(&scenario.scope, &scenario.facts)).unwrap();
        for (region, partition, suffix, dual_stack) in [
            ("cn-north-1", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com", "api.aws"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"),
        ] {
            // Hosts and zones change their suffix; services, as principals, keep it.
            let mut text = text
                .replace(&format!("{here}.api.aws"), &format!("{here}.{dual_stack}"))
                .replace("arn:aws:", &format!("arn:{partition}:"));
            for before in [&format!("{here}."), "\"", "*."] {
                let found = format!("{before}{}", here.dns_suffix());
                text = text.replace(&found, &format!("{before}{suffix}"));
            }
            let text = text.replace(here.as_str(), region);
            let (scope, facts) = serde_json::from_str(&text).unwrap();
            let moved = Scenario { scope, facts, ..scenario.clone() };
            assert_eq!(outline(&judge(&moved)), outline(&judge(scenario)), "{name} in {region}");
        }
    }
}

/// The verdict and what each check says to it.
fn outline(diagnosis: &Diagnosis) -> (&'static str, Vec<String>, BTreeMap<String, &'static str>) {
    let causes = diagnosis.causes.iter().map(|it| it.name()).collect();
    let checks = diagnosis.findings.iter().map(|it| (it.check.name(), kind(&it.answer))).collect();
    (diagnosis.overall.as_str(), causes, checks)
}

/// A incident that contradicts itself proves nothing.
#[test]
fn incidents_do_not_contradict_themselves() {
    let baselines = names(&folder().join("baselines"));
    let baselines = baselines.iter().map(|it| scenario(it, &folder().join("baselines").join(it)));
    let scenarios = baselines.chain(incidents().iter().map(|it| it.scenario.clone()));
    let wrong: Vec<_> = scenarios.flat_map(|it| possible::contradictions(&it)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
