//! The analysis of networks against packets walked one by one, over random networks.
//!
//! What holds: where the analysis says yes, every address that the name can lead to is reached, from
//! some ephemeral port at least; where it says no, none is, from any; unknown is always allowed, and
//! must be rare where everything can be seen. Where it says no, it blames what stops the packets first,
//! and each hop that it blames stops those that all others let pass. A fixed seed and a fixed number of
//! cases, more of them with `SSM_DOCTOR_CASES=1000000`, others with `SSM_DOCTOR_SEED=7`. Of what
//! disagrees, the smallest network is printed.
#![allow(
    clippy::match_wildcard_for_single_variants,
    clippy::needless_continue,
    clippy::option_option,
    clippy::redundant_iter_cloned,
    clippy::type_complexity,
    clippy::wrong_self_convention,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod networks;
mod reference;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use networks::Plan;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use reference::{Arrival, Healed, Hop, Judgement, judge};
use serde_json::Value;
use ssm_doctor_analysis::case::Case;
use ssm_doctor_analysis::{
    answer::Verdict,
    network::{
        hop::{HopKind, Reachable},
        path,
    },
};
use ssm_doctor_facts::{
    lookup::{Facts, Need, Unknown},
    scope::Scope,
};

/// Cases in an ordinary run: some seconds.
const CASES: u32 = 3000;
/// Of the networks in which everything decisive can be seen and points one way, the share of which the
/// analysis may still say that it does not know.
const UNDECIDED: f64 = 0.05;
/// Disagreements that are shrunk, to print one of each kind.
const SHRUNK: usize = 40;

fn setting(name: &str, usual: u32) -> u32 {
    std::env::var(name).map_or(usual, |it| it.parse().unwrap())
}

/// What the analysis says, or somebody in its place.
struct Answer {
    reachable: Reachable,
    /// That some connections will fail.
    in_part: bool,
    /// Which hops stop packets for certain, and which may.
    blamed: BTreeSet<Hop>,
    open: BTreeSet<Hop>,
    /// Did it follow the packets to the end? If not, others may stop them first.
    followed: bool,
    /// What it could not see.
    unknown: Vec<Unknown>,
    /// Its hops that are not in order, for reports.
    shown: Vec<String>,
}

