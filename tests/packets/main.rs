//! Real packets: VPCs built from the same facts in network namespaces, and TCP connections in them.
//!
//! Three parties have to agree: the kernel, the reference that the solver is held to in `tests/reach`,
//! and the solver. The cases are networks of the doctor's own with one thing changed, each with what AWS
//! documents of it, and random networks in which everything decisive can be seen.
//!
//! It takes root, iproute2 and nftables. On a machine where network namespaces are impossible set
//! `SSM_DOCTOR_NO_NAMESPACES=1`, and the cases are reported as ignored. `SSM_DOCTOR_LABS=200` tries
//! more random networks.
#![allow(
    clippy::match_wildcard_for_single_variants,
    clippy::needless_continue,
    clippy::option_option,
    clippy::redundant_iter_cloned,
    clippy::wrong_self_convention,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod cases;
mod lab;
#[path = "../reach/networks/mod.rs"]
mod networks;
#[path = "../reach/reference/mod.rs"]
mod reference;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    time::Duration,
};

use lab::Lab;
use libtest_mimic::{Arguments, Failed, Trial};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use reference::{Arrival, Attempt, Goal, Healed, Judgement, judge, port_classes};
use ssm_doctor_analysis::case::Case;
use ssm_doctor_analysis::network::{hop::HopKind, hop::Reachable, path};
use ssm_doctor_facts::{
    ec2::{BlockMode, NatGateway, PublicAccessBlock},
    lookup::{Facts, Row},
    scope::Scope,
};

/// Random networks in an ordinary run.
const LABS: usize = 12;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [_, "--listen"] => return listen(),
        [_, "--connect", to, port, patience] => return connect(to, port, patience),
        _ => {}
    }
    let mut arguments = Arguments::from_args();
    // They wait more than they work.
    arguments.test_threads.get_or_insert(6);
    let ignored = std::env::var_os("SSM_DOCTOR_NO_NAMESPACES").is_some();
    if !ignored && !arguments.list {
        if let Some(missing) = lab::missing() {
            eprintln!("error: {missing}\nwhere that is impossible, set SSM_DOCTOR_NO_NAMESPACES=1");
            return ExitCode::FAILURE;
        }
        lab::sweep();
    }
    let documented = cases::all().into_iter().map(|case| {
        Trial::test(case.name.replace(' ', "-"), move || {
            let (facts, scope) = case.scenario();
            Ok(agree(case.short, &facts, &scope, case.service, Some(case.arrival))?)
        })
    });
    let random = random(setting("SSM_DOCTOR_LABS", LABS)).into_iter().enumerate();
    let random = random.map(|(at, plan)| {
        Trial::test(format!("random-{at}"), move || {
            let (facts, scope) = networks::read(&plan.facts());
            agree(&format!("r{at}"), &facts, &scope, plan.service, None)
                .map_err(|error| Failed::from(format!("{error}\n{}", plan.facts())))
        })
    });
    let trials = documented.chain(random).map(|it| it.with_ignored_flag(ignored)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |it| it.parse().unwrap())
}

/// Random networks that the reference is sure of, half of them with a way and half without.
fn random(count: usize) -> Vec<networks::Plan> {
    let mut runner = TestRunner::deterministic();
    let strategy = networks::plan();
    let mut found = Vec::new();
    let mut left = [count.div_ceil(2), count / 2];
    while left != [0, 0] {
        let plan = strategy.new_tree(&mut runner).unwrap().current();
        let (facts, scope) = networks::read(&plan.facts());
        let judgement = judge(&facts, &scope, plan.service, &Healed::new());
        let attempted = judgement.readings.iter().flatten().next().is_some();
        // One VPC is built.
        let hub = |attempt: &Attempt| matches!(attempt.to, Goal::Hub { .. });
        let attempted = attempted && !judgement.readings.iter().flatten().any(hub);
        // Of some things AWS says what comes of them, and not how.
        let zonal = |row: &Row<NatGateway>| matches!(row, Row::Present(it) if it.subnet.is_some());
        let open = |row: &Row<PublicAccessBlock>| matches!(row, Row::Present(it) if it.mode == BlockMode::Off);
        let buildable = attempted
            && facts.nat_gateways.values().all(zonal)
            && facts.public_access_blocks.values().all(open);
        let kind = usize::from(judgement.arrival == Arrival::Nowhere);
        if networks::in_sight(&plan.facts()) && judgement.clear && buildable && left[kind] > 0 {
            left[kind] -= 1;
            found.push(plan);
        }
    }
    found
}

