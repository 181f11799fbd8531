//! A diagnosis of a real account: the one place that waits.

pub mod error;
pub mod fleet;

use std::io::{self, IsTerminal as _, Write as _};

use ssm_doctor_analysis::{case::Case, session};
use ssm_doctor_checks::engine::procedure::start_session;
use ssm_doctor_facts::{
    ids::{Arn, Region, Target},
    lookup::{Facts, Need, Ourselves, Row, Why},
    scope::{Client, ErrorText, Scope, Session, Sides},
    time::Timestamp,
};
use tokio::time::{Instant, sleep};

use self::error::LiveError;
use crate::{
    cli::Diagnose,
    collect::{Stop, ask, aws::Account, gather, our_account, workstation::Setup},
    config::Config,
    failure::Failure,
    judge::line,
    node::FromNode,
    picker,
    publish::{Sink, beside},
    render::safe::shown,
    report::Report,
    report_options::{error_text, load_gate, report_on, reported},
    snapshot::Snapshot,
    targets::{Asked, candidates, select},
    usage::UsageError,
    wait::{self, Heartbeat, Outlook},
};

/// Collects, judges and reports.
pub fn diagnose(args: &Diagnose, asked: &[Asked], config: &Config) -> Result<u8, Failure> {
    if asked.is_empty() && args.tag.is_empty() && !picker::is_possible() {
        return Err(UsageError::NothingAsked.into());
    }
    let sink = Sink::open(&args.report)?;
    let gate = load_gate(&args.report, config)?;
    let error = error_text(args)?;
    let mut missing = Vec::new();
    let (snapshots, reports) = waited(look(args, asked, error, config, &mut missing))?;
    let can_start = reports.iter().all(|report| report.diagnosis.overall.can_start());
    let (mut shown, mut published) = (Vec::new(), Vec::new());
    for (snapshot, report) in snapshots.into_iter().zip(reports) {
        let (snapshot, report) = reported(snapshot, &gate, &args.report, |snapshot| {
            if args.report.redact {
                report_on(snapshot, &args.report, args.session, config)
            } else {
                report
            }
        })?;
        shown.push(snapshot);
        published.push(report);
    }
    let code = sink.publish(&args.report, &published, &shown)?;
    if args.wait.is_some() && can_start && !args.report.redact {
        for snapshot in &shown {
            let start = start_session(&Case::new(&snapshot.facts, &snapshot.scope));
            note(&format!("start the session: {}", start.line(args.report.shell.into())));
        }
    }
    Ok(beside(code, &missing))
}

/// Waits for `work`, or until the user interrupts it.
fn waited<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Err(LiveError::Interrupted.into()),
        }
    })
}

fn runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(LiveError::Runtime)?;
    let done = runtime.block_on(work);
    // A resolver thread that still waits for DNS must not hold up the report.
    runtime.shutdown_background();
    done
}