type Solver = fn(&Facts, &Scope, &'static str) -> Answer;

/// The analysis. All that is known of its types here is in this function and the next.
fn analysis(facts: &Facts, scope: &Scope, service: &'static str) -> Answer {
    let path = path::path(&Case::new(facts, scope), service);
    let failed = || path.hops.iter().filter(|hop| matches!(hop.answer, Ok(Verdict::Fail(..))));
    let unknown = path.hops.iter().filter_map(|hop| hop.answer.clone().err());
    let open = path.hops.iter().filter(|hop| hop.answer.is_err());
    let odd = path.hops.iter().filter(|hop| !matches!(hop.answer, Ok(Verdict::Pass(_))));
    let shown = odd.map(|hop| format!("{:?} {} {:?}", hop.kind, hop.id, hop.answer));
    Answer {
        reachable: path.reachable(),
        in_part: failed()
            .any(|hop| matches!(hop.kind, HopKind::SomeReplies | HopKind::SomeAddresses)),
        blamed: failed().filter_map(|hop| hop_of(hop.kind)).collect(),
        open: open.filter_map(|hop| hop_of(hop.kind)).collect(),
        followed: path.unfollowed.is_none(),
        unknown: unknown.chain(path.unfollowed.clone()).collect(),
        shown: shown
            .chain(path.unfollowed.iter().map(|why| format!("not followed: {why:?}")))
            .collect(),
    }
}

/// The reference's word for a kind of hop; None for what stops nothing.
fn hop_of(kind: HopKind) -> Option<Hop> {
    Some(match kind {
        HopKind::NameQuery => Hop::DnsQuery,
        HopKind::VpcDns => Hop::VpcDns,
        HopKind::DnsFirewall => Hop::DnsFirewall,
        HopKind::ResolverRule => Hop::ResolverRule,
        HopKind::HostedZone => Hop::HostedZone,
        HopKind::PrivateDns => Hop::PrivateDns,
        HopKind::InstanceGroup => Hop::SecurityGroup,
        HopKind::Acl => Hop::NetworkAcl,
        HopKind::Route => Hop::Route,
        HopKind::NextHop => Hop::RouteTarget,
        HopKind::Firewall => Hop::NetworkFirewall,
        HopKind::InternetGateway => Hop::InternetGateway,
        HopKind::PublicAccess => Hop::PublicAccessBlock,
        HopKind::PublicAddress => Hop::PublicAddress,
        HopKind::NatGateway => Hop::NatGateway,
        HopKind::NatInstance => Hop::NatInstance,
        HopKind::Peering => Hop::Peering,
        HopKind::TransitGateway => Hop::TransitGateway,
        HopKind::TransitRoute => Hop::TransitGatewayRoute,
        HopKind::AddressType => Hop::AddressFamily,
        HopKind::Endpoint => Hop::Endpoint,
        HopKind::EndpointGroup => Hop::EndpointSecurityGroup,
        HopKind::NameServer
        | HopKind::SomeReplies
        | HopKind::SomeAddresses
        | HopKind::Appliance => return None,
    })
}

#[derive(Default)]
struct Census {
    cases: u32,
    packets: usize,
    answers: BTreeMap<&'static str, u32>,
    /// Networks that are decided, and those of them that the analysis leaves open.
    decided: u32,
    undecided: u32,
    /// Why it leaves them open.
    open: BTreeMap<String, u32>,
    disagreements: BTreeMap<&'static str, u32>,
    /// Networks in which it says no and leaves open what stops packets first.
    left_open: u32,
    /// Networks in which the analysis says no, by what it blames.
    blamed: BTreeMap<Hop, u32>,
    /// One of each kind, as small as it gets.
    shown: BTreeMap<String, String>,
    /// What the analysis asks for and no network answers.
    unasked: BTreeSet<Need>,
    elapsed: Duration,
}

/// Why the answer and the packets cannot both be right.
fn disagreement(answer: &Answer, packets: &Judgement) -> Option<&'static str> {
    match (answer.reachable, packets.arrival) {
        (Reachable::Yes, Arrival::Nowhere) => Some("yes, and no packet arrives"),
        // Whichever interface the system uses, one of several addresses answers.
        (Reachable::Yes, Arrival::Uncertain)
            if answer.in_part
                && packets.readings.iter().all(|it| it.iter().any(|it| !it.passes.is_empty())) =>
        {
            None
        }
        (Reachable::Yes, Arrival::Uncertain) => {
            Some("yes, and not every packet arrives for certain")
        }
        (Reachable::Yes, Arrival::InPart) if !answer.in_part => {
            Some("yes, and not a word of the endpoint's interfaces that are out of reach")
        }
        (Reachable::Yes, Arrival::Everywhere) if packets.in_part && !answer.in_part => {
            Some("yes, and not a word of the ports that are dropped")
        }
        (Reachable::Yes, Arrival::Everywhere) if answer.in_part && !packets.may_be_in_part => {
            Some("yes in part, and every packet arrives")
        }
        (Reachable::No, Arrival::Everywhere) => Some("no, and packets arrive everywhere"),
        (Reachable::No, Arrival::InPart | Arrival::Uncertain) => {
            Some("no, and not every packet is dropped for certain")
        }
        _ => None,
    }
}

/// Whether the analysis blames what stops the packets.
fn misplaced_blame(
    answer: &Answer,
    packets: &Judgement,
    with: impl Fn(&Healed) -> Judgement,
) -> Option<&'static str> {
    let both = answer.reachable == Reachable::No && packets.arrival == Arrival::Nowhere;
    if !both || !answer.followed {
        return None;
    }
    // Of a hop that it leaves open it does not know for certain.
    let said = answer.blamed.union(&answer.open).copied().collect();
    if packets.first.iter().all(|stops| stops.is_disjoint(&said)) {
        return Some("no, and another hop than those blamed stops packets first");
    }
    // With all others healed, the hop still stops some packets: itself, or what comes before it does.
    let needed = |hop: &Hop| {
        let mut healed = answer.blamed.clone();
        healed.remove(hop);
        loop {
            let first = with(&healed).first;
            if first.is_empty() || first.iter().any(|stops| stops.contains(hop)) {
                return !first.is_empty();
            }
            let known = healed.len();
            healed.extend(first.into_iter().flatten());
            if healed.len() == known {
                return false;
            }
        }
    };
    if !answer.blamed.iter().all(needed) {
        return Some("no, and a hop is blamed that stops no packet");
    }
    None
}

