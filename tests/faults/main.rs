//! Every fault between the doctor and AWS, in every answer of every account that `tests/aws` builds.
//!
//! The collection runs in this process, with the real SDK; only the connection below it is ours (`replay.rs`). The
//! server of `tests/aws` answers each question once per account. The SDK waits a hundredth of the usual time before it
//! repeats a call, and does not wait for an answer that does not come.
//!
//! What must hold, whatever the fault is:
//! - nothing panics, and the collection ends before its deadline;
//! - no question is asked without end;
//! - a session that can start is never reported as blocked, nor the reverse. Unknown is always right;
//! - no check passes that failed, nor the reverse;
//! - if a check is unknown because of the fault, the report names the call that was refused;
//! - a fault that a retry or the next page overcomes changes nothing.
//!
//! A field that is missing says to every client that there is no such thing, so that only the first two hold.
//!
//! `SSM_DOCTOR_FAULTS=all` runs everything, which takes hours; without it a few accounts are sampled.
//! `SSM_DOCTOR_FAULTS=NUMBER` runs every fault in so many accounts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

#[allow(dead_code, reason = "shared with `tests/aws`")]
#[path = "../aws/bench.rs"]
mod bench;
#[allow(dead_code, unused_imports, reason = "the binary uses all of it, and tests it")]
#[path = "../../src/collect/mod.rs"]
mod collect;
mod fault;
#[path = "../packages.rs"]
mod packages;
mod replay;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sts::config::{
    AsyncSleep, Credentials, SharedAsyncSleep, SharedCredentialsProvider, Sleep,
};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use serde_json::{Value, json};
use ssm_doctor_analysis::{
    answer::{Answer, Verdict},
    case::Case,
};
use ssm_doctor_checks::engine::diagnosis::{Overall, diagnose, examine};
use ssm_doctor_facts::{
    ids::Target,
    lookup::{Facts, Gap},
    scope::{Client, Scope, Session, Sides},
    time::Timestamp,
};

use bench::{Bench, http};
use collect::{
    Stop,
    aws::{Account, retries, timeouts},
    gather,
    workstation::Setup,
};
use fault::{Aim, Fault, Kind};
use packages::Outcome;
use replay::{Recording, ReplayClient};

static BENCH: LazyLock<Result<Bench, String>> = LazyLock::new(|| {
    Bench::start().map_err(|error| format!("the test bench did not start: {error}"))
});

/// Divides the time that the SDK waits before it repeats a call.
const HASTE: u32 = 100;
/// The SDK sleeps as long as this, or longer, for its time limits only. These stay as they are.
const ATTEMPT: Duration = Duration::from_secs(15);
/// The default of `--timeout`.
const DEADLINE: Duration = Duration::from_secs(30);
/// Far beyond all retries of all pages.
const MOST_TIMES: u32 = 100;
/// Accounts of a sample.
const SAMPLE: [&str; 5] = [
    "healthy/private-endpoints",
    "broken/endpoint-sg-no-443",
    "healthy/kms-with-rights",
    "broken/hub-not-announced",
    "fleet/small",
];
/// Faults of a sample, in each account.
const SAMPLED: usize = 60;

static RUNS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// As in `cases.json`, of which only the account matters here.
#[derive(Deserialize)]
struct Described {
    name: String,
    world: String,
    #[serde(default)]
    breaks: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    faults: Vec<Value>,
    target: Option<String>,
    region: Option<String>,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(4);
    let asked = std::env::var("SSM_DOCTOR_FAULTS").ok();
    let mut all = match accounts() {
        Ok(all) => all,
        Err(error) => {
            eprintln!("tests/aws/cases.json: {error}");
            return ExitCode::FAILURE;
        }
    };
    let sampled = match asked.as_deref() {
        None => {
            all.retain(|one| SAMPLE.contains(&one.name.as_str()));
            Some(SAMPLED)
        }
        Some("all") => None,
        Some(number) => {
            all.truncate(number.parse().unwrap_or_default());
            None
        }
    };
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.with(|panics| panics.borrow_mut().push(info.to_string()));
        usual(info);
    }));
    let trials = (100_000_500_001_u64..).zip(all).map(|(account, described)| {
        Trial::test(described.name.clone(), move || {
            let bench = BENCH.as_ref().map_err(Failed::from)?;
            try_all(bench, account, &described, sampled)
                .map_err(|error| Failed::from(error.to_string()))
        })
    });
    let done = libtest_mimic::run(&arguments, trials.collect());
    println!("{} runs with a fault", RUNS.load(Ordering::Relaxed));
    done.exit_code()
}