/// Builds the network, and holds kernel, reference and solver against each other.
fn agree(
    name: &str,
    facts: &Facts,
    scope: &Scope,
    service: &'static str,
    documented: Option<Arrival>,
) -> Result<(), String> {
    let judgement = judge(facts, scope, service, &Healed::new());
    let translated = port_classes(facts, &(1024..=65535));
    if let Some(documented) = documented
        && judgement.arrival != documented
    {
        return Err(format!("the reference says {:?}, AWS {documented:?}", judgement.arrival));
    }
    let attempts = sample(&judgement);
    let services = attempts.iter().filter_map(|it| match it.to {
        Goal::Service(address) => Some(address),
        _ => None,
    });
    let services: BTreeSet<IpAddr> = services.collect();
    let lab = Lab::new(name, facts, scope, &services)?;
    for attempt in &attempts {
        let ports = some_ports(attempt);
        for (port, expected) in ports {
            let arrived = arrives(&lab, &translated, attempt, port, expected)?;
            if arrived != expected {
                let word = if arrived { "arrives" } else { "is dropped" };
                return Err(format!(
                    "from port {port} it {word}, and the reference says of {attempt}"
                ));
            }
        }
    }
    let path = path::path(&Case::new(facts, scope), service);
    let answer = path.reachable();
    let right = match answer {
        // Some of several addresses is enough, and the solver says which are lost.
        Reachable::Yes
            if path
                .hops
                .iter()
                .any(|it| matches!(it.kind, HopKind::SomeReplies | HopKind::SomeAddresses)) =>
        {
            matches!(judgement.arrival, Arrival::Everywhere | Arrival::InPart)
        }
        Reachable::Yes => judgement.arrival == Arrival::Everywhere,
        Reachable::No => judgement.arrival == Arrival::Nowhere,
        // Of what is documented and all in sight the solver has to be sure.
        Reachable::Unknown => {
            documented.is_none() || !judgement.clear || judgement.arrival == Arrival::Uncertain
        }
    };
    if right {
        Ok(())
    } else {
        Err(format!("the packets say {:?}, the solver {answer:?}: {path:?}", judgement.arrival))
    }
}

/// A few attempts of each fate.
fn sample(judgement: &Judgement) -> Vec<&Attempt> {
    let mut taken: Vec<&Attempt> = Vec::new();
    for attempt in judgement.readings.iter().flatten() {
        // Nobody can build an endpoint that is out of service, and the kernel does no NAT64.
        let nat64 =
            matches!(attempt.to.address(), IpAddr::V6(it) if it.segments()[..2] == [0x64, 0xff9b]);
        if nat64 || matches!(attempt.to, Goal::Dead(..)) || !attempt.unclear.is_empty() {
            continue;
        }
        let same =
            taken.iter().filter(|it| it.because == attempt.because && it.from == attempt.from);
        if same.count() < 2 {
            taken.push(attempt);
        }
    }
    taken
}

/// The first and the last port of each fate, and the fate.
fn some_ports(attempt: &Attempt) -> BTreeSet<(u16, bool)> {
    let ends = |ports: &[u16], passes| {
        let ends = [ports.first().copied(), ports.last().copied()];
        ends.into_iter().flatten().map(move |it| (it, passes)).collect::<Vec<_>>()
    };
    ends(&attempt.passes, true).into_iter().chain(ends(&attempt.dropped, false)).collect()
}

/// From some port of the NAT gateways, if there are any: it may take whichever it likes. Who should
/// arrive is given time, so that a slow machine fails nobody.
fn arrives(
    lab: &Lab,
    ports: &BTreeSet<u16>,
    attempt: &Attempt,
    port: u16,
    expected: bool,
) -> Result<bool, String> {
    let patience: &[u64] = if expected { &[300, 3000] } else { &[300] };
    let translated =
        if lab.translates() { ports.iter().copied().map(Some).collect() } else { vec![None] };
    for patience in patience {
        for translated in &translated {
            if let Some(translated) = translated {
                lab.translate_all(*translated)?;
            }
            let patience = Duration::from_millis(*patience);
            if lab.connects(attempt.from, attempt.to.address(), port, patience)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

// ---------------------------------------------------------------- inside a namespace

/// Answers every connection to port 443 with a byte, until our parent is gone.
fn listen() -> ExitCode {
    let listener = TcpListener::bind("[::]:443").unwrap();
    println!("ready");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"!");
        }
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    ExitCode::SUCCESS
}

/// Connects from the one source port, and reads the byte.
fn connect(to: &str, port: &str, patience: &str) -> ExitCode {
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", format!("{port} {port}")).unwrap();
    let patience = Duration::from_millis(patience.parse().unwrap());
    let to = SocketAddr::new(to.parse().unwrap(), 443);
    let arrived = TcpStream::connect_timeout(&to, patience).is_ok_and(|mut stream| {
        let _ = stream.set_read_timeout(Some(patience));
        // To the end, so that it is the other side that closes, and the port is free again.
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).is_ok() && answer == b"!"
    });
    println!("{}", if arrived { "arrived" } else { "dropped" });
    ExitCode::SUCCESS
}