/// A network, and what both sides say of it.
struct Comparison {
    facts: Value,
    answer: Answer,
    packets: Judgement,
    disagreement: Option<&'static str>,
}

fn compare(plan: &Plan, solver: Solver) -> Comparison {
    let value = plan.facts();
    let (facts, scope) = networks::read(&value);
    let with = |healed: &Healed| judge(&facts, &scope, plan.service, healed);
    let packets = with(&Healed::new());
    let answer = solver(&facts, &scope, plan.service);
    let disagreement =
        disagreement(&answer, &packets).or_else(|| misplaced_blame(&answer, &packets, with));
    Comparison { facts: value, answer, packets, disagreement }
}

fn census(cases: u32, solver: Solver) -> Census {
    let started = Instant::now();
    let seed = setting("SSM_DOCTOR_SEED", 1).to_le_bytes().repeat(8);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = networks::plan();
    let mut census = Census::default();
    let mut shrunk = 0;
    for _ in 0..cases {
        let mut tree = strategy.new_tree(&mut runner).unwrap();
        let Comparison { facts, answer, packets, disagreement } = compare(&tree.current(), solver);
        census.cases += 1;
        census.packets += packets.packets;
        *census.answers.entry(word(answer.reachable)).or_default() += 1;
        let decided = matches!(packets.arrival, Arrival::Everywhere | Arrival::Nowhere);
        if decided && packets.clear && networks::in_sight(&facts) {
            census.decided += 1;
            if let (Reachable::Unknown, Some(why)) = (answer.reachable, answer.unknown.first()) {
                census.undecided += 1;
                *census.open.entry(format!("{why:?}")).or_default() += 1;
            }
        }
        if answer.reachable == Reachable::No {
            let blamed = |stops: &BTreeSet<Hop>| !stops.is_disjoint(&answer.blamed);
            census.left_open += u32::from(!packets.first.iter().any(blamed));
            for hop in &answer.blamed {
                *census.blamed.entry(*hop).or_default() += 1;
            }
        }
        census.unasked.extend(answer.unknown.into_iter().flat_map(Unknown::unasked));
        let Some(kind) = disagreement else { continue };
        *census.disagreements.entry(kind).or_default() += 1;
        if shrunk < SHRUNK {
            shrunk += 1;
            let plan = smallest(&mut tree, kind, solver);
            let (signature, report) = report(&plan, solver);
            census.shown.insert(signature, report);
        }
    }
    census.elapsed = started.elapsed();
    census
}

/// Proptest's shrinking, as far as the disagreement stays the same.
fn smallest(tree: &mut dyn ValueTree<Value = Plan>, kind: &'static str, solver: Solver) -> Plan {
    let mut best = tree.current();
    let mut moves = tree.simplify();
    while moves {
        let plan = tree.current();
        if compare(&plan, solver).disagreement == Some(kind) {
            best = plan;
            moves = tree.simplify();
        } else {
            moves = tree.complicate();
        }
    }
    best
}

/// The plan that every other one shrinks to.
fn healthiest() -> Plan {
    let mut tree = networks::plan().new_tree(&mut TestRunner::deterministic()).unwrap();
    while tree.simplify() {}
    tree.current()
}

/// Where `b` is not as `a`, with what stands there.
fn differences(a: &Value, b: &Value) -> Vec<String> {
    let keys: BTreeSet<String> = match (a, b) {
        (Value::Object(a), Value::Object(b)) => a.keys().chain(b.keys()).cloned().collect(),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            (0..a.len()).map(|it| it.to_string()).collect()
        }
        _ if a == b => return Vec::new(),
        _ => return vec![format!(": {b}")],
    };
    let at = |value: &Value, key: &str| match value {
        Value::Array(all) => all[key.parse::<usize>().unwrap()].clone(),
        _ => value[key].clone(),
    };
    let below = |key: String| {
        let more = differences(&at(a, &key), &at(b, &key));
        more.into_iter().map(move |it| format!(" {key}{it}"))
    };
    keys.into_iter().flat_map(below).collect()
}