/// Each account once, however many cases ask about it.
fn accounts() -> Outcome<Vec<Described>> {
    let mut all: Vec<Described> = serde_json::from_str(include_str!("../aws/cases.json"))?;
    all.retain(|case| case.faults.is_empty() && case.target.is_none() && case.region.is_none());
    for case in &mut all {
        // Time is of no interest here.
        case.breaks.retain(|one| one != "slow-answers");
    }
    let mut seen = BTreeSet::new();
    all.retain(|case| seen.insert((case.world.clone(), case.breaks.clone(), case.deny.clone())));
    let fleet = |name: &str, breaks: &str| Described {
        name: name.into(),
        world: "private-endpoints".into(),
        breaks: vec![breaks.into()],
        deny: Vec::new(),
        faults: Vec::new(),
        target: None,
        region: None,
    };
    all.extend([fleet("fleet/small", "small-fleet"), fleet("fleet/larger", "larger-fleet")]);
    Ok(all)
}

/// Whom to ask, and what about.
struct Place {
    world: Value,
    recording: Arc<Recording>,
    /// Every instance and node, of which the list is requested first.
    is_fleet: bool,
}

fn try_all(
    bench: &Bench,
    account: u64,
    described: &Described,
    sampled: Option<usize>,
) -> Outcome<()> {
    let world = bench.build(account, &described.world, &described.breaks)?;
    if !described.deny.is_empty() {
        let region = text(&world["region"]);
        let path = format!("/_test/state?account={account}&region={region}");
        http(bench.port, "PUT", &path, &json!({ "deny": described.deny }).to_string())?;
    }
    let is_fleet = described.name.starts_with("fleet/");
    let place = Place { world, recording: Recording::of(bench.port), is_fleet };
    let (usual, client) = place.run(None)?;
    let faults = faults(&client);
    let step = sampled.map_or(1, |most| faults.len().div_ceil(most));
    let mut complaints = Vec::new();
    for fault in faults.into_iter().step_by(step) {
        let said = match place.run(Some(fault.clone())) {
            Ok((seen, client)) if client.met() => compare(&fault, &usual, &seen, &client),
            Ok(_) => continue,
            Err(error) => vec![error.to_string()],
        };
        RUNS.fetch_add(1, Ordering::Relaxed);
        complaints.extend(said.into_iter().map(|what| format!("{fault:?}: {what}")));
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

/// Every fault in every question, and in every call that asks several.
fn faults(client: &ReplayClient) -> Vec<Fault> {
    let questions = client.questions();
    let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
    for question in &questions {
        *calls.entry(&question.call).or_default() += 1;
    }
    let mut faults = Vec::new();
    for kind in Kind::ALL {
        let aims: Vec<Aim> = match kind {
            Kind::Expired => (0..questions.len()).map(Aim::From).collect(),
            _ => questions
                .iter()
                .cloned()
                .map(Aim::Question)
                .chain(
                    calls
                        .iter()
                        .filter(|call| *call.1 > 1)
                        .map(|call| Aim::Call((*call.0).to_owned())),
                )
                .collect(),
        };
        faults.extend(aims.into_iter().map(|aim| Fault { kind, aim }));
    }
    faults
}

/// The result of a run, for each target.
type Seen = BTreeMap<Target, (Overall, Vec<(String, Answer)>)>;

impl Place {
    fn run(&self, fault: Option<Fault>) -> Outcome<(Seen, ReplayClient)> {
        let client = ReplayClient::new(&self.recording, fault);
        PANICS.with(|panics| panics.borrow_mut().clear());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seen = panic::catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let within = tokio::time::timeout(2 * DEADLINE, self.look(&client)).await;
                within.map_err(|_| "no end at the deadline")?
            })
        }));
        runtime.shutdown_background();
        let panics = PANICS.with(|panics| panics.borrow().join("; "));
        if !panics.is_empty() {
            return Err(format!("a panic: {panics}").into());
        }
        let seen: Outcome<Seen> = seen.map_err(|_| "a panic")?;
        Ok((seen?, client))
    }

    async fn look(&self, client: &ReplayClient) -> Outcome<Seen> {
        let account = Account::of(self.config(client), Setup::default(), false)?;
        let mut facts = Facts::default();
        let mut targets: Vec<Target> = vec![text(&self.world["target"]).to_owned().try_into()?];
        if self.is_fleet {
            // Without the list there is no fleet, and the run says so.
            let Ok(all) = account.inventory().await else { return Ok(Seen::new()) };
            targets = all.nodes.keys().cloned().collect();
            targets.extend(all.instances.keys().cloned().map(Target::Instance));
            targets.sort();
            targets.dedup();
            facts = all;
        }
        let at = now()?;
        let scope = |target: &Target| Scope {
            target: target.clone(),
            region: account.region().clone(),
            at,
            session: Session::default(),
            document: None,
            operator: None,
            client: Client::Declined,
            sides: Sides::Both,
            agent_log: false,
            probe: false,
            user_data: false,
            deep: false,
            error: None,
        };
        let scopes: Vec<Scope> = targets.iter().map(scope).collect();
        let gathered =
            gather(facts, &scopes, &account, DEADLINE, &Stop::never(), &mut |_| {}).await;
        let judged = scopes.iter().map(|scope| {
            let answers = examine(&Case::new(&gathered.facts, scope));
            let overall = diagnose(&answers).overall;
            let answers = answers.into_iter().map(|(check, answer)| (check.name(), answer));
            (scope.target.clone(), (overall, answers.collect()))
        });
        Ok(judged.collect())
    }

    fn config(&self, client: &ReplayClient) -> SdkConfig {
        let key = |name: &str| text(&self.world["operator_env"][name]).to_owned();
        let credentials = Credentials::new(
            key("AWS_ACCESS_KEY_ID"),
            key("AWS_SECRET_ACCESS_KEY"),
            None,
            None,
            "test",
        );
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::new(text(&self.world["region"]).to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url("http://127.0.0.1:1")
            .http_client(client.clone())
            .sleep_impl(SharedAsyncSleep::new(ShortSleep))
            .retry_config(retries())
            .timeout_config(timeouts())
            .build()
    }
}