/// Looks once; with `--wait`, until a session can start to every target or the time is up. Adds to `missing` the names
/// that nothing answers to.
async fn look(
    args: &Diagnose,
    asked: &[Asked],
    error: Option<ErrorText>,
    config: &Config,
    missing: &mut Vec<UsageError>,
) -> Result<(Vec<Snapshot>, Vec<Report>), Failure> {
    let mut progress = Progress::new();
    progress.say("finding credentials");
    let profile = args.profile.as_deref().or(config.profile());
    let region = region_of(args, asked)?;
    let region = region.as_ref().map(Region::as_str).or(config.region());
    let here = Setup {
        profile_flag: args.profile.clone(),
        profile: profile.map(str::to_owned),
        resolver: args.resolver,
        ..Setup::default()
    };
    let account = Account::connect(region, here).await.map_err(LiveError::from)?;
    // The list of targets is drawn in the same line.
    progress.say("");
    let (targets, listed) = meant(args, asked, &account, missing).await?;
    let from_node = FromNode::of(args, &targets)?;
    let started = Instant::now();
    let mut heartbeat = Heartbeat::default();
    let mut spent = 0;
    // Facts that are not asked for again: what was listed and, during a wait, what earlier looks found. A wait ends
    // with a look that asks for everything.
    let (mut known, mut is_partial) = (listed, false);
    loop {
        let first = Scope {
            target: targets.first().cloned().ok_or(UsageError::NothingAsked)?,
            region: account.region().clone(),
            at: now()?,
            session: args.session.unwrap_or_default(),
            document: args.document.clone(),
            operator: args.operator.clone(),
            client: client(args),
            sides: Sides::Both,
            agent_log: false,
            probe: false,
            user_data: args.user_data,
            deep: args.deep,
            error: error.clone(),
        };
        let mut facts = std::mem::take(&mut known);
        let mut session = first.session;
        // A document says by itself what kind of session is meant.
        if let (None, Some(name)) = (args.session, &args.document) {
            let need = Need::document(name.clone());
            if !session::is_owned_by_aws(name) && !facts.has(&need) {
                facts.absorb(ask(need, &account, &first, args.timeout).await);
            }
            session = session::opens(name, &facts).unwrap_or_default();
        }
        let scope = |target: &Target| Scope { target: target.clone(), session, ..first.clone() };
        let mut main: Vec<Scope> = targets.iter().map(scope).collect();
        if let [scope] = main.as_mut_slice() {
            from_node.add_to(scope, &mut facts);
        }
        let mut scopes = main.clone();
        if args.session.is_none() {
            let others = Session::ALL.into_iter().filter(|it| *it != session);
            scopes.extend(
                others.flat_map(|session| main.iter().map(move |scope| scope.for_session(session))),
            );
        }
        let stop = Stop::never();
        let gathered = gather(facts, &scopes, &account, args.timeout, &stop, &mut |calls| {
            progress.say(&format!("asking {calls}"));
        })
        .await;
        check_access(args, asked, &account, &gathered.facts)?;
        let calls = gathered.calls.saturating_sub(spent);
        spent = gathered.calls;
        let snapshots = match main.as_slice() {
            [scope] => vec![Snapshot {
                scope: scope.clone(),
                facts: gathered.facts,
                calls,
                rounds: gathered.rounds,
            }],
            several => line::apart(several, &gathered.facts, calls, gathered.rounds),
        };
        let reports: Vec<Report> = snapshots
            .iter()
            .map(|snapshot| report_on(snapshot, &args.report, args.session, config))
            .collect();
        let Some(most) = args.wait else { return Ok((snapshots, reports)) };
        let since = started.elapsed();
        let left = most.saturating_sub(since);
        // Of several targets the first that cannot start a session decides what is waited for.
        let open = reports.iter().position(|report| !report.diagnosis.overall.can_start());
        let open = open.unwrap_or(0);
        let (Some(report), Some(snapshot)) = (reports.get(open), snapshots.get(open)) else {
            return Ok((snapshots, reports));
        };
        let outlook = wait::outlook(&report.diagnosis, &snapshot.facts, since);
        match &outlook {
            Outlook::WaitFor(awaited) if !left.is_zero() => {
                if let Some(line) = heartbeat.line(awaited, since, most, progress.on) {
                    progress.beat(&line);
                }
                sleep(wait::pause(since, &snapshot.facts).min(left)).await;
                for snapshot in &snapshots {
                    known.absorb(wait::lasting(&snapshot.facts, since));
                }
                is_partial = true;
            }
            // Facts of an earlier look decide nothing.
            _ if is_partial => is_partial = false,
            _ => {
                drop(progress);
                if let Some(says) = wait::ending(&outlook) {
                    note(&says);
                }
                return Ok((snapshots, reports));
            }
        }
    }
}

/// The Region that the targets' ARNs or the command line name.
fn region_of(args: &Diagnose, asked: &[Asked]) -> Result<Option<Region>, UsageError> {
    let mut region = args.region.clone();
    for word in asked {
        let Asked::Id { region: Some(found), arn: Some(arn), .. } = word else { continue };
        let known = region.get_or_insert_with(|| found.clone());
        if known != found {
            return Err(UsageError::TwoRegions {
                asked: arn.to_string(),
                arn: found.to_string(),
                region: known.to_string(),
            });
        }
    }
    Ok(region)
}

/// The targets that are meant, and what a list of all instances showed of them, if one was needed.
async fn meant(
    args: &Diagnose,
    asked: &[Asked],
    account: &Account,
    missing: &mut Vec<UsageError>,
) -> Result<(Vec<Target>, Facts), Failure> {
    let names_none = asked.is_empty() && args.tag.is_empty();
    if !names_none && args.tag.is_empty() && !asked.iter().any(Asked::is_description) {
        return Ok((select(asked, &[], &[], missing)?, Facts::default()));
    }
    let all = list(account).await?;
    let candidates = candidates(&all);
    let chosen = if names_none {
        vec![picker::pick(&candidates)?]
    } else {
        select(asked, &args.tag, &candidates, missing)?
    };
    let known = about(&chosen, &all);
    Ok((chosen, known))
}