fn word(answer: Reachable) -> &'static str {
    match answer {
        Reachable::Yes => "yes",
        Reachable::No => "no",
        Reachable::Unknown => "unknown",
    }
}

/// What the two sides say: first without names and addresses, then in full.
fn report(plan: &Plan, solver: Solver) -> (String, String) {
    use std::fmt::Write;
    let Comparison { facts, answer, packets, disagreement } = compare(plan, solver);
    let head = format!("{}: {} ({disagreement:?})", plan.service, word(answer.reachable));
    let (mut signature, mut text) = (head.clone(), format!("{head}\n"));
    for line in differences(&healthiest().facts(), &facts) {
        writeln!(text, "  {line}").unwrap();
    }
    for shown in &answer.shown {
        writeln!(text, "  analysis: {shown}").unwrap();
    }
    writeln!(text, "  analysis blames {:?}", answer.blamed).unwrap();
    writeln!(text, "  stops packets first: {:?}", packets.first).unwrap();
    write!(signature, " {:?} {:?}", answer.blamed, packets.first).unwrap();
    for (at, reading) in packets.readings.iter().enumerate() {
        writeln!(text, "  packets, reading {at}:").unwrap();
        let mut fates = Vec::new();
        for attempt in reading {
            if !fates.contains(&attempt.because) {
                fates.push(attempt.because);
                writeln!(text, "    {attempt}").unwrap();
            }
        }
    }
    (signature, text)
}

impl Census {
    fn print(&self) {
        let per_second = f64::from(self.cases) / self.elapsed.as_secs_f64();
        println!(
            "{} networks in {:.1?} ({per_second:.0} per second), {} packets",
            self.cases, self.elapsed, self.packets
        );
        for (word, count) in &self.answers {
            println!("  {word}: {:.1} %", 100.0 * f64::from(*count) / f64::from(self.cases));
        }
        println!(
            "  decided by the packets: {}, of these unknown to the analysis: {}",
            self.decided, self.undecided
        );
        for (why, count) in &self.open {
            println!("    {count}: {why}");
        }
        println!("  blamed: {:?}", self.blamed);
        println!("  what stops packets first is left open: {}", self.left_open);
        println!("  disagreements: {:?}", self.disagreements);
        println!("  requested and not known: {:?}", self.unasked);
        for shown in self.shown.values() {
            println!("{shown}");
        }
    }

    fn undecided(&self) -> f64 {
        f64::from(self.undecided) / f64::from(self.decided)
    }

    fn holds(&self) -> bool {
        self.disagreements.is_empty() && self.undecided() <= UNDECIDED
    }
}

#[test]
fn the_analysis_agrees_with_the_packets() {
    let census = census(setting("SSM_DOCTOR_CASES", CASES), analysis);
    census.print();
    // Neither answer may be so rare that agreeing on it means nothing.
    for word in ["yes", "no"] {
        let share = census.answers.get(word).copied().unwrap_or_default() * 12 / census.cases;
        assert!(share >= 1, "hardly any network is {word}");
    }
    assert!(
        census.undecided() <= UNDECIDED,
        "{} of {} left open",
        census.undecided,
        census.decided
    );
    assert!(census.unasked.is_empty(), "the networks lack {:?}", census.unasked);
    assert!(census.disagreements.is_empty(), "{:?}", census.disagreements);
}

/// A test that every solver passes shows nothing.
#[test]
fn an_answer_without_looking_is_found_out() {
    fn says(reachable: Reachable) -> Answer {
        Answer {
            reachable,
            in_part: true,
            blamed: BTreeSet::new(),
            open: BTreeSet::new(),
            followed: true,
            unknown: vec![Unknown::limit("nothing")],
            shown: Vec::new(),
        }
    }
    let liars: [Solver; 3] = [
        |_, _, _| says(Reachable::Yes),
        |_, _, _| says(Reachable::No),
        |_, _, _| says(Reachable::Unknown),
    ];
    for liar in liars {
        assert!(!census(300, liar).holds());
    }
}