/// Sleeps shortly between two attempts.
#[derive(Debug)]
struct ShortSleep;

impl AsyncSleep for ShortSleep {
    fn sleep(&self, duration: Duration) -> Sleep {
        let factor = if duration < ATTEMPT { HASTE } else { 1 };
        Sleep::new(tokio::time::sleep(duration / factor))
    }
}

fn now() -> Outcome<Timestamp> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Timestamp::from_second(i64::try_from(since.as_secs())?).ok_or("no such time")?)
}

/// What contradicts the run without a fault.
fn compare(fault: &Fault, usual: &Seen, seen: &Seen, client: &ReplayClient) -> Vec<String> {
    let mut complaints = Vec::new();
    if client.most() > MOST_TIMES {
        complaints.push(format!("one question was asked {} times", client.most()));
    }
    if !fault.kind.is_visible() {
        return complaints;
    }
    for (target, (overall, answers)) in seen {
        let Some((before, usually)) = usual.get(target) else {
            complaints.push(format!("{target} appears only with the fault"));
            continue;
        };
        if is_flip(*before, *overall) || fault.kind.is_overcome() && before != overall {
            complaints.push(format!("{target} was {before:?} and is {overall:?}"));
        }
        let mut lost = Vec::new();
        for ((check, answer), (_, usual)) in answers.iter().zip(usually) {
            match (usual, answer) {
                (Ok(Verdict::Pass(_)), Ok(Verdict::Fail(..)))
                | (Ok(Verdict::Fail(..)), Ok(Verdict::Pass(_))) => {
                    complaints.push(format!("{check} flips for {target}"));
                }
                (Ok(_), Err(unknown)) => lost.push((check, unknown)),
                _ => {}
            }
        }
        if fault.kind.is_overcome() && !lost.is_empty() {
            complaints.push(format!("{} is lost for {target}", lost[0].0));
        }
        let names = |call: &str| {
            lost.iter().any(|(_, unknown)| {
                unknown.gaps().any(
                    |gap| matches!(gap, Gap::Fact { need, .. } if need.actions().contains(&call)),
                )
            })
        };
        let call = match &fault.aim {
            Aim::Question(question) => Some(&question.call),
            Aim::Call(call) => Some(call),
            Aim::From(_) => None,
        };
        if let (Some(call), Some(first)) = (call, lost.first())
            && !names(call)
        {
            complaints.push(format!(
                "{} is unknown for {target}, without {call}: {:?}",
                first.0, first.1
            ));
        }
    }
    complaints
}

fn is_flip(before: Overall, after: Overall) -> bool {
    before == Overall::Blocked && after.can_start()
        || before.can_start() && after == Overall::Blocked
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