/// Every instance and node.
async fn list(account: &Account) -> Result<Facts, LiveError> {
    account.inventory().await.map_err(|failure| match account.rejected() {
        Some(words) => LiveError::Rejected(words.to_owned()),
        None => LiveError::NoList(failure.to_string()),
    })
}

/// The listed rows of `targets` alone.
fn about(targets: &[Target], all: &Facts) -> Facts {
    let mut facts = Facts::default();
    for target in targets {
        let mut needs = vec![Need::node(target.clone())];
        if let Some(id) = target.instance() {
            needs.extend([Need::instance(id.clone()), Need::instance_status(id.clone())]);
        }
        for need in &needs {
            facts.copy_from(all, need);
        }
    }
    facts
}

/// Nothing can be judged with credentials that AWS rejects, for an operator who does not exist, or in another account.
fn check_access(
    args: &Diagnose,
    asked: &[Asked],
    account: &Account,
    facts: &Facts,
) -> Result<(), LiveError> {
    let caller = facts.caller.get(&Ourselves::Us);
    if let (Some(words), Some(Row::Unknown { unknown: Why::Denied | Why::Refused, .. })) =
        (account.rejected(), caller)
    {
        return Err(LiveError::Rejected(words.to_owned()));
    }
    if let Some(operator) = args.operator.as_ref().filter(|it| is_absent(facts, it)) {
        return Err(LiveError::NoOperator(operator.clone()));
    }
    let Some(Row::Present(caller)) = caller else { return Ok(()) };
    let named = |word: &Asked| match word {
        Asked::Id { arn, .. } => arn.clone(),
        _ => None,
    };
    let foreign = |arn: &Arn| arn.account() != caller.account.as_str();
    match asked.iter().filter_map(named).find(foreign) {
        Some(arn) => Err(LiveError::OtherAccount { arn, ours: caller.account.clone() }),
        None => Ok(()),
    }
}

/// A line on standard error.
fn note(text: &str) {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(io::stderr(), "{}", shown(text, true));
}

/// Has IAM said that it knows no such user or role of this account?
fn is_absent(facts: &Facts, operator: &Arn) -> bool {
    let ours = our_account(facts).is_some_and(|account| account.as_str() == operator.account());
    let kind = operator.resource().split('/').next().unwrap_or_default();
    let name = match kind {
        "assumed-role" => operator.resource().split('/').nth(1).unwrap_or_default(),
        _ => operator.name(),
    };
    let absent = match kind {
        "user" => name.parse().is_ok_and(|it| matches!(facts.users.get(&it), Some(Row::Absent(_)))),
        _ => name.parse().is_ok_and(|it| matches!(facts.roles.get(&it), Some(Row::Absent(_)))),
    };
    ours && absent
}

/// Pipelines set `CI`, most of them to `true`.
fn client(args: &Diagnose) -> Client {
    let ci =
        std::env::var_os("CI").is_some_and(|it| !matches!(it.to_str(), Some("" | "0" | "false")));
    match (args.no_client, ci) {
        (true, _) => Client::Declined,
        (false, true) => Client::Ci,
        (false, false) => Client::Here,
    }
}

fn now() -> Result<Timestamp, LiveError> {
    Timestamp::from_second(jiff::Timestamp::now().as_second()).ok_or(LiveError::Clock)
}

/// One line on standard error that is written over and, at the end, wiped. A pipe gets only the lines of a wait.
struct Progress {
    on: bool,
    width: usize,
}

impl Progress {
    fn new() -> Self {
        let width =
            terminal_size::terminal_size_of(io::stderr()).map_or(80, |it| usize::from(it.0.0));
        Self {
            on: io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|it| it != "dumb"),
            width,
        }
    }

    /// A sign of life: in a pipe a line of its own.
    fn beat(&mut self, text: &str) {
        if self.on { self.say(text) } else { note(text) }
    }

    fn say(&mut self, text: &str) {
        if self.on {
            let text: String =
                shown(text, false).chars().take(self.width.saturating_sub(1)).collect();
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[2K{text}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.on {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}
